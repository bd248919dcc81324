"""SQL from people: one SELECT over the lake's files, with no way to anything else, bounded in time, memory and answer."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb

from fiscus.kernel.errors import BadQuery, FiscusError, LimitExceeded, Where
from fiscus.kernel.limits import QUERY_CELLS_MAX, QUERY_MARGIN_MB, QUERY_MEMORY_MB_MAX, QUERY_SECONDS_MAX
from fiscus.kernel.rows import Rows, Table
from fiscus.stores.lake.memory_bound import MemoryBound
from fiscus.stores.lake.views_asked import ViewsAsked

FETCH_ROWS = 10_000
LINE_AT_FAULT: Final = re.compile(r"^LINE (\d+): ", re.MULTILINE)
NOT_LOADED: Final = re.compile(r'name "?(\w+)"? is not in the catalog, but it exists in the (\w+) extension')
NO_MEMORY: Final = re.compile(
    r"bad allocation|bad_alloc|allocation failure|(could not|failed to) allocate", re.IGNORECASE
)
THREADS: Final = os.cpu_count() or 1
THREAD_MAPS_MB: Final = 96  # a thread's stack and the arena that its allocator maps: addresses, not memory
MEMORY: Final = MemoryBound()  # one of the process: the limit is the process's
Opening = Callable[[], tuple[Sequence[str], Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: its SQL, what its $names are, how many rows at most, and the tables that it may read beside the lake."""

    sql: str
    params: Mapping[str, object]
    rows_max: int | None
    beside: Mapping[str, Table]


@dataclass(frozen=True, slots=True)
class _Locked:
    """A connection from which nothing else can be reached, and its views."""

    connection: duckdb.DuckDBPyConnection
    views: ViewsAsked


class PeopleSql:
    """Locked connections for people's SQL. One is kept for the version asked last; questions at once open more."""

    def __init__(self, attach: Callable[[duckdb.DuckDBPyConnection], None]) -> None:
        """`attach` lets a connection read the files of the lake by their names."""
        self._attach = attach
        self._lock = threading.Lock()
        self._idle: tuple[str, _Locked] | None = None

    def ask(self, version: str, opening: Opening, asked: Asked) -> Rows:
        """Answer on the lake's `version`; `opening` gives its views and files. Raises BadQuery, LimitExceeded."""
        locked = self._taken(version) or _locked(*opening(), self._attach)
        try:
            _refuse_other_than_select(locked.connection, asked.sql)
            _lay_beside(locked.connection, asked.beside)
            rows = _bounded(locked, asked)
            for name in asked.beside:
                locked.connection.execute(f"DROP TABLE temp.{name}")
        except BadQuery:
            self._give_back(version, locked)
            raise
        except BaseException:
            locked.connection.close()  # interrupted or out of memory: not trusted again
            raise
        self._give_back(version, locked)
        return rows

    def _taken(self, version: str) -> _Locked | None:
        with self._lock:
            kept, self._idle = self._idle, None
        if kept is None or kept[0] == version:
            return kept[1] if kept else None
        kept[1].connection.close()
        return None

    def _give_back(self, version: str, locked: _Locked) -> None:
        with self._lock:
            before, self._idle = self._idle, (version, locked)
        if before is not None:
            before[1].connection.close()


def _locked(views: Sequence[str], files: Sequence[str], attach: Callable[[duckdb.DuckDBPyConnection], None]) -> _Locked:
    """A connection that sees `views` over `files` and nothing else; no setting of it can be changed any more."""
    connection = duckdb.connect()
    attach(connection)
    connection.execute("SET TimeZone='UTC'; SET enable_progress_bar=false; SET python_enable_replacements=false")
    connection.execute("SET parquet_metadata_cache=true")  # safe: the table's files never change under their name
    connection.execute("SET autoinstall_known_extensions=false; SET autoload_known_extensions=false")
    connection.execute(f"SET memory_limit='{QUERY_MEMORY_MB_MAX}MB'; SET temp_directory=''")
    allowed = ", ".join("'" + path.replace("'", "''") + "'" for path in files)
    connection.execute(f"SET allowed_paths=[{allowed}]")
    connection.execute("SET enable_external_access=false; SET lock_configuration=true")
    return _Locked(connection, ViewsAsked(connection, views))


