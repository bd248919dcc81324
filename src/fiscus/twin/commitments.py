"""Commitments: what is bought, what of it is used, what is wasted, and what it does not cover.

Of each day, EffectiveCost over Used and Unused rows equals what the commitment costs that day, to the last digit (FOCUS
invariant: over the term it equals the BilledCost of the purchase). Covered rows are billed at zero, purchases effective at zero.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from fiscus.twin.line import MONEY, UNIT, Account, Book, Commitment, Facts, Ints, Line, Sku, join_facts, no_facts
from fiscus.twin.meter import Metered, World, facts_of, usage_facts

HOURS_A_DAY: Final = 24


@dataclass(frozen=True, slots=True)
class Term:
    """A commitment as planned. Days count from the as-of day (negative: before). `level` is the share of days it covers whole."""

    key: str
    id: str
    name: str
    category: str
    type: str
    payment: str
    percent: int
    level: float
    starts: int
    ends: int


TERMS: Final[Mapping[str, tuple[Term, ...]]] = {
    "aws": (
        Term("sp-core", "arn:aws:savingsplans::111100001001:savingsplan/7d0c1a52", "Compute SP core 2026", "Spend", "Compute Savings Plans", "daily", 72, 0.75, -290, 75),
        Term("sp-robotics", "arn:aws:savingsplans::111100001001:savingsplan/c41e88b0", "Compute SP robotics 2026", "Spend", "Compute Savings Plans", "daily", 74, 0.60, -210, 155),
        Term("sp-fleet", "arn:aws:savingsplans::111100001001:savingsplan/19be03d7", "Compute SP fleet control 2025", "Spend", "Compute Savings Plans", "daily", 72, 0.30, -398, -33),
        Term("ri-rds", "arn:aws:rds:us-east-1:111100001001:ri:nw-rds-2026", "RDS r6g reserved 2026", "Usage", "Reserved Instances", "upfront", 62, 0.55, -240, 125),
    ),
    "azure": (
        Term("az-erp", "/providers/Microsoft.Capacity/reservationOrders/5a77c0de/reservations/91fe", "ERP E16s v5 reservation", "Usage", "Reservation", "monthly", 63, 0.70, -420, 675),
    ),
    "gcp": (
        Term("cud-bq", "projects/nw-analytics-prod/commitments/bq-slots-2026", "BigQuery slots 1 year", "Spend", "Spend-based CUD", "daily", 80, 0.40, -180, 185),
    ),
}  # fmt: skip
EXPIRED: Final = "sp-fleet"
SIZED_ON_DAYS: Final = 180  # a commitment is sized on the days around its purchase that the simulation has


def cover(source: str, metered: Metered, world: World, payer: tuple[Account, Sku]) -> Book:
    """The bill of `metered`: covered by the source's commitments where flagged, on demand for the rest."""
    lines: list[Line] = list(metered.lines)
    left = metered.quantity.copy()
    parts: list[Facts] = []
    for term in TERMS.get(source, ()):
        chosen = np.array([n for n, flags in enumerate(metered.flags) if flags.get("cover") == term.key], np.int64)
        bought = _buy(term, metered, chosen, world)
        covered = _covered(bought, metered, chosen, left)
        left[chosen] -= covered
        used, facts = _used(bought, metered, chosen, covered, world)
        parts.append(_shifted(facts, len(lines)))
        lines += used
        own, owed = _own_rows(bought, facts, payer, source, world)
        parts.append(_shifted(owed, len(lines)))
        lines += own
    parts.append(usage_facts(metered.lines, left, world.timeline))
    return Book(source, tuple(lines), join_facts(parts))


@dataclass(frozen=True, slots=True)
class Bought:
    """A term with its size: `hourly` money and `rate` per hour (Usage), both in millionths; days of the timeline in force."""

    term: Term
    hourly: int
    rate: int
    first: int
    last: int

    @property
    def daily(self) -> int:
        """What a day of it costs, 10^-12."""
        return self.hourly * HOURS_A_DAY * UNIT

    def price(self, sku: Sku) -> int:
        """What a covered unit costs."""
        return sku.list_price * self.term.percent // 100


