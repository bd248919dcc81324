"""The charges as they were reported: each closed month's files at the version at which it was closed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet as pq

from fiscus.cost.books.types import EVERY_SOURCE
from fiscus.stores.lake.tables import TableAt, partition_of, table_at


def reported_at(path: Path, charges: TableAt, closes: TableAt) -> TableAt:
    """The files of the charges table at `path`, each (source, month) at the version that reported it.

    A signed month is what every source said of it then: a source that came later had reported nothing.
    """
    versions = _versions(closes)
    if not versions:
        return charges
    files = [file for file in charges.files if _version(versions, file) is None]
    for version in sorted(set(versions.values())):
        files += [file for file in table_at(path, version).files if _version(versions, file) == version]
    return TableAt(tuple(files), charges.columns)


def _versions(closes: TableAt) -> Mapping[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for file in closes.files:
        for row in pq.read_table(file, partitioning=None).to_pylist():
            found[row["x_SourceId"], row["x_BillingMonth"]] = row["charges_version"]
    return found


def _version(versions: Mapping[tuple[str, str], int], file: str) -> int | None:
    source, month = partition_of(file)
    signed = versions.get((EVERY_SOURCE, month))
    return signed if signed is not None else versions.get((source, month))
