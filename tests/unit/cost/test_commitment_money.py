"""Commitments on the bills: the spec's own scenarios by hand, the laws of the sums, and what is told before one ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bills import ROW, deliver, write_csv
from tests.fixtures.company import open_company
from tests.fixtures.judging import AS_OF, charge, company_with_bills, days, tags
from tests.spec_files import spec_rows

from fiscus.cost import upgrade
from fiscus.cost.commitments.amortisation import Paid, Payment, amortise
from fiscus.cost.commitments.read_commitments import groups_query, read_groups
from fiscus.cost.commitments.use_figures import UseGroup, break_even_months, figures, percent
from fiscus.cost.types import IngestOptions, Source
from fiscus.cost.versions import CONTRACT_KEYS
from fiscus.flows.find_commitments import commitment_findings
from fiscus.flows.ingest_bills import ingest_files
from fiscus.flows.request_purchase import record_purchase
from fiscus.flows.show_commitments import CommitmentUse, show_commitments
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.doors.purchases.purchase_request import parse_purchase
from fiscus.kernel.actor import Actor
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.money import ZERO, total
from fiscus.kernel.progress import Silent

SCENARIOS = "spec-1.2-examples/commitment_discount_scenarios"
FLEXIBLE = "spec-1.2-examples/commitment_discount_flexibility"
EXAMPLES = {
    "whole": [f"{FLEXIBLE}/one_hundred_percent_utilization_without_commitment_discount_flexibility"],
    "two": [f"{FLEXIBLE}/one_hundred_percent_utilization_with_commitment_discount_flexibility_with_2_resources"],
    "third": [f"{FLEXIBLE}/one_hundred_percent_utilization_with_commitment_discount_flexibility_with_1_resource"],
    "quarter": [
        f"{SCENARIOS}/commitment_discount_purchase_scenario_1",
        f"{SCENARIOS}/commitment_discount_usage_scenario_3",
    ],
    "nothing": [f"{SCENARIOS}/commitment_discount_usage_scenario_2"],
}
YEAR = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
FIRST = AS_OF - timedelta(days=20)
PLAN = {
    "CommitmentDiscountId": "sp-1", "CommitmentDiscountName": "SP core", "CommitmentDiscountType": "Savings Plan",
    "CommitmentDiscountCategory": "Spend",
}  # fmt: skip


def covered(day: date, paid: str, on_demand: str, team: str = "ml", **more: str) -> dict[str, str]:
    return {
        **charge(day, paid, Tags=tags(team)), **PLAN, "CommitmentDiscountStatus": "Used", "PricingCategory": "Committed",
        "BilledCost": "0", "ContractedCost": on_demand, "ListCost": on_demand, **more,
    }  # fmt: skip


def unused(day: date, paid: str, **more: str) -> dict[str, str]:
    return covered(day, paid, "0", "finops") | {"CommitmentDiscountStatus": "Unused", "ListCost": "0"} | more


def bought(start: date, end: date, billed: str, frequency: str = "One-Time") -> dict[str, str]:
    return {
        **charge(start, "0"), **PLAN, "ChargeCategory": "Purchase", "ChargeFrequency": frequency, "BilledCost": billed,
        "ChargePeriodEnd": f"{end}T00:00:00Z", "PricingCategory": "Standard",
    }  # fmt: skip


def on_demand(day: date, cost: str, team: str = "ml") -> dict[str, str]:
    return charge(day, cost, Tags=tags(team), ContractedCost=cost, ListCost=cost) | {"BilledCost": cost}


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Workspace:
    """The examples of FOCUS 1.2 in one lake, each a service and commitment of its own; that of 1.5's draft is a source beside."""
    home, data = tmp_path_factory.mktemp("spec"), shared_data / "focus"
    ws = open_company(home, clock=SteppedClock(datetime(2023, 1, 2, 12, tzinfo=UTC)))
    rows = []
    for name, files in EXAMPLES.items():
        for row in (row for file in files for row in spec_rows(data / f"{file}.csv")):
            mine = {"CommitmentDiscountId": name} if row.get("CommitmentDiscountId") else {}
            rows.append({**row, "ServiceName": name, **mine})
    columns = {name for row in rows for name in row}
    rows = [{**dict.fromkeys(columns, ""), **row} for row in rows]
    path = write_csv(home / "spec.csv", rows, drop=[name for name in ROW if name not in columns])
    deliver(ws, path, source=Source("spec", default_currency="USD"))
    drawn = spec_rows(data / "ai-1.5-draft" / "drawdown_via_prepayment_ai_model_api.csv")
    path = write_csv(home / "drawn.csv", drawn, drop=[name for name in ROW if name not in drawn[0]])
    deliver(ws, path, source=Source("drawn"))
    return ws


