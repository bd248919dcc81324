"""Budgets on a model, a key and a user: held at once with all others, on AI requests alone, and counted by whoever knows them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from tests.bills import deliver, write_csv
from tests.fixtures.judging import AS_OF, charge, days, judged_by, judged_company, policy_of, tags

from fiscus.cost.types import Source
from fiscus.flows.assign_owners import assign_owners
from fiscus.flows.decide_intent import decide_intent
from fiscus.flows.evaluate import evaluate
from fiscus.flows.settle_hold import settle_hold
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.decisions.covering import NOBODY
from fiscus.guardrails.decisions.intent import parse_intent
from fiscus.guardrails.types import BudgetStatus, Decision
from fiscus.kernel.clock import SteppedClock
from fiscus.stores.ledger import open_ledger

BUDGETS = """
budgets:
  - {id: org, title: All, scope: {}, period: month, currency: USD, amount: 100000, thresholds: [], cap: hard, owner: ml}
  - {id: team, title: ML, scope: {team: ml}, period: month, currency: USD, amount: 90000, thresholds: [], cap: hard, owner: ml}
  - {id: env, title: Staging, scope: {environment: staging, product: search}, period: month, currency: USD, amount: 80000,
     thresholds: [], cap: hard, owner: ml}
  - {id: key, title: The key, scope: {api_key: key-1}, period: month, currency: USD, amount: 50, thresholds: [],
     cap: hard, owner: ml}
  - {id: model, title: The model, scope: {model: [gpt-5, gpt-5-pro]}, period: month, currency: USD, amount: 60, thresholds: [],
     cap: hard, owner: ml}
  - {id: user, title: Bob, scope: {user: bob}, period: month, currency: USD, amount: 30, thresholds: [], cap: hard, owner: ml}
  - {id: nobody, title: Nobody, scope: {user: (none)}, period: month, currency: USD, amount: 5, thresholds: [],
     cap: hard, owner: ml}
