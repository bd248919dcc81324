"""What is done beside the requests of a gateway: what ended is settled, files and keys are renewed, leases handed in."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from fiscus.app.gateway import OpenGateway
from fiscus.guardrails.ledger.commands import Expire

LOG: Final = logging.getLogger(__name__)
RENEW_SECONDS: Final = 1.0
REST_SECONDS: Final = 0.25
EXPIRE_SECONDS: Final = 30.0
SETTLE_SECONDS: Final = 0.02  # what ends within it is settled in one transaction
FLUSH_SECONDS: Final = 0.25  # calls that ended are stored so often: their money is settled before
NOT_RENEWED: Final = "fiscus_gateway_not_renewed_total"


class Upkeep:
    """Two threads beside the loop that answers. Whatever fails is counted and logged, and tried again; the loop answers on."""

    def __init__(self, opened: OpenGateway) -> None:
        self._opened = opened
        self._stop = threading.Event()
        self._renew_at = 0.0
        self._threads = [
            threading.Thread(target=run, name=f"fiscus-{name}", daemon=True)
            for name, run in (("keep", self._keep), ("renew", self._renew))
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._opened.keeper.waits.set()
        for thread in self._threads:
            thread.join()

    def renew_now(self) -> None:
        """At the next turn, whether its time has come or not."""
        self._renew_at = 0.0

    def _keep(self) -> None:
        keeper, flush_at = self._opened.keeper, 0.0
        while not self._stop.is_set():
            keeper.waits.wait(FLUSH_SECONDS)
            self._stop.wait(SETTLE_SECONDS)
            step, now = keeper.settle, time.monotonic()
            if now >= flush_at:
                step, flush_at = keeper.flush, now + FLUSH_SECONDS
            if not self._tried("settle", step):
                self._stop.wait(RENEW_SECONDS)
                keeper.waits.set()

    def _renew(self) -> None:
        expire_at = 0.0
        while not self._stop.wait(REST_SECONDS):
            self._tried("hand in", self._opened.pools.rest)
            now = time.monotonic()
            if now >= self._renew_at:
                self._renew_at = now + RENEW_SECONDS
                self._tried("renew", self._opened.renew)
                self._tried("post", lambda: self._opened.keeper.post(self._opened.ws.clock.now()))
                self._tried("publish", self._opened.counters.publish)
            if now >= expire_at:
                expire_at = now + EXPIRE_SECONDS
                self._tried("expire", lambda: self._opened.ws.ledger.ask(Expire()))

    def _tried(self, what: str, step: Callable[[], object]) -> bool:
        try:
            step()
        except Exception as failed:  # noqa: BLE001 whatever it is, requests are answered on with what stands
            self._opened.ws.counters.count(NOT_RENEWED, what=what)
            LOG.warning("could not %s: %s", what, failed)
            return False
        return True
