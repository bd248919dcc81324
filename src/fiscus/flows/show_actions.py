"""What will change, what changed, and what it saved: actions by what they wait for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from fiscus.actions.four_eyes import Approval, may_approve
from fiscus.actions.machine import DONE
from fiscus.actions.types import Action, ActionState
from fiscus.flows.record_actions import load_action, policy_owner
from fiscus.flows.show_trust import DataTrust, data_trust
from fiscus.flows.workspace import Workspace
from fiscus.kernel.money import ZERO, display, total

Waiting = Literal["approval", "run", "read_back", "nobody"]
WAITS_FOR: Final[Mapping[ActionState, Waiting]] = {
    "PROPOSED": "approval",
    "APPROVED": "run",
    "CLAIMED": "read_back",
    "INTENT": "read_back",
    "SENT": "read_back",
    "UNKNOWN": "read_back",
    "UNDOING": "read_back",
}
REVERSIBILITY: Final[Mapping[str, str]] = {
    "R0": "undone at once",
    "R1": "undone with a restart",
    "R2": "made again from its saved configuration",
    "R3": "cannot be undone",
}


@dataclass(frozen=True, slots=True)
class ActionLine:
    """An action and what it waits for. The saving is an estimate until the bill verified it."""

    action: Action
    waits_for: Waiting
    can_undo: bool


@dataclass(frozen=True, slots=True)
class ActionsShown:
    """Those that wait for a person first, largest money first. Savings are of the company's currency, a month."""

    trust: DataTrust
    sentence: str
    lines: tuple[ActionLine, ...]
    waiting_saving: Decimal
    verified_saving: Decimal


@dataclass(frozen=True, slots=True)
class ActionShown:
    """One action with who may say yes to it."""

    trust: DataTrust
    sentence: str
    line: ActionLine
    may_approve: tuple[str, ...]
    reversibility: str


def show_actions(ws: Workspace, trust: DataTrust | None = None) -> ActionsShown:
    """Every action."""
    with ws.state.read() as tx:
        lines = sorted((action_line(ws, action) for action in tx.actions.all()), key=_order)
    home = ws.config.company.currency
    mine = [line for line in lines if line.action.plan.currency == home]
    waiting = total([line.action.plan.saving_per_month for line in mine if line.waits_for in {"approval", "run"}])
    verified = total([line.action.verified_saving or ZERO for line in mine])
    return ActionsShown(trust or data_trust(ws), _sentence(lines, waiting, home), tuple(lines), waiting, verified)


def show_action(ws: Workspace, action_id: str, trust: DataTrust | None = None) -> ActionShown:
    """One action. NotFound when there is none."""
    with ws.state.read() as tx:
        action = load_action(tx, action_id)
    asked = Approval(action, policy_owner(ws, action.plan.policy_id), ws.config.directory, ws.as_of)
    return ActionShown(
        trust=trust or data_trust(ws),
        sentence=_one(action),
        line=action_line(ws, action),
        may_approve=may_approve(asked),
        reversibility=REVERSIBILITY[action.plan.reversibility],
    )


def action_line(ws: Workspace, action: Action) -> ActionLine:
    """`action` with what it waits for; undo only where its executor says how."""
    executor = ws.executors.get(action.plan.kind)
    can_undo = action.state in DONE and executor is not None and executor.undo_kind is not None
    return ActionLine(action, WAITS_FOR.get(action.state, "nobody"), can_undo)


def effect(action: Action) -> str:
    """What it does, in words: `stop sim-gpu-1`, `stop 2 targets`."""
    verb = action.plan.kind.rsplit(".", 1)[-1].replace("_", " ")
    targets = action.plan.targets
    return f"{verb} {targets[0].name or targets[0].id}" if len(targets) == 1 else f"{verb} {len(targets)} targets"


def capitalised(text: str) -> str:
    """The first letter raised, the others as they are: names keep theirs."""
    return text[:1].upper() + text[1:]


def _order(line: ActionLine) -> tuple[int, Decimal, str]:
    order: tuple[Waiting, ...] = ("approval", "run", "read_back", "nobody")
    return order.index(line.waits_for), -line.action.plan.saving_per_month, line.action.id


def _money(action: Action) -> str:
    return f"≈ {display(action.plan.saving_per_month, 0)} {action.plan.currency} a month"


def _sentence(lines: Sequence[ActionLine], waiting: Decimal, home: str) -> str:
    if not lines:
        return "No action is planned: nothing that Fiscus may change would save money now."
    first, money = lines[0], f"≈ {display(waiting, 0)} {home} a month"
    what = f"{effect(first.action)} ({_money(first.action)})"
    if first.waits_for == "approval":
        return f"{money} waits for a yes. Approve or reject: {what}."
    if first.waits_for == "run":
        return f"{money} is approved and not yet done. Apply: {what}."
    if first.waits_for == "read_back":
        return f"{what} is under way: read it back before anything else is changed."
    return f"Nothing waits. {len(lines)} actions are finished."


def _one(action: Action) -> str:
    plan = action.plan
    what = f"{capitalised(effect(action))} in {', '.join(sorted({t.environment for t in plan.targets})) or 'no environment'}"
    if action.state in DONE and action.verified_saving is not None:
        return f"{what}: saved {display(action.verified_saving, 0)} {plan.currency} a month, verified by the bill."
    verbs: Mapping[ActionState, str] = {"PROPOSED": "approve or reject it", "APPROVED": "apply it"}
    return f"{what}, saves {_money(action)}: {verbs.get(action.state, f'it is {action.state}')}."
