"""The lake: FOCUS charges and their assignments as Delta tables, read by DuckDB, or by a cluster of Spark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fiscus.kernel.errors import BadConfig, Where
from fiscus.stores.lake.bucket_address import NoAddress, bucket_address, is_bucket

if TYPE_CHECKING:
    from fiscus.cost.ports import Lake
    from fiscus.stores.lake.places import Place

EMBEDDED = "duckdb"


@dataclass(frozen=True, slots=True)
class LakeAddress:
    """Where a lake is: a folder, or a URL of an object store with its settings and a folder beside it on this machine."""

    location: str | Path
    settings: Mapping[str, str] = field(default_factory=dict)
    aside: Path = Path()

    def place(self) -> Place:
        """Raises BadConfig for a URL that is no place for a lake."""
        from fiscus.stores.lake.places import FolderPlace

        if not is_bucket(str(self.location)):
            return FolderPlace(Path(self.location))
        from fiscus.stores.lake.bucket_place import BucketPlace

        address = bucket_address(str(self.location), self.settings)
        if isinstance(address, NoAddress):
            said = f"The lake {self.location} {address.why}"
            raise BadConfig(said, remedy=address.remedy, where=Where(key="stores.lake"))
        return BucketPlace(address, self.aside)


def open_lake(
    location: str | Path | LakeAddress,
    promoted: Sequence[str] = (),
    engine: str = EMBEDDED,
    settings: Mapping[str, str] | None = None,
) -> Lake:
    """The lake at `location` (made on first write). `promoted` tag keys are columns x_Tag_<key> of `charges`.

    `engine` answers every question: duckdb, spark://host:port or sail://host:port; `settings` are Spark's own.
    """
    address = location if isinstance(location, LakeAddress) else LakeAddress(location)
    if engine == EMBEDDED:
        from fiscus.stores.lake.delta_lake import DeltaLake

        return DeltaLake(address.place(), promoted)
    from fiscus.stores.lake.engine_address import EngineAddress, installed

    installed(engine)
    from fiscus.stores.lake.spark_lake import SparkLake

    return SparkLake(address.place(), promoted, EngineAddress(engine, tuple(sorted((settings or {}).items()))))
