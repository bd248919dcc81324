"""A lake in a bucket: S3, Google Cloud Storage or Azure Blob Storage.

A commit is one file of a table's log that the store only takes where none of its name is there, so two writers never both win it.
Files are put in place before their commit, and nobody reads what no commit names.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import duckdb
import pyarrow as pa
import pyarrow.fs as arrow
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from fiscus.kernel.errors import LimitExceeded, Unavailable, Where
from fiscus.kernel.limits import OBJECT_BYTES_MAX, STORE_AT_ONCE
from fiscus.stores.lake.bucket_address import BucketAddress
from fiscus.stores.lake.bucket_clients import BucketClients, said
from fiscus.stores.lake.bucket_files import SCHEME, BucketFile, BucketFiles, LakeFilesystem
from fiscus.stores.lake.kept_blocks import KeptBlocks
from fiscus.stores.lake.places import Place, TableAt, TablePlace

CHUNK: Final = 1 << 22
FETCHED: Final = "_fetched"
KEPT: Final = "_blocks"


class BucketTable(TablePlace):
    """A table below the lake's prefix."""

    def __init__(self, place: BucketPlace, name: str) -> None:
        self._place, self._name = place, name
        self.uri = f"{place.shown}/{name}"

    @property
    def options(self) -> dict[str, str]:  # type: ignore[override]  # credentials run out: they are asked for each time
        return self._place.clients.now().delta

    def opened(self, version: int | None = None) -> DeltaTable | None:
        """As TablePlace. Raises Unavailable where the store cannot be asked."""
        with self._place.told():
            table = super().opened(version)
        if table is not None:
            self._place.remember(self, table)
        return table

    def ready(self) -> None:
        self._place.prove()

    def at(self, version: int) -> TableAt:
        return self._place.seen(self._name, version) or super().at(version)

    def version(self) -> int:
        return self._place.versions([self._name])[0]

    def named(self, uri: str) -> str:
        return f"{SCHEME}{self._name}/{unquote(uri.removeprefix(self.uri + '/'))}"


