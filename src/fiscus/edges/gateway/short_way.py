"""The short way: a plain request that is let in from memory goes to its upstream and back without a task of its own.

What is decided, held, settled and said is the same as behind the full server (aiohttp), by the same functions; only the
transport is another one. A connection that brings anything else is handed to the full server with all that it brought, before
anything was done with it, and stays there. A call that has to wait for the ledger waits in a task of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, cast

from aiohttp import web

from fiscus.cost.ai.types import AiCall
from fiscus.edges.gateway.answers import about, refused_answer
from fiscus.edges.gateway.forward import DOWN, NOT_SENT_BACK, RETRY_SECONDS, TRY_ELSEWHERE, headers_on, wait_of
from fiscus.edges.gateway.links import Address, Links, address_of
from fiscus.edges.gateway.plain_answers import PlainAnswer
from fiscus.edges.gateway.plain_requests import PlainHead, PlainHeads
from fiscus.edges.gateway.proxy import Door, Proxy
from fiscus.flows.govern_call import Ended, LetIn
from fiscus.guardrails.doors.ai.asked_call import Bounded
from fiscus.guardrails.doors.ai.types import CallerScope, Endpoint, Refused
from fiscus.kernel.errors import BadInput

LOG: Final = logging.getLogger(__name__)
ENDPOINTS: Final[frozenset[Endpoint]] = frozenset({"chat", "completions", "responses", "messages", "embeddings"})
LOOK_SECONDS: Final = 1.0
REST_SECONDS: Final = 75.0  # a client's connection that says nothing
HELD_BYTES_MAX: Final = 1 << 16  # of a next request, while one is answered
_REASONS: Final = {status.value: status.phrase for status in HTTPStatus}
_NOT_BACK: Final = frozenset(name.encode() for name in NOT_SENT_BACK - {"date"})


@dataclass(slots=True)
class ShortWay:
    """Of one event loop. `full`: the server that takes what does not go here."""

    proxy: Proxy
    full: web.Server
    links: Links
    loop: asyncio.AbstractEventLoop
    heads: PlainHeads = field(default_factory=PlainHeads)
    fronts: set[Front] = field(default_factory=set)
    stopping: bool = False
    _waiting: set[asyncio.Task[None]] = field(default_factory=set)
    _rested: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self) -> Front:
        """For a connection that a client opens."""
        return Front(self)

    def begin(self, front: Front, head: PlainHead, body: bytes) -> bool:
        """False: it is for the full server, and nothing was done."""
        found = self._found(head, body)
        if found is None:
            return False
        door, one, address = found
        if slow := door.too_fast(one):
            front.say(door.refuse(one.call.ask, slow))
            return True
        try:
            let_in = door.stands.governs.at_once(one)
        except BaseException:
            self.proxy.pacing.end(door.caller.key_id)
            raise
        if isinstance(let_in, LetIn):
            self._send(front, door, head, let_in, address)
            return True
        self.in_a_task(_by_the_ledger(front, door, one))
        return True

    def in_a_task(self, answering: Coroutine[None, None, None]) -> None:
        """What has to wait."""
        task = self.loop.create_task(answering)
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    def _found(self, head: PlainHead, body: bytes) -> tuple[Door, Bounded, Address] | None:
        proxy, path = self.proxy, head.path
        stands = proxy.governing()
        name, _, rest = path[1:].partition("/")
        upstream = stands.settings.upstreams.get(name)
        if upstream is None or upstream.failover or not proxy.breaker(name).closed:
            return None
        wire, path = stands.wires[name], f"/{rest}"
        address, endpoint = address_of(upstream.base_url), wire.endpoint("POST", path)
        caller = stands.ring.caller(wire.credential(head.headers), stands.governs.ws.clock.now())
        if address is None or endpoint not in ENDPOINTS or not isinstance(caller, CallerScope):
            return None
        door = Door(proxy, stands, None, wire, upstream, caller, "POST", path, head.query, body, head.headers)
        try:
            ask = door.read(endpoint)
        except BadInput:
            return None
        if ask.stream or ask.background or door.why_not(ask) is not None:
            return None
        one = stands.governs.bound(door.call(ask, upstream))
        if isinstance(one, Refused) or one.call.approval_id or _head_sent(head, door, address) is None:
            return None
        return door, one, address

    def _send(self, front: Front, door: Door, head: PlainHead, let_in: LetIn, address: Address) -> None:
        exchange = _Exchange(self, front, door, let_in)
        try:
            body = door.wire.body(let_in.one.call.ask, let_in.one.change)
            body = door.body if body is None else body
            first = _head_sent(head, door, address)
            assert first is not None
            data = b"%b%d\r\n\r\n%b" % (first, len(body), body)
        except BaseException:
            exchange.never_sent("the request cannot be written")
            raise
        self.links.ask(address, data, exchange, door.seconds)

    def look_after(self) -> None:
        """Once a second."""
        self.links.look_after()
        now = self.proxy.now()
        for front in list(self.fronts):
            front.look_after(now)
        self.loop.call_later(LOOK_SECONDS, self.look_after)

    async def stop(self, seconds_max: float) -> None:
        """What runs is answered; then every connection is closed."""
        self.stopping = True
        for front in list(self.fronts):
            front.close_when_done()
        self.rests()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._rested.wait(), seconds_max)
        self.links.close()

    def rests(self) -> None:
        """Some request is through; the last one of all ends the waiting for them."""
        if self.stopping and not any(front.busy for front in self.fronts):
            self._rested.set()


class Front(asyncio.Protocol):
    """A client's connection."""

    def __init__(self, way: ShortWay) -> None:
        self._way = way
        self._transport: asyncio.Transport | None = None
        self._held = b""
        self._last = way.proxy.now()  # when it said anything, or was answered
        self._choked = False
        self.busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._way.fronts.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 it is gone, whyever
        self._transport = None
        if not self.busy:  # what runs is read to its end, and settled
            self._way.fronts.discard(self)

    def pause_writing(self) -> None:
        self._choked = True

    def resume_writing(self) -> None:
        self._choked = False
        self._go_on()

    def data_received(self, data: bytes) -> None:
        self._held = held = self._held + data if self._held else data
        if not self.busy and not self._choked:
            self._go_on()
        elif len(held) > HELD_BYTES_MAX and self._transport is not None:
            self._transport.pause_reading()

    def _go_on(self) -> None:
        """With the next request that is whole."""
        if self.busy or self._choked or not self._held or self._transport is None:
            return
        self._last = self._way.proxy.now()
        split = self._way.heads.split(self._held)
        if split == "more":
            return
        if split == "other":
            self._hand_over()
            return
        head, body, behind = split
        held, self._held, self.busy = self._held, behind, True
        try:
            begun = self._way.begin(self, head, body)
        except Exception:
            LOG.exception("a request failed")
            if self.busy:
                self.say(web.Response(status=500, text="The gateway failed at this request"))
            return
        if not begun:
            self._held, self.busy = held, False
            self._hand_over()

    def _hand_over(self) -> None:
        transport, held, self._held = self._transport, self._held, b""
        assert transport is not None
        self._way.fronts.discard(self)
        self._transport = None
        full = self._way.full()
        transport.set_protocol(full)
        full.connection_made(transport)
        full.data_received(held)

    def say(self, answer: web.Response) -> None:
        """The answer of this request, when it is no vendor's."""
        body = answer.body if isinstance(answer.body, bytes) else b""
        lines = [f"{name}: {value}".encode() for name, value in answer.headers.items() if name != "Content-Length"]
        self.write(_written(answer.status, lines, {}, body))

    def write(self, data: bytes) -> None:
        """The answer of this request; the next one may come."""
        self.busy = False
        transport, way = self._transport, self._way
        if transport is None or transport.is_closing():
            way.fronts.discard(self)
            way.rests()
            return
        transport.write(data)
        self._last = way.proxy.now()
        if way.stopping:
            transport.close()
            way.rests()
        elif self._held:
            transport.resume_reading()
            way.loop.call_soon(self._go_on)

    def look_after(self, now: float) -> None:
        if not self.busy and now - self._last >= REST_SECONDS and self._transport is not None:
            self._transport.close()

    def close_when_done(self) -> None:
        if not self.busy and self._transport is not None:
            self._transport.close()


