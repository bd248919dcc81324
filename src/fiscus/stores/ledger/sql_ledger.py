"""The ledger over SQL: a batch of commands is one transaction, its changes, and one record of evidence."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any, Literal, TypeVar, cast

from fiscus.guardrails.ledger.ports import LockedLedger
from fiscus.guardrails.ledger.types import (
    Account,
    Answered,
    Changes,
    Frozen,
    Hold,
    LedgerTotals,
    Rulebook,
)
from fiscus.guardrails.types import Decision
from fiscus.kernel.actor import Actor
from fiscus.kernel.canonical import Json
from fiscus.kernel.clock import Clock
from fiscus.kernel.evidence import GENESIS, EvidenceRecord
from fiscus.stores.databases.drivers import Driver, Statements
from fiscus.stores.databases.schema_versions import bring_up_to_date
from fiscus.stores.ledger import rows
from fiscus.stores.ledger.locked_ledger import BATCH, Kept, Locked, accounts_of, answered_to, decisions_of, holds_of
from fiscus.stores.ledger.schema import VERSIONS

T = TypeVar("T")


class SqlLedger:
    """Implements guardrails.ledger.ports.LedgerStore. Safe between threads and processes: a transaction is alone."""

    def __init__(self, driver: Driver, clock: Clock) -> None:
        self._driver = driver
        self._clock = clock
        self._kept: Kept | None = None  # what this process wrote last; good as long as nobody else wrote
        self._create()

    def _create(self) -> None:
        with self._driver.writing() as tx:
            bring_up_to_date(tx, self._driver, "ledger", VERSIONS)
            if not tx.rows("SELECT 1 FROM ledger_head"):
                start = datetime.min.replace(tzinfo=UTC).isoformat()
                tx.run(
                    "INSERT INTO ledger_head (one, seq, digest, at, frozen, billed) VALUES (1, 0, ?, ?, '{}', '{}')",
                    (GENESIS, start),
                )

    def locked(self, work: Callable[[LockedLedger], tuple[T, Changes]]) -> T:
        """One durable transaction with one record of evidence; nothing is written where nothing changed."""
        with self._writing() as locked:
            answer, changes = work(locked)
            if changes.entries:
                locked.write(changes)
        return answer

    @contextmanager
    def _writing(self) -> Iterator[Locked]:
        with self._driver.writing() as tx:
            kept, self._kept = self._kept, None  # until it is durable
            locked = Locked(tx, self._clock, self._driver.head_lock, kept, unchanged=self._driver.is_unchanged(tx))
            tx.once_durable(lambda: setattr(self, "_kept", locked.kept()))
            yield locked

    @contextmanager
    def _reading(self) -> Iterator[Statements]:
        """A snapshot of tables that say what the evidence says; where they lag, they are brought up first."""
        with self._driver.reading() as tx:
            head = tx.rows("SELECT seq, tabled FROM ledger_head")
            if not head or head[0][0] == head[0][1]:
                yield tx
                return
        with self._writing() as locked:
            locked.bring_tables()
            yield locked.statements

    def account(self, key: str) -> Account | None:
        return self.accounts([key]).get(key)

    def accounts(self, keys: Sequence[str]) -> Mapping[str, Account]:
        with self._reading() as tx:
            return accounts_of(tx, keys)

    def answered(self, key: str) -> Answered | None:
        with self._reading() as tx:
            return answered_to(tx, [key]).get(key)

    def hold(self, hold_id: str) -> Hold | None:
        with self._reading() as tx:
            return holds_of(tx, [hold_id]).get(hold_id)

    def holds(self, states: Sequence[str] = ("held",), limit: int = 1000) -> Sequence[Hold]:
        """Those that expire last first."""
        sql = f"SELECT document FROM ledger_holds WHERE state IN ?? ORDER BY expires_at DESC, id LIMIT {int(limit)}"
        with self._reading() as tx:
            return [rows.hold_of(document) for (document,) in tx.rows(sql, (tuple(states),))]

    def every_hold(self) -> Iterator[Hold]:
        """By id, in batches."""
        after = ""
        while True:
            with self._reading() as tx:
                found = tx.rows(
                    f"SELECT id, document FROM ledger_holds WHERE id > ? ORDER BY id LIMIT {BATCH}", (after,)
                )
            yield from (rows.hold_of(document) for _, document in found)
            if len(found) < BATCH:
                return
            after = found[-1][0]

    def every_account(self) -> Sequence[Account]:
        with self._reading() as tx:
            return [
                rows.account_of(row)
                for row in tx.rows(f"SELECT {rows.ACCOUNT_COLUMNS} FROM ledger_accounts ORDER BY id")
            ]

    def frozen(self) -> Sequence[Frozen]:
        """Subjects, and accounts under their keys."""
        with self._driver.reading() as tx:
            ((document, at),) = tx.rows("SELECT frozen, at FROM ledger_head")
            accounts = [row[0] for row in tx.rows("SELECT id FROM ledger_accounts WHERE frozen = 1 ORDER BY id")]
        since = datetime.fromisoformat(at)
        past = [Frozen(key, since, "an overrun took it past its cap") for key in accounts]
        return [*rows.frozen_of(document).values(), *past]

    def totals(self) -> LedgerTotals:
        """Recounted from every hold: nothing that is shown here is kept as a sum."""
        sums: dict[str, dict[str, int]] = {name: {} for name in ("held", "settled", "charged", "released", "overruns")}
        opened = 0
        with self._reading() as tx:
            for state, currency, bound, settled in tx.rows("SELECT state, currency, bound, settled FROM ledger_holds"):
                opened += state == "held"
                amount = int(bound if state == "held" else settled)
                sums[state][currency] = sums[state].get(currency, 0) + amount
            for currency, amount in tx.rows("SELECT currency, amount FROM ledger_overruns"):
                sums["overruns"][currency] = sums["overruns"].get(currency, 0) + int(amount)
        return LedgerTotals(sums["held"], sums["settled"], sums["charged"], sums["overruns"], opened)

    def metered(self, since: date) -> Sequence[str]:
        sql = "SELECT DISTINCT provider FROM ledger_days WHERE nature = 'usage' AND day >= ? AND provider <> '' ORDER BY provider"
        with self._driver.reading() as tx:
            return [provider for (provider,) in tx.rows(sql, (since.isoformat(),))]

    def decision(self, decision_id: str) -> Decision | None:
        with self._reading() as tx:
            return decisions_of(tx, [decision_id]).get(decision_id)

    def decisions(self, limit: int = 100) -> Sequence[Decision]:
        """Newest first, read out of the evidence from its end."""
        found, before = list[Decision](), 2**62
        sql = f"SELECT seq, body FROM ledger_evidence WHERE seq < ? ORDER BY seq DESC LIMIT {BATCH}"
        while len(found) < limit:
            with self._driver.reading() as tx:
                records = tx.rows(sql, (before,))
            for _, body in records:
                found += reversed(rows.decisions_of(body))
            if len(records) < BATCH:
                break
            before = records[-1][0]
        return found[:limit]

    def keep_rulebook(self, rulebook: Rulebook) -> None:
        with self._driver.reading() as tx:
            if tx.rows("SELECT 1 FROM ledger_rulebooks WHERE id = ?", (rulebook.digest,)):
                return
        with self._driver.writing() as tx:
            sql = "INSERT INTO ledger_rulebooks (id, document) VALUES (?, ?) ON CONFLICT (id) DO NOTHING"
            tx.run(sql, (rulebook.digest, rows.text(rulebook)))

    def rulebook(self, digest: str) -> Rulebook | None:
        with self._driver.reading() as tx:
            found = tx.rows("SELECT document FROM ledger_rulebooks WHERE id = ?", (digest,))
        return rows.rulebook_of(found[0][0]) if found else None

    def evidence_records(self) -> Iterator[EvidenceRecord]:
        """Every record, in order; a body that is no JSON is handed out as one that no digest fits."""
        after = 0
        while True:
            sql = f"SELECT * FROM ledger_evidence WHERE seq > ? ORDER BY seq LIMIT {BATCH}"
            with self._driver.reading() as tx:
                found = tx.rows(sql, (after,))
            yield from (_record(row) for row in found)
            if len(found) < BATCH:
                return
            after = found[-1][0]

    def evidence_head(self) -> tuple[int, str]:
        with self._driver.reading() as tx:
            found = tx.rows("SELECT seq, digest FROM ledger_head")
        return (found[0][0], found[0][1]) if found else (-1, "")

    def close(self) -> None:
        """Give the connections back."""
        self._driver.close()


def _record(row: Sequence[Any]) -> EvidenceRecord:
    seq, at, kind, subject, person, proof, body, previous, digest = row
    try:
        found: Mapping[str, Json] = json.loads(body)
        moment = datetime.fromisoformat(at)
    except ValueError:
        found, moment = {"unreadable": repr(body)}, datetime.min.replace(tzinfo=UTC)
    actor = Actor(person, cast("Literal['asserted', 'system']", proof))
    return EvidenceRecord(seq, moment, kind, subject, actor, found, previous, digest)
