"""The embedded lake: Delta tables in a folder or a bucket, read by DuckDB. Implements cost.ports.Lake."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.exceptions import DeltaError

from fiscus.cost.allocation.types import AllocationKept
from fiscus.cost.books.types import ClosedMonth
from fiscus.cost.books.views import CLOSES, REPORTED, book_views_sql
from fiscus.cost.currency.types import DayRate, Reporting
from fiscus.cost.currency.views import rate_views_sql
from fiscus.cost.datasets.views import dataset_views_sql
from fiscus.cost.focus_names import FocusVersion
from fiscus.cost.marketplaces.types import CellCounts
from fiscus.cost.marketplaces.views import once_views_sql
from fiscus.cost.types import LakeVersion, SourceFreshness
from fiscus.cost.version_views import version_views_sql
from fiscus.cost.views import (
    allocation_views_sql,
    assignment_keys_sql,
    assignments_sql,
    bare_charges_sql,
    charges_sql,
    file_names,
    lake_charges_sql,
)
from fiscus.kernel.canonical import digest
from fiscus.kernel.errors import FiscusError, IntegrityBroken, NotFound, Unavailable, Where
from fiscus.kernel.progress import Progress
from fiscus.kernel.rows import Query, Rows, Table
from fiscus.stores.lake.allocation_table import append_runs, newest_scopes
from fiscus.stores.lake.answers_kept import AnswersKept
from fiscus.stores.lake.delivery_staging import SETTINGS, DeliveryStaging, Stood
from fiscus.stores.lake.input_files import find_files, inspect_file, without_copies
from fiscus.stores.lake.object_files import brought
from fiscus.stores.lake.owned_mark import UNASSIGNED, is_whole, mark_whole
from fiscus.stores.lake.people_sql import Asked, PeopleSql
from fiscus.stores.lake.places import FolderPlace, Place, TableAt, fault_in
from fiscus.stores.lake.placing import sweep
from fiscus.stores.lake.rate_table import write_rates
from fiscus.stores.lake.reported import OWNERS, owners_at, reported_at
from fiscus.stores.lake.same_spend_table import same_spend_table, seen_in
from fiscus.stores.lake.tables import source_lock, whole_table_digest, write_whole_table
from fiscus.stores.lake.views_asked import ViewsAsked
from fiscus.stores.lake.write_out import write_out

FOLDERS = tuple(field.name for field in fields(LakeVersion))  # a table each, in a folder of the lake
FRESHNESS = """
SELECT
    x_SourceId, max(ChargePeriodEnd) FILTER (ChargeCategory = 'Usage') AS usage_until, count(*) AS charges,
    list_sort(list(DISTINCT x_BillingMonth)) AS months
