"""The ledger over SQL: a batch of commands is one transaction, its changes, and one record of evidence."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, Literal, TypeVar, cast

from fiscus.guardrails.ledger.ports import LockedLedger
from fiscus.guardrails.ledger.types import (
    Account,
    Answered,
    Changes,
    DaySum,
    Frozen,
    Hold,
    LedgerTotals,
    Nature,
    Rulebook,
)
from fiscus.guardrails.types import Decision
from fiscus.kernel.actor import FISCUS, Actor
from fiscus.kernel.canonical import Json
from fiscus.kernel.clock import Clock
from fiscus.kernel.errors import IntegrityBroken
from fiscus.kernel.evidence import GENESIS, EvidenceRecord, sealed_digest
from fiscus.stores.databases.drivers import Driver, Statements
from fiscus.stores.databases.schema_versions import bring_up_to_date
from fiscus.stores.ledger import rows
from fiscus.stores.ledger.schema import VERSIONS

T = TypeVar("T")
KIND: Final = "ledger"
BATCH: Final = 500
_ACCOUNT: Final = f"SELECT {rows.ACCOUNT_COLUMNS} FROM ledger_accounts WHERE id "
_PUT_ACCOUNT: Final = (
    f"INSERT INTO ledger_accounts ({rows.ACCOUNT_COLUMNS}) VALUES ({','.join('?' * 14)}) ON CONFLICT (id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in rows.ACCOUNT_COLUMNS.split(", ")[1:])
)
_MOVE_ACCOUNT: Final = "UPDATE ledger_accounts SET held = ?, unbilled = ?, committed = ?, frozen = ? WHERE id = ?"
_PUT_HOLD: Final = (
    "INSERT INTO ledger_holds (id, state, currency, bound, settled, expires_at, document) VALUES (?,?,?,?,?,?,?) "
    "ON CONFLICT (id) DO UPDATE SET state = excluded.state, settled = excluded.settled, document = excluded.document"
)
_PUT_DAY: Final = (
    "INSERT INTO ledger_days (account, provider, day, nature, amount) VALUES (?,?,?,?,?) "
    "ON CONFLICT (account, provider, day, nature) DO UPDATE SET amount = excluded.amount"
)


class SqlLedger:
    """Implements guardrails.ledger.ports.LedgerStore. Safe between threads and processes: a transaction is alone."""

    def __init__(self, driver: Driver, clock: Clock) -> None:
        self._driver = driver
        self._clock = clock
        self._kept: _Kept | None = None  # what this process wrote last; good as long as nobody else wrote
        self._create()

    def _create(self) -> None:
        with self._driver.writing() as tx:
            bring_up_to_date(tx, self._driver, "ledger", VERSIONS)
            if not tx.rows("SELECT 1 FROM ledger_head"):
                start = datetime.min.replace(tzinfo=UTC).isoformat()
                tx.run("INSERT INTO ledger_head VALUES (1, 0, ?, ?, '{}', '{}')", (GENESIS, start))

    def locked(self, work: Callable[[LockedLedger], tuple[T, Changes]]) -> T:
        """One durable transaction with one record of evidence; nothing is written where nothing changed."""
        with self._driver.writing() as tx:
            kept, self._kept = self._kept if self._driver.is_unchanged(tx) else None, None
            locked = _Locked(tx, self._clock, self._driver.head_lock, kept)
            answer, changes = work(locked)
            if changes.entries:
                locked.write(changes)
            tx.once_durable(lambda: setattr(self, "_kept", locked.kept()))
        return answer

    def account(self, key: str) -> Account | None:
        return self.accounts([key]).get(key)

    def accounts(self, keys: Sequence[str]) -> Mapping[str, Account]:
        with self._driver.reading() as tx:
            return _accounts(tx, keys)

    def answered(self, key: str) -> Answered | None:
        with self._driver.reading() as tx:
            return _answered(tx, [key]).get(key)

    def hold(self, hold_id: str) -> Hold | None:
        with self._driver.reading() as tx:
            return _holds(tx, [hold_id]).get(hold_id)

    def holds(self, states: Sequence[str] = ("held",), limit: int = 1000) -> Sequence[Hold]:
        """Those that expire last first."""
        sql = f"SELECT document FROM ledger_holds WHERE state IN ?? ORDER BY expires_at DESC, id LIMIT {int(limit)}"
        with self._driver.reading() as tx:
            return [rows.hold_of(document) for (document,) in tx.rows(sql, (tuple(states),))]

    def every_hold(self) -> Iterator[Hold]:
        """By id, in batches."""
        after = ""
        while True:
            with self._driver.reading() as tx:
                found = tx.rows(
                    f"SELECT id, document FROM ledger_holds WHERE id > ? ORDER BY id LIMIT {BATCH}", (after,)
                )
            yield from (rows.hold_of(document) for _, document in found)
            if len(found) < BATCH:
                return
            after = found[-1][0]

    def every_account(self) -> Sequence[Account]:
        with self._driver.reading() as tx:
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
        with self._driver.reading() as tx:
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
        with self._driver.reading() as tx:
            return _decisions(tx, [decision_id]).get(decision_id)

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


@dataclass(frozen=True, slots=True)
class _Kept:
    """The head and the accounts as the last transaction left them: they are read again only when somebody else wrote."""

    head: tuple[int, str, datetime]
    frozen: dict[str, Frozen]
    billed: dict[str, date]
    accounts: dict[str, Account]


class _Locked:
    """Implements guardrails.ledger.ports.LockedLedger over one transaction."""

    def __init__(self, tx: Statements, clock: Clock, lock: str, kept: _Kept | None) -> None:
        self._tx = tx
        kept = kept or _read_head(tx, lock)
        self._seq, self._digest, last = kept.head
        self._frozen, self._billed, self._accounts = kept.frozen, kept.billed, kept.accounts
        self._now = max(clock.now().astimezone(UTC), last)

    def kept(self) -> _Kept:
        """What stands once this transaction is durable."""
        return _Kept((self._seq, self._digest, self._now), self._frozen, self._billed, self._accounts)

    def now(self) -> datetime:
        return self._now

    def accounts(self, keys: Sequence[str]) -> dict[str, Account]:
        if missing := [key for key in keys if key not in self._accounts]:
            self._accounts |= _accounts(self._tx, missing)
        return {key: self._accounts[key] for key in keys if key in self._accounts}

    def holds(self, ids: Sequence[str]) -> dict[str, Hold]:
        return _holds(self._tx, ids)

    def answered(self, keys: Sequence[str]) -> dict[str, Answered]:
        return _answered(self._tx, keys)

    def frozen(self) -> dict[str, Frozen]:
        return dict(self._frozen)

    def billed(self) -> Mapping[str, date]:
        return self._billed

    def due(self, by: datetime, limit: int) -> Sequence[Hold]:
        sql = f"SELECT document FROM ledger_holds WHERE state = 'held' AND expires_at <= ? ORDER BY expires_at LIMIT {int(limit)}"
        return [rows.hold_of(document) for (document,) in self._tx.rows(sql, (by.isoformat(),))]

    def days(self, account_keys: Sequence[str]) -> Sequence[DaySum]:
        sql = "SELECT account, provider, day, nature, amount FROM ledger_days WHERE account IN ??"
        return [
            DaySum(account, provider, date.fromisoformat(day), cast("Nature", nature), int(amount))
            for part in _parts(account_keys)
            for account, provider, day, nature, amount in self._tx.rows(sql, (part,))
        ]

    def write(self, changes: Changes) -> None:
        """Everything that the batch changed, then its evidence, then the head."""
        tx, seq = self._tx, self._seq + 1
        if changes.accounts:
            self._put_accounts(changes)
        if changes.holds:
            tx.run_many(_PUT_HOLD, [rows.hold_row(hold) for hold in changes.holds.values()])
        if changes.days:
            self._add_days(changes.days)
        if changes.decisions:
            tx.run_many("INSERT INTO ledger_decisions VALUES (?,?)", [(one.id, seq) for one in changes.decisions])
        if changes.requests:
            tx.run_many("INSERT INTO ledger_requests VALUES (?,?,?,?)", changes.requests)
        if changes.overruns:
            tx.run_many(
                "INSERT INTO ledger_overruns VALUES (?,?,?,?)", [(seq, h, c, str(a)) for h, c, a in changes.overruns]
            )
        self._seal(changes, seq)

    def _put_accounts(self, changes: Changes) -> None:
        """Only what a hold moves, unless the account is new or the bills said something else of it."""
        moved, whole = list[tuple[Any, ...]](), list[tuple[Any, ...]]()
        for key, account in changes.accounts.items():
            if key in self._accounts and changes.billed is None:
                moved.append(rows.moved_row(key, account))
            else:
                whole.append(rows.account_row(account))
                self._accounts[key] = account
        if moved:
            self._tx.run_many(_MOVE_ACCOUNT, moved)
        if whole:
            self._tx.run_many(_PUT_ACCOUNT, whole)

    def _seal(self, changes: Changes, seq: int) -> None:
        at, actor = self._now, changes.actor or FISCUS
        body = rows.encoded({"entries": changes.entries})
        subject = f"{len(changes.entries)} transitions"
        digest = sealed_digest(seq, at, KIND, subject, actor, body, self._digest)
        values = (seq, at.isoformat(), KIND, subject, actor.person_id, actor.proof, body.decode(), self._digest, digest)
        self._tx.run("INSERT INTO ledger_evidence VALUES (?,?,?,?,?,?,?,?,?)", values)
        if changes.frozen or changes.billed is not None:
            known = {**self._frozen, **changes.frozen}
            self._frozen = {name: one for name, one in known.items() if one is not None}
            self._billed = self._billed if changes.billed is None else changes.billed
            texts = (rows.text(self._frozen), rows.text(self._billed))
            self._tx.run("UPDATE ledger_head SET frozen = ?, billed = ? WHERE one = 1", texts)
        sql = "UPDATE ledger_head SET seq = ?, digest = ?, at = ? WHERE one = 1"
        self._tx.run(sql, (seq, digest, at.isoformat()))
        self._seq, self._digest = seq, digest

    def _add_days(self, days: Mapping[tuple[str, str, date, str], int]) -> None:
        before = {
            (d.account, d.provider, d.day, d.nature): d.amount for d in self.days(sorted({key[0] for key in days}))
        }
        values = []
        for (account, provider, day, nature), added in sorted(days.items()):
            amount = added + before.get((account, provider, day, cast("Nature", nature)), 0)
            values.append((account, provider, day.isoformat(), nature, str(amount)))
        self._tx.run_many(_PUT_DAY, values)


def _read_head(tx: Statements, lock: str) -> _Kept:
    found = tx.rows(f"SELECT seq, digest, at, frozen, billed FROM ledger_head WHERE one = 1{lock}")
    if not found:
        raise IntegrityBroken("The head of the ledger is gone", remedy="Restore a backup: nothing can be held.")
    seq, digest, at, frozen, billed = found[0]
    return _Kept((seq, digest, datetime.fromisoformat(at)), rows.frozen_of(frozen), rows.billed_of(billed), {})


def _accounts(tx: Statements, keys: Sequence[str]) -> dict[str, Account]:
    found: dict[str, Account] = {}
    for part in _parts(keys):
        for row in tx.rows(_ACCOUNT + "IN ??", (part,)):
            found[row[0]] = rows.account_of(row)
    return found


def _holds(tx: Statements, ids: Sequence[str]) -> dict[str, Hold]:
    found: dict[str, Hold] = {}
    for part in _parts(ids):
        for (document,) in tx.rows("SELECT document FROM ledger_holds WHERE id IN ??", (part,)):
            hold = rows.hold_of(document)
            found[hold.id] = hold
    return found


def _answered(tx: Statements, keys: Sequence[str]) -> dict[str, Answered]:
    found: dict[str, Answered] = {}
    sql = "SELECT id, digest, decision_id, hold_id FROM ledger_requests WHERE id IN ??"
    for part in _parts(keys):
        for key, digest, decision_id, hold_id in tx.rows(sql, (part,)):
            decision = _decisions(tx, [decision_id]).get(decision_id) if decision_id else None
            found[key] = Answered(digest, decision, _holds(tx, [hold_id]).get(hold_id) if hold_id else None)
    return found


def _decisions(tx: Statements, ids: Sequence[str]) -> dict[str, Decision]:
    """Out of the evidence, where each stands once. A record that cannot be read any more gives none: the verifier names it."""
    found: dict[str, Decision] = {}
    sql = "SELECT body FROM ledger_evidence WHERE seq IN (SELECT seq FROM ledger_decisions WHERE id IN ??)"
    wanted = set(ids)
    for part in _parts(ids):
        for (body,) in tx.rows(sql, (part,)):
            found |= {one.id: one for one in rows.decisions_of(body) if one.id in wanted}
    return found


def _parts(values: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """At most so many parameters a statement."""
    unique = tuple(dict.fromkeys(values))
    return (unique[start : start + BATCH] for start in range(0, len(unique), BATCH))


def _record(row: Sequence[Any]) -> EvidenceRecord:
    seq, at, kind, subject, person, proof, body, previous, digest = row
    try:
        found: Mapping[str, Json] = json.loads(body)
        moment = datetime.fromisoformat(at)
    except ValueError:
        found, moment = {"unreadable": repr(body)}, datetime.min.replace(tzinfo=UTC)
    actor = Actor(person, cast("Literal['asserted', 'system']", proof))
    return EvidenceRecord(seq, moment, kind, subject, actor, found, previous, digest)