def of(ws: Workspace, name: str) -> CommitmentUse:
    return next(one for one in show_commitments(ws).lines if one.id == name)


class TestTheSpecificationsOwnFiles:
    """FOCUS 1.2, examples of commitment discounts, as of the day after them."""

    def test_a_commitment_that_is_used_whole_ties_to_the_last_digit(self, spec) -> None:
        """One hour at 1.50 bought, one hour used that lists at 3.00."""
        one = of(spec, "whole")
        held = one.amortisation
        assert (held.purchased, held.due, held.amortised, held.difference, held.state) == (
            Decimal("1.50"), Decimal("1.50"), Decimal("1.50"), 0, "ties",
        )  # fmt: skip
        assert (one.utilisation, one.figures.coverage, one.figures.esr) == (100, 100, 50)
        assert one.figures.break_even_utilisation == 50  # it costs half of what it covers
        assert one.figures.saved == Decimal("1.50")

    def test_a_flexible_one_over_two_resources(self, spec) -> None:
        """2.00 bought; two medium machines, 2.00 on demand each, take 1.00 of it each."""
        one = of(spec, "two")
        assert (one.figures.used, one.figures.covered, one.figures.esr) == (2, 4, 50)
        assert (one.amortisation.state, one.amortisation.difference) == ("ties", 0)

    def test_a_flexible_one_that_covers_a_third_of_a_large_machine(self, spec) -> None:
        """0.50 covers what lists at 3.00; 2.25 of the same machine run on demand: 3.00 of 5.25 are covered."""
        one = of(spec, "third")
        assert (one.figures.coverage, one.utilisation) == (Decimal("57.1"), 100)
        assert one.figures.esr == Decimal("83.3")  # 2.50 / 3.00, of what it covers alone
        groups = read_groups(spec.lake, groups_query("USD", date(2022, 12, 1), spec.as_of))
        assert figures(group for group in groups if group.service == "third").esr == Decimal(
            "47.6"
        )  # (5.25 - 2.75) / 5.25

    def test_a_quarter_of_an_hour_is_unused(self, spec) -> None:
        """Usage scenario 3 beside purchase scenario 1: 8,760 for the year, the first hour used to three quarters."""
        one = of(spec, "quarter")
        assert (one.figures.used, one.figures.unused, one.utilisation) == (Decimal("0.75"), Decimal("0.25"), 75)
        held = one.amortisation
        assert (held.purchased, held.due, held.amortised, held.difference) == (8760, 1, 1, 0)
        assert (held.in_advance, held.state) == (8759, "running")
        assert (one.starts, one.ends, one.days_left) == (date(2023, 1, 1), date(2024, 1, 1), 364)
        assert one.figures.unpriced == Decimal("0.75")  # the file has neither ListCost nor ContractedCost
        assert (one.saved_per_month, one.figures.esr, one.figures.coverage) == (None, None, None)

    def test_one_that_nothing_uses(self, spec) -> None:
        one = of(spec, "nothing")
        assert (one.utilisation, one.figures.unused, one.amortisation.state) == (0, 1, "no_purchase")

    def test_a_prepaid_amount_is_drawn_down_and_its_rest_is_a_balance(self, spec) -> None:
        """500,000 paid for a year of tokens; 20 and 30 drawn in May, 62.50 at list prices."""
        later = replace(spec, clock=SteppedClock(datetime(2025, 5, 2, 12, tzinfo=UTC)))
        (one,) = show_commitments(later).lines
        assert (one.amortisation.state, one.amortisation.in_advance) == ("drawn_down", 499_950)
        assert (one.figures.covered, one.figures.esr) == (Decimal("62.5"), 20)


