"""The PostgreSQL driver: the primary only, synchronous commit, as few round trips as there are answers to wait for.

A statement without an answer waits until one with an answer, or the commit, is sent, and goes with it in one text: locking the
head is one round trip (BEGIN; SELECT ... FOR UPDATE), everything that is written is another one (INSERT; UPDATE; COMMIT). A
statement that changes only what it finds as it was known is a transaction of its own: one round trip for both.
Parameters are quoted by the driver. Of such a text the server does all or, from the first error on, nothing.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Final, cast

import psycopg
from psycopg.adapt import Transformer
from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGresult

from fiscus.kernel.errors import BadConfig, Where
from fiscus.stores.databases.drivers import (
    CONNECT_SECONDS_MAX,
    LEDGER,
    LOCK_WAIT_SECONDS_MAX,
    OnceDurable,
    Purpose,
    Statements,
    lost,
)

_NOT_PREPARED: Final = frozenset({b"26000", b"42P05"})  # SQLSTATE: no statement of that name, or somebody else's
_WENT_WELL: Final = frozenset({ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK})
TOGETHER_MAX: Final = 256  # rows of one statement
COPIED_MIN: Final = 32  # fewer rows go along in the text, without a round trip of their own
_VALUES: Final = re.compile(r"VALUES \((\?,? ?)+\)")


class PostgresDriver:
    """One database, reached again after it was gone. Never a replica: it lags, and what it allows may be spent already."""

    head_lock = " FOR UPDATE"
    clustered = ""
    numbered = "BIGINT"
    alone = "SELECT pg_advisory_xact_lock(1279676274)"  # "LEDr"
    inline = (
        "ALTER COLUMN body SET STORAGE EXTERNAL, SET (toast_tuple_target = 8160)"  # the most that a row of a page holds
    )
    guesses = True

    def __init__(self, url: str, purpose: Purpose = LEDGER) -> None:
        self.name = _hidden(url)
        self.purpose = purpose
        self._url = url
        self._turn = threading.Lock()
        self._read_turn = threading.Lock()
        self._writer: psycopg.Connection[tuple[Any, ...]] | None = None
        self._reader: psycopg.Connection[tuple[Any, ...]] | None = None
        self._prepared: dict[str, bytes] = {}  # statement -> its name at the writer's connection; empty: it keeps none

    @contextmanager
    def writing(self) -> Iterator[Statements]:
        """A transaction; the head row, locked first, makes it alone. Durable when the block ends well."""
        with self._turn:
            try:
                connection = self._alive(self._writer)
                if connection is not self._writer:
                    self._writer, self._prepared = connection, {}
                statements = _PostgresStatements(connection, b"BEGIN ISOLATION LEVEL READ COMMITTED", self._prepared)
                try:
                    yield statements
                except psycopg.Error:
                    raise
                except BaseException:
                    statements.undo()
                    raise
                statements.commit()
            except psycopg.Error as failed:
                _drop(self._writer)
                self._writer = None
                raise lost(str(failed), self.name, self.purpose) from failed

    def is_unchanged(self, tx: Statements) -> bool:
        """Nothing says so but the head itself, which has to be locked anyway."""
        del tx
        return False

    @contextmanager
    def reading(self) -> Iterator[Statements]:
        """One moment's snapshot."""
        with self._read_turn:
            try:
                self._reader = connection = self._alive(self._reader)
                statements = _PostgresStatements(connection, b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", {})
                try:
                    yield statements
                finally:
                    statements.undo()
            except psycopg.Error as failed:
                _drop(self._reader)
                self._reader = None
                raise lost(str(failed), self.name, self.purpose) from failed

    def close(self) -> None:
        """Give the connections back."""
        _drop(self._writer, self._reader)
        self._writer = self._reader = None

    def _alive(self, connection: psycopg.Connection[tuple[Any, ...]] | None) -> psycopg.Connection[tuple[Any, ...]]:
        if connection is not None and not connection.closed:
            return connection
        opened = psycopg.connect(
            self._url, autocommit=True, connect_timeout=CONNECT_SECONDS_MAX, client_encoding="UTF8"
        )
        opened.execute("SET synchronous_commit = on")
        opened.execute(f"SET lock_timeout = '{LOCK_WAIT_SECONDS_MAX}s'")
        ((replica,),) = opened.execute("SELECT pg_is_in_recovery()").fetchall()
        if replica:
            opened.close()
            raise BadConfig(
                f"{self.purpose.what}'s database is a replica",
                remedy="Name the primary: a replica lags behind what was spent.",
                where=Where(file="fiscus.yaml", key=self.purpose.setting),
            )
        return opened


class _PostgresStatements(OnceDurable):
    """`begin` is sent with the first statement that has to be."""

    def __init__(
        self, connection: psycopg.Connection[tuple[Any, ...]], begin: bytes, prepared: dict[str, bytes]
    ) -> None:
        super().__init__()
        self._prepared = prepared
        self._connection = connection
        self._adapted = Transformer(connection)
        self._waiting = [begin]
        self._sent = False
        self._over = False

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        self.run(sql, [list(p) if isinstance(p, tuple) else p for p in params])
        found, adapted = self._send(), self._adapted
        adapted.set_pgresult(found)
        return cast("list[tuple[Any, ...]]", adapted.load_rows(0, found.ntuples, tuple))

    def run(self, sql: str, params: Sequence[Any] = ()) -> None:
        between, literal = _between(sql), self._adapted.as_literal
        assert len(between) == len(params) + 1, f"{len(params)} parameters for {sql}"
        text = [between[0]]
        for value, after in zip(params, between[1:], strict=True):
            text += (literal(value), after)
        self._waiting.append(b"".join(text))

    def run_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Many rows an INSERT; of anything else a statement each, in one text all the same."""
        around = _around_values(sql)
        if around is None:
            for row in rows:
                self.run(sql, row)
            return
        before, after = around
        literal = self._adapted.as_literal
        for at in range(0, len(rows), TOGETHER_MAX):
            told = [b"(%b)" % b",".join([literal(value) for value in row]) for row in rows[at : at + TOGETHER_MAX]]
            self._waiting.append(b"%bVALUES %b%b" % (before, b",".join(told), after))

    def add_many(self, table: str, rows: Sequence[Sequence[str | int]], otherwise: str) -> None:
        """By COPY: the server reads a third of what it reads of an INSERT. What came before is sent before."""
        if len(rows) <= COPIED_MIN:
            self.run_many(otherwise, rows)
            return
        self._waiting.append(b"SAVEPOINT before_rows")
        self._send()
        try:
            with self._connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        except psycopg.errors.UniqueViolation:
            self._waiting.append(b"ROLLBACK TO SAVEPOINT before_rows")
            self.run_many(otherwise, rows)

    def alone(self, sql: str, params: Sequence[Any]) -> int:
        assert not self._sent, "something was sent before"
        found = self._run_prepared(sql, params)
        if found is None:
            self._waiting = []
            self.run(sql, params)
            found = self._send()
        self._sent, self._over = False, True  # the server has ended it already
        return found.command_tuples or 0

    def _run_prepared(self, sql: str, params: Sequence[Any]) -> PGresult | None:
        """The server reads and plans it once a connection. None where something between us and the server shares connections."""
        server, name = self._connection.pgconn, self._prepared.get(sql)
        found = None
        if name is None:
            name = self._prepared[sql] = b"fiscus_%d" % len(self._prepared)
            found = server.prepare(name, _numbered(sql))
        if name and (found is None or found.status in _WENT_WELL):
            found = server.exec_prepared(name, [_plain(value) for value in params])
        if found is None or found.error_field(DiagnosticField.SQLSTATE) in _NOT_PREPARED:
            self._prepared[sql] = b""
            return None
        return _checked(found)

    def commit(self) -> None:
        """The end of a transaction that went well, and what is to be done once it is durable."""
        if not self._over:
            self._waiting.append(b"COMMIT")
            if (said := self._send().command_status) != b"COMMIT":
                raise psycopg.OperationalError(f"the transaction was not committed: {said!r}")
        self.is_durable()

    def undo(self) -> None:
        """The end of any other; nothing, where nothing was sent."""
        self._waiting = [b"ROLLBACK"]
        if self._sent:
            self._send()

    def _send(self) -> PGresult:
        """All that waits, in one round trip; the answer is that of the last statement. Other threads go on meanwhile.

        By the driver's own door to libpq: a cursor would ask after each step whether the answer is there, which takes longer than
        the server does.
        """
        self._sent = True
        text, self._waiting = b";\n".join(self._waiting), []
        return _checked(self._connection.pgconn.exec_(text))


def _checked(found: PGresult) -> PGresult:
    if found.status not in _WENT_WELL:
        raise psycopg.errors.error_from_result(found)
    return found


def _plain(value: str | int) -> bytes:
    """A parameter as text."""
    if type(value) is int:
        return b"%d" % value
    assert type(value) is str
    if "\0" in value:
        raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return value.encode()


@cache
def _numbered(sql: str) -> bytes:
    """Our marks as the server's."""
    first, *rest = sql.split("?")
    return (first + "".join(f"${number}{after}" for number, after in enumerate(rest, 1))).encode()


@cache
def _between(sql: str) -> tuple[bytes, ...]:
    """What stands between our marks."""
    return tuple(part.encode() for part in sql.replace("IN ??", "= ANY(?)").split("?"))


@cache
def _around_values(sql: str) -> tuple[bytes, bytes] | None:
    """What stands before the marks of an INSERT's one row, and after them; None for anything else."""
    found = _VALUES.search(sql) if sql.startswith("INSERT ") else None
    if found is None or "?" in sql[: found.start()] + sql[found.end() :]:
        return None
    return sql[: found.start()].encode(), sql[found.end() :].encode()


def _drop(*connections: psycopg.Connection[tuple[Any, ...]] | None) -> None:
    for connection in connections:
        if connection is not None:
            connection.close()


def _hidden(url: str) -> str:
    """The URL without its password."""
    scheme, _, rest = url.partition("://")
    user, at, place = rest.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}{at}{place}" if at else url
