"""SQLite and PostgreSQL with one meaning of a transaction: it is alone, and durable when it ends well.

The drivers themselves, not an ORM: a decision waits for this, and one durable commit is all that it should cost.
"""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from fiscus.kernel.errors import BadConfig, FiscusError, IntegrityBroken, Unavailable, Where

S = TypeVar("S")
LOCK_WAIT_SECONDS_MAX: Final = 30
TOGETHER: Final = (64, 16, 4)  # rows of one INSERT: a few sizes, so that its statements are prepared once
PARAMETERS_MAX: Final = 999  # of one statement, for every SQLite there is
_VALUES: Final = re.compile(r"VALUES (\((?:\?, ?|\?)+\))")
CONNECT_SECONDS_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a database is for, in the words of its errors: its name, its setting, and what to do while it is gone."""

    what: str
    setting: str
    file: str  # of the default URL
    when_lost: str


LEDGER: Final = Purpose(
    "The ledger",
    "stores.ledger",
    "ledger.db",
    "Do not spend. Ask again with the same key: what was done is then answered, not done twice.",
)


class Statements(Protocol):
    """Statements inside one transaction. `?` marks a parameter, `IN ??` a list of them."""

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]: ...
    def run(self, sql: str, params: Sequence[Any] = ()) -> None: ...
    def run_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None: ...
    def add_many(self, table: str, rows: Sequence[Sequence[str | int]], otherwise: str) -> None:
        """Rows of `table` that are new, in any number; it names its columns where a row has not all of them.

        `otherwise`: the statement for each row, where one is there already.
        """
        ...

    def alone(self, sql: str, params: Sequence[Any]) -> int:
        """The one statement of its transaction, with texts and whole numbers: how many rows it wrote."""
        ...

    def once_durable(self, then: Callable[[], None]) -> None:
        """Do `then` after the commit and before anybody else's turn; not at all when the transaction is undone."""
        ...


class OnceDurable:
    """What is to be done once a transaction is durable. It is forgotten first: it knows the transaction, and the two would keep
    each other, and all that they hold, until somebody looks for cycles.
    """

    def __init__(self) -> None:
        self._then: Callable[[], None] | None = None

    def once_durable(self, then: Callable[[], None]) -> None:
        self._then = then

    def is_durable(self) -> None:
        """Do it now."""
        then, self._then = self._then, None
        if then is not None:
            then()


class Driver(Protocol):
    """One database. Raises Unavailable where it cannot be reached or stays locked."""

    name: str
    purpose: Purpose
    head_lock: str  # what makes a SELECT of the head wait for the writer before
    clustered: str  # what keeps a table's rows in its key
    numbered: str  # the type of a whole number that is a table's key, of 64 bits
    alone: str  # what makes a transaction that changes the schema wait for another; empty: it does anyway
    inline: str  # what a table is altered by so that a body of some thousand letters stays in its row; empty: it does anyway
    guesses: bool  # whether looking first is a round trip, which a statement that checks what it changes saves

    def writing(self) -> AbstractContextManager[Statements]: ...
    def is_unchanged(self, tx: Statements) -> bool:
        """Whether certainly nobody but this driver wrote since its transaction before."""
        ...

    def reading(self) -> AbstractContextManager[Statements]: ...
    def close(self) -> None: ...


def open_driver(url: str, purpose: Purpose = LEDGER) -> Driver:
    """The driver that `url` names. Raises BadConfig for a URL that names neither database."""
    if url.startswith("sqlite:///"):
        return SqliteDriver(Path(url.removeprefix("sqlite:///")), purpose)
    if url.startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
        try:
            from fiscus.stores.databases.postgres_driver import PostgresDriver  # noqa: PLC0415 loaded only where it is used
        except ImportError:
            raise BadConfig(
                "The PostgreSQL driver is not installed",
                remedy="Run: pip install 'fiscus[postgres]'",
                where=Where(file="fiscus.yaml", key=purpose.setting),
            ) from None
        return PostgresDriver(url.replace("+psycopg", "", 1), purpose)
    raise BadConfig(
        f"{purpose.what}'s URL names neither SQLite nor PostgreSQL",
        remedy=f"Write sqlite:///.fiscus/{purpose.file} or postgresql://user@host/database.",
        where=Where(file="fiscus.yaml", key=purpose.setting),
    )


def store_on(driver: Driver, build: Callable[[Driver], S]) -> S:
    """The store that `build` makes on `driver`; where it refuses (a schema of a newer Fiscus), the connections are given back."""
    try:
        return build(driver)
    except BaseException:
        driver.close()
        raise


