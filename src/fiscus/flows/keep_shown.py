"""What was shown last, kept while nothing changed: a page that is opened again costs a look at two version numbers."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar, cast

from fiscus.flows.show_trust import of_one_version
from fiscus.flows.workspace import Workspace
from fiscus.kernel.limits import SHOWN_KEPT_MAX

Shown = TypeVar("Shown")


class KeptShown:
    """Read models by name, of one state of the world: lake version, head of the evidence, configuration and day.

    Everything that changes the state store leaves evidence, so its head names that store's content. Thread-safe.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], object] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, ws: Workspace, name: object, build: Callable[[], Shown]) -> Shown:
        """What `build` returns, of one lake version; from memory when the world is as it was."""
        lake = ws.lake.refresh()
        with ws.state.read() as tx:
            head = tx.evidence_head()
        key = (name, lake, head, ws.config.digest, ws.as_of, ws.home)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return cast("Shown", self._kept[key])
        shown = of_one_version(ws, build)
        with self._lock:
            self._kept[key] = shown
            while len(self._kept) > SHOWN_KEPT_MAX:
                self._kept.popitem(last=False)
        return shown
