"""An upstream's whole answer, read from its bytes as they come (RFC 9112): by its length, in chunks, or to the very end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

HEAD_BYTES_MAX: Final = 65_536
LINE_BYTES_MAX: Final = 8_192
END: Final = b"\r\n\r\n"
_ENDS: Final = frozenset(b"\r\n\0")
_HEX: Final = frozenset(b"0123456789abcdefABCDEF")


class NoAnswer(Exception):
    """What came is no answer of HTTP."""


class PlainAnswer(NamedTuple):
    """`lines`: the headers as they came, without their ends. `keep`: the connection may be asked again."""

    status: int
    lines: tuple[bytes, ...]
    body: bytes
    keep: bool

    def header(self, name: bytes) -> str:
        """The first one of this name, in small letters; empty: none."""
        for line in self.lines:
            key, _, value = line.partition(b":")
            if key.lower() == name:
                return value.strip().decode("latin-1")
        return ""


class AnswerReader:
    """Of one answer. Each piece is fed once; the answer comes with the piece that ends it."""

    def __init__(self) -> None:
        self.status = 0  # known once the head was read
        self._held = b""
        self._lines: tuple[bytes, ...] = ()
        self._length: int | None = None  # None: to the connection's end
        self._chunks: list[bytes] | None = None  # of a body in chunks
        self._keep = True

    def feed(self, data: bytes) -> PlainAnswer | None:
        """Raises NoAnswer."""
        held = self._held + data if self._held else data
        while not self.status:
            end = held.find(END)
            if end < 0:
                if len(held) > HEAD_BYTES_MAX:
                    raise NoAnswer("its head has no end")
                self._held = held
                return None
            self._read_head(held[:end])
            held = held[end + len(END) :]
        if self._chunks is not None:
            return self._chunked(held, self._chunks)
        if self._length is None or len(held) < self._length:
            self._held = held
            return None
        return self._whole(held[: self._length], held[self._length :])

    def end(self) -> PlainAnswer | None:
        """The connection ended; None: the answer is not whole."""
        if not self.status or self._length is not None or self._chunks is not None:
            return None
        self._keep = False
        return self._whole(self._held, b"")

    def _whole(self, body: bytes, behind: bytes) -> PlainAnswer:
        """What lies behind an answer was never asked for: such a connection is not asked again."""
        return PlainAnswer(self.status, self._lines, body, self._keep and not behind)

    def _read_head(self, head: bytes) -> None:
        first, *lines = head.split(b"\r\n")
        if not first.startswith((b"HTTP/1.1 ", b"HTTP/1.0 ")) or not first[9:12].isdigit():
            raise NoAnswer("it does not begin like one")
        status = int(first[9:12])
        if 100 <= status < 200:  # something else comes behind it
            if status == 101:
                raise NoAnswer("it speaks another protocol")
            return
        lengths, coding, connection = _told(lines)
        self.status, self._lines = status, tuple(lines)
        self._keep = first.startswith(b"HTTP/1.1") and b"close" not in connection
        if status in {204, 304}:
            self._length = 0
        elif coding == b"chunked":
            self._chunks, self._keep = [], self._keep and not lengths
        elif coding:
            raise NoAnswer("it is coded in a way that was not asked for")
        elif lengths:
            (length, *others) = lengths
            if others or not length.isdigit():
                raise NoAnswer("nobody knows how long it is")
            self._length = int(length)

    def _chunked(self, held: bytes, chunks: list[bytes]) -> PlainAnswer | None:
        at = 0
        while True:
            line = held.find(b"\r\n", at)
            if line < 0:
                if len(held) - at > LINE_BYTES_MAX:
                    raise NoAnswer("a chunk has no size")
                break
            digits = held[at:line].partition(b";")[0].rstrip(b" \t")
            if not digits or len(digits) > 8 or not _HEX.issuperset(digits):
                raise NoAnswer("a chunk has no size")
            size, begin = int(digits, 16), line + 2
            if not size:
                return self._after_chunks(held[at:], chunks)
            if len(held) < begin + size + 2:
                break
            if held[begin + size : begin + size + 2] != b"\r\n":
                raise NoAnswer("a chunk is longer than it says")
            chunks.append(held[begin : begin + size])
            at = begin + size + 2
        self._held = held[at:]
        return None

    def _after_chunks(self, held: bytes, chunks: list[bytes]) -> PlainAnswer | None:
        """Behind the last chunk stand trailers, which nobody asked for, and an empty line."""
        end = held.find(END)
        if end < 0:
            if len(held) > HEAD_BYTES_MAX:
                raise NoAnswer("its trailers have no end")
            self._held = held
            return None
        return self._whole(b"".join(chunks), held[end + len(END) :])


def _told(lines: Sequence[bytes]) -> tuple[set[bytes], bytes, bytes]:
    """The lengths, the coding and the options of the connection that the headers name. Raises NoAnswer."""
    lengths, coding, connection = set[bytes](), b"", b""
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or name[:1] in b" \t" or not _ENDS.isdisjoint(line):
            raise NoAnswer("a header of it cannot be read")
        match name.lower():
            case b"content-length":
                lengths.add(value.strip())
            case b"transfer-encoding":
                coding += value.strip().lower()
            case b"connection":
                connection += value.lower()
    return lengths, coding, connection
