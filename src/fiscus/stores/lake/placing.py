"""Files on their way into the lake: what is about to be put beside a table is noted first, and struck out after the commit.

A delivery that is killed in between leaves its files and their note. A later delivery, of any machine, takes such files away once
nobody can be at work on them any more and no commit names them. What stands in no note is never touched.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
from deltalake.exceptions import DeltaError

from fiscus.kernel.canonical import canonical_bytes
from fiscus.kernel.clock import SystemClock
from fiscus.kernel.errors import Conflict, Unavailable
from fiscus.kernel.limits import PLACING_HOURS_MAX
from fiscus.stores.lake.places import Place
from fiscus.stores.lake.tables import Placed

FOLDER: Final = "_placing"
PLACED: Final = re.compile(r"x_SourceId=[^/]+/x_BillingMonth=[^/]+/part-[0-9a-f]{32}\.parquet")


@dataclass(frozen=True, slots=True)
class Moving:
    """Local files and what they become beside the table in `folder`, whose newest version was `after`."""

    folder: str
    after: int
    files: Sequence[tuple[Path, Placed]]


def named(source: str, month: str, pieces: Sequence[Path]) -> list[tuple[Path, Placed]]:
    """The files of one month, each with the name that it gets within the table."""
    found = []
    for piece in pieces:
        name = f"x_SourceId={source}/x_BillingMonth={month}/part-{uuid.uuid4().hex}.parquet"
        rows, stat = int(pq.read_metadata(piece).num_rows), piece.stat()
        found.append((piece, Placed(name, rows, stat.st_size, int(stat.st_mtime * 1000))))
    return found


@contextmanager
def noted(place: Place, moving: Moving) -> Iterator[str]:
    """The note stands while files are placed and committed. What fails on the way leaves it, for `sweep`."""
    note = f"{FOLDER}/{uuid.uuid4().hex}.json"
    names = [placed.name for _, placed in moving.files]
    told = {"folder": moving.folder, "after": moving.after, "files": names, "at": int(_now())}
    place.write(note, canonical_bytes(told))
    yield note
    with suppress(OSError, Unavailable):  # the commit is there: what is left of the way is swept another time
        place.remove(note)


def refuse_given_up(place: Place, note: str) -> None:
    """Before the commit. Raises Conflict: a process that slept for a day finds its files taken away."""
    if place.read(note) is None:
        raise Conflict(
            f"The delivery stood still for more than {PLACING_HOURS_MAX} hours and was given up",
            remedy="Deliver it again; nothing of it was changed.",
        )


def sweep(place: Place) -> None:
    """Take away what deliveries placed that were killed before their commit."""
    with suppress(OSError, Unavailable, DeltaError):  # it waits; the delivery that comes in does not fail of it
        for name in place.names(FOLDER):
            told = _told(place.read(name))
            if told is None or _now() - told["at"] < PLACING_HOURS_MAX * 3600:
                continue
            place.remove(name)  # first: whoever still is at work looks for it before its commit
            files = [file for file in told["files"] if PLACED.fullmatch(file)]
            if not _committed(place, told["folder"], told["after"], files):
                for file in files:
                    place.remove(f"{told['folder']}/{file}")


def _told(note: bytes | None) -> Any:
    """None for a note that is gone, or was never written whole: it speaks of no file that was placed."""
    try:
        return json.loads(note) if note else None
    except ValueError:
        return None


def _now() -> float:
    """Of the machines, whatever day the workspace lives on: how long files have lain there is no matter of its calendar."""
    return SystemClock().now().timestamp()


def _committed(place: Place, folder: str, after: int, files: Sequence[str]) -> bool:
    """Whether a commit names one of the files, or that cannot be told: the log has it for ever (tables.EVERY_VERSION)."""
    parts = [file.rpartition("/")[2].encode() for file in files]
    for version in range(after + 1, place.table(folder).version() + 1):
        commit = place.read(f"{folder}/_delta_log/{version:020d}.json")
        if commit is None or any(part in commit for part in parts):
            return True
    return False
