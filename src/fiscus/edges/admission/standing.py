"""The workspace as the webhook uses it: opened once, its prices learned ahead, both renewed beside the requests, never in one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from fiscus.app.workspace import open_workspace
from fiscus.cost.price_book import PriceBook
from fiscus.edges.admission.metrics import NOT_RENEWED
from fiscus.flows.learn_price_book import price_book
from fiscus.flows.workspace import Workspace
from fiscus.kernel.counters import Counters
from fiscus.kernel.limits import ADMISSION_REFRESH_SECONDS

LOG: Final = logging.getLogger(__name__)
WATCHED: Final = ("fiscus.yaml", "owners/*.yaml", "policies/**/*.yaml", "budgets/**/*.yaml")
Stamp = tuple[tuple[str, int, int], ...]


class Standing:
    """A workspace and its price book. `renew` is called every so often by a thread of its own; a failed one keeps what stood."""

    def __init__(self, home: Path, counters: Counters, ws: Workspace | None = None) -> None:
        self._home = home
        self._counters = counters
        self._stop = threading.Event()
        self._stamp = self._stamped()
        self._now = self._opened(ws or open_workspace(home))
        self._also: list[Callable[[], None]] = []

    def __call__(self) -> tuple[Workspace, PriceBook]:
        """What stands now; never waits."""
        return self._now

    def also(self, renew: Callable[[], None]) -> None:
        """Something else to renew at the same times."""
        self._also.append(renew)

    def renew(self) -> None:
        """Look for new settings and new bills. What fails is counted and logged; the old stays."""
        for step in (self._renew_workspace, *self._also):
            try:
                step()
            except Exception as failed:  # noqa: BLE001 whatever it is, the webhook answers on with what it has
                self._counters.count(NOT_RENEWED)
                LOG.warning("not renewed: %s", failed)

    def start(self) -> None:
        """Renew from now on, until `stop`."""
        threading.Thread(target=self._loop, name="fiscus-renew", daemon=True).start()

    def stop(self) -> None:
        """No renewal begins after this."""
        self._stop.set()

    def _loop(self) -> None:
        while not self._stop.wait(ADMISSION_REFRESH_SECONDS):
            self.renew()

    def _renew_workspace(self) -> None:
        stamp = self._stamped()
        ws = self._now[0]
        if stamp != self._stamp:
            ws = open_workspace(self._home)
        ws.lake.refresh()
        self._now, self._stamp = self._opened(ws), stamp

    @staticmethod
    def _opened(ws: Workspace) -> tuple[Workspace, PriceBook]:
        return ws, price_book(ws)

    def _stamped(self) -> Stamp:
        found = sorted(path for pattern in WATCHED for path in self._home.glob(pattern))
        return tuple((str(path), (stat := path.stat()).st_mtime_ns, stat.st_size) for path in found)
