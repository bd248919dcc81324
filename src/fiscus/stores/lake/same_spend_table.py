"""What two feeds show alike, as a table: small, and written whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fiscus.cost.marketplaces.types import SAME_SPEND, CellCounts, SeenIn


def same_spend_table(cells: Sequence[CellCounts]) -> pa.Table:
    """One row a cell, in an order of its own, so that equal content is equal."""
    rows = sorted(astuple(cell) for cell in cells)
    kinds = [pa.bool_() if kind == "BOOLEAN" else pa.string() for _, kind in SAME_SPEND]
    columns = [pa.array([row[n] for row in rows], kind) for n, kind in enumerate(kinds)]
    return pa.table(columns, names=[name for name, _ in SAME_SPEND])


def seen_in(files: Sequence[Any]) -> SeenIn | None:
    """Of which sources and sellers the table tells; None where nothing is seen twice."""
    told = [pq.read_table(file, columns=["x_SourceId", "ServiceProviderName"]).to_pylist() for file in files]
    rows = [row for rows in told for row in rows]
    if not rows:
        return None
    return SeenIn(frozenset(row["x_SourceId"] for row in rows), frozenset(row["ServiceProviderName"] for row in rows))
