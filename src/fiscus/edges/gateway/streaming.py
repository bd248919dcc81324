"""A streamed answer: passed on as it comes, metered as it passes, read to its end when the client has gone."""

from __future__ import annotations

import asyncio
from typing import Protocol

import aiohttp
from aiohttp import web

from fiscus.app.gateway import Governing
from fiscus.edges.gateway.answers import about
from fiscus.edges.gateway.forward import headers_back
from fiscus.flows.govern_call import Ended, LetIn
from fiscus.guardrails.doors.ai.ports import StreamReader, Wire


class Streamed(Protocol):
    """What of a request a stream needs."""

    stands: Governing
    wire: Wire

    @property
    def request(self) -> web.BaseRequest: ...


async def pass_stream(door: Streamed, let_in: LetIn, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    """Settles the call when the stream ends, however it ends."""
    reader = door.wire.stream(let_in.one.sent)
    response = web.StreamResponse(status=answer.status, headers=headers_back(answer.headers, about(let_in)))
    client = _Client(door.request, response)
    note = "the stream was cut off here"  # unless it comes to one of the ends below
    try:
        await client.open()
        note = await _passed(client, reader, answer, door.stands.settings.drain_seconds_max)
    finally:
        answer.close()
        usage = reader.usage or reader.estimate()
        door.stands.governs.end(let_in, Ended(answer.status, usage, streamed=True, note=note))
    if note and not client.gone:
        client.cut()  # a stream that broke must not look like one that ended
    return response


async def _passed(client: _Client, reader: StreamReader, answer: aiohttp.ClientResponse, drain_seconds: int) -> str:
    """Empty where the stream came to its end, else what went wrong."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(None) as bound:
            async for piece in answer.content.iter_any():
                onward = reader.feed(piece)
                if onward and not client.gone:
                    await client.write(onward)
                    if client.gone:
                        bound.reschedule(loop.time() + drain_seconds)
    except TimeoutError:
        return "the client left, and the answer was longer than it is read on for"
    except (aiohttp.ClientError, OSError) as broken:
        return f"the stream broke: {type(broken).__name__}"
    if (rest := reader.rest()) and not client.gone:
        await client.write(rest)
    if not client.gone:
        await client.end()
    return ""


class _Client:
    """The one who asked. Once gone, nothing is written any more."""

    def __init__(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        self._request = request
        self._response = response
        self.gone = False

    async def open(self) -> None:
        try:
            await self._response.prepare(self._request)
        except (ConnectionError, aiohttp.ClientConnectionError):
            self.gone = True

    async def write(self, piece: bytes) -> None:
        try:
            await self._response.write(piece)
        except (ConnectionError, aiohttp.ClientConnectionError):
            self.gone = True

    async def end(self) -> None:
        try:
            await self._response.write_eof()
        except (ConnectionError, aiohttp.ClientConnectionError):
            self.gone = True

    def cut(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()