class SqliteDriver:
    """One file, WAL, synchronous=FULL: a commit survives power loss. Safe between threads and between processes."""

    head_lock = ""  # BEGIN IMMEDIATE has the only write lock already
    clustered = " WITHOUT ROWID"
    numbered = "INTEGER"  # exactly this word makes the key the row's own number: any other is an index beside the table
    alone = ""
    inline = ""
    guesses = False

    def __init__(self, path: Path, purpose: Purpose = LEDGER) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.name = str(path)
        self.purpose = purpose
        self._turn = threading.Lock()
        self._read_turn = threading.Lock()
        self._version: object = None
        with _explained(self.name, self.purpose):
            self._writer = _connect(self.name)
            self._reader = _connect(self.name)

    def writing(self) -> AbstractContextManager[Statements]:
        """Alone from the first statement on, whoever else has the file open."""
        return _SqliteWriting(self._writer, self._turn, self)

    def is_unchanged(self, tx: Statements) -> bool:
        """SQLite counts the commits of all other connections."""
        del tx
        (version,) = self._writer.execute("PRAGMA data_version").fetchone()
        before, self._version = self._version, version
        return bool(before == version)

    @contextmanager
    def reading(self) -> Iterator[Statements]:
        """One moment's snapshot."""
        with self._read_turn, _explained(self.name, self.purpose):
            self._reader.execute("BEGIN")
            try:
                yield _SqliteStatements(self._reader)
            finally:
                self._reader.execute("ROLLBACK")

    def close(self) -> None:
        """Give the connections back."""
        self._writer.close()
        self._reader.close()


class _SqliteWriting:
    """A transaction. A class, because every decision waits for it: a generator takes twice as long to go in and out of."""

    __slots__ = ("_connection", "_driver", "_statements", "_turn")

    def __init__(self, connection: sqlite3.Connection, turn: threading.Lock, driver: SqliteDriver) -> None:
        self._connection, self._turn, self._driver = connection, turn, driver
        self._statements = _SqliteStatements(connection)

    def __enter__(self) -> Statements:
        self._turn.acquire()
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except BaseException as failed:
            self._end(failed)
            raise
        return self._statements

    def __exit__(self, kind: type[BaseException] | None, failed: BaseException | None, trace: object) -> None:
        del kind, trace
        if failed is None:
            try:
                self._connection.execute("COMMIT")
            except BaseException as refused:
                self._end(refused)
                raise
            try:
                self._statements.is_durable()
            finally:
                self._turn.release()
        else:
            self._end(failed)

    def _end(self, failed: BaseException) -> None:
        """Of a transaction that did not go well. Raises what SQLite's own errors mean."""
        driver = self._driver
        try:
            with _explained(driver.name, driver.purpose):
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
        finally:
            self._turn.release()
        if isinstance(failed, sqlite3.Error):
            raise _explanation(failed, driver.name, driver.purpose) from failed


class _SqliteStatements(OnceDurable):
    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__()
        self._connection = connection

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        if "??" in sql:  # a list as so many parameters
            (params,) = params
            sql = sql.replace("??", f"({','.join('?' * len(params))})")
        return self._connection.execute(sql, params).fetchall()

    def run(self, sql: str, params: Sequence[Any] = ()) -> None:
        self._connection.execute(sql, params)

    def run_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Many rows a statement: between two statements other threads take turns, and each turn costs all of them time."""
        at = 0
        for size in TOGETHER if _VALUES.search(sql) else ():
            while len(rows) - at >= size:
                some = [value for row in rows[at : at + size] for value in row]
                if len(some) > PARAMETERS_MAX:
                    break
                self._connection.execute(_repeated(sql, size), some)
                at += size
        self._connection.executemany(sql, rows[at:] if at else rows)

    def add_many(self, table: str, rows: Sequence[Sequence[str | int]], otherwise: str) -> None:
        del table  # one statement for both is as fast here
        self.run_many(otherwise, rows)

    def alone(self, sql: str, params: Sequence[Any]) -> int:
        return self._connection.execute(sql, params).rowcount


@lru_cache(256)
def _repeated(sql: str, times: int) -> str:
    """An INSERT of one row as one of so many."""
    return _VALUES.sub(lambda found: f"VALUES {','.join([found[1]] * times)}", sql, count=1)


def lost(said: str, name: str, purpose: Purpose) -> Unavailable:
    """The error of a database that cannot be reached, or went away in the middle."""
    return Unavailable(
        f"{purpose.what} cannot be reached: {said.strip().splitlines()[0] if said.strip() else 'no answer'}",
        remedy=purpose.when_lost,
        where=Where(file=name),
    )


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=LOCK_WAIT_SECONDS_MAX, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    until = time.monotonic() + LOCK_WAIT_SECONDS_MAX
    while True:  # the first change to WAL needs the file alone, and SQLite does not wait for that by itself
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as busy:
            if "locked" not in str(busy) or time.monotonic() > until:
                raise
            time.sleep(0.01)
    connection.execute("PRAGMA synchronous=FULL")
    return connection


@contextmanager
def _explained(name: str, purpose: Purpose) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as failed:
        raise _explanation(failed, name, purpose) from failed


def _explanation(failed: sqlite3.Error, name: str, purpose: Purpose) -> FiscusError:
    said = str(failed)
    if "malformed" in said or "not a database" in said:
        where = Where(file=name)
        return IntegrityBroken(
            f"{purpose.what} cannot be read: {said}", remedy="Restore it from a backup.", where=where
        )
    return lost(said, name, purpose)
