"""A yes to money: from somebody else, to exactly what was asked, worth one use, until it expires."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.asking import Letterbox, asked_for, decision, intent
from tests.fixtures.company import NOON, Settings, open_company

from fiscus.flows.approve_intent import approve_intent, approve_many, open_approval_link, reject_intent
from fiscus.flows.claim_approval import claim_approval, return_approval
from fiscus.flows.deliver_notices import deliver_about, deliver_notices
from fiscus.flows.keep_approvals import keep_approvals
from fiscus.flows.link_secret import link_secret
from fiscus.flows.request_approval import next_step, request_approval
from fiscus.flows.show_approvals import show_approval, show_approvals
from fiscus.flows.verify_evidence import verify_evidence
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.approvals.covers import approval_covers
from fiscus.guardrails.approvals.machine import asking
from fiscus.guardrails.approvals.signed_link import open_link, sign_link
from fiscus.guardrails.approvals.types import Approval, Covers, WhyNot
from fiscus.guardrails.types import ApprovalNeeded, Decision
from fiscus.kernel.actor import FISCUS, Actor
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.errors import BadInput, Conflict, IntegrityBroken, LimitExceeded, NotAllowed, NotFound
from fiscus.ownership.types import Directory

LEA, FAY, VERA, MAX = Actor("lea"), Actor("fay"), Actor("vera"), Actor("max")


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(NOON)


@pytest.fixture
def letters() -> Letterbox:
    return Letterbox()


@pytest.fixture
def hooks() -> Letterbox:
    return Letterbox()


@pytest.fixture
def ws(tmp_path: Path, clock: SteppedClock, letters: Letterbox, hooks: Letterbox) -> Workspace:
    opened = open_company(tmp_path, Settings(channels={"email": letters, "webhook": hooks}), clock)
    return replace(opened, config=replace(opened.config, policy_owners={"purchases": "pia"}))


def stored(ws: Workspace, approval_id: str) -> Approval:
    with ws.state.read() as tx:
        found = tx.approvals.get(approval_id)
    assert found is not None
    return found


def evidence(ws: Workspace, approval_id: str) -> list[str]:
    with ws.state.read() as tx:
        return [r.kind.removeprefix("approval.") for r in tx.evidence_records() if r.subject == approval_id]


def left(ws: Workspace, person: str) -> Workspace:
    """The same workspace after `person` has left."""
    people = dict(ws.config.directory.people)
    people[person] = replace(people[person], left_on="2026-11-20")
    return replace(ws, config=replace(ws.config, directory=Directory(people, ws.config.directory.teams, "finops")))


class TestAsking:
    def test_the_question_is_stored_with_its_evidence_and_goes_to_who_leads_the_team_that_pays(
        self, ws, letters
    ) -> None:
        approval = asked_for(ws)
        assert (approval.state, approval.told, approval.expires_at) == ("asked", ("lea",), NOON + timedelta(hours=72))
        assert (approval.cost_centre, approval.authors) == ("CC-2", {"pia": "the policy purchases"})
        assert (stored(ws, approval.id), evidence(ws, approval.id)) == (approval, ["asked"])
        deliver_about(ws, approval.id)
        assert [n.to for n in letters.notices] == ["lea@x.example"]
        mail = letters.notices[0]
        assert mail.subject == (
            "Approve or reject: 18,500.00 USD for a marketplace purchase of index from VectorForge Inc., asked by max"
        )
        for part in ("Term months: 12", "Po:          PO-2026-77", "30,000.00 USD left, 11,500.00 USD after it",
                     "May say yes as well: vera, fay.", f"fiscus approve {approval.id} --as lea"):  # fmt: skip
            assert part in mail.body

    def test_the_same_question_again_asks_nobody_twice(self, ws, letters) -> None:
        first, second = asked_for(ws), asked_for(ws)
        assert first.id == second.id
        deliver_notices(ws)
        assert len(letters.notices) == 1

    @pytest.mark.parametrize(
        "other", [{"amount": Decimal("18500.01")}, {"environment": "prod"}, {"attributes": {"po": "PO-2026-78"}}]
    )
    def test_another_question_is_another_approval(self, ws, other) -> None:
        assert asked_for(ws).id != asked_for(ws, intent(**other)).id

    def test_a_question_under_a_changed_policy_is_another_approval(self, ws) -> None:
        assert asked_for(ws).id != asked_for(ws, policies={"purchases": "v2"}).id

    def test_who_asks_in_a_loop_is_stopped_before_the_people_who_decide_are_buried(self, ws) -> None:
        for n in range(50):
            asked_for(ws, intent(amount=Decimal(1000 + n)))
        with pytest.raises(LimitExceeded, match="50 questions of max wait"):
            asked_for(ws, intent(amount=Decimal(5)))

    def test_what_needs_no_approval_gets_none(self, ws) -> None:
        with pytest.raises(BadInput):
            request_approval(ws, replace(decision(ws=ws), verdict="deny"))

    def test_finance_is_asked_as_well_from_a_critical_amount_on(self, ws) -> None:
        people = dict(ws.config.directory.people)
        people["otto"] = replace(people["otto"], roles=("finance",))
        rich = replace(ws, config=replace(ws.config, directory=Directory(people, ws.config.directory.teams, "finops")))
        assert asked_for(rich).told == ("lea",)
        assert asked_for(rich, intent(amount=Decimal(60000))).told == ("lea", "otto")

    def test_a_policy_may_name_the_roles_and_how_many(self, ws) -> None:
        two = asked_for(ws, needed=ApprovalNeeded(("finops", "lead"), 2, 24))
        assert (two.told, two.expires_at) == (("lea", "vera"), NOON + timedelta(hours=24))
        assert show_approval(ws, two.id).line.may_approve == ("lea", "vera", "fay"), (
            "pia wrote the policy, cem has left"
        )

    def test_nobody_is_left_to_ask_is_said_so(self, ws) -> None:
        nobody = asked_for(ws, needed=ApprovalNeeded(("procurement",)))
        assert nobody.told == ()
        with pytest.raises(NotAllowed, match="lea has no role of procurement") as caught:
            approve_intent(ws, nobody.id, LEA)
        assert caught.value.remedy == "May approve: nobody in the directory."

    def test_the_webhook_gets_each_step_and_never_a_link(self, ws, hooks) -> None:
        approval = asked_for(ws)
        approve_intent(ws, approval.id, LEA)
        deliver_notices(ws)
        assert [n.payload["event"] for n in hooks.notices] == ["approval.asked", "approval.approved"]
        assert not any("/approvals/link/" in n.body or "link" in str(n.payload) for n in hooks.notices)


class TestFourEyes:
    @pytest.mark.parametrize("person", ["lea", "vera", "fay"])
    def test_who_answers_for_the_team_or_for_money_may(self, ws, person) -> None:
        approved = approve_intent(ws, asked_for(ws).id, Actor(person))
        assert (approved.state, approved.yes) == ("approved", (person,))

    @pytest.mark.parametrize(
        ("person", "why"),
        [
            ("max", "max asked for this money"),
            ("pia", "pia wrote the policy purchases"),
            ("otto", "otto does not answer for what ml pays"),
            ("cem", "cem left on 2026-06-30"),
            ("mallory", "mallory is not in the directory"),
        ],
    )
    def test_anybody_else_may_not_and_learns_why_and_who_may(self, ws, person, why) -> None:
        approval = asked_for(ws)
        with pytest.raises(NotAllowed, match=why) as caught:
            approve_intent(ws, approval.id, Actor(person))
        assert caught.value.remedy == "May approve: lea, vera, fay."
        assert (stored(ws, approval.id).state, evidence(ws, approval.id)) == ("asked", ["asked", "refused"])

    def test_fiscus_itself_approves_nothing(self, ws) -> None:
        with pytest.raises(NotAllowed):
            approve_intent(ws, asked_for(ws).id, FISCUS)

    def test_a_lead_who_asks_is_approved_by_who_is_above(self, ws) -> None:
        approval = asked_for(ws, intent(requested_by="lea"))
        assert approval.told == ("vera",)
        with pytest.raises(NotAllowed, match="lea asked"):
            approve_intent(ws, approval.id, LEA)

    def test_two_different_people_where_two_are_asked_for(self, ws) -> None:
        approval = asked_for(ws, needed=ApprovalNeeded((), 2))
        assert approve_intent(ws, approval.id, LEA).state == "asked"
        with pytest.raises(Conflict, match="lea has said yes"):
            approve_intent(ws, approval.id, LEA)
        assert approve_intent(ws, approval.id, FAY).yes == ("lea", "fay")
        assert evidence(ws, approval.id) == ["asked", "yes", "approved"]

    def test_several_at_once_are_held_to_the_same(self, ws) -> None:
        mine, theirs = asked_for(ws), asked_for(ws, intent(requested_by="lea", amount=Decimal(700)))
        found = approve_many(ws, [mine.id, theirs.id, "apr-none", mine.id], LEA)
        assert [type(one.error) for one in found] == [type(None), NotAllowed, NotFound]
        assert (stored(ws, mine.id).state, stored(ws, theirs.id).state) == ("approved", "asked")


class TestSayingNo:
    def test_who_may_say_yes_may_say_no_and_who_asked_is_told_why(self, ws, letters) -> None:
        approval = asked_for(ws)
        deliver_notices(ws)
        assert reject_intent(ws, approval.id, LEA, "we have one already").state == "rejected"
        deliver_notices(ws)
        assert (letters.notices[-1].to, "we have one already" in letters.notices[-1].body) == ("max@x.example", True)
        with pytest.raises(Conflict, match="is rejected already"):
            approve_intent(ws, approval.id, FAY)

    def test_who_asked_may_take_it_back_and_the_author_may_say_no(self, ws) -> None:
        assert reject_intent(ws, asked_for(ws).id, MAX, "not needed").state == "rejected"
        assert reject_intent(ws, asked_for(ws).id, Actor("pia"), "against the policy").state == "rejected"

    def test_a_stranger_may_not(self, ws) -> None:
        with pytest.raises(NotAllowed, match="otto neither asked"):
            reject_intent(ws, asked_for(ws).id, Actor("otto"))

    def test_a_yes_may_be_taken_back_until_it_is_used(self, ws) -> None:
        approval = asked_for(ws)
        approve_intent(ws, approval.id, LEA)
        assert reject_intent(ws, approval.id, VERA, "no").state == "rejected"
        assert isinstance(spend_approval(ws, approval.id, decision(decision_id="dec-2", ws=ws)), WhyNot)


def spend_approval(ws: Workspace, approval_id: str, made: Decision) -> Covers | WhyNot:
    """What a decision does with an approval, without the ledger between."""
    claimed = claim_approval(ws, approval_id, made)
    if isinstance(claimed, WhyNot):
        return claimed
    found = approval_covers(claimed, made.intent_digest, asking(made), ws.clock.now())
    if isinstance(found, WhyNot):
        return_approval(ws, approval_id, made.id, found.message)
    return found


def approved(ws: Workspace, **more: Any) -> Approval:
    return approve_intent(ws, asked_for(ws, **more).id, LEA)


class TestUsing:
    def test_a_yes_lets_exactly_that_through_once(self, ws) -> None:
        approval = approved(ws)
        found = spend_approval(ws, approval.id, decision(decision_id="dec-9", ws=ws))
        assert isinstance(found, Covers)
        assert found.reason == (
            f"18,500.00 USD: approved by lea on 2026-11-20 12:00 UTC ({approval.id}), for exactly this, once."
        )
        again = spend_approval(ws, approval.id, decision(decision_id="dec-10", ws=ws))
        assert isinstance(again, WhyNot)
        assert again.code == "used"
        assert stored(ws, approval.id).used_by == "dec-9"
        assert evidence(ws, approval.id) == ["asked", "approved", "used", "refused"]
        assert verify_evidence(ws).ok

    @pytest.mark.parametrize(
        ("changed", "says"),
        [
            ({"amount": Decimal("18500.01")}, "amount was 18500.00, is 18500.01"),
            ({"environment": "prod"}, "environment was 'staging', is 'prod'"),
            (
                {"attributes": {"vendor": "VectorForge Inc.", "term_months": 36, "po": "PO-2026-77"}},
                "attributes.term_months was 12, is 36",
            ),
            (
                {"attributes": {"vendor": "VectorForge Inc.", "term_months": 12}},
                "attributes.po was 'PO-2026-77', is not given",
            ),
            ({"requested_by": "otto"}, "requested_by was 'max', is 'otto'"),
        ],
    )
    def test_anything_else_is_stale_and_says_what_differs(self, ws, changed, says) -> None:
        approval = approved(ws)
        found = spend_approval(ws, approval.id, decision(intent(**changed), decision_id="dec-2", ws=ws))
        assert isinstance(found, WhyNot)
        assert (found.code, says in found.message) == ("stale", True)
        assert (stored(ws, approval.id).state, evidence(ws, approval.id)[-1]) == ("approved", "stale")

    def test_a_changed_policy_or_a_new_one_makes_it_stale_and_one_that_asks_no_more_does_not(self, ws) -> None:
        approval = approved(ws, policies={"purchases": "v1", "budget.ml-all": "b1"})
        for policies, says in (
            ({"purchases": "v2", "budget.ml-all": "b1"}, "purchases was changed since (version v1, now v2)"),
            ({"purchases": "v1", "budget.ml-all": "b1", "terms": "v1"}, "terms asks for an approval now"),
        ):
            found = spend_approval(ws, approval.id, decision(policies=policies, decision_id="dec-2", ws=ws))
            assert isinstance(found, WhyNot)
            assert says in found.message
        assert isinstance(spend_approval(ws, approval.id, decision(decision_id="dec-3", ws=ws)), Covers)

    def test_before_the_yes_and_after_the_expiry_it_lets_nothing_through(self, ws, clock) -> None:
        approval = asked_for(ws, needed=ApprovalNeeded((), 2))
        early = spend_approval(ws, approval.id, decision(decision_id="dec-2", ws=ws))
        assert isinstance(early, WhyNot)
        assert early.message.endswith("2 people must still say yes")
        other = approved(ws, asked=intent(amount=Decimal(7)))
        clock.advance(timedelta(hours=72))
        late = spend_approval(ws, other.id, decision(intent(amount=Decimal(7)), decision_id="dec-3", ws=ws))
        assert isinstance(late, WhyNot)
        assert (late.code, stored(ws, other.id).state) == ("expired", "expired")

    def test_what_came_to_nothing_gives_it_back(self, ws) -> None:
        approval = approved(ws)
        spend_approval(ws, approval.id, decision(decision_id="dec-9", ws=ws))
        with pytest.raises(Conflict):
            return_approval(ws, approval.id, "dec-8", "no money left")
        return_approval(ws, approval.id, "dec-9", "no money left")
        assert isinstance(spend_approval(ws, approval.id, decision(decision_id="dec-10", ws=ws)), Covers)

    def test_a_question_that_was_changed_in_the_store_binds_nothing(self, ws) -> None:
        approval = asked_for(ws)
        changed = replace(approval, intent=intent(amount=Decimal(1)))
        with ws.state.begin() as tx:
            tx.approvals.put(changed)
        with pytest.raises(IntegrityBroken, match="not what was asked"):
            approve_intent(ws, approval.id, LEA)


class TestTime:
    def test_what_nobody_answered_expires_and_who_asked_is_told(self, ws, clock, letters) -> None:
        approval = asked_for(ws)
        clock.advance(timedelta(hours=72))
        assert show_approval(ws, approval.id).line.state == "expired", "before the clock was kept"
        assert keep_approvals(ws).expired == (approval.id,)
        assert keep_approvals(ws).expired == ()
        deliver_notices(ws)
        assert letters.notices[-1].to == "max@x.example"
        with pytest.raises(Conflict, match="expired"):
            approve_intent(ws, approval.id, LEA)

    def test_half_way_the_next_one_up_is_asked_once(self, ws, clock) -> None:
        approval = asked_for(ws)
        assert keep_approvals(ws).asked_further == ()
        clock.advance(timedelta(hours=36))
        assert keep_approvals(ws).asked_further == (approval.id,)
        assert stored(ws, approval.id).told == ("lea", "vera")
        assert keep_approvals(ws).asked_further == ()


def link_in(letters: Letterbox) -> str:
    return (
        next(line for line in letters.notices[-1].body.splitlines() if "/approvals/link/" in line)
        .strip()
        .rpartition("/")[2]
    )


class TestLinks:
    def test_the_mail_has_a_link_for_its_reader_that_is_stored_nowhere(self, ws, letters) -> None:
        approval = asked_for(ws)
        with ws.state.read() as tx:
            assert not any("/approvals/link/" in n.body for n in tx.outbox.waiting())
        deliver_about(ws, approval.id)
        found, actor = open_approval_link(ws, link_in(letters))
        assert (found.id, actor) == (approval.id, Actor("lea", "link"))
        assert evidence(ws, approval.id) == ["asked"], "opening it decides nothing"

    def test_it_is_dead_once_anybody_decided(self, ws, letters) -> None:
        approval = asked_for(ws)
        deliver_about(ws, approval.id)
        approve_intent(ws, approval.id, FAY)
        with pytest.raises(NotAllowed, match="is approved, by fay"):
            open_approval_link(ws, link_in(letters))

    def test_it_is_dead_once_its_reader_said_yes_though_more_must(self, ws, letters) -> None:
        approval = asked_for(ws, needed=ApprovalNeeded((), 2))
        approve_intent(ws, approval.id, LEA)
        token = sign_link(link_secret(ws.home), approval, "lea")
        with pytest.raises(NotAllowed, match="lea said yes"):
            open_approval_link(ws, token)

    def test_it_is_dead_with_the_expiry_and_with_the_person_leaving(self, ws, clock, letters) -> None:
        approval = asked_for(ws)
        deliver_about(ws, approval.id)
        with pytest.raises(NotAllowed, match="lea left on"):
            open_approval_link(left(ws, "lea"), link_in(letters))
        clock.advance(timedelta(hours=72))
        with pytest.raises(NotAllowed, match="expired"):
            open_approval_link(ws, link_in(letters))

    def test_a_link_for_who_asked_gets_them_nowhere(self, ws) -> None:
        approval = asked_for(ws)
        with pytest.raises(NotAllowed, match="max asked"):
            open_approval_link(ws, sign_link(link_secret(ws.home), approval, "max"))

    def test_a_link_of_another_workspace_is_none(self, ws, tmp_path) -> None:
        approval = asked_for(ws)
        with pytest.raises(NotAllowed, match="not made by this workspace"):
            open_approval_link(ws, sign_link(link_secret(tmp_path / "other"), approval, "lea"))

    def test_the_secret_is_made_once_and_is_its_owner_s(self, tmp_path) -> None:
        first = link_secret(tmp_path)
        path = tmp_path / ".fiscus" / "keys" / "links.key"
        assert (link_secret(tmp_path), path.stat().st_mode & 0o777) == (first, 0o600)
        path.write_text("short")
        with pytest.raises(IntegrityBroken):
            link_secret(tmp_path)

    @given(place=st.integers(0, 10_000), letter=st.sampled_from("abcXYZ019-_.=%/ é"), cut=st.booleans())
    def test_no_changed_character_makes_another_link(self, place, letter, cut) -> None:
        approval = decision_approval()
        token = sign_link(b"s" * 32, approval, "lea")
        at = place % len(token)
        forged = token[:at] + ("" if cut else letter) + token[at + 1 :]
        if forged == token:
            assert open_link(b"s" * 32, forged, NOON).person == "lea"
        else:
            with pytest.raises(NotAllowed):
                open_link(b"s" * 32, forged, NOON)


def decision_approval() -> Approval:
    from fiscus.guardrails.approvals.machine import Asking, ask

    return ask("apr-1", decision(), Asking({}, "CC-2"), NOON)


class TestShowing:
    def test_the_list_opens_with_what_to_do_and_the_money(self, ws) -> None:
        assert show_approvals(ws).sentence == "Nobody has asked for an approval."
        asked_for(ws)
        asked_for(ws, intent(amount=Decimal(700), product=""))
        shown = show_approvals(ws)
        assert shown.sentence == (
            "Approve or reject 18,500.00 USD for a marketplace purchase of index from VectorForge Inc., "
            "by 23 Nov 12:00 UTC. 1 more wait, 19,200 USD in all."
        )
        assert [line.state for line in shown.lines] == ["asked", "asked"]

    def test_the_next_step_names_the_command(self, ws) -> None:
        approval = asked_for(ws)
        assert (
            next_step(approval) == f"Have it approved, by somebody else: fiscus approve {approval.id}. lea got a mail."
        )
        assert approval.id in next_step(approve_intent(ws, approval.id, LEA))