@pytest.fixture(scope="module")
def many(tmp_path_factory) -> Workspace:
    """One lake, each case with a provider of its own."""
    window, rows = days(FIRST, AS_OF), []

    def add(case: str, parts) -> None:
        names = {
            "ProviderName": case,
            "PublisherName": case,
            "CommitmentDiscountId": case,
            "CommitmentDiscountName": case,
        }
        rows.extend(
            {**row, **({**names} if row.get("CommitmentDiscountId") else {"ProviderName": case})} for row in parts
        )

    ahead = FIRST + timedelta(days=100)
    add("Advance", [bought(FIRST, ahead, "1000"), *(covered(day, "10", "20") for day in window)])
    add("Missing", [covered(day, "10", "20") for day in window[1:]])
    add("Missing", [bought(day, day + timedelta(days=1), "10", "Recurring") for day in window])
    start, end = AS_OF - timedelta(days=325), AS_OF + timedelta(days=40)
    add("Ending", [bought(start, end, "3650"), *(covered(day, "10", "16") for day in days(start, AS_OF))])
    named = '{"Elements":[{"ContractId":"EDP-7","ContractCommitmentId":"x","ContractCommitmentAppliedCost":6}]}'
    add("Before", [covered(day, "10", "20", ContractApplied=named) for day in window])
    euro = [covered(day, "7", "9", BillingCurrency="EUR", CommitmentDiscountId="sp-eu") for day in window]
    return company_with_bills(tmp_path_factory.mktemp("many"), {"aws": rows, "eu": euro})


