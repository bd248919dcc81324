"""Holds that nothing happened to since they were reserved: the tables only say which record of evidence tells of them.

Such a row takes a fifth of a whole one, and everything in it stands in the evidence already. A hold gets a row of its own when it
ends. When holds expire is said once a record, by the first of them that does; the rest is looked at when that has come.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from datetime import datetime
from typing import Any, Final

from fiscus.guardrails.ledger.types import Hold
from fiscus.kernel.errors import IntegrityBroken
from fiscus.stores.databases.drivers import Statements
from fiscus.stores.ledger import rows

BATCH: Final = 500
LATELY_MAX: Final = 8_192
_PUT: Final = "INSERT INTO ledger_reserved VALUES (?,?) ON CONFLICT (id) DO UPDATE SET told = excluded.told"
_PUT_DUE: Final = (
    "INSERT INTO ledger_due VALUES (?,?) ON CONFLICT (told) DO UPDATE SET expires_at = excluded.expires_at"
)
_OVER: Final = "DELETE FROM ledger_due WHERE expires_at <= ? AND told NOT IN (SELECT told FROM ledger_reserved)"


class Lately:
    """Holds that this process reserved lately, by (record, id): who ends one of them need not read what its record says.

    What a record says never changes, so nothing here is ever wrong. The older half is forgotten when the newer one is full.
    """

    __slots__ = ("_newer", "_older")

    def __init__(self) -> None:
        self._newer: dict[tuple[int, str], Hold] = {}
        self._older: dict[tuple[int, str], Hold] = {}

    def add(self, told: Mapping[str, int], holds: Mapping[str, Hold]) -> None:
        """`told`: id -> its record, of ids in `holds`; all of them durable, or forgotten with this when they are not."""
        self._newer.update({(record, number): holds[number] for number, record in told.items()})
        if len(self._newer) >= LATELY_MAX:
            self._older, self._newer = self._newer, {}

    def get(self, record: int, number: str) -> Hold | None:
        """The hold, where it is known."""
        key = (record, number)
        return self._newer.get(key) or self._older.get(key)


class ReservedHolds:
    """Reads and writes inside one transaction. `looking`: nothing is done on what is read here.

    A hold of which its record does not tell is not there to look at, and stops whoever would do something: IntegrityBroken.
    """

    def __init__(self, tx: Statements, lately: Lately | None = None, *, looking: bool = False) -> None:
        self._tx = tx
        self._lately = lately or Lately()
        self._looking = looking

    def of(self, ids: Sequence[str]) -> list[Hold]:
        """Those of these ids that are reserved."""
        return [hold for part in parts(ids) for _, hold in self._told("WHERE id IN ??", (part,))]

    def page(self, after: str) -> tuple[list[Hold], str]:
        """(the next holds by id after `after`, the last id; empty where no more come)."""
        which = f"WHERE id > ? ORDER BY id LIMIT {BATCH}"
        ids = [one for (one,) in self._tx.rows(f"SELECT id FROM ledger_reserved {which}", (after,))]
        return self.of(ids), ids[-1] if len(ids) == BATCH else ""

    def every(self) -> list[Hold]:
        """All of them."""
        return [hold for _, hold in self._told("", ())]

    def last(self, limit: int) -> list[Hold]:
        """About those that expire last: of the records whose first hold does."""
        sql = f"SELECT told FROM ledger_due ORDER BY expires_at DESC, told DESC LIMIT {int(limit)}"
        return [hold for _, hold in self._in([told for (told,) in self._tx.rows(sql)])]

    def due(self, by: datetime, limit: int) -> list[Hold]:
        """Those that expired by an instant, the oldest first; whoever asks ends every one of them."""
        until = by.isoformat()
        self._tx.run(_OVER, (until,))
        sql = f"SELECT told FROM ledger_due WHERE expires_at <= ? ORDER BY expires_at, told LIMIT {int(limit)}"
        opened = self._in([told for (told,) in self._tx.rows(sql, (until,))])
        due = sorted((hold for _, hold in opened if hold.expires_at <= by), key=lambda hold: hold.expires_at)[:limit]
        ending, stays = {hold.id for hold in due}, dict[int, datetime]()
        for told, hold in opened:
            if hold.id not in ending:
                stays[told] = min(stays.get(told, hold.expires_at), hold.expires_at)
        later = [(rows.instant(at), told) for told, at in stays.items()]
        if later:
            self._tx.run_many("UPDATE ledger_due SET expires_at = ? WHERE told = ?", later)
        return due

    def put(self, told: Mapping[str, int], due: Mapping[int, datetime]) -> None:
        """New ones: id -> its record; record -> when the first of its holds expires."""
        if due:
            in_order = sorted(told.items())  # those beside each other go into the same page
            self._tx.add_many("ledger_reserved", in_order, _PUT)
            self._tx.add_many("ledger_due", [(record, rows.instant(at)) for record, at in due.items()], _PUT_DUE)

    def end(self, ids: Collection[str]) -> None:
        """Something happened to them: they have rows of their own."""
        if ids:
            self._tx.run_many("DELETE FROM ledger_reserved WHERE id = ?", [(one,) for one in ids])

    def _in(self, records: Sequence[int]) -> list[tuple[int, Hold]]:
        return [one for part in parts(records) for one in self._told("WHERE told IN ??", (part,))]

    def _told(self, which: str, params: Sequence[Any]) -> list[tuple[int, Hold]]:
        """(its record, a hold) of each row."""
        found = self._tx.rows(f"SELECT id, told FROM ledger_reserved {which}", params)
        lately, holds = self._lately, list[tuple[int, Hold]]()
        reserved = self._reserved([(number, told) for number, told in found if lately.get(told, number) is None])
        for number, told in found:
            hold = lately.get(told, number) or reserved.get((told, number))
            if hold is not None:
                holds.append((told, hold))
            elif not self._looking:
                raise IntegrityBroken(
                    f"The evidence that reserved hold {number} is gone", remedy="Restore a backup: nothing can be held."
                )
        return holds

    def _reserved(self, rows_found: Sequence[tuple[Any, ...]]) -> dict[tuple[int, str], Hold]:
        """(record, id) -> the hold, of rows (id, record)."""
        found: dict[tuple[int, str], Hold] = {}
        ids = {number for number, _ in rows_found}
        for part in parts(told for _, told in rows_found):
            for seq, body in self._tx.rows("SELECT seq, body FROM ledger_evidence WHERE seq IN ??", (part,)):
                with suppress(IntegrityBroken) if self._looking else nullcontext():
                    found |= {(seq, hold.id): hold for hold in rows.reserved_among(body, ids)}
        return found


def parts(values: Iterable[str | int]) -> Iterator[tuple[Any, ...]]:
    """At most so many parameters a statement."""
    unique = tuple(dict.fromkeys(values))
    return (unique[start : start + BATCH] for start in range(0, len(unique), BATCH))
