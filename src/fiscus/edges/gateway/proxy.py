"""One request through the gateway: who asks, what it may cost, decided, sent on, metered, settled, answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Final

import aiohttp
from aiohttp import web
from multidict import CIMultiDictProxy

from fiscus.app.gateway import Governing
from fiscus.cost.ai.types import AiCall, Usage
from fiscus.edges.gateway.answers import about, plain, refusal, refused_answer, refused_before
from fiscus.edges.gateway.batch_jobs import bounded_job, led_back, opened_job, submitted
from fiscus.edges.gateway.forward import (
    DOWN,
    RETRY_SECONDS,
    TRY_ELSEWHERE,
    AnswerLost,
    Attempt,
    NeverSent,
    headers_back,
    headers_on,
    read_asked,
    read_whole,
    send,
    wait_of,
    wanted,
)
from fiscus.edges.gateway.pass_through import sent_on, streams, tells_of_a_job
from fiscus.edges.gateway.queued_calls import MAY_WAIT, queued
from fiscus.edges.gateway.streaming import pass_stream
from fiscus.flows.govern_call import Ended, LetIn
from fiscus.guardrails.doors.ai.asked_call import AskedCall, Bounded
from fiscus.guardrails.doors.ai.breaker import Breaker
from fiscus.guardrails.doors.ai.not_billed import NOT_BILLED
from fiscus.guardrails.doors.ai.pacing import Pacing
from fiscus.guardrails.doors.ai.ports import Wire
from fiscus.guardrails.doors.ai.said_in_headers import called, forbidden
from fiscus.guardrails.doors.ai.settings import Upstream
from fiscus.guardrails.doors.ai.types import AiAsk, CallerScope, Endpoint, Refused
from fiscus.guardrails.doors.ai.wires.queueing import may_queue
from fiscus.kernel.errors import BadInput

HEADER_CHARS_MAX: Final = 200


@dataclass(slots=True)
class Proxy:
    """Handles requests on one event loop. `now` in seconds, monotonic; `governing` is what stands between two reloads."""

    governing: Callable[[], Governing]
    session: aiohttp.ClientSession
    threads: Executor
    pacing: Pacing
    now: Callable[[], float]
    batch_ended: asyncio.Event
    breakers: dict[str, Breaker] = field(default_factory=dict)

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer, whatever happens."""
        stands = self.governing()
        name, _, rest = request.rel_url.raw_path.removeprefix("/").partition("/")
        upstream = stands.settings.upstreams.get(name)
        if upstream is None:
            known = ", ".join(f"/{one}" for one in stands.settings.upstreams)
            return plain(404, f"There is no upstream /{name} here. Known: {known}.")
        wire, path = stands.wires[name], f"/{rest}"
        caller = stands.ring.caller(wire.credential(request.headers), stands.governs.ws.clock.now())
        if isinstance(caller, Refused):
            return refused_before(stands.governs, upstream, wire, caller)
        endpoint = wire.endpoint(request.method, path)
        body = b""
        await wanted(request)
        try:
            if endpoint != "free" or not streams(request):
                body = await read_asked(request, stands.settings.body_bytes_max)
        except BadInput as wrong:
            return refused_before(stands.governs, upstream, wire, Refused("bad_request", str(wrong)))
        query, headers = request.rel_url.raw_query_string, request.headers
        door = Door(self, stands, request, wire, upstream, caller, request.method, path, query, body, headers)
        if endpoint == "free" or (endpoint is None and upstream.unknown == "pass"):
            return await door.free(known=endpoint is not None)
        if endpoint is None:
            return door.refuse(
                _nothing(path),
                Refused("unknown_endpoint", f"Nobody knows what {request.method} {path} costs: it is refused"),
            )
        return await door.paid(endpoint)

    def breaker(self, name: str) -> Breaker:
        """Of one upstream."""
        return self.breakers.setdefault(name, Breaker())


