"""Evidence: append-only records, each sealed with the digest of the one before it.

A record's digest is SHA-256 over the RFC 8785 bytes of everything in it, the previous digest included. Changing, removing or
reordering a record breaks the chain at that place; cutting the tail is found by the head and by exported checkpoints.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, Protocol

from fiscus.kernel.actor import Actor
from fiscus.kernel.canonical import Json, canonical_bytes, quoted, to_json

GENESIS: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class EvidenceRecord:
    """One sealed record. `seq` counts from 1 without gaps; `body` is plain JSON."""

    seq: int
    at: datetime
    kind: str
    subject: str
    actor: Actor
    body: Mapping[str, Json]
    previous: str
    digest: str


@dataclass(frozen=True, slots=True)
class ChainBreak:
    """Where a chain stops being what was written: the sequence number at fault and why, in plain words."""

    seq: int
    reason: str


class EvidenceLog(Protocol):
    """The append side of the log; part of a state transaction, so a change and its evidence are stored together."""

    def append(self, kind: str, subject: str, actor: Actor, body: Mapping[str, object]) -> EvidenceRecord: ...


def seal(  # noqa: PLR0913, PLR0917 the seven parts of a record
    seq: int, at: datetime, kind: str, subject: str, actor: Actor, body: Mapping[str, object], previous: str
) -> EvidenceRecord:
    """The sealed record that follows the one whose digest is `previous`."""
    plain = to_json(body)
    assert isinstance(plain, dict)
    found = sealed_digest(seq, at, kind, subject, actor, canonical_bytes(plain), previous)
    return EvidenceRecord(seq, at, kind, subject, actor, plain, previous, found)


def sealed_digest(  # noqa: PLR0913, PLR0917 the seven parts of a record
    seq: int, at: datetime, kind: str, subject: str, actor: Actor, body: bytes, previous: str
) -> str:
    """The digest of a record whose body's RFC 8785 bytes are known: the parts in the order of their names."""
    return sealed_at(seq, at.isoformat(), kind, subject, actor, body, previous)


def sealed_at(  # noqa: PLR0913, PLR0917 the seven parts of a record
    seq: int, at: str, kind: str, subject: str, actor: Actor, body: bytes, previous: str
) -> str:
    """The same, of a record whose instant is written already."""
    who = b'{"person_id":%b,"proof":%b}' % (_text(actor.person_id), _text(actor.proof))
    content = b'{"actor":%b,"at":"%b","body":%b,"kind":%b,"previous":"%b","seq":%d,"subject":%b}' % (
        who, at.encode(), body, _text(kind), previous.encode(), seq, _text(subject),
    )  # fmt: skip
    return hashlib.sha256(content).hexdigest()


@lru_cache(256)
def _text(value: str) -> bytes:
    """Kinds, actors and many subjects are the same again and again."""
    return quoted(value).encode()


def verify_chain(records: Iterable[EvidenceRecord]) -> tuple[int, str, list[ChainBreak]]:
    """(records read, last digest, breaks). An empty list of breaks means that the chain is whole."""
    count, previous, breaks = 0, GENESIS, list[ChainBreak]()
    for record in records:
        count += 1
        if record.seq != count:
            breaks.append(
                ChainBreak(record.seq, f"expected record {count}, found {record.seq}: one was removed, added or moved")
            )
            count = record.seq
        if record.previous != previous:
            breaks.append(ChainBreak(record.seq, "does not follow the record before it"))
        resealed = seal(record.seq, record.at, record.kind, record.subject, record.actor, record.body, record.previous)
        if resealed.digest != record.digest:
            breaks.append(ChainBreak(record.seq, "its content was changed after it was sealed"))
        previous = record.digest
    return count, previous, breaks
