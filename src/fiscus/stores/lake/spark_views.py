"""The lake's views on Spark, made from the SQL that they have in DuckDB. One is made when something first reads it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlglot import exp

from fiscus.kernel.errors import BadQuery
from fiscus.kernel.rows import Table
from fiscus.stores.lake.spark_sql import parsed, spark_sql
from fiscus.stores.lake.views_asked import STATEMENT

ESCAPED: Final = re.compile(r"\[([*?[])\]")
PARTITION: Final = "/x_SourceId="
PLACE: Final = re.compile(r"/(x_\w+)=([^/]*)")


class SparkViews:
    """The views of one version in one session. Not thread-safe: its lake asks one thing at a time."""

    def __init__(
        self, session: Any, statements: Sequence[str], spelt: Callable[[str], str] = str, *, connect: bool = False
    ) -> None:
        """`statements`: CREATE OR REPLACE VIEW in DuckDB's dialect; the last of a name counts. `spelt`: a file as the cluster
        names it. `connect`: a server of Sail.
        """
        self._session, self._spelt, self._connect = session, spelt, connect
        self._texts = {found[1]: found[2] for text in statements if (found := STATEMENT.fullmatch(text)) is not None}
        assert self._texts, "a lake has views"
        self._schema: dict[str, dict[str, str]] = {}

    def frame(self, sql: str, params: Mapping[str, object] | None, beside: Mapping[str, Table] | None = None) -> Any:
        """The lazy answer of `sql`. Raises BadQuery for what Spark cannot run; a driver's error for what it refuses."""
        return self._session.sql(self.text(sql, params, beside))

    def text(self, sql: str, params: Mapping[str, object] | None, beside: Mapping[str, Table] | None = None) -> str:
        """The SQL that Spark is given. Views alone are read: a file, or a table of the cluster's own, is out of reach."""
        query = parsed(sql)
        for name, table in (beside or {}).items():
            self._put(name, table)
        named = {cte.alias_or_name.lower() for cte in query.find_all(exp.CTE)}
        for table in query.find_all(exp.Table):
            if isinstance(table.this, exp.Identifier):
                self._need(table, named)
        return spark_sql(query, params, self._schema)

    def interrupt(self) -> None:
        """Stop what is being asked."""
        self._session.interruptAll()

    def _need(self, table: exp.Table, named: set[str]) -> None:
        known = {name.lower(): name for name in (*self._texts, *self._schema)}
        name = known.get(table.name.lower())
        if table.args.get("db") or (name is None and table.name.lower() not in named):
            raise BadQuery(
                f"{table.sql(dialect='duckdb')[:60]} cannot be read",
                remedy="The views are in docs/reference/charges.md; files and settings are out of reach.",
            )
        if name is not None and name not in self._schema:
            self._make(name)

    def _make(self, name: str) -> None:
        query = parsed(self._texts[name])
        for number, table in enumerate(list(query.find_all(exp.Table))):
            if isinstance(table.this, exp.ReadParquet | exp.Anonymous) and table.this.name.lower() in {
                "",
                "read_parquet",
            }:
                alias = table.args.get("alias")
                files = self._files(f"{name}_files_{number}", table.this)
                table.replace(exp.Table(this=exp.to_identifier(files), alias=alias))
            else:
                self._need(table, {cte.alias_or_name.lower() for cte in query.find_all(exp.CTE)})
        self._keep(name, self._session.sql(spark_sql(query, None, self._schema)))

    def _files(self, name: str, reader: exp.Expression) -> str:
        """The Parquet files that DuckDB's reader names, united by name."""
        arguments = reader.expressions
        paths = [self._spelt(ESCAPED.sub(r"\1", item.name)) for item in arguments[0].expressions]
        frame = self._session.read.option("mergeSchema", "true").option("__globPaths__", "false")
        if PARTITION not in paths[0]:
            self._keep(name, frame.parquet(*paths))
        elif self._connect:
            self._keep(name, _by_place(frame, paths))
        else:
            self._keep(name, frame.option("basePath", paths[0].partition(PARTITION)[0]).parquet(*paths))
        return name

    def _put(self, name: str, table: Table) -> None:
        """A table that is known here, as constants."""
        columns = ", ".join(f'{_constant(kind)} AS "{column}"' for column, kind in table.columns)
        empty = self._session.sql(spark_sql(parsed(f"SELECT {columns} WHERE false"), None, {}))
        self._keep(name, self._session.createDataFrame([tuple(row) for row in table.rows], empty.schema))

    def _keep(self, name: str, frame: Any) -> None:
        frame.createOrReplaceTempView(name)
        self._schema[name] = {field.name: _type(field.dataType) for field in frame.schema.fields}


def _by_place(reader: Any, paths: Sequence[str]) -> Any:
    """Sail learns no column from the folder of a file that is named: each place is read, and told what it is."""
    from pyspark.sql.functions import lit  # noqa: PLC0415  an extra

    places: dict[str, list[str]] = {}
    for path in paths:
        places.setdefault(path.rpartition("/")[0], []).append(path)
    whole: Any = None
    for place, files in places.items():
        part = reader.parquet(*files)
        for name, value in PLACE.findall(place):
            part = part.withColumn(name, lit(value))
        whole = part if whole is None else whole.unionByName(part, allowMissingColumns=True)
    return whole


def _constant(kind: str) -> str:
    return f"CAST(NULL AS {kind})"


def _type(kind: Any) -> str:
    """A type of Spark in DuckDB's words."""
    text = str(kind.simpleString())
    text = {"timestamp": "TIMESTAMPTZ", "void": "NULL"}.get(text, text)
    return exp.DataType.build(text, dialect="spark").sql(dialect="duckdb")
