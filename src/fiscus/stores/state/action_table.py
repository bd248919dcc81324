"""Actions and their journals. The journal only grows, and a claimant of an older epoch cannot write any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, insert, select, update

from fiscus.actions.types import Action, ActionState, JournalEntry
from fiscus.kernel.dataclass_json import from_text, to_text
from fiscus.kernel.errors import Conflict, IntegrityBroken
from fiscus.stores.state.rows import upsert
from fiscus.stores.state.schema import action_journal, actions


@dataclass(frozen=True, slots=True)
class _Stored:
    text: str
    epoch: int


class SqlActions:
    """Implements actions.ports.ActionTable."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, action_id: str) -> Action | None:
        """The action with its whole journal, or None."""
        found = self._stored(action_id)
        return None if found is None else self._action(action_id, found)

    def put(self, action: Action) -> None:
        """Insert or replace, and append what is new in the journal.

        Raises Conflict when a newer epoch has claimed it, IntegrityBroken when an entry written before would change.
        """
        found = self._stored(action.id)
        if found is not None and found.epoch > action.epoch:
            raise Conflict(
                f"Action {action.id} was claimed by another worker (epoch {found.epoch}, this one has {action.epoch})",
                remedy="Let that worker finish, or run `fiscus apply` again to reconcile.",
            )
        values = {
            "state": action.state,
            "epoch": action.epoch,
            "kind": action.plan.kind,
            "finding_id": action.plan.finding_id,
            "requested_by": action.requested_by,
            "approved_by": action.approved_by,
            "saving_per_month": action.plan.saving_per_month,
            "currency": action.plan.currency,
            "created_at": action.created_at,
            "expires_at": action.plan.expires_at,
            "document": to_text(replace(action, journal=())),
        }
        upsert(self._connection, actions, {"id": action.id}, values)
        self._append(action)

    def all(self, states: Sequence[ActionState] | None = None) -> Sequence[Action]:
        """In the order in which they were proposed."""
        where = [] if states is None else [actions.c.state.in_(states)]
        query = select(actions.c.id, actions.c.document, actions.c.epoch).where(*where).order_by(actions.c.seq)
        return [self._action(row.id, _Stored(row.document, row.epoch)) for row in self._connection.execute(query).all()]

    def claim(self, action_id: str, epoch: int) -> bool:
        """Move its epoch from `epoch` to `epoch + 1`; False when it no longer is `epoch`."""
        mine = update(actions).where(actions.c.id == action_id, actions.c.epoch == epoch).values(epoch=epoch + 1)
        return self._connection.execute(mine).rowcount == 1

    def _stored(self, action_id: str) -> _Stored | None:
        query = select(actions.c.document, actions.c.epoch).where(actions.c.id == action_id)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _Stored(row.document, row.epoch)

    def _action(self, action_id: str, found: _Stored) -> Action:
        journal = tuple(from_text(JournalEntry, text) for text in self._journal(action_id))
        return replace(from_text(Action, found.text), epoch=found.epoch, journal=journal)

    def _journal(self, action_id: str) -> Sequence[str]:
        query = select(action_journal.c.document).where(action_journal.c.action_id == action_id)
        return self._connection.execute(query.order_by(action_journal.c.step)).scalars().all()

    def _append(self, action: Action) -> None:
        texts = [to_text(entry) for entry in action.journal]
        written = list(self._journal(action.id))
        if texts[: len(written)] != written:
            raise IntegrityBroken(
                f"The journal of action {action.id} would change what was already written",
                remedy="Read the action again and append to its journal.",
            )
        for step in range(len(written), len(texts)):
            entry = action.journal[step]
            values = {"at": entry.at, "state": entry.state, "actor": entry.actor, "document": texts[step]}
            self._connection.execute(insert(action_journal).values(action_id=action.id, step=step, **values))
