"""From a verdict that needs a yes to the verdict that rests on it: in a workspace as `fiscus init` makes it, ledger and all."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.asking import Letterbox

from fiscus.__main__ import command_line
from fiscus.flows.approve_intent import approve_intent, reject_intent
from fiscus.flows.claim_approval import claim_approval
from fiscus.flows.decide_intent import decide_intent
from fiscus.flows.replay_decision import replay_decision
from fiscus.flows.verify_evidence import verify_evidence
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.decisions.intent import parse_intent
from fiscus.guardrails.types import Decision, Intent
from fiscus.kernel.actor import Actor
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.errors import FiscusError, NotFound, Unavailable

SAM, ANA = Actor("sam.lee"), Actor("ana.silva")
ASK: dict[str, Any] = {
    "kind": "marketplace.purchase", "requested_by": "ana.silva", "environment": "prod", "provider": "AWS",
    "amount": "18500.00", "currency": "USD", "attributes": {"vendor": "VectorForge Inc.", "term_months": 12, "po": "PO-2026-77"},
}  # fmt: skip

TAGGED = {
    "resource_type": "bucket",
    "tags": {"team": "platform", "environment": "dev", "product": "x", "cost_centre": "y"},
}


def ask(**changes: Any) -> Intent:
    return parse_intent({**ASK, **changes})


@pytest.fixture
def mailed(ws: Workspace) -> Workspace:
    """The workspace with a letterbox for mails."""
    return replace(ws, channels={"email": Letterbox()})


def state_of(ws: Workspace, approval_id: str) -> str:
    with ws.state.read() as tx:
        approval = tx.approvals.get(approval_id)
    assert approval is not None
    return approval.state


def later(ws: Workspace, **step: float) -> None:
    assert isinstance(ws.clock, SteppedClock)
    ws.clock.advance(timedelta(**step))


def test_a_verdict_that_needs_a_yes_asks_for_it_and_says_what_to_do_next(mailed) -> None:
    given = decide_intent(mailed, ask())
    assert (given.verdict, given.money_held) == ("require_approval", False)
    assert given.approval_id.startswith("apr-")
    assert (
        given.next_step
        == f"Have it approved, by somebody else: fiscus approve {given.approval_id}. sam.lee got a mail."
    )
    again = decide_intent(mailed, ask())
    assert (again.approval_id, again.id == given.id) == (given.approval_id, False), (
        "one question, however often it is asked"
    )


def test_an_approved_intent_is_allowed_once_and_its_money_is_held(ws) -> None:
    asked = decide_intent(ws, ask())
    approve_intent(ws, asked.approval_id, SAM)
    given = decide_intent(ws, ask(), approval_id=asked.approval_id)
    assert (given.verdict, given.approval_id, given.next_step) == ("allow", asked.approval_id, "Go ahead.")
    assert f"approved by sam.lee on 2026-11-20 12:00 UTC ({asked.approval_id})" in given.reasons[0]
    assert given.money_held, "the everything budget covers it"
    once_more = decide_intent(ws, ask(), approval_id=asked.approval_id)
    assert once_more.verdict == "require_approval"
    assert once_more.reasons[0].startswith(f"Approval {asked.approval_id} was used by {given.id}")
    assert once_more.approval_id != asked.approval_id, "it is another question now"
    assert verify_evidence(ws).ok


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"amount": "18500.01"}, "amount was 18500.00, is 18500.01"),
        ({"environment": "dev"}, "environment was 'prod', is 'dev'"),
        ({"attributes": {**ASK["attributes"], "term_months": 24}}, "attributes.term_months was 12, is 24"),
    ],
)
def test_another_amount_or_attribute_is_stale_and_says_what_differs(ws, change, says) -> None:
    asked = decide_intent(ws, ask())
    approve_intent(ws, asked.approval_id, SAM)
    given = decide_intent(ws, ask(**change), approval_id=asked.approval_id)
    assert (given.verdict, given.money_held) == ("require_approval", False)
    assert "is stale" in given.reasons[0]
    assert says in given.reasons[0]
    assert decide_intent(ws, ask(), approval_id=asked.approval_id).verdict == "allow", (
        "the yes still stands for what it was for"
    )


def test_a_spelling_that_means_the_same_is_the_same(ws) -> None:
    asked = decide_intent(ws, ask())
    approve_intent(ws, asked.approval_id, SAM)
    given = decide_intent(
        ws, ask(environment="Production", provider="amazon web services"), approval_id=asked.approval_id
    )
    assert given.verdict == "allow"


def test_a_yes_does_not_lift_a_denial(ws) -> None:
    long = ask(attributes={**ASK["attributes"], "term_months": 60})
    assert decide_intent(ws, long).verdict == "deny"
    asked = decide_intent(ws, ask())
    approve_intent(ws, asked.approval_id, SAM)
    assert decide_intent(ws, long, approval_id=asked.approval_id).verdict == "deny"
    assert state_of(ws, asked.approval_id) == "approved"


def test_nothing_goes_through_before_the_yes_after_a_no_after_the_expiry_or_by_an_unknown_one(ws) -> None:
    asked = decide_intent(ws, ask())
    early = decide_intent(ws, ask(), approval_id=asked.approval_id)
    assert (early.verdict, early.approval_id) == ("require_approval", asked.approval_id)
    assert "is not approved: 1 person must still say yes" in early.reasons[0]
    reject_intent(ws, asked.approval_id, SAM, "we have one")
    assert "was rejected by sam.lee: we have one" in decide_intent(ws, ask(), approval_id=asked.approval_id).reasons[0]
    other = decide_intent(ws, ask())
    approve_intent(ws, other.approval_id, SAM)
    later(ws, hours=72)
    assert "expired at" in decide_intent(ws, ask(), approval_id=other.approval_id).reasons[0]
    with pytest.raises(NotFound):
        decide_intent(ws, ask(), approval_id="apr-none")


def test_a_decision_that_rests_on_a_yes_or_on_a_stale_one_replays(ws) -> None:
    asked = decide_intent(ws, ask())
    approve_intent(ws, asked.approval_id, SAM)
    stale = decide_intent(ws, ask(amount="7000"), approval_id=asked.approval_id)
    given = decide_intent(ws, ask(), approval_id=asked.approval_id)
    for one in (asked, stale, given):
        assert replay_decision(ws, one.id).differences == ()


def test_of_many_that_come_with_one_yes_at_once_one_is_let_through(ws) -> None:
    asked = decide_intent(ws, ask())
    approve_intent(ws, asked.approval_id, SAM)
    given: list[Decision] = []

    def come() -> None:
        given.append(decide_intent(ws, ask(), approval_id=asked.approval_id))

    workers = [threading.Thread(target=come) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(one.verdict for one in given) == ["allow"] + ["require_approval"] * 7


def test_fifty_at_once_that_approve_reject_and_come_with_it_leave_one_story(ws) -> None:
    asked = decide_intent(ws, ask())
    allowed: list[str] = []
    start = threading.Barrier(50)

    def act(number: int) -> None:
        start.wait()
        try:
            if number % 10 == 0:
                reject_intent(ws, asked.approval_id, ANA, "taken back")
            elif number % 2:
                approve_intent(ws, asked.approval_id, SAM if number % 4 == 1 else ANA)
            elif decide_intent(ws, ask(), approval_id=asked.approval_id).verdict == "allow":
                allowed.append(asked.approval_id)
        except FiscusError:
            return

    workers = [threading.Thread(target=act, args=(number,)) for number in range(50)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    with ws.state.read() as tx:
        approval = tx.approvals.get(asked.approval_id)
    assert approval is not None
    assert len(allowed) <= 1
    assert (approval.state == "used") == (len(allowed) == 1)
    assert set(approval.yes) <= {"sam.lee"}
    kinds = [step.kind for step in approval.steps]
    assert kinds.count("approved") <= 1
    assert kinds[-1] == {"used": "used", "rejected": "rejected", "approved": kinds[-1]}[approval.state]
    assert verify_evidence(ws).ok


def test_the_same_key_is_answered_as_before_and_uses_no_second_yes(ws) -> None:
    asked = decide_intent(ws, ask())
    approve_intent(ws, asked.approval_id, SAM)
    first = decide_intent(ws, ask(), key="order-7", approval_id=asked.approval_id)
    again = decide_intent(ws, ask(), key="order-7", approval_id=asked.approval_id)
    assert (again.id, again.verdict, state_of(ws, asked.approval_id)) == (first.id, "allow", "used")


def test_a_yes_that_died_with_its_process_is_given_back_after_a_while(ws) -> None:
    asked = decide_intent(ws, ask())
    approve_intent(ws, asked.approval_id, SAM)
    claim_approval(ws, asked.approval_id, replace(asked, id="dec-never-given"))
    assert decide_intent(ws, ask(), approval_id=asked.approval_id).verdict == "require_approval"
    later(ws, minutes=3)
    assert decide_intent(ws, ask(), approval_id=asked.approval_id).verdict == "allow"


def test_a_soft_cap_asks_and_a_changed_budget_makes_the_yes_stale(ws) -> None:
    budget = next(one for one in ws.config.budgets if one.id == "everything")
    capped = _with_budget(ws, replace(budget, cap="soft", amount=Decimal(1000)))
    small = ask(amount="2000", kind="resource.provision", environment="dev", attributes=TAGGED)
    asked = decide_intent(capped, small)
    assert asked.verdict == "require_approval"
    approve_intent(capped, asked.approval_id, SAM)
    raised = _with_budget(ws, replace(budget, cap="soft", amount=Decimal(1001)))
    given = decide_intent(raised, small, approval_id=asked.approval_id)
    assert (given.verdict, "is stale: budget.everything was changed since" in given.reasons[0]) == (
        "require_approval",
        True,
    )
    assert decide_intent(capped, small, approval_id=asked.approval_id).verdict == "allow"


def test_a_yes_does_not_lift_a_hard_cap_of_which_nobody_knows_where_it_stands(ws) -> None:
    budget = next(one for one in ws.config.budgets if one.id == "everything")
    capped = _with_budget(ws, replace(budget, cap="hard", amount=Decimal(100_000)))
    asked = decide_intent(capped, ask())
    assert asked.verdict == "require_approval"
    approve_intent(capped, asked.approval_id, SAM)
    given = decide_intent(capped, ask(), approval_id=asked.approval_id)
    assert (given.verdict, given.money_held) == ("require_approval", False)
    assert "does not lift budget.everything, a hard cap of which nobody knows where it stands" in given.reasons[0]
    assert given.next_step == "`fiscus run` brings it up to date; come back with the approval then."
    assert state_of(capped, asked.approval_id) == "approved", "it is there for when that is known"


def _with_budget(ws: Workspace, budget: Any) -> Workspace:
    others = tuple(one for one in ws.config.budgets if one.id != budget.id)
    return replace(ws, config=replace(ws.config, budgets=(*others, budget), rulebook=None))


class TestTheCommands:
    def run(self, *words: str) -> int:
        return command_line()(list(words), result_action="return_value") or 0

    def test_from_the_question_to_the_yes_to_the_money(self, home: Path, tmp_path, capsys) -> None:
        path = tmp_path / "intent.json"
        path.write_text(json.dumps(ASK))
        at = ("--home", str(home))
        assert self.run("decide", str(path), *at) == 3
        approval_id = json.loads(capsys.readouterr().out)["approval_id"]
        assert self.run("approvals", *at) == 0
        assert approval_id in capsys.readouterr().out
        assert self.run("approvals", "show", approval_id, *at) == 0
        shown = capsys.readouterr().out
        for part in (
            "18,500.00 USD",
            "Term months: 12",
            "May say yes: sam.lee",
            "Bound: ",
            "asked by ana.silva (asserted)",
        ):
            assert part in shown
        assert self.run("approvals", "show", "apr-none", *at) == 2
        capsys.readouterr()
        assert self.run("approve", approval_id, "--as", "ana.silva", *at) == 2
        assert "ana.silva asked for this money" in capsys.readouterr().err
        assert self.run("approve", approval_id, "--as", "sam.lee", *at) == 0
        assert f"sam.lee said yes to {approval_id}: approved." in capsys.readouterr().out
        assert self.run("decide", str(path), "--approval", approval_id, *at) == 0
        assert json.loads(capsys.readouterr().out)["verdict"] == "allow"

    def test_several_at_once_the_refused_one_stops_nothing(self, home: Path, tmp_path, capsys) -> None:
        at, ids = ("--home", str(home)), []
        for amount in ("700", "800"):
            path = tmp_path / f"{amount}.json"
            path.write_text(json.dumps({**ASK, "amount": amount}))
            self.run("decide", str(path), *at)
            ids.append(json.loads(capsys.readouterr().out)["approval_id"])
        assert self.run("approve", ids[0], "apr-none", ids[1], "--as", "sam.lee", *at) == 2
        said = capsys.readouterr()
        assert (said.out.count("approved."), "no approval 'apr-none'" in said.err) == (2, True)
        assert self.run("reject", ids[0], "--as", "ana.silva", "--note", "not needed", *at) == 0
        assert self.run("approve", "--as", "sam.lee", *at) == 2


def test_what_is_only_judged_uses_no_yes_up(ws) -> None:
    asked = decide_intent(ws, ask(), hold=False)
    assert (asked.verdict, asked.approval_id != "") == ("require_approval", True)
    approve_intent(ws, asked.approval_id, SAM)
    for _ in range(2):
        assert decide_intent(ws, ask(), hold=False).verdict == "allow", "a pipeline that runs again passes"
    assert decide_intent(ws, ask(amount="18501"), hold=False).verdict == "require_approval"
    assert state_of(ws, asked.approval_id) == "approved"
    assert decide_intent(ws, ask(), approval_id=asked.approval_id).verdict == "allow"
    assert decide_intent(ws, ask(), hold=False).verdict == "require_approval", "it is used up now"


class Gone:
    """A state store that cannot be reached for writing."""

    def __init__(self, state: Any) -> None:
        self.read = state.read

    def begin(self) -> Any:
        raise Unavailable("the state store is gone", remedy="wait")


def test_a_store_that_is_gone_lets_nothing_through_and_the_verdict_says_that_nobody_was_asked(ws) -> None:
    asked = decide_intent(ws, ask())
    approve_intent(ws, asked.approval_id, SAM)
    broken = replace(ws, state=Gone(ws.state))
    with pytest.raises(Unavailable):
        decide_intent(broken, ask(), approval_id=asked.approval_id)
    other = decide_intent(broken, ask(amount="999"))
    assert (other.verdict, other.approval_id) == ("require_approval", "")
    assert other.next_step.startswith("Nobody was asked for a yes: the state store is gone")
    assert decide_intent(ws, ask(), approval_id=asked.approval_id).verdict == "allow"


def test_a_ledger_that_is_gone_uses_no_yes_up(ws, monkeypatch) -> None:
    asked = decide_intent(ws, ask())
    approve_intent(ws, asked.approval_id, SAM)

    def lost(_command: object) -> Any:
        raise Unavailable("the ledger is gone", remedy="wait")

    with monkeypatch.context() as gone:
        gone.setattr(ws.ledger, "ask", lost)
        given = decide_intent(ws, ask(), approval_id=asked.approval_id)
        assert (given.ledger, given.money_held) == ("lost", False)
    assert state_of(ws, asked.approval_id) == "approved"
    assert decide_intent(ws, ask(), approval_id=asked.approval_id).verdict == "allow"
