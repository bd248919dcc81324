"""The ledger over SQL: a batch of commands is one transaction, its changes, and one record of evidence."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any, Final, Literal, TypeVar, cast

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
from fiscus.stores.databases.drivers import Driver
from fiscus.stores.databases.schema_versions import bring_up_to_date
from fiscus.stores.ledger import rows
from fiscus.stores.ledger.guessed_ledger import Guessed, WrongGuess
from fiscus.stores.ledger.locked_ledger import Kept, Locked
from fiscus.stores.ledger.reserved_holds import BATCH, ReservedHolds
from fiscus.stores.ledger.schema import VERSIONS
from fiscus.stores.ledger.tables import Tables, tables_now

T = TypeVar("T")
UNLUCKY_FOR: Final = 16  # while several processes write at once a guess costs more than the lock


class SqlLedger:
    """Implements guardrails.ledger.ports.LedgerStore. Safe between threads and processes: a transaction is alone."""

    def __init__(self, driver: Driver, clock: Clock) -> None:
        self._driver = driver
        self._clock = clock
        self._kept: Kept | None = None  # what this process wrote last; good as long as nobody else wrote
        self._unlucky = 0  # transactions that are not guessed, after others wrote in between
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

    def locked(self, work: Callable[[LockedLedger], tuple[T, Changes]], holds: int = 1) -> T:
        """One durable transaction with one record of evidence; nothing is written where nothing changed.

        `work` may be asked twice: where it was guessed what stands, and others wrote in between.
        """
        if self._driver.guesses and (kept := self._kept) is not None and kept.can_wait(holds):
            if self._unlucky == 0:
                try:
                    return self._guessed(work)
                except WrongGuess as wrong:
                    self._unlucky = UNLUCKY_FOR if wrong.others else 0
            else:
                self._unlucky -= 1
        with self._driver.writing() as tx:
            kept, self._kept = self._kept, None  # until it is durable
            locked = Locked(tx, self._clock, self._driver.head_lock, kept, unchanged=self._driver.is_unchanged(tx))
            answer, changes = work(locked)
            if changes.entries:
                locked.write(changes)
            tx.once_durable(lambda: setattr(self, "_kept", locked.kept()))
        return answer

    def _guessed(self, work: Callable[[LockedLedger], tuple[T, Changes]]) -> T:
        with self._driver.writing() as tx:
            kept, self._kept = self._kept, None
            if kept is None:
                raise WrongGuess
            guessed = Guessed(tx, self._clock, kept)
            try:
                answer, changes = work(guessed)
                guessed.write(changes)
            except WrongGuess:
                self._kept = kept if guessed.untouched else None
                raise
            tx.once_durable(lambda: setattr(self, "_kept", guessed.kept()))
        return answer

    @contextmanager
    def _reading(self) -> Iterator[Tables]:
        """One moment's snapshot."""
        with self._driver.reading() as tx:
            yield tables_now(tx)

    def account(self, key: str) -> Account | None:
        return self.accounts([key]).get(key)

    def accounts(self, keys: Sequence[str]) -> Mapping[str, Account]:
        with self._reading() as tables:
            return tables.accounts(keys)

    def answered(self, key: str) -> Answered | None:
        with self._reading() as tables:
            return tables.answered([key]).get(key)

    def hold(self, hold_id: str) -> Hold | None:
        with self._reading() as tables:
            return tables.holds([hold_id]).get(hold_id)

    def holds(self, states: Sequence[str] = ("held",), limit: int = 1000) -> Sequence[Hold]:
        """Those that expire last first."""
        with self._reading() as tables:
            return tables.holds_in(states, limit)

    def every_hold(self) -> Iterator[Hold]:
        """In batches: those that the tables do not say yet, those that nothing happened to, then the others by id."""
        with self._reading() as tables:
            late, after = list(tables.late.holds.values()), ""
        yield from late
        told = {hold.id for hold in late}
        while True:
            with self._driver.reading() as tx:
                holds, after = ReservedHolds(tx, looking=True).page(after)
            yield from [hold for hold in holds if hold.id not in told]
            told |= {hold.id for hold in holds}
            if not after:
                break
        sql = f"SELECT id, document FROM ledger_holds WHERE id > ? ORDER BY id LIMIT {BATCH}"
        while True:
            with self._driver.reading() as tx:
                found = tx.rows(sql, (after,))
            yield from (rows.hold_of(document) for number, document in found if number not in told)
            if len(found) < BATCH:
                return
            after = found[-1][0]

    def every_account(self) -> Sequence[Account]:
        with self._reading() as tables:
            return tables.every_account()

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
        with self._reading() as tables:
            return tables.totals()

    def metered(self, since: date) -> Sequence[str]:
        sql = "SELECT DISTINCT provider FROM ledger_days WHERE nature = 'usage' AND day >= ? AND provider <> '' ORDER BY provider"
        with self._driver.reading() as tx:
            return [provider for (provider,) in tx.rows(sql, (since.isoformat(),))]

    def decision(self, decision_id: str) -> Decision | None:
        with self._reading() as tables:
            return tables.decisions([decision_id]).get(decision_id)

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

    def evidence_of(self, hold_id: str) -> Sequence[EvidenceRecord]:
        with self._driver.reading() as tx:
            sql = "SELECT * FROM ledger_evidence WHERE body LIKE ? ORDER BY seq"
            return [_record(row) for row in tx.rows(sql, (f'%"{hold_id}"%',))]

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
