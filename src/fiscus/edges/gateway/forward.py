"""One attempt at an upstream, and what its end says of money: whether the vendor can have billed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from fiscus.guardrails.doors.ai.settings import Upstream
from fiscus.kernel.errors import BadInput

# Headers of one connection (RFC 9110, 7.6.1), and those that this gateway sets itself.
_HOP: Final = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
        "upgrade", "proxy-connection",
    }
)  # fmt: skip
_NOT_SENT_ON: Final = _HOP | {
    "host", "content-length", "authorization", "x-api-key", "api-key", "x-goog-api-key", "accept-encoding", "expect", "cookie",
    "content-encoding",  # a body was unpacked to be read, and goes on unpacked
}  # fmt: skip
_UNPACKED: Final = frozenset({"", "identity", "gzip", "deflate"})  # what the server unpacks itself
NOT_SENT_BACK: Final = _HOP | {"content-length", "content-encoding", "set-cookie", "server", "date"}
OURS: Final = "x-fiscus-"
TRY_ELSEWHERE: Final = frozenset({429, 503, 529})
DOWN: Final = frozenset({500, 502, 503, 504, 529})
CONNECT_SECONDS: Final = 10.0
RETRY_SECONDS: Final = 0.1  # after a connection that did not come about
RETRY_SECONDS_MAX: Final = 5  # a vendor that asks to wait for longer is answered for to the client


class NeverSent(Exception):
    """No connection came about: certainly nothing was billed."""


class AnswerLost(Exception):
    """It was sent, and no whole answer came: it may have been billed."""


class NotThere(AnswerLost):
    """The vendor answered that it knows no such thing (404, 410)."""


@dataclass(slots=True)
class Attempt:
    """A request as it goes to one upstream. `path`: below its base URL, with the query. `body`: whole, or as it comes in."""

    upstream: Upstream
    method: str
    path: str
    headers: CIMultiDict[str]
    body: bytes | aiohttp.StreamReader


def headers_on(given: CIMultiDictProxy[str], vendor: Mapping[str, str]) -> CIMultiDict[str]:
    """The client's headers without its key and ours, and the vendor's key."""
    headers = CIMultiDict[str]()
    for name, value in given.items():
        lower = name.lower()
        if lower not in _NOT_SENT_ON and not lower.startswith(OURS):
            headers.add(name, value)
    headers["Accept-Encoding"] = "identity"  # usage is read from what passes
    for name, value in vendor.items():
        headers[name] = value
    return headers


def headers_back(given: CIMultiDictProxy[str], ours: Mapping[str, str]) -> CIMultiDict[str]:
    """The vendor's headers, and what we have to say."""
    headers = CIMultiDict[str]()
    for name, value in given.items():
        if name.lower() not in NOT_SENT_BACK:
            headers.add(name, value)
    headers.update(ours)
    return headers


async def send(session: aiohttp.ClientSession, attempt: Attempt, seconds_max: float) -> aiohttp.ClientResponse:
    """The head of the answer; the caller reads or closes it. Raises NeverSent, AnswerLost."""
    try:
        return await session.request(
            attempt.method,
            _address(attempt.upstream.base_url, attempt.path),
            data=attempt.body or None,
            headers=attempt.headers,
            allow_redirects=False,
            timeout=_timeout(seconds_max),
        )
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as never:
        raise NeverSent(str(never)) from never
    except (aiohttp.ClientError, TimeoutError, OSError) as lost:
        raise AnswerLost(f"{type(lost).__name__}: {lost}") from lost


@lru_cache(1_024)
def _address(base_url: str, path: str) -> URL:
    """The same few paths are asked for again and again."""
    return URL(base_url + path, encoded=True)


@lru_cache(64)
def _timeout(seconds_max: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=seconds_max, sock_connect=CONNECT_SECONDS)


def wait_of(retry_after: str) -> float | None:
    """Seconds until a vendor that did nothing wants to be asked again; None: it does not say, or for too long."""
    if not retry_after.isascii() or not retry_after.isdecimal() or len(retry_after) > 2:
        return None
    return float(retry_after) if int(retry_after) <= RETRY_SECONDS_MAX else None


async def wanted(request: web.BaseRequest) -> None:
    """Tell a client that waits for a word before it sends its body (RFC 9110, 10.1.1) that it may."""
    if request.headers.get("expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # no answer has begun by that


async def read_asked(request: web.BaseRequest, bytes_max: int) -> bytes:
    """What a client sent, unpacked. Raises BadInput: larger than `bytes_max`, or packed in a way that cannot be read."""
    packed = request.headers.get("content-encoding", "").strip().lower()
    if packed not in _UNPACKED:
        raise BadInput(
            f"Nobody here reads the content encoding {packed[:40]!r}", remedy="Send gzip, deflate or neither."
        )
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise BadInput(f"The request is larger than {bytes_max:,} bytes", remedy="Send less at once.") from None
    except web.RequestPayloadError as broken:
        raise BadInput(f"The body cannot be read: {broken}", remedy="Send it whole, packed as its head says.") from None


async def read_whole(answer: aiohttp.ClientResponse) -> bytes:
    """The body. Raises AnswerLost where it breaks off."""
    try:
        return await answer.read()
    except (aiohttp.ClientError, TimeoutError, OSError) as lost:
        raise AnswerLost(f"{type(lost).__name__}: {lost}") from lost
