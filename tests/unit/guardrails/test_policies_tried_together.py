"""Many policies tried on the past at once: the lake is asked as often as for few, and each is told what it is told alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.company import open_company
from tests.fixtures.effort import sampled
from tests.fixtures.judging import AS_OF, charge, company_with_bills, days, judged_by, tags
from tests.fixtures.ledgers import USD, ask, reserve, sync
from tests.fixtures.policy_text import policy, policy_set

from fiscus.flows.backtest_policy import History, backtest_policies, backtest_policy
from fiscus.flows.decide_intent import decide_intent
from fiscus.flows.diff_policies import diff_policies
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.decisions.intent import parse_intent
from fiscus.guardrails.ledger.commands import Settle, Standing, Sync
from fiscus.guardrails.policies.policy_set import CompiledPolicy
from fiscus.kernel.errors import BadQuery

BUDGETS = """
budgets:
  - {id: web, title: Web, scope: {team: web}, period: month, currency: USD, amount: 200, cap: hard, owner: web}
"""
KEYS = """
budgets:
  - {id: batch, title: The key, scope: {api_key: key-7}, period: month, currency: USD, amount: 50, cap: hard, owner: ml}
"""
ASKED = {
    "kind": "ai.request",
    "requested_by": "otto",
    "team": "web",
    "environment": "prod",
    "amount": "5",
    "currency": "USD",
}


class CountingLake:
    """The lake, counting the questions that reach it."""

    def __init__(self, lake: Any) -> None:
        self._lake, self.asked = lake, Counter[str]()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._lake, name)
        if name not in {"ask", "query"}:
            return found

        def counted(*given: Any, **named: Any) -> Any:
            self.asked[name] += 1
            return found(*given, **named)

        return counted


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    rows = []
    for day in days(date(2026, 9, 1), AS_OF):
        rows.append(charge(day, "10", Tags=tags("web"), ResourceId="i-web"))
        rows.append(charge(day, "3", Tags=tags("ml", "staging"), ResourceId="i-ml"))
    ws = company_with_bills(tmp_path_factory.mktemp("company"), {"usd": rows})
    return judged_by(ws, BUDGETS)


@pytest.fixture
def counted(company: Workspace) -> tuple[Workspace, CountingLake]:
    lake = CountingLake(company.lake)
    return replace(company, lake=lake), lake


def _policies(count: int, amount: int = 100) -> list[dict[str, Any]]:
    """Some on charges, on resources, on budgets, on invoices and on requests, none like another."""
    made = []
    for n in range(count):
        more = {"min_amount": amount + n, "finding": "found"}
        made += [
            policy(f"c-{n}", when='charge.team == "web"', days_min=1 + n % 3, window_days=30, **more),
            policy(f"r-{n}", on=["resource"], when='resource.id == "i-web"', **more),
            policy(f"b-{n}", on=["budget"], when='budget.state == "breached"', **more),
            policy(f"i-{n}", on=["invoice"], when='invoice.billed > money("1.00 USD")', **more),
            policy(f"a-{n}", on=["ai.request"], effect="deny", when=f'intent.amount > money("{n}.00 USD")'),
        ]
    return made


@pytest.mark.parametrize("other", sampled([[], _policies(1)], every=2))
def test_a_diff_asks_the_lake_as_often_for_many_policies_as_for_few(
    counted: tuple[Workspace, CountingLake], other: list[dict[str, Any]]
) -> None:
    ws, lake = counted
    found = []
    for many in (2, 12):
        lake.asked.clear()
        shown = diff_policies(History(ws), policy_set(*other, policy("else")), policy_set(*_policies(many)))
        found.append(lake.asked.total())
        assert len(shown.changes) + shown.same == 5 * many + 1
    assert found[0] == found[1] <= 30


def test_changed_policies_are_compared_by_one_reading_of_the_charges(counted: tuple[Workspace, CountingLake]) -> None:
    ws, lake = counted
    old, new = (policy_set(*[one for one in _policies(8, amount) if "charge" in one["on"]]) for amount in (1, 2))
    assert len(diff_policies(History(ws), old, new).changes) == 8
    assert lake.asked == {"ask": 1}


def test_what_is_the_same_is_not_tried(counted: tuple[Workspace, CountingLake]) -> None:
    ws, lake = counted
    same = _policies(3)
    assert diff_policies(History(ws), policy_set(*same), policy_set(*same)).changes == ()
    assert lake.asked.total() == 0


def test_together_each_policy_is_told_what_it_is_told_alone(company: Workspace) -> None:
    policies = tuple(policy_set(*_policies(3), policy("no-answer", when='charge.tags.po == "x"', on_error="hold")))
    together = backtest_policies(History(company), policies)
    assert together == tuple(backtest_policy(History(company), one) for one in policies)
    assert sum(part.matched for one in together for part in one.parts) > 100
    assert sum(part.errors for one in together for part in one.parts) > 100


def test_one_that_cannot_be_asked_fails_alone(company: Workspace) -> None:
    good, broken = policy_set(policy("a-good"), policy("b-broken"))
    broken = replace(broken, charge_sql="no_such_column = 1")
    history = History(company)
    with pytest.raises(BadQuery):
        backtest_policies(history, (good, broken))
    assert backtest_policy(history, good).parts == _alone(company, good).parts


def test_what_was_spent_on_a_key_that_no_bill_names_is_seen_in_the_period_that_it_was_spent_in(
    company: Workspace, tmp_path: Path
) -> None:
    own = open_company(tmp_path)
    ws = judged_by(replace(company, state=own.state, ledger=own.ledger), KEYS)
    standing = Standing("batch", "2026-11", "USD", "hard", 50 * USD, 0, 0, AS_OF, by_bills=False)
    ask(ws.ledger, Sync([standing], {}))
    ask(ws.ledger, reserve("h-1", 45 * USD, "batch"))
    ask(ws.ledger, Settle("h-1", 45 * USD))
    (over,) = policy_set(policy("near", on=["budget"], when='budget.headroom < money("10.00 USD")', finding="near"))
    assert [hit.title.split(":")[0] for part in backtest_policy(History(ws), over).parts for hit in part.largest]


def _alone(company: Workspace, compiled: CompiledPolicy) -> Any:
    return backtest_policy(History(company), compiled)


def test_looking_back_at_budgets_tells_the_ledger_nothing(company: Workspace, tmp_path: Path) -> None:
    """A cap that was looked at as of an earlier day, when less was spent, would let through what is spent since."""
    own = open_company(tmp_path)
    ws = replace(company, state=own.state, ledger=own.ledger)
    ask(ws.ledger, sync({"web": 200 * USD}))
    decide_intent(ws, parse_intent(ASKED))
    before = ws.ledger.store.evidence_head(), ws.ledger.store.accounts(["web@2026-11", "web@2026-10"])
    (over,) = policy_set(policy("over", on=["budget"], when='budget.state == "breached"', finding="over"))
    assert backtest_policy(History(ws), over).parts[0].matched
    assert (ws.ledger.store.evidence_head(), ws.ledger.store.accounts(["web@2026-11", "web@2026-10"])) == before
