"""The head of a CSV file: its header, its delimiter and its first rows, read before anything of it is believed."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from fiscus.kernel.errors import BadInput, Where
from fiscus.kernel.limits import INPUT_COLUMNS_MAX, INPUT_FIELD_BYTES_MAX

CHUNK_BYTES = 1 << 20
SAMPLE_ROWS = 50
NOT_UTF8 = "Save it as UTF-8: it is in another encoding, often Windows-1252 or Latin-1."


def head_rows(path: Path, head: bytes, *, whole: bool) -> list[list[str]]:
    """[header, [delimiter], sample rows...]."""
    if not head.strip():
        raise BadInput("The file is empty", remedy="Fetch it again from the vendor.", where=Where(file=str(path)))
    if not whole and b"\n" not in head:
        raise BadInput(
            f"No line ends within {len(head) // CHUNK_BYTES} MB: this is no CSV",
            remedy="Export the file again.",
            where=Where(file=str(path), row=0),
        )
    try:
        text = head.decode("utf-8-sig") if whole else head[: head.rfind(b"\n") + 1].decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _not_utf8(path, head) from None
    first = text.split("\n", 1)[0]
    delimiter = max((",", ";", "\t", "|"), key=first.count)
    csv.field_size_limit(INPUT_FIELD_BYTES_MAX)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        rows = [row for row, _ in zip(reader, range(SAMPLE_ROWS + 1), strict=False)]
    except csv.Error as broken:
        raise BadInput(
            f"Not CSV: {broken}", remedy="Quote fields as RFC 4180 says.", where=Where(file=str(path))
        ) from None
    return [rows[0], [delimiter], *rows[1:]]


def _not_utf8(path: Path, head: bytes) -> BadInput:
    """Where the first byte stands that is no UTF-8: its line, which an editor shows, and its place in the file."""
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as broken:
        at = broken.start
    else:
        raise AssertionError("the head was refused as UTF-8")
    line = head.count(b"\n", 0, at) + 1
    return BadInput(
        f"The file is not UTF-8 text: byte {at + 1:,} is 0x{head[at]:02X}",
        remedy=NOT_UTF8,
        where=Where(file=str(path), line=line),
    )


def checked_header(path: Path, header: Sequence[str]) -> tuple[str, ...]:
    columns = tuple(name.strip() for name in header)
    where = Where(file=str(path), row=0)
    if len(columns) > INPUT_COLUMNS_MAX:
        raise BadInput(f"More than {INPUT_COLUMNS_MAX:,} columns", remedy="This is no FOCUS file.", where=where)
    seen: set[str] = set()
    for name in columns:
        if not name or name.lower() in seen:
            problem = f"Column {name!r} stands twice in the header" if name else "A column has no name"
            raise BadInput(
                problem, remedy="Export the file again.", where=Where(file=str(path), row=0, column=name or None)
            )
        if "\n" in name or "\r" in name:
            raise BadInput(
                "A column's name holds a line break",
                remedy="Export the file again.",
                where=Where(file=str(path), row=0, column=name),
            )
        if name.startswith("x__"):
            raise BadInput(
                f"Column {name!r} has a name that Fiscus keeps for itself",
                remedy="Rename it: x_ and then a letter.",
                where=Where(file=str(path), row=0, column=name),
            )
        seen.add(name.lower())
    return columns
