"""One gateway worker: a loop that answers, and a thread beside it that settles, renews and hands in."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiohttp import web

from fiscus.app.gateway import OpenGateway
from fiscus.app.gateway_upkeep import Upkeep
from fiscus.app.long_lived import now_long_lived
from fiscus.app.no_core_dump import forbid_core_dumps
from fiscus.app.one_heap import share_one_heap
from fiscus.edges.counters_text import CONTENT_TYPE
from fiscus.edges.gateway.batch_jobs import watch_batches
from fiscus.edges.gateway.links import Links
from fiscus.edges.gateway.metrics import metrics_body
from fiscus.edges.gateway.proxy import Proxy
from fiscus.edges.gateway.short_way import ShortWay
from fiscus.guardrails.doors.ai.pacing import Pacing
from fiscus.kernel.errors import FiscusError

THREADS: Final = 32  # requests that wait for the ledger at once; those that come meanwhile share a commit
PARENT_SECONDS: Final = 0.5
KEEPALIVE_SECONDS: Final = (
    15.0  # shorter than vendors' own, so that a request never meets a connection that just closed
)


def serve_worker(home: Path, listener: socket.socket, workers: int, ready: Callable[[], None], parent: int = 0) -> None:
    """Serve on `listener` until SIGTERM or SIGINT; then what runs is answered to its end, settled and handed in.

    `parent`: the process that this one ends with, should that one die; 0: none. SIGHUP renews at once.
    Raises BadConfig, Unavailable before it answers.
    """
    forbid_core_dumps()
    share_one_heap()
    opened = OpenGateway(home, workers)
    now_long_lived()
    beside = Upkeep(opened)
    beside.start()
    try:
        asyncio.run(_serve(opened, beside, listener, (workers, parent), ready))
    finally:
        beside.stop()
        with contextlib.suppress(FiscusError):  # what cannot be handed in is charged when it expires
            opened.close()


async def _serve(
    opened: OpenGateway, beside: Upkeep, listener: socket.socket, family: tuple[int, int], ready: Callable[[], None]
) -> None:
    workers, parent = family
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    _end_with(parent, loop, stop)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, beside.renew_now)
    settings = opened.governing.settings
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_SECONDS)
    with ThreadPoolExecutor(THREADS, thread_name_prefix="fiscus-ledger") as threads:
        async with aiohttp.ClientSession(
            connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            batch_ended = asyncio.Event()
            proxy = Proxy(lambda: opened.governing, session, threads, Pacing(workers), time.monotonic, batch_ended)

            async def answer(request: web.BaseRequest) -> web.StreamResponse:
                path = request.rel_url.raw_path
                if path == "/healthz":
                    return web.json_response({"status": "ok"})
                if path == "/metrics":
                    body = await loop.run_in_executor(threads, metrics_body, opened)
                    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})
                return await proxy(request)

            server = web.Server(answer, request_factory=_requests(settings.body_bytes_max), access_log=None)
            way = ShortWay(proxy, server, Links(loop, time.monotonic), loop)
            way.look_after()
            site = await loop.create_server(way, sock=listener)
            watching = loop.create_task(watch_batches(lambda: opened.governing, session, threads, batch_ended))
            ready()
            await stop.wait()
            watching.cancel()
            site.close()
            await way.stop(settings.answer_seconds_max)
            server.pre_shutdown()  # a connection that rests is closed, not waited for
            await server.shutdown(settings.answer_seconds_max)


def _end_with(parent: int, loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Whoever is killed ends nothing itself: a process without its parent (another one adopted it) ends as if it were told to."""
    if parent and os.getppid() != parent:
        stop.set()
    elif parent:
        loop.call_later(PARENT_SECONDS, _end_with, parent, loop, stop)


def _requests(bytes_max: int) -> Callable[..., web.BaseRequest]:
    """Requests whose bodies are read up to so many bytes."""
    loop = asyncio.get_running_loop()

    def request(*of_the_protocol: Any) -> web.BaseRequest:
        return web.BaseRequest(*of_the_protocol, loop=loop, client_max_size=bytes_max)

    return request
