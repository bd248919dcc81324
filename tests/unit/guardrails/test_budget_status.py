"""Where budgets stand is exact: each actual equals a sum that was made without the product."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from tests.fixtures.judging import AS_OF, Row, budgets_of, charge, company_with_bills, days, judged_by, tags

from fiscus.flows.evaluate import evaluate
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.budgets.budget_series import BudgetDays, budget_days, budget_days_query, open_book
from fiscus.guardrails.budgets.budget_status import budget_statuses
from fiscus.guardrails.types import BudgetStatus
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.money import total
from fiscus.kernel.periods import FiscalCalendar
from fiscus.signals.types import DailySeries

CALENDAR = FiscalCalendar(2)
AI = "AI and Machine Learning"
FIELDS = "period: month, currency: USD, amount: 1000, owner: web"


def _bills() -> dict[str, list[Row]]:
    """Usage of two teams every day of the fiscal half-year, tax, credits, a purchase, tomorrow's charge; euros apart."""
    usd: list[Row] = []
    for n, day in enumerate(days(date(2026, 7, 15), AS_OF + timedelta(days=1))):
        usd += [
            charge(day, f"{10 + n % 7}.{n:03d}000000001", Tags=tags("web"), ServiceName="VM"),
            charge(day, f"{3 + n % 3}.5", Tags=tags("ml", "staging"), ServiceName="GPU", ServiceCategory=AI),
        ]  # fmt: skip
        if day.day == 2:
            usd += [
                charge(day, "99.99", Tags=tags("web"), ChargeCategory="Tax", ServiceName="Tax"),
                charge(day, "-20.25", Tags=tags("web"), ChargeCategory="Credit", ServiceName="VM"),
                charge(day, "7.125", Tags=tags("web", "dev"), ChargeCategory="Purchase", ServiceName="Seats"),
            ]
    eur = [charge(day, "1000", Tags=tags("web"), BillingCurrency="EUR") for day in days(date(2026, 11, 1), AS_OF)]
    return {"usd": usd, "eur": eur}


BILLS = _bills()


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return company_with_bills(tmp_path_factory.mktemp("company"), BILLS)


def _summed(wanted: Callable[[Row], bool], since: str, column: str = "EffectiveCost", currency: str = "USD") -> Decimal:
    """The same sum from the rows as they were written, in Python."""
    rows = [*BILLS["usd"], *BILLS["eur"]]
    chosen = [
        Decimal(row[column])
        for row in rows
        if since <= row["ChargePeriodStart"] < "2026-11-20"
        and row.get("BillingCurrency", "USD") == currency
        and wanted(row)
    ]
    return total(chosen)


def _team(*names: str) -> Callable[[Row], bool]:
    return lambda row: any(f'"{name}"' in row["Tags"] for name in names)


def _usage(row: Row) -> bool:
    return row.get("ChargeCategory") != "Tax"


