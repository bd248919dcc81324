"""The charges as they were reported: each closed month's files at the version at which it was closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow.parquet as pq

from fiscus.cost.books.types import EVERY_SOURCE
from fiscus.stores.lake.places import Place, TableAt
from fiscus.stores.lake.tables import partition_of

OWNERS: Final = "assignments@"  # and a version: a table as it was


def reported_at(place: Place, charges: TableAt, closes: TableAt) -> TableAt:
    """The files of the charges table, each (source, month) at the version that reported it.

    A signed month is what every source said of it then: a source that came later had reported nothing.
    """
    versions = _versions([place.source(file) for file in closes.files])
    if not versions:
        return charges
    files = [file for file in charges.files if _version(versions, file) is None]
    for version in sorted(set(versions.values())):
        files += [file for file in place.table("charges").at(version).files if _version(versions, file) == version]
    return TableAt(tuple(files))


def owners_at(place: Place, closes: TableAt) -> Mapping[int, TableAt]:
    """The assignments at each version that a closed month was reported with. Closes of before owners were kept name none."""
    rows = [row for file in closes.files for row in pq.read_table(place.source(file), partitioning=None).to_pylist()]
    named = {row.get("assignments_version") for row in rows} - {None, -1}
    return {version: place.table("assignments").at(version) for version in sorted(named)}


def _versions(closes: Sequence[Any]) -> Mapping[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for file in closes:
        for row in pq.read_table(file, partitioning=None).to_pylist():
            found[row["x_SourceId"], row["x_BillingMonth"]] = row["charges_version"]
    return found


def _version(versions: Mapping[tuple[str, str], int], file: str) -> int | None:
    source, month = partition_of(file)
    signed = versions.get((EVERY_SOURCE, month))
    return signed if signed is not None else versions.get((source, month))
