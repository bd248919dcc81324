"""The ledger inside one transaction: what stands under the lock, and the record of evidence with what it changes.

The chain of evidence is what is true. A record that only reserves says everything about its holds, so the tables need not say it
in the same commit: they follow, some tens of records at once, in the commit of whoever writes anything else, reads the tables, or
finds that they lag by enough. The head says up to which record they do. Who comes to a ledger whose tables lag, because another
process wrote, or died, reads the rest out of the records: `Untabled`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, Final, cast

from fiscus.guardrails.ledger.types import Account, Answered, Changes, DaySum, Frozen, Hold, Nature
from fiscus.guardrails.types import Decision
from fiscus.kernel.actor import FISCUS
from fiscus.kernel.clock import Clock
from fiscus.kernel.errors import IntegrityBroken
from fiscus.kernel.evidence import sealed_digest
from fiscus.stores.databases.drivers import Statements
from fiscus.stores.ledger import rows

KIND: Final = "ledger"
BATCH: Final = 500
RECORDS_UNTABLED_MAX: Final = 64  # what another process has to read before it can go on
HOLDS_UNTABLED_MAX: Final = 512
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
_PUT_EVIDENCE: Final = "INSERT INTO ledger_evidence VALUES (?,?,?,?,?,?,?,?,?)"
_MOVE_HEAD: Final = "UPDATE ledger_head SET seq = ?, digest = ?, at = ?, tabled = ? WHERE one = 1"


@dataclass(slots=True)
class Untabled:
    """Holds (by id) and decisions (id -> record) that stand in the evidence and not in the tables yet."""

    holds: dict[str, Hold] = field(default_factory=dict)
    decisions: dict[str, int] = field(default_factory=dict)

    def held(self, key: str) -> int:
        """What the account's row does not say yet."""
        return sum(hold.bound for hold in self.holds.values() if key in hold.accounts)


@dataclass(frozen=True, slots=True)
class Kept:
    """What stands after a transaction of this process: read again only when somebody else wrote. `tabled`: a record's number."""

    seq: int
    digest: str
    at: datetime
    tabled: int
    frozen: dict[str, Frozen]
    billed: dict[str, date]
    accounts: dict[str, Account] = field(default_factory=dict)
    untabled: Untabled = field(default_factory=Untabled)


