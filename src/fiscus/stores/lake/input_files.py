"""Files of a delivery: found, hashed, checked whole and bounded before a row of them is believed."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from fiscus.cost.types import InputFile
from fiscus.kernel.errors import BadInput, Where
from fiscus.kernel.limits import (
    INPUT_FILES_MAX,
    INPUT_INFLATED_FREE_BYTES,
    INPUT_INFLATION_RATIO_MAX,
    INPUT_ROWS_FREE,
    INPUT_ROWS_PER_BYTE_MAX,
)
from fiscus.stores.lake.csv_head import CHUNK_BYTES, NOT_UTF8, SAMPLE_ROWS, checked_header, head_rows
from fiscus.stores.lake.file_kinds import TEXT, packing, refuse_other_kind
from fiscus.stores.lake.parquet_pages import check_pages
from fiscus.stores.lake.scan_text import TextScan

SUFFIXES = (".csv", ".csv.gz", ".csv.zst", ".csv.zstd", ".parquet")
BYTES = ("binary", "large_binary", "binary_view")  # Arrow's names of what a Parquet file does not say to be text
UNREAD = (".bz2", ".xz", ".lz4", ".zip", ".7z", ".tar", ".tgz", ".xlsx", ".xls", ".tsv", ".orc", ".avro", ".gz", ".zst")
"""Kinds that may hold a part of the bill: left out in silence, they would make it too small."""
TABLES = (("_delta_log", "Delta Lake"), (".metadata.json", "Iceberg"), (".hoodie", "Hudi"))
"""How what lies in the folder of a table is called, or how that ends: all its files together are no bill."""


def find_files(paths: Sequence[Path]) -> list[Path]:
    """Every bill under `paths`, sorted, dotfiles left out. A path that is not there, or brings nothing, is refused."""
    if not paths:
        raise BadInput("No path was given", remedy="Name the files or folders of the delivery.")
    found: list[Path] = []
    for path in paths:
        if path.is_file():
            found.append(path)
        elif path.is_dir():
            found += _bills_below(path)
        else:
            raise BadInput(f"{path} does not exist", remedy="Check the path.", where=Where(file=str(path)))
    if not found:
        raise BadInput(
            "There is no bill here",
            remedy=f"Expected files ending in {', '.join(SUFFIXES)}.",
            where=Where(file=str(paths[0])),
        )
    if len(found) > INPUT_FILES_MAX:
        raise BadInput(f"More than {INPUT_FILES_MAX:,} files", remedy="Deliver them in several calls.")
    return list({path.resolve(): path for path in reversed(found)}.values())[::-1]


def _bills_below(folder: Path) -> list[Path]:
    """The bills of a folder, sorted; README and the like are passed over, what may be a part of the bill is refused."""
    found: list[Path] = []
    for path in sorted(folder.rglob("*")):
        name = path.name.lower()
        hidden = [part.startswith(".") for part in path.relative_to(folder).parts]
        if any(hidden[:-1]) or (hidden[-1] and name != ".hoodie"):
            continue
        if kind := next((kind for ending, kind in TABLES if name.endswith(ending)), ""):
            raise BadInput(
                f"The folder is a table of {kind}: files of its earlier versions lie beside those of today",
                remedy="Name the files of its newest version, or export that as CSV or Parquet.",
                where=Where(file=str(path.parent)),
            )
        if path.is_file() and name.endswith(SUFFIXES):
            found.append(path)
        elif path.is_symlink() and not path.exists() and name.endswith(SUFFIXES):
            raise BadInput("The link leads nowhere", remedy="Mend or remove it.", where=Where(file=str(path)))
        elif path.is_file() and name.endswith(UNREAD):
            raise BadInput(
                "A file of the folder may be a part of the bill and cannot be read",
                remedy=f"Unpack it or take it away; read are {', '.join(SUFFIXES)}.",
                where=Where(file=str(path)),
            )
    return found


def without_copies(files: Sequence[InputFile]) -> tuple[tuple[InputFile, ...], tuple[str, ...]]:
    """The files with each content once, and the paths of the others: a copy by another name, or packed, is not billed twice."""
    first = {file.content: file for file in reversed(files)}
    kept = tuple(file for file in files if first[file.content] is file)
    return kept, tuple(file.path for file in files if first[file.content] is not file)


def uneven_row(file: InputFile) -> int | None:
    """The first data row, from 1, with more or fewer fields than the header; None where there is none or no text."""
    path = Path(file.path)
    with path.open("rb") as packed, _unpacked(path, packed) as stream:
        text = io.TextIOWrapper(io.BufferedReader(stream), encoding="utf-8-sig", newline="")  # type: ignore[type-var]
        try:
            for number, row in enumerate(csv.reader(text, delimiter=file.delimiter)):
                if row and len(row) != len(file.columns):
                    return number
        except (csv.Error, UnicodeDecodeError):
            return None
    return None


def refused_in_reading(files: Sequence[InputFile], said: str) -> BadInput:
    """What the engine said of a row that it could not read, with the row."""
    if "blob to UTF8" in said and (found := no_text(files)):
        return BadInput("The value is not UTF-8 text", remedy=NOT_UTF8, where=found)
    line = re.search(r"[Ll]ine:? (\d+)", said)
    named = next((file for file in files if file.path in said), files[0])
    uneven = uneven_row(named) if named.form == "csv" else None
    where = Where(file=named.path, row=uneven or (int(line[1]) - 1 if line else None))
    if "invalid unicode" in said.lower() and not uneven:
        return BadInput("The row is not UTF-8 text", remedy=NOT_UTF8, where=where)
    return BadInput(
        f"The file cannot be read: {said.splitlines()[0].split(': ', 1)[-1][:200]}",
        remedy="Look at the row shown: every row needs as many fields as the header, quoted as RFC 4180 says.",
        where=where,
    )


def no_text(files: Sequence[InputFile]) -> Where | None:
    """The first value of Parquet files that is bytes and no UTF-8 text."""
    for file in files:
        columns = [name for name, kind in zip(file.columns, file.types, strict=True) if kind in BYTES]
        row = 0
        for batch in pq.ParquetFile(file.path).iter_batches(columns=columns):
            found = [(at, name) for name in columns if (at := _first_no_text(batch.column(name))) is not None]
            if found:
                at, name = min(found)
                return Where(file=file.path, row=row + at + 1, column=name)
            row += batch.num_rows
    return None


def _first_no_text(values: pa.Array) -> int | None:
    for at, value in enumerate(values.to_pylist()):
        try:
            (value or b"").decode()
        except UnicodeDecodeError:
            return at
    return None


def refuse_changed(files: Sequence[InputFile]) -> None:
    """Raises BadInput for a file that somebody wrote since it was inspected: a delivery is what its digest says."""
    for file in files:
        if file.stamp and _stamp(Path(file.path)) != file.stamp:
            raise BadInput(
                "The file changed while it was read",
                remedy="Deliver it again when it is written whole: under another name first, and then renamed.",
                where=Where(file=file.path),
            )


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        stat = path.stat()
    except OSError:
        return (-1,)
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns


def inspect_file(path: Path) -> InputFile:
    """Read `path` once as bytes (hash, wholeness, inflation) and its head as rows. Raises BadInput."""
    name, stamp = path.name.lower(), _stamp(path)
    if not name.endswith(SUFFIXES):
        raise BadInput(
            "Not a kind of file that can be read",
            remedy=f"Expected {', '.join(SUFFIXES)}.",
            where=Where(file=str(path)),
        )
    try:
        refuse_other_kind(path)
        file = _inspect_parquet(path) if name.endswith(".parquet") else _inspect_csv(path)
        return replace(file, stamp=stamp)
    except (EOFError, OSError, pa.ArrowException, zlib.error) as broken:
        raise _not_read(path, broken) from None


def _not_read(path: Path, broken: Exception) -> BadInput:
    if isinstance(broken, OSError) and broken.errno is not None:
        return BadInput(
            f"The file cannot be read: {broken.strerror}", remedy="Check its rights.", where=Where(file=str(path))
        )
    said = "The file is cut off" if isinstance(broken, EOFError) else "The file is damaged or cut off"
    return BadInput(
        f"{said}: its {packing(path)} data does not end well",
        remedy="Fetch it again from the vendor.",
        where=Where(file=str(path)),
    )


def _unpacked(path: Path, packed: IO[bytes]) -> IO[bytes]:
    """The text of `packed`, the opened file `path`."""
    name = path.name.lower()
    if name.endswith(".gz"):
        return gzip.GzipFile(fileobj=packed)  # type: ignore[return-value]
    if name.endswith((".zst", ".zstd")):
        return pa.CompressedInputStream(pa.PythonFile(packed, "r"), "zstd")  # type: ignore[return-value]
    return packed


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk


def _inspect_csv(path: Path) -> InputFile:
    scan, head, text = TextScan(path), b"", hashlib.sha256()
    with path.open("rb") as packed, _unpacked(path, packed) as stream:
        for chunk in _chunks(stream):
            scan.see(chunk, packed.tell())
            text.update(chunk)
            if len(head) < 4 * CHUNK_BYTES:
                head += chunk
    rows = head_rows(path, head, whole=scan.length <= len(head))
    if not rows[0]:
        raise BadInput("The header is empty", remedy="Export the file again.", where=Where(file=str(path), row=0))
    header, delimiter = rows[0], rows[1][0]
    columns = checked_header(path, header)
    sample: dict[str, str] = {}
    for row in rows[2:]:
        for column, value in zip(columns, row, strict=False):
            if value and value != "NULL":
                sample.setdefault(column, value)
    size, content = path.stat().st_size, text.hexdigest()
    stored = content if packing(path) == TEXT else _sha256(path)
    return InputFile(
        str(path), "csv", columns, delimiter, stored, scan.has_null, sample, size_bytes=size, content=content
    )


def _inspect_parquet(path: Path) -> InputFile:
    file = pq.ParquetFile(path)
    size, count = path.stat().st_size, file.metadata.num_rows
    inflated = sum(file.metadata.row_group(n).total_byte_size for n in range(file.metadata.num_row_groups))
    many = count > INPUT_ROWS_FREE and count > size * INPUT_ROWS_PER_BYTE_MAX
    if many or (inflated > INPUT_INFLATED_FREE_BYTES and inflated > size * INPUT_INFLATION_RATIO_MAX * 10):
        raise BadInput("The file inflates without bound", remedy="Fetch it again.", where=Where(file=str(path)))
    columns = checked_header(path, file.schema_arrow.names)
    check_pages(path, file.metadata)
    sample: dict[str, str] = {}
    for batch in file.iter_batches(batch_size=SAMPLE_ROWS):
        for name in columns:
            values = (
                (_text(v) for v in batch.column(name).to_pylist() if v not in {None, "", "NULL"})
                if _flat(batch, name)
                else ()
            )
            if (value := next(iter(values), None)) is not None:
                sample[name] = value
        break
    types = tuple(str(field.type) for field in file.schema_arrow)
    size, digest = path.stat().st_size, _sha256(path)
    return InputFile(
        str(path),
        "parquet",
        columns,
        "",
        digest,
        has_null_text=True,
        sample=sample,
        types=types,
        size_bytes=size,
        content=digest,
    )


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _flat(batch: pa.RecordBatch, name: str) -> bool:
    return not pa.types.is_nested(batch.schema.field(name).type)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for chunk in _chunks(stream):
            digest.update(chunk)
    return digest.hexdigest()
