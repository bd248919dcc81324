"""The Delta tables of a lake: their files, versions and commits; no FOCUS knowledge."""

from __future__ import annotations

import fcntl
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction

from fiscus.kernel.errors import Conflict, OutcomeUnknown, Unavailable
from fiscus.kernel.limits import COMMIT_RETRIES_MAX
from fiscus.stores.lake.places import TablePlace

PARTITIONS = ["x_SourceId", "x_BillingMonth"]
# What was reported is asked by its version: delta-rs would take logs away that are thirty days old, with every hundredth commit.
EVERY_VERSION: Final = {"delta.enableExpiredLogCleanup": "false", "delta.logRetentionDuration": "interval 36500 days"}
PARTITION: Final = re.compile(r"x_SourceId=([^/]+)/x_BillingMonth=([^/]+)/")


@dataclass(frozen=True, slots=True)
class Placed:
    """A file put beside a table: its name within the table, and what the log says of it."""

    name: str
    rows: int
    size_bytes: int
    modified_ms: int


def partition_of(file: str) -> tuple[str, str]:
    """(source, billing month) of a table's file, by its place."""
    found = PARTITION.search(file)
    assert found is not None, f"{file} lies in no partition"
    return found[1], found[2]


@dataclass(frozen=True, slots=True)
class Replacing:
    """What one commit replaces: a source's months, each by the files placed for it. `seen`: what stood when that was decided."""

    source: str
    files: Mapping[str, Sequence[Placed]]
    delivery_id: str
    seen: frozenset[str] | None = None


def replace_partitions(place: TablePlace, schema: pa.Schema, replacing: Replacing) -> int:
    """One commit: the partitions (source, month) become exactly those files.

    Raises Conflict where others commit without end, or where somebody replaced the months since they were `seen`: the delivery
    was held against what stood then.
    """
    place.ready()
    months = sorted(replacing.files)
    adds = [
        AddAction(
            path=file.name,
            size=file.size_bytes,
            partition_values={"x_SourceId": replacing.source, "x_BillingMonth": month},
            modification_time=file.modified_ms,
            data_change=True,
            stats=json.dumps({"numRecords": file.rows}),
        )
        for month in months
        for file in replacing.files[month]
    ]
    # No retries inside delta-rs: it would let two writers that both found a partition empty add to it (seen: rows twice).
    properties = CommitProperties(custom_metadata={"fiscus.delivery": replacing.delivery_id}, max_commit_retries=0)
    filters = [("x_SourceId", "=", replacing.source), ("x_BillingMonth", "in", months)]

    def commit() -> None:
        table = _table_with(place, schema)
        _refuse_what_was_not_seen(place, table, replacing)
        table.create_write_transaction(
            adds, "overwrite", table.schema(), PARTITIONS, partition_filters=filters, commit_properties=properties
        )

    return _committed(place, commit, lambda: _landed(place, adds[0].path))


def _committed(place: TablePlace, commit: Callable[[], None], landed: Callable[[], bool]) -> int:
    """The version after `commit`, tried again where others were first. `landed`: for a store whose answer was lost on the way.

    Raises Conflict where others commit without end.
    """
    for attempt in range(COMMIT_RETRIES_MAX):
        try:
            commit()
        except (DeltaError, OSError) as failed:
            if not landed():
                if not isinstance(failed, CommitFailedError):
                    raise
                time.sleep(0.01 * (attempt + 1))
                continue
        return place.version()
    raise Conflict("The lake is too busy: the commit lost every race", remedy="Run it again; nothing was changed.")


def keep_every_version(table: DeltaTable | None) -> None:
    """Of a table that was made before it was told so. One commit, once."""
    if table is not None and not EVERY_VERSION.items() <= table.metadata().configuration.items():
        table.alter.set_table_properties(dict(EVERY_VERSION))


def standing_files(files: Sequence[str], source: str, months: Sequence[str]) -> frozenset[str]:
    """Of a table's `files`, the names of those that hold the source's months."""
    return frozenset(
        file.rpartition("/")[2] for file in files if partition_of(file)[0] == source and partition_of(file)[1] in months
    )


def _refuse_what_was_not_seen(place: TablePlace, table: DeltaTable, replacing: Replacing) -> None:
    if replacing.seen is None:
        return
    files = [place.named(uri) for uri in table.file_uris()]
    if standing_files(files, replacing.source, list(replacing.files)) != replacing.seen:
        raise Conflict(
            f"Somebody else delivered {replacing.source} at the same time",
            remedy="Deliver it again: it is held against what stands now. Nothing of it was changed.",
        )


def _landed(place: TablePlace, name: str) -> bool:
    """Whether the commit is there, for who was not told."""
    try:
        table = place.opened()
    except Unavailable as gone:
        raise OutcomeUnknown(
            f"It is not known whether the commit landed: {gone.message}",
            remedy="Run it again when the store answers: what landed is known again and changes nothing.",
            where=gone.where,
        ) from gone
    return table is not None and any(uri.endswith(name) for uri in table.file_uris())


def write_whole_table(place: TablePlace, rows: pa.Table, digest: str) -> int:
    """Replace a table that is written whole (assignments, closes) with `rows` in one commit. Of two at once the last stands."""
    place.ready()
    properties = CommitProperties(custom_metadata={"fiscus.assignments": digest})

    def commit() -> None:
        keep_every_version(place.opened())
        write_deltalake(
            place.uri,
            rows,
            mode="overwrite",
            schema_mode="overwrite",
            configuration=EVERY_VERSION,
            commit_properties=properties,
            storage_options=place.options,
        )

    return _committed(place, commit, lambda: whole_table_digest(place) == digest)


def whole_table_digest(place: TablePlace) -> str | None:
    """The digest that the newest version of a table that is written whole was written with."""
    table = place.opened()
    if table is None:
        return None
    return next((entry["fiscus.assignments"] for entry in table.history(1) if "fiscus.assignments" in entry), None)


@contextmanager
def source_lock(root: Path, source: str) -> Iterator[None]:
    """One delivery of a source at a time on this machine; Delta's own conflict check covers the rest."""
    folder = root / "_locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{source}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _table_with(place: TablePlace, schema: pa.Schema) -> DeltaTable:
    """The charges table, created or widened so that it has every column of `schema`."""
    table = place.opened()
    if table is None:
        full = pa.schema([*schema, *(pa.field(name, pa.string()) for name in PARTITIONS)])
        return DeltaTable.create(
            place.uri,
            full,
            mode="ignore",
            partition_by=PARTITIONS,
            configuration=EVERY_VERSION,
            storage_options=place.options,
        )
    keep_every_version(table)
    known = {field.name for field in table.schema().fields}
    wanted = Schema.from_arrow(schema).fields
    if missing := [field for field in wanted if field.name not in known]:
        table.alter.add_columns(missing)
        return place.opened() or table
    return table
