"""The store of virtual keys and sealed vendor keys: one SQLite file for one node, PostgreSQL for many."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fiscus.guardrails.doors.ai.ports import KeyStore


def open_keys(url: str) -> KeyStore:
    """Open (and create) the store at `sqlite:///path` or `postgresql://...`. Raises BadConfig, Unavailable."""
    from fiscus.stores.databases.drivers import open_driver, store_on
    from fiscus.stores.keys.sql_keys import KEYS, SqlKeys

    return store_on(open_driver(url, KEYS), SqlKeys)
