"""What a decision knows and what it covers; the command that asks for one; and that it is stored whole or not given."""

from __future__ import annotations

import json
import shlex
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.company import open_company
from tests.fixtures.judging import budgets_of, policy_of
from tests.fixtures.ledgers import opened

from fiscus.__main__ import command_line
from fiscus.flows.decide_intent import decide_intent
from fiscus.guardrails.decisions.decide import Asked, Judgement, decide
from fiscus.guardrails.decisions.intent import parse_intent
from fiscus.guardrails.decisions.rules import Rules
from fiscus.guardrails.policies.policy_set import CompiledPolicy, PolicySet
from fiscus.guardrails.types import Budget, Verdict
from fiscus.kernel.periods import FiscalCalendar

NOW = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)  # a Friday
ASK: dict[str, Any] = {
    "kind": "ai.request", "requested_by": "max", "team": "ml", "environment": "staging", "amount": "5.00", "currency": "USD",
    "provider": "Anthropic", "attributes": {"model": "claude-haiku-4-5"},
}  # fmt: skip
BUDGET = """
budgets:
  - {{id: {id}, title: {id}, scope: {scope}, period: month, currency: USD, amount: 100, owner: ml{cap}}}
"""


def _budget(budget_id: str, scope: str = "{team: ml}", cap: str = "") -> Budget:
    (budget,) = budgets_of(BUDGET.format(id=budget_id, scope=scope, cap=f", cap: {cap}" if cap else ""))
    return budget


def _asked(**changes: Any) -> Asked:
    return Asked(parse_intent(ASK | changes), ("engineer",), "ml", "CC-2", NOW)


def _judged(
    *policies: CompiledPolicy, budgets: tuple[tuple[Budget, str], ...] = (), asked: Asked | None = None
) -> Judgement:
    rules = Rules(PolicySet(policies), [budget for budget, _ in budgets], FiscalCalendar(2))
    accounts = {one.key: one for one in (opened(budget, left) for budget, left in budgets)}
    return decide(asked or _asked(), rules, accounts)


def _says(effect: Verdict, level: str = "hard", when: str = "true", **changes: Any) -> CompiledPolicy:
    name = changes.pop("name", f"{effect}-{level}".replace("_", "-"))
    return policy_of(name, when, "ai.request", effect=effect, level=level, **changes)


def test_policies_on_other_kinds_are_not_asked() -> None:
    purchases = policy_of("purchases", "true", "marketplace.purchase", effect="deny", level="hard")
    assert _judged(purchases).policies == ()


def test_a_condition_knows_who_asks_and_when() -> None:
    when = (
        '"engineer" in requester.roles && requester.team == "ml" && requester.id == "max" && now.hour == 14 '
        '&& now.weekday == 5 && now.date == "2026-11-20"'
    )
    assert _judged(_says("deny", when=when)).verdict == "deny"


def test_the_tightest_of_several_budgets_decides_and_each_shows_its_headroom() -> None:
    budgets = ((_budget("a", cap="hard"), "50"), (_budget("b", "{}", "soft"), "2"), (_budget("c"), "9"))
    judged = _judged(budgets=budgets)
    assert judged.verdict == "require_approval"
    assert [(row.budget_id, row.after) for row in judged.headroom] == [("a", 45), ("b", -3), ("c", 4)]
    fits = _judged(budgets=(budgets[0], budgets[2]))
    assert "fits 2 budgets: 4.00 USD would be left of c (2026-11)" in fits.reasons[0]
    watched = _judged(budgets=(budgets[0], (_budget("d"), "1")))
    assert watched.verdict == "allow"
    assert "fits 1 budget: 45.00 USD would be left of a" in watched.reasons[0]
    assert "Over already and only watched: d." in watched.reasons[0]


@pytest.mark.parametrize(("cap", "verdict"), [("hard", "require_approval"), ("warn", "warn"), ("", "allow")])
def test_a_cap_whose_headroom_nobody_knows_holds(cap: str, verdict: Verdict) -> None:
    budget = _budget("b", cap=cap)
    rules = Rules(PolicySet(), [budget], FiscalCalendar(2))
    last_month, never_billed = opened(budget, "50", "2026-10"), replace(opened(budget, "50"), billed_until=None)
    unknown = decide(_asked(), rules, {})
    rolled = decide(_asked(), rules, {last_month.key: last_month})
    unbilled = decide(_asked(), rules, {never_billed.key: never_billed})
    other = decide(_asked(currency="EUR"), rules, {opened(budget, "50").key: opened(budget, "50")})
    for judged, why in (
        (unknown, "not known yet"),
        (rolled, "not known yet"),
        (unbilled, "not known yet"),
        (other, "not converted silently"),
    ):
        assert (judged.verdict, judged.headroom, judged.policies[0].result) == (verdict, (), "error")
        assert (why in judged.policies[0].reason) == bool(cap)


