"""The parts of a budget's number never overlap: billed, not billed yet, metered, held, committed, carried. Each is recomputed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from tests.fixtures.judging import AS_OF, Row, charge, company_with_bills, days, judged_by, tags

from fiscus.flows.evaluate import evaluate
from fiscus.flows.sync_ledger import billed_until
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.budgets.budget_series import budget_days, budget_days_query, open_book
from fiscus.guardrails.budgets.budget_status import budget_statuses, with_ledger
from fiscus.guardrails.types import BudgetStatus, LedgerShare
from fiscus.kernel.periods import FiscalCalendar

SHARE = LedgerShare(held=Decimal("11.5"), unbilled=Decimal("40.25"), committed=Decimal(60))
OPENAI = "OpenAI"
WEB = "id: web, title: Web, scope: {team: web}, period: month, currency: USD, amount: 2000, owner: web"


def _bills() -> dict[str, list[Row]]:
    """A cloud that has delivered up to the 17th, an AI vendor up to the 18th, a seller that bills once a month."""
    cloud = [
        charge(day, f"{20 + n % 7}.25", Tags=tags("web"))
        for n, day in enumerate(days(date(2026, 6, 1), date(2026, 11, 18)))
    ]
    ai = [
        charge(day, "7.5", Tags=tags("web"), ServiceProviderName=OPENAI, ServiceName="Tokens")
        for day in days(date(2026, 6, 1), date(2026, 11, 19))
    ]
    seller = [charge(date(2026, month, 3), "30", Tags=tags("web"), ServiceName="Seats") for month in range(6, 12)]
    return {"cloud": cloud, "ai": ai, "seller": seller}


BILLS = _bills()


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return company_with_bills(tmp_path_factory.mktemp("company"), BILLS)


def _status(
    ws: Workspace, metered: tuple[str, ...] = (), share: LedgerShare | None = None, body: str = WEB
) -> BudgetStatus:
    ws = judged_by(ws, f"budgets:\n  - {{{body}}}")
    book = open_book(ws.config.budgets, FiscalCalendar(2), AS_OF)
    query = budget_days_query(book, ("team",), metered)
    found = budget_days(ws.lake.query(query.sql, query.params), book)
    shares = {ws.config.budgets[0].id: share} if share else None
    return budget_statuses(book, found, "c1.a1", shares)[0]


def _billed(since: str, wanted: str = "") -> Decimal:
    """The sum of the rows as they were written, by a database that never saw the product."""
    rows = [
        (row["ChargePeriodStart"][:10], row["EffectiveCost"], row.get("ServiceProviderName", ""))
        for row in (*BILLS["cloud"], *BILLS["ai"], *BILLS["seller"])
    ]
    db = duckdb.connect()
    db.execute("CREATE TABLE bill (day DATE, cost DECIMAL(28,12), provider VARCHAR)")
    db.executemany("INSERT INTO bill VALUES (?, ?, ?)", rows)
    found = db.execute(f"SELECT sum(cost) FROM bill WHERE day >= '{since}' AND day < '2026-11-20' {wanted}").fetchone()
    assert found is not None
    return Decimal(found[0])


def test_headroom_is_what_the_parts_leave_and_each_part_is_recomputed(company: Workspace) -> None:
    status = _status(company, (OPENAI,), SHARE)
    assert status.amount - status.actual - status.unbilled - status.held - status.committed == status.headroom
    assert status.actual == _billed("2026-11-01")
    assert (status.held, status.committed, status.metered) == (SHARE.held, SHARE.committed, SHARE.unbilled)
    estimate = status.unbilled - status.metered
    assert status.unbilled_p10 <= status.unbilled <= status.unbilled_p90
    # The 18th and the 19th of a cloud of 20 to 26 a day, and nothing of the vendor that the ledger meters.
    assert 2 * 20 <= estimate <= 2 * 27


def test_without_a_ledger_the_estimate_covers_every_provider_and_counts_no_billed_day_twice(company: Workspace) -> None:
    """The AI vendor's 18th is billed already: only its 19th is missing, beside two days of the cloud."""
    status = _status(company)
    assert status.billed_until == date(2026, 11, 18)
    assert 2 * 20 + 7 <= status.unbilled <= 2 * 27 + 8
    assert status.actual == _billed("2026-11-01")


