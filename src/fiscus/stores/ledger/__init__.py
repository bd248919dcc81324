"""The spend ledger's store: one SQLite file for one node, PostgreSQL (its primary only) for many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fiscus.kernel.clock import Clock

if TYPE_CHECKING:
    from fiscus.guardrails.ledger.ports import LedgerStore


def open_ledger(url: str, clock: Clock) -> LedgerStore:
    """Open (and create) the ledger at `sqlite:///path` or `postgresql://...`. Raises BadConfig, Unavailable."""
    from fiscus.stores.databases.drivers import open_driver, store_on
    from fiscus.stores.ledger.sql_ledger import SqlLedger

    return store_on(open_driver(url), lambda driver: SqlLedger(driver, clock))