class _Exchange:
    """One call that left: it is settled and answered exactly once, however it ends."""

    __slots__ = ("_door", "_front", "_let_in", "_way")

    def __init__(self, way: ShortWay, front: Front, door: Door, let_in: LetIn) -> None:
        self._way = way
        self._front = front
        self._door = door
        self._let_in = let_in

    def answered(self, answer: PlainAnswer) -> None:
        door, let_in = self._door, self._let_in
        breaker = door.proxy.breaker(door.upstream.name)
        if answer.status in DOWN:
            breaker.failed(door.proxy.now())
        else:
            breaker.worked()
        try:
            ended = door.ended(let_in, answer.status, answer.body)
        except Exception:
            LOG.exception("an answer cannot be read")
            ended = Ended(answer.status, note="the answer cannot be read")
        wait = wait_of(answer.header(b"retry-after")) if answer.status in TRY_ELSEWHERE else None
        if wait is not None and self._again(ended, wait):
            return
        call = self._end(ended)
        self._front.write(_written(answer.status, answer.lines, about(let_in, call), answer.body))

    def never_sent(self, why: str) -> None:
        ended = Ended(0, billed=False, note="it was not sent")
        if self._again(ended, RETRY_SECONDS):
            self._door.proxy.breaker(self._door.upstream.name).failed(self._door.proxy.now())
        else:
            self._failed(ended, f"cannot be reached: {why}")

    def lost(self, status: int, why: str) -> None:
        self._failed(Ended(status, note=f"the answer was lost: {why}"), f"did not answer to the end: {why}")

    def _again(self, ended: Ended, wait: float) -> bool:
        """Where certainly nothing was billed, once more; False: it is not tried again."""
        door = self._door
        if not door.stands.settings.retries:
            return False
        door.stands.governs.end(self._let_in, ended)
        self._way.in_a_task(_by_the_ledger(self._front, door, self._let_in.one, wait=wait, tries=1))
        return True

    def _failed(self, ended: Ended, said: str) -> None:
        door = self._door
        door.proxy.breaker(door.upstream.name).failed(door.proxy.now())
        self._end(ended)
        self._front.say(refused_answer(door.wire, self._let_in, f"{door.upstream.name} {said}"))

    def _end(self, ended: Ended) -> AiCall:
        door = self._door
        try:
            return door.stands.governs.end(self._let_in, ended)
        finally:
            door.proxy.pacing.end(door.caller.key_id)


