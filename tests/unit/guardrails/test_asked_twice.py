"""The same thing asked for twice: told while the first waits, and looked at again when a yes comes."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.bills import deliver, write_csv
from tests.fixtures.asking import Letterbox
from tests.fixtures.judging import charge
from tests.fixtures.purchases import ANA, SAM, stored
from tests.fixtures.purchases import ASK as PURCHASE

from fiscus.__main__ import command_line
from fiscus.app.workspace import open_workspace
from fiscus.cost.types import Source
from fiscus.flows.after_answer import after_answer
from fiscus.flows.approve_intent import approve_intent, reject_intent
from fiscus.flows.decide_intent import decide_intent
from fiscus.flows.keep_purchases import keep_purchases
from fiscus.flows.request_purchase import (
    mark_bought,
    proceed_purchases,
    request_commitment,
    request_purchase,
    withdraw_purchase,
)
from fiscus.flows.show_purchases import show_purchase, show_purchases
from fiscus.flows.verify_evidence import verify_evidence
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.approvals.types import Approval
from fiscus.guardrails.doors.commitments.commitment_request import parse_commitment
from fiscus.guardrails.doors.purchases.purchase_request import parse_purchase
from fiscus.guardrails.doors.purchases.types import Purchase
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.errors import Conflict

ASK: dict[str, Any] = {**PURCHASE, "product": "Idx"}
NANOS = 10**9


def asked(ws: Workspace, **changes: Any) -> Purchase:
    return request_purchase(ws, parse_purchase({**ASK, **changes}, date(2026, 11, 20)))[0]


def say_yes(ws: Workspace, purchase: Purchase) -> Purchase:
    approve_intent(ws, stored(ws, purchase).approval_id, SAM)
    after_answer(ws, stored(ws, purchase).approval_id)
    return stored(ws, purchase)


def approval(ws: Workspace, approval_id: str) -> Approval:
    with ws.state.read() as tx:
        found = tx.approvals.get(approval_id)
    assert found is not None
    return found


def held(ws: Workspace) -> int:
    return ws.ledger.store.totals().held.get("USD", 0) // NANOS


def check(purchase: Purchase, name: str) -> str:
    return next(one.sentence for one in purchase.checks if one.name == name)


class TestWhileTheFirstWaits:
    def test_the_second_is_told_who_asked_when_and_its_id_however_the_vendor_is_spelt(self, ws) -> None:
        first, second = asked(ws), asked(ws, vendor="vectorforge INC", channel="direct")
        said = f"Idx of VectorForge Inc. (18,000 USD, {first.id}, asked by ana.silva on 2026-11-20)"
        assert check(first, "duplicate") == "Nothing that does the same is paid for or asked for."
        assert check(second, "duplicate") == f"Exactly this is asked for already and not decided yet: {said}."
        assert check(second, "overlap").startswith(
            f"{first.id} (asked by ana.silva on 2026-11-20, not decided yet) would run"
        )

    def test_policies_see_it_and_the_approver_reads_it_in_the_question(self, ws) -> None:
        letters = Letterbox()
        mailed = replace(ws, channels={"email": letters})
        first, second = asked(mailed), asked(mailed)
        facts = second.intent.attributes
        named = f"{first.id} (asked by ana.silva on 2026-11-20, not decided yet)"
        assert (facts["existing_product"], facts["duplicate_amount"]) == ("Idx", "18000.00")
        assert (facts["same_in_register"], facts["po_named_by"], facts["purchase"]) == (named, named, second.id)
        assert "saas-second-tool-for-the-same" in approval(ws, second.approval_id).policies
        after_answer(mailed, second.approval_id)
        assert f"Same in register:     {named}" in letters.notices[-1].body
        assert {"same_in_register", "po_named_by", "existing_product"}.isdisjoint(first.intent.attributes)

    def test_a_purchase_order_that_another_names_is_told(self, ws) -> None:
        first = asked(ws)
        other = asked(ws, vendor="Quill", product="Docs")
        assert check(other, "purchase_order").endswith(
            f"as does {first.id} (asked by ana.silva on 2026-11-20, not decided yet)."
        )
        assert check(other, "duplicate").startswith("Nothing")
        assert check(asked(ws, vendor="Pen", product="Ink", po="PO-2026-78"), "purchase_order").endswith("PO-2026-78.")

    def test_what_was_rejected_or_withdrawn_is_no_duplicate(self, ws) -> None:
        no, gone = asked(ws), asked(ws)
        reject_intent(ws, no.approval_id, SAM, "no")
        after_answer(ws, no.approval_id)
        withdraw_purchase(ws, gone.id, ANA, "twice")
        assert check(asked(ws), "duplicate").startswith("Nothing")
        assert check(asked(ws, product="Other"), "purchase_order").count("pur-") == 1

    def test_a_renewal_asked_for_twice_is_found(self, ws) -> None:
        old = asked(ws, renewal="manual", term_months=6)
        mark_bought(ws, say_yes(ws, old).id, ANA, "")
        again = {"starts": "2027-06-01", "po": "PO-2026-78"}
        first = asked(ws, **again)
        assert check(first, "duplicate").startswith("Nothing"), "it follows on the old one"
        assert first.id in check(asked(ws, **again), "duplicate")

    def test_each_purchase_has_its_own_approval_commitments_and_seats_too(self, ws) -> None:
        rows = [charge(date(2026, 10, 1) + timedelta(days=n), 100, ContractedCost="100", PricingCategory="Standard",
                       ServiceName="Amazon EC2", RegionId="eu-west-1") for n in range(30)]  # fmt: skip
        deliver(ws, write_csv(ws.home / "use.csv", rows), source=Source("use"))
        seats = [asked(ws, channel="direct", seats=50) for _ in range(2)]
        body = {"requested_by": "ana.silva", "environment": "prod", "provider": "AWS", "commitment_kind": "savings_plan",
                "service": "Amazon EC2", "term_months": 12, "hourly_commitment": "2.00", "discount_percent": 28,
                "currency": "USD"}  # fmt: skip
        plans = [request_commitment(ws, parse_commitment(body, ws.as_of))[1] for _ in range(2)]
        assert len({one.approval_id for one in (*seats, *plans)}) == 4
        assert check(plans[1], "overlap").startswith(
            f"{plans[0].id} (asked by ana.silva on 2026-11-20, not decided yet)"
        )
        assert plans[1].intent.attributes["same_in_register"].startswith(plans[0].id)


class TestWhenTheYesComes:
    def test_one_is_let_through_and_the_others_are_asked_anew_with_what_was_let_through(self, ws) -> None:
        first, second, third = (asked(ws) for _ in range(3))
        assert say_yes(ws, second).state == "allowed"
        for before in (first, third):
            after = say_yes(ws, before)
            assert (after.state, after.approval_id != before.approval_id) == ("asked", True)
            assert check(after, "duplicate").startswith("You have exactly this already: Idx of VectorForge Inc.")
            assert check(after, "vendor").endswith("known from the register, and on no bill yet.")
            assert f"{second.id} (allowed)" in str(after.intent.attributes["same_in_register"])
            question = approval(ws, after.approval_id)
            assert (question.state, question.intent) == ("asked", after.intent)
            assert approval(ws, before.approval_id).state == "rejected", "the yes to the old question is worth nothing"
            assert after.steps[-1].note == (
                f"Since it was asked, {second.id} (allowed) came beside it. "
                f"It waits for another yes: fiscus approve {after.approval_id}"
            )
        assert held(ws) == 18000
        assert say_yes(ws, first).state == "allowed", "who reads it and says yes may have both"
        assert held(ws) == 36000
        assert verify_evidence(ws).ok

    def test_what_is_only_asked_for_later_holds_nobody_up(self, ws) -> None:
        first = asked(ws)
        asked(ws)
        assert say_yes(ws, first).state == "allowed"

    def test_more_seats_and_the_same_purchase_order_are_looked_at_again_too(self, ws) -> None:
        seats, more = (asked(ws, channel="direct", seats=50) for _ in range(2))
        other = asked(ws, vendor="Quill", product="Docs")
        assert say_yes(ws, more).state == "allowed"
        assert [say_yes(ws, one).state for one in (seats, other)] == ["asked", "asked"]
        assert f"{more.id} (allowed)" in str(stored(ws, other).intent.attributes["po_named_by"])
        assert held(ws) == 18000

    def test_the_register_names_the_approval_that_it_waits_for_now(self, ws) -> None:
        first, second = asked(ws), asked(ws)
        say_yes(ws, first)
        after = say_yes(ws, second)
        lines = {one.purchase.id: one for one in show_purchases(ws).lines}
        assert (lines[second.id].approved_by, lines[first.id].approved_by) == ((), ("sam.lee",))
        assert after.approval_id == lines[second.id].purchase.approval_id

    def test_two_that_shared_one_approval_before_each_got_its_own_are_told_apart(self, ws) -> None:
        first = asked(ws)
        second = replace(first, id="pur-twin")
        with ws.state.begin() as tx:
            tx.purchases.put(second)
        approve_intent(ws, first.approval_id, SAM)
        went_on = after_answer(ws, first.approval_id)
        through, waits = sorted((stored(ws, one) for one in went_on), key=lambda one: one.state)
        assert (through.state, waits.state, approval(ws, first.approval_id).state) == ("allowed", "asked", "used")
        assert approval(ws, waits.approval_id).state == "asked"
        assert held(ws) == 18000
        assert show_purchase(ws, waits.id).sentence.endswith(f"it waits for a yes ({waits.approval_id}).")
        assert show_purchase(ws, waits.id).line.approved_by == ()
        assert say_yes(ws, waits).state == "allowed"

    def test_what_has_its_yes_and_could_not_go_on_is_not_said_to_wait_for_one(self, ws) -> None:
        one = asked(ws)
        approve_intent(ws, one.approval_id, SAM)
        assert f"it has its yes ({one.approval_id}), and goes on" in show_purchase(ws, one.id).sentence

    def test_two_that_get_their_yes_at_once_are_not_both_let_through(self, home) -> None:
        ws = open_workspace(home, date(2026, 11, 20))
        both = [asked(ws), asked(ws)]
        for one in both:
            approve_intent(ws, one.approval_id, SAM)
        ready = threading.Barrier(2)

        def go(one: Purchase) -> None:
            mine = open_workspace(home, date(2026, 11, 20))
            ready.wait()
            proceed_purchases(mine, one.approval_id)

        threads = [threading.Thread(target=go, args=(one,)) for one in both]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(stored(ws, one).state for one in both) == ["allowed", "asked"]
        assert held(ws) == 18000
        keep_purchases(ws)
        assert held(ws) == 18000


class TestAProcessThatDies:
    def begun(self, ws: Workspace, purchase: Purchase) -> Purchase:
        """As a process leaves it that took its turn and died."""
        going = replace(stored(ws, purchase), going=True)
        with ws.state.begin() as tx:
            tx.purchases.put(going)
        return going

    def test_between_its_turn_and_its_hold_is_let_through_by_the_next_run_and_whatever_comes_beside_it_sees_it(
        self, ws
    ) -> None:
        first, second = asked(ws), asked(ws)
        approve_intent(ws, first.approval_id, SAM)
        self.begun(ws, first)
        beside = say_yes(ws, second)
        assert beside.state == "asked"
        assert f"{first.id} (asked by ana.silva on 2026-11-20, approved)" in str(
            beside.intent.attributes["same_in_register"]
        )
        with pytest.raises(Conflict, match="is being let through"):
            withdraw_purchase(ws, first.id, ANA, "not any more")
        assert keep_purchases(ws).proceeded == (first.id,)
        assert (stored(ws, first).state, stored(ws, first).going, held(ws)) == ("allowed", False, 18000)
        assert say_yes(ws, second).state == "allowed", "that question named it"

    def test_between_its_hold_and_the_register_holds_its_money_once(self, ws) -> None:
        first, second = asked(ws), asked(ws)
        approve_intent(ws, first.approval_id, SAM)
        key = f"{first.id}|{first.approval_id}|1"
        given = decide_intent(ws, self.begun(ws, first).intent, key=key, approval_id=first.approval_id)
        assert (given.verdict, held(ws)) == ("allow", 18000)
        assert say_yes(ws, second).state == "asked"
        assert keep_purchases(ws).proceeded == (first.id,)
        assert (stored(ws, first).decision_id, held(ws)) == (given.id, 18000)
        withdraw_purchase(ws, first.id, ANA, "not needed")
        assert held(ws) == 0

    def test_between_its_claim_and_its_hold_waits_until_the_claim_is_given_up(self, ws) -> None:
        one = asked(ws)
        approve_intent(ws, one.approval_id, SAM)
        self.begun(ws, one)
        with ws.state.begin() as tx:
            left = approval(ws, one.approval_id)
            step = replace(left.steps[-1], at=ws.clock.now(), kind="used")
            tx.approvals.put(replace(left, state="used", used_by="dec-never", steps=(*left.steps, step)))
        assert keep_purchases(ws).proceeded == ()
        assert stored(ws, one).steps == one.steps, "whoever claimed it may be at it still"
        assert isinstance(ws.clock, SteppedClock)
        ws.clock.advance(timedelta(minutes=3))
        assert keep_purchases(ws).proceeded == (one.id,)
        assert held(ws) == 18000

    def test_once_its_facts_changed_and_before_it_was_asked_anew_is_asked_anew_once(self, ws) -> None:
        first, second = asked(ws), asked(ws)
        say_yes(ws, first)
        approve_intent(ws, second.approval_id, SAM)
        full = replace(ws, state=_Dies(ws.state, after=1))
        with pytest.raises(ConnectionError):
            proceed_purchases(full, second.approval_id)
        half = stored(ws, second)
        assert (len(half.steps), half.approval_id, half.going) == (2, second.approval_id, True)
        keep_purchases(ws)
        waits = stored(ws, second)
        assert (waits.state, waits.going, approval(ws, waits.approval_id).state) == ("asked", False, "asked")
        keep_purchases(ws)
        assert stored(ws, second) == waits
        assert held(ws) == 18000


class _Dies:
    """A real state store in a process that dies at its next write after some."""

    def __init__(self, state: Any, after: int) -> None:
        self._state, self._left = state, after

    def begin(self) -> Any:
        self._left -= 1
        if self._left < 0:
            raise ConnectionError("the process died")
        return self._state.begin()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._state, name)


def test_the_command_says_what_the_purchase_did_and_what_shows_it(home: Path, tmp_path, capsys) -> None:
    def run(*words: str) -> str:
        command_line()([*words, "--home", str(home)], result_action="return_value")
        return str(capsys.readouterr().out)

    path = tmp_path / "q.json"
    path.write_text(json.dumps({name: value for name, value in ASK.items() if name != "starts"}))
    first, second = (run("request", "purchase", str(path)).split()[0] for _ in range(2))
    with open_workspace(home).state.read() as tx:
        (apr_1,), (apr_2,) = ({p.approval_id for p in tx.purchases.all() if p.id == one} for one in (first, second))
    said = run("approve", apr_1, "--as", "sam.lee")
    assert said.strip() == (
        f"sam.lee said yes to {apr_1}: approved. {first} has gone on by itself and may be bought. "
        f"Shown by: fiscus purchases show {first}"
    )
    said = run("approve", apr_2, "--as", "sam.lee")
    assert (
        f"{second} is asked anew: Since it was asked, {first} (allowed) came beside it. It waits for another yes: fiscus"
        in said
    )
    assert "fiscus decide" not in said


def test_who_asked_hears_by_mail_that_it_goes_on_and_that_it_is_asked_anew(ws) -> None:
    letters = Letterbox()
    mailed = replace(ws, channels={"email": letters})
    first, second = asked(mailed), asked(mailed)
    say_yes(mailed, first)
    anew = say_yes(mailed, second)
    mine = [one for one in letters.notices if one.to == "ana.silva@example.com"]
    assert f"It goes on by itself; what became of it:\n\n  fiscus purchases show {first.id}" in mine[0].body
    assert not any("fiscus decide" in one.body for one in mine)
    assert (
        f"asked anew as {anew.approval_id}. Since it was asked, {first.id} (allowed) came beside it." in mine[-1].body
    )
    assert any(one.payload["approval"] == anew.approval_id for one in letters.notices), (
        "the new question leaves at once"
    )
