"""A delivery, or what stands in the lake, judged by a cluster: cost.conformance.ports.Desk over Spark.

The desk of DuckDB tells what the files are: their columns, types and rows. Parquet is asked where it lies; text is read once by
DuckDB, where it arrives, and written beside the files as Parquet that the cluster sees. Every question of a rule is Spark's: what
it cannot answer is an error, and never asked of DuckDB instead.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from fiscus.cost.conformance.types import DeliveredColumn
from fiscus.kernel.errors import BadConfig, BadInput, Where
from fiscus.kernel.rows import Rows
from fiscus.stores.lake.check_desk import CheckDesk
from fiscus.stores.lake.engine_address import EngineAddress, installed
from fiscus.stores.lake.half_open import HalfOpen
from fiscus.stores.lake.spark_lake import all_of, refusing
from fiscus.stores.lake.spark_session import connected
from fiscus.stores.lake.spark_sql import parsed, spark_sql

OF_A_LIST: Final = re.compile(r"\blen\(")  # in our SQL `len` is of a list, `length` of a text
ROW: Final = "x__row"
AS_IT_IS: Final = ("number", "time")


class SparkDesk(HalfOpen):
    """`desk` asked through `engine`. A context: what it wrote is gone afterwards."""

    def __init__(self, desk: CheckDesk, engine: EngineAddress) -> None:
        """Raises BadConfig where the packages of the engine are missing, or it is one that answers rules otherwise."""
        if engine.is_connect:
            raise BadConfig(
                f"engine {engine.url} cannot judge by the rules: Sail's min_by(x, y, n) gives one value and not n",
                remedy="Check with --engine duckdb, or on a Spark cluster; see docs/how-to/spark.md.",
            )
        installed(engine.url)
        self._desk, self._engine, self._opened = desk, engine, ExitStack()
        self._scratch: Path | None = None
        self._schema: dict[str, dict[str, str]] = {}
        self._session: Any = None

    def _open(self) -> None:
        self._opened.enter_context(self._desk)
        self._session = connected(self._engine)
        refusing(self._engine, self._lay_out)

    def _close(self) -> None:
        self._opened.close()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    @property
    def files(self) -> Sequence[Any]:
        return self._desk.files

    @property
    def columns(self) -> Sequence[DeliveredColumn]:
        return self._desk.columns

    @property
    def row_count(self) -> int:
        return self._desk.row_count

    @property
    def keeps_tables(self) -> bool:
        return False

    def query(self, sql: str) -> Rows:
        """One statement of ours, in Spark's words."""
        said = spark_sql(parsed(OF_A_LIST.sub("array_length(", sql)), None, self._schema)
        return refusing(self._engine, lambda: all_of(self._session.sql(said).toArrow()))

    def query_all(self, statements: Sequence[str]) -> Sequence[Rows]:
        """One after the other: the cluster divides each among its workers."""
        return [self.query(sql) for sql in statements]

    def place(self, row: int) -> str:
        return self._desk.place(row)

    def beside(self) -> frozenset[str]:
        return self._desk.beside()

    def columns_of(self, table: str) -> frozenset[str]:
        return self._desk.columns_of(table)

    def put_beside(self, name: str, path: Path) -> None:
        """Another dataset of the vendor: read here, asked there."""
        self._desk.put_beside(name, path)
        refusing(self._engine, lambda: self._show(name, self._written(name)))

    def _lay_out(self) -> None:
        in_place = self._desk.files[0].form == "parquet"
        self._show("delivery", self._in_place() if in_place else self._written("delivery"))

    def _show(self, name: str, frame: Any) -> None:
        frame.createOrReplaceTempView(name)
        self._schema[name] = dict(self._desk.types_of(name))

    def _written(self, table: str) -> Any:
        """A table of the desk, from a file that the cluster sees: beside the delivery."""
        beside = Path(self._desk.files[0].path).resolve().parent
        if self._scratch is None:
            try:
                self._scratch = Path(tempfile.mkdtemp(prefix=".fiscus-check-", dir=beside))
                self._scratch.chmod(0o755)  # the cluster may be another user
            except OSError as refused:
                raise BadInput(
                    f"The engine {self._engine.url} needs a folder beside the files: {refused.strerror}",
                    remedy="Check a copy where you may write and the cluster sees it, or check without --engine.",
                    where=Where(file=str(beside)),
                ) from None
        path = self._scratch / f"{table}.parquet"
        self._desk.write_out(table, path)
        return self._session.read.parquet(str(path))

    def _in_place(self) -> Any:
        """The files themselves, each row with its number over all of them."""
        paths = [str(Path(file.path).resolve()) for file in self._desk.files]
        start_of = dict(zip(paths, self._desk.starts, strict=True))
        read = self._session.read.option("mergeSchema", "true").option("__globPaths__", "false")
        frame = read.option("recursiveFileLookup", "true").parquet(*paths)
        lying = frame.selectExpr("*", "_metadata.file_path AS x__file", "_metadata.row_index AS x__index")
        seen = [row[0] for row in lying.select("x__file").distinct().collect()]
        starts = [(name, start_of[unquote(urlsplit(name).path)]) for name in seen]
        known = self._session.createDataFrame(starts, "x__file STRING, x__start BIGINT")
        whole = lying.join(known.hint("broadcast"), "x__file")
        kind_of = {column.name: column for column in self._desk.columns}
        there = {name.lower() for name in frame.columns}
        cells = [f"x__start + x__index AS {ROW}"]
        names = [name for name in self._desk.types_of("delivery") if name != ROW]
        cells += [_cell(name, kind_of.get(name), known=name.lower() in there) for name in names]
        return whole.selectExpr(*cells)


def _cell(name: str, column: DeliveredColumn | None, *, known: bool) -> str:
    """A column as DuckDB lays it out: what FOCUS calls text is text."""
    if column is None or not known:
        return f"CAST(NULL AS STRING) AS `{name}`"
    if column.kind in AS_IT_IS or column.native == "VARCHAR":
        return f"`{name}`"
    if column.native.startswith(("MAP", "STRUCT")) or column.native.endswith("]"):
        return f"to_json(`{name}`, map('ignoreNullFields', 'false')) AS `{name}`"
    if column.native in {"DOUBLE", "FLOAT", "BLOB"} or column.native.startswith("TIMESTAMP"):
        raise BadInput(
            f"{name} is {column.native} where FOCUS has text: the engine writes it otherwise",
            remedy="Check it without --engine.",
        )
    return f"CAST(`{name}` AS STRING) AS `{name}`"
