"""One delivery on its way in: files become Parquet beside the table, and one commit makes them the lake's.

Until the commit nothing refers to what is written, so a crash leaves files that no reader sees. Scratch is swept by the next
staging of the source; Parquet files already placed beside the table, a day later (placing.py).
"""

from __future__ import annotations

import shutil
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from fiscus.cost.books.views import UNMATCHED_REVERSALS
from fiscus.cost.datasets.types import TABLES
from fiscus.cost.focus_names import Dataset
from fiscus.cost.types import (
    Delivery,
    FilePlan,
    InputFile,
    LakeVersion,
    PeriodWritten,
    StagedMonth,
)
from fiscus.kernel.errors import BadInput, LimitExceeded, Where
from fiscus.kernel.limits import INPUT_COMPARED_ROWS_MAX
from fiscus.stores.lake.delivery_manifest import read_manifest, write_manifest
from fiscus.stores.lake.input_files import refuse_changed, refused_in_reading
from fiscus.stores.lake.places import Place
from fiscus.stores.lake.placing import Moving, named, noted, refuse_given_up
from fiscus.stores.lake.raw_relation import REPEATED, numbered, quoted_path, raw_rows
from fiscus.stores.lake.tables import Placed, Replacing, replace_partitions, standing_files
from fiscus.stores.lake.views_asked import ViewsAsked

SETTINGS = "SET TimeZone='UTC'; SET preserve_insertion_order=false; SET enable_progress_bar=false;"
PARQUET = "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880"
LONG, FAULT = "x__long", "x__fault"
# A marked row ends the statement: nothing is written to be thrown away, and no second pass looks for marks.
STOPPED_BY_MARKS = f"""
SELECT * EXCLUDE ({FAULT}, {LONG}, x_BillingMonth) REPLACE (CASE WHEN {LONG} THEN CAST(error('{LONG}') AS VARCHAR)
    WHEN {FAULT} THEN CAST(error('{FAULT}') AS VARCHAR) ELSE x_DeliveryId END AS x_DeliveryId)
FROM ({{select}})"""
MIXED = """
SELECT BillingAccountId, min(BillingCurrency), max(BillingCurrency) FROM {relation}
GROUP BY BillingAccountId, InvoiceIssuerName, BillingPeriodStart HAVING count(DISTINCT BillingCurrency) > 1 LIMIT 1"""
# The plan of a hundred columns' checks and casts is as its author wrote it: DuckDB takes longer to look for a better one than to
# read a bill of this size by it (measured: 0.84 s against 0.31 s for a month in Parquet, 1.07 s against 0.98 s for 47 MB of CSV).
PLANNED_AS_WRITTEN_BYTES = 32 * 2**20
SAME_KEY = """
SELECT {columns} FROM read_parquet([{names}]) WHERE {known} GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL LIMIT 1"""


@dataclass(frozen=True, slots=True)
class Stood:
    """What a delivery is held against: the lake's views in a connection of its own, and the files of each table by its folder."""

    connection: duckdb.DuckDBPyConnection
    views: ViewsAsked
    files: Mapping[str, Sequence[str]]
    version: LakeVersion


