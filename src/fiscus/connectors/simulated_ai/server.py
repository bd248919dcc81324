"""The five vendors behind one port: in a thread of this process, or in one of its own (see `__main__.py`)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Self

from aiohttp import web

from fiscus.connectors.anthropic.fakes import SimulatedAnthropic
from fiscus.connectors.huggingface.fakes import SimulatedHuggingFace
from fiscus.connectors.mistral.fakes import SimulatedMistral
from fiscus.connectors.openai.fakes import SimulatedOpenAI
from fiscus.connectors.perplexity.fakes import SimulatedPerplexity
from fiscus.connectors.simulated_ai.bill import Bill, BillLine, bill_total
from fiscus.connectors.simulated_ai.engine import Behaviour, Engine
from fiscus.connectors.simulated_ai.faults import KINDS, Fault
from fiscus.kernel.clock import Clock, ShiftedClock, SystemClock

VENDORS: Final = (SimulatedOpenAI, SimulatedAnthropic, SimulatedMistral, SimulatedHuggingFace, SimulatedPerplexity)
# What follows the server's address in a client's base URL.
BASE_PATHS: Final = {
    "openai": "/openai/v1", "anthropic": "/anthropic", "mistral": "/mistral", "huggingface": "/huggingface/v1",
    "perplexity": "/perplexity",
}  # fmt: skip
BODY_BYTES_MAX: Final = 64 * 1024 * 1024
START_SECONDS: Final = 10
FAULT_FIELDS: Final = {field.name: field.type for field in fields(Fault)}


def application(engine: Engine) -> web.Application:
    """Every vendor's routes, and the simulator's own below /simulator: bill, faults, behaviour, health."""
    app = web.Application(client_max_size=BODY_BYTES_MAX)
    for vendor in VENDORS:
        app.add_routes(vendor().routes(engine))
    app.add_routes(_own_routes(engine))
    return app


def _own_routes(engine: Engine) -> list[web.RouteDef]:
    async def health(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "requests": engine.requests, "billed": len(engine.bill.lines())})

    async def bill(_: web.Request) -> web.Response:
        text = "".join(line.to_json() + "\n" for line in engine.bill.lines())
        return web.Response(text=text, content_type="application/jsonl")

    async def plant(request: web.Request) -> web.Response:
        given = await request.json()
        planted = given if isinstance(given, list) else [given]
        wrong = [
            item
            for item in planted
            if not isinstance(item, dict) or item.get("kind") not in KINDS or set(item) - set(FAULT_FIELDS)
        ]
        if wrong:
            message = f"{wrong[0]} is no fault; a fault has a kind of {', '.join(sorted(KINDS))}"
            return web.json_response({"error": message}, status=400)
        engine.faults.plant(*(Fault(**item) for item in planted))
        return web.json_response({"planted": len(planted)})

    async def behave(request: web.Request) -> web.Response:
        given: dict[str, Any] = await request.json()
        if set(given) - {field.name for field in fields(Behaviour)}:
            return web.json_response(
                {"error": f"{sorted(given)} are not all settings of {asdict(engine.behaviour)}"}, status=400
            )
        engine.behaviour = replace(engine.behaviour, **given)
        return web.json_response(asdict(engine.behaviour))

    async def clear(_: web.Request) -> web.Response:
        engine.faults.clear()
        return web.json_response({"planted": 0})

    return [
        web.get("/simulator/health", health),
        web.get("/simulator/bill", bill),
        web.post("/simulator/faults", plant),
        web.delete("/simulator/faults", clear),
        web.post("/simulator/behaviour", behave),
    ]


class LocalAi:
    """A running simulator. `port` 0 takes a free one; `bill` None keeps the bill in memory. Use as a context manager.

    It runs in a thread with a loop of its own, and survives whatever its caller's loop does.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        seed: int = 7,
        bill: Path | None = None,
        clock: Clock | None = None,
        fill: float | None = None,
    ) -> None:
        self._port = port
        self._made = lambda: Engine(clock or SystemClock(), Bill(bill), seed, Behaviour(fill=fill))
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="local-ai", daemon=True)
        self.engine: Engine

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Listen; raises OSError when the port is taken."""
        self._thread.start()
        self._started.wait(START_SECONDS)
        if self._failed is not None:
            raise self._failed
        return self

    def stop(self) -> None:
        """Stop listening; the bill stays."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self.engine.stopping.set)
            self._thread.join(START_SECONDS)

    @property
    def address(self) -> str:
        """http://127.0.0.1:PORT"""
        return f"http://127.0.0.1:{self._port}"

    def url(self, vendor: str) -> str:
        """The base URL for a vendor's client."""
        return self.address + BASE_PATHS[vendor]

    def plant(self, *faults: Fault) -> None:
        """The next requests that they are for meet these faults."""
        self.engine.faults.plant(*faults)

    def live_on(self, day: date) -> None:
        """From now on it is noon of `day` here, and time goes on from there: bills are dated so."""
        self.engine.clock = ShiftedClock(datetime.combine(day, time(12, tzinfo=UTC)))

    def forget(self) -> None:
        """A new bill in memory, no faults, and answers as at the start: for the next test."""
        self.engine.bill, self.engine.behaviour = Bill(), Behaviour()
        self.engine.faults.clear()

    def bill(self, vendor: str = "") -> tuple[BillLine, ...]:
        """What was billed, by one vendor or all."""
        return tuple(line for line in self.engine.bill.lines() if not vendor or line.vendor == vendor)

    def billed(self, vendor: str = "") -> Decimal:
        """Its sum in USD."""
        return bill_total(self.bill(vendor))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except OSError as error:
            self._failed = error
            self._started.set()
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self.engine = self._made()
        await serve(self.engine, self._port, self._listening)

    def _listening(self, port: int) -> None:
        self._port = port
        self._started.set()


async def serve(engine: Engine, port: int, ready: Callable[[int], None]) -> None:
    """Listen on loopback until `engine.stopping` is set. `ready` is called with the port once it listens."""
    runner = web.AppRunner(application(engine), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    try:
        await site.start()
        ready(int(runner.addresses[0][1]))
        await engine.stopping.wait()
    finally:
        await runner.cleanup()
        engine.bill.close()
