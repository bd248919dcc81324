"""From findings to plans, and from bills to verified savings, on a real lake."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from tests.bills import deliver, write_csv
from tests.fixtures.company import NOON, Settings, idle_finding, open_company, proposed, reconfigured
from tests.fixtures.strict_cloud import StrictCloud

from fiscus.actions.belts import sent_so_far
from fiscus.actions.machine import move
from fiscus.actions.types import SafetyBelts, Target
from fiscus.flows.apply_actions import apply_action
from fiscus.flows.approve_actions import approve_action, reject_action
from fiscus.flows.plan_actions import SKIPPED_FACT, plan_actions
from fiscus.flows.verify_savings import verify_savings
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import Actor
from fiscus.kernel.clock import SteppedClock

FAY = Actor("fay")


@pytest.fixture
def cloud() -> StrictCloud:
    made = StrictCloud()
    for n in range(8):
        made.add(f"i-{n}")
    return made


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(NOON)


@pytest.fixture
def ws(tmp_path: Path, cloud: StrictCloud, clock: SteppedClock) -> Workspace:
    return open_company(tmp_path, Settings(executors=cloud.executors()), clock)


def bill(ws: Workspace, days: dict[date, dict[str, str]]) -> None:
    """One delivery of November: per day, machine to cost; a disk row a day shows how far the bill reaches."""
    rows = []
    for day, costs in days.items():
        until = day + timedelta(days=1)
        period = {
            "BillingPeriodStart": "2026-11-01T00:00:00Z",
            "BillingPeriodEnd": "2026-12-01T00:00:00Z",
            "ChargePeriodStart": f"{day}T00:00:00Z",
            "ChargePeriodEnd": f"{until}T00:00:00Z",
        }
        rows += [
            {**period, "ResourceId": machine, "EffectiveCost": cost, "BilledCost": cost}
            for machine, cost in costs.items()
        ]
        rows.append({**period, "ResourceId": "vol-1", "ServiceCategory": "Storage", "EffectiveCost": "5"})
    deliver(ws, write_csv(ws.home / "november.csv", rows), restate=True)
    ws.lake.refresh()


def november(first: int, last: int, costs: dict[str, str]) -> dict[date, dict[str, str]]:
    return {date(2026, 11, n): costs for n in range(first, last + 1)}


def found(ws: Workspace, *findings) -> None:
    with ws.state.begin() as tx:
        tx.findings.replace_open(findings)


def skipped(ws: Workspace) -> Sequence[tuple[str, str]]:
    with ws.state.read() as tx:
        fact = tx.facts.get(SKIPPED_FACT)
    assert isinstance(fact, dict)
    return [(one["target"], one["belt"]) for one in fact["targets"]]


def test_a_plan_shows_the_monthly_cost_of_the_last_seven_full_days(ws) -> None:
    bill(ws, {**november(1, 12, {"i-1": "99"}), **november(13, 19, {"i-1": "1.40"})})
    found(ws, idle_finding("i-1"))
    (action,) = plan_actions(ws)
    assert (action.state, action.requested_by, action.plan.currency) == ("PROPOSED", "fiscus", "USD")
    assert action.plan.saving_per_month == Decimal(42)
    assert action.plan.targets[0].observed["state"] == "running"
    assert action.plan.expires_at == NOON + timedelta(hours=72)


def test_another_currency_is_not_added(ws) -> None:
    days = november(13, 19, {"i-1": "1.40"})
    bill(ws, days)
    found(ws, idle_finding("i-1", currency="EUR"))
    (action,) = plan_actions(ws)
    assert (action.plan.saving_per_month, action.plan.currency) == (Decimal(0), "EUR")


def test_nothing_is_proposed_twice_nor_soon_after_a_no(ws, clock) -> None:
    found(ws, idle_finding("i-1"))
    (action,) = plan_actions(ws)
    assert plan_actions(ws) == []
    reject_action(ws, action.id, Actor("max"), "in use")
    assert plan_actions(ws) == []
    clock.advance(timedelta(days=15))
    assert len(plan_actions(ws)) == 1


def test_what_is_protected_stopped_or_unknown_is_left_out_and_recorded_once(ws, cloud) -> None:
    cloud.add("i-prod", "prod")
    cloud.add("i-tagged", **{"fiscus:protected": "yes"})
    cloud.machines["i-2"]["state"] = "stopped"
    found(ws, idle_finding("i-1", "i-2", "i-prod", "i-tagged", "i-gone"))
    (action,) = plan_actions(ws)
    assert [target.id for target in action.plan.targets] == ["i-1"]
    assert sorted(skipped(ws)) == [
        ("i-2", "already_so"),
        ("i-gone", "unknown_target"),
        ("i-prod", "protected_environments"),
        ("i-tagged", "protected_tags"),
    ]
    plan_actions(ws)
    plan_actions(ws)
    with ws.state.read() as tx:
        assert len(list(tx.evidence_records(["action.refused"]))) == 1  # i-1 being under way is no refusal


def test_a_finding_that_matches_everything_is_bounded(ws) -> None:
    found(ws, idle_finding(*[f"i-{n}" for n in range(8)]))
    actions = plan_actions(ws)
    assert sum(len(action.plan.targets) for action in actions) == 2
    assert [belt for _, belt in skipped(ws)] == ["targets_percent_max"] * 6


def test_a_run_proposes_at_most_so_many_actions(ws) -> None:
    ws = reconfigured(ws, SafetyBelts(actions_per_run_max=1, targets_per_action_max=1, targets_percent_max=100))
    found(ws, idle_finding("i-1", "i-2", "i-3"))
    assert len(plan_actions(ws)) == 1
    assert [belt for _, belt in skipped(ws)] == ["actions_per_run_max"] * 2


def test_a_cloud_that_is_down_gives_no_plan_and_a_reason(ws, cloud) -> None:
    found(ws, idle_finding("i-1"), idle_finding("x", id="f-2", action="other.kind"))
    cloud.down = True
    assert plan_actions(ws) == []
    assert sorted(skipped(ws)) == [("i-1", "executor"), ("x", "executor")]


class TestSavings:
    def stopped(self, ws: Workspace) -> str:
        found(ws, idle_finding("i-1"))
        (action,) = plan_actions(ws)
        approve_action(ws, action.id, FAY)
        assert apply_action(ws, action.id, Actor("lea")).state == "SUCCEEDED"
        return action.id

    def test_it_waits_for_one_full_day_of_bills_after(self, ws, clock) -> None:
        bill(ws, november(10, 19, {"i-1": "7"}))
        self.stopped(ws)
        assert verify_savings(ws) == []
        clock.advance(timedelta(days=1))
        bill(ws, november(10, 20, {"i-1": "7"}))
        assert verify_savings(ws) == []

    def test_the_bill_after_it_verifies_the_saving(self, ws, clock) -> None:
        bill(ws, november(10, 19, {"i-1": "7"}))
        action_id = self.stopped(ws)
        bill(ws, {**november(10, 19, {"i-1": "7"}), **november(20, 20, {"i-1": "3"}), **november(21, 22, {})})
        clock.advance(timedelta(days=3))
        (action,) = verify_savings(ws)
        assert (action.id, action.state, action.verified_saving) == (action_id, "VERIFIED", Decimal(210))
        assert action.verified_detail == "14.00 USD saved in 2 full days of bills after 2026-11-20"
        assert verify_savings(ws) == []

    def test_a_target_that_costs_on_is_not_realised(self, ws, clock) -> None:
        bill(ws, november(10, 19, {"i-1": "7"}))
        self.stopped(ws)
        bill(ws, november(10, 22, {"i-1": "7"}))
        clock.advance(timedelta(days=3))
        (action,) = verify_savings(ws)
        assert action.verified_saving == Decimal(0)
        assert "not realised: i-1 still costs 7.00 USD a day" in action.verified_detail


def test_an_attempt_of_which_nothing_left_this_machine_is_not_counted_by_the_belts(tmp_path) -> None:
    ws = open_company(tmp_path)
    action = proposed(ws, Target("i-1", "one", "max", "staging"))
    for state in ("APPROVED", "CLAIMED", "INTENT"):
        action = move(action, state, NOON, Actor("fay"), "")
    assert sent_so_far([action], action.plan.kind, NOON, running=4).targets == 1
    action = move(action, "APPROVED", NOON, Actor("fay"), "nothing was sent")
    assert sent_so_far([action], action.plan.kind, NOON, running=4).targets == 0
