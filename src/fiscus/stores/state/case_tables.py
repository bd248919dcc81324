"""Cases under escalation and the notices that wait to be delivered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, func, insert, select, update

from fiscus.kernel.clock import Clock
from fiscus.kernel.dataclass_json import from_text, to_text
from fiscus.kernel.errors import NotFound
from fiscus.ownership.types import Case, CaseState, Notice
from fiscus.stores.state.rows import document, upsert
from fiscus.stores.state.schema import cases, outbox


class SqlCases:
    """Implements ownership.ports.CaseTable."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, case_id: str) -> Case | None:
        """The case, or None."""
        return _case(document(self._connection, cases, "id", case_id))

    def by_subject(self, subject_key: str) -> Case | None:
        """The one case about a subject, whatever its state."""
        return _case(document(self._connection, cases, "subject_key", subject_key))

    def put(self, case: Case) -> None:
        """Insert or replace. A second case about the same subject is refused by the table."""
        values = {
            "subject_key": case.subject.key,
            "state": case.state,
            "level": case.level,
            "assignee": case.assignee,
            "severity": case.subject.severity,
            "amount": case.subject.amount,
            "currency": case.subject.currency,
            "opened_at": case.opened_at,
            "next_escalation_at": case.next_escalation_at,
            "document": to_text(case),
        }
        upsert(self._connection, cases, {"id": case.id}, values)

    def all(self, states: Sequence[CaseState] | None = None) -> Sequence[Case]:
        """Oldest first."""
        where = [] if states is None else [cases.c.state.in_(states)]
        query = select(cases.c.document).where(*where).order_by(cases.c.opened_at, cases.c.id)
        return [from_text(Case, text) for text in self._connection.execute(query).scalars()]


class SqlOutbox:
    """Implements ownership.ports.Outbox."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def put(self, notice: Notice) -> bool:
        """Queue it once; False when its key is already known."""
        if self._connection.execute(select(outbox.c.seq).where(outbox.c.key == notice.key)).first():
            return False
        values = {
            "key": notice.key,
            "channel": notice.channel,
            "recipient": notice.to,
            "state": "waiting",
            "attempts": 0,
            "queued_at": self._clock.now(),
            "document": to_text(notice),
        }
        self._connection.execute(insert(outbox).values(**values))
        return True

    def waiting(self, limit: int = 500, channels: Sequence[str] | None = None) -> Sequence[Notice]:
        """Those not sent yet, of `channels` if named; the least tried first, so that one that always fails waits last."""
        query = select(outbox.c.document).where(outbox.c.state == "waiting")
        if channels is not None:
            query = query.where(outbox.c.channel.in_(channels))
        ordered = query.order_by(outbox.c.attempts, outbox.c.seq).limit(limit)
        return [from_text(Notice, text) for text in self._connection.execute(ordered).scalars()]

    def waiting_counts(self) -> Mapping[str, int]:
        """How many wait, by channel."""
        query = select(outbox.c.channel, func.count()).where(outbox.c.state == "waiting").group_by(outbox.c.channel)
        return {row[0]: row[1] for row in self._connection.execute(query.order_by(outbox.c.channel))}

    def is_waiting(self, key: str) -> bool:
        """Queued and not sent yet."""
        query = select(outbox.c.seq).where(outbox.c.key == key, outbox.c.state == "waiting")
        return self._connection.execute(query).first() is not None

    def mark_sent(self, key: str, receipt: str) -> None:
        """It was handed over. Raises NotFound for a key that was never queued."""
        self._mark(key, state="sent", receipt=receipt, sent_at=self._clock.now(), last_error=None)

    def mark_failed(self, key: str, error: str) -> None:
        """It could not be handed over and keeps waiting."""
        self._mark(key, last_error=error)

    def _mark(self, key: str, **values: object) -> None:
        change = update(outbox).where(outbox.c.key == key).values(attempts=outbox.c.attempts + 1, **values)
        if not self._connection.execute(change).rowcount:
            raise NotFound(f"No notice {key!r} is in the outbox", remedy="Queue it before marking it.")


def _case(text: str | None) -> Case | None:
    return None if text is None else from_text(Case, text)
