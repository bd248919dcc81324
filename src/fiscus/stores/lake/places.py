"""Where a lake is: a folder, or a prefix of a bucket (bucket_place.py). What differs between the two is behind these names."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import duckdb
    from deltalake import DeltaTable

COMMIT: Final = re.compile(r"\d{20}\.json")  # Delta protocol, "Delta Log Entries"
FAULT: Final = re.compile(r"StoreFault: ([^\n]*)")


@dataclass(frozen=True, slots=True)
class TableAt:
    """One version of a table: the files that hold its rows."""

    files: tuple[str, ...] = ()


class StoreFault(OSError):
    """An object store that fails while DuckDB reads it. DuckDB passes on the text of an error and nothing else of it."""


class TablePlace(ABC):
    """Where one Delta table is, and how its store is spoken to."""

    uri: str
    options: dict[str, str] | None  # delta-rs's own; None for a folder

    def opened(self, version: int | None = None) -> DeltaTable | None:
        """The table at its newest version or an earlier one; None while nothing was ever committed."""
        from deltalake import DeltaTable  # noqa: PLC0415  a process that only counts commits loads no engine
        from deltalake.exceptions import TableNotFoundError  # noqa: PLC0415  as above

        try:
            return DeltaTable(self.uri, version=version, storage_options=self.options)
        except TableNotFoundError:
            if version is not None:
                raise
            return None

    def ready(self) -> None:  # noqa: B027  a folder needs no proof
        """Before the first commit of a process: what a store must do for commits to be safe is proven. Raises BadConfig."""

    def at(self, version: int) -> TableAt:
        """The table at one version; nothing at -1."""
        table = self.opened(version) if version >= 0 else None
        if table is None:
            return TableAt()
        return TableAt(tuple(self.named(uri) for uri in table.file_uris()))

    @abstractmethod
    def version(self) -> int:
        """The newest version, -1 for none."""

    @abstractmethod
    def named(self, uri: str) -> str:
        """What a file of the table, which delta-rs calls `uri`, is called where it is read."""


class Place(ABC):
    """Where the whole lake is. `aside` is a folder on this machine for locks, scratch and what is fetched."""

    aside: Path
    shown: str

    @abstractmethod
    def table(self, name: str) -> TablePlace: ...

    @abstractmethod
    def versions(self, names: Sequence[str]) -> Sequence[int]:
        """The newest version of each table, -1 for none."""

    @abstractmethod
    def put(self, piece: Path, name: str) -> None:
        """Move a local file to `name` in the lake. No reader sees it before a commit names it."""

    @abstractmethod
    def read(self, name: str) -> bytes | None:
        """A small file of the lake, or None where there is none."""

    @abstractmethod
    def write(self, name: str, data: bytes) -> None:
        """Store a small file, whole or not at all."""

    @abstractmethod
    def names(self, folder: str) -> Sequence[str]:
        """The small files in a folder of the lake, as `read` takes them."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Take a file away; one that is not there is no error."""

    @abstractmethod
    def source(self, file: str) -> Any:
        """A table's file as Arrow's reader of Parquet takes it."""

    @abstractmethod
    def attach(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Let a connection, and all others of its DuckDB, read the lake's files by their names."""

    @abstractmethod
    def connected(self) -> duckdb.DuckDBPyConnection:
        """A connection that reads the lake's files. What it makes must be TEMP: its DuckDB may serve other lakes too."""

    @abstractmethod
    def clustered(self, file: str) -> str:
        """A table's file as a cluster of Spark names it."""

    @abstractmethod
    def local(self, files: Sequence[str]) -> Sequence[Path]:
        """Files of the lake as files of this machine, under folders named as their partitions."""


def fault_in(failed: BaseException) -> str:
    """What the store said, where that is why `failed`; empty where it is not."""
    for error in (failed, failed.__context__):
        found = FAULT.search(str(error)) if error is not None else None
        if found:
            return found[1]
    return ""


class FolderTable(TablePlace):
    """A table in a folder."""

    def __init__(self, path: Path) -> None:
        self.uri, self.options, self._path = str(path), None, path

    def version(self) -> int:
        """Each commit is one file of the log, named by its version; nothing else is read."""
        try:
            names = [entry.name for entry in (self._path / "_delta_log").iterdir()]
        except FileNotFoundError:
            return -1
        return max((int(name[:20]) for name in names if COMMIT.fullmatch(name)), default=-1)

    def named(self, uri: str) -> str:
        return uri


class FolderPlace(Place):
    """A lake in a folder."""

    def __init__(self, root: Path) -> None:
        self.aside, self.shown = root, str(root)

    def table(self, name: str) -> FolderTable:
        return FolderTable(self.aside / name)

    def versions(self, names: Sequence[str]) -> Sequence[int]:
        return [self.table(name).version() for name in names]

    def put(self, piece: Path, name: str) -> None:
        target = self.aside / name
        target.parent.mkdir(parents=True, exist_ok=True)
        piece.rename(target)

    def read(self, name: str) -> bytes | None:
        try:
            return (self.aside / name).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, name: str, data: bytes) -> None:
        target = self.aside / name
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.{os.getpid()}.{os.urandom(4).hex()}")
        partial.write_bytes(data)
        partial.replace(target)

    def names(self, folder: str) -> Sequence[str]:
        return sorted(f"{folder}/{path.name}" for path in (self.aside / folder).glob("*.json"))

    def remove(self, name: str) -> None:
        (self.aside / name).unlink(missing_ok=True)

    def source(self, file: str) -> Any:
        return file

    def attach(self, connection: duckdb.DuckDBPyConnection) -> None:
        """A folder is read as it is."""

    def connected(self) -> duckdb.DuckDBPyConnection:
        from fiscus.stores.lake.one_duckdb import another_connection  # noqa: PLC0415  as above: no engine before a question

        return another_connection()

    def clustered(self, file: str) -> str:
        return file

    def local(self, files: Sequence[str]) -> Sequence[Path]:
        return [Path(file) for file in files]
