"""What costs nothing, passed on piece by piece: a file of gigabytes goes up or down in the memory of one piece."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aiohttp
from aiohttp import web

from fiscus.edges.gateway.answers import refusal
from fiscus.edges.gateway.forward import AnswerLost, NeverSent, headers_back, read_whole, send
from fiscus.guardrails.doors.ai.types import Refused

if TYPE_CHECKING:
    from fiscus.edges.gateway.proxy import Door

WHOLE_BYTES_MAX: Final = 1 << 20  # a smaller answer is read first: what is said of a job is in it
_JOB: Final = "batch"
UPLOADS: Final = frozenset({"POST", "PUT", "PATCH"})


def streams(request: web.BaseRequest) -> bool:
    """Whether its body may be larger than what is read at once."""
    return request.method in UPLOADS and (request.content_length is None or request.content_length > WHOLE_BYTES_MAX)


async def sent_on(door: Door) -> web.StreamResponse | tuple[aiohttp.ClientResponse, bytes]:
    """The upstream's answer and its body where that is small, else what was passed on of it already."""
    attempt = door.attempt(door.upstream, door.body)
    if streams(door.request) and not door.body:
        attempt.body = door.request.content
        if door.request.content_length is not None and "content-encoding" not in door.headers:
            attempt.headers["Content-Length"] = str(door.request.content_length)
    try:
        answer = await send(door.proxy.session, attempt, door.seconds)
        length = answer.content_length
        whole = length is not None and length <= WHOLE_BYTES_MAX
        if answer.status >= 300 or whole or (_JOB in door.path and answer.content_type == "application/json"):
            return answer, await read_whole(answer)
    except (NeverSent, AnswerLost) as gone:
        return refusal(door.wire, Refused("unavailable", f"{door.upstream.name} cannot be reached: {gone}"))
    return await _passed_down(door, answer)


def tells_of_a_job(path: str) -> bool:
    """Whether what is answered there may tell how a job stands: a batch, a response in the background."""
    return _JOB in path or "/responses/" in path


async def _passed_down(door: Door, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    """Whoever of both leaves first ends it for the other: half a file never looks like a whole one."""
    response = web.StreamResponse(status=answer.status, headers=headers_back(answer.headers, {}))
    response.content_length = answer.content_length
    try:
        await response.prepare(door.request)
        async for piece in answer.content.iter_any():
            await response.write(piece)
        await response.write_eof()
    except (aiohttp.ClientError, TimeoutError, OSError):
        if door.request.transport is not None:
            door.request.transport.abort()
    finally:
        answer.close()
    return response
