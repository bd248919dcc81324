"""The answer of a query: column names and plain Python rows (Decimal, date, datetime, str, int, None, dict, list)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fiscus.kernel.errors import BadQuery


@dataclass(frozen=True, slots=True)
class Rows:
    """`columns` name the fields of each tuple in `rows`."""

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]

    def __len__(self) -> int:
        return len(self.rows)

    def refuse_same_names(self) -> None:
        """Raises BadQuery where two columns have one name: by names, one of them would be lost."""
        twice = sorted({name for name in self.columns if self.columns.count(name) > 1})
        if twice:
            raise BadQuery(
                f"Two columns of the answer are named {twice[0]!r}", remedy="Give each a name of its own with AS."
            )

    def dicts(self) -> Iterator[dict[str, object]]:
        """A row by the names of its columns. Raises BadQuery where two have one name."""
        self.refuse_same_names()
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that a question may read beside the lake: what is known here and stands in no bill. Types are DuckDB's."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[object, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """SQL in DuckDB's dialect over the `charges` view, with named parameters ($name): what every number can show."""

    sql: str
    params: Mapping[str, object]
