"""Decisions and the ledger together: what is allowed is held, what is held counts, and what a bill shows counts once."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from tests.bills import deliver, write_csv
from tests.fixtures.judging import (
    AS_OF,
    budgets_of,
    charge,
    company_with_bills,
    days,
    judged_by,
    judged_company,
    policy_of,
    tags,
)

from fiscus.cost.types import Source
from fiscus.flows.assign_owners import assign_owners
from fiscus.flows.decide_intent import ALLOWED_WITHOUT, decide_intent
from fiscus.flows.evaluate import evaluate
from fiscus.flows.replay_decision import replay_decision
from fiscus.flows.settle_hold import OVERRUNS, release_hold, settle_hold, thaw
from fiscus.flows.show_ledger import show_ledger
from fiscus.flows.verify_evidence import verify_evidence
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.decisions.intent import parse_intent
from fiscus.guardrails.ledger.commands import Expire
from fiscus.guardrails.ledger.types import Rulebook
from fiscus.guardrails.types import BudgetStatus, Decision
from fiscus.kernel.actor import Actor
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.errors import BadInput, Conflict, FiscusError, NotFound
from fiscus.kernel.periods import FiscalCalendar

BUDGETS = """
budgets:
  - {id: ml, title: ML, scope: {team: ml}, period: month, currency: USD, amount: 1000, thresholds: [], cap: hard, owner: ml}
  - {id: ai, title: AI, scope: {team: ml, service_category: AI and Machine Learning}, period: month, currency: USD, amount: 50,
     thresholds: [], cap: hard, owner: ml, on_ledger_loss: {default: deny, prod: allow}}
