"""The append-only, hash-chained log. One row (`evidence_head`) is locked by each append, so the chain never forks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, cast

from sqlalchemy import Connection, Row, insert, select, update

from fiscus.kernel.actor import Actor
from fiscus.kernel.canonical import Json, canonical_bytes
from fiscus.kernel.clock import Clock
from fiscus.kernel.errors import IntegrityBroken
from fiscus.kernel.evidence import EvidenceRecord, seal
from fiscus.stores.state.schema import evidence, evidence_head

UNREADABLE_AT = datetime.min.replace(tzinfo=UTC)
ROWS_AT_ONCE = 1_000


class SqlEvidence:
    """Implements kernel.evidence.EvidenceLog."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def append(self, kind: str, subject: str, actor: Actor, body: Mapping[str, object]) -> EvidenceRecord:
        """Seal and store the next record. Raises IntegrityBroken when the head row is gone."""
        query = select(evidence_head.c.seq, evidence_head.c.digest).where(evidence_head.c.one == 1).with_for_update()
        head = self._connection.execute(query).one_or_none()
        if head is None:
            raise IntegrityBroken(
                "The head of the evidence chain is gone", remedy="Run `fiscus evidence verify` and restore a backup."
            )
        record = seal(head.seq + 1, self._clock.now().astimezone(UTC), kind, subject, actor, body, head.digest)
        values = {
            "seq": record.seq,
            "at": record.at.isoformat(),
            "kind": kind,
            "subject": subject,
            "actor": actor.person_id,
            "proof": actor.proof,
            "body": canonical_bytes(record.body).decode(),
            "previous": record.previous,
            "digest": record.digest,
        }
        self._connection.execute(insert(evidence).values(**values))
        moved = update(evidence_head).where(evidence_head.c.one == 1, evidence_head.c.seq == head.seq)
        written = self._connection.execute(moved.values(seq=record.seq, digest=record.digest))
        assert written.rowcount == 1, "the head moved under its lock"
        return record


def read_records(connection: Connection, kinds: Sequence[str] | None) -> Iterator[EvidenceRecord]:
    """Records in order of their number.

    A row that cannot be what was written (a date that is none, a body with other bytes than its canonical ones) is handed out
    with a content that no digest fits, so that the verifier names it instead of stopping at it.
    """
    where = [] if kinds is None else [evidence.c.kind.in_(kinds)]
    result = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(
        select(evidence).where(*where).order_by(evidence.c.seq)
    )
    for row in result:
        yield _record(row)


def read_head(connection: Connection) -> tuple[int, str]:
    """(sequence number, digest) of the head row; (-1, "") when it was removed."""
    row = connection.execute(select(evidence_head.c.seq, evidence_head.c.digest)).one_or_none()
    return (-1, "") if row is None else (row.seq, row.digest)


def _record(row: Row[Any]) -> EvidenceRecord:
    actor = Actor(str(row.actor), cast("Literal['asserted', 'system', 'link']", str(row.proof)))
    return EvidenceRecord(
        seq=row.seq,
        at=_instant(row.at),
        kind=str(row.kind),
        subject=str(row.subject),
        actor=actor,
        body=_body(row.body),
        previous=str(row.previous),
        digest=str(row.digest),
    )


def _instant(text: object) -> datetime:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return UNREADABLE_AT
    return at if at.isoformat() == text else UNREADABLE_AT


def _body(text: object) -> Mapping[str, Json]:
    try:
        body = json.loads(str(text))
        if isinstance(body, dict) and canonical_bytes(body).decode() == text:
            return cast("dict[str, Json]", body)
    except (ValueError, RecursionError):  # not JSON, or not JSON that RFC 8785 can write
        pass
    return {"unreadable": repr(text)}
