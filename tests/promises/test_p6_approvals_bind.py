"""P6: what runs is exactly what was approved, and nobody approves their own.

Between a yes and its use the world is moved at random: an intent's amount, fields and attributes, the policies and caps that ask;
an action's targets, their observed state, its parameters, policy version, expiry. None of it runs, each is told that it is stale.
And on every way in (flow, command line, API, page, signed link, several at once), who asked, or wrote the policy, is refused.
"""

from __future__ import annotations

import random
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.fixtures.company import NOON, Settings, open_company, proposed
from tests.fixtures.judging import judged_by, policy_of
from tests.fixtures.strict_cloud import StrictCloud
from tests.promises.report import promise
from tests.unit.web.conftest import PORT, Browser

from fiscus.__main__ import command_line
from fiscus.actions.plan_digest import sealed
from fiscus.actions.types import Action, Target
from fiscus.flows.apply_actions import apply_action
from fiscus.flows.approve_actions import approve_action
from fiscus.flows.approve_intent import approve_intent, approve_many, reject_intent
from fiscus.flows.decide_intent import decide_intent
from fiscus.flows.link_secret import link_secret
from fiscus.flows.verify_evidence import verify_evidence
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.approvals.signed_link import sign_link
from fiscus.guardrails.policies.policy_set import CompiledPolicy
from fiscus.guardrails.types import Intent
from fiscus.kernel.actor import Actor
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.errors import FiscusError, NotAllowed
from fiscus.serve import build_server

BUDGETS = """
budgets:
  - {id: ml-purchases, title: ML purchases, scope: {team: ml}, period: month, currency: USD, amount: 100, cap: soft, owner: ml}
"""
ATTRIBUTES = {"vendor": "VectorForge Inc.", "term_months": 12, "po": "PO-2026-77", "seats": 5, "data_class": "internal"}


@contextmanager
def company() -> Iterator[tuple[Workspace, StrictCloud, SteppedClock]]:
    """A company whose purchases need a yes by a policy of pia's and by a cap."""
    home = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    cloud, clock = StrictCloud(), SteppedClock(NOON)
    try:
        opened = open_company(home, Settings(executors=cloud.executors()), clock)
        owners = {"idle": "pia", "purchases": "pia"}
        owned = replace(opened, config=replace(opened.config, policy_owners=owners))
        yield judged_by(owned, BUDGETS, [asks("purchases", "v1")]), cloud, clock
    finally:
        shutil.rmtree(home, ignore_errors=True)


def asks(name: str, version: str) -> CompiledPolicy:
    """A policy that asks for a yes to anything above 500 USD."""
    return policy_of(name, 'intent.amount > money("500.00 USD")', "marketplace.purchase", version=version)


def purchase(rng: random.Random) -> Intent:
    amount = Decimal(rng.randrange(60_000, 9_000_000)) / 100
    return Intent("marketplace.purchase", "max", "ml", "staging", amount, "USD", provider="AWS", product="index",
                  service="Index", attributes=dict(ATTRIBUTES))  # fmt: skip


def drifted(rng: random.Random, ws: Workspace, intent: Intent) -> tuple[Workspace, Intent, str]:
    """The workspace or the intent moved in one way, which still needs a yes."""
    attributes = dict(intent.attributes)
    name = rng.choice(sorted(attributes))
    moves: Mapping[str, Callable[[], tuple[Workspace, Intent]]] = {
        "a cent": lambda: (ws, replace(intent, amount=intent.amount + Decimal("0.01"))),
        "a billionth": lambda: (ws, replace(intent, amount=intent.amount - Decimal("0.000000001"))),
        "another amount": lambda: (ws, replace(intent, amount=intent.amount + rng.randrange(1, 10**6))),
        "who asks": lambda: (ws, replace(intent, requested_by=rng.choice(("lea", "otto", "fay")))),
        "who pays": lambda: (ws, replace(intent, team=rng.choice(("web", "finops")))),
        "where": lambda: (ws, replace(intent, environment=rng.choice(("prod", "dev", "")) or "test")),
        "from whom": lambda: (ws, replace(intent, provider=f"{intent.provider}{rng.randrange(9)}")),
        "for what": lambda: (ws, replace(intent, product=f"{intent.product}{rng.randrange(9)}", service="Other")),
        "an attribute": lambda: (ws, replace(intent, attributes={**attributes, name: _other(rng, attributes[name])})),
        "an attribute less": lambda: (
            ws,
            replace(intent, attributes={k: v for k, v in attributes.items() if k != name}),
        ),
        "an attribute more": lambda: (ws, replace(intent, attributes={**attributes, "listing": "prod-x"})),
        "the policy": lambda: (_policies(ws, asks("purchases", f"v{rng.randrange(2, 99)}")), intent),
        "one more policy": lambda: (_policies(ws, asks("purchases", "v1"), asks("terms", "v1")), intent),
        "the cap": lambda: (_capped(ws, rng.randrange(101, 900)), intent),
    }
    kind = rng.choice(sorted(moves))
    moved, asked = moves[kind]()
    return moved, asked, kind


