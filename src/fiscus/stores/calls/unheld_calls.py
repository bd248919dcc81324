"""Calls that were let through while the ledger was away: a file beside the workspace, for where databases are is away, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import msgspec

from fiscus.guardrails.ledger.types import Hold
from fiscus.stores.databases.drivers import Driver, Purpose
from fiscus.stores.databases.schema_versions import bring_up_to_date

UNHELD: Final = Purpose(
    "The file of calls without a hold",
    "gateway",
    "gateway-unheld.db",
    "Give its disk room: nothing is let through without the ledger that cannot be written down.",
)
VERSIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        "CREATE TABLE unheld_calls (id TEXT PRIMARY KEY, ended BIGINT NOT NULL, expires TEXT NOT NULL, document TEXT NOT NULL)",
    ),
)
_HOLD: Final = msgspec.json.Decoder(Hold)


class SqlUnheldCalls:
    """Implements guardrails.doors.ai.ports.UnheldCalls. Safe between threads and processes."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        with driver.writing() as tx:
            bring_up_to_date(tx, driver, "unheld", VERSIONS)

    def begin(self, hold: Hold) -> None:
        with self._driver.writing() as tx:
            tx.run("INSERT INTO unheld_calls VALUES (?,?,?,?)", (hold.id, 0, _text(hold.expires_at), _document(hold)))

    def end(self, hold_id: str, amount: int, *, estimate: bool) -> None:
        with self._driver.writing() as tx:
            for (document,) in tx.rows("SELECT document FROM unheld_calls WHERE id = ? AND ended = 0", (hold_id,)):
                ended = replace(_HOLD.decode(document), settled=amount, estimate=estimate)
                tx.run("UPDATE unheld_calls SET ended = 1, document = ? WHERE id = ?", (_document(ended), hold_id))

    def to_post(self, now: datetime) -> Sequence[Hold]:
        with self._driver.reading() as tx:
            sql = "SELECT ended, document FROM unheld_calls WHERE ended = 1 OR expires <= ? ORDER BY id"
            found = [(ended, _HOLD.decode(document)) for ended, document in tx.rows(sql, (_text(now),))]
        return [hold if ended else replace(hold, settled=hold.bound, estimate=True) for ended, hold in found]

    def forget(self, hold_ids: Sequence[str]) -> None:
        with self._driver.writing() as tx:
            tx.run_many("DELETE FROM unheld_calls WHERE id = ?", [(one,) for one in hold_ids])

    def close(self) -> None:
        """Give the file back."""
        self._driver.close()


def _document(hold: Hold) -> str:
    return msgspec.json.encode(hold).decode()


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
