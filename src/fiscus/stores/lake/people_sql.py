"""SQL from people: one SELECT over the lake's files, with no way to anything else, bounded in time and memory."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

import duckdb

from fiscus.kernel.errors import BadQuery, LimitExceeded
from fiscus.kernel.limits import QUERY_MEMORY_MB_MAX, QUERY_SECONDS_MAX
from fiscus.kernel.rows import Rows


def ask_people_sql(
    views: Sequence[str], files: Sequence[str], sql: str, params: Mapping[str, object] | None, rows_max: int | None
) -> Rows:
    """Run `sql` in a locked connection. Raises BadQuery (not one SELECT, or refused), LimitExceeded (time, memory)."""
    connection = duckdb.connect()
    try:
        _refuse_other_than_select(connection, sql)
        connection.execute("SET TimeZone='UTC'; SET enable_progress_bar=false")
        connection.execute(f"SET memory_limit='{QUERY_MEMORY_MB_MAX}MB'; SET temp_directory=''")
        for view in views:
            connection.execute(view)
        allowed = ", ".join("'" + path.replace("'", "''") + "'" for path in files)
        connection.execute(f"SET allowed_paths=[{allowed}]")
        connection.execute("SET enable_external_access=false; SET lock_configuration=true")
        return _bounded(connection, sql, params, rows_max)
    finally:
        connection.close()


def _refuse_other_than_select(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as broken:
        raise BadQuery(f"The SQL does not parse: {_first_line(broken)}", remedy="Mend it and ask again.") from None
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise BadQuery(
            "Only one SELECT can be asked", remedy="Query the view `charges`; nothing can be changed from here."
        )


def _bounded(
    connection: duckdb.DuckDBPyConnection, sql: str, params: Mapping[str, object] | None, rows_max: int | None
) -> Rows:
    timer = threading.Timer(QUERY_SECONDS_MAX, connection.interrupt)
    timer.start()
    try:
        cursor = connection.execute(sql, dict(params) if params else None)
        rows = cursor.fetchall() if rows_max is None else cursor.fetchmany(rows_max)
        return Rows(tuple(column[0] for column in cursor.description or ()), tuple(rows))
    except duckdb.InterruptException:
        raise LimitExceeded(
            f"The query ran longer than {QUERY_SECONDS_MAX} s", remedy="Narrow it by x_BillingMonth."
        ) from None
    except duckdb.OutOfMemoryException:
        raise LimitExceeded(
            f"The query needs more than {QUERY_MEMORY_MB_MAX} MB", remedy="Group or filter earlier."
        ) from None
    except duckdb.Error as refused:
        raise BadQuery(
            _first_line(refused),
            remedy="The columns of `charges` are in docs/reference/charges.md; files and settings are out of reach.",
        ) from None
    finally:
        timer.cancel()


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
