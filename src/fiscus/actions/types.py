"""Actions: one change in the world, planned, approved, run, read back, verified by the bill, and undone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

ActionState = Literal[
    "PROPOSED",
    "APPROVED",
    "REJECTED",
    "STALE",
    "EXPIRED",
    "CLAIMED",
    "INTENT",
    "SENT",
    "SUCCEEDED",
    "FAILED",
    "UNKNOWN",
    "RECONCILED",
    "VERIFIED",
    "UNDOING",
    "ROLLED_BACK",
]
Reversibility = Literal["R0", "R1", "R2", "R3"]
"""R0 undone at once; R1 undone with a restart or latency; R2 recreated from saved configuration; R3 irreversible."""


@dataclass(frozen=True, slots=True)
class Target:
    """One thing an action changes, with what was observed of it when the plan was made (the preconditions)."""

    id: str
    name: str
    owner: str
    environment: str
    observed: Mapping[str, object] = field(default_factory=dict)  # {"state": "running", ...}


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done. Approval binds `digest` over kind, targets with preconditions, params, policy version and expiry."""

    kind: str  # connector.verb: aws.ec2.stop, aws.ec2.start, notify.email, notify.webhook
    targets: tuple[Target, ...]
    params: Mapping[str, object]
    reason: str
    finding_id: str | None
    policy_id: str
    policy_version: str
    saving_per_month: Decimal  # money at stake, an estimate until the bill verifies it
    currency: str
    reversibility: Reversibility
    blast_radius: str  # plain words: how many targets, which environments, whose
    expires_at: datetime
    digest: str


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One transition with what the vendor said. Appended, never changed."""

    at: datetime
    state: ActionState
    actor: str
    note: str
    observed: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Action:
    """A plan under way. `epoch` fences claims: only the newest claimant may act. `verified_saving` comes from bills."""

    id: str
    plan: Plan
    state: ActionState
    requested_by: str
    approved_by: str | None
    approved_digest: str | None
    epoch: int
    created_at: datetime
    journal: tuple[JournalEntry, ...]
    verified_saving: Decimal | None = None
    verified_detail: str = ""


@dataclass(frozen=True, slots=True)
class SafetyBelts:
    """On by default. `protected_environments` and targets with a protected tag are never touched by a plan."""

    actions_per_run_max: int = 20
    targets_per_action_max: int = 10
    targets_percent_max: int = 25  # of the running inventory of that kind
    targets_per_owner_max: int = 10  # of one owner's things in one run
    money_per_run_max: Decimal = Decimal(50_000)  # at stake a month over a run, each currency by itself
    errors_percent_max: int = 20  # of what a run sent; more, after a few, and everything is paused
    protected_environments: tuple[str, ...] = ("prod", "production")
    protected_tags: tuple[str, ...] = ("fiscus:protected",)
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What read-back found. `done` None: cannot be told yet."""

    done: bool | None
    observed: Mapping[str, object]
    note: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a belt or the four-eyes rule said no. `belt` is its name; `message` and `remedy` are sentences for a person."""

    belt: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class TargetPreview:
    """One target of a preview: as planned, as it stands now, and how the two differ (empty: they do not)."""

    id: str
    name: str
    owner: str
    environment: str
    planned: Mapping[str, object]
    now: Mapping[str, object] | None
    drift: str


@dataclass(frozen=True, slots=True)
class ActionPreview:
    """A dry run: what would change, for how much, who may say yes, and what stands in the way. Nothing is sent."""

    action_id: str
    kind: str
    state: ActionState
    reason: str
    targets: tuple[TargetPreview, ...]
    saving_per_month: Decimal
    currency: str
    reversibility: Reversibility
    undo_kind: str | None
    blast_radius: str
    requested_by: str
    approved_by: str | None
    expires_at: datetime
    may_approve: tuple[str, ...]
    refusals: tuple[Refusal, ...]  # the belts that would refuse it now
    note: str  # such as: the vendor cannot be reached, so drift is not known