def test_an_intent_that_moved_after_its_yes_is_stale_and_nothing_is_let_through() -> None:
    with promise("P6.intents", trials=200) as row:
        rng, kinds = random.Random(row.seed), set()
        with company() as (ws, _, _clock):
            for trial in range(row.trials):
                intent = purchase(rng)
                asked = decide_intent(ws, intent)
                approve_intent(ws, asked.approval_id, Actor("lea"))
                moved_ws, moved, kind = drifted(rng, ws, intent)
                given = decide_intent(moved_ws, moved, approval_id=asked.approval_id)
                row.faults += 1
                kinds.add(kind)
                if given.verdict != "require_approval" or given.money_held:
                    row.violated(f"{kind} was let through: {given.verdict} (trial {trial})")
                if "stale" not in given.reasons[0]:
                    row.violated(f"{kind} is not called stale: {given.reasons[0]} (trial {trial})")
                if _state(ws, asked.approval_id) != "approved":
                    row.violated(f"{kind} used the approval up (trial {trial})")
                reject_intent(ws, given.approval_id, Actor(given.intent.requested_by), "it was only a test")
                if trial % 10 == 0 and decide_intent(ws, intent, approval_id=asked.approval_id).verdict != "allow":
                    row.violated(f"what was approved is not let through any more after {kind} (trial {trial})")
            if not verify_evidence(ws).ok:
                row.violated("the evidence is broken")
        row.note = f"{len(kinds)} kinds of drift of an intent, its policies and its caps."


def test_an_action_whose_target_moved_after_its_yes_is_stale_and_nothing_is_changed() -> None:
    with promise("P6.actions", trials=200) as row:
        rng = random.Random(row.seed)
        with company() as (ws, cloud, _clock):
            for trial in range(row.trials):
                names = [f"i-{trial}-{n}" for n in range(rng.randrange(1, 4))]
                action = proposed(ws, *[cloud.add(name) for name in names])
                approve_action(ws, action.id, Actor("lea"))
                kind = _move(rng, cloud, rng.choice(names))
                done = apply_action(ws, action.id, Actor("fay"))
                row.faults += 1
                if done.state != "STALE":
                    row.violated(f"{kind}: the action is {done.state} (trial {trial})")
            if cloud.changes:
                row.violated(f"{len(cloud.changes)} changes were made")
        row.note = "Drift of an action's targets: 0 executed, all stale."


def test_a_plan_that_was_changed_after_its_yes_does_not_run() -> None:
    with promise("P6.forged", trials=60) as row:
        rng = random.Random(row.seed)
        with company() as (ws, cloud, _clock):
            for trial in range(row.trials):
                action = approve_action(ws, proposed(ws, cloud.add(f"i-{trial}")).id, Actor("lea"))
                forged = _forged(rng, cloud, action, trial)
                with ws.state.begin() as tx:
                    tx.actions.put(forged)
                row.faults += 1
                try:
                    state = apply_action(ws, action.id, Actor("fay")).state
                    if state not in {"STALE", "EXPIRED"}:
                        row.violated(f"a forged plan is {state} (trial {trial})")
                except FiscusError:
                    pass
            if cloud.changes:
                row.violated(f"{len(cloud.changes)} changes were made")
        row.note = "Plans rewritten in the database, digest and all: none runs."


def test_nobody_says_yes_to_what_they_asked_for_or_whose_policy_they_wrote_on_any_way_in() -> None:
    with promise("P6.own", trials=200) as row:
        rng, paths, trial = random.Random(row.seed), set(), 0
        with company() as (ws, cloud, _clock):
            browser = Browser(build_server(ws.home, PORT, ws))
            while row.faults < row.trials:  # attempts to approve one's own
                trial += 1
                mine = decide_intent(ws, replace(purchase(rng), requested_by="lea", team="ml")).approval_id
                theirs = decide_intent(ws, purchase(rng)).approval_id
                action = proposed(ws, cloud.add(f"i-{trial}"))
                own = replace(action, requested_by="lea", id=f"{action.id}x")
                with ws.state.begin() as tx:
                    tx.actions.put(own)
                # lea leads the team and may approve anything of it, but what she asked for; pia wrote both policies
                for person, approval, act in (("lea", mine, own), ("pia", theirs, action)):
                    for path, attempt in _ways(ws, browser, person, approval, act).items():
                        paths.add(path)
                        row.faults += 1
                        said = attempt()
                        if not said:
                            row.violated(f"{path} as {person} was not refused (trial {trial})")
                    if _state(ws, approval) != "asked" or _action_state(ws, act.id) != "PROPOSED":
                        row.violated(f"{person} approved their own (trial {trial})")
        row.note = f"{len(paths)} ways in: {'; '.join(sorted(paths))}. API keys of the same person: none exist yet."