@dataclass(slots=True)
class Door:
    """One request with everything that it needs. `served`: as the full server has it; None: it came the short way."""

    proxy: Proxy
    stands: Governing
    served: web.BaseRequest | None
    wire: Wire
    upstream: Upstream
    caller: CallerScope
    method: str
    path: str
    query: str
    body: bytes
    headers: CIMultiDictProxy[str]  # names in any case

    @property
    def request(self) -> web.BaseRequest:
        """Of what only the full server lets in: streams, batches."""
        assert self.served is not None
        return self.served

    async def free(self, *, known: bool) -> web.StreamResponse:
        """What costs nothing, or what its upstream is trusted with: sent on as it is, for whoever has a key."""
        ask = AiAsk("free", "", Usage({}))
        if why := self.why_not(ask):
            return self.refuse(ask, why)
        found = await sent_on(self)
        if not known:
            self.stands.governs.ws.counters.count("fiscus_gateway_unknown_passed_total", upstream=self.upstream.name)
        if isinstance(found, web.StreamResponse):
            return found
        answer, body = found
        if tells_of_a_job(self.path) and (job := self.wire.batch_job(body)) is not None:
            body = led_back(self, body)
            if job.ended:
                self.proxy.batch_ended.set()  # settled now, not when it is looked at the next time
        return web.Response(status=answer.status, body=body, headers=headers_back(answer.headers, {}))

    async def paid(self, endpoint: Endpoint) -> web.StreamResponse:
        """What costs something: nothing of it leaves before its money is held."""
        try:
            ask = self.read(endpoint)
        except BadInput as wrong:
            return refused_before(self.stands.governs, self.upstream, self.wire, Refused("bad_request", str(wrong)))
        if why := self.why_not(ask):
            return self.refuse(ask, why)
        call = self.call(ask, self.upstream)
        if endpoint == "batches":
            one = await bounded_job(self.proxy.session, self.proxy.threads, self, call)
        else:
            one = self.stands.governs.bound(call)
        if isinstance(one, Refused):
            return self.refuse(ask, one)
        if slow := self.too_fast(one):
            return self.refuse(ask, slow)
        try:
            return await (self._batch(one) if endpoint == "batches" else self.tried(one))
        finally:
            self.proxy.pacing.end(self.caller.key_id)

    def read(self, endpoint: Endpoint) -> AiAsk:
        """What is asked for. Raises BadInput."""
        return self.wire.read(endpoint, self.body, self.headers.get("content-type", ""), self.path)

    def too_fast(self, one: Bounded) -> Refused | None:
        """None: it may go, and `pacing.end` must be said of its key."""
        ask, now, key, pace = one.call.ask, self.proxy.now(), self.caller.key_id, self.caller.pace
        tokens = sum(ask.bound.quantities.values()) + (ask.output_max or 0) * ask.choices
        pacing = self.proxy.pacing
        slow = pacing.loop(key, pace, ask.prompt_digest, now) or pacing.start(key, pace, tokens, one.nanos, now)
        if slow is None:
            return None
        return Refused("rate_limited", slow.message, retry_after_seconds=slow.retry_after_seconds)

    async def _batch(self, one: Bounded) -> web.StreamResponse:
        """A job has a hold of its own, which outlives this request. It is sent where its files lie, and nowhere else."""
        if why := self.why_not(one.call.ask):  # its models are known only now
            return self.refuse(one.call.ask, why)
        loop = asyncio.get_running_loop()
        let_in = await loop.run_in_executor(self.proxy.threads, self.stands.governs.by_itself, one)
        if isinstance(let_in, Refused):
            return self.refuse(one.call.ask, let_in)
        return await submitted(self.proxy.session, self.proxy.threads, self, let_in)

    async def tried(self, one: Bounded, *, tries: int = 0) -> web.StreamResponse:
        """At this upstream, then at those that take over from it, as long as certainly nothing was billed.

        `tries`: how often this one was asked already.
        """
        ways = self._ways(one.call.ask)
        again = self.stands.settings.retries + 1 - tries
        while True:
            upstream, *others = ways
            breaker = self.proxy.breaker(upstream.name)
            if not breaker.lets(self.proxy.now()):
                if not others:
                    said = f"{upstream.name} failed again and again and is left alone for {breaker.seconds:.0f} s"
                    return self.refuse(
                        one.call.ask, Refused("unavailable", said, retry_after_seconds=int(breaker.seconds))
                    )
                ways, again = others, self.stands.settings.retries + 1
                continue
            let_in = await self._let_in(one if upstream is self.upstream else replace(one.call, upstream=upstream))
            if isinstance(let_in, Refused):
                breaker.untried()
                return self.refuse(one.call.ask, let_in)
            if let_in.one.change.tier == "batch":
                return await queued(self, let_in)
            again -= 1
            answer = await self._sent(let_in, others=bool(others), again=again > 0)
            if isinstance(answer, float):
                await asyncio.sleep(answer)
            elif answer is None:
                ways, again = others, self.stands.settings.retries + 1
            else:
                return answer

    def _ways(self, ask: AiAsk) -> Sequence[Upstream]:
        """This upstream, and those behind it that this key may use and that have a key of their own."""
        others = (self.stands.settings.upstreams[name] for name in self.upstream.failover)
        return [self.upstream, *(one for one in others if self.why_not(ask, one) is None)]

    async def _let_in(self, asked: Bounded | AskedCall) -> LetIn | Refused:
        governs = self.stands.governs
        one = governs.bound(asked) if isinstance(asked, AskedCall) else asked
        if isinstance(one, Refused):
            return one
        if one.call.ask.background:  # no lease lives as long as it may run
            asks = governs.by_itself
        elif not one.call.approval_id and (let_in := governs.at_once(one)) is not None:
            return let_in
        else:
            asks = governs.with_the_ledger
        return await asyncio.get_running_loop().run_in_executor(self.proxy.threads, asks, one)

    async def _sent(self, let_in: LetIn, *, others: bool, again: bool) -> web.StreamResponse | float | None:
        """The answer of one upstream. Where it certainly did nothing: the seconds until it is asked `again`, or None: another."""
        governs, ask, upstream = self.stands.governs, let_in.one.call.ask, let_in.one.call.upstream
        breaker = self.proxy.breaker(upstream.name)
        body = self.wire.body(ask, let_in.one.change)
        ended: Ended | None = Ended(
            0, note="how it ended is not known"
        )  # it may be billed, unless something says otherwise
        try:
            answer = await send(
                self.proxy.session, self.attempt(upstream, self.body if body is None else body), self.seconds
            )
            ended = Ended(answer.status, note="the answer was lost")
            if answer.status in DOWN:
                breaker.failed(self.proxy.now())
            else:
                breaker.worked()
            if answer.status == 200 and answer.content_type == "text/event-stream" and self.served is not None:
                ended = None  # the stream settles it itself
                return await pass_stream(self, let_in, answer)
            raw = await read_whole(answer)
            ended = self.ended(let_in, answer.status, raw)
            if answer.status in TRY_ELSEWHERE:
                if others:
                    return None
                if again and (wait := wait_of(answer.headers.get("Retry-After", ""))) is not None:
                    return wait
            call = await self._settled(let_in, ended, raw)
            ended = None
            return web.Response(
                status=answer.status, body=raw, headers=headers_back(answer.headers, about(let_in, call))
            )
        except NeverSent as never:
            breaker.failed(self.proxy.now())
            ended = Ended(0, billed=False, note="it was not sent")
            if again:
                return RETRY_SECONDS
            return None if others else refused_answer(self.wire, let_in, f"{upstream.name} cannot be reached: {never}")
        except AnswerLost as lost:
            breaker.failed(self.proxy.now())
            ended = Ended(ended.status if ended else 0, note=f"the answer was lost: {lost}")
            return refused_answer(self.wire, let_in, f"{upstream.name} did not answer to the end: {lost}")
        finally:
            if ended is not None:
                governs.end(let_in, ended)

    async def _settled(self, let_in: LetIn, ended: Ended, raw: bytes) -> AiCall | None:
        """The call as it ended; None: it runs in the background, and its result settles it."""
        if await opened_job(self, let_in, ended.status, raw):
            return None
        return self.stands.governs.end(let_in, ended)

    def ended(self, let_in: LetIn, status: int, raw: bytes) -> Ended:
        if status in NOT_BILLED:
            return Ended(status, billed=False, note=f"the vendor answered {status}")
        if status >= 300:
            return Ended(status, note=f"the vendor answered {status}: it may have been billed")
        usage = self.wire.usage(let_in.one.call.ask, raw)
        return Ended(status, usage, note="" if usage is not None else "the answer names no usage: charged at its bound")

    def refuse(self, ask: AiAsk, why: Refused) -> web.Response:
        """The refusal in the vendor's shape; kept and counted."""
        call = self.stands.governs.refused(self.call(ask, self.upstream), why)
        return refusal(self.wire, replace(why, decision_id=call.decision_id))

    def why_not(self, ask: AiAsk, upstream: Upstream | None = None) -> Refused | None:
        """What stands in the way before any money is asked for; at this upstream, or another one."""
        there = upstream or self.upstream
        if (why := forbidden(self.caller, there, ask)) is not None or there.name in self.stands.vendor_keys:
            return why
        return Refused("unavailable", f"There is no key for {there.name} here: fiscus gateway-key {there.name}")

    def call(self, ask: AiAsk, upstream: Upstream) -> AskedCall:
        call = called(self.caller, upstream, ask, self.headers)
        if MAY_WAIT not in self.headers:
            return call
        if upstream is self.upstream and may_queue(upstream.wire, ask):
            return replace(call, may_wait=True)
        return replace(call, cannot_wait=f"It cannot wait: {upstream.name} queues no such request.")

    def attempt(self, upstream: Upstream, body: bytes) -> Attempt:
        """The client's request as it goes to `upstream`."""
        path = f"{self.path}?{self.query}" if self.query else self.path
        vendor = self.stands.wires[upstream.name].authorise(self.stands.vendor_keys[upstream.name])
        return Attempt(upstream, self.method, path, headers_on(self.headers, vendor), body)

    @property
    def seconds(self) -> float:
        return float(self.stands.settings.answer_seconds_max)


def _nothing(path: str) -> AiAsk:
    return AiAsk("free", path[:HEADER_CHARS_MAX], Usage({}))
