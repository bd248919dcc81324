"""Bytes of a bill on their way by: no NUL, no line without end, no inflation without bound. Stops at the first of them."""

from __future__ import annotations

from pathlib import Path

from fiscus.kernel.errors import BadInput, Where
from fiscus.kernel.limits import INPUT_FIELD_BYTES_MAX, INPUT_INFLATED_FREE_BYTES, INPUT_INFLATION_RATIO_MAX


class TextScan:
    """Sees each chunk of a file once, in order. `length` is bytes so far, `has_null` whether the word NULL came by."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tail = b""
        self._open_line = 0  # bytes since the last line end
        self.length = 0
        self.has_null = False

    def see(self, chunk: bytes, packed: int) -> None:
        """`packed` is how many bytes of the file on disk the text so far was read from. Raises BadInput."""
        if b"\0" in chunk:
            raise BadInput(
                f"A zero byte stands at byte {self.length + chunk.index(0):,}: the file is UTF-16, padded or damaged",
                remedy="Save it as UTF-8, or fetch it again from the vendor.",
                where=Where(file=str(self._path)),
            )
        self.length += len(chunk)
        self._check_line(chunk)
        if self.length > INPUT_INFLATED_FREE_BYTES and self.length > packed * INPUT_INFLATION_RATIO_MAX:
            raise BadInput(
                f"The file inflates more than {INPUT_INFLATION_RATIO_MAX} times: this is no bill",
                remedy="Fetch it again; if it is genuine, deliver it uncompressed.",
                where=Where(file=str(self._path)),
            )
        self.has_null = self.has_null or b"NULL" in self._tail + chunk
        self._tail = chunk[-3:]

    def _check_line(self, chunk: bytes) -> None:
        last = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
        self._open_line = self._open_line + len(chunk) if last < 0 else len(chunk) - 1 - last
        if self._open_line > 2 * INPUT_FIELD_BYTES_MAX:
            raise BadInput(
                f"A line is longer than {2 * INPUT_FIELD_BYTES_MAX:,} bytes: this is no bill",
                remedy="Look at the export: a row of a bill is a few kilobytes.",
                where=Where(file=str(self._path)),
            )
