"""The lake's views in a DuckDB connection: each is made with the first question whose text names it.

There are forty of them, to bind them all takes a tenth of a second, and most questions read two or three. A question's text is
parsed once a process: that is a quarter of the time before it runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import duckdb

STATEMENT: Final = re.compile(r"\s*CREATE OR REPLACE VIEW (\w+) AS\s(.*)", re.DOTALL)
MADE: Final = "CREATE OR REPLACE TEMP VIEW"  # of one connection alone: others of its DuckDB see none of it
WORD: Final = re.compile(r"\w+")
FILES: Final = re.compile(r"read_parquet\(\[[^]]*")  # their folders have names as views have
CATALOGUE: Final = re.compile(
    r"\b(show|describe|information_schema|sqlite_\w+|pg_\w+|duckdb_\w+|pragma_\w+)\b", re.IGNORECASE
)
PARSED_MAX: Final = 256  # questions
PARSED_CHARACTERS_MAX: Final = 16_000  # a longer one is put together for the occasion, and seldom asked again
_parsed: dict[str, duckdb.Statement] = {}


class ViewsAsked:
    """The views of one version, and a connection that they are made in. Not thread-safe, as a connection is not."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, statements: Sequence[str]) -> None:
        """`statements`: each makes a view out of those before it; a later one of the same name counts."""
        self._connection = connection
        self._waiting = [(_name(text), text) for text in statements]
        self._reads: dict[str, set[str]] = {}
        for name, text in self._waiting:
            self._reads.setdefault(name, set()).update(_words(FILES.sub("", text)))

    def open_for(self, sql: str) -> None:
        """Make what `sql` names, and what that reads. SQL that asks the catalogue what there is finds all."""
        if self._waiting:
            self._make(set(self._reads) if CATALOGUE.search(sql) else _words(sql) & self._reads.keys())

    def execute(self, sql: str, params: Mapping[str, object] | None = None) -> duckdb.DuckDBPyConnection:
        """The connection, its answer to `sql` not fetched yet."""
        self.open_for(sql)
        question, given = self._parsed(sql), dict(params) if params else None
        try:
            return self._connection.execute(question, given)
        except duckdb.CatalogException:
            if not self._waiting:
                raise
        self._make(set(self._reads))  # a name that was put together when the question ran
        return self._connection.execute(question, given)

    def _parsed(self, sql: str) -> str | duckdb.Statement:
        """`sql` as it was parsed when it was asked first. What is not one statement stays text."""
        if len(sql) > PARSED_CHARACTERS_MAX:
            return sql
        known = _parsed.get(sql)
        if known is None:
            statements = self._connection.extract_statements(sql)
            if len(statements) != 1:
                return sql
            if len(_parsed) >= PARSED_MAX:
                _parsed.clear()
            known = _parsed[sql] = statements[0]
        return known

    def drop(self) -> None:
        """Leave none behind in the connection, which is asked of another version next."""
        for name in self._reads.keys() - {name for name, _ in self._waiting}:
            self._connection.execute(f'DROP VIEW "{name}"')

    def _make(self, names: set[str]) -> None:
        needed = set(self._with_those_read(names))
        now = [(name, text) for name, text in self._waiting if name in needed]
        self._waiting = [one for one in self._waiting if one[0] not in needed]
        for _, text in now:
            self._connection.execute(text.replace("CREATE OR REPLACE VIEW", MADE, 1))

    def _with_those_read(self, names: set[str]) -> Iterator[str]:
        """A word that is a view's name may be a column, or stand in a remark: then one view too many is made."""
        found, left = set(names), list(names)
        while left:
            more = (self._reads[left.pop()] & self._reads.keys()) - found
            found |= more
            left += more
        yield from found


def _words(sql: str) -> set[str]:
    return {word.lower() for word in WORD.findall(sql)}


def _name(statement: str) -> str:
    found = STATEMENT.fullmatch(statement)
    assert found, f"not a view: {statement[:60]}"
    return found[1].lower()
