"""From a plan to a change in the world, and back: what must happen, and what must never."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.fixtures.company import NOON, Settings, open_company, proposed, reconfigured
from tests.fixtures.strict_cloud import StrictCloud

from fiscus.actions.machine import TRANSITIONS
from fiscus.actions.types import SafetyBelts, Target
from fiscus.flows.apply_actions import apply_action, preview_action, reconcile_actions, settle_action
from fiscus.flows.approve_actions import approve_action, reject_action
from fiscus.flows.pause_actions import pause_actions, resume_actions
from fiscus.flows.undo_actions import undo_action
from fiscus.flows.verify_evidence import verify_evidence
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import Actor
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.errors import BadInput, Conflict, IntegrityBroken, LimitExceeded, NotAllowed, NotFound, Unavailable

LEA, FAY, MAX = Actor("lea"), Actor("fay"), Actor("max")
LEASE = timedelta(minutes=5)


@pytest.fixture
def cloud() -> StrictCloud:
    made = StrictCloud()
    for n in range(20):
        made.add(f"i-{n}")
    return made


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(NOON)


@pytest.fixture
def ws(tmp_path: Path, cloud: StrictCloud, clock: SteppedClock) -> Workspace:
    return open_company(tmp_path, Settings(executors=cloud.executors()), clock)


def target(cloud: StrictCloud, machine: str = "i-1") -> Target:
    return Target(machine, machine, "max", "staging", cloud.seen(machine))


def approved(ws: Workspace, cloud: StrictCloud, machine: str = "i-1") -> str:
    return approve_action(ws, proposed(ws, target(cloud, machine)).id, LEA).id


def state_of(ws: Workspace, action_id: str) -> str:
    with ws.state.read() as tx:
        action = tx.actions.get(action_id)
    assert action is not None
    return action.state


def evidence(ws: Workspace, action_id: str) -> list[str]:
    with ws.state.read() as tx:
        return [record.kind.removeprefix("action.") for record in tx.evidence_records() if record.subject == action_id]


class TestTheWholeWay:
    def test_an_approved_action_runs_is_read_back_and_leaves_evidence_of_each_step(self, ws, cloud) -> None:
        action_id = approved(ws, cloud)
        done = apply_action(ws, action_id, FAY)
        assert done.state == "SUCCEEDED"
        assert cloud.changes == [("stop", "i-1", f"{action_id}:1")]
        assert evidence(ws, action_id) == ["proposed", "approved", "claimed", "intent", "sent", "succeeded"]
        assert [entry.state.lower() for entry in done.journal] == evidence(ws, action_id)
        assert [a.state for a in reconcile_actions(ws)] == ["RECONCILED"]
        assert reconcile_actions(ws) == []
        assert verify_evidence(ws).ok

    def test_undo_puts_it_back_once(self, ws, cloud) -> None:
        action_id = approved(ws, cloud)
        apply_action(ws, action_id, FAY)
        assert undo_action(ws, action_id, MAX).state == "ROLLED_BACK"
        assert [verb for verb, _, _ in cloud.changes] == ["stop", "start"]
        assert cloud.machines["i-1"]["state"] == "running"
        with pytest.raises(Conflict):
            undo_action(ws, action_id, MAX)

    def test_what_takes_time_is_sent_until_it_can_be_seen(self, ws, cloud) -> None:
        action_id = approved(ws, cloud)
        cloud.faults = ["slow"]
        assert apply_action(ws, action_id, FAY).state == "SENT"
        cloud.machines["i-1"]["state"] = "stopped"
        assert apply_action(ws, action_id, FAY).state == "SUCCEEDED"
        assert len(cloud.changes) == 1

    def test_a_preview_shows_what_would_change_and_changes_nothing(self, ws, cloud) -> None:
        action = proposed(ws, target(cloud))
        cloud.machines["i-1"]["type"] = "m5.xlarge"
        seen = preview_action(ws, action.id)
        assert seen.targets[0].drift == "type was 'm5.large', is 'm5.xlarge'"
        assert seen.may_approve == ("fay", "lea", "vera")
        assert (seen.undo_kind, seen.reversibility, seen.refusals) == ("aws.ec2.start", "R1", ())
        assert (cloud.changes, state_of(ws, action.id)) == ([], "PROPOSED")
        cloud.down = True
        assert "cloud is down" in preview_action(ws, action.id).note

    def test_an_action_that_does_not_exist_is_not_found(self, ws) -> None:
        for call in (approve_action, apply_action, undo_action):
            with pytest.raises(NotFound):
                call(ws, "act-none", LEA)


class TestFourEyes:
    @pytest.mark.parametrize("person", ["lea", "vera", "fay"])
    def test_who_answers_for_the_owner_or_for_money_may_approve(self, ws, cloud, person) -> None:
        assert approve_action(ws, proposed(ws, target(cloud)).id, Actor(person)).approved_by == person

    @pytest.mark.parametrize(
        ("person", "why"),
        [
            ("max", "does not answer for i-1"),
            ("otto", "does not answer for i-1"),
            ("cem", "left on 2026-06-30"),
            ("pia", "wrote the policy idle"),
            ("fiscus", "not in the directory"),
            ("nobody", "not in the directory"),
        ],
    )
    def test_anybody_else_may_not_and_learns_why_and_who_may(self, ws, cloud, person, why) -> None:
        action = proposed(ws, target(cloud))
        with pytest.raises(NotAllowed, match=why) as caught:
            approve_action(ws, action.id, Actor(person))
        assert caught.value.remedy == "May approve: fay, lea, vera."
        assert (state_of(ws, action.id), evidence(ws, action.id)[-1]) == ("PROPOSED", "refused")

    def test_who_asked_for_it_may_not_approve_it(self, ws, cloud) -> None:
        action = replace(proposed(ws, target(cloud)), requested_by="lea")
        with ws.state.begin() as tx:
            tx.actions.put(action)
        with pytest.raises(NotAllowed, match="lea asked for this action"):
            approve_action(ws, action.id, LEA)

    def test_one_must_answer_for_every_target(self, ws, cloud) -> None:
        foreign = replace(target(cloud, "i-2"), owner="otto")
        action = proposed(ws, target(cloud), foreign)
        with pytest.raises(NotAllowed, match="does not answer for i-2"):
            approve_action(ws, action.id, LEA)
        assert approve_action(ws, action.id, Actor("vera")).state == "APPROVED"

    def test_nobodys_things_are_answered_for_by_the_default_pool(self, ws, cloud) -> None:
        action = proposed(ws, replace(target(cloud), owner="unowned"))
        with pytest.raises(NotAllowed):
            approve_action(ws, action.id, LEA)
        assert preview_action(ws, action.id).may_approve == ("fay", "vera")

    def test_nothing_runs_without_approval_or_by_a_stranger(self, ws, cloud) -> None:
        action = proposed(ws, target(cloud))
        with pytest.raises(NotAllowed, match="not approved"):
            apply_action(ws, action.id, LEA)
        approve_action(ws, action.id, LEA)
        with pytest.raises(NotAllowed, match="not a live person"):
            apply_action(ws, action.id, Actor("mallory"))
        assert cloud.changes == []

    def test_a_rejected_action_stays_rejected(self, ws, cloud) -> None:
        action = proposed(ws, target(cloud))
        assert reject_action(ws, action.id, MAX, "I need it").journal[-1].note == "I need it"
        with pytest.raises(Conflict):
            approve_action(ws, action.id, LEA)
        with pytest.raises(Conflict):
            apply_action(ws, action.id, FAY)


class TestWhatRunsIsWhatWasApproved:
    @pytest.mark.parametrize("name", ["state", "type", "tags", "gone"])
    def test_any_drift_makes_it_stale_and_nothing_is_sent(self, ws, cloud, name) -> None:
        action_id = approved(ws, cloud)
        if name == "gone":
            del cloud.machines["i-1"]
        else:
            cloud.machines["i-1"][name] = {
                "state": "stopped",
                "type": "x1",
                "tags": {"environment": "staging", "new": ""},
            }[name]
        assert apply_action(ws, action_id, FAY).state == "STALE"
        assert cloud.changes == []

    def test_a_plan_that_was_changed_in_the_store_is_not_run(self, ws, cloud) -> None:
        action_id = approved(ws, cloud)
        with ws.state.begin() as tx:
            action = tx.actions.get(action_id)
            assert action is not None
            tx.actions.put(replace(action, plan=replace(action.plan, targets=(target(cloud, "i-2"),))))
        with pytest.raises(IntegrityBroken):
            apply_action(ws, action_id, FAY)
        assert cloud.changes == []

    def test_an_approval_expires(self, ws, cloud, clock) -> None:
        action_id, other = approved(ws, cloud), proposed(ws, target(cloud, "i-2")).id
        clock.advance(timedelta(hours=73))
        assert apply_action(ws, action_id, FAY).state == "EXPIRED"
        with pytest.raises(Conflict, match="expired"):
            approve_action(ws, other, LEA)
        assert state_of(ws, other) == "EXPIRED"
        assert cloud.changes == []


class TestTheBelts:
    @pytest.mark.parametrize(
        ("environment", "tags"), [("prod", {}), ("Production", {}), ("staging", {"fiscus:protected": ""})]
    )
    def test_what_is_protected_is_never_touched(self, ws, cloud, environment, tags) -> None:
        protected = cloud.add("i-99", environment, **tags)
        action = approve_action(ws, proposed(ws, protected).id, LEA)
        with pytest.raises(NotAllowed, match=r"protected|carries the tag"):
            apply_action(ws, action.id, FAY)
        assert (cloud.changes, state_of(ws, action.id)) == ([], "APPROVED")
        assert evidence(ws, action.id)[-1] == "refused"

    def test_a_run_has_at_most_so_many_actions(self, ws, cloud, clock) -> None:
        ws = reconfigured(ws, SafetyBelts(actions_per_run_max=2, targets_percent_max=100))
        ids = [approved(ws, cloud, f"i-{n}") for n in range(3)]
        apply_action(ws, ids[0], FAY)
        apply_action(ws, ids[1], FAY)
        with pytest.raises(LimitExceeded, match="at most 2 actions"):
            apply_action(ws, ids[2], FAY)
        clock.advance(timedelta(minutes=61))
        assert apply_action(ws, ids[2], FAY).state == "SUCCEEDED"

    def test_a_run_changes_at_most_its_share_of_what_is_running(self, ws, cloud) -> None:
        ids = [approved(ws, cloud, f"i-{n}") for n in range(6)]
        for action_id in ids[:5]:
            apply_action(ws, action_id, FAY)
        with pytest.raises(LimitExceeded, match=r"6 of 20 .* at most 5 \(25 %\)"):
            apply_action(ws, ids[5], FAY)
        assert len(cloud.changes) == 5

    def test_an_action_has_at_most_so_many_targets(self, ws, cloud) -> None:
        action = proposed(ws, *[target(cloud, f"i-{n}") for n in range(11)])
        approve_action(ws, action.id, LEA)
        with pytest.raises(LimitExceeded, match="11 targets"):
            apply_action(ws, action.id, FAY)
        assert cloud.changes == []

    def test_paused_means_nothing_is_sent_until_resumed_even_after_a_restart(self, ws, cloud, tmp_path, clock) -> None:
        first, second = approved(ws, cloud), approved(ws, cloud, "i-2")
        apply_action(ws, first, FAY)
        pause_actions(ws, MAX, "incident 7")
        restarted = open_company(tmp_path, Settings(executors=cloud.executors()), clock)
        for call in (lambda: apply_action(restarted, second, FAY), lambda: undo_action(restarted, first, FAY)):
            with pytest.raises(NotAllowed, match="paused"):
                call()
        assert [verb for verb, _, _ in cloud.changes] == ["stop"]
        resume_actions(restarted, MAX, "over")
        assert apply_action(ws, second, FAY).state == "SUCCEEDED"

    def test_a_pause_that_comes_while_a_worker_looks_at_its_targets_still_stops_it(self, ws, cloud) -> None:
        action_id = approved(ws, cloud)
        executor = ws.executors["aws.ec2.stop"]
        observe = executor.observe

        def paused_meanwhile(ids):
            pause_actions(ws, MAX, "stop!")
            return observe(ids)

        executor.observe = paused_meanwhile
        with pytest.raises(NotAllowed, match="paused"):
            apply_action(ws, action_id, FAY)
        assert (cloud.changes, state_of(ws, action_id)) == ([], "APPROVED")


class TestWhenTheAnswerIsLost:
    def test_it_was_done_and_reading_back_says_so(self, ws, cloud) -> None:
        action_id = approved(ws, cloud)
        cloud.faults = ["lost_after"]
        assert apply_action(ws, action_id, FAY).state == "RECONCILED"
        assert evidence(ws, action_id)[-2:] == ["unknown", "reconciled"]
        assert len(cloud.changes) == 1

    def test_it_was_not_done_stays_unknown_for_a_lease_and_is_never_sent_again(self, ws, cloud, clock) -> None:
        action_id = approved(ws, cloud)
        cloud.faults = ["lost_before"]
        assert apply_action(ws, action_id, FAY).state == "UNKNOWN"
        assert apply_action(ws, action_id, FAY).state == "UNKNOWN"
        clock.advance(LEASE)
        assert [a.state for a in reconcile_actions(ws)] == ["FAILED"]
        assert cloud.changes == []

    def test_what_takes_effect_after_all_is_found(self, ws, cloud, clock) -> None:
        action_id = approved(ws, cloud)
        cloud.faults = ["lost_before"]
        apply_action(ws, action_id, FAY)
        clock.advance(LEASE)
        reconcile_actions(ws)
        cloud.machines["i-1"]["state"] = "stopped"
        assert [(a.id, a.state) for a in reconcile_actions(ws)] == [(action_id, "RECONCILED")]

    def test_unknown_for_too_long_is_a_persons_business(self, ws, cloud, clock) -> None:
        action_id = approved(ws, cloud)
        cloud.faults = ["lost_after"]
        cloud.before_send = [lambda: setattr(cloud, "down", False)]
        executor = ws.executors["aws.ec2.stop"]
        executor.read_back = lambda plan: (_ for _ in ()).throw(Unavailable("down", remedy="wait"))
        assert apply_action(ws, action_id, FAY).state == "UNKNOWN"
        clock.advance(timedelta(minutes=16))
        assert reconcile_actions(ws) == []
        with ws.state.read() as tx:
            facts = tx.facts.get("actions.unresolved")
        assert isinstance(facts, list)
        assert [fact["action"] for fact in facts] == [action_id]
        assert settle_action(ws, action_id, MAX, happened=True, note="saw it in the console").state == "RECONCILED"
        reconcile_actions(ws)
        with ws.state.read() as tx:
            assert tx.facts.get("actions.unresolved") == []

    def test_a_lost_undo_is_read_back_too(self, ws, cloud, clock) -> None:
        done, not_done = approved(ws, cloud), approved(ws, cloud, "i-2")
        apply_action(ws, done, FAY)
        apply_action(ws, not_done, FAY)
        cloud.faults = ["lost_after"]
        assert undo_action(ws, done, MAX).state == "ROLLED_BACK"
        cloud.faults = ["lost_before"]
        assert undo_action(ws, not_done, MAX).state == "UNDOING"
        clock.advance(LEASE)
        reconcile_actions(ws)
        assert state_of(ws, not_done) == "RECONCILED"
        assert undo_action(ws, not_done, MAX).state == "ROLLED_BACK"
        assert [verb for verb, _, _ in cloud.changes] == ["stop", "stop", "start", "start"]


class TestWhenTheVendorSaysNoOrNothing:
    def test_a_cloud_that_is_down_leaves_the_approval_as_it_was(self, ws, cloud) -> None:
        action_id = approved(ws, cloud)
        cloud.down = True
        with pytest.raises(Unavailable):
            apply_action(ws, action_id, FAY)
        cloud.down = False
        cloud.faults = ["unreachable"]
        with pytest.raises(Unavailable):
            apply_action(ws, action_id, FAY)
        assert (cloud.changes, state_of(ws, action_id)) == ([], "APPROVED")
        assert apply_action(ws, action_id, FAY).state == "SUCCEEDED"
        assert len(cloud.changes) == 1

    def test_a_refusal_fails_the_action(self, ws, cloud) -> None:
        action_id = approved(ws, cloud)
        cloud.faults = ["refused"]
        assert apply_action(ws, action_id, FAY).state == "FAILED"
        with pytest.raises(Conflict):
            apply_action(ws, action_id, FAY)

    def test_a_refused_undo_leaves_the_action_standing(self, ws, cloud) -> None:
        action_id = approved(ws, cloud)
        apply_action(ws, action_id, FAY)
        cloud.faults = ["refused"]
        with pytest.raises(BadInput):
            undo_action(ws, action_id, MAX)
        assert state_of(ws, action_id) == "RECONCILED"


class TestPeopleAndOtherWorkers:
    def test_two_workers_at_once_change_it_once(self, ws, cloud) -> None:
        action_id = approved(ws, cloud)
        others: list[str] = []
        cloud.before_send = [lambda: others.append(apply_action(ws, action_id, LEA).state)]
        assert apply_action(ws, action_id, FAY).state == "SUCCEEDED"
        assert (others, len(cloud.changes)) == (["INTENT"], 1)

    def test_a_worker_whose_claim_was_taken_over_sends_nothing(self, ws, cloud) -> None:
        action_id = approved(ws, cloud)
        executor = ws.executors["aws.ec2.stop"]
        observe = executor.observe

        def overtaken(ids):
            executor.observe = observe
            assert apply_action(ws, action_id, LEA).state == "SUCCEEDED"
            cloud.machines["i-1"]["state"] = "running"  # so that the slow worker sees no drift
            return observe(ids)

        executor.observe = overtaken
        with pytest.raises(Conflict):
            apply_action(ws, action_id, FAY)
        assert len(cloud.changes) == 1

    def test_a_person_who_puts_it_back_wins(self, ws, cloud, clock) -> None:
        action_id = approved(ws, cloud)
        apply_action(ws, action_id, FAY)
        cloud.machines["i-1"]["state"] = "running"
        clock.advance(LEASE)
        assert [a.state for a in reconcile_actions(ws)] == ["ROLLED_BACK"]
        assert len(cloud.changes) == 1

    def test_what_somebody_already_put_back_is_only_recorded(self, ws, cloud) -> None:
        action_id = approved(ws, cloud)
        apply_action(ws, action_id, FAY)
        cloud.machines["i-1"]["state"] = "running"
        assert undo_action(ws, action_id, MAX).state == "ROLLED_BACK"
        assert len(cloud.changes) == 1


def test_every_state_has_its_place_and_every_way_in() -> None:
    reached = {state for following in TRANSITIONS.values() for state in following} | {"PROPOSED"}
    assert reached == set(TRANSITIONS)
    assert "SENT" not in TRANSITIONS["UNKNOWN"]
    assert "INTENT" not in TRANSITIONS["UNKNOWN"]
    assert all("INTENT" not in following for state, following in TRANSITIONS.items() if state != "CLAIMED")
