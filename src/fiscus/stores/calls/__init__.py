"""The store of AI calls and their outcomes: one SQLite file for one node, PostgreSQL (its primary only) for many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fiscus.kernel.clock import Clock

if TYPE_CHECKING:
    from pathlib import Path

    from fiscus.cost.ai.ports import CallStore
    from fiscus.guardrails.doors.ai.ports import UnheldCalls


def open_calls(url: str, clock: Clock) -> CallStore:
    """Open (and create) the store at `sqlite:///path` or `postgresql://...`. Raises BadConfig, Unavailable."""
    from fiscus.stores.calls.sql_calls import CALLS, SqlCalls
    from fiscus.stores.databases.drivers import open_driver, store_on

    del clock  # calls bring their own instants; every store is opened alike
    return store_on(open_driver(url, CALLS), SqlCalls)


def open_unheld(folder: Path) -> UnheldCalls:
    """Open (and create) the file of calls without a hold in `folder`. Raises Unavailable."""
    from fiscus.stores.calls.unheld_calls import UNHELD, SqlUnheldCalls
    from fiscus.stores.databases.drivers import open_driver, store_on

    return store_on(open_driver(f"sqlite:///{folder / UNHELD.file}", UNHELD), SqlUnheldCalls)
