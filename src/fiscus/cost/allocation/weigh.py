"""What part of a pool each target takes, by the rule's method, for one month and one currency."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction

from fiscus.cost.allocation.types import STAYS, Rule, Target, Weighed
from fiscus.kernel.money import ZERO

NO_DRIVER = "nothing to share it by"


def weigh(rule: Rule, month: str, measured: Mapping[Target, Decimal], part: str = "") -> Weighed:
    """The parts of 1 that each target takes; what is not given stays. `measured`: what the lake says of each target.

    `measured` is used by proportional and metric, and by even where no targets are named (all that have any). An amount below
    zero weighs nothing: a target whose credits exceed its cost does not lower what the others pay below their share.
    """
    if rule.method == "split":
        return _named(rule, part)
    if rule.method == "fixed":
        parts = {target: Fraction(share) / 100 for target, share in rule.shares.items() if share}
        return Weighed(
            parts, dict(rule.shares), 1 - sum(parts.values(), Fraction(0)), "its shares come to less than 100 %"
        )
    told = rule.drivers.get(month, {}) if rule.method in {"telemetry", "opencost"} else measured
    drivers = {target: amount for target, amount in told.items() if amount > ZERO and _wanted(rule, target)}
    if rule.method == "even":
        return _even(rule.targets or tuple(drivers), {})
    whole = sum(map(Fraction, drivers.values()), Fraction(0))
    stays = Fraction(drivers.pop(STAYS, ZERO))
    if not drivers:
        return _without_driver(rule, month)
    parts = {target: Fraction(amount) / whole for target, amount in drivers.items()}
    return Weighed(parts, drivers, stays / whole, "its file names nobody for it" if stays else "")


def _named(rule: Rule, part: str) -> Weighed:
    """The target that the charge itself names."""
    assert rule.split is not None
    value = rule.split.target(part)
    target = Target(rule.to, value)
    if not value or not _wanted(rule, target):
        return Weighed({}, {}, Fraction(1), f"{rule.split.by} names nobody")
    return Weighed({target: Fraction(1)}, {})


def _even(targets: Iterable[Target], drivers: Mapping[Target, Decimal]) -> Weighed:
    named = list(targets)
    if not named:
        return Weighed({}, {}, Fraction(1), NO_DRIVER)
    return Weighed(dict.fromkeys(named, Fraction(1, len(named))), drivers)


def _without_driver(rule: Rule, month: str) -> Weighed:
    told = f"{rule.source_file} tells nothing of {month}" if rule.source_file else NO_DRIVER
    if rule.otherwise == "even" and rule.targets:
        return _even(rule.targets, {})
    return Weighed({}, {}, Fraction(1), told)


def _wanted(rule: Rule, target: Target) -> bool:
    if target == STAYS:
        return True
    return (not rule.targets or target in rule.targets) and target.value not in rule.excepted
