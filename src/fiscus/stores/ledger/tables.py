"""What the tables of a ledger say, together with the newest records of evidence that they do not say yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, cast

from fiscus.guardrails.ledger.types import Account, Answered, DaySum, Hold, LedgerTotals, Nature
from fiscus.guardrails.types import Decision
from fiscus.kernel.errors import IntegrityBroken
from fiscus.stores.databases.drivers import Statements
from fiscus.stores.ledger import rows
from fiscus.stores.ledger.reserved_holds import Lately, ReservedHolds, parts


@dataclass(slots=True)
class Untabled:
    """What stands in the evidence and not in the tables yet: holds by id, and the record of each hold and decision by its id.

    `due`: record -> when the first of its holds expires.
    """

    holds: dict[str, Hold] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=dict)
    decisions: dict[str, int] = field(default_factory=dict)
    due: dict[int, datetime] = field(default_factory=dict)

    def add(self, seq: int, holds: Mapping[str, Hold]) -> None:
        """Holds that record `seq` reserves."""
        if holds:
            self.holds.update(holds)
            self.told.update(dict.fromkeys(holds, seq))
            self.due[seq] = min([hold.expires_at for hold in holds.values()])

    def follow(self, records: Sequence[tuple[Any, ...]]) -> list[Hold]:
        """Add what records (seq, previous, body) say that only reserve; the holds in them."""
        new = []
        for seq, _, body in records:
            told = list(rows.reserved_in(body))
            self.decisions.update({decision_id: seq for _, decision_id in told if decision_id})
            self.add(seq, {hold.id: hold for hold, _ in told if hold is not None})
            new += [hold for hold, _ in told if hold is not None]
        return new


def records_after(tx: Statements, seq: int) -> list[tuple[Any, ...]]:
    """(seq, previous, body) of the records after `seq`, in order."""
    return tx.rows("SELECT seq, previous, body FROM ledger_evidence WHERE seq > ? ORDER BY seq", (seq,))


def tables_now(tx: Statements) -> Tables:
    """As of a snapshot, to look at. A head that is gone or a record that cannot be read adds nothing: the verifier names it."""
    head, late = tx.rows("SELECT seq, tabled FROM ledger_head"), Untabled()
    if head and head[0][0] > head[0][1]:
        for record in records_after(tx, head[0][1]):
            with suppress(IntegrityBroken):
                late.follow([record])
    return Tables(tx, late, looking=True)


class Tables:
    """Reads inside one transaction. `looking`: nothing is done on what is read here."""

    def __init__(self, tx: Statements, late: Untabled, lately: Lately | None = None, *, looking: bool = False) -> None:
        self._tx = tx
        self.late = late
        self.reserved = ReservedHolds(tx, lately, looking=looking)

    def accounts(self, keys: Sequence[str]) -> dict[str, Account]:
        """Accounts by key."""
        found: dict[str, Account] = {}
        for part in parts(keys):
            found |= self._accounts("WHERE id IN ??", (part,))
        return found

    def every_account(self) -> list[Account]:
        """By key."""
        return list(self._accounts("ORDER BY id", ()).values())

    def _accounts(self, which: str, params: Sequence[Any]) -> dict[str, Account]:
        sql = f"SELECT {rows.ACCOUNT_COLUMNS} FROM ledger_accounts {which}"
        found = {row[0]: rows.account_of(row) for row in self._tx.rows(sql, params)}
        for hold in self.late.holds.values():
            for key in hold.accounts:
                if key in found:
                    found[key].held += hold.bound
        return found

    def holds(self, ids: Sequence[str]) -> dict[str, Hold]:
        """Holds by id."""
        late = self.late.holds
        found = {one: late[one] for one in ids if one in late}
        if rest := [one for one in ids if one not in found]:
            found |= {hold.id: hold for hold in self.reserved.of(rest)}
        for part in parts([one for one in ids if one not in found]):
            for (document,) in self._tx.rows("SELECT document FROM ledger_holds WHERE id IN ??", (part,)):
                hold = rows.hold_of(document)
                found[hold.id] = hold
        return found

    def holds_in(self, states: Sequence[str], limit: int) -> list[Hold]:
        """Those that expire last first."""
        sql = f"SELECT document FROM ledger_holds WHERE state IN ?? ORDER BY expires_at DESC, id LIMIT {int(limit)}"
        found = [rows.hold_of(document) for (document,) in self._tx.rows(sql, (tuple(states),))]
        found += self.reserved.last(limit) if "held" in states else []
        found += [hold for hold in self.late.holds.values() if hold.state in states]
        found.sort(key=lambda hold: hold.id)
        found.sort(key=lambda hold: hold.expires_at, reverse=True)
        return found[:limit]

    def answered(self, keys: Sequence[str]) -> dict[str, Answered]:
        """What was answered to idempotency keys."""
        found: dict[str, Answered] = {}
        sql = "SELECT id, digest, decision_id, hold_id FROM ledger_requests WHERE id IN ??"
        for part in parts(keys):
            for key, digest, decision_id, hold_id in self._tx.rows(sql, (part,)):
                decision = self.decisions([decision_id]).get(decision_id) if decision_id else None
                found[key] = Answered(digest, decision, self.holds([hold_id]).get(hold_id) if hold_id else None)
        return found

    def totals(self) -> LedgerTotals:
        """Sums by state and currency over every hold."""
        sums: dict[str, dict[str, int]] = {name: {} for name in ("held", "settled", "charged", "released", "overruns")}
        told = self._tx.rows("SELECT state, currency, bound, settled FROM ledger_holds")
        opened = [*self.reserved.every(), *self.late.holds.values()]
        told += [(one.state, one.currency, one.bound, one.settled) for one in opened]
        for state, currency, bound, settled in told:
            amount = int(bound if state == "held" else settled)
            sums[state][currency] = sums[state].get(currency, 0) + amount
        for currency, amount in self._tx.rows("SELECT currency, amount FROM ledger_overruns"):
            sums["overruns"][currency] = sums["overruns"].get(currency, 0) + int(amount)
        held = sum(state == "held" for state, *_ in told)
        return LedgerTotals(sums["held"], sums["settled"], sums["charged"], sums["overruns"], held)

    def days(self, account_keys: Sequence[str]) -> list[DaySum]:
        """What was settled, by day and provider, for these accounts."""
        sql = "SELECT account, provider, day, nature, amount FROM ledger_days WHERE account IN ??"
        return [
            DaySum(account, provider, date.fromisoformat(day), cast("Nature", nature), int(amount))
            for part in parts(account_keys)
            for account, provider, day, nature, amount in self._tx.rows(sql, (part,))
        ]

    def decisions(self, ids: Sequence[str]) -> dict[str, Decision]:
        """Out of the evidence, where each stands once. A record that cannot be read gives none: the verifier names it."""
        wanted, found = set(ids), dict[str, Decision]()
        for part in parts(ids):
            records = {seq for (seq,) in self._tx.rows("SELECT seq FROM ledger_decisions WHERE id IN ??", (part,))}
            records |= {self.late.decisions[one] for one in part if one in self.late.decisions}
            if records:
                bodies = self._tx.rows("SELECT body FROM ledger_evidence WHERE seq IN ??", (tuple(records),))
                said = [one for (body,) in bodies for one in rows.decisions_of(body)]
                found |= {one.id: one for one in said if one.id in wanted}
        return found