FROM lake_charges GROUP BY x_SourceId ORDER BY x_SourceId"""


class DeltaLake:
    """One lake. Thread-safe: each question has the connection alone.

    DuckDB starts with the first question: a command that asks the lake nothing does not wait for it.
    """

    def __init__(self, place: Path | Place, promoted: Sequence[str] = ()) -> None:
        """`place`: a folder, or where else it is."""
        self._place = FolderPlace(place) if isinstance(place, Path) else place
        self._promoted = tuple(promoted)
        self._lock = threading.RLock()
        self._db: duckdb.DuckDBPyConnection | None = None
        self._asked: ViewsAsked | None = None
        self._answers = AnswersKept()
        self._people = PeopleSql(self._place.attach)
        self._schemas: dict[str, Mapping[str, str]] = {}  # file -> column -> type
        self._read: tuple[LakeVersion, Mapping[str, TableAt]] | None = None
        self._version = LakeVersion(-2, -2)
        self.refresh()

    @property
    def root(self) -> Path:
        """Its folder on this machine: the lake itself, or what is kept beside a bucket."""
        return self._place.aside

    def version(self) -> LakeVersion:
        """The version that reads see."""
        return self._version

    def refresh(self) -> LakeVersion:
        """See what was committed since."""
        with self._lock:
            version = LakeVersion(*self._place.versions(FOLDERS))
            if version != self._version:
                self._version = version
                self._close_views()
                self._answers.forget()
            return version

    def query(self, sql: str, params: Mapping[str, object] | None = None) -> Rows:
        """Our own SQL at the version that `refresh` last saw."""
        with self._lock, self._told():
            return self._answers.answer(sql, params, lambda: _all_of(self._opened().execute(sql, params)))

    def forget_answers(self) -> None:
        """Ask the files again: for who measures how long that takes."""
        with self._lock:
            self._answers.forget()

    def ask(
        self,
        sql: str,
        params: Mapping[str, object] | None = None,
        *,
        rows_max: int | None = None,
        focus: FocusVersion | None = None,
        beside: Mapping[str, Table] | None = None,
    ) -> Rows:
        """SQL from a person, in a connection of its own that can reach the lake's files and nothing else."""
        version = self.refresh()
        whole = is_whole(self._place, version)

        def opening() -> tuple[list[str], list[str]]:
            views = self.view_statements(version) + version_views_sql(self._promoted, focus, whole=whole)
            return views, self._files(version)

        asked = Asked(sql, params or {}, rows_max, beside or {})
        with self._told():
            return self._people.ask(f"{version} {focus} {whole}", opening, asked)

    def write_out(self, query: Query, path: Path, form: Literal["csv", "parquet"]) -> None:
        """Our own SQL to a file, on a connection of its own: a long export keeps nobody waiting."""
        with self._lock:
            statements = self.view_statements(self._version)
        connection = duckdb.connect()  # a DuckDB of its own: an export is held to a limit of memory
        connection.execute(SETTINGS)
        self._place.attach(connection)
        try:
            with self._told():
                ViewsAsked(connection, statements).open_for(query.sql)
                write_out(connection, query, path, form)
        finally:
            connection.close()

    def query_at(self, version: LakeVersion, sql: str, params: Mapping[str, object] | None = None) -> Rows:
        """Our own SQL on an earlier version: what was reported can be asked again."""
        try:
            statements = self.view_statements(version)
        except DeltaError as gone:
            remedy = "Its files were cleaned away; ask a newer version."
            raise NotFound(f"The lake has no version {version}: {str(gone).splitlines()[0]}", remedy=remedy) from None
        connection = self._connected()
        try:
            with self._told():
                return _all_of(ViewsAsked(connection, statements).execute(sql, params))
        finally:
            connection.close()

    def freshness(self) -> Sequence[SourceFreshness]:
        """Until when each source has landed."""
        rows: Sequence[Any] = self.query(FRESHNESS).rows
        return [SourceFreshness(source, until, count, tuple(months)) for source, until, count, months in rows]

    @contextmanager
    def stage(self, paths: Sequence[Path], source: str, progress: Progress) -> Iterator[DeliveryStaging]:
        """A staging for one delivery of `source`; the second of two at once waits."""
        root = self._place.aside
        found = find_files(brought(paths, root / "_objects" / source))
        files = []
        for number, path in enumerate(found):
            files.append(inspect_file(path))
            progress.step(number + 1, len(found))
        root.mkdir(parents=True, exist_ok=True)
        with source_lock(root, source):
            sweep(self._place)
            version = self.refresh()
            connection = self._connected()
            views, tables = ViewsAsked(connection, self._stored_statements(version)), self._tables(version).items()
            stood = {folder: table.files for folder, table in tables if getattr(version, folder, -1) >= 0}
            staging = DeliveryStaging(
                self._place, source, without_copies(files), Stood(connection, views, stood, version)
            )
            try:
                with self._told():
                    yield staging
            except (OSError, duckdb.IOException, DeltaError) as failed:
                raise self._unwritten(failed) from failed
            finally:
                staging.discard()
                connection.close()
        self.refresh()

    def assignment_keys(self, sql: str, params: Mapping[str, object] | None = None) -> Rows:
        """The ownership room's SQL over `assignment_keys`; a hash collision is refused, never assigned."""
        self.refresh()
        with self._lock:
            views = self._opened()
            views.execute("CREATE OR REPLACE TEMP TABLE keys_now AS SELECT * FROM assignment_keys")
            collided = views.execute("SELECT x_AssignmentKey FROM keys_now WHERE variants > 1 LIMIT 1").fetchone()
            if collided:
                raise IntegrityBroken(
                    f"Two different resources share the assignment key {collided[0]}",
                    remedy="Report it: a hash collided.",
                )
            rows = _all_of(views.execute(sql, params))
            views.execute("DROP TABLE keys_now")
            return rows

    def write_assignments(self, rows: Rows, rules_digest: str) -> LakeVersion:
        """Replace the assignments; equal content writes nothing."""
        ordered = sorted(rows.rows)  # type: ignore[type-var]
        content = digest([rules_digest, rows.columns, [[str(value) for value in row] for row in ordered]])
        if ordered and whole_table_digest(self._place.table("assignments")) != content:
            types = [pa.int64() if name == "x_AssignmentKey" else pa.string() for name in rows.columns]
            columns = [pa.array([row[n] for row in ordered], kind) for n, kind in enumerate(types)]
            write_whole_table(self._place.table("assignments"), pa.table(columns, names=list(rows.columns)), content)
        version = self.refresh()
        if ordered and not is_whole(self._place, version) and not self.query(UNASSIGNED).rows:
            mark_whole(self._place, version)
            with self._lock:
                self._close_views()  # they join otherwise now
        return version

    def write_closes(self, closes: Sequence[ClosedMonth]) -> LakeVersion:
        """Replace the closed months; equal content writes nothing."""
        ordered = sorted(
            (one.source, one.billing_month, one.charges_version, one.kind, one.assignments_version) for one in closes
        )
        table, content = self._place.table("closes"), digest(ordered)
        if whole_table_digest(table) != content and (ordered or self.refresh().closes >= 0):
            kinds = [pa.string(), pa.string(), pa.int64(), pa.string(), pa.int64()]
            columns = [pa.array([row[n] for row in ordered], kind) for n, kind in enumerate(kinds)]
            write_whole_table(table, pa.table(columns, names=[name for name, _ in CLOSES]), content)
        return self.refresh()

    def write_same_spend(self, cells: Sequence[CellCounts]) -> LakeVersion:
        """Replace what is counted once; equal content writes nothing."""
        table, rows = self._place.table("same_spend"), same_spend_table(cells)
        content = digest([list(row.values()) for row in rows.to_pylist()])
        if whole_table_digest(table) != content and (cells or self.refresh().same_spend >= 0):
            write_whole_table(table, rows, content)
        return self.refresh()

    def write_allocations(self, runs: Sequence[AllocationKept]) -> LakeVersion:
        """Append allocation runs; nothing that was kept is changed."""
        append_runs(self._place, "allocations", runs, self._version.allocations)
        return self.refresh()

    def write_rates(self, rates: Sequence[DayRate], reporting: Reporting) -> LakeVersion:
        """Replace the rates; equal content writes nothing."""
        write_rates(self._place.table("rates"), rates, reporting)
        return self.refresh()

    def _tables(self, version: LakeVersion) -> Mapping[str, TableAt]:
        """Each table by its folder; the version asked last is kept: reading a log takes longer than most questions."""
        kept = self._read
        if kept is None or kept[0] != version:
            tables = {folder: self._place.table(folder).at(getattr(version, folder)) for folder in FOLDERS}
            tables[REPORTED] = reported_at(self._place, tables["charges"], tables["closes"])
            tables |= {f"{OWNERS}{at}": table for at, table in owners_at(self._place, tables["closes"]).items()}
            kept = self._read = (version, tables)
        return kept[1]

    def _files(self, version: LakeVersion) -> list[str]:
        return [*dict.fromkeys(file for table in self._tables(version).values() for file in table.files)]

    def _stored_statements(self, version: LakeVersion) -> list[str]:
        """The views of what is stored: all that a delivery is held against."""
        tables = self._tables(version)
        charges = tables["charges"].files
        return [
            lake_charges_sql(self._alike(charges)),
            *dataset_views_sql({folder: table.files for folder, table in tables.items()}),
        ]

    def view_statements(self, version: LakeVersion) -> list[str]:
        """The lake's views at one version, as DuckDB's SQL over its files, each after those that it reads."""
        tables = self._tables(version)
        charges, assignments, allocations = tables["charges"], tables["assignments"], tables["allocations"].files
        whole, source = is_whole(self._place, version), self._place.source
        return [
            *self._stored_statements(version),
            assignments_sql(assignments.files),
            bare_charges_sql(
                self._somewhere(charges.files), self._promoted, everywhere=self._everywhere(charges.files)
            ),
            charges_sql(whole=whole),
            assignment_keys_sql(),
            *once_views_sql(
                tables["same_spend"].files, seen_in([*map(source, tables["same_spend"].files)]), whole=whole
            ),
            *book_views_sql(
                tables["closes"].files,
                self._alike(tables[REPORTED].files) if tables["closes"].files else None,
                self._somewhere(tables[REPORTED].files if tables["closes"].files else ()),
                self._promoted,
                {int(name.removeprefix(OWNERS)): at.files for name, at in tables.items() if name.startswith(OWNERS)},
            ),
            *allocation_views_sql(allocations, newest_scopes([*map(source, allocations)]), self._promoted),
            *rate_views_sql(file_names(tables["rates"].files)),
        ]

    def _schemas_of(self, files: Sequence[str]) -> Sequence[Mapping[str, str]]:
        """Column -> type of each file. Each footer is read once: a file never changes under its name."""
        for file in files:
            if file not in self._schemas:
                self._schemas[file] = {
                    field.name: str(field.type) for field in pq.read_schema(self._place.source(file))
                }
        return [self._schemas[file] for file in files]

    def _alike(self, files: Sequence[str]) -> Sequence[Sequence[str]]:
        """Files of the same columns and types, in the same order, together."""
        groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
        for file, schema in zip(files, self._schemas_of(files), strict=True):
            groups.setdefault(tuple(schema.items()), []).append(file)
        return [*groups.values()]

    def _somewhere(self, files: Sequence[str]) -> frozenset[str]:
        """The columns that some file has. The table may know more: of a delivery that died between its columns and its rows."""
        return frozenset[str]().union(*self._schemas_of(files))

    def _everywhere(self, files: Sequence[str]) -> frozenset[str]:
        """The columns that every file has."""
        schemas = self._schemas_of(files)
        return frozenset(schemas[0]).intersection(*schemas[1:]) if schemas else frozenset()

    def _close_views(self) -> None:
        """The next question opens those of the version that reads see then. The caller holds the lock."""
        if self._asked is not None:
            self._asked.drop()
        self._asked = None

    def _connected(self) -> duckdb.DuckDBPyConnection:
        connection = self._place.connected()
        connection.execute(SETTINGS)
        return connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What goes wrong with the store while DuckDB reads it is said as that."""
        try:
            yield
        except (duckdb.Error, FiscusError) as failed:
            if fault := fault_in(failed):
                raise self._unread(fault) from failed
            raise

    def _unread(self, fault: str) -> Unavailable:
        remedy = "Check the network, the bucket and the rights to it, and ask again."
        return Unavailable(f"The lake cannot be read: {fault}", remedy=remedy, where=Where(file=self._place.shown))

    def _unwritten(self, failed: Exception) -> Unavailable:
        return Unavailable(
            f"The lake cannot be written: {str(failed).splitlines()[0][:200]}",
            remedy="Free space on its disk or mend its rights, and deliver again; the lake is as it was.",
            where=Where(file=self._place.shown),
        )

    def _opened(self) -> ViewsAsked:
        """The views of the version that reads see. The caller holds the lock."""
        if self._db is None:
            self._db = self._connected()
            self._db.execute("SET parquet_metadata_cache=true")  # safe: a table's files never change under their name
        if self._asked is None:
            self._asked = ViewsAsked(self._db, self.view_statements(self._version))
        return self._asked


def _all_of(cursor: duckdb.DuckDBPyConnection) -> Rows:
    return Rows(tuple(column[0] for column in cursor.description or ()), tuple(cursor.fetchall()))
