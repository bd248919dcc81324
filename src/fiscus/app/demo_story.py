"""One action from its proposal to the next bill: approved by a second person, run, read back, verified by the bill."""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fiscus.actions.four_eyes import Approval, may_approve
from fiscus.actions.machine import last_entry
from fiscus.actions.types import Action
from fiscus.app.demo_buying import buy
from fiscus.app.demo_calls import make_calls
from fiscus.app.loop import run_loop
from fiscus.app.simulated_vendors import SimulatedVendors
from fiscus.app.workspace import open_workspace
from fiscus.flows.apply_actions import apply_action
from fiscus.flows.approve_actions import approve_action
from fiscus.flows.plan_actions import identity
from fiscus.flows.record_actions import policy_owner
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import Actor
from fiscus.kernel.money import display
from fiscus.kernel.progress import Progress
from fiscus.ownership.four_eyes import answering
from fiscus.twin.build import next_bills

if TYPE_CHECKING:
    from fiscus.app.demo import DemoPlan

DAYS_TO_NEXT_BILL: Final = 5  # the stopped machine's saving needs whole days of bills
KIND: Final = "aws.ec2.stop"


@dataclass(frozen=True, slots=True)
class Story:
    """What happened to the dearest proposed stop; no `action_id` when nothing was proposed."""

    action_id: str
    sentences: tuple[str, ...]
    try_it: str = ""  # a line to type that calls the gateway


def tell_story(ws: Workspace, vendors: SimulatedVendors, plan: DemoPlan, progress: Progress, lives: ExitStack) -> Story:
    """Approve and run the dearest stop, let the vendors bill a few days more, buy, call AI, run the loop on that day.

    The gateway that it starts lives as long as `lives`.
    """
    proposed = _dearest(ws)
    if proposed is None:
        return Story("", ("No machine was proposed to be stopped in this company.",))
    approver, operator = _approver(ws, proposed), ws.config.directory.teams[ws.config.directory.default_pool].lead
    approve_action(ws, proposed.id, Actor(approver))
    done = apply_action(ws, proposed.id, Actor(operator))
    until = ws.as_of + timedelta(days=DAYS_TO_NEXT_BILL)
    progress.stage(f"The vendors' bills until {until}")
    next_bills(
        ws.home,
        seed=plan.seed,
        scale=plan.scale,
        months=plan.months,
        as_of=ws.as_of,
        until=until,
        stopped={identity(target): _ran_at(done) for target in done.plan.targets},
    )
    move_day(ws.home, until)
    later = open_workspace(ws.home)
    bought = buy(later)
    progress.stage("AI calls through the gateway")
    vendors.ai.live_on(until)
    called = make_calls(later, vendors.ai, lives)
    second = run_loop(later, progress)
    with later.state.read() as tx:
        after = tx.actions.get(proposed.id)
    assert after is not None
    names = ", ".join(target.name for target in done.plan.targets)
    return Story(
        proposed.id,
        (
            (
                f"Action {done.id}: {names} stopped on {ws.as_of}, approved by {approver}, "
                f"≈ {display(done.plan.saving_per_month, 0)} {done.plan.currency} a month at stake."
            ),
            f"The bills until {until}: {after.verified_detail or f'the action is {after.state}'}",
            (
                f"{len(second.deliveries)} deliveries later: {second.cases_open} cases under way, "
                f"{len(vendors.mail.messages)} mails and {len(vendors.hook.received)} signed webhooks received on this machine."
            ),
            *bought,
            *called.sentences,
        ),
        called.try_it,
    )


def move_day(home: Path, day: date) -> None:
    """The company lives on another day from now on: `as_of` in its fiscus.yaml."""
    path = home / "fiscus.yaml"
    text, count = re.subn(r"(?m)^as_of: \d{4}-\d{2}-\d{2}", f"as_of: {day}", path.read_text(encoding="utf-8"))
    assert count == 1
    path.write_text(text, encoding="utf-8")


def _dearest(ws: Workspace) -> Action | None:
    with ws.state.read() as tx:
        proposed = [action for action in tx.actions.all(["PROPOSED"]) if action.plan.kind == KIND]
    return max(proposed, key=lambda action: (action.plan.saving_per_month, action.id), default=None)


def _approver(ws: Workspace, action: Action) -> str:
    """Somebody who answers for the machines; FinOps and finance may too, but it is not their machine."""
    asked = Approval(action, policy_owner(ws, action.plan.policy_id), ws.config.directory, ws.as_of)
    allowed = may_approve(asked)
    answers = answering(action.plan.targets[0].owner, ws.config.directory, ws.as_of)
    return next((person for person in allowed if person in answers), allowed[0])


def _ran_at(action: Action) -> datetime:
    ran = last_entry(action, "INTENT")
    assert ran is not None
    return ran.at
