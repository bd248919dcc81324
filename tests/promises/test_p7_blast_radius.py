"""P7: the blast radius is bounded, whatever the policy says.

A policy that matches everything, carried out by people who approve everything: what is changed stays within every cap (a run, an
owner, an hour, money), errors stop everything, each time with exactly one incident. And over generated pairs of policy and
resource, nothing protected is ever planned for, nor touched by a plan that was forged past the planner.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from tests.fixtures.company import NOON, Settings, idle_finding, open_company, proposed, reconfigured
from tests.fixtures.strict_cloud import StrictCloud
from tests.promises.report import Row, promise

from fiscus.actions.plan_digest import sealed
from fiscus.actions.types import SafetyBelts, Target
from fiscus.flows.apply_actions import apply_action
from fiscus.flows.approve_actions import approve_action
from fiscus.flows.escalate_cases import escalate_cases
from fiscus.flows.plan_actions import plan_actions
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import Actor
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.errors import FiscusError, LimitExceeded, NotAllowed

MACHINES = 120
WIDE = SafetyBelts(actions_per_run_max=10_000, targets_per_action_max=10_000, targets_percent_max=100,
                   targets_per_owner_max=10_000, money_per_run_max=Decimal(10**9), errors_percent_max=100)  # fmt: skip
SPELLINGS = ("prod", "Prod", "PRODUCTION", " production ", "production")
HARMLESS = ("staging", "dev", "test", "", "preprod", "non-prod")
TAG_SPELLINGS = ("fiscus:protected", "Fiscus:Protected", "FISCUS:PROTECTED")
ENVIRONMENT_TAGS = ("environment", "Environment", "env", "ENV", "stage")


@contextmanager
def company() -> Iterator[tuple[Workspace, StrictCloud, SteppedClock]]:
    """A company of its own with nothing running yet."""
    home = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    cloud, clock = StrictCloud(), SteppedClock(NOON)
    try:
        yield open_company(home, Settings(executors=cloud.executors()), clock), cloud, clock
    finally:
        shutil.rmtree(home, ignore_errors=True)


def everything_is_approved_and_applied(ws: Workspace) -> Counter[str]:
    """As two people without judgement would. Returns what each apply came to."""
    came_to: Counter[str] = Counter()
    with ws.state.read() as tx:
        waiting = [action.id for action in tx.actions.all(["PROPOSED"])]
    for action_id in waiting:
        approve_action(ws, action_id, Actor("fay"))
    for action_id in waiting:
        try:
            came_to[apply_action(ws, action_id, Actor("lea")).state] += 1
        except (LimitExceeded, NotAllowed) as refused:
            came_to[type(refused).__name__] += 1
    return came_to


def incidents(ws: Workspace) -> int:
    with ws.state.read() as tx:
        return sum(record.kind == "action.incident" for record in tx.evidence_records())


def incident_cases(ws: Workspace) -> int:
    escalate_cases(ws)
    with ws.state.read() as tx:
        return sum(case.subject.key.startswith("incident|") for case in tx.cases.all())


def one_incident(row: Row, ws: Workspace, seed: object) -> None:
    if (count := incidents(ws)) != 1:
        row.violated(f"{count} incidents instead of one ({seed})")
    if (count := incident_cases(ws)) != 1:
        row.violated(f"{count} cases instead of one ({seed})")


def test_a_policy_that_matches_everything_changes_no_more_than_the_belts_allow() -> None:
    with promise("P7.everything", trials=1_200) as row:
        rng, changed, asked, trial = random.Random(row.seed), 0, 0, 0
        while asked < row.trials:  # machines that the policy matches
            trial += 1
            with company() as (plain, cloud, _):
                count = rng.randrange(20, MACHINES)
                names = [cloud.add(f"i-{n}").id for n in range(count)]
                belts = SafetyBelts(actions_per_run_max=rng.randrange(1, 30), targets_per_action_max=rng.randrange(1, 6),
                                    targets_percent_max=rng.choice((0, 5, 25, 50)))  # fmt: skip
                ws = reconfigured(plain, belts)
                with ws.state.begin() as tx:
                    tx.findings.replace_open([idle_finding(*names)])
                plan_actions(ws)
                everything_is_approved_and_applied(ws)
                plan_actions(ws)  # the policy still matches: the loop comes round within the hour
                everything_is_approved_and_applied(ws)
                cap = min(max(1, count * belts.targets_percent_max // 100) if belts.targets_percent_max else 0,
                          belts.actions_per_run_max * belts.targets_per_action_max, belts.targets_per_owner_max)  # fmt: skip
                row.faults += 1
                changed, asked = changed + len(cloud.changes), asked + count
                if len(cloud.changes) > cap:
                    row.violated(f"{len(cloud.changes)} of {count} changed, at most {cap} may be (trial {trial})")
                one_incident(row, ws, f"trial {trial}")
        row.note = f"A policy that matches all {asked:,} machines changed {changed:,}."


def one_each(ws: Workspace, cloud: StrictCloud, owners: list[str], saving: Decimal) -> list[str]:
    """An approved action for each of `owners`, each worth `saving` a month."""
    ids = []
    for n, owner in enumerate(owners):
        action = proposed(ws, replace(cloud.add(f"m-{n}"), owner=owner))
        with ws.state.begin() as tx:
            plan = sealed(replace(action.plan, saving_per_month=saving))
            tx.actions.put(replace(action, plan=plan))
        ids.append(approve_action(ws, action.id, Actor("fay")).id)
    return ids


def test_each_cap_holds_by_itself_and_lets_go_after_the_hour() -> None:
    with promise("P7.caps", trials=300) as row:
        rng, tried, trial = random.Random(row.seed), 0, 0
        while tried < row.trials:  # actions that are tried
            trial += 1
            cap = rng.randrange(1, 8)
            saving = Decimal(rng.randrange(1, 900))
            caps = {
                "a run": SafetyBelts(**{**_fields(WIDE), "actions_per_run_max": cap}),
                "an owner": SafetyBelts(**{**_fields(WIDE), "targets_per_owner_max": cap}),
                "money": SafetyBelts(**{**_fields(WIDE), "money_per_run_max": saving * cap}),
            }
            for name, belts in caps.items():
                with company() as (plain, cloud, clock):
                    ws = reconfigured(plain, belts)
                    ids = one_each(ws, cloud, ["max"] * (cap + 5), saving)
                    first = _apply(ws, ids)
                    row.faults, tried = row.faults + 1, tried + len(ids)
                    if first != cap:
                        row.violated(f"{first} ran under a cap of {cap} by {name} (trial {trial})")
                    one_incident(row, ws, f"{name}, trial {trial}")
                    clock.advance(timedelta(minutes=61))
                    if (more := _apply(ws, ids[cap:])) != min(cap, 5):
                        row.violated(f"{more} ran in the next hour under a cap of {cap} by {name} (trial {trial})")
        row.note = "Caps by run, owner and money, each alone."


def test_errors_stop_everything_until_a_person_resumes() -> None:
    from fiscus.flows.pause_actions import resume_actions

    with promise("P7.errors", trials=300) as row:
        rng, sent, trial = random.Random(row.seed), 0, 0
        while trial * 30 < row.trials:  # actions that are tried, 30 in each company
            trial += 1
            with company() as (plain, cloud, _):
                ws = reconfigured(plain, replace(WIDE, errors_percent_max=20))
                good = rng.randrange(0, 20)
                ids = one_each(ws, cloud, ["max"] * 30, Decimal(1))
                _apply(ws, ids[:good])
                cloud.faults = ["refused"] * 40 if trial % 2 else ["lost_before"] * 40
                before = len(cloud.faults)
                ran = _apply(ws, ids[good:])
                failed = before - len(cloud.faults)
                row.faults, sent = row.faults + failed, sent + failed
                # the first count of errors that is at least three and more than a fifth of what was sent
                allowed = next(n for n in range(3, 40) if n * 100 > (good + n) * 20)
                if failed != allowed:
                    row.violated(
                        f"{failed} were sent into a failing vendor after {good} good ones, {allowed} may be ({ran} ran)"
                    )
                one_incident(row, ws, f"trial {trial}")
                cloud.faults = []
                if _apply(ws, ids[good + failed :]):
                    row.violated(f"something ran while everything is paused (trial {trial})")
                resume_actions(ws, Actor("fay"), "the vendor is well again")
                if _apply(ws, ids[-1:]) != 1:
                    row.violated(f"nothing runs after a person resumed (trial {trial})")
        row.note = f"{sent} calls into a vendor that fails."


def test_nothing_protected_is_ever_planned_for_or_touched() -> None:
    with promise("P7.protected", trials=10_000) as row:
        rng, planned, protected = random.Random(row.seed), 0, 0
        pairs = 0
        while pairs < row.trials:
            with company() as (plain, cloud, _):
                ws = reconfigured(plain, WIDE)
                targets = [_resource(cloud, rng, n) for n in range(50)]
                guarded = {target.id for target in targets if _is_protected(target)}
                findings = []
                for policy in range(20):
                    matched = [t.id for t in targets if rng.random() < rng.choice((0.1, 0.5, 1.0))]
                    environment = rng.choice((*HARMLESS, *SPELLINGS))
                    findings.append(idle_finding(*matched, id=f"f-{policy}", environment=environment))
                    pairs += len(targets)
                with ws.state.begin() as tx:
                    tx.findings.replace_open(findings)
                plan_actions(ws)
                with ws.state.read() as tx:
                    actions = tx.actions.all()
                touched = {target.id for action in actions for target in action.plan.targets}
                for forged in rng.sample(sorted(guarded), min(5, len(guarded))):  # somebody writes a plan by hand
                    whole = next(target for target in targets if target.id == forged)
                    proposed(ws, whole)
                everything_is_approved_and_applied(ws)
                stopped = {machine for _, machine, _ in cloud.changes}
                planned, protected = planned + len(touched), protected + len(guarded)
                row.faults += min(5, len(guarded))
                for name in sorted((touched | stopped) & guarded):
                    row.violated(f"{name} is protected: {cloud.machines[name]}")
        row.note = (
            f"{pairs:,} pairs, {protected:,} protected things, {planned:,} planned for, {row.faults:,} plans forged."
        )
        assert planned, "a planner that plans nothing proves nothing"


def _fields(belts: SafetyBelts) -> dict[str, object]:
    return {name: getattr(belts, name) for name in SafetyBelts.__dataclass_fields__}


def _apply(ws: Workspace, ids: list[str]) -> int:
    """How many of `ids` changed something."""
    done = 0
    for action_id in ids:
        try:
            done += apply_action(ws, action_id, Actor("lea")).state == "SUCCEEDED"
        except FiscusError:
            continue
    return done


def _resource(cloud: StrictCloud, rng: random.Random, number: int) -> Target:
    """A machine whose environment is said by its tags, by the bill, by both or by neither, in any spelling."""
    tags = {}
    if rng.random() < 0.7:
        tags[rng.choice(ENVIRONMENT_TAGS)] = rng.choice((*SPELLINGS, *HARMLESS))
    if rng.random() < 0.15:
        tags[rng.choice(TAG_SPELLINGS)] = rng.choice(("", "yes", "false"))
    name = f"i-{number}"
    cloud.machines[name] = {"state": "running", "type": "m5.large", "tags": tags}
    return Target(
        name, name, "max", rng.choice((*SPELLINGS, *HARMLESS)) if rng.random() < 0.3 else "", cloud.seen(name)
    )


def _is_protected(target: Target) -> bool:
    """By the test's own reading: any spelling of production in an environment tag, or the tag of protection."""
    tags = {str(key).lower(): str(value).strip().lower() for key, value in dict(target.observed["tags"]).items()}  # type: ignore[call-overload]
    environments = [tags.get(name, "") for name in ("environment", "env", "stage")]
    return any(one in {"prod", "production"} for one in environments) or "fiscus:protected" in tags
