"""Drawing lots down: each day's use is taken from the lot that ends first among those that hold on that day. Pure and exact.

Earliest end first is how vendors count, and what loses least; a lot holds for the charge period of its purchase (FOCUS 1.2 to
1.4, ChargePeriodEnd of a One-Time Purchase). What a correction gives back returns to the lots that it was taken from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from fiscus.cost.prepaid.types import Balance, Draw, Lot, Rest
from fiscus.kernel.money import EXACT, ZERO, round_cost, total


@dataclass(slots=True)
class _Open:
    """A lot while it is drawn down."""

    lot: Lot
    left: Decimal


def draw_down(lots: Sequence[Lot], draws: Sequence[Draw], as_of: date) -> Balance:
    """The balance at the start of `as_of`: what was used before then, and what still holds."""
    stock = [_Open(lot, lot.quantity) for lot in sorted(lots, key=_order)]
    before = sorted((one for one in draws if one.day < as_of and not one.lapsed), key=lambda one: one.day)
    unmet = ZERO
    for draw in before:
        unmet = EXACT.add(unmet, _take(stock, draw))
    lapsed = total([one.quantity for one in draws if one.lapsed and one.end <= as_of])
    rest = _lapse([one for one in stock if one.lot.end <= as_of], lapsed)
    over = total([one.left for one in stock if one.lot.end <= as_of])
    holds = [one for one in stock if one.lot.start <= as_of < one.lot.end]
    later = [one for one in stock if one.lot.start > as_of]
    return Balance(
        bought=total([lot.quantity for lot in lots]),
        drawn=total([one.quantity for one in before]),
        lapsed=lapsed,
        to_lapse=over,
        available=total([one.left for one in holds]),
        to_come=total([one.left for one in later]),
        overdrawn=EXACT.add(unmet, rest),
        ends=max((one.lot.end for one in (*holds, *later) if one.left > ZERO), default=None),
        rests=_rests([one for one in (*holds, *later) if one.left]),
    )


def _order(lot: Lot) -> tuple[date, date, Decimal, Decimal]:
    """What ends first is taken first; of lots of one term, always the same one."""
    return (lot.end, lot.start, lot.quantity, lot.billed)


def _rests(stock: Sequence[_Open]) -> tuple[Rest, ...]:
    """A purchase that was taken back is a lot below nothing: it counts against what ends with it."""
    made = []
    for end in sorted({one.lot.end for one in stock}):
        mine = [one for one in stock if one.lot.end == end]
        paid = [EXACT.divide(EXACT.multiply(one.lot.billed, one.left), one.lot.quantity) for one in mine]
        made.append(Rest(end, total([one.left for one in mine]), round_cost(total(paid))))
    return tuple(one for one in made if one.quantity > ZERO)


def _take(stock: Sequence[_Open], draw: Draw) -> Decimal:
    """Take from the lots that hold; what none of them has. A negative draw gives back, the last lot first."""
    wanted = draw.quantity
    holding = [one for one in stock if one.lot.start <= draw.day < one.lot.end]
    if wanted < ZERO:
        for one in reversed(holding):
            back = min(-wanted, EXACT.subtract(one.lot.quantity, one.left))
            one.left, wanted = EXACT.add(one.left, back), EXACT.add(wanted, back)
        return wanted
    for one in holding:
        part = max(min(wanted, one.left), ZERO)
        one.left, wanted = EXACT.subtract(one.left, part), EXACT.subtract(wanted, part)
    return wanted


def _lapse(stock: Sequence[_Open], lapsed: Decimal) -> Decimal:
    """Take what the vendor says is lost from the lots that are over; what none of them has."""
    for one in stock:
        part = max(min(lapsed, one.left), ZERO)
        one.left, lapsed = EXACT.subtract(one.left, part), EXACT.subtract(lapsed, part)
    return lapsed
