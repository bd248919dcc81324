"""Approvals: who must say yes to an intent before its money is spent, what they said, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from fiscus.guardrails.types import ApprovalNeeded, Headroom, Intent

ApprovalState = Literal["asked", "approved", "used", "rejected", "expired"]
StepKind = Literal["asked", "yes", "approved", "rejected", "expired", "used", "given_back"]
WhyNotCode = Literal["stale", "not_approved", "rejected", "expired", "used", "cap_unknown"]


@dataclass(frozen=True, slots=True)
class ApprovalStep:
    """One thing that happened to it. `proof`: how the person was known (asserted, or by a signed link); system: Fiscus itself."""

    at: datetime
    kind: StepKind
    actor: str
    proof: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Approval:
    """A question to people. `digest` binds the settled intent, the versions of the policies that asked, and the expiry.

    `policies`: policy id -> version, those whose verdict was require_approval; a cap that would break is `budget.<id>`.
    `authors`: person id -> the policies of theirs among them. `watermark`: what the headroom rests on.
    """

    id: str
    decision_id: str
    intent: Intent
    intent_digest: str
    policies: Mapping[str, str]
    digest: str
    needed: ApprovalNeeded
    authors: Mapping[str, str]
    cost_centre: str
    reasons: tuple[str, ...]
    headroom: tuple[Headroom, ...]
    watermark: str
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    state: ApprovalState
    steps: tuple[ApprovalStep, ...]
    told: tuple[str, ...] = ()  # people who were sent a mail about it, in that order
    used_by: str = ""  # the decision that it let through

    @property
    def yes(self) -> tuple[str, ...]:
        """Who said yes so far, each once."""
        return tuple(dict.fromkeys(step.actor for step in self.steps if step.kind in {"yes", "approved"}))


@dataclass(frozen=True, slots=True)
class Covers:
    """The approval lets exactly this intent through, once. `reason` names it and who gave it, for the verdict."""

    approval_id: str
    approvers: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why an approval does not let an intent through: sentences for a person, and what to do."""

    code: WhyNotCode
    message: str
    remedy: str
