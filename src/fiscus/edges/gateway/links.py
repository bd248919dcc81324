"""Connections to upstreams that are kept open: one exchange at a time each, and never the same request twice."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final, Protocol, cast

from yarl import URL

from fiscus.edges.gateway.forward import CONNECT_SECONDS
from fiscus.edges.gateway.plain_answers import AnswerReader, NoAnswer, PlainAnswer

REST_SECONDS: Final = 10.0  # shorter than any vendor's: a request seldom meets a connection that just closed


class Waits(Protocol):
    """Who sent a request. One of these is said, once."""

    def answered(self, answer: PlainAnswer) -> None: ...

    def never_sent(self, why: str) -> None:
        """No connection came about: certainly nothing was billed."""
        ...

    def lost(self, status: int, why: str) -> None:
        """It was sent, and no whole answer came: it may have been billed. `status` 0: not even its head."""
        ...


@dataclass(frozen=True, slots=True)
class Address:
    """Where an upstream is. `front`: what stands before every path there."""

    host: str
    port: int
    tls: bool
    named: str  # as the Host header names it
    front: str


@lru_cache(256)
def address_of(base_url: str) -> Address | None:
    """None: a plain connection does not lead there."""
    url = URL(base_url)
    if url.scheme not in {"http", "https"} or url.host is None or url.port is None or url.user or url.query_string:
        return None
    return Address(url.host, url.port, url.scheme == "https", url.raw_authority, url.raw_path.rstrip("/"))


class Links:
    """The open connections of one event loop. `now` in seconds, monotonic."""

    def __init__(self, loop: asyncio.AbstractEventLoop, now: Callable[[], float]) -> None:
        self._loop = loop
        self.now = now
        self.open: set[_Link] = set()
        self.resting: dict[Address, list[_Link]] = {}
        self._connecting: set[asyncio.Task[None]] = set()

    def ask(self, address: Address, data: bytes, who: Waits, seconds_max: float) -> None:
        """Send `data` to it, over a connection that rests or a new one."""
        resting = self.resting.get(address)
        while resting:
            link = resting.pop()
            if self.now() - link.rests_since < REST_SECONDS and link.send(data, who, seconds_max):
                return
            link.close()
        task = self._loop.create_task(self._connect(address, data, who, seconds_max))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connect(self, address: Address, data: bytes, who: Waits, seconds_max: float) -> None:
        why = "the gateway stops"
        link = None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, link = await self._loop.create_connection(
                    lambda: _Link(self, address), address.host, address.port, ssl=_tls() if address.tls else None
                )
        except (OSError, TimeoutError, ValueError) as never:
            why = f"{type(never).__name__} {never}".strip()
        finally:
            if link is None or not link.send(data, who, seconds_max):
                who.never_sent(why)

    def look_after(self) -> None:
        """To be called about once a second: what waits too long is given up, what rests too long is closed."""
        now = self.now()
        for link in list(self.open):
            link.look_after(now)

    def close(self) -> None:
        """What is under way is given up."""
        for link in list(self.open):
            link.close()


class _Link(asyncio.Protocol):
    """One connection."""

    def __init__(self, links: Links, address: Address) -> None:
        self._links = links
        self._address = address
        self._transport: asyncio.Transport | None = None
        self._who: Waits | None = None
        self._reader = AnswerReader()
        self._until = 0.0
        self.rests_since = links.now()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._links.open.add(self)

    def send(self, data: bytes, who: Waits, seconds_max: float) -> bool:
        """False: it is closed, and nothing was sent."""
        if self._transport is None or self._transport.is_closing():
            return False
        self._who, self._reader, self._until = who, AnswerReader(), self._links.now() + seconds_max
        self._transport.write(data)
        return True

    def data_received(self, data: bytes) -> None:
        if self._who is None:  # nobody asked
            self.close()
            return
        try:
            answer = self._reader.feed(data)
        except NoAnswer as wrong:
            self._lose(str(wrong))
            return
        if answer is not None:
            self._tell(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self._links.open.discard(self)
        if self._who is None:
            return
        answer = self._reader.end() if exc is None else None
        if answer is not None:
            self._tell(answer)
        else:
            self._lose(f"the connection ended{f': {exc}' if exc else ''}")

    def look_after(self, now: float) -> None:
        if self._who is None and now - self.rests_since >= REST_SECONDS:
            self.close()
        elif self._who is not None and now >= self._until:
            self._lose("it took too long")

    def close(self) -> None:
        """Where it rests, it is not asked again."""
        if self._transport is not None:
            self._transport.close()
        resting = self._links.resting.get(self._address, [])
        if self in resting:
            resting.remove(self)

    def _tell(self, answer: PlainAnswer) -> None:
        who, self._who = self._who, None
        assert who is not None
        if answer.keep:
            self.rests_since = self._links.now()
            self._links.resting.setdefault(self._address, []).append(self)
        else:
            self.close()
        who.answered(answer)

    def _lose(self, why: str) -> None:
        who, self._who = self._who, None
        assert who is not None
        assert self._transport is not None
        self._transport.abort()
        who.lost(self._reader.status, why)


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
