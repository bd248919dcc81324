"""The Delta table of allocation runs: one row a run, appended and never changed; its newest rows say how charges are split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, write_deltalake
from deltalake.exceptions import CommitFailedError

from fiscus.cost.allocation.types import AllocationKept
from fiscus.cost.views import ALLOCATION_LISTS, ALLOCATION_RUN_COLUMNS
from fiscus.kernel.errors import Conflict
from fiscus.stores.lake.places import Place
from fiscus.stores.lake.tables import EVERY_VERSION, source_lock

LOCK: Final = "_allocations"  # no source is called so: their names are slugs
FILES_MAX: Final = 64  # then the small files of single runs are written into one
_TYPES: Final = {
    "VARCHAR": pa.string(), "INTEGER": pa.int32(), "BIGINT": pa.int64(), "TIMESTAMPTZ": pa.timestamp("us", "UTC"),
    "DECIMAL(28,12)": pa.decimal128(28, 12), "DECIMAL(38,12)": pa.decimal128(38, 12), "DECIMAL(13,12)": pa.decimal128(13, 12),
}  # fmt: skip


def newest_scopes(files: Sequence[Any]) -> list[tuple[str, str]]:
    """(month, scopes) of the run that counts for each month."""
    newest: dict[str, tuple[tuple[int, Any, str], str]] = {}
    for file in files:
        for row in pq.read_table(file, columns=["month", "version", "decided_at", "run_id", "scopes"]).to_pylist():
            rank = (row["version"], row["decided_at"], row["run_id"])
            if row["month"] not in newest or rank > newest[row["month"]][0]:
                newest[row["month"]] = (rank, row["scopes"])
    return sorted((month, scopes) for month, (_, scopes) in newest.items())


def append_runs(place: Place, name: str, runs: Sequence[AllocationKept], seen_version: int) -> int:
    """Keep `runs` in one commit. Conflict when the table is not as it was seen: they were numbered by it."""
    moved = Conflict("Somebody else allocated at the same time", remedy="Run it again; nothing was changed.")
    table = place.table(name)
    with source_lock(place.aside, LOCK):
        if table.version() != seen_version:
            raise moved
        table.ready()
        rows = pa.Table.from_pylist([_row(run) for run in runs], schema=_schema())
        once = CommitProperties(max_commit_retries=0)  # another machine's append is no reason to append behind it
        try:
            write_deltalake(
                table.uri,
                rows,
                mode="append",
                configuration=EVERY_VERSION,
                commit_properties=once,
                storage_options=table.options,
            )
        except CommitFailedError:
            raise moved from None
        written = table.opened()
        if written is not None and len(written.file_uris()) > FILES_MAX:
            written.optimize.compact()
        return table.version()


def _row(kept: AllocationKept) -> Mapping[str, object]:
    run = kept.run
    return {
        "run_id": run.run_id, "month": run.month, "version": run.version, "decided_at": run.at, "lake_version": run.lake_version,
        "rules_digest": run.rules_digest, "inputs_digest": run.inputs_digest, "outcome": run.outcome, "scopes": kept.scopes,
        "shares": kept.shares, "amounts": kept.amounts, "steps": kept.steps,
    }  # fmt: skip


def _schema() -> pa.Schema:
    lists = [
        pa.field(name, pa.list_(pa.struct([pa.field(column, _TYPES[kind]) for column, kind in columns.items()])))
        for name, columns in ALLOCATION_LISTS.items()
    ]
    return pa.schema([*(pa.field(name, _TYPES[kind]) for name, kind in ALLOCATION_RUN_COLUMNS.items()), *lists])