"""
CALL = {"kind": "ai.request", "requested_by": "max", "environment": "staging", "provider": "OpenAI", "amount": "20",
        "currency": "USD", "attributes": {"model": "gpt-5"}}  # fmt: skip


@pytest.fixture
def company(tmp_path: Path) -> Workspace:
    """ML has spent 10 USD a day on machines, and nothing on AI."""
    rows = [charge(day, "10", Tags=tags("ml")) for day in days(date(2026, 9, 1), AS_OF)]
    return judged_company(tmp_path, {"aws": rows}, BUDGETS)


def _ask(ws: Workspace, *, key: str = "", **changes: object) -> Decision:
    return decide_intent(ws, parse_intent({**CALL, **changes}), key=key)


def _statuses(ws: Workspace) -> Mapping[str, BudgetStatus]:
    return {status.budget_id: status for status in evaluate(ws, "run-again").statuses}


def test_two_that_fit_alone_do_not_both_get_the_last_of_a_cap(company: Workspace) -> None:
    assert [_ask(company).verdict for _ in range(3)] == ["allow", "allow", "deny"]
    assert [row.held for row in _ask(company).headroom] == [Decimal(40), Decimal(40)]


def test_what_is_released_may_be_asked_for_again(company: Workspace) -> None:
    first, _, third = _ask(company), _ask(company), _ask(company)
    assert third.verdict == "deny"
    release_hold(company, first.id, "the build was cancelled")
    assert _ask(company).verdict == "allow"


def test_the_same_key_holds_once_and_gives_the_same_answer(company: Workspace) -> None:
    first, again = _ask(company, key="job-7"), _ask(company, key="job-7")
    assert first == again
    assert len(company.ledger.store.holds()) == 1
    with pytest.raises(Conflict):
        _ask(company, key="job-7", amount="21")


def test_settled_money_is_unbilled_and_then_billed_and_never_both(company: Workspace) -> None:
    settle_hold(company, _ask(company).id, Decimal("12.5"))
    before = _statuses(company)["ai"]
    assert (before.actual, before.unbilled, before.held, before.headroom) == (0, Decimal("12.5"), 0, Decimal("37.5"))
    assert isinstance(company.clock, SteppedClock)
    company.clock.advance(timedelta(days=1))
    bill = charge(AS_OF, "12.5", Tags=tags("ml"), ServiceProviderName="OpenAI", ServiceCategory="AI and Machine Learning",
                  ServiceName="API")  # fmt: skip
    deliver(company, write_csv(company.home / "openai.csv", [bill]), source=Source("openai"))
    assign_owners(company)
    after = _statuses(company)["ai"]
    assert (after.actual, after.unbilled, after.headroom) == (Decimal("12.5"), 0, Decimal("37.5"))


def test_a_run_keeps_what_is_held(company: Workspace) -> None:
    _ask(company)
    assert {name: status.held for name, status in _statuses(company).items()} == {"ml": Decimal(20), "ai": Decimal(20)}
    assert _statuses(company)["ai"].headroom == Decimal(30)


def test_after_midnight_the_next_period_has_its_cap(company: Workspace) -> None:
    assert isinstance(company.clock, SteppedClock)
    company.clock.advance(timedelta(days=12))
    assert [_ask(company).verdict for _ in range(3)] == ["allow", "allow", "deny"]
    assert {row.period_label for row in _ask(company).headroom} == {"2026-12"}


def test_before_the_first_run_a_cap_is_not_known_and_holds(tmp_path: Path) -> None:
    ws = judged_by(company_with_bills(tmp_path, {}), BUDGETS)
    asked = _ask(ws)
    assert (asked.verdict, asked.money_held) == ("require_approval", False)
    assert "not known yet" in asked.reasons[0]


def test_an_overrun_stops_the_model_that_caused_it_until_a_person_says_why_it_may_go_on(company: Workspace) -> None:
    settled = settle_hold(company, _ask(company).id, Decimal(25))
    assert settled.frozen == ("model:OpenAI/gpt-5",)
    assert company.counters.value(OVERRUNS) == 1
    stopped = _ask(company, amount="1")
    assert stopped.verdict == "deny"
    assert "frozen" in stopped.reasons[0]
    assert _ask(company, amount="1", attributes={"model": "gpt-5-mini"}).verdict == "allow"
    with pytest.raises(BadInput, match="without a reason"):
        thaw(company, "model:OpenAI/gpt-5", Actor("fay"), " ")
    thaw(company, "model:OpenAI/gpt-5", Actor("fay"), "its price was wrong; mended")
    assert _ask(company, amount="1").verdict == "allow"


def test_what_nothing_covers_is_allowed_and_holds_nothing(company: Workspace) -> None:
    asked = _ask(company, team="web")
    assert (asked.verdict, asked.money_held, asked.hold) == ("allow", False, None)
    assert "no budget covers it" in asked.note


def test_an_approval_is_not_money(company: Workspace) -> None:
    rule = policy_of("ask", "true", "ai.request", effect="require_approval", level="soft")
    ws = judged_by(company, BUDGETS, [rule])
    assert (_ask(ws).verdict, _ask(ws).money_held) == ("require_approval", False)
    assert ws.ledger.store.holds() == []


class TestWithoutTheLedger:
    @pytest.fixture
    def lost(self, company: Workspace) -> Workspace:
        company.ledger.close()
        return company

    def test_a_hard_cap_denies_and_nothing_is_counted_as_let_through(self, lost: Workspace) -> None:
        asked = _ask(lost)
        assert (asked.verdict, asked.ledger, asked.money_held) == ("deny", "lost", False)
        assert lost.counters.value(ALLOWED_WITHOUT) == 0

    def test_a_budget_that_allows_it_in_an_environment_lets_it_through_counted(self, lost: Workspace) -> None:
        only_ai = replace(lost, config=replace(lost.config, budgets=budgets_of(BUDGETS)[1:]))
        assert _ask(only_ai, environment="staging").verdict == "deny"
        allowed = _ask(only_ai, environment="prod")
        assert (allowed.verdict, allowed.money_held) == ("allow", False)
        assert "fail mode" in allowed.note
        assert only_ai.counters.value(ALLOWED_WITHOUT, environment="prod") == 1

    def test_one_budget_that_denies_is_enough(self, lost: Workspace) -> None:
        assert _ask(lost, environment="prod").verdict == "deny"

    def test_policies_are_judged_all_the_same(self, lost: Workspace) -> None:
        rule = policy_of("never", "true", "ai.request", effect="deny", level="hard")
        only_ai = replace(judged_by(lost, BUDGETS, [rule]))
        only_ai = replace(only_ai, config=replace(only_ai.config, budgets=budgets_of(BUDGETS)[1:]))
        assert _ask(only_ai, environment="prod").verdict == "deny"

    def test_it_is_evidence_in_the_state_store(self, lost: Workspace) -> None:
        asked = _ask(lost)
        with lost.state.read() as tx:
            assert [one.subject for one in tx.evidence_records(["decision.without_ledger"])] == [asked.id]

    def test_a_run_says_so_and_stores_nothing(self, lost: Workspace) -> None:
        with pytest.raises(FiscusError, match="ledger"):
            evaluate(lost, "run-2")


class TestReplay:
    @pytest.fixture
    def kept(self, company: Workspace) -> Workspace:
        book = Rulebook("book-1", {}, {"budgets/test.yaml": BUDGETS}, FiscalCalendar(2))
        return replace(company, config=replace(company.config, rulebook=book))

    def test_it_gives_the_same_verdict_after_everything_has_moved(self, kept: Workspace) -> None:
        decisions = [_ask(kept) for _ in range(3)]
        moved = judged_by(kept, BUDGETS.replace("amount: 50", "amount: 5"))
        for decision in decisions:
            found = replay_decision(moved, decision.id)
            assert found.same, found.differences
            assert found.replayed == decision.verdict

    def test_a_freeze_is_part_of_what_was_known(self, kept: Workspace) -> None:
        settle_hold(kept, _ask(kept).id, Decimal(25))
        stopped = _ask(kept, amount="1")
        thaw(kept, "model:OpenAI/gpt-5", Actor("fay"), "mended")
        assert replay_decision(kept, stopped.id).same

    def test_one_that_nobody_gave_is_not_found(self, kept: Workspace) -> None:
        with pytest.raises(NotFound):
            replay_decision(kept, "dec-none")

    def test_one_whose_rulebook_was_not_kept_cannot_be_replayed(self, company: Workspace) -> None:
        with pytest.raises(NotFound, match="rulebook"):
            replay_decision(company, _ask(company).id)


def test_the_ledger_is_shown_with_its_sums(company: Workspace) -> None:
    settle_hold(company, _ask(company).id, Decimal("1.25"))
    _ask(company)
    shown = show_ledger(company)
    assert (shown.held, shown.settled, shown.open) == ({"USD": Decimal(20)}, {"USD": Decimal("1.25")}, 1)
    assert shown.sentence == "20.00 USD is held for 1 that are under way."


class TestItsEvidence:
    DAMAGE = (
        "UPDATE ledger_accounts SET held = '0' WHERE id LIKE 'ai@2026-11'",
        "UPDATE ledger_holds SET document = replace(document, '\"settled\":1250000000', '\"settled\":0')",
        "DELETE FROM ledger_holds WHERE state = 'settled'",
        "DELETE FROM ledger_reserved",
        "UPDATE ledger_reserved SET told = 1",
        "UPDATE ledger_evidence SET body = replace(body, '1250000000', '1150000000')",
        "DELETE FROM ledger_evidence WHERE seq = (SELECT max(seq) FROM ledger_evidence)",
        "DELETE FROM ledger_head",
    )

    @pytest.fixture
    def used(self, company: Workspace) -> Workspace:
        settle_hold(company, _ask(company).id, Decimal("1.25"))
        _ask(company)
        company.ledger.ask(Expire())  # its tables say what its evidence says
        return company

    def test_it_is_whole_with_books_that_add_up(self, used: Workspace) -> None:
        report = verify_evidence(used)
        assert report.ok, (report.ledger.breaks, report.books)
        assert report.ledger.records == used.ledger.store.evidence_head()[0]

    @pytest.mark.parametrize("damage", DAMAGE)
    def test_whoever_changes_it_behind_its_back_is_found(self, used: Workspace, damage: str) -> None:
        with sqlite3.connect(used.home / "ledger.db") as database:
            changed = database.execute(damage).rowcount
        assert changed
        assert not verify_evidence(used).ok

    def test_a_chain_cut_with_its_head_is_found_by_the_checkpoint_before(self, used: Workspace) -> None:
        verify_evidence(used)
        with sqlite3.connect(used.home / "ledger.db") as database:
            database.execute("DELETE FROM ledger_evidence WHERE seq > 2")
            database.execute(
                "UPDATE ledger_head SET seq = 2, digest = (SELECT digest FROM ledger_evidence WHERE seq = 2)"
            )
        assert not verify_evidence(used).ledger.ok
