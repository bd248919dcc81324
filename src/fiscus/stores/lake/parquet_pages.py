"""The pages of a Parquet file, held against its footer before one is unpacked: a footer may say less than its pages hold.

Page headers are read where the footer says that they are (parquet.thrift: PageHeader, in Thrift's compact protocol); of each, the
two sizes. No page is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from fiscus.kernel.errors import BadInput, Where
from fiscus.kernel.limits import INPUT_PAGE_BYTES_MAX

HEADER_BYTES: Final = 4096  # statistics of long texts stand in it
SLACK_BYTES: Final = 1 << 20
STOP, TRUE, FALSE, BYTE, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = 0, 1, 2, 3, 7, 8, 9, 10, 11, 12
DEPTH_MAX: Final = 8


def check_pages(path: Path, metadata: Any) -> None:
    """Raises BadInput: a page out of the file, larger than any page of a bill, or pages that hold more than the footer says.

    `metadata` is pyarrow's of the same file.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        for group in range(metadata.num_row_groups):
            row_group = metadata.row_group(group)
            if not row_group.num_rows:
                continue  # nothing of it is read; where its columns would lie, each writer says otherwise
            for column in range(row_group.num_columns):
                _check_chunk(path, stream, row_group.column(column), size)


def _check_chunk(path: Path, stream: IO[bytes], chunk: Any, size: int) -> None:
    start, first = chunk.data_page_offset, chunk.dictionary_page_offset
    start = first if chunk.has_dictionary_page and first is not None and 0 < first < start else start
    end = start + chunk.total_compressed_size
    if start < 4 or chunk.total_compressed_size < 0 or end > size:
        raise _lies(path, f"column {chunk.path_in_schema[:80]} lies outside of the file")
    unpacked = 0
    for page in _pages(path, stream, start, end):
        unpacked += page
        if page > INPUT_PAGE_BYTES_MAX or unpacked > chunk.total_uncompressed_size + SLACK_BYTES:
            raise _lies(path, f"a page of column {chunk.path_in_schema[:80]} unpacks to {page:,} bytes")


def _pages(path: Path, stream: IO[bytes], start: int, end: int) -> Iterator[int]:
    """The unpacked size of each page from `start` on."""
    while start < end:
        stream.seek(start)
        header = stream.read(min(HEADER_BYTES, end - start))
        try:
            sizes, length = _page_header(header)
        except IndexError:
            sizes, length = _page_header_at_length(path, stream, start, end)
        unpacked, packed = sizes.get(2, -1), sizes.get(3, -1)
        if unpacked < 0 or packed < 0:
            raise _lies(path, "a page has no size")
        yield unpacked
        start += length + packed


def _page_header_at_length(path: Path, stream: IO[bytes], start: int, end: int) -> tuple[dict[int, int], int]:
    stream.seek(start)
    try:
        return _page_header(stream.read(min(SLACK_BYTES, end - start)))
    except IndexError:
        raise _lies(path, "a page has no header") from None


def _page_header(header: bytes) -> tuple[dict[int, int], int]:
    """The whole numbers of the struct by their field, and where it ends. Raises IndexError where it is cut off."""
    numbers: dict[int, int] = {}
    at = _struct(header, 0, numbers, 0)
    return numbers, at


def _struct(data: bytes, at: int, numbers: dict[int, int] | None, depth: int) -> int:
    if depth > DEPTH_MAX:
        raise IndexError
    field = 0
    while (byte := data[at]) != STOP:
        at += 1
        kind = byte & 0x0F
        if byte >> 4:
            field += byte >> 4
        else:
            field, at = _zigzag(data, at)
        if kind in {4, 5, 6}:
            value, at = _zigzag(data, at)
            if numbers is not None:
                numbers[field] = value
        else:
            at = _skip(data, at, kind, depth)
    return at + 1


def _skip(data: bytes, at: int, kind: int, depth: int) -> int:
    """Past a value of `kind`."""
    if kind in {TRUE, FALSE}:
        return at
    if kind == BYTE:
        return at + 1
    if kind == DOUBLE:
        return at + 8
    if kind == BINARY:
        length, at = _varint(data, at)
        return at + length
    if kind == STRUCT:
        return _struct(data, at, None, depth + 1)
    raise IndexError  # no page header has a list, a set or a map


def _zigzag(data: bytes, at: int) -> tuple[int, int]:
    value, at = _varint(data, at)
    return (value >> 1) ^ -(value & 1), at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise IndexError


def _lies(path: Path, what: str) -> BadInput:
    return BadInput(
        f"The footer does not say what the file holds: {what}",
        remedy="Fetch it again from the vendor.",
        where=Where(file=str(path)),
    )
