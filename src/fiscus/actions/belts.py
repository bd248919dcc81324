"""Safety belts: what no plan and no approval gets past. On by default; each refusal names its belt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from fiscus.actions.machine import last_entry
from fiscus.actions.types import Action, Plan, Refusal, SafetyBelts, Target
from fiscus.kernel.limits import ACTION_ERRORS_MIN, ACTION_RUN_MINUTES
from fiscus.kernel.money import ZERO, display, total

ENVIRONMENT_TAGS: Final = ("environment", "env", "stage")


@dataclass(frozen=True, slots=True)
class RunSoFar:
    """What the current run has sent (or proposed) already, of how many there are in all (0: they cannot be counted).

    `owners`: owner -> targets; `money`: currency -> money at stake a month. `judged` and `errors`: how many were sent since
    somebody last resumed, and how many of them failed or are unknown.
    """

    actions: int
    targets: int
    total: int
    owners: Mapping[str, int] = field(default_factory=dict)
    money: Mapping[str, Decimal] = field(default_factory=dict)
    judged: int = 0
    errors: int = 0


def protection(target: Target, belts: SafetyBelts) -> Refusal | None:
    """Why `target` must never be touched, or None. Both the bill's environment and the vendor's own tags count."""
    tags = _tags(target)
    protected = {name.casefold() for name in belts.protected_environments}
    for environment in (target.environment, *(tags.get(name, "") for name in ENVIRONMENT_TAGS)):
        if environment.strip().casefold() in protected:
            return Refusal(
                "protected_environments",
                f"{target.id} is in {environment}, a protected environment",
                "Change it by hand, or take the environment out of belts.protected_environments.",
            )
    for tag in belts.protected_tags:
        if tag.casefold() in tags:
            return Refusal(
                "protected_tags",
                f"{target.id} carries the tag {tag}",
                "Its owner must remove the tag first.",
            )
    return None


def paused_refusal() -> Refusal:
    """The kill switch is on."""
    return Refusal("paused", "Actions are paused", "Find out why, then run `fiscus actions resume`.")


def run_refusal(belts: SafetyBelts) -> Refusal:
    """Too many actions in one run."""
    return Refusal(
        "actions_per_run_max",
        f"A run of {ACTION_RUN_MINUTES} minutes may have at most {belts.actions_per_run_max} actions",
        "Wait for the next run, or raise belts.actions_per_run_max in fiscus.yaml.",
    )


def percent_refusal(belts: SafetyBelts, changed: int, total: int) -> Refusal:
    """Too large a share of what is running."""
    return Refusal(
        "targets_percent_max",
        f"{changed} of {total} would be changed within {ACTION_RUN_MINUTES} minutes; at most "
        f"{targets_allowed(belts, total)} ({belts.targets_percent_max} %) may be",
        "Wait for the next run, or raise belts.targets_percent_max in fiscus.yaml.",
    )


def belt_refusals(plan: Plan, belts: SafetyBelts, so_far: RunSoFar, *, paused: bool) -> tuple[Refusal, ...]:
    """Every belt that refuses `plan` now; empty when it may go on."""
    found: list[Refusal] = []
    if paused or belts.paused:
        found.append(paused_refusal())
    if so_far.actions + 1 > belts.actions_per_run_max:
        found.append(run_refusal(belts))
    if len(plan.targets) > belts.targets_per_action_max:
        found.append(
            Refusal(
                "targets_per_action_max",
                f"It has {len(plan.targets)} targets; at most {belts.targets_per_action_max} are allowed",
                "Split it, or raise belts.targets_per_action_max in fiscus.yaml.",
            )
        )
    changed = so_far.targets + len(plan.targets)
    if so_far.total and changed > targets_allowed(belts, so_far.total):
        found.append(percent_refusal(belts, changed, so_far.total))
    found += _owner_refusals(plan, belts, so_far)
    found += _money_refusals(plan, belts, so_far)
    if (breaker := breaker_refusal(belts, so_far)) is not None:
        found.append(breaker)
    found.extend(refusal for target in plan.targets if (refusal := protection(target, belts)) is not None)
    return tuple(found)


def breaker_refusal(belts: SafetyBelts, so_far: RunSoFar) -> Refusal | None:
    """Too many of what was sent went wrong, so nothing more is sent; None while it is bearable."""
    if so_far.errors < ACTION_ERRORS_MIN or so_far.errors * 100 <= so_far.judged * belts.errors_percent_max:
        return None
    return Refusal(
        "errors_percent_max",
        f"{so_far.errors} of {so_far.judged} actions of the last {ACTION_RUN_MINUTES} minutes failed or are unknown; at most "
        f"{belts.errors_percent_max} % may",
        "Find out why, then run `fiscus actions resume`.",
    )


def _owner_refusals(plan: Plan, belts: SafetyBelts, so_far: RunSoFar) -> Iterator[Refusal]:
    for owner, count in sorted(Counter(target.owner for target in plan.targets).items()):
        changed = so_far.owners.get(owner, 0) + count
        if changed > belts.targets_per_owner_max:
            yield Refusal(
                "targets_per_owner_max",
                f"{changed} things of {owner or 'nobody'} would be changed within {ACTION_RUN_MINUTES} minutes; at most "
                f"{belts.targets_per_owner_max} may be",
                "Wait for the next run, or raise belts.targets_per_owner_max in fiscus.yaml.",
            )


def _money_refusals(plan: Plan, belts: SafetyBelts, so_far: RunSoFar) -> Iterator[Refusal]:
    at_stake = total([so_far.money.get(plan.currency, ZERO), abs(plan.saving_per_month)])
    if at_stake > belts.money_per_run_max:
        yield Refusal(
            "money_per_run_max",
            f"{display(at_stake)} {plan.currency} a month would be at stake within {ACTION_RUN_MINUTES} minutes; at most "
            f"{display(belts.money_per_run_max)} may be",
            "Wait for the next run, or raise belts.money_per_run_max in fiscus.yaml.",
        )


def targets_allowed(belts: SafetyBelts, total: int) -> int:
    """How many of `total` things one run may change: the percentage, but one at least unless the belt says zero."""
    if belts.targets_percent_max == 0:
        return 0
    return max(1, total * belts.targets_percent_max // 100)


def sent_so_far(
    actions: Iterable[Action], kind: str, now: datetime, running: int, resumed_at: datetime | None = None
) -> RunSoFar:
    """What was sent within the last run's time: all kinds for actions, owners, money and errors, `kind` for the targets.

    `resumed_at`: what went wrong before somebody last said `resume` is not held against what comes after.
    """
    since = now - timedelta(minutes=ACTION_RUN_MINUTES)
    sent = [(at, a) for a in actions if (at := _sent_at(a)) is not None and since < at <= now]
    targets = sum(len(action.plan.targets) for _, action in sent if action.plan.kind == kind)
    judged = [action for at, action in sent if resumed_at is None or at > resumed_at]
    money: dict[str, Decimal] = {}
    for _, action in sent:
        at_stake = [money.get(action.plan.currency, ZERO), abs(action.plan.saving_per_month)]
        money[action.plan.currency] = total(at_stake)
    return RunSoFar(
        actions=len(sent),
        targets=targets,
        total=running + targets if running else 0,
        owners=Counter(target.owner for _, action in sent for target in action.plan.targets),
        money=money,
        judged=len(judged),
        errors=sum(_went_wrong(action) for action in judged),
    )


def _went_wrong(action: Action) -> bool:
    """It failed, or its outcome was lost, whatever was found out later."""
    return last_entry(action, "FAILED", "UNKNOWN") is not None


def _sent_at(action: Action) -> datetime | None:
    """When its vendor call was due; None when there was none, or it is known that nothing left this machine."""
    intent = last_entry(action, "INTENT")
    if intent is None:
        return None
    later = action.journal[action.journal.index(intent) + 1 :]
    return None if any(entry.state == "APPROVED" for entry in later) else intent.at


def _tags(target: Target) -> dict[str, str]:
    tags = target.observed.get("tags")
    plain = tags if isinstance(tags, Mapping) else {}
    return {str(key).casefold(): str(value) for key, value in plain.items()}
