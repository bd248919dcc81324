"""The counters of several workers on one port as one: a monitoring system that asks meets any of them.

Each worker writes what it counted to a file of its own, once a second; whichever is asked adds the others' to its own. The file
of a worker that died stays, so that no number ever falls while the workers' parent lives.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fiscus.kernel.counters import Counters

FOLDER: Final = "gateway-workers"


class WorkerCounters:
    """Of one worker among `workers` of the same parent; a single one writes nothing."""

    def __init__(self, home: Path, counters: Counters, workers: int) -> None:
        self._counters = counters
        self._alone = workers == 1
        self._folder = home / ".fiscus" / FOLDER / str(os.getppid())
        self._file = self._folder / f"{os.getpid()}.json"
        if not self._alone:
            self._folder.mkdir(parents=True, exist_ok=True)
            _forget_the_dead(self._folder.parent)

    def publish(self) -> None:
        """What this worker counted so far, whole: nobody reads half of it."""
        if self._alone:
            return
        fresh = self._file.with_suffix(".fresh")
        fresh.write_text(json.dumps(self._counters.as_json()), encoding="utf-8")
        fresh.replace(self._file)

    def of_all(self) -> Sequence[Counters]:
        """This worker's, and the others' as they were at most a second ago."""
        if self._alone:
            return [self._counters]
        others = [path for path in self._folder.glob("*.json") if path != self._file]
        return [self._counters, *(Counters.from_json(json.loads(path.read_text(encoding="utf-8"))) for path in others)]


def _forget_the_dead(folder: Path) -> None:
    """Files of parents that are no more."""
    for old in folder.iterdir():
        if old.name.isdecimal() and not _lives(int(old.name)):
            shutil.rmtree(old, ignore_errors=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it lives, and is somebody else's
        return True
    return True