async def _by_the_ledger(front: Front, door: Door, one: Bounded, *, wait: float = 0.0, tries: int = 0) -> None:
    """A call that its worker's leases do not let in by themselves, or that is tried again after a while."""
    try:
        if wait:
            await asyncio.sleep(wait)
        answer = await door.tried(one, tries=tries)
        assert isinstance(answer, web.Response)
    except Exception:
        LOG.exception("a request failed")
        answer = web.Response(status=500, text="The gateway failed at this request")
    finally:
        door.proxy.pacing.end(door.caller.key_id)
    front.say(answer)


def _head_sent(head: PlainHead, door: Door, address: Address) -> bytes | None:
    """What stands before the length of the body in what is sent on; None: it cannot be written."""
    key = door.upstream.base_url, door.stands.vendor_keys[door.upstream.name]
    found = head.sent.get(key)
    if found is None:
        headers = headers_on(head.headers, door.wire.authorise(key[1]))
        path = f"{address.front}{door.path}{'?' if head.query else ''}{head.query}"
        lines = [f"POST {path} HTTP/1.1", f"Host: {address.named}", *(f"{k}: {v}" for k, v in headers.items())]
        if not all(line.isascii() and line.isprintable() for line in lines):
            return None
        found = head.sent[key] = "\r\n".join((*lines, "Content-Length: ")).encode()
    return found


def _written(status: int, given: Sequence[bytes], ours: Mapping[str, str], body: bytes) -> bytes:
    """An answer: the headers that were given, as far as they go on, and ours."""
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, '')}".encode()]
    for line in given:
        name = line.partition(b":")[0].lower()
        if name not in _NOT_BACK and not (name.startswith(b"x-fiscus-") and name.decode("latin-1") in ours):
            lines.append(line)
    lines += [f"{name}: {value}".encode("latin-1", "replace") for name, value in ours.items()]
    lines.append(b"Content-Length: %d\r\n\r\n" % len(body))
    return b"\r\n".join(lines) + body
