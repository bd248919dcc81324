"""The requests that nearly all clients send, read from their bytes: a POST of HTTP/1.1 whose body has a length.

Strict: what is read here, every reader of HTTP reads alike (RFC 9112). Whatever else a connection brings, such as chunks,
expectations, upgrades, escapes in a path or a header twice that must stand once, is for the full server.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Literal

from multidict import CIMultiDict, CIMultiDictProxy

HEAD_BYTES_MAX: Final = 8_192
BODY_BYTES_MAX: Final = 1 << 20  # a larger one is read piece by piece
HEADS_MAX: Final = 512  # a client sends the same head again and again
END: Final = b"\r\n\r\n"
_BEGIN: Final = b"POST /"
_HEAD: Final = re.compile(
    rb"POST (?P<path>/[A-Za-z0-9_:/.-]*)(?:\?(?P<query>[A-Za-z0-9_.=&-]*))? HTTP/1\.1\r\n"
    rb"(?P<lines>(?:[A-Za-z0-9!#$%&'*+.^_`|~-]+:[ \t]*[!-~]?[\t -~]*\r\n)+)\r\n"
)
_ANOTHERS: Final = frozenset({"transfer-encoding", "expect", "upgrade", "content-encoding", "te", "trailer"})
_ONCE: Final = ("content-length", "host", "authorization", "content-type")


@dataclass(slots=True)
class PlainHead:
    """Of one request, and of all that begin with the same bytes. `length`: of the body, in bytes.

    `sent`: what goes on to an upstream in its place, by its base URL and key.
    """

    path: str
    query: str
    headers: CIMultiDictProxy[str]
    length: int
    sent: dict[tuple[str, str], bytes] = field(default_factory=dict)
    method: str = "POST"


class PlainHeads:
    """The heads of one event loop, each read once."""

    def __init__(self) -> None:
        self._known: dict[bytes, PlainHead | None] = {}

    def split(self, held: bytes) -> tuple[PlainHead, bytes, bytes] | Literal["more", "other"]:
        """Head, body and what lies behind them; `more`: it is not whole yet; `other`: it is for the full server."""
        end = held.find(END)
        if end < 0:
            begins = held[: len(_BEGIN)] == _BEGIN[: len(held)]
            return "more" if begins and len(held) < HEAD_BYTES_MAX else "other"
        body = end + len(END)
        head = self._head(held[:body])
        if head is None:
            return "other"
        until = body + head.length
        return "more" if len(held) < until else (head, held[body:until], held[until:])

    def _head(self, raw: bytes) -> PlainHead | None:
        if raw in self._known:
            return self._known[raw]
        if len(self._known) >= HEADS_MAX:
            self._known.clear()
        head = self._known[raw] = read_head(raw)
        return head


def read_head(raw: bytes) -> PlainHead | None:
    """The head in `raw`, which ends with it; None: it is not plain."""
    found = _HEAD.fullmatch(raw) if len(raw) <= HEAD_BYTES_MAX else None
    if found is None:
        return None
    path = found["path"].decode()
    if "//" in path or "/." in path:  # a path with steps in it
        return None
    headers = CIMultiDict[str]()
    for line in found["lines"].decode().split("\r\n")[:-1]:
        name, _, value = line.partition(":")
        headers.add(name, value.strip(" \t"))
    length = headers.get("content-length", "")
    plain = (
        length.isdecimal()
        and int(length) <= BODY_BYTES_MAX
        and headers.get("connection", "keep-alive").lower() == "keep-alive"
        and "host" in headers
        and not any(name in headers for name in _ANOTHERS)
        and all(len(headers.getall(name, ())) <= 1 for name in (*_ONCE, "connection"))
    )
    query = (found["query"] or b"").decode()
    return PlainHead(path, query, CIMultiDictProxy(headers), int(length)) if plain else None
