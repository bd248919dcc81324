"""Warnings beyond the specification: what is allowed and still mostly a fault. The usual is learned from the vendor's own data.

They are asked from `--min-severity warning` on, never make a rule fail, and are named `H-...`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fiscus.cost.conformance.ask_groups import Groups, ask_group, query_named
from fiscus.cost.conformance.ask_rows import Count, Damage, Purse, count_rows, damage_of
from fiscus.cost.conformance.delivery_facts import MONEY_COLUMN, Facts
from fiscus.cost.conformance.ports import Desk
from fiscus.cost.conformance.row_tests import RowTest
from fiscus.cost.conformance.types import Outcome, Verdict

_PLAIN_USAGE: Final = "ChargeCategory = 'Usage' AND ChargeClass IS NULL AND CommitmentDiscountStatus IS NULL"


@dataclass(frozen=True, slots=True)
class Heuristic:
    """One warning. `test` looks at rows; else `query` names a file of `sql/`, which may need the delivery before (`previous`)."""

    id: str
    title: str
    remedy: str
    test: RowTest | None = None
    query: str = ""
    needs_previous: bool = False


HEURISTICS: Final = (
    Heuristic(
        "H-CostOrder",
        "ListCost is at least ContractedCost, and that at least EffectiveCost, on usage without a commitment",
        "Ask the vendor which discount or surcharge turns the order.",
        RowTest(
            f"coalesce({_PLAIN_USAGE} AND number(ListCost) > 0, false)",
            "coalesce(number(ListCost) < number(ContractedCost) * 0.999999 OR number(ContractedCost) < number(EffectiveCost)"
            " * 0.999999, false)",
        ),
    ),
    Heuristic(
        "H-PeriodContainment",
        "usage that corrects nothing lies within its billing period",
        "Ask whether the rows are late charges: then they should be Corrections.",
        RowTest(
            f"coalesce({_PLAIN_USAGE} AND moment(BillingPeriodStart) IS NOT NULL"
            " AND moment(ChargePeriodStart) IS NOT NULL, false)",
            "coalesce(moment(ChargePeriodStart) < moment(BillingPeriodStart)"
            " OR moment(ChargePeriodEnd) > moment(BillingPeriodEnd), false)",
        ),
    ),
    Heuristic(
        "H-UnitPriceJump", "unit prices do not jump from one day to the next", "Look up the contract: was a change agreed?",
        query="unit_price_jumps",
    ),
    Heuristic(
        "H-RowsTwice", "no charge stands twice", "Remove the copy, or ask the vendor whether a file was sent twice.",
        query="rows_twice",
    ),
    Heuristic(
        "H-DeliveredBefore", "the delivery brings something new", "Check that the newest export was fetched.",
        query="delivered_before", needs_previous=True,
    ),
    Heuristic(
        "H-AccountVanished", "accounts that had charges every day still have some",
        "Ask whether the account was closed; else the export is not whole.", query="accounts_vanished", needs_previous=True,
    ),
    Heuristic(
        "H-LateCharges", "days that were whole before do not grow",
        "Take the late charges into the forecast; reopen the month's books.",
        query="late_charges", needs_previous=True,
    ),
)  # fmt: skip


def warn(desk: Desk, facts: Facts) -> Iterator[Verdict]:
    """A verdict for every heuristic; only Cost and Usage has any."""
    if facts.dataset != "cost_and_usage":
        return
    tests = {one.id: one.test for one in HEURISTICS if one.test is not None}
    purse = Purse(MONEY_COLUMN[facts.dataset], "BilledCost" in facts.delivered)
    counts = count_rows(desk, tests, facts.kind_of, facts.few, purse)
    damage = damage_of(desk, tests, counts, facts.kind_of, purse)
    for one in HEURISTICS:
        if one.test is not None:
            yield _of_rows(one, counts[one.id], damage.get(one.id, Damage()))
        else:
            yield _of_groups(one, desk, facts)


def _of_rows(one: Heuristic, count: Count, damage: Damage) -> Verdict:
    if not count.judged:
        return _verdict(one, "not_applicable", reason="no row meets its condition")
    return _verdict(
        one,
        "fail" if count.broken else "pass",
        Groups(count.broken, places=damage.places, money=damage.money),
        count.judged,
    )


def _of_groups(one: Heuristic, desk: Desk, facts: Facts) -> Verdict:
    query = query_named(one.query)
    missing = [name for name in query.columns if name not in facts.delivered]
    if missing:
        return _verdict(one, "not_applicable", reason=f"the file has no column {missing[0]}")
    if one.needs_previous and "previous" not in desk.beside():
        return _verdict(one, "needs_data", reason="the dataset previous: give it with --with previous=PATH")
    lost = [name for name in query.beside if name not in desk.columns_of("previous")] if one.needs_previous else []
    if lost:
        return _verdict(one, "needs_data", reason=f"the column {lost[0]} of previous")
    groups = ask_group(desk, query.text, facts.kind_of)
    return _verdict(one, "fail" if groups.broken else "pass", groups, facts.rows)


def _verdict(
    one: Heuristic, outcome: Outcome, found: Groups | None = None, judged: int = 0, reason: str = ""
) -> Verdict:
    found = found or Groups()
    return Verdict(
        rule=one.id, entity="CostAndUsage", keyword="HEURISTIC", severity="warning", outcome=outcome, title=one.title,
        judged=judged, broken=found.broken, money=found.money, rows=found.places, reason=reason,
        remedy=one.remedy if outcome == "fail" else "",
    )  # fmt: skip
