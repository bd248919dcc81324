"""A query's answer written to a file: streamed, so that memory does not grow with it, and in place only once it is whole."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import duckdb

from fiscus.kernel.errors import BadInput, LimitExceeded, Unavailable, Where
from fiscus.kernel.limits import EXPORT_MEMORY_MB_MAX
from fiscus.kernel.rows import Query

PARQUET = "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880"


def write_out(connection: duckdb.DuckDBPyConnection, query: Query, path: Path, form: Literal["csv", "parquet"]) -> None:
    """Write `query` to `path`, gzipped where a CSV's name ends in .gz. What was there before stays until the new one is whole."""
    if not path.parent.is_dir():
        raise BadInput(
            f"There is no folder {path.parent}", remedy="Make it, or name another.", where=Where(file=str(path))
        )
    if path.exists() and not path.is_file():
        raise BadInput(f"{path} is not a file", remedy="Name a file; a new one is made.", where=Where(file=str(path)))
    squeezed = "gzip" if path.suffix == ".gz" else "none"
    options = PARQUET if form == "parquet" else f"FORMAT csv, HEADER, COMPRESSION {squeezed}"
    connection.execute(f"SET memory_limit='{EXPORT_MEMORY_MB_MAX}MB'")
    with _whole(path) as partial:
        quoted = str(partial).replace("'", "''")
        connection.execute(f"COPY ({query.sql}) TO '{quoted}' ({options})", dict(query.params) or None)


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to; it takes the place of `path` in one step, or is gone."""
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")
    try:
        yield partial
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(path)
    except (OSError, duckdb.IOException) as failed:
        raise Unavailable(
            f"{path} cannot be written: {str(failed).splitlines()[0][:200]}",
            remedy="Free space on its disk or mend its rights, and export again; what was there before is as it was.",
            where=Where(file=str(path)),
        ) from failed
    except duckdb.OutOfMemoryException as failed:
        raise LimitExceeded(
            f"The export needs more than {EXPORT_MEMORY_MB_MAX} MB", remedy="Export fewer months at once: --period."
        ) from failed
    finally:
        partial.unlink(missing_ok=True)