def test_what_the_ledger_meters_is_never_estimated_too(company: Workspace) -> None:
    body = "id: ai, title: AI, scope: {provider: OpenAI}, period: month, currency: USD, amount: 300, owner: web"
    status = _status(company, (OPENAI,), SHARE, body)
    assert status.unbilled == status.metered == status.unbilled_p10 == status.unbilled_p90 == Decimal("40.25")
    assert status.actual == Decimal("7.5") * 18


def test_a_newer_share_of_the_ledger_replaces_the_one_before(company: Workspace) -> None:
    once = _status(company, (OPENAI,), SHARE)
    newer = LedgerShare(held=Decimal(5000))
    assert with_ledger(once, newer) == with_ledger(with_ledger(once, newer), newer)
    assert with_ledger(with_ledger(once, newer), SHARE) == once
    assert with_ledger(once, newer).state == "breached"


def test_bills_that_are_whole_leave_nothing_to_estimate(tmp_path: Path) -> None:
    whole = [charge(day, "10", Tags=tags("web")) for day in days(date(2026, 6, 1), AS_OF)]
    status = _status(company_with_bills(tmp_path, {"whole": whole}))
    assert (status.unbilled, status.unbilled_p90, status.headroom) == (0, 0, 2000 - 190)


def test_a_tax_or_fee_of_the_whole_month_does_not_say_that_its_days_are_billed(tmp_path: Path) -> None:
    cloud = [charge(day, "10", Tags=tags("web")) for day in days(date(2026, 6, 1), date(2026, 11, 18))]
    tax = [
        {**charge(date(2026, month, 1), "30", Tags=tags("web"), ChargeCategory="Tax"),
         "ChargePeriodEnd": f"2026-{month + 1:02d}-01T00:00:00Z"} for month in range(6, 12)
    ]  # fmt: skip
    ws = company_with_bills(tmp_path, {"cloud": [*cloud, *tax]})
    status = _status(ws)
    assert status.billed_until == date(2026, 11, 18)
    assert status.unbilled == 2 * 10
    assert set(billed_until(ws).values()) == {date(2026, 11, 18)}


def test_nor_does_it_hide_that_a_daily_bill_is_weeks_late(tmp_path: Path) -> None:
    cloud = [charge(day, "10", Tags=tags("web")) for day in days(date(2026, 9, 1), date(2026, 11, 6))]
    fee = {**charge(date(2026, 11, 1), "30", Tags=tags("web")), "ChargePeriodEnd": "2026-12-01T00:00:00Z"}
    status = _status(company_with_bills(tmp_path, {"cloud": [*cloud, fee]}))
    assert status.billed_until == date(2026, 11, 6)
    assert status.unbilled > 13 * 10


def test_a_seller_that_bills_once_a_month_is_not_late(company: Workspace) -> None:
    body = "id: seats, title: Seats, scope: {service: Seats}, period: month, currency: USD, amount: 300, owner: web"
    status = _status(company, body=body)
    assert (status.actual, status.unbilled) == (30, 0)


def test_unused_money_of_the_months_before_is_in_the_amount_to_the_last_digit(company: Workspace) -> None:
    body = WEB + ", rollover: unused, rollover_from: 2026-08-01"
    status = _status(company, body=body)
    left = 3 * 2000 - _billed("2026-08-01", "AND day < '2026-11-01'")
    assert (status.carried, status.amount) == (left, 2000 + left)


def test_months_before_the_first_bill_hand_nothing_on(company: Workspace) -> None:
    """The bills begin with June; a fiscal year that begins in February did not leave four whole budgets unused."""
    status = _status(company, body=WEB + ", rollover: unused")
    assert status.carried == 5 * 2000 - _billed("2026-06-01", "AND day < '2026-11-01'")


