"""Batches at the door: the requests of a job are read before it leaves, and its results when it is through."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Final, Protocol

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from fiscus.app.gateway import Governing
from fiscus.cost.ai.types import OpenBatch
from fiscus.edges.gateway.answers import about, refused_answer
from fiscus.edges.gateway.far_lines import far_lines
from fiscus.edges.gateway.forward import AnswerLost, Attempt, NeverSent, NotThere, headers_back, read_whole, send
from fiscus.flows.govern_batch import bound_batch, give_up_batch, keep_at_bound, not_known, open_batch, settle_batch
from fiscus.flows.govern_call import Ended, LetIn
from fiscus.guardrails.doors.ai.not_billed import NOT_BILLED
from fiscus.guardrails.doors.ai.settings import Upstream
from fiscus.guardrails.doors.ai.types import Refused
from fiscus.kernel.errors import BadInput, FiscusError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from fiscus.edges.gateway.proxy import Door
    from fiscus.guardrails.doors.ai.asked_call import AskedCall, Bounded
    from fiscus.guardrails.doors.ai.ports import Wire

LOG: Final = logging.getLogger(__name__)
WATCH_SECONDS: Final = 20.0
FETCH_SECONDS: Final = 300.0
NOT_THERE: Final = frozenset({404, 410})
NOT_WATCHED: Final = "fiscus_gateway_batches_not_watched_total"


class BatchDoor(Protocol):
    """What of a request a batch needs."""

    stands: Governing
    wire: Wire
    upstream: Upstream
    body: bytes

    @property
    def request(self) -> web.BaseRequest: ...
    def attempt(self, upstream: Upstream, body: bytes) -> Attempt: ...


async def bounded_job(
    session: aiohttp.ClientSession, threads: Executor, door: BatchDoor, call: AskedCall
) -> Bounded | Refused:
    """The most that the job may cost: its files are read from the vendor, where they lie already."""
    loop = asyncio.get_running_loop()
    try:
        async with _opened(session, door.stands, door.upstream, door.wire.batch_files(call.ask)) as files:
            return await loop.run_in_executor(threads, bound_batch, door.stands.governs, call, door.wire, files)
    except (BadInput, NotThere) as wrong:
        return Refused("bad_request", str(wrong))
    except (NeverSent, AnswerLost) as gone:
        return Refused("unavailable", f"The batch's file cannot be read at {door.upstream.name}: {gone}")


async def submitted(
    session: aiohttp.ClientSession, threads: Executor, door: BatchDoor, let_in: LetIn
) -> web.StreamResponse:
    """Sent on; the job that the vendor took is remembered, durable, before its client is answered."""
    governs, name = door.stands.governs, door.upstream.name
    try:
        answer = await send(session, door.attempt(door.upstream, door.body), FETCH_SECONDS)
        raw = await read_whole(answer)
    except NeverSent as never:
        governs.end(let_in, Ended(0, billed=False, note="it was not sent"))
        return refused_answer(door.wire, let_in, f"{name} cannot be reached: {never}")
    except AnswerLost as lost:
        not_known(governs, let_in, 0, f"the answer was lost: {lost}")
        return refused_answer(door.wire, let_in, f"{name} did not answer to the end: {lost}")
    job = door.wire.batch_job(raw) if answer.status < 300 else None
    if job is not None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(threads, open_batch, governs, let_in, job.id)
    elif answer.status in NOT_BILLED:
        governs.end(let_in, Ended(answer.status, billed=False, note=f"the vendor answered {answer.status}"))
    else:
        not_known(governs, let_in, answer.status, f"the vendor answered {answer.status}, and names no job")
    raw = led_back(door, raw)
    return web.Response(status=answer.status, body=raw, headers=headers_back(answer.headers, about(let_in)))


async def opened_job(door: Door, let_in: LetIn, status: int, raw: bytes) -> bool:
    """Whether a call that runs in the background was taken; then it is remembered, durable, until its result is there."""
    if not let_in.one.call.ask.background or status >= 300:
        return False
    job = door.wire.batch_job(raw)
    if job is None or job.ended:
        return False
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(door.proxy.threads, open_batch, door.stands.governs, let_in, job.id)
    return True


def led_back(door: BatchDoor, raw: bytes) -> bytes:
    """Addresses at the vendor (Anthropic's `results_url`) lead through this gateway: a client's key opens nothing there."""
    there = f'"{door.upstream.base_url}/'.encode()
    if there not in raw:
        return raw
    scheme = door.request.headers.get("x-forwarded-proto", door.request.scheme)
    return raw.replace(there, f'"{scheme}://{door.request.host}/{door.upstream.name}/'.encode())


async def watch_batches(
    governing: Callable[[], Governing], session: aiohttp.ClientSession, threads: Executor, ended: asyncio.Event
) -> None:
    """Until it is cancelled: ask how each open job stands, and settle those that are through. What fails is tried again.

    `ended`: somebody saw one that is through.
    """
    loop = asyncio.get_running_loop()
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), WATCH_SECONDS)
        ended.clear()
        stands = governing()
        try:
            batches = await loop.run_in_executor(threads, stands.governs.ws.calls.open_batches)
        except FiscusError as gone:
            _failed(stands, "every batch", gone)
            continue
        for batch in batches:
            try:
                await settle_if_ended(stands, session, threads, batch)
            except NotThere as gone:
                if not await loop.run_in_executor(threads, give_up_batch, stands.governs, batch, str(gone)):
                    _failed(stands, batch.id, gone)
            except Exception as failed:  # noqa: BLE001 whatever it is, the other batches are looked after
                _failed(stands, batch.id, failed)


async def settle_if_ended(
    stands: Governing, session: aiohttp.ClientSession, threads: Executor, batch: OpenBatch
) -> bool:
    """Whether the vendor is through with it; then its results were settled. Raises NeverSent, AnswerLost, FiscusError."""
    upstream, wire = stands.settings.upstreams.get(batch.upstream), stands.wires.get(batch.upstream)
    if upstream is None or wire is None or upstream.name not in stands.vendor_keys:
        raise BadInput(f"Upstream {batch.upstream} is gone", remedy="Put it back until its batches are settled.")
    job = wire.batch_job(await read_whole(await _asked(session, stands, upstream, wire.batch_path(batch.id))))
    if job is None or not job.ended:
        return False
    loop = asyncio.get_running_loop()
    if job.silent:
        await loop.run_in_executor(
            threads, keep_at_bound, stands.governs, batch, "it ended without a word about its usage"
        )
        return True
    async with _opened(session, stands, upstream, job.results) as files:
        told = (usage for one in files for usage in wire.batch_results(one))
        await loop.run_in_executor(threads, settle_batch, stands.governs, batch, chain(job.used, told))
    return True


@contextlib.asynccontextmanager
async def _opened(
    session: aiohttp.ClientSession, stands: Governing, upstream: Upstream, paths: Sequence[str]
) -> AsyncIterator[Sequence[Iterator[bytes]]]:
    """The lines of files at the vendor, to be read in a thread. Raises NeverSent, AnswerLost."""
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as opened:
        answers = [await opened.enter_async_context(await _asked(session, stands, upstream, path)) for path in paths]
        yield [far_lines(loop, answer) for answer in answers]


async def _asked(
    session: aiohttp.ClientSession, stands: Governing, upstream: Upstream, path: str
) -> aiohttp.ClientResponse:
    """What the vendor has at `path`, asked with its own key. Raises NeverSent, AnswerLost (another answer than 200 too)."""
    headers = CIMultiDict(stands.wires[upstream.name].authorise(stands.vendor_keys[upstream.name]))
    headers["Accept-Encoding"] = "identity"
    answer = await send(session, Attempt(upstream, "GET", path, headers, b""), FETCH_SECONDS)
    if answer.status != 200:
        answer.close()
        lost = NotThere if answer.status in NOT_THERE else AnswerLost
        raise lost(f"{upstream.name} answered {answer.status} to GET {path}")
    return answer


def _failed(stands: Governing, what: str, why: Exception) -> None:
    stands.governs.ws.counters.count(NOT_WATCHED)
    LOG.warning("could not look after %s: %s", what, why)
