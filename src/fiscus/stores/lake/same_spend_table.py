"""What two feeds show alike, as a table: small, and written whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple

import pyarrow as pa

from fiscus.cost.marketplaces.types import SAME_SPEND, CellCounts


def same_spend_table(cells: Sequence[CellCounts]) -> pa.Table:
    """One row a cell, in an order of its own, so that equal content is equal."""
    rows = sorted(astuple(cell) for cell in cells)
    kinds = [pa.bool_() if kind == "BOOLEAN" else pa.string() for _, kind in SAME_SPEND]
    columns = [pa.array([row[n] for row in rows], kind) for n, kind in enumerate(kinds)]
    return pa.table(columns, names=[name for name, _ in SAME_SPEND])
