"""A workspace that stays open while its files change: what a door that serves for days asks."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Final

from fiscus.app.workspace import open_workspace
from fiscus.flows.workspace import Workspace

WATCHED: Final = ("fiscus.yaml", "owners/*.yaml", "policies/*.yaml", "budgets/*.yaml", ".fiscus/policy-proofs")


class OpenWorkspace:
    """The workspace at `home`, opened anew when one of its files changed. A file that does not load is an answer, not a crash."""

    def __init__(self, home: Path, ws: Workspace | None = None) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._stamp = self._stamped()
        self._ws = ws or open_workspace(home)

    def __call__(self) -> Workspace:
        """The workspace as its files say now. Raises BadConfig with file and line."""
        stamp = self._stamped()
        with self._lock:
            if stamp != self._stamp:
                opened = open_workspace(self._home)
                counters = self._ws.counters if self._ws else opened.counters  # they only grow while this process lives
                self._ws, self._stamp = replace(opened, counters=counters), stamp
            return self._ws

    def _stamped(self) -> tuple[tuple[str, int, int], ...]:
        found = sorted(path for pattern in WATCHED for path in self._home.glob(pattern))
        return tuple((str(path), (stat := path.stat()).st_mtime_ns, stat.st_size) for path in found)
