"""What has changed between two prices of a model: meter by meter, and what that costs at a given usage."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from fiscus.cost.ai.types import ModelPrice
from fiscus.kernel.money import EXACT, ZERO

NONE: Final = "none"
_MILLION: Final = Decimal(1_000_000)
Rates = Mapping[str, str]  # "standard output", "standard output from 200001": a million units cost so much


def rates_of(price: ModelPrice | None) -> dict[str, str]:
    """A price as plain texts that can be kept and compared; empty where there is none."""
    found: dict[str, str] = {}
    for (tier, meter), rates in (price.rates if price else {}).items():
        for rate in rates:
            name = f"{tier} {meter}" + (f" from {rate.context_from}" if rate.context_from else "")
            found[name] = format(rate.per_million, "f")
    return found


def changed(before: Rates, after: Rates) -> dict[str, tuple[str, str]]:
    """Rate -> what it was and what it is, where these differ; `none` where there is or was no such rate."""
    names = sorted({*before, *after})
    pairs = {name: (before.get(name, NONE), after.get(name, NONE)) for name in names}
    return {name: pair for name, pair in pairs.items() if not _same(*pair)}


def extra_cost(steps: Mapping[str, Any], used: Mapping[tuple[str, str], Decimal]) -> Decimal:
    """What the steps add to the cost of `used` ((tier, meter) -> quantity); less than zero: they save it.

    Only rates that hold from the first token on are multiplied: how much of the usage had a long context is not known here.
    """
    cost = ZERO
    for name, (before, after) in steps.items():
        tier, meter, *more = name.split(" ")
        if not more and NONE not in {before, after}:
            step = EXACT.subtract(Decimal(after), Decimal(before))
            cost = EXACT.add(cost, EXACT.multiply(step, used.get((tier, meter), ZERO)))
    return EXACT.divide(cost, _MILLION)


def said(steps: Mapping[str, Any], currency: str) -> str:
    """The steps in plain words: the standard rates from the first token on, else how many others."""
    plain = [(name, pair) for name, pair in steps.items() if name.startswith("standard ") and name.count(" ") == 1]
    parts = [_step(name.removeprefix("standard "), pair, currency) for name, pair in plain]
    rest = len(steps) - len(plain)
    if rest:
        parts.append(
            f"{rest} other rate{'' if rest == 1 else 's'}" if parts else f"{rest} rates of other tiers or contexts"
        )
    return ", ".join(parts)


def _step(meter: str, pair: tuple[str, str], currency: str) -> str:
    meter, (before, after) = meter.replace("_", " "), pair
    if before == NONE:
        return f"{meter} now {after} {currency} a million"
    if after == NONE:
        return f"{meter} without a price, was {before} {currency} a million"
    old, new = Decimal(before), Decimal(after)
    percent = f" ({(new - old) / old * 100:+.0f} %)" if old else ""
    return f"{meter} from {before} to {after} {currency} a million{percent}"


def _same(before: str, after: str) -> bool:
    return before == after or (NONE not in {before, after} and Decimal(before) == Decimal(after))