def _ways(
    ws: Workspace, browser: Browser, person: str, approval: str, action: Action
) -> Mapping[str, Callable[[], bool]]:
    """Each way in to a yes; true when it was refused."""
    with ws.state.read() as tx:
        asked = tx.approvals.get(approval)
    assert asked is not None
    digest = asked.digest
    link = f"/approvals/link/{sign_link(link_secret(ws.home), asked, person)}"
    who = Actor(person)

    def form(url: str, fields: dict[str, str]) -> bool:
        return browser.acts_as(person).send(url, fields).status_code == 403

    def post(url: str, body: dict[str, object]) -> Any:
        return browser.http.post(url, json=body)

    return {
        "flow": lambda: _refused(lambda: approve_intent(ws, approval, who)),
        "flow, several": lambda: all(isinstance(one.error, NotAllowed) for one in approve_many(ws, [approval], who)),
        "command": lambda: _command(ws, "approve", approval, "--as", person),
        "command, several": lambda: _command(ws, "approve", approval, action.id, "--as", person),
        "API": lambda: post(f"/api/approvals/{approval}/approve", {"as": person}).status_code == 403,
        "API, several": lambda: (
            post("/api/approvals/approve", {"as": person, "ids": [approval]}).json()["approved"] == 0
        ),
        "page": lambda: form(f"/approvals/{approval}/approve", {"digest": digest}),
        "signed link, opened": lambda: browser.get(link).status_code == 403,
        "signed link, sent": lambda: form(f"{link}/approve", {"digest": digest}),
        "action, flow": lambda: _refused(lambda: approve_action(ws, action.id, who)),
        "action, command": lambda: _command(ws, "approve", action.id, "--as", person),
        "action, API": lambda: post(f"/api/actions/{action.id}/approve", {"as": person}).status_code == 403,
        "action, page": lambda: form(f"/actions/{action.id}/approve", {"digest": action.plan.digest}),
    }


def _refused(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except NotAllowed:
        return True
    return False


def _command(ws: Workspace, *words: str) -> bool:
    """The command line on this very workspace: exit 2, and the reason said."""
    said = StringIO()
    with (
        patch("fiscus.app.workspace.open_workspace", lambda *_args, **_more: ws),
        redirect_stderr(said),
        redirect_stdout(StringIO()),
    ):
        code = command_line()([*words, "--home", str(ws.home)], result_action="return_value")
    return code == 2 and bool(re.search(r"asked for this|wrote the polic", said.getvalue()))


def _state(ws: Workspace, approval_id: str) -> str:
    with ws.state.read() as tx:
        approval = tx.approvals.get(approval_id)
    assert approval is not None
    return approval.state


def _action_state(ws: Workspace, action_id: str) -> str:
    with ws.state.read() as tx:
        action = tx.actions.get(action_id)
    assert action is not None
    return action.state


def _policies(ws: Workspace, *policies: CompiledPolicy) -> Workspace:
    return judged_by(ws, BUDGETS, policies)


def _capped(ws: Workspace, amount: int) -> Workspace:
    return judged_by(ws, BUDGETS.replace("amount: 100,", f"amount: {amount},"), [asks("purchases", "v1")])


def _other(rng: random.Random, value: object) -> object:
    return value + rng.randrange(1, 50) if isinstance(value, int) else f"{value} {rng.randrange(99)}"


def _move(rng: random.Random, cloud: StrictCloud, name: str) -> str:
    """One thing about a machine moves."""
    machine = cloud.machines[name]
    tags = machine["tags"]
    assert isinstance(tags, dict)
    kind = rng.choice(("state", "type", "a tag", "a tag more", "a tag less", "gone", "a new fact"))
    if kind == "state":
        machine["state"] = "stopped"
    elif kind == "type":
        machine["type"] = f"m5.{rng.randrange(2, 24)}xlarge"
    elif kind == "a tag":
        tags["environment"] = "dev"
    elif kind == "a tag more":
        tags[f"owner-{rng.randrange(99)}"] = "otto"
    elif kind == "a tag less":
        tags.clear()
    elif kind == "gone":
        del cloud.machines[name]
    else:
        machine["autoscaling"] = "group-1"
    return kind


def _forged(rng: random.Random, cloud: StrictCloud, action: Action, trial: int) -> Action:
    """Somebody with the database in hand rewrites what was approved, its digest included or not."""
    plan = action.plan
    other = cloud.add(f"other-{trial}")
    changed = rng.choice((
        replace(plan, targets=(other,)),
        replace(plan, targets=(*plan.targets, other)),
        replace(plan, kind="aws.ec2.start"),
        replace(plan, params={"force": True}),
        replace(plan, policy_version="2"),
        replace(plan, expires_at=plan.expires_at + timedelta(days=30)),
        replace(plan, targets=tuple(_blind(target) for target in plan.targets)),
    ))  # fmt: skip
    return replace(action, plan=rng.choice((changed, sealed(changed))))


def _blind(target: Target) -> Target:
    return replace(target, observed={})
