"""A policy tried on the past: how many, how much, whose, in production or not, and the rows behind each line."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from tests.fixtures.company import open_company
from tests.fixtures.judging import AS_OF, Row, charge, company_with_bills, days, judged_by, tags
from tests.fixtures.policy_text import policy, policy_set

from fiscus.flows import backtest_policy as backtest_policy_flow
from fiscus.flows.backtest_policy import History, backtest_policy
from fiscus.flows.decide_intent import decide_intent
from fiscus.flows.diff_policies import diff_policies
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.backtests.types import Backtest, Part
from fiscus.guardrails.types import Intent
from fiscus.kernel.errors import BadInput

AI = {"ServiceCategory": "AI and Machine Learning", "ServiceName": "Claude API", "ServiceProviderName": "Anthropic"}
MODEL = {"SkuPriceDetails": json.dumps({"x_ModelId": "claude-opus-4-5"})}
DEAR = policy(
    "dear-ai", on=["ai.request"], effect="deny", level="hard", on_error="hold",
    when='intent.environment == "staging" && intent.amount > money("5.00 USD")',
)  # fmt: skip


def _bills() -> list[Row]:
    rows: list[Row] = []
    for day in days(date(2026, 8, 1), AS_OF):
        rows += [
            charge(day, "10", Tags=tags("web"), ResourceId="i-web"),
            charge(day, "3", Tags=tags("ml", "staging"), ResourceId="key-1", **AI, **MODEL),
            charge(day, "4", Tags=tags("ml", "staging"), ResourceId="key-1", **AI, **MODEL),
            charge(day, "2", Tags=tags("ml", "staging"), ResourceId="key-1", **AI),
        ]  # fmt: skip
    for day in days(date(2026, 11, 5), AS_OF):
        gpu = json.dumps({"InstanceType": "p5.48xlarge", "GpuCount": 8})
        rows.append(
            charge(
                day, "100", Tags=tags("ml", "staging"), ResourceId="i-gpu", ResourceType="Instance", SkuPriceDetails=gpu
            )
        )
    bought = {"ChargeCategory": "Purchase", "HostProviderName": "AWS", "ServiceProviderName": "Acme", "ResourceId": ""}
    rows.append(charge(date(2026, 10, 7), "450", Tags=tags("web"), **bought))
    return rows


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return company_with_bills(tmp_path_factory.mktemp("company"), {"usd": _bills()})


@pytest.fixture
def company(lake: Workspace, tmp_path: Path) -> Workspace:
    """The same lake with a state store and a ledger of its own."""
    own = open_company(tmp_path)
    return replace(lake, state=own.state, ledger=own.ledger)


def _tried(ws: Workspace, item: dict, months: int = 3) -> Backtest:
    (compiled,) = policy_set(item)
    return backtest_policy(History(ws, months), compiled)


def _part(backtest: Backtest, source: str) -> Part:
    return next(part for part in backtest.parts if part.source == source)


def test_a_policy_on_charges_is_counted_month_by_month_in_the_money_of_the_lake(company: Workspace) -> None:
    part = _part(_tried(company, policy("web")), "charges")
    assert [(line.name, line.matched) for line in part.months] == [("2026-09", 30), ("2026-10", 32), ("2026-11", 19)]
    (total,) = part.totals
    sql = (
        "SELECT sum(CASE WHEN ChargeCategory = 'Purchase' THEN BilledCost ELSE EffectiveCost END) FROM charges "
        "WHERE x_Team = 'web' AND ChargePeriodStart >= '2026-09-01'"
    )
    assert total.amount == company.lake.query(sql).rows[0][0]
    assert part.opened == 4, "the purchase is of another provider"
    assert [line.name for line in part.people] == ["otto (web)"]
    assert sum(line.amount for line in part.production) == total.amount


def test_each_line_opens_its_rows_and_they_add_up_to_it(company: Workspace) -> None:
    for item in (policy("ml", when='charge.team == "ml"'), DEAR):
        for part in _tried(company, item).parts:
            for hit in part.largest:
                assert hit.query is not None
                rows = list(company.lake.ask(hit.query.sql, hit.query.params).dicts())
                assert sum(Decimal(str(row["EffectiveCost"])) for row in rows) == hit.amount
    assert part.largest


def test_a_minimum_amount_and_enough_days_are_asked_of_each_month(company: Workspace) -> None:
    small = _part(_tried(company, policy("web", min_amount=250)), "charges")
    assert (small.opened, small.below) == (3, 1)
    rare = _part(
        _tried(company, policy("gpu", when='charge.ResourceId == "i-gpu"', window_days=30, days_min=16)), "charges"
    )
    assert rare.matched == 0
    enough = _part(
        _tried(company, policy("gpu", when='charge.ResourceId == "i-gpu"', window_days=30, days_min=15)), "charges"
    )
    assert enough.matched == 15


def test_what_a_condition_has_no_answer_for_is_counted_and_no_match(company: Workspace) -> None:
    part = _part(_tried(company, policy("hours", when='charge.tags.po == "x"', on_error="hold")), "charges")
    assert (part.matched, part.errors) == (0, part.asked)


def test_a_day_of_a_model_is_replayed_as_one_request_of_its_cost(company: Workspace) -> None:
    part = _part(_tried(company, DEAR), "history")
    assert (part.asked, part.matched, part.verdicts) == (2 * 80, 80, {"deny": 80})
    assert part.totals[0].amount == 80 * 7
    assert "claude-opus-4-5 of Anthropic" in part.largest[0].title
    assert part.note.startswith("An approximation: a day of one model by one team")
    assert part.production == ()


def test_a_purchase_on_a_marketplace_is_replayed_as_one_purchase(company: Workspace) -> None:
    asked = policy("po", on=["marketplace.purchase"], effect="require_approval", level="soft", when='intent.po == ""')
    part = _part(_tried(company, asked), "history")
    assert (part.asked, part.matched, part.totals[0].amount) == (1, 1, Decimal(900))


def test_a_resource_that_is_new_is_replayed_with_what_its_first_thirty_days_cost(company: Workspace) -> None:
    asked = policy("gpu", on=["resource.provision"], effect="deny", level="hard", when="has(intent.gpu) && intent.gpu")
    part = _part(_tried(company, asked), "history")
    assert (part.asked, part.matched) == (1, 1), "what the lake held from its first day is not new"
    assert part.totals[0].amount == 15 * 100


def test_what_no_bill_says_is_an_error_and_not_a_pass(company: Workspace) -> None:
    part = _part(_tried(company, {**DEAR, "when": "intent.max_tokens > 100"}), "history")
    assert (part.matched, part.errors) == (0, part.asked)
    assert "on_error: hold decides" in part.note


def test_decisions_that_were_given_are_asked_again(company: Workspace) -> None:
    for amount in ("4.00", "9.00", "12.00"):
        decide_intent(company, Intent("ai.request", "lea", "ml", "staging", Decimal(amount), "USD"))
    part = _part(_tried(company, DEAR), "decisions")
    assert (part.asked, part.matched, part.totals[0].amount, part.verdicts) == (3, 2, 21, {"deny": 2})
    assert all(hit.decision_id for hit in part.largest)


def test_a_backtest_that_is_cut_says_so(company: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        decide_intent(company, Intent("ai.request", "lea", "ml", "staging", Decimal("9.00"), "USD"))
    assert _part(_tried(company, DEAR), "history").cut == "", "all of it was asked"
    monkeypatch.setattr(backtest_policy_flow, "BACKTEST_INTENTS_MAX", 10)
    monkeypatch.setattr(backtest_policy_flow, "BACKTEST_DECISIONS_MAX", 2)
    tried = _tried(company, DEAR)
    history, decisions = _part(tried, "history"), _part(tried, "decisions")
    assert (history.asked, history.matched, decisions.asked) == (10, 5, 2)
    assert history.cut == "history would have asked more than the first 10 intents, which go up to 2026-09-05"
    assert decisions.cut.startswith("there are more decisions than the newest 2, which go back to 2026-11-20")
    assert tried.sentence.endswith(f" That is not all: {decisions.cut}; {history.cut}.")


def test_older_decisions_than_the_window_are_not_missed(company: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        decide_intent(company, Intent("ai.request", "lea", "ml", "staging", Decimal("9.00"), "USD"))
    monkeypatch.setattr(backtest_policy_flow, "BACKTEST_DECISIONS_MAX", 3)
    assert _part(_tried(company, DEAR), "decisions").cut == ""


def test_intents_that_differ_in_what_they_are_for_are_told_apart(tmp_path: Path) -> None:
    """One model, team, environment and day, two providers, and a resource that was bought in advance as well."""
    day, usage = date(2026, 11, 9), {**AI, **MODEL, "Tags": tags("ml", "staging"), "ResourceId": "key-1"}
    rows = [
        charge(date(2026, 11, 1), "1", Tags=tags("web")),
        charge(day, "7", **usage),
        charge(day, "8", **{**usage, "ServiceProviderName": "Bedrock"}),
        charge(day, "20", Tags=tags("ml", "staging"), ResourceId="i-new"),
        charge(day, "0", BilledCost="300", ChargeCategory="Purchase", Tags=tags("ml", "staging"), ResourceId="i-new"),
    ]
    ws = company_with_bills(tmp_path, {"usd": rows})
    new = policy("new", on=["resource.provision"], effect="deny", when='intent.environment == "staging"')
    for item, amounts in ((DEAR, [8, 7]), (new, [20, 15])):
        largest = _part(_tried(ws, item), "history").largest
        assert [hit.amount for hit in largest] == amounts
        assert len({hit.key for hit in largest}) == len(largest)
        for hit in largest:
            assert hit.query is not None
            rows_shown = list(ws.lake.ask(hit.query.sql, hit.query.params).dicts())
            assert sum(Decimal(str(row["EffectiveCost"])) for row in rows_shown) == hit.amount
            assert {row["ChargeCategory"] for row in rows_shown} == {"Usage"}


def test_the_sentence_names_money_and_what_would_have_happened(company: Workspace) -> None:
    said = _tried(company, DEAR).sentence
    assert said == (
        "From 2026-09-01 until 2026-11-20, dear-ai would have denied 80 of 160 intents that history would have asked, 560.00 USD."
    )


def test_the_same_history_gives_the_same_result(company: Workspace) -> None:
    assert _tried(company, DEAR).digest == _tried(company, DEAR).digest
    assert _tried(company, DEAR).digest != _tried(company, DEAR, months=2).digest


def test_an_empty_lake_says_that_there_was_nothing(tmp_path: Path) -> None:
    assert "nothing to try" in _tried(open_company(tmp_path), DEAR).sentence


@pytest.mark.parametrize("months", [0, 37])
def test_a_window_that_is_none_is_refused(company: Workspace, months: int) -> None:
    with pytest.raises(BadInput, match="months cannot be looked at"):
        History(company, months)


def test_a_change_shows_what_newly_matches_and_what_no_longer_does(company: Workspace) -> None:
    old = policy_set(policy("web"), policy("gone"), policy("same"), policy("said"), DEAR)
    cheaper = {**DEAR, "when": 'intent.environment == "staging" && intent.amount < money("5.00 USD")'}
    moved = policy(
        "web", when='charge.team == "web" && charge.ChargeCategory != "Purchase" || charge.ResourceId == "i-gpu"'
    )
    new = policy_set(moved, policy("same"), policy("added"), policy("said", title="Another title"), cheaper)
    shown = diff_policies(History(company), old, new)
    changes = {change.policy_id: change for change in shown.changes}
    assert {name: change.change for name, change in changes.items()} == {
        "added": "added", "dear-ai": "changed", "gone": "removed", "said": "reworded", "web": "changed",
    }  # fmt: skip
    assert shown.same == 1
    web, ai = changes["web"], changes["dear-ai"]
    assert [(part.matched, part.totals[0].amount) for part in web.newly] == [(15, 1500)]
    assert [(part.matched, part.totals[0].amount) for part in web.no_longer] == [(1, 900)]
    assert [(part.matched, part.totals[0].amount) for part in ai.newly] == [(80, 160)]
    assert [(part.matched, part.totals[0].amount) for part in ai.no_longer] == [(80, 560)]
    assert [field.name for field in ai.fields] == ["when"]


def test_resources_are_looked_back_at_as_they_stood(company: Workspace) -> None:
    asked = policy(
        "doubled", on=["resource"], window_days=14, finding="doubled",
        when="resource.cost_7_days_before > 0 && resource.cost_last_7_days > resource.cost_7_days_before * 2",
    )  # fmt: skip
    grown = policy("grown", on=["resource"], when='resource.id == "i-gpu"', window_days=20, finding="grown")
    part = _part(_tried(company, grown), "resources")
    assert (part.opened, part.asked, part.totals[0].amount) == (1, 3, 1500), "once, with the most that it ever had"
    assert _part(_tried(company, asked), "resources").matched == 0
    (hit,) = part.largest
    assert hit.query is not None
    (row,) = company.lake.ask(hit.query.sql, hit.query.params).dicts()
    assert row["amount"] == hit.amount


def test_budgets_are_looked_back_at_week_by_week(company: Workspace) -> None:
    budgets = """
