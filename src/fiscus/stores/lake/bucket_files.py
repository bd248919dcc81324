"""The lake's files in a bucket as DuckDB and Arrow read them: by ranges, through fsspec. Nothing can be written.

They are called lake://TABLE/PARTITIONS/FILE wherever the bucket is: a view does not say where that is, and no name leads out.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from fsspec import AbstractFileSystem

from fiscus.stores.lake.bucket_clients import said
from fiscus.stores.lake.kept_blocks import KeptBlocks
from fiscus.stores.lake.places import StoreFault

SCHEME: Final = "lake://"
LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)  # a file never changes: when it was made tells nothing


class BucketFiles:
    """`sizes`: bytes of each file that a log names. `opened`: Arrow's file for a name. Thread-safe."""

    def __init__(self, sizes: Mapping[str, int], opened: Callable[[str], Any], kept: KeptBlocks) -> None:
        self._sizes, self._opened, self._kept = sizes, opened, kept

    def size(self, name: str) -> int:
        """Raises StoreFault for what is no file of the lake."""
        try:
            return self._sizes[name]
        except KeyError:
            raise StoreFault(f"{name} is no file of the lake") from None

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Raises StoreFault with what the store answered."""

        def fetch(start: int, count: int) -> bytes:
            with self._opened(name) as file:
                got = bytes(file.read_at(count, start))
            if len(got) != count:
                raise OSError(f"{count:,} bytes were asked for and {len(got):,} came")
            return got

        try:
            return self._kept.read(name, self.size(name), offset, length, fetch)
        except StoreFault:
            raise
        except OSError as failed:
            raise StoreFault(f"{name}: {said(failed)}") from None


class BucketFile(io.RawIOBase):
    """One file, read forwards or anywhere."""

    def __init__(self, files: BucketFiles, name: str) -> None:
        self._files, self._name, self._at = files, name, 0
        self.size = files.size(name)

    def read(self, size: int | None = -1) -> bytes:
        length = self.size - self._at if size is None or size < 0 else size
        got = self._files.read(self._name, self._at, length)
        self._at += len(got)
        return got

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


class LakeFilesystem(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """What DuckDB is given. It asks for names as they stand in a view; a pattern is a name that is not there."""

    protocol = "lake"
    cachable = False

    def __init__(self, files: BucketFiles) -> None:
        super().__init__()
        self._files = files

    def open(self, path: str, mode: str = "rb", **_: object) -> BucketFile:
        if mode != "rb":
            raise StoreFault("the lake's files are read only")
        return BucketFile(self._files, path)

    def info(self, path: str, **_: object) -> dict[str, object]:
        return {"name": path, "size": self._files.size(path), "type": "file"}

    def exists(self, path: str, **_: object) -> bool:
        return path.startswith(SCHEME)

    def glob(self, path: str, **_: object) -> list[str]:
        return [path]

    def modified(self, path: str) -> datetime:  # noqa: ARG002  fsspec's signature
        return LONG_AGO