def _statuses(ws: Workspace, *budgets: str) -> list[BudgetStatus]:
    text = "budgets:\n" + "\n".join(f"  - {{id: b{n}, title: B, {body}}}" for n, body in enumerate(budgets))
    return list(evaluate(judged_by(ws, text), "run").statuses)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f"scope: {{}}, {FIELDS}", _summed(_usage, "2026-11")),
        (f"scope: {{team: web}}, {FIELDS}", _summed(lambda row: _usage(row) and _team("web")(row), "2026-11")),
        (f"scope: {{team: [web, ml, web]}}, {FIELDS}", _summed(_usage, "2026-11")),
        (f"scope: {{team: [web, ml], environment: staging}}, {FIELDS}", _summed(_team("ml"), "2026-11")),
        (f"scope: {{'tag:team': ml}}, {FIELDS}", _summed(_team("ml"), "2026-11")),
        (f"scope: {{'tag:environment': staging}}, {FIELDS}", _summed(_team("ml"), "2026-11")),
        (f"scope: {{service_category: {AI}}}, {FIELDS}", _summed(_team("ml"), "2026-11")),
        (f"scope: {{team: nobody}}, {FIELDS}", Decimal(0)),
        (f"scope: {{team: web}}, {FIELDS}, include_tax: true", _summed(_team("web"), "2026-11")),
        (
            f"scope: {{team: web}}, {FIELDS}, include_credits: false",
            _summed(lambda row: _team("web")(row) and row.get("ChargeCategory") not in {"Tax", "Credit"}, "2026-11"),
        ),
        (
            f"scope: {{team: ml}}, {FIELDS}, metric: BilledCost",
            _summed(_team("ml"), "2026-11", "BilledCost"),
        ),
        (
            "scope: {team: web}, period: month, currency: EUR, amount: 1000, owner: web",
            _summed(_team("web"), "2026-11", currency="EUR"),
        ),
        ("scope: {team: ml}, period: quarter, currency: USD, amount: 1000, owner: web", _summed(_team("ml"), "2026-11")),
        ("scope: {team: ml}, period: year, currency: USD, amount: 1000, owner: web", _summed(_team("ml"), "2026-02")),
    ],
)  # fmt: skip
def test_the_actual_is_the_sum_of_the_rows_to_the_last_digit(company: Workspace, body: str, expected: Decimal) -> None:
    (status,) = _statuses(company, body)
    assert status.actual == expected
    assert status.headroom == status.amount - expected


def test_all_budgets_together_give_what_each_gives_alone(company: Workspace) -> None:
    """Filter shapes share one cube: a budget's sum must not depend on its neighbours."""
    bodies = [
        f"scope: {{}}, {FIELDS}",
        f"scope: {{team: web}}, {FIELDS}, include_tax: true",
        f"scope: {{team: ml, environment: staging}}, {FIELDS}",
        f"scope: {{'tag:team': web}}, {FIELDS}, metric: BilledCost",
    ]
    together = [status.actual for status in _statuses(company, *bodies)]
    assert together == [_statuses(company, body)[0].actual for body in bodies]


def test_any_mix_of_scopes_is_summed_to_the_last_digit(company: Workspace) -> None:
    """Two hundred drawn budgets of every shape, all in one query, each against its own sum in Python."""
    draw = random.Random(11)
    values = {
        "team": (["web"], ["ml"], ["web", "ml"], ["nobody", "ml"]),
        "environment": (["prod"], ["staging"], ["dev", "prod"], ["unknown"]),
        "service": (["VM"], ["GPU"], ["Seats", "Tax", "VM"]),
        "charge_category": (["Usage"], ["Purchase", "Credit"], ["Tax"]),
        "tag:team": (["web"], ["ml", "web"]),
    }
    bodies, expected = [], []
    for _ in range(200):
        scope = {name: draw.choice(values[name]) for name in draw.sample(sorted(values), draw.randint(0, 4))}
        tax, credit, metric = draw.random() < 0.5, draw.random() < 0.5, draw.choice(("EffectiveCost", "BilledCost"))
        currency, period = draw.choice(("USD", "USD", "EUR")), draw.choice(("month", "quarter", "year"))
        written = ", ".join(f"'{name}': [{', '.join(chosen)}]" for name, chosen in scope.items())
        bodies.append(
            f"scope: {{{written}}}, period: {period}, currency: {currency}, amount: 1, owner: web, metric: {metric}, "
            f"include_tax: {str(tax).lower()}, include_credits: {str(credit).lower()}"
        )
        kinds = {"Usage", "Purchase"} | ({"Tax"} if tax else set()) | ({"Credit"} if credit else set())
        since = "2026-02" if period == "year" else "2026-11"
        expected.append(_summed(lambda row, s=scope, k=kinds: _is_in(row, s, k), since, metric, currency))
    assert [status.actual for status in _statuses(company, *bodies)] == expected


