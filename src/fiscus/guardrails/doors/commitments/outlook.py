"""A commitment before it is bought: what it would have covered, used and saved on the days that the bills know. Pure.

All amounts are of one currency. `hourly` is what is owed an hour, used or not (an upfront part spread over the term included).
A commitment of a discount d covers usage worth hourly / (1 - d) an hour at what it costs without it.

- coverage = covered eligible cost / eligible cost, both at on-demand cost (FinOps Framework, Rate Optimization; FOCUS 1.4:
  covered is CommitmentDiscountStatus = 'Used'; eligible is covered, or Usage at PricingCategory = 'Standard');
- utilisation = used / purchased;
- break-even utilisation = what it costs / what it covers at on-demand cost = 1 - d: used less, it costs more than it saves;
- break-even months = everything owed / what its usage costs on demand in a month: stopped then, it has cost no more than no
  commitment would have;
- exposure = what is owed and not yet due, at the start of each month; commitments that exist are added;
- downside: everything eligible falls by 20 %, and what is covered already is used first.
Days, not hours, are judged: what a day's usage leaves idle in its nights shows only where utilisation is low by the day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Final, Literal

from fiscus.guardrails.doors.commitments.types import MonthOwed
from fiscus.kernel.money import EXACT, ZERO
from fiscus.kernel.periods import Month

CommitmentKind = Literal["savings_plan", "reservation", "cud", "prepaid"]
PaymentOption = Literal["no_upfront", "partial_upfront", "all_upfront"]
NEVER_MONTHS: Final = Decimal(
    1200
)  # a break-even that does not come: a hundred years, so that a condition on it still works
FALL: Final = Decimal("0.2")
HOURS_A_DAY: Final = Decimal(24)
DAYS_A_MONTH: Final = Decimal(365) / Decimal(12)
_ONE: Final = Decimal(1)
_SHARE: Final = Decimal("0.000001")
_CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class EligibleDay:
    """One day of usage that the commitment could cover: what ran on demand, and what commitments covered, at on-demand cost.

    `used` and `unused`: what the commitments that exist cost that day, by whether anything used them.
    """

    day: date
    on_demand: Decimal
    covered: Decimal
    used: Decimal
    unused: Decimal


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would be bought. `discount` is a share: 0.28 is 28 % off on demand. Prepaid is drawn down, not hourly."""

    kind: CommitmentKind
    payment: PaymentOption
    hourly: Decimal
    discount: Decimal
    upfront: Decimal
    starts: date
    term_months: int

    @property
    def ends(self) -> date:
        """The first day that it does not cover."""
        return months_after(self.starts, self.term_months)

    @property
    def days(self) -> int:
        return (self.ends - self.starts).days

    @property
    def total(self) -> Decimal:
        """Everything that is owed over the term."""
        return EXACT.multiply(self.hourly * HOURS_A_DAY, Decimal(self.days))


@dataclass(frozen=True, slots=True)
class Standing:
    """A commitment that exists: what it costs a day, and its last day where a bill says it (None: no bill does)."""

    id: str
    name: str
    type: str
    per_day: Decimal
    ends: date | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """The judgement. Shares are of one; `utilisation` None: nothing exists that could be used. Money by the month or the term.

    `utilisation_low` and `_high`: the 10th and 90th percentile over the days. `saving_after_fall`: over the term, negative is a
    loss; `downside` is that loss, 0 when there is none.
    """

    history_days: int
    eligible_per_month: Decimal
    coverage: Decimal
    coverage_after: Decimal
    utilisation: Decimal | None
    utilisation_after: Decimal
    utilisation_low: Decimal
    utilisation_high: Decimal
    break_even_utilisation: Decimal
    break_even_months: Decimal
    total: Decimal
    monthly_saving: Decimal
    saving_after_fall: Decimal
    downside: Decimal
    exposure: Decimal
    owed: tuple[MonthOwed, ...]


