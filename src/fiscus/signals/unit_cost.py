"""Cost per outcome, and why it changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from fiscus.kernel.errors import BadInput
from fiscus.kernel.money import EXACT, ZERO
from fiscus.signals.types import UnitCost

_PRICE_PLACES: Final = Decimal("1e-18")


@dataclass(frozen=True, slots=True)
class CostChange:
    """Why a cost moved between two periods: `price` + `volume` = `total`, exactly.

    Volume: the change of volume at the old price. Price: the rest, which is the change of price at the new volume.
    """

    total: Decimal
    price: Decimal
    volume: Decimal


def unit_cost(name: str, unit: str, cost: Decimal, volume: Decimal, currency: str, **dimensions: str) -> UnitCost:
    """`cost` per `unit`; no price where there was no volume. Raises BadInput for a negative volume."""
    if volume < 0:
        raise BadInput(f"{name} has a negative volume: {volume}", remedy="Give outcomes as counts of zero or more.")
    price = EXACT.divide(cost, volume).quantize(_PRICE_PLACES, context=EXACT) if volume else None
    found: Mapping[str, str] = dimensions
    return UnitCost(name, unit, currency, cost, volume, price, found)


def explain_change(before: UnitCost, after: UnitCost) -> CostChange:
    """Split the change of cost into price and volume. Without a price before, all of it is volume: nothing was bought then.

    Raises BadInput when the two are in different currencies or units.
    """
    if (before.currency, before.unit) != (after.currency, after.unit):
        raise BadInput(
            f"{before.name} is in {before.currency} per {before.unit}, {after.name} in {after.currency} per {after.unit}",
            remedy="Compare costs of one currency and one unit.",
        )
    moved = EXACT.subtract(after.cost, before.cost)
    if ZERO in {before.volume, after.volume}:
        return CostChange(moved, ZERO, moved)
    at_old_price = EXACT.divide(EXACT.multiply(before.cost, after.volume), before.volume)
    at_old_price = at_old_price.quantize(_PRICE_PLACES, context=EXACT)
    return CostChange(moved, EXACT.subtract(after.cost, at_old_price), EXACT.subtract(at_old_price, before.cost))
