"""The lines of a file that lies at a vendor, read as it comes: a batch is never whole in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

import aiohttp

from fiscus.edges.gateway.forward import AnswerLost
from fiscus.kernel.errors import BadInput

LINE_BYTES_MAX: Final = 16 << 20
PIECE_SECONDS: Final = 60.0


def far_lines(loop: asyncio.AbstractEventLoop, answer: aiohttp.ClientResponse) -> Iterator[bytes]:
    """For a thread beside `loop`, which reads on only as fast as this is asked. Raises AnswerLost, BadInput (an endless line)."""
    rest: list[bytes] = []
    held = 0
    while piece := _piece(loop, answer):
        first, *others = piece.split(b"\n")
        rest.append(first)
        held += len(first)
        if others:
            yield b"".join(rest)
            yield from others[:-1]
            rest, held = [others[-1]], len(others[-1])
        if held > LINE_BYTES_MAX:
            raise BadInput(
                f"A line of the file has more than {LINE_BYTES_MAX:,} bytes", remedy="Send a smaller request."
            )
    yield b"".join(rest)


def _piece(loop: asyncio.AbstractEventLoop, answer: aiohttp.ClientResponse) -> bytes:
    """The next of it; empty at its end. A loop that ends closes the answer first, and nobody waits for it any more."""
    if answer.content.exception() is not None:
        raise AnswerLost("nobody reads it any more")
    try:
        return asyncio.run_coroutine_threadsafe(_next(answer), loop).result(PIECE_SECONDS)
    except TimeoutError as late:
        raise AnswerLost(f"nothing came of it for {PIECE_SECONDS:.0f} s") from late


async def _next(answer: aiohttp.ClientResponse) -> bytes:
    try:
        return await answer.content.readany()
    except (aiohttp.ClientError, TimeoutError, OSError) as lost:
        raise AnswerLost(f"{type(lost).__name__}: {lost}") from lost