class DeliveryStaging:
    """cost.ports.Staging over DuckDB and a folder on this machine, beside the lake."""

    def __init__(
        self,
        place: Place,
        source: str,
        given: tuple[Sequence[InputFile], Sequence[str]],
        stood: Stood,
        dataset: Dataset = "cost_and_usage",
        folder: Path | None = None,
    ) -> None:
        self._place, self._source = place, source
        self._kind = TABLES[dataset]
        self._files, self._copies = tuple(given[0]), tuple(given[1])
        self._stood, root = stood, place.aside
        self._mine = threading.local()  # a cursor for each thread that loads
        if folder is None:
            for killed in (root / "_staging").glob(f"{source}~*"):  # the source's lock is held: nobody is at work there
                shutil.rmtree(killed, ignore_errors=True)
        self._folder = folder or root / "_staging" / f"{source}~{uuid.uuid4().hex}"
        self._folder.mkdir(parents=True)
        self._checked = False  # whether any plan was yet
        # By the first file of its plan: Parquet files of one month each, in a folder x_BillingMonth=...
        self._pieces: dict[str, list[Path]] = {}

    @property
    def files(self) -> Sequence[InputFile]:
        return self._files

    @property
    def copies(self) -> Sequence[str]:
        return self._copies

    def part(self, dataset: Dataset, files: Sequence[InputFile]) -> DeliveryStaging:
        """The staging of those files of the delivery that are of one dataset."""
        return DeliveryStaging(self._place, self._source, (files, ()), self._stood, dataset, self._folder / dataset)

    @property
    def _db(self) -> duckdb.DuckDBPyConnection:
        cursor: duckdb.DuckDBPyConnection | None = getattr(self._mine, "cursor", None)
        if cursor is None:
            cursor = self._mine.cursor = self._stood.connection.cursor()
            cursor.execute(SETTINGS)
        return cursor

    def discard(self) -> None:
        """Remove the scratch space; harmless after a commit."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def landed(self, source: str, delivery_id: str) -> Delivery | None:
        """The delivery of this id, if every partition that it wrote still is as it wrote it."""
        if not self._stands or (delivery := read_manifest(self._place, delivery_id)) is None:
            return None
        sql = f"SELECT x_BillingMonth, x_DeliveryId, count(*) FROM {self._kind.view} WHERE x_SourceId = $source GROUP BY ALL"
        standing = {
            (month, str(identity)): rows
            for month, identity, rows in self._stood.views.execute(sql, {"source": source}).fetchall()
        }
        whole = all(standing.get((p.billing_month, delivery_id)) == p.rows for p in delivery.periods)
        return delivery if whole and delivery.source == source else None

    def load(self, plan: FilePlan) -> int | None:
        """Convert files of one shape to a piece; refuse them with the place of the first fault. None: needs the exact plan."""
        piece = self._folder / f"{uuid.uuid4().hex}.parquet"
        self._db.execute(plan.prelude)
        select = plan.select.replace(" FROM input)", f" FROM {raw_rows(plan.files)})", 1)
        try:
            with self._planned_for(plan):
                self._db.execute(
                    f"COPY ({STOPPED_BY_MARKS.format(select=select)}) TO '{quoted_path(piece)}' ({PARQUET})"
                )
        except duckdb.OutOfMemoryException as large:
            raise LimitExceeded(
                f"The delivery needs more memory than there is: {str(large).splitlines()[0][:200]}",
                remedy="Deliver its files in several calls, a month each.",
                where=Where(file=plan.file.path),
            ) from None
        except duckdb.Error as broken:
            refuse_changed(plan.files)
            if str(broken).endswith(LONG):
                piece.unlink(missing_ok=True)
                return None
            if str(broken).endswith(FAULT):
                raise self._first_fault(plan) from None
            if str(self._folder) in str(broken):
                raise  # not the bill's fault: the lake could not be written
            raise refused_in_reading(plan.files, str(broken)) from None
        refuse_changed(plan.files)
        rows = int(pq.read_metadata(piece).num_rows)
        self._by_month(piece, plan)
        return rows

    @contextmanager
    def _planned_for(self, plan: FilePlan) -> Iterator[None]:
        small = sum(file.size_bytes for file in plan.files) <= PLANNED_AS_WRITTEN_BYTES
        self._db.execute(f"PRAGMA {'disable' if small else 'enable'}_optimizer")
        try:
            yield
        finally:
            self._db.execute("PRAGMA enable_optimizer")

    def check(self, plan: FilePlan) -> None:
        """Refuse a billing account in two currencies and a row that stands twice, over all plans checked so far."""
        if not self._pieces[plan.file.path]:
            return  # a header alone
        if self._kind.key:
            self._refuse_same_key(plan)
            return
        mixed = self._db.execute(MIXED.format(relation=self._currencies_with(plan))).fetchone()
        if mixed:
            raise self._mixed_currency(plan, *mixed)

    def _refuse_same_key(self, plan: FilePlan) -> None:
        key = self._kind.key
        names = ", ".join(f"'{quoted_path(piece)}'" for piece in self._all())
        known = " AND ".join(f"{name} IS NOT NULL" for name in key)
        twice = self._db.execute(SAME_KEY.format(columns=", ".join(key), names=names, known=known)).fetchone()
        if twice:
            said = ", ".join(f"{name} {value}" for name, value in zip(key, twice, strict=True))
            raise BadInput(
                f"Two rows of the delivery are the same: {said}",
                remedy="Each stands once; leave out the file or the row that repeats it.",
                where=Where(file=plan.file.path, column=key[-1]),
            )

    def _by_month(self, piece: Path, plan: FilePlan) -> None:
        """`piece` as files of one month each. One that holds a single month is that file already: it is not written twice."""
        months = [
            str(month)
            for (month,) in self._db.execute(
                f"SELECT DISTINCT {self._kind.month} FROM '{quoted_path(piece)}'"
            ).fetchall()
        ]
        made = []
        for month in sorted(months):
            folder = self._folder / f"x_BillingMonth={month}"
            folder.mkdir(exist_ok=True)
            target = folder / piece.name
            if len(months) == 1:
                piece.rename(target)
            else:
                rows = f"SELECT * FROM '{quoted_path(piece)}' WHERE {self._kind.month} = '{month}'"
                self._db.execute(f"COPY ({rows}) TO '{quoted_path(target)}' ({PARQUET})")
            made.append(target)
        piece.unlink(missing_ok=True)
        self._pieces[plan.file.path] = made

    def _all(self) -> list[Path]:
        return [piece for pieces in self._pieces.values() for piece in pieces]

    def _pieces_of(self, month: str) -> list[Path]:
        return [piece for piece in self._all() if piece.parent.name == f"x_BillingMonth={month}"]

    def _currencies_with(self, plan: FilePlan) -> str:
        """The relation of all (account, issuer, period, currency) checked so far, this plan's among them."""
        columns = "BillingAccountId, InvoiceIssuerName, BillingPeriodStart, BillingCurrency"
        names = ", ".join(f"'{quoted_path(piece)}'" for piece in self._pieces[plan.file.path])
        rows = f"SELECT DISTINCT {columns} FROM read_parquet([{names}])"
        self._db.execute(
            f"INSERT INTO currencies {rows}" if self._checked else f"CREATE TEMP TABLE currencies AS {rows}"
        )
        self._checked = True
        return "currencies"

    def count(self, plan: FilePlan) -> Mapping[tuple[str, str], tuple[int, str]]:
        """(code, column) -> (rows, example)."""
        if not plan.counts:
            return {}
        parts = [
            f'count_if(coalesce({test}, false)), any_value(CAST("{column}" AS VARCHAR)) FILTER ({test})'
            for _, column, test, _ in plan.counts
        ]
        row = self._db.execute(f"SELECT {', '.join(parts)} FROM {raw_rows(plan.files)}").fetchone() or ()
        return {
            (code, column): (row[2 * n], str(row[2 * n + 1]))
            for n, (code, column, _, _) in enumerate(plan.counts)
            if row[2 * n]
        }

    def months(self) -> Sequence[StagedMonth]:
        """What would be written, per month and currency."""
        if not self._all():
            return ()
        names = ", ".join(f"'{quoted_path(piece)}'" for piece in self._all())
        options = "hive_partitioning=true, hive_types_autocast=false, union_by_name=true"
        return self._months(self._db, f"read_parquet([{names}], {options})")

    def repeated(self) -> tuple[int, int]:
        """See cost.ports.Staging."""
        rows = sum(int(pq.read_metadata(piece).num_rows) for piece in self._all())
        if len(self._files) == 1 or self._kind.key or not 0 < rows <= INPUT_COMPARED_ROWS_MAX:
            return 0, rows
        names = ", ".join(f"'{quoted_path(piece)}'" for piece in self._all())
        found = self._db.execute(REPEATED.format(names=names)).fetchone()
        return (int(found[0]) if found else 0), rows

    def standing(self, source: str) -> Sequence[StagedMonth]:
        """What the lake holds for the source now, per month and currency."""
        if not self._stands:
            return ()
        self._stood.views.open_for(self._kind.view)
        return self._months(
            self._stood.connection, f"(SELECT * FROM {self._kind.view} WHERE x_SourceId = '{quoted_path(source)}')"
        )

    def contents(self, month: str) -> tuple[str, ...]:
        """See cost.ports.Staging."""
        folder = f"x_BillingMonth={month}"
        files = (
            file
            for file in self._files
            if any(piece.parent.name == folder for piece in self._pieces.get(file.path, ()))
        )
        return tuple(sorted(file.content for file in files))

    def leave_out_known(self, source: str, months: Sequence[str]) -> Delivery | None:
        """See cost.ports.Staging: a folder of corrections grows; what it held before stands."""
        sql = f"SELECT DISTINCT x_DeliveryId FROM {self._kind.view} WHERE x_SourceId = $source AND x_BillingMonth = $month"
        known: Delivery | None = None
        for month in months:
            found = self._stood.views.execute(sql, {"source": source, "month": month}).fetchall()
            for delivery in (read_manifest(self._place, str(identity)) for (identity,) in found):
                periods = delivery.periods if delivery else ()
                stand = {content for p in periods if p.billing_month == month for content in p.contents}
                for file in self._files:
                    pieces = self._pieces.get(file.path, []) if file.content in stand else []
                    again = [piece for piece in pieces if piece.parent.name == f"x_BillingMonth={month}"]
                    if again:
                        known = delivery
                        self._pieces[file.path] = [piece for piece in pieces if piece not in again]
        return known

    def add_to_standing(self, source: str, month: str) -> int:
        """See cost.ports.Staging: the standing rows are copied beside the new, so that one commit replaces the month by both."""
        whole = f"FROM {self._kind.view} WHERE x_SourceId = '{quoted_path(source)}'"
        rows = f"{whole} AND x_BillingMonth = '{quoted_path(month)}'"
        new = ", ".join(f"'{quoted_path(piece)}'" for piece in self._pieces_of(month))
        self._stood.views.open_for(rows)
        stood = self._stood.connection
        found = stood.execute(UNMATCHED_REVERSALS.format(new=f"read_parquet([{new}])", standing=whole)).fetchone()
        piece = self._folder / f"x_BillingMonth={month}" / "standing.parquet"
        stood.execute(
            f"COPY (SELECT * EXCLUDE (x_SourceId, x_BillingMonth) {rows}) TO '{quoted_path(piece)}' ({PARQUET})"
        )
        self._pieces.setdefault("standing", []).append(piece)
        return int(found[0]) if found else 0

    def commit(self, source: str, delivery: Delivery, periods: Sequence[PeriodWritten]) -> LakeVersion:
        """Write the partitions' files, then one Delta commit, with the manifest stored before it."""
        months = [period.billing_month for period in periods]
        schema = pq.read_schema(self._pieces_of(months[0])[0])  # what is new comes before what stood
        folder, moving = self._kind.folder, {month: named(source, month, self._pieces_of(month)) for month in months}
        after = getattr(self._stood.version, folder, -1)
        with noted(self._place, Moving(folder, after, [file for files in moving.values() for file in files])) as note:
            files = {month: self._put(moving[month]) for month in months}
            write_manifest(self._place, delivery)
            seen = standing_files(self._stood.files.get(folder, ()), source, months)
            refuse_given_up(self._place, note)
            version = replace_partitions(self._place.table(folder), schema, Replacing(source, files, delivery.id, seen))
        return LakeVersion(**{folder: version})

    def _months(self, asked: duckdb.DuckDBPyConnection, relation: str) -> list[StagedMonth]:
        rows = asked.execute(self._kind.totals_sql.format(relation=relation)).fetchall()
        return [StagedMonth(*row[:5], row[5].normalize() if row[5] else Decimal(0), *map(int, row[6:])) for row in rows]

    def _put(self, files: Sequence[tuple[Path, Placed]]) -> list[Placed]:
        """Move the files of one month under its partition folder; no reader sees them before the commit."""
        for piece, placed in files:
            self._place.put(piece, f"{self._kind.folder}/{placed.name}")
        return [placed for _, placed in files]

    @property
    def _stands(self) -> bool:
        return self._kind.folder in self._stood.files

    def _first_fault(self, plan: FilePlan) -> BadInput:
        """The slow second pass, on failure only: the first row, in file order, that a fault matches."""
        for file in plan.files:
            found = [hit for fault in plan.faults if (hit := self._hit(file, fault)) is not None]
            if found:
                row, column, value, message, remedy = min(found, key=lambda hit: hit[0])
                shown = "" if message == "is empty" else f" {value[:80]!r}"
                said, remedy = plan.more_exactly(column, value, message, remedy)
                place = Where(file=file.path, row=row, column=column)
                return BadInput(f"{column}{shown} {said}", remedy=remedy, where=place)
        raise AssertionError("a row was marked at fault, so one of the faults matches")

    def _hit(self, file: InputFile, fault: tuple[str, str, str, str]) -> tuple[int, str, str, str, str] | None:
        column, test, message, remedy = fault
        shown = f'CAST("{column}" AS VARCHAR)' if column in file.columns else "NULL"
        sql = f"SELECT min(x__row), arg_min({shown}, x__row) FROM {numbered(file)} WHERE {test}"
        found = self._db.execute(sql).fetchone()
        return (int(found[0]), column, str(found[1]), message, remedy) if found and found[0] is not None else None

    def _mixed_currency(self, plan: FilePlan, account: str | None, first: str, other: str) -> BadInput:
        file, row = self._first_other_currency(plan, account)
        return BadInput(
            f"BillingCurrency mixes {first} and {other} for billing account {account!r}",
            remedy="A billing account is billed in one currency: mend the row, or deliver one file a currency.",
            where=Where(file=file.path, row=row, column="BillingCurrency"),
        )

    def _first_other_currency(self, plan: FilePlan, account: str | None) -> tuple[InputFile, int | None]:
        """Where the account's currency is first another than before; else (it was in files loaded earlier) its first row."""
        if "BillingCurrency" not in plan.file.columns:
            return plan.file, None
        same = '"BillingAccountId" = $account' if "BillingAccountId" in plan.file.columns else "$account IS NULL"
        sql = (
            'SELECT min(x__row), arg_min("BillingCurrency", x__row), min(x__row) FILTER ("BillingCurrency" <> $seen) '
            f"FROM {{}} WHERE {same}"
        )
        start: tuple[InputFile, int | None] | None = None
        seen = None
        for file in plan.files:
            found = self._db.execute(sql.format(numbered(file)), {"account": account, "seen": seen}).fetchone()
            if found is None or found[0] is None:
                continue
            if start is None:
                start, seen = (file, found[0]), found[1]
                within = {"account": account, "seen": seen}
                found = self._db.execute(sql.format(numbered(file)), within).fetchone() or found
            if found[2] is not None:
                return file, found[2]
        return start or (plan.file, None)