@pytest.mark.parametrize(
    ("scope", "covers"),
    [
        ("{environment: staging, service_category: AI and Machine Learning, charge_category: Usage}", True),
        ("{cost_centre: CC-2, provider: [OpenAI, Anthropic]}", True),
        ("{service_category: Compute}", False),
        ("{charge_category: Purchase}", False),
    ],
)
def test_a_scope_covers_what_the_spend_will_be_once_it_is_billed(scope: str, covers: bool) -> None:
    judged = _judged(budgets=((_budget("b", scope, "hard"), "1"),))
    assert (judged.verdict == "deny") is covers
    assert judged.unasked == ()


def test_a_cap_on_something_that_the_intent_does_not_state_is_named() -> None:
    stated, owner = _budget("stated", "{product: search}", "hard"), _budget("owner", "{owner: lea, team: ml}", "soft")
    elsewhere, watched = _budget("elsewhere", "{owner: lea, team: web}", "soft"), _budget("watched", "{owner: lea}")
    judged = _judged(budgets=tuple((one, "0") for one in (stated, owner, elsewhere, watched)))
    assert (judged.verdict, judged.unasked) == ("require_approval", ("owner",))
    assert _judged(budgets=((stated, "0"),), asked=_asked(product="search")).verdict == "deny"


PLAIN = {"requested_by": "ana.silva", "environment": "prod", "provider": "AWS", "amount": "0.42", "currency": "USD"}
CALL = PLAIN | {"kind": "ai.request", "attributes": {"model": "claude-haiku-4-5"}}


def _decide(home: Path, monkeypatch: pytest.MonkeyPatch, given: str | bytes) -> int:
    stdin = StringIO(given) if isinstance(given, str) else TextIOWrapper(BytesIO(given), encoding="utf-8")
    monkeypatch.setattr("sys.stdin", stdin)
    code = command_line()(shlex.split(f"decide --json --home {home}"), result_action="return_value")
    return int(code or 0)


@pytest.mark.parametrize(
    ("intent", "code", "verdict"),
    [
        (CALL, 0, "allow"),
        (CALL | {"environment": "dev", "attributes": {"model": "claude-opus-4-6"}, "amount": "0.01"}, 0, "warn"),
        (PLAIN | {"kind": "marketplace.purchase", "amount": "501"}, 3, "require_approval"),
        (PLAIN | {"kind": "resource.provision"}, 4, "deny"),
    ],
)
def test_the_command_answers_with_its_exit_code(
    home: Path, monkeypatch, capsys, intent: dict, code: int, verdict: str
) -> None:
    (home / "budgets" / "budgets.yaml").write_text("budgets: []")
    assert _decide(home, monkeypatch, json.dumps(intent)) == code, capsys.readouterr()
    answer = json.loads(capsys.readouterr().out)
    assert (answer["verdict"], answer["money_held"]) == (verdict, False)
    assert answer["note"].startswith("No money is held")
    assert answer["intent"]["amount"] == intent["amount"]


@pytest.mark.parametrize(
    "given",
    [
        "", "not json", "[1, 2", "null", "[]", "NaN", b"\xff\xfe{}", "[" * 100_000, '{"amount": ' + "9" * 5000 + "}",
        json.dumps(CALL | {"requested_by": "nobody"}), json.dumps(CALL | {"team": "\ud800"}),
        json.dumps(CALL | {"amount": "0.0000000001"}),
    ],
    ids=lambda given: repr(given)[:30],
)  # fmt: skip
def test_what_cannot_be_read_is_exit_2_and_an_error_as_json(home: Path, monkeypatch, capsys, given) -> None:
    assert _decide(home, monkeypatch, given) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["message"]
    assert error["remedy"]


def test_an_amount_with_a_point_is_refused_and_not_made_a_float(home: Path, monkeypatch, capsys) -> None:
    """JSON has no decimals, and most readers make floats of them: the same request means the same here and in the API."""
    given = json.dumps(CALL).replace('"0.42"', "0.100000001")
    assert _decide(home, monkeypatch, given) == 2
    assert "amount is a decimal as text or a whole number" in capsys.readouterr().out
    assert _decide(home, monkeypatch, json.dumps(CALL).replace("0.42", "0.100000001")) in {0, 3}
    assert json.loads(capsys.readouterr().out)["intent"]["amount"] == "0.100000001"


def test_a_decision_without_its_evidence_is_not_given(tmp_path: Path) -> None:
    """One transaction holds the money, the decision and the evidence: where one of them cannot be written, none is."""
    ws = open_company(tmp_path)
    with sqlite3.connect(tmp_path / "ledger.db") as database:
        database.execute(
            "CREATE TRIGGER full BEFORE INSERT ON ledger_evidence BEGIN SELECT raise(ABORT, 'the log is full'); END"
        )
    decision = decide_intent(ws, parse_intent(ASK))
    assert (decision.ledger, decision.money_held) == ("lost", False)
    assert ws.ledger.store.decisions() == []
    assert ws.ledger.store.holds() == []
