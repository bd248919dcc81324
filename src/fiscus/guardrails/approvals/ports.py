"""What approvals ask of the state store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from fiscus.guardrails.approvals.types import Approval, ApprovalState


class ApprovalTable(Protocol):
    """Approvals inside one state transaction. A step that was stored is never changed."""

    def get(self, approval_id: str) -> Approval | None: ...
    def put(self, approval: Approval) -> None: ...
    def waiting_for(self, intent_digest: str) -> Sequence[Approval]:
        """Those of exactly this intent that were asked for or approved and not used yet, the newest first."""
        ...

    def asked_by(self, person_id: str) -> int:
        """How many questions of this person wait for a yes."""
        ...

    def of_intent(self, intent_digest: str) -> Sequence[Approval]:
        """Every one of exactly this intent, the newest first."""
        ...

    def all(self, states: Sequence[ApprovalState] | None = None, limit: int = 1000) -> Sequence[Approval]:
        """The newest first."""
        ...
