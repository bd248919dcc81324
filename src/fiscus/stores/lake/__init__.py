"""The lake: FOCUS charges and their assignments as Delta tables, read by DuckDB, or by a cluster of Spark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fiscus.cost.ports import Lake

EMBEDDED = "duckdb"


def open_lake(
    location: str | Path,
    promoted: Sequence[str] = (),
    engine: str = EMBEDDED,
    settings: Mapping[str, str] | None = None,
) -> Lake:
    """The lake in the folder `location` (made on first write). `promoted` tag keys are columns x_Tag_<key> of `charges`.

    `engine` answers every question: duckdb, spark://host:port or sail://host:port; `settings` are Spark's own.
    """
    if engine == EMBEDDED:
        from fiscus.stores.lake.delta_lake import DeltaLake

        return DeltaLake(Path(location), promoted)
    from fiscus.stores.lake.engine_address import EngineAddress, installed

    installed(engine)
    from fiscus.stores.lake.spark_lake import SparkLake

    return SparkLake(Path(location), promoted, EngineAddress(engine, tuple(sorted((settings or {}).items()))))