def outlook(proposal: Proposal, days: Sequence[EligibleDay], standing: Sequence[Standing]) -> Outlook:
    """Judge `proposal` on `days` (each day of the window once, days without usage included; at least one)."""
    assert days, "no day, no judgement"
    assert ZERO <= proposal.discount < _ONE
    with localcontext(EXACT):
        room = proposal.hourly * HOURS_A_DAY / (_ONE - proposal.discount)  # on-demand worth of a day of it
        taken = _taken(proposal, [day.on_demand for day in days], room)
        daily = [_share(min(day.on_demand, room), room) for day in days]
        eligible = sum((day.on_demand + day.covered for day in days), ZERO)
        covered = sum((day.covered for day in days), ZERO)
        used, unused = sum((day.used for day in days), ZERO), sum((day.unused for day in days), ZERO)
        count = Decimal(len(days))
        a_day = taken / count
        fallen = [max((day.on_demand + day.covered) * (_ONE - FALL) - day.covered, ZERO) for day in days]
        after_fall = (_taken(proposal, fallen, room) / count - proposal.hourly * HOURS_A_DAY) * proposal.days
        owed = tuple(_owed(proposal, standing))
        return Outlook(
            history_days=len(days),
            eligible_per_month=_cents(eligible / count * DAYS_A_MONTH),
            coverage=_share(covered, eligible),
            coverage_after=_share(covered + taken, eligible),
            utilisation=_share(used, used + unused) if used + unused else None,
            utilisation_after=_share(taken, room * count),
            utilisation_low=_nearest_rank(daily, 10),
            utilisation_high=_nearest_rank(daily, 90),
            break_even_utilisation=(_ONE - proposal.discount).quantize(_SHARE),
            break_even_months=_break_even(proposal.total, a_day * DAYS_A_MONTH),
            total=_cents(proposal.total),
            monthly_saving=_cents((a_day - proposal.hourly * HOURS_A_DAY) * DAYS_A_MONTH),
            saving_after_fall=_cents(after_fall),
            downside=_cents(max(-after_fall, ZERO)),
            exposure=owed[0].proposed + owed[0].existing,
            owed=owed,
        )


def months_after(day: date, months: int) -> date:
    """The same day of a later month, or that month's last."""
    month = Month.of(day).shift(months)
    return month.start + timedelta(days=min(day.day, month.days) - 1)


def _taken(proposal: Proposal, on_demand: Sequence[Decimal], room: Decimal) -> Decimal:
    """On-demand cost of the usage that it takes over the days: by the day, what fits; prepaid, what is not drawn down yet."""
    if proposal.kind == "prepaid":
        return min(sum(on_demand, ZERO), room * len(on_demand))
    return sum((min(cost, room) for cost in on_demand), ZERO)


def _owed(proposal: Proposal, standing: Sequence[Standing]) -> list[MonthOwed]:
    """Month by month over the term. What exists and has no known end is counted to the end of the term: more, never less."""
    months, month = [], Month.of(proposal.starts)
    while month.start < proposal.ends:
        start = max(month.start, proposal.starts)
        ours = EXACT.multiply(proposal.hourly * HOURS_A_DAY, Decimal((proposal.ends - start).days))
        theirs = [one.per_day * max(((one.ends or proposal.ends) - start).days, 0) for one in standing]
        months.append(MonthOwed(month, _cents(ours), _cents(sum(theirs, ZERO))))
        month = month.shift(1)
    return months


def _break_even(owed: Decimal, monthly: Decimal) -> Decimal:
    if monthly <= ZERO:
        return NEVER_MONTHS
    return min((owed / monthly).quantize(_CENT), NEVER_MONTHS)


def _nearest_rank(values: Sequence[Decimal], percent: int) -> Decimal:
    """The value below which `percent` per cent of them lie (nearest rank)."""
    rank = -(-len(values) * percent // 100)
    return sorted(values)[max(rank, 1) - 1]


def _share(part: Decimal, whole: Decimal) -> Decimal:
    return (part / whole).quantize(_SHARE) if whole > ZERO else ZERO.quantize(_SHARE)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT)
