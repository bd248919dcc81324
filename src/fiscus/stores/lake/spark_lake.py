"""The lake asked through Spark: the same Delta tables, the same SQL, a cluster's memory. Implements cost.ports.Lake.

Bills are written as the embedded lake writes them; every question runs on Spark. What Spark cannot answer is refused: nothing
is asked of the other engine in its place.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import duckdb
from deltalake.exceptions import DeltaError

from fiscus.cost.focus_names import FocusVersion
from fiscus.cost.types import LakeVersion
from fiscus.cost.version_views import version_views_sql
from fiscus.kernel.errors import BadQuery, FiscusError, IntegrityBroken, LimitExceeded, NotFound, Unavailable
from fiscus.kernel.limits import QUERY_CELLS_MAX, QUERY_SECONDS_MAX
from fiscus.kernel.rows import Rows, Table
from fiscus.stores.lake.delta_lake import DeltaLake
from fiscus.stores.lake.engine_address import EngineAddress
from fiscus.stores.lake.places import Place
from fiscus.stores.lake.spark_session import connected, is_gone
from fiscus.stores.lake.spark_views import SparkViews

COLLIDED = "SELECT x_AssignmentKey FROM assignment_keys WHERE variants > 1 LIMIT 1"


class SparkLake(DeltaLake):
    """One lake on a folder that the cluster's machines see too. Thread-safe: one question at a time."""

    def __init__(self, place: Path | Place, promoted: Sequence[str], engine: EngineAddress) -> None:
        self._engine = engine
        self._asking = threading.RLock()
        self._views: tuple[object, SparkViews] | None = None
        super().__init__(place, promoted)

    def query(self, sql: str, params: Mapping[str, object] | None = None) -> Rows:
        """Our own SQL at the version that `refresh` last saw."""
        with self._asking:
            return self._answer(lambda: self._at(self.version()).frame(sql, params))

    def query_at(self, version: LakeVersion, sql: str, params: Mapping[str, object] | None = None) -> Rows:
        """Our own SQL on an earlier version."""
        with self._asking:
            try:
                views = self._at(version)
            except DeltaError as gone:
                remedy = "Its files were cleaned away; ask a newer version."
                raise NotFound(
                    f"The lake has no version {version}: {str(gone).splitlines()[0]}", remedy=remedy
                ) from None
            return self._answer(lambda: views.frame(sql, params))

    def ask(
        self,
        sql: str,
        params: Mapping[str, object] | None = None,
        *,
        rows_max: int | None = None,
        focus: FocusVersion | None = None,
        beside: Mapping[str, Table] | None = None,
    ) -> Rows:
        """SQL from a person: a SELECT over the views alone, of functions that both engines have; bounded in time and size."""
        version = self.refresh()
        with self._asking:
            views = self._at(version, focus)
            frame = self._refusing(lambda: views.frame(sql, params, beside))
            bound = QUERY_CELLS_MAX // max(len(frame.columns), 1)
            limit = bound + 1 if rows_max is None else min(rows_max, bound + 1)
            answer = self._in_time(views, lambda: frame.limit(limit))
        if len(answer) > bound:
            raise LimitExceeded(
                f"The answer has more than {QUERY_CELLS_MAX:,} cells", remedy="Choose columns, filter or group."
            )
        return answer

    def assignment_keys(self, sql: str, params: Mapping[str, object] | None = None) -> Rows:
        """The ownership room's SQL over `assignment_keys`; a hash collision is refused, never assigned."""
        self.refresh()
        collided = self.query(COLLIDED).rows
        if collided:
            raise IntegrityBroken(
                f"Two different resources share the assignment key {collided[0][0]}",
                remedy="Report it: a hash collided.",
            )
        return self.query(sql, params)

    def explain(self, sql: str, params: Mapping[str, object] | None = None) -> str:
        """The SQL that Spark is given for `sql`."""
        with self._asking:
            return self._at(self.version()).text(sql, params)

    def _alike(self, files: Sequence[str]) -> Sequence[Sequence[str]]:
        """All together: Spark unites files by name as it reads them."""
        return [files] if files else []

    def _opened(self) -> NoReturn:
        """No question of this lake is DuckDB's."""
        raise AssertionError(f"engine {self._engine.url}: a question was put to the embedded engine")

    def _at(self, version: LakeVersion, focus: FocusVersion | None = None) -> SparkViews:
        """The views of one version; those asked last are kept."""
        key = (version, focus)
        if self._views is None or self._views[0] != key:
            statements = self.view_statements(version) + version_views_sql(self._promoted, focus)
            self._views = (key, self._views_of(statements))
        return self._views[1]

    def _views_of(self, statements: Sequence[str]) -> SparkViews:
        session = connected(self._engine)
        return SparkViews(session, statements, self._place.clustered, connect=self._engine.is_connect)

    def _answer(self, frame: Any) -> Rows:
        return self._refusing(lambda: all_of(frame().toArrow()))

    def _in_time(self, views: SparkViews, frame: Any) -> Rows:
        late = threading.Event()

        def stop() -> None:
            late.set()
            views.interrupt()

        timer = threading.Timer(QUERY_SECONDS_MAX, stop)
        timer.start()
        try:
            return self._answer(frame)
        except FiscusError:
            if late.is_set():
                raise LimitExceeded(
                    f"The query ran longer than {QUERY_SECONDS_MAX} s", remedy="Narrow it by x_BillingMonth."
                ) from None
            raise
        finally:
            timer.cancel()
            timer.join()

    def _refusing(self, asked: Any) -> Any:
        try:
            return refusing(self._engine, asked)
        except Unavailable:
            self._views = None
            raise


def refusing(engine: EngineAddress, asked: Any) -> Any:
    """What the driver says, in our words: a query that cannot be, or a cluster that is gone."""
    try:
        return asked()
    except (FiscusError, duckdb.Error):
        raise
    except Exception as failed:  # py4j's, gRPC's and Spark's errors have no ancestor of their own
        line = next((text for text in str(failed).splitlines() if text.strip()), type(failed).__name__)[:300]
        if is_gone(failed):
            raise Unavailable(
                f"The engine {engine.url} does not answer: {line}",
                remedy="Start the cluster again; nothing was asked of another engine.",
            ) from failed
        raise BadQuery(
            line, remedy="The columns of `charges` are in docs/reference/charges.md; see docs/how-to/spark.md."
        ) from failed


def all_of(table: Any) -> Rows:
    """An Arrow table as rows."""
    columns = [column.to_pylist(maps_as_pydicts="strict") for column in table.columns]
    return Rows(tuple(table.column_names), tuple(zip(*columns, strict=True)))
