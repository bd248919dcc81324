"""Files for people: written beside their name and moved into place, so that none is ever half there."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fiscus.kernel.errors import BadInput, FiscusError, Unavailable, Where


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A name to write to; it takes the place of `path` in one step, or is gone and `path` is as it was.

    What is no file but can be written, such as /dev/stdout or a pipe, is written as it is. Raises BadInput (no such folder, a
    folder itself), Unavailable (rights, the disk).
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            yield path
            return
        target = _target(path)
        partial = target.with_name(f".partial-{uuid.uuid4().hex[:12]}{target.suffix}")
        try:
            yield partial
            if target.exists():
                shutil.copymode(target, partial)
            with partial.open("rb") as written:
                os.fsync(written.fileno())
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    except BrokenPipeError:
        raise  # who reads our output has gone: nothing is wrong with a file
    except OSError as failed:
        raise _not_written(path, failed) from None


def folder_made(path: Path) -> None:
    """Make a folder to write into, where it is not there yet. Raises Unavailable."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as failed:
        raise _not_written(path, failed) from None


def _target(path: Path) -> Path:
    target = path.resolve()  # a link stays a link
    if not target.parent.is_dir():
        raise BadInput(
            f"There is no folder {path.parent}", remedy="Make it, or name another.", where=Where(file=str(path))
        )
    if target.is_dir():
        raise BadInput(f"{path} is a folder", remedy="Name a file in it.", where=Where(file=str(path)))
    return target


def _not_written(path: Path, failed: OSError) -> FiscusError:
    return Unavailable(
        f"{path} cannot be written: {failed.strerror or str(failed).splitlines()[0][:200]}",
        remedy="Mend its rights, free space on its disk, or name another; what was there before is as it was.",
        where=Where(file=str(path)),
    )