def _buy(term: Term, metered: Metered, chosen: Ints, world: World) -> Bought:
    today = world.timeline.today
    first, last = today + term.starts, today + term.ends
    middle = min(max(first, 0) + 45, max(today - SIZED_ON_DAYS // 2, 0))
    window = slice(max(0, middle - SIZED_ON_DAYS // 2), middle + SIZED_ON_DAYS // 2)
    rates = np.array([metered.lines[n].sku.list_price * term.percent // 100 for n in chosen], np.int64)
    need = (metered.quantity[chosen] * rates[:, None]).sum(axis=0)[window]
    a_day = float(np.quantile(need / MONEY, term.level))
    rate = int(rates[0])
    if term.category == "Usage":
        hourly = max(1, round(a_day * UNIT / HOURS_A_DAY / rate)) * rate
    else:
        hourly = max(1, round(a_day / HOURS_A_DAY * 100)) * (UNIT // 100)
    return Bought(term, hourly, rate, first, last)


def _covered(bought: Bought, metered: Metered, chosen: Ints, left: Ints) -> Ints:
    days = left.shape[1]
    rates = np.array([bought.price(metered.lines[n].sku) for n in chosen], np.int64)
    need = (left[chosen] * rates[:, None]).sum(axis=0)
    in_force = (np.arange(days) >= bought.first) & (np.arange(days) < bought.last)
    fits = need <= bought.daily
    share = np.where(need > 0, bought.daily / np.maximum(need, 1), 0.0) * (
        1 - 1e-9
    )  # the floor must stay below the commitment
    part = np.floor(left[chosen] * np.minimum(share, 1.0)).astype(np.int64)
    return np.where(in_force, np.where(fits, left[chosen], part), 0)


def _used(bought: Bought, metered: Metered, chosen: Ints, covered: Ints, world: World) -> tuple[list[Line], Facts]:
    commitment = _label(bought)
    lines = [replace(metered.lines[n], commitment=commitment, status="Used", pricing="Committed") for n in chosen]
    facts = usage_facts(lines, covered, world.timeline)
    rates = np.array([bought.price(line.sku) for line in lines], np.int64)[facts.line]
    effective = facts.quantity * rates
    committed = effective if bought.term.category == "Spend" else facts.quantity * UNIT
    return lines, replace(facts, billed=np.zeros(len(facts), np.int64), effective=effective, committed=committed)


def _own_rows(
    bought: Bought, used: Facts, payer: tuple[Account, Sku], source: str, world: World
) -> tuple[list[Line], Facts]:
    """The Unused row of each day and the purchases."""
    timeline = world.timeline
    days = np.arange(max(bought.first, 0), min(bought.last, timeline.days))
    if not len(days):
        return [], no_facts()
    spent = np.zeros(timeline.days, np.int64)
    np.add.at(spent, used.day, used.effective)
    unused = bought.daily - spent[days]
    assert (unused >= 0).all(), "a commitment covers no more than it costs"
    wasted = days[unused > 0]
    zeros = np.zeros(len(wasted), np.int64)
    left = unused[unused > 0]
    rows = facts_of(timeline, zeros, wasted, costs=(zeros, zeros, zeros, left))
    per_hour = left if bought.term.category == "Spend" else left // bought.rate * UNIT
    rows = replace(rows, committed=per_hour)
    return _own_lines(bought, payer, source, world), join_facts([rows, _purchases(bought, world)])


def _own_lines(bought: Bought, payer: tuple[Account, Sku], source: str, world: World) -> list[Line]:
    account, like = payer
    term = bought.term
    sku = replace(
        like, id=f"{term.key}-commitment", price_id=f"{term.key}-commitment-1yr", meter=term.name, text=term.name,
        unit="Hours", consumed_unit="Hours", consumed_per_unit=1, list_price=bought.hourly, contracted_price=bought.hourly,
        resource_type=term.type, details={},
    )  # fmt: skip
    seen = world.tagger.attribution.seen(source, account, None)
    unused = Line(
        source, sku, account, seen, None, resource_id=term.id, resource_name=term.name, pricing="Committed",
        text=f"{term.name}: not used", commitment=_label(bought), status="Unused",
    )  # fmt: skip
    frequency = "One-Time" if term.payment == "upfront" else "Recurring"
    purchase = replace(
        unused, category="Purchase", pricing="Standard", status="", frequency=frequency, text=f"{term.name}: purchase"
    )
    return [unused, purchase]


def _purchases(bought: Bought, world: World) -> Facts:
    timeline = world.timeline
    periods = _payment_periods(bought, timeline.month_starts().tolist(), timeline.days)
    if not periods:
        return no_facts()
    day, span = (np.array(column, np.int64) for column in zip(*periods, strict=True))
    quantity = span * HOURS_A_DAY * UNIT
    cost = quantity * bought.hourly
    price = np.full(len(day), bought.hourly, np.int64)
    facts = facts_of(
        timeline, np.ones(len(day), np.int64), day, quantity=quantity, prices=(price, price),
        costs=(cost, cost, cost, np.zeros(len(day), np.int64)),
    )  # fmt: skip
    committed = cost if bought.term.category == "Spend" else quantity * UNIT * (bought.hourly // bought.rate)
    return replace(facts, span=span, committed=committed)


def _payment_periods(bought: Bought, month_starts: Sequence[int], days: int) -> list[tuple[int, int]]:
    """(first day, days) of each payment that the simulation sees."""
    first, last = bought.first, bought.last
    if bought.term.payment == "upfront":
        return [(first, last - first)] if first >= 0 else []
    if bought.term.payment == "daily":
        return [(day, 1) for day in range(max(first, 0), min(last, days))]
    months = itertools.pairwise(month_starts)
    cut = [(max(start, first), min(end, last)) for start, end in months]
    return [(start, end - start) for start, end in cut if start < end]


def _label(bought: Bought) -> Commitment:
    term = bought.term
    return Commitment(
        term.id,
        term.name,
        term.category,
        term.type,
        bought.hourly,
        bought.first,
        bought.last,
        term.payment,
        term.percent,
    )


def _shifted(facts: Facts, lines: int) -> Facts:
    return replace(facts, line=facts.line + lines)
