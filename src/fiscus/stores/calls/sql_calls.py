"""AI calls over SQL: a batch is one durable transaction; what was stored is never changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from fiscus.cost.ai.types import AiCall, CallFacts, OpenBatch, UnitOutcome
from fiscus.stores.calls.schema import VERSIONS
from fiscus.stores.databases.documents import plain
from fiscus.stores.databases.drivers import Driver, Purpose, Statements
from fiscus.stores.databases.schema_versions import bring_up_to_date

CALLS: Final = Purpose(
    "The store of AI calls",
    "stores.gateway",
    "gateway.db",
    "Append the same calls again: what was stored is not stored twice.",
)
BATCH: Final = 500
_PUT: Final = (
    "INSERT INTO ai_calls (id, at, upstream, key_id, decision_id, document) VALUES (?,?,?,?,?,?) "
    "ON CONFLICT (id) DO NOTHING"
)
_PUT_UNIT: Final = "INSERT INTO ai_units (kind, value, at, call_id) VALUES (?,?,?,?) ON CONFLICT DO NOTHING"
_ADD_HOUR: Final = (
    "INSERT INTO ai_hours (upstream, hour, changes) VALUES (?,?,?) "
    "ON CONFLICT (upstream, hour) DO UPDATE SET changes = ai_hours.changes + excluded.changes"
)
_PUT_OUTCOME: Final = (
    "INSERT INTO ai_outcomes (id, at, document) VALUES (?,?,?) "
    "ON CONFLICT (id) DO UPDATE SET at = excluded.at, document = excluded.document"
)


_PUT_FACTS: Final = "INSERT INTO ai_call_facts (id, document) VALUES (?,?) ON CONFLICT DO NOTHING"
_ENCODER: Final = msgspec.json.Encoder(enc_hook=plain)
_CALL: Final = msgspec.json.Decoder(AiCall)
_FACTS: Final = msgspec.json.Decoder(CallFacts)
_OUTCOME: Final = msgspec.json.Decoder(UnitOutcome)
_BATCH: Final = msgspec.json.Decoder(OpenBatch)
_OPEN_BATCH: Final = "INSERT INTO ai_batches (upstream, id, document) VALUES (?,?,?) ON CONFLICT DO NOTHING"


class SqlCalls:
    """Implements cost.ai.ports.CallStore. Safe between threads and processes."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        with driver.writing() as tx:
            bring_up_to_date(tx, driver, "ai", VERSIONS)

    def append(self, calls: Sequence[AiCall]) -> None:
        """In one durable transaction; known ids change nothing."""
        rows = {call.id: _row(call) for call in calls}
        if not rows:
            return
        with self._driver.writing() as tx:
            known = _known(tx, list(rows))
            fresh = sorted(row for row in rows.values() if row[0] not in known)  # sorted: two never wait in a ring
            if not fresh:
                return
            tx.run_many(_PUT, fresh)
            added = {row[0] for row in fresh}
            units = [
                (kind, value, rows[call.id][1], call.id)
                for call in sorted(calls, key=lambda one: one.id)
                if call.id in added
                for kind, value in call.units.items()
            ]
            if units:
                tx.run_many(_PUT_UNIT, units)
            hours = Counter((upstream, f"{at[:13]}:00:00+00:00") for _, at, upstream, *_ in fresh)
            tx.run_many(_ADD_HOUR, [(*key, n) for key, n in sorted(hours.items())])

    def put_facts(self, facts: Sequence[CallFacts]) -> None:
        rows = {one.id: (one.id, _ENCODER.encode(one).decode()) for one in facts}
        if rows:
            with self._driver.writing() as tx:
                tx.run_many(_PUT_FACTS, [rows[key] for key in sorted(rows)])

    def facts(self, facts_id: str) -> CallFacts | None:
        with self._driver.reading() as tx:
            found = tx.rows("SELECT document FROM ai_call_facts WHERE id = ?", (facts_id,))
        return _FACTS.decode(found[0][0]) if found else None

    def call(self, call_id: str) -> AiCall | None:
        return self._one("id = ?", call_id)

    def call_of_decision(self, decision_id: str) -> AiCall | None:
        """Most calls are their own decision; the index has only the others."""
        return self._one("id = ? AND decision_id = id", decision_id) or self._one(
            "decision_id = ? AND decision_id <> id", decision_id
        )

    def calls(self, first: datetime, last: datetime, upstream: str = "") -> Iterator[AiCall]:
        """By time, then id, in batches: each is one moment's snapshot."""
        return self._span("upstream = ? AND", (upstream,), first, last) if upstream else self._span("", (), first, last)

    def calls_of_key(self, key_id: str, first: datetime, last: datetime) -> Iterator[AiCall]:
        return self._span("key_id = ? AND", (key_id,), first, last)

    def newest(self, count: int, key_id: str | None = None) -> Sequence[AiCall]:
        where, params = ("", ()) if key_id is None else ("WHERE key_id = ?", (key_id,))
        with self._driver.reading() as tx:
            found = tx.rows(
                f"SELECT document FROM ai_calls {where} ORDER BY at DESC, id DESC LIMIT ?", (*params, count)
            )
        return [_CALL.decode(document) for (document,) in found]

    def calls_of_unit(self, kind: str, value: str) -> Iterator[AiCall]:
        sql = (
            "SELECT u.at, c.id, c.document FROM ai_units u JOIN ai_calls c ON c.id = u.call_id "
            "WHERE u.kind = ? AND u.value = ? AND (u.at > ? OR (u.at = ? AND u.call_id > ?)) "
            f"ORDER BY u.at, u.call_id LIMIT {BATCH}"
        )
        return self._paged(sql, (kind, value), "")

    def hours(self) -> Mapping[tuple[str, datetime], int]:
        with self._driver.reading() as tx:
            found = tx.rows("SELECT upstream, hour, changes FROM ai_hours ORDER BY upstream, hour")
        return {(upstream, datetime.fromisoformat(hour)): changes for upstream, hour, changes in found}

    def open_batch(self, batch: OpenBatch) -> None:
        with self._driver.writing() as tx:
            tx.run(_OPEN_BATCH, (batch.upstream, batch.id, _ENCODER.encode(batch).decode()))

    def open_batches(self) -> Sequence[OpenBatch]:
        with self._driver.reading() as tx:
            found = tx.rows("SELECT document FROM ai_batches ORDER BY upstream, id")
        return [_BATCH.decode(document) for (document,) in found]

    def end_batch(self, batch: OpenBatch) -> None:
        with self._driver.writing() as tx:
            tx.run("DELETE FROM ai_batches WHERE upstream = ? AND id = ?", (batch.upstream, batch.id))

    def put_outcomes(self, outcomes: Sequence[UnitOutcome]) -> None:
        rows = {one.id: (one.id, _text(one.at), _ENCODER.encode(one).decode()) for one in outcomes}
        if rows:
            with self._driver.writing() as tx:
                tx.run_many(_PUT_OUTCOME, [rows[key] for key in sorted(rows)])

    def outcomes(self, first: datetime, last: datetime) -> Iterator[UnitOutcome]:
        """By time, then id, in batches."""
        sql = (
            "SELECT at, id, document FROM ai_outcomes WHERE at < ? AND (at > ? OR (at = ? AND id > ?)) "
            f"ORDER BY at, id LIMIT {BATCH}"
        )
        return (_OUTCOME.decode(document) for document in self._documents(sql, (_text(last),), _text(first)))

    def close(self) -> None:
        """Give the connections back."""
        self._driver.close()

    def _one(self, where: str, value: str) -> AiCall | None:
        with self._driver.reading() as tx:
            found = tx.rows(f"SELECT document FROM ai_calls WHERE {where} ORDER BY at, id LIMIT 1", (value,))
        return _CALL.decode(found[0][0]) if found else None

    def _span(self, where: str, params: tuple[str, ...], first: datetime, last: datetime) -> Iterator[AiCall]:
        sql = (
            f"SELECT at, id, document FROM ai_calls WHERE {where} at < ? AND at >= ? AND (at > ? OR id > ?) "
            f"ORDER BY at, id LIMIT {BATCH}"
        )
        return self._paged(sql, (*params, _text(last)), _text(first))

    def _paged(self, sql: str, params: tuple[str, ...], first: str) -> Iterator[AiCall]:
        return (_CALL.decode(document) for document in self._documents(sql, params, first))

    def _documents(self, sql: str, params: tuple[str, ...], first: str) -> Iterator[str]:
        """Page by page: the query's last three parameters are the place behind which it goes on, by (at, at, id)."""
        at, after = first, ""
        while True:
            with self._driver.reading() as tx:
                found = tx.rows(sql, (*params, at, at, after))
            yield from (document for _, _, document in found)
            if len(found) < BATCH:
                return
            at, after, _ = found[-1]


def _row(call: AiCall) -> tuple[Any, ...]:
    """(id, at, upstream, key, decision, document)."""
    document = _ENCODER.encode(call).decode()
    return call.id, _text(call.at), call.upstream, call.key_id, call.decision_id, document


def _text(at: datetime) -> str:
    return (at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat(timespec="microseconds")


def _known(tx: Statements, ids: Sequence[str]) -> set[str]:
    """Those that are stored already, asked in parts: a statement takes only so many parameters."""
    return {
        row[0]
        for start in range(0, len(ids), BATCH)
        for row in tx.rows("SELECT id FROM ai_calls WHERE id IN ??", (tuple(ids[start : start + BATCH]),))
    }
