"""Connections to SQLite and PostgreSQL with one meaning of a transaction on both.

A write transaction holds the only write lock from its first statement (BEGIN IMMEDIATE; an advisory lock in PostgreSQL), so
read-then-write in a flow never loses another's update. A read transaction is a snapshot and cannot write.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from fiscus.kernel.errors import BadConfig, BadInput, FiscusError, IntegrityBroken, Unavailable, Where

LOCK_WAIT_SECONDS_MAX = 30  # how long a writer waits for another before it gives up
WRITER_LOCK = 0x46495343  # "FISC": the advisory lock of Fiscus writers in a PostgreSQL database


class Database:
    """One SQLite file or PostgreSQL database. Raises BadConfig (a URL that names neither), Unavailable (cannot be reached)."""

    def __init__(self, url: str) -> None:
        parsed = _checked(url)
        self.name = parsed.render_as_string(hide_password=True)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self._engine = _sqlite_engine(parsed) if self.is_sqlite else _postgres_engine(parsed)
        self._held = threading.local()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that may write: alone from here to its end, durable when it ends well, undone when it does not."""
        assert not getattr(self._held, "writing", False), "a write transaction is already open in this thread"
        self._held.writing = True
        try:
            with self._transaction("write") as connection:
                yield connection
        finally:
            self._held.writing = False

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A snapshot: everything read through it is of one moment."""
        with self._transaction("read") as connection:
            yield connection

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self, mode: str) -> Iterator[Connection]:
        try:
            with self._engine.connect().execution_options(fiscus_mode=mode) as connection, connection.begin():
                if not self.is_sqlite:
                    _begin_postgres(connection, mode)
                yield connection
        except DBAPIError as failed:
            raise self._explained(failed) from failed

    def _explained(self, failed: DBAPIError) -> FiscusError:
        """The database's error as one of ours: what, and what to do."""
        said = str(failed.orig).strip().splitlines()[0] if failed.orig and str(failed.orig).strip() else str(failed)
        where = Where(file=self.name)
        if "not a database" in said or "malformed" in said:
            return IntegrityBroken(
                f"The state file cannot be read: {said}", remedy="Restore it from a backup.", where=where
            )
        if "locked" in said or "lock timeout" in said:
            return Unavailable(
                f"Another process has been writing for over {LOCK_WAIT_SECONDS_MAX} seconds",
                remedy="Try again when it has finished.",
                where=where,
            )
        if type(failed).__name__ == "DataError":
            return BadInput(f"A value cannot be stored: {said}", remedy="Mend the value.", where=where)
        if type(failed).__name__ in {"OperationalError", "InterfaceError", "InternalError"}:
            return Unavailable(
                f"The state store answered: {said}",
                remedy="Check stores.state in fiscus.yaml, free disk space and that the server runs.",
                where=where,
            )
        return IntegrityBroken(
            f"The state store refused a write: {said}", remedy="Report this with the command that was run.", where=where
        )


def _checked(url: str) -> URL:
    where = Where(file="fiscus.yaml", key="stores.state")
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.get_backend_name() not in {"sqlite", "postgresql", "postgres"}:
        raise BadConfig(
            "The state store's URL names neither SQLite nor PostgreSQL",
            remedy="Write sqlite:///.fiscus/state.db or postgresql://user@host/database.",
            where=where,
        )
    if parsed.get_backend_name() == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise BadConfig("State in memory is lost", remedy="Name a file: sqlite:///.fiscus/state.db.", where=where)
        return parsed.set(drivername="sqlite+pysqlite")
    return parsed.set(drivername="postgresql+psycopg")


def _sqlite_engine(url: URL) -> Engine:
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": LOCK_WAIT_SECONDS_MAX})

    @event.listens_for(engine, "connect")
    def _settings(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # BEGIN is ours
        connection.execute(f"PRAGMA busy_timeout={LOCK_WAIT_SECONDS_MAX * 1000}")
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous=FULL")  # a commit survives power loss, as evidence and intents must
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("fiscus_mode") == "write"
        connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    """The first change to WAL needs the file alone, and SQLite does not wait for that by itself."""
    until = time.monotonic() + LOCK_WAIT_SECONDS_MAX
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as busy:
            if "locked" not in str(busy) or time.monotonic() > until:
                raise
            time.sleep(0.01)


def _postgres_engine(url: URL) -> Engine:
    try:
        return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    except ImportError:
        raise BadConfig(
            "The PostgreSQL driver is not installed",
            remedy="Run: pip install 'fiscus[postgres]'",
            where=Where(file="fiscus.yaml", key="stores.state"),
        ) from None


def _begin_postgres(connection: Connection, mode: str) -> None:
    if mode == "read":
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        return
    # READ COMMITTED: once the lock is ours, each statement sees everything that was committed before it.
    connection.execute(text("SET TRANSACTION ISOLATION LEVEL READ COMMITTED"))
    connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT_SECONDS_MAX}s'"))
    connection.execute(text("SET LOCAL synchronous_commit = on"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITER_LOCK})
