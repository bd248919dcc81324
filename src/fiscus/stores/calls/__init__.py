"""The store of AI calls and their outcomes: one SQLite file for one node, PostgreSQL (its primary only) for many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fiscus.kernel.clock import Clock

if TYPE_CHECKING:
    from fiscus.cost.ai.ports import CallStore


def open_calls(url: str, clock: Clock) -> CallStore:
    """Open (and create) the store at `sqlite:///path` or `postgresql://...`. Raises BadConfig, Unavailable."""
    from fiscus.stores.calls.sql_calls import CALLS, SqlCalls
    from fiscus.stores.databases.drivers import open_driver, store_on

    del clock  # calls bring their own instants; every store is opened alike
    return store_on(open_driver(url, CALLS), SqlCalls)