class BucketPlace(Place):
    """The lake at `address`. Thread-safe. `aside`: what this machine keeps beside it."""

    def __init__(self, address: BucketAddress, aside: Path) -> None:
        self.aside, self.shown = aside, address.url
        self._root = f"{address.bucket}/{address.prefix}"
        self._address, self._proven = address, False
        self.clients = BucketClients(address)
        self._lock = threading.RLock()
        self._open: dict[str, DeltaTable] = {}  # the newest that was seen of each table
        self._seen: dict[tuple[str, int], TableAt] = {}
        self._sizes: dict[str, int] = {}
        self._files = BucketFiles(self._sizes, self._arrow_file, KeptBlocks(aside / KEPT))

    def prove(self) -> None:
        """That commits are safe in a store that only speaks as Amazon's does; asked once of a process."""
        if not self._proven and "aws_endpoint" in (delta := self.clients.now().delta):
            from fiscus.stores.lake.bucket_proof import prove_conditional_put  # noqa: PLC0415  for such a store alone

            prove_conditional_put(self._address, delta)
        self._proven = True

    def table(self, name: str) -> BucketTable:
        return BucketTable(self, name)

    def versions(self, names: Sequence[str]) -> Sequence[int]:
        """The names that are there are asked side by side; each log is asked only for what came since."""
        with self._lock:
            there = set(names) if self._address.scheme == "gs" else self._tables_there() & set(names)
            for gone in set(names) - there:
                self._open.pop(gone, None)
            with ThreadPoolExecutor(STORE_AT_ONCE) as pool, self.told():
                newest = dict(zip(there, pool.map(self._newest, there), strict=True))
            return [newest.get(name, -1) for name in names]

    def seen(self, name: str, version: int) -> TableAt | None:
        """A version of a table that was read before; a version never changes."""
        return TableAt() if version < 0 else self._seen.get((name, version))

    def remember(self, table: BucketTable, opened: DeltaTable) -> TableAt:
        """What is in a version, and how large each of its files is."""
        actions = pa.table(opened.get_add_actions())
        sizes = dict(zip(actions["path"].to_pylist(), actions["size_bytes"].to_pylist(), strict=True))
        found = {table.named(f"{table.uri}/{path}"): size for path, size in sizes.items()}
        at = TableAt(tuple(table.named(uri) for uri in opened.file_uris()))
        assert set(at.files) == set(found), "a file of the log has no size"
        self._sizes.update(found)
        return at

    def put(self, piece: Path, name: str) -> None:
        with self.told(), piece.open("rb") as local, self._fs().open_output_stream(f"{self._root}/{name}") as out:
            while chunk := local.read(CHUNK):
                out.write(chunk)
        piece.unlink()

    def read(self, name: str) -> bytes | None:
        with self.told(), suppress(FileNotFoundError), self._fs().open_input_file(f"{self._root}/{name}") as file:
            return bytes(file.read())
        return None

    def write(self, name: str, data: bytes) -> None:
        with self.told(), self._fs().open_output_stream(f"{self._root}/{name}") as out:
            out.write(data)

    def names(self, folder: str) -> Sequence[str]:
        with self.told():
            found = self._fs().get_file_info(arrow.FileSelector(f"{self._root}/{folder}", allow_not_found=True))
        return sorted(f"{folder}/{one.base_name}" for one in found if one.type == arrow.FileType.File)

    def remove(self, name: str) -> None:
        with self.told(), suppress(FileNotFoundError):
            self._fs().delete_file(f"{self._root}/{name}")

    def source(self, file: str) -> Any:
        return pa.PythonFile(BucketFile(self._files, file), mode="r")

    def attach(self, connection: duckdb.DuckDBPyConnection) -> None:
        connection.register_filesystem(LakeFilesystem(self._files))

    def connected(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect()
        self.attach(connection)
        return connection

    def clustered(self, file: str) -> str:
        """Hadoop says s3a for s3; its other names are the stores' own."""
        return f"{re.sub('^s3:', 's3a:', self.shown)}/{file.removeprefix(SCHEME)}"

    def local(self, files: Sequence[str]) -> Sequence[Path]:
        """Fetched once each; those that are asked for no more are taken away. Raises LimitExceeded, Unavailable."""
        if sum(self._files.size(file) for file in files) > OBJECT_BYTES_MAX:
            raise LimitExceeded(
                f"More than {OBJECT_BYTES_MAX // 10**9} GB of charges",
                remedy="Name a source and a month: SOURCE/MONTH.",
            )
        root = self.aside / FETCHED
        wanted = {file: root / file.removeprefix(SCHEME) for file in files}
        for path in root.rglob("*.parquet"):
            if path not in wanted.values():
                path.unlink(missing_ok=True)
        for file, path in wanted.items():
            if not path.is_file() or path.stat().st_size != self._files.size(file):
                self._fetch(file, path)
        return list(wanted.values())

    def told(self) -> Told:
        """What the store refuses is Unavailable, with its answer."""
        return Told(self.shown)

    def _fetch(self, file: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.partial")
        with self.told(), self._arrow_file(file) as stored, partial.open("wb") as out:
            while chunk := stored.read(CHUNK):
                out.write(chunk)
        partial.replace(path)

    def _newest(self, name: str) -> int:
        table, held = self.table(name), self._open.get(name)
        if held is None:
            held = TablePlace.opened(table)
        else:
            held.update_incremental()
        if held is None:
            return -1  # its first files are in place, and not committed yet
        version = held.version()
        if (name, version) not in self._seen:
            self._seen[name, version] = self.remember(table, held)
        self._open[name] = held
        return version

    def _tables_there(self) -> set[str]:
        """Folders below the prefix. Raises Unavailable for a bucket that is not there: it is no empty lake.

        Not of Google's: Arrow lists no folder there that nobody made, so each table is asked for.
        """
        with self.told():
            found = self._fs().get_file_info(arrow.FileSelector(self._root, allow_not_found=True))
            if not found and self._fs().get_file_info(self._address.bucket).type == arrow.FileType.NotFound:
                raise FileNotFoundError(f"there is no bucket {self._address.bucket}, or no right to see it")
        return {one.base_name for one in found if one.type == arrow.FileType.Directory}

    def _arrow_file(self, file: str) -> Any:
        return self._fs().open_input_file(f"{self._root}/{file.removeprefix(SCHEME)}")

    def _fs(self) -> Any:
        return self.clients.now().files


class Told:
    """A context in which errors of a store become Unavailable."""

    def __init__(self, shown: str) -> None:
        self._shown = shown

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, failed: BaseException | None, trace: object) -> None:
        if isinstance(failed, OSError | pa.ArrowException) and not isinstance(failed, DeltaError):
            raise Unavailable(
                f"The lake cannot be reached: {said(failed)}",
                remedy="Check the bucket, the credentials, the rights and the network; what was committed is safe.",
                where=Where(file=self._shown),
            ) from failed
