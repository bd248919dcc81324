"""Callers that come at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

MODEL: Final = "gpt-4o-mini"
OUTPUT: Final = 500
SECONDS_MAX: Final = 120
BODY: Final[Mapping[str, Any]] = {
    "model": MODEL, "max_tokens": OUTPUT, "messages": [{"role": "user", "content": "What does this month cost?"}],
}  # fmt: skip


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
