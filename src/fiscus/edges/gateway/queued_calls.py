"""A call that a policy lets in only off the peak: sent on as a batch of one, held until its result settles it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from aiohttp import web

from fiscus.cost.ai.types import OpenBatch
from fiscus.edges.gateway.answers import about, refused_answer
from fiscus.edges.gateway.forward import AnswerLost, Attempt, NeverSent, headers_back, headers_on, read_whole, send
from fiscus.flows.govern_batch import not_known, open_batch
from fiscus.flows.govern_call import Ended, LetIn
from fiscus.guardrails.doors.ai.not_billed import NOT_BILLED
from fiscus.guardrails.doors.ai.wires.queueing import Upload, queued_job
from fiscus.guardrails.doors.ai.wires.read_usage import answer_document

if TYPE_CHECKING:
    from fiscus.edges.gateway.proxy import Door
    from fiscus.guardrails.doors.ai.settings import Upstream

MAY_WAIT: Final = "x-fiscus-may-wait"
QUEUED: Final = "x-fiscus-queued"  # where its job stands, at this gateway
ACCEPTED: Final = 202


async def queued(door: Door, let_in: LetIn) -> web.StreamResponse:
    """The vendor's own word about the job, as 202. It is remembered, durable, before its client is answered."""
    governs, wire, upstream = door.stands.governs, door.wire, let_in.one.call.upstream
    sent = wire.body(let_in.one.call.ask, let_in.one.change)
    job = queued_job(upstream.wire, let_in.one.call.ask, door.body if sent is None else sent, let_in.id)
    submitted = False  # an upload costs nothing
    try:
        file = await _uploaded(door, upstream, job.upload) if job.upload is not None else ""
        if isinstance(file, web.Response):
            governs.end(let_in, Ended(file.status, billed=False, note=f"the vendor took no file: {file.status}"))
            return file
        submitted = True
        answer = await send(door.proxy.session, _attempt(door, upstream, job.path, job.body(file)), door.seconds)
        raw = await read_whole(answer)
    except (NeverSent, AnswerLost) as gone:
        if submitted and isinstance(gone, AnswerLost):
            not_known(governs, let_in, 0, f"the answer was lost: {gone}")
        else:
            governs.end(let_in, Ended(0, billed=False, note="it was not sent"))
        return refused_answer(wire, let_in, f"{upstream.name} cannot be reached: {gone}")
    taken = wire.batch_job(raw) if answer.status < 300 else None
    said = dict(about(let_in))
    if taken is not None:
        loop = asyncio.get_running_loop()
        opened: OpenBatch = await loop.run_in_executor(door.proxy.threads, open_batch, governs, let_in, taken.id)
        said[QUEUED] = f"/{upstream.name}{wire.batch_path(opened.id)}"
    elif answer.status in NOT_BILLED:
        governs.end(let_in, Ended(answer.status, billed=False, note=f"the vendor answered {answer.status}"))
    else:
        not_known(governs, let_in, answer.status, f"the vendor answered {answer.status}, and names no job")
    status = ACCEPTED if taken is not None else answer.status
    return web.Response(status=status, body=raw, headers=headers_back(answer.headers, said))


async def _uploaded(door: Door, upstream: Upstream, upload: Upload) -> str | web.Response:
    """The file's id; the vendor's answer where it took none. Raises NeverSent, AnswerLost."""
    attempt = _attempt(door, upstream, upload.path, upload.body, upload.content_type)
    answer = await send(door.proxy.session, attempt, door.seconds)
    raw = await read_whole(answer)
    said = answer_document(raw) if answer.status < 300 else None
    file = said.get("id") if said is not None else None
    if isinstance(file, str):
        return file
    status = answer.status if answer.status >= 400 else 502
    return web.Response(status=status, body=raw, headers=headers_back(answer.headers, {}))


def _attempt(door: Door, upstream: Upstream, path: str, body: bytes, content_type: str = "application/json") -> Attempt:
    headers = headers_on(door.headers, door.wire.authorise(door.stands.vendor_keys[upstream.name]))
    headers["Content-Type"] = content_type
    return Attempt(upstream, "POST", path, headers, body)