class TestOnBills:
    def company(self, home: Path, *rows):
        return company_with_bills(home, {"aws": [row for part in rows for row in part]})

    def test_owners_add_up_and_say_what_each_covers_and_leaves_open(self, tmp_path: Path) -> None:
        window = days(FIRST, AS_OF)
        ws = self.company(
            tmp_path, [covered(day, "6", "10") for day in window], [covered(day, "3", "5", "web") for day in window],
            [unused(day, "1") for day in window], [on_demand(day, "10", "web") for day in window],
            [bought(day, day + timedelta(days=1), "10", "Recurring") for day in window],
        )  # fmt: skip
        shown = show_commitments(ws)
        (one,) = shown.lines
        assert one.amortisation.state == "ties"
        assert one.amortisation.difference == 0
        by_team = {line.team: line.figures for line in shown.owners}
        assert (by_team["ml"].coverage, by_team["web"].coverage) == (100, Decimal("33.3"))
        assert by_team["finops"].unused == 20
        assert total([line.figures.used for line in shown.owners]) == one.figures.used == 180
        assert total([line.figures.saved for line in shown.owners]) == shown.figures.saved == 100
        assert (one.figures.coverage, one.utilisation, one.figures.esr) == (60, 90, Decimal("33.3"))
        assert shown.figures.esr == 20  # (500 - 400) / 500, what runs on demand included
        assert (one.team, shown.saved_per_month) == ("ml", one.saved_per_month)

    def test_what_is_taken_back_counts_against_what_it_takes_back(self, tmp_path: Path) -> None:
        """Ten days of 6 paid for 10, ten of 10 on demand; a day of each is taken back, and a row without a price is none."""
        window = days(FIRST, FIRST + timedelta(days=10))
        refund = {"ContractedCost": "-10", "ListCost": "-12"}
        back = covered(window[3], "-6", "-10") | refund
        open_back = on_demand(window[4], "-10") | refund
        listed = [on_demand(day, "10") | {"ListCost": "12"} for day in window]
        free = on_demand(window[5], "0")
        ws = self.company(
            tmp_path, [covered(day, "6", "10", ListCost="12") for day in window], [back], listed, [open_back, free]
        )
        one = show_commitments(ws).figures
        assert (one.used, one.covered, one.saved, one.uncovered) == (54, 90, 36, 90)
        assert (one.coverage, one.break_even_utilisation, one.unpriced) == (50, 60, 0)
        assert one.esr == Decimal("33.3")  # (216 - 54 - 90) / 216

    def test_a_payment_in_advance_runs_straight_and_its_rest_is_paid_in_advance(self, many) -> None:
        held = of(many, "Advance").amortisation
        assert (held.due, held.amortised, held.in_advance, held.state) == (200, 200, 800, "running")

    def test_what_is_missing_or_ends_soon_is_a_finding_with_its_money(self, many) -> None:
        told = {one.title: (one.kind, one.amount) for one in commitment_findings(many)}
        assert told == {
            "Missing of Missing: what was paid and what is amortised do not tie": ("commitment_not_tied", 10),
            # 6 a day, 365/12 days
            f"Ending of Ending ends on {AS_OF + timedelta(days=40)}, in 40 days": (
                "commitment_expiring",
                Decimal("182.50"),
            ),
        }
        (missing,) = [one for one in commitment_findings(many) if one.kind == "commitment_not_tied"]
        assert len(many.lake.query(missing.query, missing.params)) == 39

    def test_bills_that_start_within_its_term_are_no_fault(self, many) -> None:
        assert of(many, "Before").amortisation.state == "no_purchase"

    def test_a_contract_of_the_register_that_names_it_says_when_it_ends(self, many) -> None:
        assert of(many, "Before").ends is None
        asked = {
            "requested_by": "max", "team": "ml", "environment": "prod", "vendor": "Before", "product": "Savings plan",
            "channel": "direct", "amount": "3650", "billing": "once", "currency": "USD", "term_months": 12,
            "starts": "2026-02-01", "renewal": "manual", "reference": "Before",
        }  # fmt: skip
        record_purchase(many, parse_purchase(asked, AS_OF, past=True), Actor("fay"))
        assert of(many, "Before").ends == date(2027, 2, 1)

    def test_currencies_stand_apart(self, many) -> None:
        shown = show_commitments(many)
        assert ({one.id for one in shown.lines}, shown.other_currencies) == (
            {"Advance", "Missing", "Ending", "Before"}, ("EUR",),
        )  # fmt: skip
        assert [one.id for one in show_commitments(many, "eur").lines] == ["sp-eu"]

    def test_the_contract_that_the_charges_name_holds_its_commitments_together(self, many) -> None:
        (contract,) = [one for one in show_commitments(many).contracts if one.contract]
        assert (contract.contract, contract.commitments, contract.figures.used) == ("EDP-7", ("Before",), 200)

    def test_the_contract_dataset_says_when_it_ends_and_how_far_its_contract_is_met(self, tmp_path: Path) -> None:
        """73,000 for a year; 40 a day are applied, so 14,600 at its end: 58,400 short."""
        start, end = AS_OF - timedelta(days=325), AS_OF + timedelta(days=40)
        applied = (
            '{"Elements":[{"ContractId":"EDP-7","ContractCommitmentId":"edp-spend","ContractCommitmentAppliedCost":36.1},'
            '{"ContractId":"EDP-7","ContractCommitmentId":"edp-spend","ContractCommitmentAppliedCost":3.9}]}'
        )
        rows = [covered(day, "10", "16", ContractApplied=applied) for day in days(start, AS_OF)]
        ws = self.company(tmp_path, rows)
        path = tmp_path / "contracts.csv"
        columns = (
            "ContractCommitmentId,ContractId,ContractCommitmentCategory,ContractCommitmentType,ContractCommitmentCost,"
            "ContractCommitmentQuantity,ContractCommitmentUnit,ContractCommitmentDescription,BillingCurrency,"
            "ContractCommitmentPeriodStart,ContractCommitmentPeriodEnd,ContractPeriodStart,ContractPeriodEnd"
        )
        period = f"{start}T00:00:00Z,{end}T00:00:00Z,{start}T00:00:00Z,{end}T00:00:00Z"
        path.write_text(f"{columns}\nedp-spend,EDP-7,Spend,EDP,73000,,,Enterprise spend,USD,{period}\n")
        ingest_files(ws, Source("aws-contracts"), [path], IngestOptions(), Silent())
        shown = show_commitments(ws)
        (one,), (agreed,) = shown.lines, shown.agreements
        assert (one.contract, one.ends, one.starts, one.days_left) == ("EDP-7", end, start, 40)
        assert one.break_even_months == Decimal("7.50")  # 3,650 owed, 16 a day on demand
        assert (agreed.committed, agreed.applied, agreed.left) == (73_000, 13_000, 60_000)
        assert (agreed.met, agreed.expected_at_end, agreed.short) == (Decimal("17.8"), 14_600, 58_400)
        assert {f.kind: f.amount for f in commitment_findings(ws)} == {
            "contract_short": 58_400, "commitment_expiring": Decimal("182.50"),
        }  # fmt: skip

    @pytest.mark.parametrize("landed", [CONTRACT_KEYS, CONTRACT_KEYS[:1], ()], ids=["now", "half rewritten", "as sent"])
    def test_a_contract_of_1_3_and_a_number_as_text_are_read(self, tmp_path: Path, monkeypatch, landed) -> None:
        """1.3 spells ContractCommitmentID; earlier releases wrote half of its spelling into the lake. 10 + 2.5 + 20 apply."""
        monkeypatch.setattr(upgrade, "CONTRACT_KEYS", landed)
        element = (
            '{{"Elements":[{{"ContractID":"K1","ContractCommitmentID":"CC1","ContractCommitmentAppliedCost":{}}}]}}'
        )
        costs = ("10", '"2.5"', "2.0e1", '"1,000"', "null")
        ws = self.company(tmp_path, [covered(FIRST, "1", "2", ContractApplied=element.format(cost)) for cost in costs])
        path = tmp_path / "contracts.csv"
        columns = (
            "ContractCommitmentId,ContractId,ContractCommitmentCategory,ContractCommitmentCost,BillingCurrency,"
            "ContractCommitmentPeriodStart,ContractCommitmentPeriodEnd"
        )
        path.write_text(f"{columns}\nCC1,K1,Spend,1000,USD,{FIRST}T00:00:00Z,{AS_OF}T00:00:00Z\n")
        ingest_files(ws, Source("aws-contracts"), [path], IngestOptions(), Silent())
        shown = show_commitments(ws)
        (one,), (agreed,) = shown.lines, shown.agreements
        assert (one.contract, agreed.applied, agreed.charges) == ("K1", Decimal("32.5"), 3)

    def test_an_empty_lake_has_none(self, tmp_path: Path) -> None:
        shown = show_commitments(open_company(tmp_path))
        assert (shown.lines, shown.figures.esr, shown.sentence) == (
            (), None, "No bill of the last 28 days names a commitment.",
        )  # fmt: skip