budgets:
  - {id: web, title: Web, scope: {team: web}, period: month, currency: USD, amount: 200, owner: web}
"""
    ws = judged_by(company, budgets)
    over = policy("over", on=["budget"], when='has(budget.scope.team) && budget.state == "breached"', finding="over")
    part = _part(_tried(ws, over), "budgets")
    assert {hit.title.split(":")[0] for hit in part.largest}
    assert (part.opened, part.production) == (2, ()), "September and October; November is not over yet"


def test_a_detector_is_asked_again_at_the_end_of_each_month(company: Workspace) -> None:
    moved = {"id": "price", "title": "A price", "detector": "price_change", "level": "warn", "on_error": "allow"}
    moved |= {"reason": "Because.", "remedy": "Ask.", "owner": "finops"}
    (part,) = _tried(company, moved).parts
    assert (part.source, part.asked, part.matched) == ("series", 3, 0)


def test_an_invoice_and_an_anomaly_are_looked_back_at(company: Workspace) -> None:
    dear = policy("dear", on=["invoice"], when='invoice.billed > money("100.00 USD")', finding="dear_invoice")
    part = _part(_tried(company, dear), "invoices")
    assert part.opened >= 3
    nothing = _part(_tried(company, policy("a", on=["anomaly"], when="anomaly.running", finding="a")), "anomalies")
    assert (nothing.asked, nothing.matched) == (0, 0)
