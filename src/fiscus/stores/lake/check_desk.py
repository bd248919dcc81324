"""A delivery laid out to be checked: read once into a scratch database, raw, in the order of its files.

cost.conformance.ports.Desk over DuckDB. Memory is bounded; what is larger spills into a scratch folder that goes with the desk.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Final, Literal

import _duckdb as duckdb  # the database itself: what the package puts around it takes a tenth of a second to load

from fiscus.cost.conformance.types import DeliveredColumn
from fiscus.kernel.errors import BadInput, Where
from fiscus.kernel.limits import CHECK_AMOUNT_MAX, CHECK_MEMORY_MB_MAX, INPUT_FIELD_BYTES_MAX
from fiscus.kernel.progress import Progress
from fiscus.kernel.rows import Rows
from fiscus.stores.lake.glance import GlancedFile, glance_at
from fiscus.stores.lake.half_open import HalfOpen
from fiscus.stores.lake.side_by_side import side_by_side

SETTINGS: Final = "SET GLOBAL TimeZone='UTC'; SET GLOBAL parquet_metadata_cache=true;"
QUIET: Final = "SET enable_progress_bar=false"
PLAIN: Final = re.compile(r"\w+")  # a name of another kind is judged as a name; its values are not read
TABLE: Final = re.compile(r"CREATE TABLE \w+ AS ")
NUMBERS: Final = re.compile(r"^(DECIMAL|DOUBLE|FLOAT|U?(BIG|SMALL|TINY|HUGE)?INT(EGER)?)(?![A-Z])")
AS_IT_IS: Final = frozenset({"number", "time"})
PLAIN_TEXT: Final = ("CSV", "VARCHAR")
INEXACT: Final = ("DOUBLE", "FLOAT")
TEXTUAL: Final = ("CSV", "VARCHAR", "ENUM", "JSON", "MAP", "STRUCT")
Kind = Literal["text", "number", "time", "other"]


@dataclass(frozen=True, slots=True)
class _Part:
    """A file of the delivery, or all of them: SQL of each cell by its column, and what they are read from."""

    cells: Mapping[str, str]
    source: str


class _Starting:
    """A database that starts in a thread of its own, in the time that it takes to load what will ask it: 20 ms."""

    def __init__(self) -> None:
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._thread = Thread(target=self._start, name="fiscus-start", daemon=True)
        self._thread.start()

    def _start(self) -> None:
        self._connection = duckdb.connect()

    def started(self) -> duckdb.DuckDBPyConnection:
        self._thread.join()
        if self._connection is None:  # it did not start: said here, to whoever asks it
            self._start()
        assert self._connection is not None
        return self._connection


class CheckDesk(HalfOpen):
    """Read `paths` (and the datasets beside them) and answer our SQL about them. A context: what it wrote is gone afterwards."""

    def __init__(
        self,
        paths: Sequence[Path],
        types: Mapping[str, str],
        progress: Progress,
        *,
        leave_out: Callable[[str], bool] | None = None,
    ) -> None:
        """`types` gives the FOCUS type (String, Decimal, Date/Time, JSON) of every column that a rule may speak of.

        `leave_out`: columns of the files, by name, that are no part of the delivery.
        """
        self._database = _Starting()
        self._paths, self._types, self._progress, self._leave_out = list(paths), types, progress, leave_out
        self._scratch: str | None = None
        self.files: tuple[GlancedFile, ...] = ()
        self._names: Counter[str] = Counter()
        self._starts: list[int] = []
        self._beside: dict[str, frozenset[str]] = {}
        self._columns: tuple[DeliveredColumn, ...] = ()
        self._parts: list[_Part] = []
        self._absent: tuple[str, ...] = ()
        self.row_count = 0

    def _open(self) -> None:
        self._connection = self._database.started()
        self._connection.execute(f"{SETTINGS} {QUIET}")
        self.files = glance_at(self._paths, self._connection)
        self._scratch = tempfile.mkdtemp(prefix="fiscus-check-")
        self._connection.execute(f"SET memory_limit='{CHECK_MEMORY_MB_MAX}MB'; SET temp_directory='{self._scratch}'")
        self._names = Counter(Path(file.path).name for file in self.files)
        self._lay_out()

    def _close(self) -> None:
        self._database.started().close()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    @property
    def columns(self) -> Sequence[DeliveredColumn]:
        return self._columns

    @property
    def keeps_tables(self) -> bool:
        return True

    def query(self, sql: str) -> Rows:
        """One statement of ours. Raises BadInput where a number of the delivery is larger than decimals that add up may be."""
        with self._within_decimals():
            return _rows(self._connection, self._narrow(sql))

    def query_all(self, statements: Sequence[str]) -> Sequence[Rows]:
        """Side by side: a statement is planned by one thread, and a small file is read by one."""
        with self._within_decimals():
            return side_by_side(self._connection, [self._narrow(sql) for sql in statements], _rows, QUIET)

    def place(self, row: int) -> str:
        """File (where there are several; with its folder where its name does not tell) and row, from 1."""
        n = bisect_right(self._starts, row) - 1
        inside = row - self._starts[n] + 1
        if len(self.files) == 1:
            return f"row {inside:,}"
        path = self.files[n].path
        name = Path(path).name
        return f"{name if self._names[name] == 1 else path} row {inside:,}"

    def beside(self) -> frozenset[str]:
        return frozenset(self._beside)

    def columns_of(self, table: str) -> frozenset[str]:
        return self._beside[table]

    def put_beside(self, name: str, path: Path) -> None:
        """Lay another dataset of the same vendor beside the delivery, as the table `name`."""
        files = glance_at([path], self._connection)
        union = " UNION ALL BY NAME ".join(f"SELECT *{self._as_text(file)} FROM {_reader(file)}" for file in files)
        try:
            there = {column.lower() for file in files for column in file.columns}
            absent = "".join(f', NULL::VARCHAR AS "{known}"' for known in self._types if known.lower() not in there)
            self._connection.execute(f'CREATE TABLE "x__{name}" AS {union}')
            self._connection.execute(f'CREATE VIEW "{name}" AS SELECT *{absent} FROM "x__{name}"')
        except duckdb.Error as broken:
            raise BadInput(
                f"The dataset beside cannot be read: {_first_line(broken)}",
                remedy="Export it again.",
                where=Where(file=str(path)),
            ) from None
        self._beside[name] = frozenset(column for file in files for column in file.columns)

    @property
    def starts(self) -> Sequence[int]:
        """The row, over all files, at which each file starts."""
        return self._starts

    def types_of(self, table: str) -> Mapping[str, str]:
        """The columns of a table on the desk and their types."""
        return {str(row[0]): str(row[1]) for row in self._connection.execute(f'DESCRIBE "{table}"').fetchall()}

    def write_out(self, table: str, path: Path) -> None:
        """A table of the desk as a Parquet file, for another engine to read."""
        spelt = str(path).replace("'", "''")
        self._connection.execute(f"COPY (SELECT * FROM \"{table}\") TO '{spelt}' (FORMAT parquet)")

    def _lay_out(self) -> None:
        self._progress.stage(f"Reading {len(self.files)} file{'s' if len(self.files) > 1 else ''}")
        in_place = self.files[0].form == "parquet"
        for file in self.files:
            if (file.form == "parquet") is not in_place:
                raise BadInput(
                    "CSV and Parquet stand in one delivery: one has types, the other has none",
                    remedy="Check them one after the other.",
                    where=Where(file=file.path),
                )
        self._columns = self._delivered()
        for n, file in enumerate(self.files):
            self._starts.append(self.row_count)
            held = dict(_natives(file))
            cells = {c.name: _cell(c, held) for c in self._columns if PLAIN.fullmatch(c.name)}
            (self._stay if in_place else self._load)(cells, file)
            self._progress.step(n + 1, len(self.files))
        names = {column.name.lower() for column in self._columns}  # SQL tells no BilledCost from billedcost
        self._absent = tuple(name for name in self._types if name.lower() not in names)
        self._connection.execute(f"CREATE VIEW delivery AS {self._reading(bool)}")

    def _stay(self, cells: Mapping[str, str], file: GlancedFile) -> None:
        """Parquet is asked where it lies: its columns are read as a question needs them, its repeated values once."""
        reader = _reader(file).replace("')", "', file_row_number=true)")
        (rows,) = self._run(f"SELECT count(*) FROM {_reader(file)}", file)
        self.row_count += int(str(rows[0]))
        row = f"CAST(file_row_number + {self._starts[-1]} AS BIGINT) AS x__row"
        self._parts.append(_Part({"x__row": row, **cells}, reader))

    def _load(self, cells: Mapping[str, str], file: GlancedFile) -> None:
        """Text is read once, in the order of the file."""
        first = not self._parts
        selected = f"SELECT {', '.join(cells.values())} FROM {_reader(file)}"
        self._run(f"{'CREATE TABLE raw AS' if first else 'INSERT INTO raw'} {selected}", file)
        (rows,) = self._run("SELECT count(*) FROM raw", file)
        self.row_count = int(str(rows[0]))
        self._parts = [_Part({"x__row": "rowid AS x__row", **{name: f'"{name}"' for name in cells}}, "raw")]

    def _narrow(self, sql: str) -> str:
        """`sql` with a `delivery` of the columns it names: planning one of all takes as long as answering for a small file."""
        named = {word.lower() for word in PLAIN.findall(sql)}
        if "delivery" not in named:
            return sql
        reading = f"WITH delivery AS NOT MATERIALIZED ({self._reading(lambda name: name.lower() in named)}) "
        table = TABLE.match(sql)
        return f"{table[0]}{reading}{sql[table.end() :]}" if table else reading + sql

    def _reading(self, wanted: Callable[[str], bool]) -> str:
        """SQL of the delivery with those columns."""
        parts = [
            f"SELECT {', '.join(cell for name, cell in part.cells.items() if wanted(name)) or '1'} FROM {part.source}"
            for part in self._parts
        ]
        absent = "".join(f', NULL::VARCHAR AS "{name}"' for name in self._absent if wanted(name))
        return f"SELECT *{absent} FROM ({' UNION ALL '.join(parts)})"

    def _delivered(self) -> tuple[DeliveredColumn, ...]:
        """Columns of all files in the order of each; two types of one column meet as text, two of a kind as the rougher."""
        found: dict[str, DeliveredColumn] = {}
        order: list[str] = []
        for file in self.files:
            at = 0  # behind what stands before it in its own file: how another file ends says nothing of its place
            for name, native in _natives(file):
                if self._leave_out is not None and self._leave_out(name):
                    continue
                kind = _kind(native, self._types.get(name, ""))
                mine = DeliveredColumn(name, kind if PLAIN.fullmatch(name) else "other", native)
                before = found.get(name)
                if before is None:
                    order.insert(at, name)
                if before is None or (before.kind == mine.kind and _is_rough(mine)):
                    found[name] = mine
                elif before.kind != mine.kind:
                    found[name] = DeliveredColumn(name, "text", native)
                at = at + 1 if before is None or order[at : at + 1] == [name] else order.index(name) + 1
        return tuple(found[name] for name in order)

    def _as_text(self, file: GlancedFile) -> str:
        """Of a dataset beside: what FOCUS calls text is text there too, whatever its type."""
        cast = [
            _spelt(name, native)
            for name, native in _natives(file)
            if name in self._types and native not in PLAIN_TEXT and _kind(native, self._types[name]) == "text"
        ]
        return f" REPLACE ({', '.join(cast)})" if cast else ""

    @contextmanager
    def _within_decimals(self) -> Iterator[None]:
        try:
            yield
        except (duckdb.ConversionException, duckdb.OutOfRangeException):
            value, row, column = self._largest()
            if value < CHECK_AMOUNT_MAX:
                raise
            n = bisect_right(self._starts, row) - 1
            raise BadInput(
                f"{value:g} is more than amounts may be that are added up",
                remedy="Ask the vendor what this charge is; check the delivery again without its row.",
                where=Where(file=self.files[n].path, row=row - self._starts[n] + 1, column=column),
            ) from None

    def _largest(self) -> tuple[float, int, str]:
        """The largest number of the delivery, its row and its column."""
        sizes = {
            column.name: f'abs(TRY_CAST("{column.name}" AS DOUBLE))'
            for column in self._columns
            if self._types.get(column.name) == "Decimal"
        }
        each = " UNION ALL ".join(
            f"SELECT max({size}), arg_max(x__row, {size}), '{name}' FROM delivery WHERE isfinite({size})"
            for name, size in sizes.items()
        )
        found: list[tuple[float, int, str]] = self._connection.execute(each).fetchall() if each else []
        return max((one for one in found if one[0] is not None), default=(0.0, 0, ""))

    def _run(self, sql: str, file: GlancedFile) -> list[tuple[object, ...]]:
        try:
            return self._connection.execute(sql).fetchall()
        except duckdb.Error as broken:
            row = _uneven_row(file)
            raise BadInput(
                "A row has more or fewer fields than the header"
                if row is not None
                else f"The file cannot be read: {_first_line(broken)}",
                remedy="Quote fields as RFC 4180 says, or export the file again.",
                where=Where(file=file.path, row=row),
            ) from None


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> Rows:
    answer = connection.execute(sql)
    return Rows(tuple(d[0] for d in answer.description or ()), tuple(answer.fetchall()))


def _is_rough(column: DeliveredColumn) -> bool:
    """Whether its type is a poor one for what it holds: a number that is not exact, text that is no text in the file."""
    return column.native.startswith(INEXACT) if column.kind == "number" else not column.native.startswith(TEXTUAL)


def _natives(file: GlancedFile) -> list[tuple[str, str]]:
    """The columns of a file, by the names that they are judged by, and their types."""
    if file.form == "csv":
        return [(name, "CSV") for name in file.columns]
    return list(zip(file.columns, file.types, strict=True))


def _cell(column: DeliveredColumn, held: Mapping[str, str]) -> str:
    """`column` of the delivery out of a file that holds these columns, by their types there."""
    if column.name not in held:
        return f'CAST(NULL AS {column.native if column.kind in AS_IT_IS else "VARCHAR"}) AS "{column.name}"'
    as_it_is = column.kind in AS_IT_IS or held[column.name] in PLAIN_TEXT
    return f'"{column.name}"' if as_it_is else _spelt(column.name, held[column.name])


def _spelt(name: str, native: str) -> str:
    """A column that is no text in its file, as text."""
    if native.startswith(("MAP", "STRUCT")) or native.endswith("]"):
        return f'CAST(to_json("{name}") AS VARCHAR) AS "{name}"'
    return f'CAST("{name}" AS VARCHAR) AS "{name}"'


def _kind(native: str, expected: str) -> Kind:
    """How values of a type are read where FOCUS expects another, or none: a time is no number, nor a number a time."""
    if native.endswith("]"):
        return "text"
    if NUMBERS.match(native):
        return "number" if expected in {"", "Decimal"} else "text"
    if native.startswith(("TIMESTAMP", "DATE")):
        return "time" if expected in {"", "Date/Time"} else "text"
    return "text"


def _reader(file: GlancedFile) -> str:
    path = file.path.replace("'", "''")
    if file.form == "parquet":
        return f"read_parquet('{path}')"
    columns = ", ".join("'" + name.replace("'", "''") + "': 'VARCHAR'" for name in file.columns)
    quoted = "true" if file.quotes_all else "false"
    return (
        f"read_csv('{path}', header=true, auto_detect=false, delim='{file.delimiter}', quote='\"', escape='\"', nullstr='',"
        f" allow_quoted_nulls={quoted}, max_line_size={2 * INPUT_FIELD_BYTES_MAX}, columns={{{columns}}})"
    )


def _uneven_row(file: GlancedFile) -> int | None:
    if file.form != "csv":
        return None
    from fiscus.stores.lake.input_files import inspect_file, uneven_row  # noqa: PLC0415  loads pyarrow: for a fault only

    return uneven_row(inspect_file(Path(file.path)))


def _first_line(broken: Exception) -> str:
    return str(broken).splitlines()[0]
