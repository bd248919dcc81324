"""From findings that name an action to plans that a person can approve. What is left out, and why, is recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from fiscus.actions.belts import percent_refusal, protection, run_refusal, targets_allowed
from fiscus.actions.machine import OPEN, propose
from fiscus.actions.plan_digest import sealed
from fiscus.actions.ports import Executor
from fiscus.actions.savings import TargetCost, target_costs
from fiscus.actions.types import Action, Plan, Refusal, Target
from fiscus.flows.ports import StateTx
from fiscus.flows.record_actions import executor_of, open_incident, record_step
from fiscus.flows.show_completeness import partial_params
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.types import Finding
from fiscus.kernel.actor import FISCUS
from fiscus.kernel.canonical import digest
from fiscus.kernel.errors import FiscusError
from fiscus.kernel.limits import (
    ACTION_APPROVAL_HOURS,
    ACTION_REPROPOSE_DAYS,
    ACTION_RETRY_HOURS,
    ACTION_SAVING_DAYS,
)
from fiscus.kernel.money import ZERO, total
from fiscus.kernel.sql_text import sql_text
from fiscus.ownership.types import UNOWNED

SKIPPED_FACT = "actions.skipped"
NOTHING_TO_DO = ("held", "already_so")  # another action has it in hand, or it is as it should be: no refusal


@dataclass(frozen=True, slots=True)
class Skipped:
    """A target that was not planned for, and the belt or reason."""

    kind: str
    target: str
    finding: str
    belt: str
    reason: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A target that may be planned for, why, and what it costs a month in the finding's currency."""

    finding: Finding
    target: Target
    saving: Decimal


def plan_actions(ws: Workspace) -> Sequence[Action]:
    """New actions in PROPOSED. Nothing is proposed twice; a vendor that cannot be reached gives no plan and a recorded reason."""
    with ws.state.read() as tx:
        findings = [f for f in tx.findings.all() if f.action and f.targets]
        known = tx.actions.all()
    plans, skipped = list[Plan](), list[Skipped]()
    for kind in sorted({str(finding.action) for finding in findings}):
        of_kind = sorted((f for f in findings if f.action == kind), key=lambda f: (-f.amount, f.id))
        made, left = _plan_kind(ws, kind, of_kind, known)
        plans.extend(made)
        skipped.extend(left)
    limit = ws.config.belts.actions_per_run_max
    skipped.extend(
        Skipped(
            plan.kind, target.id, plan.finding_id or "", "actions_per_run_max", run_refusal(ws.config.belts).message
        )
        for plan in plans[limit:]
        for target in plan.targets
    )
    return _store(ws, plans[:limit], skipped)


def _plan_kind(
    ws: Workspace, kind: str, findings: Sequence[Finding], known: Sequence[Action]
) -> tuple[list[Plan], list[Skipped]]:
    wanted = {target: finding for finding in reversed(findings) for target in finding.targets}
    held = dict(_held(known, kind, ws.clock.now()))
    try:
        executor = executor_of(ws, kind)
        observed = {target.id: target for target in executor.observe(list(wanted))}
        running = executor.inventory_size()
        candidates, skipped = _candidates(ws, executor, wanted, observed, held)
    except FiscusError as failed:
        return [], [Skipped(kind, target, wanted[target].id, "executor", failed.message) for target in sorted(wanted)]
    waiting = sum(len(action.plan.targets) for action in known if action.plan.kind == kind and action.state in OPEN)
    room = max(0, targets_allowed(ws.config.belts, running) - waiting) if running else len(candidates)
    if len(candidates) > room:
        why = percent_refusal(ws.config.belts, waiting + len(candidates), running)
        skipped.extend(Skipped(kind, c.target.id, c.finding.id, why.belt, why.message) for c in candidates[room:])
    return [_plan(ws, executor, group) for group in _groups(ws, candidates[:room])], skipped


def _candidates(
    ws: Workspace,
    executor: Executor,
    wanted: Mapping[str, Finding],
    observed: Mapping[str, Target],
    held: Mapping[str, str],
) -> tuple[list[Candidate], list[Skipped]]:
    """Targets worth planning for, dearest first, and those left out."""
    costs = _costs(ws, list(observed))
    found, skipped, seen = list[Candidate](), list[Skipped](), set[str]()
    for target_id, finding in wanted.items():
        seen_at = observed.get(target_id)
        belt, reason = "unknown_target", "the vendor does not know it"
        if seen_at is not None:
            target, saving = _known(seen_at, finding, costs.get(target_id, ()))
            refusal = protection(target, ws.config.belts)
            belt, reason = "", ""
            if identity(target) in seen:
                continue
            if refusal is not None:
                belt, reason = refusal.belt, refusal.message
            elif identity(target) in held:
                belt, reason = "held", held[identity(target)]
            elif executor.read_back(_probe(ws, executor, finding, target)).done is not False:
                belt, reason = "already_so", f"it is {target.observed.get('state', 'so')} already"
            else:
                found.append(Candidate(finding, target, saving))
            seen.add(identity(target))
        if belt:
            skipped.append(Skipped(executor.kind, target_id, finding.id, belt, reason))
    return sorted(found, key=lambda c: (-c.saving, c.target.id)), skipped


def identity(target: Target) -> str:
    """What the vendor calls it: an ARN and a short id may name one machine."""
    return str(target.observed.get("vendor_id", target.id))


