"""Storing a step of an action together with its evidence, and recording what was refused before saying so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from fiscus.actions.belts import breaker_refusal, sent_so_far
from fiscus.actions.ports import Executor
from fiscus.actions.types import Action, Refusal
from fiscus.flows.ports import StateTx
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import FISCUS, Actor
from fiscus.kernel.errors import Conflict, LimitExceeded, NotAllowed, NotFound, Unavailable
from fiscus.ownership.four_eyes import is_live

PAUSED_FACT = "actions.paused"
RESUMED_FACT = "actions.resumed"
INCIDENT_FACT = "actions.incident"
LIMIT_BELTS = frozenset({
    "actions_per_run_max", "targets_per_action_max", "targets_percent_max", "targets_per_owner_max", "money_per_run_max",
    "errors_percent_max",
})  # fmt: skip


def load_action(tx: StateTx, action_id: str) -> Action:
    """The action. Raises NotFound."""
    action = tx.actions.get(action_id)
    if action is None:
        raise NotFound(f"There is no action {action_id}", remedy="`fiscus actions` lists those that exist.")
    return action


def record_step(tx: StateTx, action: Action, actor: Actor) -> Action:
    """Store the newest step of `action` and its evidence, in this transaction."""
    entry = action.journal[-1]
    tx.actions.put(action)
    tx.evidence.append(
        f"action.{action.state.lower()}",
        action.id,
        actor,
        {
            "kind": action.plan.kind,
            "digest": action.plan.digest,
            "targets": [target.id for target in action.plan.targets],
            "epoch": action.epoch,
            "note": entry.note,
            "observed": entry.observed,
        },
    )
    return action


def take_over(tx: StateTx, action: Action) -> Action:
    """`action` in a new epoch: whoever held it before can no longer write. Raises Conflict when somebody was faster."""
    if not tx.actions.claim(action.id, action.epoch):
        raise Conflict(
            f"Action {action.id} was taken by another worker a moment ago", remedy="`fiscus actions` shows what it did."
        )
    return replace(action, epoch=action.epoch + 1)


def refuse(ws: Workspace, subject: str, actor: Actor, refusals: Sequence[Refusal]) -> None:
    """Record each refusal as evidence, then raise the first: LimitExceeded for a limit, else NotAllowed."""
    with ws.state.begin() as tx:
        for refusal in refusals:
            body = {"belt": refusal.belt, "message": refusal.message}
            tx.evidence.append("action.refused", subject, actor, body)
        limits = [refusal for refusal in refusals if refusal.belt in LIMIT_BELTS]
        if limits:
            open_incident(ws, tx, limits[0])
    first = refusals[0]
    kind = LimitExceeded if first.belt in LIMIT_BELTS else NotAllowed
    raise kind(first.message, remedy=first.remedy)


def check_person(ws: Workspace, action_id: str, actor: Actor) -> None:
    """Only a live person of the directory (or Fiscus itself) may act. Raises NotAllowed."""
    person = ws.config.directory.people.get(actor.person_id)
    if actor.proof == "system" or (person is not None and is_live(person, ws.as_of)):
        return
    message = f"{actor.person_id} is not a live person of the directory"
    refuse(
        ws, action_id, actor, [Refusal("directory", message, "Name yourself with --as as in owners/directory.yaml.")]
    )


def executor_of(ws: Workspace, kind: str) -> Executor:
    """The executor of `kind`. Raises Unavailable when none is configured."""
    executor = ws.executors.get(kind)
    if executor is None:
        raise Unavailable(f"No executor for {kind} is configured", remedy="Add its connector to fiscus.yaml.")
    return executor


def is_paused(tx: StateTx) -> bool:
    """The kill switch, as last set."""
    return bool(tx.facts.get(PAUSED_FACT))


def resumed_at(tx: StateTx) -> datetime | None:
    """When somebody last said `resume`."""
    fact = tx.facts.get(RESUMED_FACT)
    at = fact.get("at") if isinstance(fact, Mapping) else None
    return at if isinstance(at, datetime) else None


def open_incident(ws: Workspace, tx: StateTx, refusal: Refusal) -> bool:
    """A belt held: one incident, with a case of its own, until somebody resumes. False while one is open already."""
    if tx.facts.get(INCIDENT_FACT):
        return False
    body = {"id": ws.ids.new("inc"), "at": ws.clock.now(), "belt": refusal.belt, "message": refusal.message,
            "remedy": refusal.remedy}  # fmt: skip
    tx.facts.put(INCIDENT_FACT, body)
    tx.evidence.append("action.incident", str(body["id"]), FISCUS, body)
    return True


def trip_breaker(ws: Workspace, tx: StateTx, kind: str) -> bool:
    """Pause everything when too many of the last actions went wrong, until a person resumes. True when it did."""
    so_far = sent_so_far(tx.actions.all(), kind, ws.clock.now(), 0, resumed_at(tx))
    refusal = breaker_refusal(ws.config.belts, so_far)
    if refusal is None or is_paused(tx):
        return False
    body = {"by": FISCUS.person_id, "at": ws.clock.now(), "note": refusal.message}
    tx.facts.put(PAUSED_FACT, body)
    tx.evidence.append("action.paused", "actions", FISCUS, body)
    return open_incident(ws, tx, refusal)


def policy_owner(ws: Workspace, policy_id: str) -> str:
    """Who wrote a policy, or ''."""
    return ws.config.policy_owners.get(policy_id, "")