class Locked:
    """Implements guardrails.ledger.ports.LockedLedger over one transaction. `lock`: SQL that makes the head wait for others.

    `kept`: what this process left behind; `unchanged`: whether certainly nobody wrote since.
    """

    def __init__(self, tx: Statements, clock: Clock, lock: str, kept: Kept | None, *, unchanged: bool) -> None:
        self._tx = tx
        if kept is None or not unchanged:
            kept = _read_head(tx, lock, kept)
        self._seq, self._digest, self._tabled = kept.seq, kept.digest, kept.tabled
        self._frozen, self._billed = kept.frozen, kept.billed
        self._accounts, self._untabled = kept.accounts, kept.untabled
        self._now = max(clock.now().astimezone(UTC), kept.at)

    def kept(self) -> Kept:
        """What stands once this transaction is durable."""
        return Kept(
            self._seq, self._digest, self._now, self._tabled, self._frozen, self._billed, self._accounts, self._untabled
        )

    @property
    def statements(self) -> Statements:
        """For reading the tables inside this transaction."""
        return self._tx

    def now(self) -> datetime:
        return self._now

    def accounts(self, keys: Sequence[str]) -> dict[str, Account]:
        if missing := [key for key in keys if key not in self._accounts]:
            found = accounts_of(self._tx, missing)
            for key, account in found.items():
                account.held += self._untabled.held(key)
            self._accounts |= found
        return {key: self._accounts[key] for key in keys if key in self._accounts}

    def holds(self, ids: Sequence[str]) -> dict[str, Hold]:
        here = {one: self._untabled.holds[one] for one in ids if one in self._untabled.holds}
        return here | holds_of(self._tx, [one for one in ids if one not in here])

    def answered(self, keys: Sequence[str]) -> dict[str, Answered]:
        found = answered_to(self._tx, keys)
        if found and self._tabled < self._seq:  # it may point at what the tables do not say yet
            self.bring_tables()
            found = answered_to(self._tx, keys)
        return found

    def frozen(self) -> dict[str, Frozen]:
        return dict(self._frozen)

    def billed(self) -> Mapping[str, date]:
        return self._billed

    def due(self, by: datetime, limit: int) -> Sequence[Hold]:
        self.bring_tables()
        sql = f"SELECT document FROM ledger_holds WHERE state = 'held' AND expires_at <= ? ORDER BY expires_at LIMIT {int(limit)}"
        return [rows.hold_of(document) for (document,) in self._tx.rows(sql, (by.isoformat(),))]

    def days(self, account_keys: Sequence[str]) -> Sequence[DaySum]:
        sql = "SELECT account, provider, day, nature, amount FROM ledger_days WHERE account IN ??"
        return [
            DaySum(account, provider, date.fromisoformat(day), cast("Nature", nature), int(amount))
            for part in in_parts(account_keys)
            for account, provider, day, nature, amount in self._tx.rows(sql, (part,))
        ]

    def write(self, changes: Changes) -> None:
        """Its record of evidence and the head; the tables, where they cannot wait."""
        tx, seq = self._tx, self._seq + 1
        late = self._untabled
        late.decisions.update((one.id, seq) for one in changes.decisions)
        if changes.requests:
            tx.run_many("INSERT INTO ledger_requests VALUES (?,?,?,?)", changes.requests)
        if self._can_wait(changes, seq):
            late.holds.update(changes.holds)
        else:
            self._write_tables(changes, seq)
        self._seal(changes, seq)

    def _can_wait(self, changes: Changes, seq: int) -> bool:
        return (
            seq - self._tabled <= RECORDS_UNTABLED_MAX
            and len(self._untabled.holds) + len(changes.holds) <= HOLDS_UNTABLED_MAX
            and changes.only_reserves
            and changes.accounts.keys() <= self._accounts.keys()
        )

    def bring_tables(self) -> None:
        """Have the tables say what the evidence says."""
        if self._tabled < self._seq:
            self._write_tables(Changes(), self._seq)
            self._tx.run("UPDATE ledger_head SET tabled = ? WHERE one = 1", (self._seq,))

    def _write_tables(self, changes: Changes, seq: int) -> None:
        tx, late = self._tx, self._untabled
        moved = {key for hold in late.holds.values() for key in hold.accounts}
        self._put_accounts(self.accounts(sorted(moved)) | changes.accounts, whole=changes.billed is not None)
        if holds := late.holds | changes.holds:
            tx.run_many(_PUT_HOLD, [rows.hold_row(hold) for hold in holds.values()])
        if changes.days:
            self._add_days(changes.days)
        if late.decisions:
            tx.run_many("INSERT INTO ledger_decisions VALUES (?,?)", list(late.decisions.items()))
        if changes.overruns:
            overruns = [(seq, hold, currency, str(amount)) for hold, currency, amount in changes.overruns]
            tx.run_many("INSERT INTO ledger_overruns VALUES (?,?,?,?)", overruns)
        self._untabled, self._tabled = Untabled(), seq

    def _put_accounts(self, accounts: Mapping[str, Account], *, whole: bool) -> None:
        """Only what a hold moves, unless the account is new or the bills said something else of it (`whole`)."""
        known = {} if whole else {key: one for key, one in accounts.items() if key in self._accounts}
        if known:
            self._tx.run_many(_MOVE_ACCOUNT, [rows.moved_row(key, account) for key, account in known.items()])
        if fresh := {key: one for key, one in accounts.items() if key not in known}:
            self._tx.run_many(_PUT_ACCOUNT, [rows.account_row(account) for account in fresh.values()])
            self._accounts |= fresh

    def _seal(self, changes: Changes, seq: int) -> None:
        actor, at = changes.actor or FISCUS, self._now.isoformat()
        body = rows.encoded({"entries": changes.entries})
        subject = f"{len(changes.entries)} transitions"
        digest = sealed_digest(seq, self._now, KIND, subject, actor, body, self._digest)
        values = (seq, at, KIND, subject, actor.person_id, actor.proof, body.decode(), self._digest, digest)
        self._tx.run(_PUT_EVIDENCE, values)
        if changes.frozen or changes.billed is not None:
            known = {**self._frozen, **changes.frozen}
            self._frozen = {name: one for name, one in known.items() if one is not None}
            self._billed = self._billed if changes.billed is None else changes.billed
            texts = (rows.text(self._frozen), rows.text(self._billed))
            self._tx.run("UPDATE ledger_head SET frozen = ?, billed = ? WHERE one = 1", texts)
        self._tx.run(_MOVE_HEAD, (seq, digest, at, self._tabled))
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


