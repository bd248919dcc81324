"""Blocks of files of an object store, kept on this machine: a lake's files never change under their name, so neither do these.

A block is a file with the checksum of its bytes behind them: one that was cut off or damaged is as good as none. Processes share
the folder; who finds it too large takes away what was used longest ago. On a full disk nothing is kept, and all goes on.
"""

from __future__ import annotations

import os
import threading
import zlib
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

from fiscus.kernel.limits import STORE_BLOCK_BYTES, STORE_KEPT_BYTES_MAX

CHECKSUM_BYTES: Final = 4
Fetch = Callable[[int, int], bytes]  # offset, bytes -> those


class KeptBlocks:
    """`folder` is made when something is first kept."""

    def __init__(self, folder: Path, bytes_max: int = STORE_KEPT_BYTES_MAX) -> None:
        self._folder, self._bytes_max = folder, bytes_max
        self._lock = threading.Lock()
        self._bytes = -1  # not counted yet

    def read(self, name: str, size: int, offset: int, length: int, fetch: Fetch) -> bytes:
        """Bytes of the file `name` of `size`; what is not kept is fetched, neighbours in one go."""
        end = min(offset + length, size)
        if end <= offset:
            return b""
        first, last = offset // STORE_BLOCK_BYTES, (end - 1) // STORE_BLOCK_BYTES
        place = self._folder / sha256(name.encode()).hexdigest()
        blocks = {number: self._kept(place, number, size) for number in range(first, last + 1)}
        for start, stop in _gaps(blocks):
            begin = start * STORE_BLOCK_BYTES
            fetched = fetch(begin, min(stop * STORE_BLOCK_BYTES, size) - begin)
            for number in range(start, stop):
                at = number * STORE_BLOCK_BYTES - begin
                blocks[number] = fetched[at : at + STORE_BLOCK_BYTES]
                self._keep(place, number, blocks[number] or b"")
        whole = b"".join(block or b"" for block in blocks.values())
        return whole[offset - first * STORE_BLOCK_BYTES : end - first * STORE_BLOCK_BYTES]

    def _kept(self, place: Path, number: int, size: int) -> bytes | None:
        path = place / str(number)
        try:
            stored = path.read_bytes()
        except OSError:
            return None
        block, checksum = stored[:-CHECKSUM_BYTES], stored[-CHECKSUM_BYTES:]
        whole = len(block) == min(STORE_BLOCK_BYTES, size - number * STORE_BLOCK_BYTES)
        return block if whole and _checksum(block) == checksum else None

    def _keep(self, place: Path, number: int, block: bytes) -> None:
        partial = place / f"{number}.{os.urandom(4).hex()}"
        try:
            place.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(block + _checksum(block))
            partial.replace(place / str(number))
        except OSError:  # kept for speed alone
            return
        with self._lock:
            if self._bytes < 0:
                self._bytes = sum(size for _, size, _ in self._all())
            else:
                self._bytes += len(block) + CHECKSUM_BYTES
            if self._bytes > self._bytes_max:
                self._make_room()

    def _make_room(self) -> None:
        """Down to four fifths, so that it is not done for each block."""
        found = sorted(self._all())
        left = sum(size for _, size, _ in found)
        for _, size, path in found:
            if left <= self._bytes_max * 4 // 5:
                break
            path.unlink(missing_ok=True)
            left -= size
        self._bytes = left

    def _all(self) -> Iterator[tuple[float, int, Path]]:
        """(last use, bytes, path) of each block. A block just taken away by another process is passed over."""
        for folder in self._folder.iterdir():
            for path in folder.iterdir():
                try:
                    stat = path.stat()
                except FileNotFoundError:
                    continue
                yield max(stat.st_atime, stat.st_mtime), stat.st_size, path


def _gaps(blocks: dict[int, bytes | None]) -> Iterator[tuple[int, int]]:
    """Runs of numbers without a block, each as (first, one past the last)."""
    start: int | None = None
    for number, block in blocks.items():
        if block is None and start is None:
            start = number
        if block is not None and start is not None:
            yield start, number
            start = None
    if start is not None:
        yield start, max(blocks) + 1


def _checksum(block: bytes) -> bytes:
    return zlib.crc32(block).to_bytes(CHECKSUM_BYTES, "big")
