"""What was paid for a commitment against what its Used and Unused rows amortise. Pure; one commitment, one currency.

FOCUS 1.1 to 1.4, CommitmentDiscountId: over the term of a commitment the EffectiveCost of its Used and Unused rows is the
BilledCost of its purchases. Before the term is over, a payment is due by the part of its charge period that the bills have
reached, by time; what is not due yet stands as paid in advance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Final, Literal

from fiscus.kernel.money import EXACT, ZERO, display, round_cost, total

State = Literal["ties", "running", "drawn_down", "differs", "begun_before", "no_purchase", "no_usage"]
CENT: Final = Decimal("0.01")
ROUNDING: Final = Decimal("0.000001")  # of what was paid: vendors round each row
STRAIGHT_LINE_TOLERANCE: Final = Decimal(
    "0.02"
)  # of a running payment: vendors amortise by the hour, the day or the month


@dataclass(frozen=True, slots=True)
class Payment:
    """Purchases of one commitment with the same charge period [start, end), which the bills have not reached the end of."""

    start: datetime
    end: datetime
    billed: Decimal


@dataclass(frozen=True, slots=True)
class Paid:
    """All that the bills say of a commitment's money. `over`: BilledCost of purchases whose charge period is over.

    `landed`: until when usage has come, of the sources that have its own; `begins`: the source's first usage; `first_use`: the
    commitment's.
    `unused_seen`: some row of it is Unused, so what nobody uses is lost with its hour, and not left for later.
    """

    over: Decimal
    open: Sequence[Payment]
    amortised: Decimal
    landed: datetime
    begins: datetime
    first_use: datetime | None
    unused_seen: bool = True


@dataclass(frozen=True, slots=True)
class Amortisation:
    """`purchased` = `due` + `in_advance`; `difference` = `amortised` - `due`, exact where nothing runs.

    `state`: ties; running (a payment's period runs on, and so far it goes straight); drawn_down (paid in advance and taken from
    as it is used, whenever that is: the rest is a balance); differs; begun_before (the bills start in its term, so an earlier
    payment is not on them); no_purchase, no_usage.
    """

    purchased: Decimal
    due: Decimal
    in_advance: Decimal
    amortised: Decimal
    difference: Decimal
    state: State
    sentence: str


def amortise(paid: Paid, currency: str) -> Amortisation:
    """Hold the purchases against Used + Unused."""
    running = total([one.billed for one in paid.open])
    purchased = EXACT.add(paid.over, running)
    in_advance = round_cost(total([_ahead(one, paid.landed) for one in paid.open]))
    due = EXACT.subtract(purchased, in_advance)
    difference = EXACT.subtract(paid.amortised, due)
    state = _state(paid, purchased, difference, running)
    if state == "drawn_down":
        due, in_advance, difference = paid.amortised, EXACT.subtract(purchased, paid.amortised), ZERO
    said = _sentence(state, difference, in_advance, currency)
    return Amortisation(purchased, due, in_advance, paid.amortised, difference, state, said)


def _ahead(one: Payment, landed: datetime) -> Decimal:
    """The part of a payment whose time has not come."""
    if landed <= one.start:
        return one.billed
    with localcontext(EXACT):
        whole, left = (one.end - one.start).total_seconds(), (one.end - landed).total_seconds()
        return one.billed * Decimal(int(left)) / Decimal(int(whole))


def _state(paid: Paid, purchased: Decimal, difference: Decimal, running: Decimal) -> State:
    if paid.first_use is None:
        return "no_usage"
    began_before = paid.first_use <= paid.begins
    if purchased == ZERO:
        return "no_purchase"
    if running == ZERO and difference == ZERO:
        return "ties"
    gap = max(CENT, EXACT.multiply(abs(purchased), ROUNDING), EXACT.multiply(abs(running), STRAIGHT_LINE_TOLERANCE))
    if abs(difference) < gap:
        return "running" if running else "ties"
    if running and not paid.unused_seen and paid.over <= paid.amortised <= purchased:
        return "drawn_down"
    if difference > ZERO and began_before:
        return "begun_before"
    return "differs"


def _sentence(state: State, difference: Decimal, in_advance: Decimal, currency: str) -> str:
    apart, ahead = (f"{display(abs(amount))} {currency}" for amount in (difference, in_advance))
    rest = f", but for {abs(difference):f} {currency} of rounding" if difference else ", to the last digit"
    more = "more" if difference > ZERO else "less"
    said: Mapping[State, str] = {
        "ties": f"What was paid is what its used and unused parts cost{rest}.",
        "running": f"{ahead} are paid in advance; what is due so far is amortised.",
        "drawn_down": f"{ahead} are paid and not drawn yet.",
        "begun_before": f"Its bills start within its term: {apart} more are amortised than the purchases on them.",
        "no_purchase": "No bill has its purchase: it was bought before them, or by an account whose bills are not here.",
        "no_usage": "It was paid for, and no bill has a used or unused row of it.",
        "differs": f"{apart} {more} are amortised than were paid: the bills do not tie.",
    }
    return said[state]
