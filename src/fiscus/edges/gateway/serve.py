"""One gateway worker: a loop that answers, and a thread beside it that settles, renews and hands in."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiohttp import web

from fiscus.app.gateway import OpenGateway
from fiscus.edges.gateway.metrics import metrics_answer
from fiscus.edges.gateway.proxy import Proxy
from fiscus.guardrails.doors.ai.pacing import Pacing
from fiscus.guardrails.ledger.commands import Expire
from fiscus.kernel.errors import FiscusError

LOG: Final = logging.getLogger(__name__)
THREADS: Final = 32  # requests that wait for the ledger at once; those that come meanwhile share a commit
RENEW_SECONDS: Final = 1.0
REST_SECONDS: Final = 0.25
EXPIRE_SECONDS: Final = 30.0
FLUSH_SECONDS: Final = 0.02  # what ends within it is settled in one transaction
KEEPALIVE_SECONDS: Final = (
    15.0  # shorter than vendors' own, so that a request never meets a connection that just closed
)
NOT_RENEWED: Final = "fiscus_gateway_not_renewed_total"


def serve_worker(home: Path, listener: socket.socket, workers: int, ready: Callable[[], None]) -> None:
    """Serve on `listener` until SIGTERM or SIGINT; then what runs is answered to its end, settled and handed in.

    SIGHUP renews at once. Raises BadConfig, Unavailable before it answers.
    """
    opened = OpenGateway(home, workers)
    beside = _Beside(opened)
    beside.start()
    try:
        asyncio.run(_serve(opened, beside, listener, workers, ready))
    finally:
        beside.stop()
        with contextlib.suppress(FiscusError):  # what cannot be handed in is charged when it expires
            opened.close()


async def _serve(
    opened: OpenGateway, beside: _Beside, listener: socket.socket, workers: int, ready: Callable[[], None]
) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, beside.renew_now)
    settings = opened.governing.settings
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_SECONDS)
    with ThreadPoolExecutor(THREADS, thread_name_prefix="fiscus-ledger") as threads:
        async with aiohttp.ClientSession(
            connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            proxy = Proxy(lambda: opened.governing, session, threads, Pacing(workers), time.monotonic)

            async def answer(request: web.BaseRequest) -> web.StreamResponse:
                path = request.rel_url.raw_path
                if path == "/healthz":
                    return web.json_response({"status": "ok"})
                if path == "/metrics":
                    return metrics_answer(opened.ws.counters)
                return await proxy(request)

            server = web.Server(answer, request_factory=_requests(settings.body_bytes_max), access_log=None)
            site = await loop.create_server(server, sock=listener)
            ready()
            await stop.wait()
            site.close()
            await server.shutdown(settings.answer_seconds_max)


def _requests(bytes_max: int) -> Callable[..., web.BaseRequest]:
    """Requests whose bodies are read up to so many bytes."""
    loop = asyncio.get_running_loop()

    def request(*of_the_protocol: Any) -> web.BaseRequest:
        return web.BaseRequest(*of_the_protocol, loop=loop, client_max_size=bytes_max)

    return request


class _Beside:
    """The thread beside the loop. Whatever fails is counted and logged, and tried again; the loop answers on."""

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
        keeper = self._opened.keeper
        while not self._stop.is_set():
            keeper.waits.wait()
            self._stop.wait(FLUSH_SECONDS)
            if not self._tried("settle", keeper.flush):
                keeper.waits.set()
                self._stop.wait(RENEW_SECONDS)

    def _renew(self) -> None:
        expire_at = 0.0
        while not self._stop.wait(REST_SECONDS):
            self._tried("hand in", self._opened.pools.rest)
            now = time.monotonic()
            if now >= self._renew_at:
                self._renew_at = now + RENEW_SECONDS
                self._tried("renew", self._opened.renew)
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