money = st.decimals("-1000", "100000", places=6)
positive = st.decimals("0.000001", "100000", places=6)
groups = st.lists(
    st.builds(
        UseGroup, provider=st.just("AWS"), service=st.sampled_from(["a", "b"]), owner=st.sampled_from(["x", "y", "z"]),
        team=st.just("t"), commitment=st.just("c"), status=st.sampled_from(["Used", "Unused", ""]), effective=positive,
        on_demand=positive, listed=positive, unpriced=st.just(ZERO),
    ),
    max_size=12,
)  # fmt: skip


class TestLaws:
    @given(groups)
    def test_whatever_they_are_grouped_by_the_parts_are_the_whole(self, parts: list[UseGroup]) -> None:
        whole = figures(parts)
        for name in ("eligible", "covered", "used", "unused", "uncovered", "saved"):
            by_owner = [getattr(figures(p for p in parts if p.owner == owner), name) for owner in ("x", "y", "z")]
            assert total(by_owner) == getattr(whole, name)

    @given(groups)
    def test_it_saves_exactly_when_it_is_used_more_than_break_even(self, parts: list[UseGroup]) -> None:
        seen = figures(part for part in parts if part.status)
        if seen.used and seen.covered:
            assert (seen.saved > 0) == (seen.used / seen.cost > seen.used / seen.covered)

    @given(groups)
    def test_shares_are_shares(self, parts: list[UseGroup]) -> None:
        seen = figures(parts)
        assert all(value is None or 0 <= value <= 100 for value in (seen.coverage, seen.utilisation))

    @given(money, st.lists(st.tuples(positive, st.integers(1, 400)), max_size=5), money, st.integers(0, 400))
    def test_purchased_is_due_and_in_advance_and_the_difference_is_the_rest(
        self, over, open_, amortised, reached
    ) -> None:
        payments = [Payment(YEAR[0], YEAR[0] + timedelta(days=n), billed) for billed, n in open_]
        landed = YEAR[0] + timedelta(days=reached)
        payments = [one for one in payments if one.end > landed]
        held = amortise(Paid(over, payments, amortised, landed, YEAR[0], YEAR[0] + timedelta(days=1)), "USD")
        assert held.due + held.in_advance == held.purchased == over + total([one.billed for one in payments])
        assert held.due + held.difference == held.amortised
        assert (held.state == "ties" and not payments) <= (
            abs(held.difference) <= max(Decimal("0.01"), abs(over) / 10**6)
        )

    def test_nothing_to_divide_by_has_no_share(self) -> None:
        assert percent(Decimal(1), ZERO) is None
        assert break_even_months(Decimal(100), ZERO) is None


@pytest.mark.parametrize(("owed", "a_month", "months"), [("26280", "2920", "9.00"), ("10", "3", "3.33")])
def test_break_even_is_what_is_owed_over_what_it_covers_a_month(owed: str, a_month: str, months: str) -> None:
    assert break_even_months(Decimal(owed), Decimal(a_month)) == Decimal(months)
