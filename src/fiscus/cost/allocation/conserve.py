"""Dividing a whole so that its parts come to it exactly: largest remainder, in the lake's smallest unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final, TypeVar

from fiscus.kernel.money import COST_SCALE, EXACT

Name = TypeVar("Name")
UNITS: Final = 10**COST_SCALE
SHARE_PARTS: Final = 10**12  # a share as the SQL holds it: DECIMAL(13,12), so that cost times share fits 38 digits


def largest_remainder(whole: int, parts: Mapping[Name, Fraction]) -> dict[Name, int]:
    """Integers that come to `whole`, each less than one from its exact part; `parts` come to 1.

    The exact parts are cut down, and what is left goes, one each, to those that lost most; of equal ones, to the first.
    (Hamilton's method; here also for a negative whole, where cutting down is away from zero.)
    """
    exact = {name: whole * part for name, part in parts.items()}
    down = {name: value.numerator // value.denominator for name, value in exact.items()}
    left = whole - sum(down.values())
    assert 0 <= left <= len(parts), "the parts do not come to one"
    for name in sorted(down, key=lambda one: down[one] - exact[one])[:left]:
        down[name] += 1
    return down


def divide_cost(cost: Decimal, parts: Mapping[Name, Fraction]) -> dict[Name, Decimal]:
    """`cost` (at most 12 decimals) as amounts that come to it, to the last digit."""
    units = int(cost.scaleb(COST_SCALE, context=EXACT))
    return {name: as_cost(value) for name, value in largest_remainder(units, parts).items()}


def as_cost(units: int) -> Decimal:
    """A number of the lake's smallest units as a cost."""
    return Decimal(units).scaleb(-COST_SCALE, context=EXACT)


def cut_points(parts: Mapping[Name, Fraction], order: Sequence[Name]) -> dict[Name, tuple[Decimal, Decimal]]:
    """Where each part lies on a line from 0 to 1, at 12 digits: neighbours touch, the last one ends at 1."""
    points, low = {}, 0
    widths = largest_remainder(SHARE_PARTS, parts)
    for name in order:
        high = low + widths[name]
        points[name] = (as_cost(low), as_cost(high))
        low = high
    return points


def rounded(share: Fraction) -> Decimal:
    """A share for people, at 12 digits."""
    return as_cost(round(share * UNITS))
