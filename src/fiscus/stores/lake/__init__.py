"""The lake: FOCUS charges and their assignments as Delta tables, read by DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fiscus.cost.ports import Lake


def open_lake(location: str | Path, promoted: Sequence[str] = ()) -> Lake:
    """The lake in the folder `location` (made on first write). `promoted` tag keys are columns x_Tag_<key> of `charges`."""
    from fiscus.stores.lake.delta_lake import DeltaLake

    return DeltaLake(Path(location), promoted)
