"""Approvals of intents. Their steps only grow, and what was asked is never rewritten."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, func, select

from fiscus.guardrails.approvals.types import Approval, ApprovalState
from fiscus.kernel.dataclass_json import from_text, to_text
from fiscus.kernel.errors import IntegrityBroken
from fiscus.stores.state.rows import document, documents, upsert
from fiscus.stores.state.schema import approvals

WAITING: tuple[ApprovalState, ...] = ("asked", "approved")


class SqlApprovals:
    """Implements guardrails.approvals.ports.ApprovalTable."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, approval_id: str) -> Approval | None:
        """The approval with all its steps, or None."""
        text = document(self._connection, approvals, "id", approval_id)
        return None if text is None else from_text(Approval, text)

    def put(self, approval: Approval) -> None:
        """Insert or replace. Raises IntegrityBroken when the question, or a step that was stored, would change."""
        known = self.get(approval.id)
        if known is not None and (known.digest != approval.digest or approval.steps[: len(known.steps)] != known.steps):
            raise IntegrityBroken(
                f"Approval {approval.id} would change what was already written",
                remedy="Read it again and append to its steps.",
            )
        values = {
            "state": approval.state,
            "intent_digest": approval.intent_digest,
            "requested_by": approval.requested_by,
            "team": approval.intent.team,
            "amount": approval.intent.amount,
            "currency": approval.intent.currency,
            "requested_at": approval.requested_at,
            "expires_at": approval.expires_at,
            "document": to_text(approval),
        }
        upsert(self._connection, approvals, {"id": approval.id}, values)

    def waiting_for(self, intent_digest: str) -> Sequence[Approval]:
        """Those of exactly this intent that were asked for or approved and not used yet, the newest first."""
        where = [approvals.c.intent_digest == intent_digest, approvals.c.state.in_(WAITING)]
        return self._read(where, None)

    def asked_by(self, person_id: str) -> int:
        """How many questions of this person wait for a yes."""
        where = [approvals.c.requested_by == person_id, approvals.c.state == "asked"]
        return self._connection.execute(select(func.count()).select_from(approvals).where(*where)).scalar_one()

    def of_intent(self, intent_digest: str) -> Sequence[Approval]:
        """Every one of exactly this intent, the newest first."""
        return self._read([approvals.c.intent_digest == intent_digest], None)

    def all(self, states: Sequence[ApprovalState] | None = None, limit: int = 1000) -> Sequence[Approval]:
        """The newest first."""
        return self._read([] if states is None else [approvals.c.state.in_(states)], limit)

    def _read(self, where: Sequence[ColumnElement[bool]], limit: int | None) -> Sequence[Approval]:
        texts = documents(self._connection, approvals, where, approvals.c.seq.desc(), limit)
        return [from_text(Approval, text) for text in texts]