def _is_in(row: Row, scope: dict[str, list[str]], kinds: set[str]) -> bool:
    """Whether a row as written is of the scope; what the rules make of its tags is written out here once more."""
    written = json.loads(row["Tags"])
    known = {
        "team": written["team"],
        "tag:team": written["team"],
        "environment": {"production": "prod", "staging": "staging"}.get(written["environment"], written["environment"]),
        "service": row.get("ServiceName", "Amazon Elastic Compute Cloud"),
        "charge_category": row.get("ChargeCategory", "Usage"),
    }
    return known["charge_category"] in kinds and all(known[name] in chosen for name, chosen in scope.items())


def test_the_lake_is_read_once_for_any_number_of_budgets(company: Workspace) -> None:
    text = "budgets:\n" + "\n".join(f"  - {{id: b{n}, title: B, scope: {{team: t{n}}}, {FIELDS}}}" for n in range(300))
    query = budget_days_query(open_book(budgets_of(text), CALENDAR, AS_OF), ("team",))
    assert query.sql.count("FROM counted_charges") == 1
    assert query.sql.count("JOIN landed") == 1


def test_the_day_under_way_is_no_actual(company: Workspace) -> None:
    """The bills hold a charge of 20 November; as of that day it is part of the forecast."""
    (status,) = _statuses(company, f"scope: {{team: ml}}, {FIELDS}")
    assert company.lake.query("SELECT count(*) FROM charges WHERE ChargePeriodStart >= '2026-11-20'").rows[0][0] == 2
    assert status.actual == _summed(_team("ml"), "2026-11")
    assert status.forecast_p50 > status.actual


def test_the_finding_of_a_budget_recomputes_its_number(company: Workspace) -> None:
    body = f"scope: {{team: [web], 'tag:environment': production}}, {FIELDS.replace('1000', '100')}, include_credits: false"
    text = f"budgets:\n  - {{id: b, title: Web, {body}}}"
    (finding,) = evaluate(judged_by(company, text), "run").findings
    (row,) = company.lake.ask(finding.query, finding.params).dicts()
    assert finding.kind == "budget_breach"
    assert row["budget"] == "b"
    assert row["actual"] - 100 == finding.amount
    assert row["charges"] == finding.rows
    assert finding.title == f"Web is over its 100 USD for 2026-11 by {finding.amount:,.2f} USD"


def _state(amount: str, thresholds: str, actual: str = "19") -> str:
    """A budget of one dollar a day, nineteen days in, judged by one threshold."""
    text = f"budgets:\n  - {{id: b, title: B, {FIELDS.replace('1000', amount)}, thresholds: [{thresholds}]}}"
    budgets = budgets_of(text)
    first = AS_OF - timedelta(days=126)
    values = tuple(Decimal(actual) / 19 for _ in range(126))
    series = {"b": BudgetDays(DailySeries("b", "USD", first, values), 19, True)}
    (status,) = budget_statuses(open_book(budgets, CALENDAR, AS_OF), series, "c1.a1")
    return status.state


@pytest.mark.parametrize(
    ("amount", "thresholds", "state"),
    [
        ("18.99", "", "breached"),
        ("19", "", "ok"),  # all of it is spent, nothing is over
        ("19", "{on: actual, share: 1.0}", "at_risk"),
        ("23.75", "{on: actual, share: 0.8}", "at_risk"),
        ("23.76", "{on: actual, share: 0.8}", "ok"),
        ("29.9", "{on: forecast, share: 1.0}", "at_risk"),
        ("31", "{on: forecast, share: 1.0}", "ok"),
        ("29", "{on: p_breach, share: 0.9}", "at_risk"),
        ("40", "{on: p_breach, share: 0.01}", "ok"),
        ("100", "", "ok"),
        ("0", "", "breached"),
    ],
)
def test_a_threshold_decides_the_state(amount: str, thresholds: str, state: str) -> None:
    assert _state(amount, thresholds) == state


def test_a_budget_of_nothing_holds_while_nothing_is_spent() -> None:
    assert _state("0", "{on: actual, share: 0.8}, {on: forecast, share: 1}", actual="0") == "ok"


