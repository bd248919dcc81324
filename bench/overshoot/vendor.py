"""The simulated vendor as a process with a bill, and callers that come at once."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp

from fiscus.connectors.simulated_ai.bill import cost_by_request, read_bill

MODEL: Final = "gpt-4o-mini"
OUTPUT: Final = 500
SECONDS_MAX: Final = 120
BODY: Final[Mapping[str, Any]] = {
    "model": MODEL, "max_tokens": OUTPUT, "messages": [{"role": "user", "content": "What does this month cost?"}],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Vendor:
    """`bill`: its own, written before each answer leaves, and the truth of every trial."""

    address: str
    bill: Path

    def billed(self) -> dict[str, int]:
        """Request -> nano-USD, rounded up."""
        costs = cost_by_request(read_bill(self.bill)) if self.bill.exists() else {}
        return {name: -int(-cost * 10**9 // 1) for name, cost in costs.items()}

    def behave(self, **settings: float) -> None:
        """From the next request on."""
        self._post("/simulator/behaviour", settings)

    def cut_streams(self, times: int) -> None:
        """The next ones break before their usage comes."""
        self._post("/simulator/faults", {"kind": "cut_stream", "times": times, "pieces": 5})

    def _post(self, path: str, body: Mapping[str, Any]) -> None:
        urllib.request.urlopen(
            urllib.request.Request(self.address + path, json.dumps(body).encode()), timeout=30
        ).close()


@contextmanager
def running_vendor(folder: Path) -> Iterator[Vendor]:
    """It uses all that it is allowed to."""
    bill = folder / "bill.jsonl"
    command = [sys.executable, "-m", "fiscus.connectors.simulated_ai", "--fill", "1.0", "--bill", str(bill)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Vendor(json.loads(process.stdout.readline())["address"], bill)
        finally:
            process.kill()


@dataclass(frozen=True, slots=True)
class Load:
    """Who asks: `waves` of `callers` at once, `gap` seconds between their beginnings; each on a connection of its own."""

    callers: int = 200
    waves: int = 1
    gap: float = 0.0
    streamed: bool = False
    maximum: bool = True  # whether the request says how long its answer may be
    connections: int = 0  # 0: one each


def ask(url: str, key: str, load: Load) -> list[int]:
    """The status of every answer; 0: the connection broke."""
    return asyncio.run(_ask(url, key, load))


async def _ask(url: str, key: str, load: Load) -> list[int]:
    connector = aiohttp.TCPConnector(limit=load.connections, force_close=not load.connections)
    timeout = aiohttp.ClientTimeout(total=SECONDS_MAX)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        tasks = list[asyncio.Task[int]]()
        for wave in range(load.waves):
            if wave:
                await asyncio.sleep(load.gap)
            tasks += [asyncio.create_task(_one(session, url, key, load)) for _ in range(load.callers)]
        return list(await asyncio.gather(*tasks))


async def _one(session: aiohttp.ClientSession, url: str, key: str, load: Load) -> int:
    body = dict(BODY) | ({"stream": True} if load.streamed else {})
    if not load.maximum:
        del body["max_tokens"]
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    status = 0
    try:
        async with session.post(f"{url}/v1/chat/completions", json=body, headers=headers) as answer:
            status = answer.status
            await answer.read()
    except (aiohttp.ClientError, TimeoutError, OSError):
        pass
    return status


def passed(statuses: Sequence[int]) -> int:
    """Those that were let in, however they ended."""
    return sum(status == 200 for status in statuses)