def _held(known: Iterable[Action], kind: str, now: datetime) -> Iterator[tuple[str, str]]:
    """Targets of earlier actions that must be left alone for now, and why."""
    for action in known:
        if action.plan.kind != kind:
            continue
        age = now - action.journal[-1].at
        why = ""
        if action.state in OPEN:
            why = f"action {action.id} is {action.state}"
        elif action.state in {"REJECTED", "ROLLED_BACK"} and age < timedelta(days=ACTION_REPROPOSE_DAYS):
            why = f"action {action.id} was {action.state.lower().replace('_', ' ')} on {action.journal[-1].at.date()}"
        elif action.state == "FAILED" and age < timedelta(hours=ACTION_RETRY_HOURS):
            why = f"action {action.id} failed less than {ACTION_RETRY_HOURS} hours ago"
        if why:
            yield from ((identity(target), why) for target in action.plan.targets)


def _costs(ws: Workspace, targets: Sequence[str]) -> Mapping[str, Sequence[TargetCost]]:
    """Per resource, one entry a currency."""
    if not targets:
        return {}
    params = {"targets": list(targets), "as_of": ws.as_of, "days": ACTION_SAVING_DAYS, **partial_params(ws)}
    found: dict[str, list[TargetCost]] = {}
    for cost in target_costs(ws.lake.query(sql_text("fiscus.actions", "target_costs"), params)):
        found.setdefault(cost.resource_id, []).append(cost)
    return found


def _known(target: Target, finding: Finding, costs: Sequence[TargetCost]) -> tuple[Target, Decimal]:
    """The target with its owner, environment and name from the bills, and its cost a month in the finding's currency."""
    owners = [c.owner for c in costs if c.owner != UNOWNED] + [c.team for c in costs if c.team != UNOWNED]
    owner = next(iter(owners), finding.owner if finding.owner != UNOWNED else finding.team)
    environment = next((c.environment for c in costs), finding.environment)
    name = target.name or next((c.name for c in costs), target.id)
    saving = total([c.per_month for c in costs if c.currency == finding.currency])
    return replace(target, owner=owner, environment=environment, name=name), saving


def _groups(ws: Workspace, candidates: Sequence[Candidate]) -> Iterator[Sequence[Candidate]]:
    """One action a finding and owner, so that one person can answer for all of it; never more targets than the belt allows."""
    grouped: dict[tuple[str, str], list[Candidate]] = {}
    for candidate in candidates:
        grouped.setdefault((candidate.finding.id, candidate.target.owner), []).append(candidate)
    size = ws.config.belts.targets_per_action_max
    if size > 0:
        for group in grouped.values():
            yield from (group[n : n + size] for n in range(0, len(group), size))


def _plan(ws: Workspace, executor: Executor, group: Sequence[Candidate]) -> Plan:
    finding, targets = group[0].finding, tuple(c.target for c in group)
    environments = ", ".join(sorted({target.environment or "unknown" for target in targets}))
    things = "1 target" if len(targets) == 1 else f"{len(targets)} targets"
    return sealed(
        Plan(
            kind=executor.kind,
            targets=targets,
            params={},
            reason=finding.title,
            finding_id=finding.id,
            policy_id=finding.policy_id,
            policy_version=finding.policy_version,
            saving_per_month=total([c.saving for c in group]),
            currency=finding.currency,
            reversibility=executor.reversibility,
            blast_radius=f"{things} in {environments}, owned by {targets[0].owner}",
            expires_at=ws.clock.now() + timedelta(hours=ACTION_APPROVAL_HOURS),
            digest="",
        )
    )


def _probe(ws: Workspace, executor: Executor, finding: Finding, target: Target) -> Plan:
    """A plan for one target, only to ask whether it is already so."""
    return _plan(ws, executor, [Candidate(finding, target, ZERO)])


def _store(ws: Workspace, plans: Sequence[Plan], skipped: Sequence[Skipped]) -> Sequence[Action]:
    """All new actions with their evidence in one transaction; a target that was taken meanwhile is not planned again."""
    now, stored = ws.clock.now(), list[Action]()
    with ws.state.begin() as tx:
        known = tx.actions.all()
        for plan in plans:
            held = dict(_held(known, plan.kind, now))
            if not any(identity(target) in held for target in plan.targets):
                stored.append(record_step(tx, propose(ws.ids.new("act"), plan, FISCUS, now), FISCUS))
        _record_skipped(tx, skipped)
        wide = [one for one in skipped if one.belt == "targets_percent_max"]
        if wide:  # a policy that matches too much of what runs is a mistake until somebody says that it is none
            open_incident(
                ws, tx, Refusal(wide[0].belt, wide[0].reason, "Look at the policy, then `fiscus actions resume`.")
            )
    return stored


def _record_skipped(tx: StateTx, skipped: Sequence[Skipped]) -> None:
    """What was left out, as a fact of the newest run; as evidence what was refused, when the last run did not refuse the same."""
    refused = [one for one in skipped if one.belt not in NOTHING_TO_DO]
    seal = digest(refused)
    before = tx.facts.get(SKIPPED_FACT)
    tx.facts.put(SKIPPED_FACT, {"digest": seal, "targets": [asdict(one) for one in skipped]})
    if refused and not (isinstance(before, Mapping) and before.get("digest") == seal):
        tx.evidence.append("action.refused", "plan", FISCUS, {"targets": refused})