def test_a_budget_of_a_week_counts_from_monday(company: Workspace) -> None:
    status = _status(company, body=WEB.replace("month", "week"))
    assert (status.period.label, status.period.start) == ("2026-W47", date(2026, 11, 16))
    assert status.actual == _billed("2026-11-16")


def test_children_are_counted_over_the_period_of_their_parent(company: Workspace) -> None:
    mine = "period: month, currency: USD, amount: 10, owner: web, parent: all"
    text = (
        "budgets:\n  - {id: all, title: All, period: quarter, currency: USD, amount: 5000, owner: web}\n"
        f"  - {{{WEB}, parent: all}}\n"
        f"  - {{id: seats, title: Seats, scope: {{service: Seats}}, {mine}}}\n"
    )
    found = evaluate(judged_by(company, text), "run")
    parent = found.statuses[0]
    quarter = _billed("2026-11-01")
    assert (parent.allocated, parent.children_actual) == (3 * 2010, quarter + 30)
    (over,) = [finding for finding in found.findings if finding.kind == "budget_overallocated"]
    assert over.amount == 3 * 2010 - 5000
    assert over.title == "The 2 budgets in All add up to 1,030 USD more than its 5,000 for FY2027-Q4"
    assert company.lake.ask(over.query, over.params).rows == (("all", "web", 6000), ("all", "seats", 30))


def test_a_child_outside_its_parent_is_told_once(company: Workspace) -> None:
    text = (
        "budgets:\n  - {id: ml, title: ML, scope: {team: ml, environment: prod}, period: month, currency: USD, amount: 5000,"
        " owner: web}\n"
        f"  - {{{WEB.replace('{team: web}', '{team: web, environment: dev}')}, parent: ml}}\n"
    )
    found = evaluate(judged_by(company, text), "run").findings
    (outside,) = [finding for finding in found if finding.kind == "budget_outside_parent"]
    assert (outside.title, outside.amount) == ("Web, 2,000 USD, lies outside ML: team web", 2000)


def test_a_budget_that_burns_too_fast_is_told_before_it_breaks(tmp_path: Path) -> None:
    """Ten a day for months, then sixty for three days: 31 days' money lasts ten."""
    calm = [charge(day, "10", Tags=tags("web")) for day in days(date(2026, 6, 1), date(2026, 11, 17))]
    fast = [charge(day, "60", Tags=tags("web")) for day in days(date(2026, 11, 17), AS_OF)]
    body = WEB.replace("amount: 2000", "amount: 500, thresholds: []")
    ws = company_with_bills(tmp_path, {"bill": [*calm, *fast]})
    status = _status(ws, body=body)
    assert status.state == "at_risk"
    assert {alert.on for alert in status.alerts} == {"burn"}
    found = evaluate(judged_by(ws, f"budgets:\n  - {{{body}}}"), "run").findings
    (finding,) = [one for one in found if one.kind == "budget_forecast"]  # the same use at another cost is told too
    assert "times the budget's pace over 3 days and over the last day (more than 3)" in finding.detail


def test_one_dear_day_that_is_over_is_no_burn(tmp_path: Path) -> None:
    calm = [
        charge(day, "10", Tags=tags("web")) for day in days(date(2026, 6, 1), AS_OF) if day != AS_OF - timedelta(days=3)
    ]
    dear = [charge(AS_OF - timedelta(days=3), "120", Tags=tags("web"))]
    body = WEB.replace("amount: 2000", "amount: 500, thresholds: []")
    status = _status(company_with_bills(tmp_path, {"bill": [*calm, *dear]}), body=body)
    assert (status.state, status.alerts) == ("ok", ())


def test_statuses_read_back_with_their_alerts(company: Workspace) -> None:
    ws = judged_by(company, f"budgets:\n  - {{{WEB.replace('2000', '700')}}}")
    statuses = list(evaluate(ws, "run-alerts").statuses)
    assert statuses[0].alerts
    with company.state.read() as tx:
        assert list(tx.budget_statuses.newest()) == statuses
    assert replace(statuses[0], alerts=()) != statuses[0]
