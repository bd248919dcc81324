"""The ledger inside one transaction: what stands under the lock, and the record of evidence with what it changes.

The chain of evidence is what is true. A record that only reserves says everything about its holds, so the tables need not say it
in the same commit: they follow, some tens of records at once, in the commit of whoever writes anything else, or finds that they
lag by enough. The head says up to which record they do. Who comes to a ledger whose tables lag reads the rest out of the records
(tables.py), so a process that dies leaves nothing undone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, Final, cast

from fiscus.guardrails.ledger.types import Account, Answered, Changes, DaySum, Frozen, Hold, Nature
from fiscus.kernel.actor import FISCUS
from fiscus.kernel.clock import Clock
from fiscus.kernel.errors import IntegrityBroken
from fiscus.kernel.evidence import sealed_at
from fiscus.kernel.quick_records import quickly
from fiscus.stores.databases.drivers import Statements
from fiscus.stores.ledger import rows
from fiscus.stores.ledger.reserved_holds import Lately
from fiscus.stores.ledger.tables import Tables, Untabled, records_after

KIND: Final = "ledger"
RECORDS_UNTABLED_MAX: Final = 64  # what another process has to read before it can go on
HOLDS_UNTABLED_MAX: Final = 512
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
    lately: Lately = field(default_factory=Lately)

    def can_wait(self, holds: int) -> bool:
        """Whether the tables may lag behind one more record, of so many holds."""
        behind = self.seq + 1 - self.tabled
        return behind <= RECORDS_UNTABLED_MAX and len(self.untabled.holds) + holds <= HOLDS_UNTABLED_MAX


_kept: Final = quickly(Kept)


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
        self._accounts, self._untabled, self._lately = kept.accounts, kept.untabled, kept.lately
        self._now = max(clock.now().astimezone(UTC), kept.at)

    def kept(self) -> Kept:
        """What stands once this transaction is durable."""
        return _kept(
            self._seq, self._digest, self._now, self._tabled, self._frozen, self._billed, self._accounts, self._untabled,
            self._lately,
        )  # fmt: skip

    def now(self) -> datetime:
        return self._now

    def accounts(self, keys: Sequence[str]) -> dict[str, Account]:
        if missing := [key for key in keys if key not in self._accounts]:
            self._accounts |= self._tables().accounts(missing)
        return {key: self._accounts[key] for key in keys if key in self._accounts}

    def holds(self, ids: Sequence[str]) -> dict[str, Hold]:
        return self._tables().holds(ids)

    def answered(self, keys: Sequence[str]) -> dict[str, Answered]:
        return self._tables().answered(keys)

    def frozen(self) -> dict[str, Frozen]:
        return dict(self._frozen)

    def billed(self) -> Mapping[str, date]:
        return self._billed

    def due(self, by: datetime, limit: int) -> Sequence[Hold]:
        self._bring_tables()
        sql = f"SELECT document FROM ledger_holds WHERE state = 'held' AND expires_at <= ? ORDER BY expires_at LIMIT {int(limit)}"
        found = [rows.hold_of(document) for (document,) in self._tx.rows(sql, (by.isoformat(),))]
        return found + self._tables().reserved.due(by, limit - len(found))

    def days(self, account_keys: Sequence[str]) -> Sequence[DaySum]:
        return self._tables().days(account_keys)

    def write(self, changes: Changes) -> None:
        """Its record of evidence and the head; the tables, where they cannot wait."""
        tx, seq = self._tx, self._seq + 1
        if changes.requests:
            tx.run_many("INSERT INTO ledger_requests VALUES (?,?,?,?)", changes.requests)
        if self._can_wait(changes, seq):
            self._wait_with(changes, seq)
        elif changes.only_reserves:
            self._wait_with(changes, seq)
            self._write_tables(Changes(accounts=changes.accounts), seq)
        else:
            self._untabled.decisions.update({one.id: seq for one in changes.decisions})
            self._write_tables(changes, seq)
        self._seal(changes, seq)

    def _wait_with(self, changes: Changes, seq: int) -> None:
        """What the tables will have to say."""
        late = self._untabled
        for one in changes.decisions:
            late.decisions[one.id] = seq
        late.add(seq, changes.holds)

    def _can_wait(self, changes: Changes, seq: int) -> bool:
        return (
            seq - self._tabled <= RECORDS_UNTABLED_MAX
            and len(self._untabled.holds) + len(changes.holds) <= HOLDS_UNTABLED_MAX
            and changes.only_reserves
            and changes.accounts.keys() <= self._accounts.keys()
        )

    def _tables(self) -> Tables:
        return Tables(self._tx, self._untabled, self._lately)

    def _bring_tables(self) -> None:
        """Have the tables say what the evidence says."""
        if self._tabled < self._seq:
            self._write_tables(Changes(), self._seq)
            self._tx.run("UPDATE ledger_head SET tabled = ? WHERE one = 1", (self._seq,))

    def _write_tables(self, changes: Changes, seq: int) -> None:
        tx, late = self._tx, self._untabled
        moved = {key for keys in {hold.accounts for hold in late.holds.values()} for key in keys}
        self._put_accounts(self.accounts(sorted(moved)) | changes.accounts, whole=changes.billed is not None)
        reserved = self._tables().reserved
        if ended := changes.holds.keys():
            reserved.end(ended - late.holds.keys())
            tx.run_many(_PUT_HOLD, [rows.hold_row(hold) for hold in changes.holds.values()])
        told = {one: seq for one, seq in late.told.items() if one not in ended} if ended else late.told
        reserved.put(told, late.due)
        self._lately.add(told, late.holds)
        if changes.days:
            self._add_days(changes.days)
        if late.decisions:
            tx.add_many("ledger_decisions", list(late.decisions.items()), "INSERT INTO ledger_decisions VALUES (?,?)")
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

    def _sealed(self, changes: Changes, seq: int) -> tuple[str, str, tuple[Any, ...]]:
        """(its digest, its instant, the row) of the record of these changes."""
        actor, at = changes.actor or FISCUS, rows.instant(self._now)
        body = rows.body_of(changes.entries)
        subject = f"{len(changes.entries)} transitions"
        digest = sealed_at(seq, at, KIND, subject, actor, body, self._digest)
        return digest, at, (seq, at, KIND, subject, actor.person_id, actor.proof, body.decode(), self._digest, digest)

    def _seal(self, changes: Changes, seq: int) -> None:
        digest, at, row = self._sealed(changes, seq)
        self._tx.run(_PUT_EVIDENCE, row)
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
        records = records_after(tx, kept.seq)
        if records and records[0][1] == kept.digest:
            for hold in kept.untabled.follow(records):
                for key in kept.accounts.keys() & set(hold.accounts):
                    kept.accounts[key].held += hold.bound
            return replace(kept, seq=seq, digest=digest, at=datetime.fromisoformat(at))
    read = Kept(seq, digest, datetime.fromisoformat(at), tabled, rows.frozen_of(frozen), rows.billed_of(billed))
    if tabled < seq:
        read.untabled.follow(records_after(tx, tabled))
    return read
