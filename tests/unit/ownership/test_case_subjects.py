"""What becomes a case, how urgent it is, and whose."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.company import idle_finding, open_company, proposed

from fiscus.actions.types import Target
from fiscus.cost.types import Delivery, LakeVersion, PeriodWritten, QualityFinding, Source
from fiscus.flows.case_subjects import case_subjects
from fiscus.flows.data_subjects import data_subjects
from fiscus.flows.find_anomalies import CURRENT_FACT
from fiscus.flows.reconcile_actions import UNRESOLVED_FACT
from fiscus.flows.workspace import ConfiguredSource, Workspace
from fiscus.guardrails.budgets.budget_series import BudgetDays
from fiscus.guardrails.budgets.find_budgets import StandingBudget, find_budgets
from fiscus.guardrails.types import Budget, BudgetStatus, Scope
from fiscus.kernel.periods import FiscalCalendar
from fiscus.ownership.types import CaseSubject
from fiscus.signals.types import Anomaly, Contribution, DailySeries

NOVEMBER = FiscalCalendar(1).period("month", date(2026, 11, 20))


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return open_company(tmp_path)


def subjects(ws: Workspace) -> list[CaseSubject]:
    with ws.state.read() as tx:
        return case_subjects(ws, tx)


def status(**changes: Any) -> BudgetStatus:
    at_risk = BudgetStatus(
        budget_id="ai", title="AI in staging", owner="ml", period=NOVEMBER, as_of=date(2026, 11, 20), currency="USD",
        amount=Decimal(4000), actual=Decimal(3500), unbilled=Decimal(0), held=Decimal(0), committed=Decimal(0),
        headroom=Decimal(500), forecast_p10=Decimal(4700), forecast_p50=Decimal(5100), forecast_p90=Decimal(5600),
        p_breach=Decimal("0.97"), breach_day=date(2026, 11, 23), state="at_risk", lake_version="c1.a1", cap=None,
    )  # fmt: skip
    return replace(at_risk, **changes)


def budget(of: BudgetStatus) -> Budget:
    return Budget(
        id=of.budget_id, title=of.title, scope=Scope({"environment": ("staging",)}), period="month", currency="USD",
        amount=of.amount, amounts={}, metric="EffectiveCost", include_tax=False, include_credits=True, thresholds=(),
        cap=of.cap, owner=of.owner, file="budgets/ai.yaml", line=1,
    )  # fmt: skip


def anomaly(**changes: Any) -> Anomaly:
    found = Anomaly(
        id="ano-1", owner="max", team="ml", service="SageMaker", provider="AWS", environment="staging", currency="USD",
        start=date(2026, 11, 12), end=date(2026, 11, 20), actual=Decimal(7000), expected=Decimal(1000),
        low=Decimal(800), high=Decimal(1200), impact=Decimal(6000), score=Decimal(9),
        contributions=(Contribution("resource", "i-7", Decimal(5900)),),
    )  # fmt: skip
    return replace(found, **changes)


def test_a_finding_says_its_money_and_belongs_to_its_owner(ws: Workspace) -> None:
    with ws.state.begin() as tx:
        tx.findings.replace_open([idle_finding("i-a", amount=Decimal(6000), query="SELECT 1", params={"n": 3})])
    (one,) = subjects(ws)
    assert (one.kind, one.key, one.owner, one.severity) == ("finding", "finding|f-1", "max", "high")
    assert one.title == "Machines idle for a week: 6,000.00 USD are at stake"
    assert (one.evidence["query"], one.evidence["params"], one.evidence["rows"]) == ("SELECT 1", {"n": 3}, 7)


@pytest.mark.parametrize(
    ("level", "severity"), [("warn", "medium"), ("soft", "high"), ("hard", "critical"), ("observe", None)]
)
def test_the_level_of_a_policy_raises_or_holds_down_severity_and_observe_opens_nothing(
    ws: Workspace, level: str, severity: str | None
) -> None:
    with ws.state.begin() as tx:
        tx.findings.replace_open([idle_finding(amount=Decimal(6000), level=level)])
    assert [one.severity for one in subjects(ws)] == ([severity] if severity else [])


def test_a_finding_without_a_person_goes_to_its_team_and_without_a_team_to_nobody(ws: Workspace) -> None:
    found = [
        idle_finding(id="f-1", owner="unowned", team="ml"),
        idle_finding(id="f-2", owner="unowned", team="unowned"),
        idle_finding(id="f-3", owner="", team=""),
    ]
    with ws.state.begin() as tx:
        tx.findings.replace_open(found)
    assert [one.owner for one in subjects(ws)] == ["ml", "unowned", "unowned"]


def test_a_budget_and_the_finding_about_it_are_one_subject(ws: Workspace) -> None:
    of = status(cap="hard")
    days = BudgetDays(DailySeries("ai", "USD", date(2026, 11, 1), ()), 12, seen=True)
    (finding,) = find_budgets([StandingBudget(budget(of), of, days, "ml")], ())
    with ws.state.begin() as tx:
        tx.budget_statuses.put_all([of], "run-1")
        tx.findings.replace_open([finding])
    (one,) = subjects(ws)
    assert (one.kind, one.key, one.title) == ("budget", "budget|ai|2026-11", finding.title)
    assert (one.amount, one.owner, one.severity) == (Decimal(1100), "ml", "high")
    assert one.evidence["query"] == finding.query
    assert one.evidence["budget"] == "ai"


@pytest.mark.parametrize(
    ("changes", "title", "severity"),
    [
        (
            {},
            "AI in staging will go 1,100.00 USD over its budget of 4,000.00 USD for 2026-11, on 23 Nov",
            "medium",
        ),
        (
            {"forecast_p50": Decimal(3900), "forecast_p90": Decimal(12_000), "breach_day": None},
            "AI in staging may go 8,000.00 USD over its budget of 4,000.00 USD for 2026-11",
            "medium",
        ),
        (
            {"state": "breached", "actual": Decimal(5200), "headroom": Decimal(-1200)},
            "AI in staging has spent 1,200.00 USD more than its budget of 4,000.00 USD for 2026-11",
            "high",
        ),
    ],
)
def test_a_budget_in_trouble_says_by_how_much_and_when(
    ws: Workspace, changes: dict[str, Any], title: str, severity: str
) -> None:
    with ws.state.begin() as tx:
        tx.budget_statuses.put_all([status(**changes), status(budget_id="fine", state="ok")], "run-1")
    (one,) = subjects(ws)
    assert (one.title, one.severity) == (title, severity)


def test_an_anomaly_that_still_runs_is_a_step_more_urgent(ws: Workspace) -> None:
    with ws.state.begin() as tx:
        over = anomaly(id="ano-2", start=date(2026, 11, 2), end=date(2026, 11, 5), impact=Decimal(6000))
        tx.anomalies.put_all([anomaly(), over], "look-1")
    past, running = subjects(ws)
    assert (running.key, running.severity, past.severity) == ("anomaly|ano-1", "critical", "high")
    assert running.title == "SageMaker (AWS) of max cost 6,000.00 USD more than expected from 2026-11-12 to 2026-11-19"
    assert "resource i-7 5,900.00 USD" in running.detail


def test_less_than_expected_is_told_but_never_urgent(ws: Workspace) -> None:
    with ws.state.begin() as tx:
        tx.anomalies.put_all([anomaly(impact=Decimal(-60000))], "look-1")
    (one,) = subjects(ws)
    assert (one.severity, one.amount) == ("medium", Decimal(60000))
    assert "60,000.00 USD less than expected" in one.title


def test_an_anomaly_of_last_quarter_and_one_that_newer_bills_do_not_show_are_no_cases(ws: Workspace) -> None:
    old = anomaly(id="ano-old", start=date(2026, 8, 1), end=date(2026, 8, 4))
    with ws.state.begin() as tx:
        tx.anomalies.put_all([anomaly(), anomaly(id="ano-gone"), old], "look-1")
        tx.facts.put(CURRENT_FACT, ["ano-1", "ano-old"])
    assert [one.key for one in subjects(ws)] == ["anomaly|ano-1"]


def test_an_action_whose_outcome_nobody_knows_is_at_least_high(ws: Workspace) -> None:
    action = proposed(ws, Target("i-a", "gpu-1", "max", "staging"))
    entry = {"action": action.id, "state": "UNKNOWN", "kind": "aws.ec2.stop", "since": "2026-11-20", "targets": "i-a"}
    with ws.state.begin() as tx:
        tx.facts.put(UNRESOLVED_FACT, [{**entry, "note": "answer lost"}, {**entry, "action": "act-gone"}])
    (one,) = subjects(ws)
    assert (one.kind, one.key, one.owner, one.severity) == ("action", f"action|{action.id}", "max", "high")
    assert one.title == "aws.ec2.stop on i-a may or may not have happened: 30.00 USD a month depend on it"


def test_a_source_that_never_delivered_is_a_case_of_the_default_pool(ws: Workspace) -> None:
    config = replace(ws.config, sources={"aws": ConfiguredSource(Source("aws"), ())})
    (one,) = data_subjects(replace(ws, config=config))
    assert (one.kind, one.key, one.owner) == ("data_quality", "data|aws|late", "unowned")
    assert one.title == "aws has never delivered a bill: its spend is in no USD figure"


@pytest.mark.parametrize(("rows", "seen"), [(10, True), (9, False)])
def test_a_delivery_is_a_case_when_a_hundredth_of_its_rows_is_irregular(ws: Workspace, rows: int, seen: bool) -> None:
    quality = (
        QualityFinding("extra_column", "Id", 1000, "is not a FOCUS column; kept in x_Extra"),
        QualityFinding("rounded", "costs and quantities", 4000, "more digits than the lake keeps"),
        QualityFinding("literal_null", "Tags", rows, "holds the word NULL; read as no value"),
    )
    money = {"USD": Decimal("1234.50"), "EUR": Decimal(7)}
    period = PeriodWritten("2026-10", 1000, money, money, 0, changed=True)
    at = ws.clock.now()
    bills = Delivery("d-1", "aws", "1.0", at, ("a.csv",), 1000, (period,), quality, LakeVersion(1, 1), changed=True)
    clean = replace(bills, id="d-0", at=at - timedelta(days=1), quality=(replace(quality[2], count=900),))
    with ws.state.begin() as tx:
        tx.deliveries.put(clean)
        tx.deliveries.put(bills)
    found = data_subjects(ws)
    assert [one.key for one in found] == (["data|aws|repaired"] if seen else [])
    if seen:
        title = "aws sent bills of 7.00 EUR, 1,234.50 USD in which 10 of 1,000 rows are irregular"
        assert (found[0].title, found[0].severity) == (title, "low")