def test_an_exception_is_the_amount_of_its_period_only(company: Workspace) -> None:
    text = f"scope: {{team: ml}}, {FIELDS}, amounts: {{2026-11: 5, 2026-12: 9}}"
    (status,) = _statuses(company, text)
    assert (status.amount, status.state) == (Decimal(5), "breached")
    assert status.breach_day == date(2026, 11, 2)


def test_a_source_that_has_not_landed_is_forecast_not_taken_for_nothing(tmp_path: Path) -> None:
    bills = [charge(day, "10", Tags=tags("web")) for day in days(date(2026, 8, 1), date(2026, 11, 11))]
    ws = company_with_bills(tmp_path, {"late": bills})
    (status,) = _statuses(ws, f"scope: {{team: web}}, {FIELDS}")
    assert status.actual == 100
    assert status.forecast_p50 == pytest.approx(Decimal(300), rel=Decimal("0.02"))


@pytest.mark.parametrize(
    ("as_of", "label"),
    [
        (date(2026, 11, 1), "2026-11"),
        (date(2026, 11, 2), "2026-11"),
        (date(2026, 10, 31), "2026-10"),
        (date(2027, 2, 1), "2027-02"),
        (date(2026, 7, 1), "2026-07"),
    ],
)
def test_the_first_and_last_day_of_a_period_belong_to_it(company: Workspace, as_of: date, label: str) -> None:
    clock = SteppedClock(datetime.combine(as_of, time(0), UTC))
    (status,) = _statuses(replace(company, clock=clock), f"scope: {{team: ml}}, {FIELDS}")
    rows = [row for row in BILLS["usd"] if label <= row["ChargePeriodStart"] < as_of.isoformat() and _team("ml")(row)]
    assert status.period.label == label
    assert status.actual == total([Decimal(row["EffectiveCost"]) for row in rows])


def test_a_budget_whose_scope_no_charge_matches_is_told(company: Workspace) -> None:
    ws = judged_by(company, f"budgets:\n  - {{id: ghost, title: Ghost, scope: {{team: ghosts}}, {FIELDS}}}")
    evaluation = evaluate(ws, "run")
    assert evaluation.unseen == ("ghost",)
    assert "No charge matches the scope of ghost." in evaluation.sentences()


def test_statuses_read_back_as_they_were_computed(company: Workspace) -> None:
    text = f"budgets:\n  - {{id: b, title: B, scope: {{team: ml}}, {FIELDS}, cap: hard}}"
    statuses = list(evaluate(judged_by(company, text), "run-read-back").statuses)
    with company.state.read() as tx:
        assert list(tx.budget_statuses.newest()) == statuses
    assert statuses[0].cap == "hard"
    assert statuses[0].lake_version == str(company.lake.version())


def test_an_empty_lake_has_budgets_with_nothing_spent(tmp_path: Path) -> None:
    ws = company_with_bills(tmp_path, {})
    (status,) = _statuses(ws, f"scope: {{team: ml}}, {FIELDS}")
    assert (status.actual, status.forecast_p50, status.state) == (0, 0, "ok")


def test_days_have_no_gaps_and_end_where_the_bills_end(company: Workspace) -> None:
    budgets = budgets_of(f"budgets:\n  - {{id: b, title: B, scope: {{team: ml}}, {FIELDS}}}")
    book = open_book(budgets, CALENDAR, AS_OF)
    query = budget_days_query(book, ("team",))
    series = budget_days(company.lake.query(query.sql, query.params), book)["b"].series
    assert series.start == AS_OF - timedelta(days=126)
    assert len(series.values) == 126
    assert min(series.values) > 0


def test_renaming_a_budget_is_no_new_finding(company: Workspace) -> None:
    text = f"budgets:\n  - {{id: b, title: One, scope: {{team: ml}}, {FIELDS.replace('1000', '10')}}}"
    before = evaluate(judged_by(company, text), "run").findings
    ws = judged_by(company, text)
    renamed = replace(ws, config=replace(ws.config, budgets=(replace(ws.config.budgets[0], title="Two"),)))
    after = evaluate(renamed, "run-2")
    assert [finding.id for finding in after.findings] == [finding.id for finding in before]
    assert not after.opened
