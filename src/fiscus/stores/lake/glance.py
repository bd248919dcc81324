"""A file looked at without reading it: its columns, how it is written, and that it cannot swallow the machine.

A plain CSV is read to its head only; a packed one once through, because only so its size shows; of Parquet the footer.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import _duckdb as duckdb  # the database itself: what the package puts around it takes a tenth of a second to load

from fiscus.kernel.errors import BadInput, Where
from fiscus.kernel.limits import (
    INPUT_INFLATED_FREE_BYTES,
    INPUT_INFLATION_RATIO_MAX,
    INPUT_ROWS_FREE,
    INPUT_ROWS_PER_BYTE_MAX,
)

HEAD_BYTES = 4 << 20
SUFFIXES = (".csv", ".csv.gz", ".csv.zst", ".csv.zstd", ".parquet")


@dataclass(frozen=True, slots=True)
class GlancedFile:
    """`quotes_all`: the writer quotes every field, so that a quoted nothing is no value rather than an empty text."""

    path: str
    form: Literal["csv", "parquet"]
    columns: tuple[str, ...]
    delimiter: str = ""
    quotes_all: bool = False
    types: tuple[str, ...] = ()
    """DuckDB's types of the columns, where the file has types."""


def glance_at(paths: list[Path], db: duckdb.DuckDBPyConnection) -> tuple[GlancedFile, ...]:
    """Every file under `paths`, in order. Raises BadInput: nothing there, not a kind that can be read, damaged, unbounded."""
    name = paths[0].name.lower() if len(paths) == 1 else ""
    if name.endswith((".csv", ".parquet")) and paths[0].is_file():
        return (_glance(paths[0], db),)
    from fiscus.stores.lake.input_files import find_files  # noqa: PLC0415  loads pyarrow, half a second, for folders

    return tuple(_glance(path, db) for path in find_files(paths))


def _glance(path: Path, db: duckdb.DuckDBPyConnection) -> GlancedFile:
    name = path.name.lower()
    if name.endswith(".csv"):
        return _plain(path)
    if name.endswith(".parquet"):
        return _parquet(path, db)
    from fiscus.stores.lake.input_files import inspect_file  # noqa: PLC0415  as above, for packed text

    file = inspect_file(path)
    return GlancedFile(str(path), "csv", file.columns, file.delimiter)


def _parquet(path: Path, db: duckdb.DuckDBPyConnection) -> GlancedFile:
    """By the footer alone: names, and that neither rows nor bytes grow without bound."""
    from fiscus.stores.lake.csv_head import checked_header  # noqa: PLC0415  as above

    spelt, size = str(path).replace("'", "''"), path.stat().st_size
    try:
        ((rows,),) = db.execute(f"SELECT num_rows FROM parquet_file_metadata('{spelt}')").fetchall()
        ((inflated,),) = db.execute(f"SELECT sum(total_uncompressed_size) FROM parquet_metadata('{spelt}')").fetchall()
        described = db.execute(f"DESCRIBE SELECT * FROM read_parquet('{spelt}')").fetchall()
    except duckdb.Error as broken:
        raise BadInput(
            f"The file is damaged or cut off: {str(broken).splitlines()[0]}",
            remedy="Fetch it again from the vendor.",
            where=Where(file=str(path)),
        ) from None
    many = rows > INPUT_ROWS_FREE and rows > size * INPUT_ROWS_PER_BYTE_MAX
    if many or (inflated or 0) > max(INPUT_INFLATED_FREE_BYTES, size * INPUT_INFLATION_RATIO_MAX * 10):
        raise BadInput("The file inflates without bound", remedy="Fetch it again.", where=Where(file=str(path)))
    names = checked_header(path, [str(row[0]) for row in described])
    return GlancedFile(str(path), "parquet", names, types=tuple(str(row[1]) for row in described))


def _plain(path: Path) -> GlancedFile:
    from fiscus.stores.lake.csv_head import checked_header, head_rows  # noqa: PLC0415  beside its only use

    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
    except OSError as broken:
        raise BadInput(
            f"The file cannot be opened: {broken.strerror}", remedy="Check the path.", where=Where(file=str(path))
        ) from None
    if b"\0" in head:
        raise BadInput(
            f"A zero byte stands at byte {head.index(0):,}: the file is UTF-16, padded or damaged",
            remedy="Save it as UTF-8, or fetch it again from the vendor.",
            where=Where(file=str(path)),
        )
    rows = head_rows(path, head, whole=len(head) < HEAD_BYTES)
    if not rows[0]:
        raise BadInput("The header is empty", remedy="Export the file again.", where=Where(file=str(path), row=0))
    first = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].strip()
    fields = len(rows[0])
    quotes_all = first.startswith(b'"') and first.count(b'"') >= 2 * fields
    return GlancedFile(str(path), "csv", checked_header(path, rows[0]), rows[1][0], quotes_all)