def _lay_beside(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Table]) -> None:
    """`tables` in memory, by the names and types of ours; none is left of a question that was refused."""
    for name, table in tables.items():
        columns = ", ".join(f'"{column}" {kind}' for column, kind in table.columns)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({columns})")
        if table.rows:
            connection.executemany(
                f"INSERT INTO temp.{name} VALUES ({', '.join('?' for _ in table.columns)})", table.rows
            )


def _refuse_other_than_select(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as broken:
        raise BadQuery(
            f"The SQL does not parse: {_first_line(broken)}", remedy="Mend it and ask again.", where=_where(broken)
        ) from None
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise BadQuery(
            "Only one SELECT can be asked", remedy="Query the view `charges`; nothing can be changed from here."
        )


def _bounded(locked: _Locked, asked: Asked) -> Rows:
    timer = threading.Timer(QUERY_SECONDS_MAX, locked.connection.interrupt)
    timer.start()
    try:
        with MEMORY.held(QUERY_MEMORY_MB_MAX, QUERY_MARGIN_MB + THREAD_MAPS_MB * THREADS):
            return _fetched(locked.views.execute(asked.sql, asked.params), asked.rows_max)
    except duckdb.InterruptException:
        raise LimitExceeded(
            f"The query ran longer than {QUERY_SECONDS_MAX} s", remedy="Narrow it by x_BillingMonth."
        ) from None
    except (duckdb.Error, MemoryError) as refused:
        raise _as_ours(refused) from None
    finally:
        timer.cancel()
        timer.join()  # so that it cannot interrupt the next question


def _as_ours(refused: duckdb.Error | MemoryError) -> FiscusError:
    if _for_memory(refused):
        return LimitExceeded(
            f"The query needs more than {QUERY_MEMORY_MB_MAX} MB",
            remedy="Group or filter earlier, or shorten its texts.",
        )
    if found := NOT_LOADED.search(str(refused)):
        return BadQuery(
            f"`{found[1]}` is of the DuckDB extension {found[2]}, which no query can load",
            remedy="Ask the views of the lake, with what DuckDB has built in.",
            where=_where(refused),
        )
    return BadQuery(
        _first_line(refused),
        remedy="The columns of `charges` are in docs/reference/charges.md; no file can be read, no setting changed.",
        where=_where(refused),
    )


def _for_memory(refused: duckdb.Error | MemoryError) -> bool:
    """Where an allocation failed decides what the engine makes of it; a text of the question may use the same words."""
    if isinstance(refused, MemoryError | duckdb.OutOfMemoryException):
        return True
    return isinstance(refused, duckdb.OperationalError | duckdb.InternalError) and bool(NO_MEMORY.search(str(refused)))


def _fetched(cursor: duckdb.DuckDBPyConnection, rows_max: int | None) -> Rows:
    columns = tuple(column[0] for column in cursor.description or ())
    rows: list[tuple[Any, ...]] = []
    while rows_max is None or len(rows) < rows_max:
        more = cursor.fetchmany(FETCH_ROWS if rows_max is None else min(FETCH_ROWS, rows_max - len(rows)))
        if not more:
            break
        rows += more
        if len(rows) * len(columns) > QUERY_CELLS_MAX:
            raise LimitExceeded(
                f"The answer has more than {QUERY_CELLS_MAX:,} cells", remedy="Choose columns, filter or group."
            )
    return Rows(columns, tuple(rows))


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def _where(error: Exception) -> Where | None:
    """The line of the SQL that the engine points at."""
    found = LINE_AT_FAULT.search(str(error))
    return Where(line=int(found[1])) if found else None
