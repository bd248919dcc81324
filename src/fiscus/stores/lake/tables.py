"""The Delta tables of a lake: their files, versions and commits; no FOCUS knowledge."""

from __future__ import annotations

import fcntl
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema, write_deltalake
from deltalake.exceptions import CommitFailedError, TableNotFoundError
from deltalake.transaction import AddAction

from fiscus.kernel.errors import Conflict
from fiscus.kernel.limits import COMMIT_RETRIES_MAX

PARTITIONS = ["x_SourceId", "x_BillingMonth"]
PARTITION: Final = re.compile(r"x_SourceId=([^/]+)/x_BillingMonth=([^/]+)/")
COMMIT: Final = re.compile(r"\d{20}\.json")  # Delta protocol, "Delta Log Entries"


def open_table(path: Path) -> DeltaTable | None:
    """The Delta table at `path`, or None while nothing was ever committed."""
    try:
        return DeltaTable(str(path))
    except TableNotFoundError:
        return None


def table_version(path: Path) -> int:
    """The newest version, -1 for none. Each commit is one file of the log, named by its version; nothing else is read."""
    try:
        names = [entry.name for entry in (path / "_delta_log").iterdir()]
    except FileNotFoundError:
        return -1
    return max((int(name[:20]) for name in names if COMMIT.fullmatch(name)), default=-1)


@dataclass(frozen=True, slots=True)
class TableAt:
    """One version of a table: the files that hold its rows, and its columns by its schema."""

    files: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


def table_at(path: Path, version: int) -> TableAt:
    """The table at one version; nothing at -1."""
    if version < 0:
        return TableAt()
    table = DeltaTable(str(path), version=version)
    return TableAt(tuple(table.file_uris()), tuple(field.name for field in table.schema().fields))


def partition_of(file: str) -> tuple[str, str]:
    """(source, billing month) of a table's file, by its place."""
    found = PARTITION.search(file)
    assert found is not None, f"{file} lies in no partition"
    return found[1], found[2]


def replace_partitions(
    path: Path, source: str, schema: pa.Schema, files: Mapping[str, Sequence[tuple[str, int]]], delivery_id: str
) -> int:
    """One commit: the partitions (source, month) of `files` (month -> (relative path, rows)) become exactly those files."""
    adds = [
        AddAction(
            path=name,
            size=(path / name).stat().st_size,
            partition_values={"x_SourceId": source, "x_BillingMonth": month},
            modification_time=int((path / name).stat().st_mtime * 1000),
            data_change=True,
            stats=json.dumps({"numRecords": rows}),
        )
        for month, entries in files.items()
        for name, rows in entries
    ]
    # No retries inside delta-rs: it would let two writers that both found a partition empty add to it (seen: rows twice).
    properties = CommitProperties(custom_metadata={"fiscus.delivery": delivery_id}, max_commit_retries=0)
    for attempt in range(COMMIT_RETRIES_MAX):
        table = _table_with(path, schema)
        filters = [("x_SourceId", "=", source), ("x_BillingMonth", "in", sorted(files))]
        try:
            table.create_write_transaction(
                adds, "overwrite", table.schema(), PARTITIONS, partition_filters=filters, commit_properties=properties
            )
        except CommitFailedError:
            time.sleep(0.01 * (attempt + 1))
            continue
        return table_version(path)
    raise Conflict("The lake is too busy: the commit lost every race", remedy="Run it again; nothing was changed.")


def write_whole_table(path: Path, rows: pa.Table, digest: str) -> int:
    """Replace a table that is written whole (assignments, closes) with `rows` in one commit."""
    properties = CommitProperties(custom_metadata={"fiscus.assignments": digest})
    write_deltalake(str(path), rows, mode="overwrite", schema_mode="overwrite", commit_properties=properties)
    return table_version(path)


def whole_table_digest(path: Path) -> str | None:
    """The digest that the newest version of a table that is written whole was written with."""
    table = open_table(path)
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


def _table_with(path: Path, schema: pa.Schema) -> DeltaTable:
    """The charges table, created or widened so that it has every column of `schema`."""
    table = open_table(path)
    if table is None:
        partition_fields = [pa.field(name, pa.string()) for name in PARTITIONS]
        full = pa.schema([*schema, *partition_fields])
        return DeltaTable.create(str(path), full, mode="ignore", partition_by=PARTITIONS)
    known = {field.name for field in table.schema().fields}
    wanted = Schema.from_arrow(schema).fields
    if missing := [field for field in wanted if field.name not in known]:
        table.alter.add_columns(missing)
        return DeltaTable(str(path))
    return table
