"""Bills in object stores, brought beside the lake: s3://, gs:// and abfs://, by Arrow's own file systems.

What is there already with the same size and time is not fetched again; what left the store leaves here too. Credentials come
from where each vendor's clients look for them, never from a path.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import pyarrow as pa
import pyarrow.fs as arrow

from fiscus.kernel.errors import BadInput, Unavailable, Where
from fiscus.kernel.limits import INPUT_FILES_MAX, OBJECT_BYTES_MAX
from fiscus.stores.lake.object_address import object_url

CHUNK: Final = 1 << 20
AZURE: Final = ".dfs.core.windows.net"


def brought(paths: Sequence[Path], folder: Path) -> list[Path]:
    """`paths` with every URL replaced by a folder below `folder` that holds its objects. Raises BadInput, Unavailable."""
    return [path if (url := object_url(path)) is None else _bring(url, folder) for path in paths]


def _bring(url: str, folder: Path) -> Path:
    shown = url.partition("?")[0].rpartition("@")[2]
    place = folder / sha256(url.encode()).hexdigest()[:16]
    try:
        store, root = _by_key(url) or arrow.FileSystem.from_uri(url)
        objects = _listed(store, root, shown)
        for found in objects:
            _fetch(store, found, _target(place, root, found.path, shown))
    except (OSError, pa.ArrowException) as failed:
        raise Unavailable(
            f"{shown} cannot be read: {str(failed).splitlines()[0][:200]}",
            remedy="Check the address, the credentials and the network; the lake is as it was.",
            where=Where(file=shown),
        ) from failed
    _forget(place, {_target(place, root, found.path, shown) for found in objects})
    return place


def _by_key(url: str) -> tuple[Any, str] | None:
    """Azure by the key of its account, where the environment has it: Arrow's own way from an address knows identities alone."""
    parts, key = urlsplit(url), os.environ.get("AZURE_STORAGE_ACCOUNT_KEY")
    container, _, host = parts.netloc.partition("@")
    if not key or not parts.scheme.startswith("abfs") or not host.endswith(AZURE):
        return None
    said = dict(parse_qsl(parts.query))
    scheme, account = said.get("scheme", "https"), host.removesuffix(AZURE)
    given = {"blob_storage_scheme": scheme, "dfs_storage_scheme": scheme}
    if at := said.get("endpoint_override"):
        given |= {"blob_storage_authority": at, "dfs_storage_authority": at}
    return arrow.AzureFileSystem(account, account_key=key, **given), f"{container}{parts.path}".rstrip("/")


def _listed(store: Any, root: str, shown: str) -> list[Any]:
    here = store.get_file_info(root)
    if here.type == arrow.FileType.File:
        found = [here]
    else:
        within = store.get_file_info(arrow.FileSelector(root, recursive=True, allow_not_found=True))
        found = sorted((one for one in within if one.type == arrow.FileType.File), key=lambda one: one.path)
    where = Where(file=shown)
    if not found:
        raise BadInput("There is no object here", remedy="Check the bucket and the prefix.", where=where)
    if len(found) > INPUT_FILES_MAX:
        raise BadInput(f"More than {INPUT_FILES_MAX:,} objects", remedy="Name a longer prefix.", where=where)
    if sum(one.size for one in found) > OBJECT_BYTES_MAX:
        raise BadInput(
            f"More than {OBJECT_BYTES_MAX // 10**9} GB of objects",
            remedy="Name a longer prefix, a month each.",
            where=where,
        )
    return found


def _target(place: Path, root: str, key: str, shown: str) -> Path:
    """Where an object goes; one whose key leads elsewhere is refused."""
    inside = PurePosixPath(key.removeprefix(root).lstrip("/") or PurePosixPath(key).name)
    if inside.is_absolute() or ".." in inside.parts or "\0" in str(inside):
        raise BadInput(f"The key {key[:200]!r} leads out of its folder", remedy="Rename it.", where=Where(file=shown))
    return place / inside


def _fetch(store: Any, found: Any, target: Path) -> None:
    at = found.mtime.timestamp()
    if target.is_file() and (there := target.stat()).st_size == found.size and int(there.st_mtime) == int(at):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    with store.open_input_stream(found.path) as stream, partial.open("wb") as out:
        shutil.copyfileobj(stream, out, CHUNK)
    if partial.stat().st_size != found.size:
        raise OSError(f"{found.path} changed while it was read")
    os.utime(partial, (at, at))
    partial.replace(target)


def _forget(place: Path, kept: set[Path]) -> None:
    for path in place.rglob("*"):
        if path.is_file() and path not in kept:
            path.unlink()