"""
CALL = {"kind": "ai.request", "requested_by": "max", "environment": "staging", "provider": "OpenAI", "product": "search",
        "amount": "20", "currency": "USD", "attributes": {"model": "gpt-5", "api_key": "key-1", "user": "bob"}}  # fmt: skip


@pytest.fixture
def company(tmp_path: Path) -> Workspace:
    rows = [charge(day, "10", Tags=tags("ml")) for day in days(date(2026, 9, 1), AS_OF)]
    return judged_company(tmp_path, {"aws": rows}, BUDGETS)


def _ask(ws: Workspace, amount: str = "20", **attributes: str | None) -> Decision:
    given = {name: value for name, value in {**CALL["attributes"], **attributes}.items() if value is not None}  # type: ignore[dict-item]
    return decide_intent(ws, parse_intent({**CALL, "amount": amount, "attributes": given}))


def _statuses(ws: Workspace) -> Mapping[str, BudgetStatus]:
    return {status.budget_id: status for status in evaluate(ws, "run-again").statuses}


def test_one_request_is_held_over_organisation_team_place_key_user_and_model_at_once(company: Workspace) -> None:
    asked = _ask(company)
    assert (asked.verdict, asked.money_held) == ("allow", True)
    assert {row.budget_id for row in asked.headroom} == {"org", "team", "env", "key", "model", "user"}
    assert {name: one.held for name, one in _statuses(company).items() if name != "nobody"} == dict.fromkeys(
        ("org", "team", "env", "key", "model", "user"), Decimal(20)
    )


def test_the_narrowest_cap_stops_it_and_another_user_goes_on(company: Workspace) -> None:
    assert [_ask(company).verdict, _ask(company).verdict] == ["allow", "deny"]
    assert "Budget Bob" in _ask(company).reasons[0]
    assert _ask(company, user="ann").verdict == "allow"
    assert "Budget The key" in _ask(company, user="ann").reasons[0]


def test_a_dated_version_of_a_model_gets_around_no_cap_on_it(company: Workspace) -> None:
    asked = _ask(company, model="gpt-5-2025-08-07", model_family="GPT-5")
    assert "model" in {row.budget_id for row in asked.headroom}
    assert "model" not in {row.budget_id for row in _ask(company, model="gpt-5-2025-08-07").headroom}


def test_another_spelling_of_a_model_or_a_user_gets_around_no_cap(company: Workspace) -> None:
    assert {"user", "model"} <= {row.budget_id for row in _ask(company, user="BOB", model="GPT-5-Pro").headroom}


def test_what_is_left_out_may_be_covered_and_what_is_nobody_is_covered_by_the_cap_on_nobody(company: Workspace) -> None:
    silent = _ask(company, user=None)
    assert silent.verdict == "require_approval"
    assert "a cap on user, which the intent does not state" in silent.reasons[0]
    assert _ask(company, "4", user=NOBODY, api_key=NOBODY).verdict == "allow"
    assert _ask(company, "4", user=NOBODY, api_key=NOBODY).verdict == "deny"


def test_what_is_no_ai_request_is_under_no_cap_on_a_key_and_is_not_asked_for_one(company: Workspace) -> None:
    seat = {"kind": "saas.seat", "requested_by": "max", "environment": "staging", "amount": "70", "currency": "USD",
            "provider": "Slack", "product": "search", "service": "chat", "attributes": {"user": "bob"}}  # fmt: skip
    asked = decide_intent(company, parse_intent(seat))
    assert (asked.verdict, {row.budget_id for row in asked.headroom}) == ("allow", {"org", "team", "env"})


def test_a_policy_may_ask_for_key_user_endpoint_and_tools(company: Workspace) -> None:
    rule = policy_of("tools", 'intent.api_key == "key-1" && intent.endpoint == "responses" && intent.tools > 3', "ai.request",
                     effect="deny", level="hard")  # fmt: skip
    ws = judged_by(company, BUDGETS, [rule])
    call = {**CALL, "amount": "1", "attributes": {**CALL["attributes"], "endpoint": "responses", "tools": 4}}  # type: ignore[dict-item]
    assert decide_intent(ws, parse_intent(call)).verdict == "deny"


def test_a_bill_that_knows_no_key_does_not_give_a_keys_money_back(company: Workspace) -> None:
    settle_hold(company, _ask(company).id, Decimal(12))
    _next_day_billed(company, {})
    after = _statuses(company)
    for name in ("key", "user", "model"):
        assert (after[name].actual, after[name].unbilled) == (0, Decimal(12))
    assert after["team"].metered == 0  # its bill has it
    assert after["key"].headroom == Decimal(38)


def test_money_that_is_settled_late_counts_for_its_key_all_the_same(company: Workspace) -> None:
    asked = _ask(company)
    _next_day_billed(company, {})
    _statuses(company)
    settle_hold(company, asked.id, Decimal(12))
    account = company.ledger.store.account("key@2026-11")
    assert account is not None
    assert (account.unbilled, account.held) == (12 * 10**9, 0)
    assert _statuses(company)["key"].unbilled == Decimal(12)


def test_where_a_bill_does_name_the_key_it_counts_once(company: Workspace) -> None:
    settle_hold(company, _ask(company).id, Decimal(12))
    _next_day_billed(
        company, {"x_CredentialId": "key-1", "x_PrincipalId": "bob", "SkuPriceDetails": '{"ModelId": "gpt-5"}'}
    )
    after = _statuses(company)
    for name in ("key", "user", "model"):
        assert (after[name].actual, after[name].unbilled) == (Decimal(12), 0)


def test_charges_say_model_key_and_user_whatever_draft_they_are_in(company: Workspace) -> None:
    _next_day_billed(company, {"CredentialId": "k9", "PrincipalId": "p9", "SkuPriceDetails": '{"x_ModelId": "m9"}'})
    rows = company.lake.query("SELECT DISTINCT x_AiModel, x_AiKey, x_AiUser FROM charges ORDER BY ALL NULLS LAST").rows
    assert list(rows) == [("m9", "k9", "p9"), (None, None, None)]


def test_a_ledger_of_before_opens_and_its_accounts_are_by_bills(company: Workspace, tmp_path: Path) -> None:
    import sqlite3

    old = tmp_path / "old.db"
    open_ledger(f"sqlite:///{old}", company.clock).close()
    with sqlite3.connect(old) as database:
        database.execute("ALTER TABLE ledger_accounts DROP COLUMN by_bills")
        database.execute("ALTER TABLE ledger_head DROP COLUMN tabled")
        database.executescript("DROP TABLE ledger_reserved; DROP TABLE ledger_due")
        database.execute("DELETE FROM ledger_version WHERE version >= 2")
        values = "'a@2026-11', 'a', '2026-11', 'USD', 'hard', '5', '0', '0', '0', '0', '0', '2026-11-20', 0"
        database.execute(f"INSERT INTO ledger_accounts VALUES ({values})")
    account = open_ledger(f"sqlite:///{old}", company.clock).account("a@2026-11")
    assert account is not None
    assert (account.amount, account.by_bills) == (5, True)


def _next_day_billed(ws: Workspace, columns: Mapping[str, str]) -> None:
    assert isinstance(ws.clock, SteppedClock)
    ws.clock.advance(timedelta(days=1))
    bill = charge(AS_OF, "12", Tags=tags("ml"), ServiceProviderName="OpenAI", ServiceCategory="AI and Machine Learning",
                  ServiceName="API", **columns)  # fmt: skip
    deliver(ws, write_csv(ws.home / "openai.csv", [bill]), source=Source("openai"))
    assign_owners(ws)