def _read_head(tx: Statements, lock: str, kept: Kept | None) -> Kept:
    """What stands. Where others only reserved since, `kept` is followed up: what they wrote is read, and nothing else."""
    found = tx.rows(f"SELECT seq, digest, at, tabled, frozen, billed FROM ledger_head WHERE one = 1{lock}")
    if not found:
        raise IntegrityBroken("The head of the ledger is gone", remedy="Restore a backup: nothing can be held.")
    seq, digest, at, tabled, frozen, billed = found[0]
    if kept is not None and kept.tabled == tabled:
        if (kept.seq, kept.digest) == (seq, digest):
            return kept
        records = _records_after(tx, kept.seq)
        if records and records[0][1] == kept.digest:
            _follow(kept.untabled, records, kept.accounts)
            return replace(kept, seq=seq, digest=digest, at=datetime.fromisoformat(at))
    read = Kept(seq, digest, datetime.fromisoformat(at), tabled, rows.frozen_of(frozen), rows.billed_of(billed))
    if tabled < seq:
        _follow(read.untabled, _records_after(tx, tabled), read.accounts)
    return read


def _records_after(tx: Statements, seq: int) -> list[tuple[Any, ...]]:
    return tx.rows("SELECT seq, previous, body FROM ledger_evidence WHERE seq > ? ORDER BY seq", (seq,))


def _follow(late: Untabled, records: Sequence[tuple[Any, ...]], accounts: Mapping[str, Account]) -> None:
    """Add what records that only reserve say, also to those accounts that are known already."""
    for seq, _, body in records:
        for hold, decision_id in rows.reserved_in(body):
            if decision_id:
                late.decisions[decision_id] = seq
            if hold is not None:
                late.holds[hold.id] = hold
                for key in accounts.keys() & set(hold.accounts):
                    accounts[key].held += hold.bound


def accounts_of(tx: Statements, keys: Sequence[str]) -> dict[str, Account]:
    """Accounts by key, as the tables say."""
    found: dict[str, Account] = {}
    for part in in_parts(keys):
        for row in tx.rows(_ACCOUNT + "IN ??", (part,)):
            found[row[0]] = rows.account_of(row)
    return found


def holds_of(tx: Statements, ids: Sequence[str]) -> dict[str, Hold]:
    """Holds by id, as the tables say."""
    found: dict[str, Hold] = {}
    for part in in_parts(ids):
        for (document,) in tx.rows("SELECT document FROM ledger_holds WHERE id IN ??", (part,)):
            hold = rows.hold_of(document)
            found[hold.id] = hold
    return found


def answered_to(tx: Statements, keys: Sequence[str]) -> dict[str, Answered]:
    """What was answered to idempotency keys, as the tables say."""
    found: dict[str, Answered] = {}
    sql = "SELECT id, digest, decision_id, hold_id FROM ledger_requests WHERE id IN ??"
    for part in in_parts(keys):
        for key, digest, decision_id, hold_id in tx.rows(sql, (part,)):
            decision = decisions_of(tx, [decision_id]).get(decision_id) if decision_id else None
            found[key] = Answered(digest, decision, holds_of(tx, [hold_id]).get(hold_id) if hold_id else None)
    return found


def decisions_of(tx: Statements, ids: Sequence[str]) -> dict[str, Decision]:
    """Out of the evidence, where each stands once. A record that cannot be read any more gives none: the verifier names it."""
    found: dict[str, Decision] = {}
    sql = "SELECT body FROM ledger_evidence WHERE seq IN (SELECT seq FROM ledger_decisions WHERE id IN ??)"
    wanted = set(ids)
    for part in in_parts(ids):
        for (body,) in tx.rows(sql, (part,)):
            found |= {one.id: one for one in rows.decisions_of(body) if one.id in wanted}
    return found


def in_parts(values: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """At most so many parameters a statement."""
    unique = tuple(dict.fromkeys(values))
    return (unique[start : start + BATCH] for start in range(0, len(unique), BATCH))
