"""The files of what stands in the lake: all of it, one source, one month."""

from __future__ import annotations

from pathlib import Path

from fiscus.kernel.errors import NotFound
from fiscus.stores.lake.places import Place
from fiscus.stores.lake.tables import partition_of


def charge_files(place: Place, source: str | None = None, month: str | None = None) -> list[Path]:
    """The Parquet files of the newest charges, in order of source, month and name. Raises NotFound where there are none."""
    table = place.table("charges")
    files = table.at(table.version()).files
    chosen = [
        file
        for file in files
        if all(wanted in {None, is_} for wanted, is_ in zip((source, month), partition_of(file), strict=True))
    ]
    if not chosen:
        said = " ".join(part for part in (source and f"of {source}", month and f"of {month}") if part)
        known = sorted({"/".join(partition_of(file)) for file in files})
        raise NotFound(
            f"The lake has no charges {said}".rstrip(),
            remedy=f"It has source/month: {', '.join(known[:20])}."
            if known
            else "Ingest bills first: fiscus ingest PATH --source NAME.",
        )
    return list(place.local(sorted(chosen)))
