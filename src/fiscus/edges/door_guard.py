"""What stands before every page and every answer of the API: who is called, from where, and how much may be said.

A page of another site, open in the same browser, can reach 127.0.0.1. It cannot give our Host together with our Origin.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

from fastapi.datastructures import Headers

from fiscus.kernel.errors import FiscusError, LimitExceeded, NotAllowed
from fiscus.kernel.limits import WEB_BODY_BYTES_MAX

Message: TypeAlias = MutableMapping[str, Any]  # the words of ASGI
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
ASSET_SECONDS: Final = 3600


def allowed_hosts(port: int) -> frozenset[str]:
    """The names under which this server may be called."""
    return frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]"))


class DoorGuard:
    """ASGI middleware. `refuse` answers a request that does not come in, in the words of its door."""

    def __init__(self, app: ASGIApp, port: int, refuse: ASGIApp) -> None:
        self._app = app
        self._hosts = allowed_hosts(port)
        self._origins = frozenset(f"http://{host}" for host in self._hosts)
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request in, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        outgoing = _with_headers(scope, send)
        refused = self._refusal(scope)
        if refused is None:
            await self._app(scope, _bounded(receive), outgoing)
        else:
            await self._refuse({**scope, "fiscus.refused": refused}, receive, outgoing)

    def _refusal(self, scope: Scope) -> FiscusError | None:
        """Why this request does not come in; None when it does."""
        headers = Headers(scope=scope)
        if headers.getlist("host") not in [[host] for host in self._hosts]:
            return NotAllowed(
                "This server is not called by that name", remedy=f"Open http://{min(self._hosts)} on this machine."
            )
        if scope["method"] in SAFE:
            return None
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > WEB_BODY_BYTES_MAX:
            return LimitExceeded(f"A request holds at most {WEB_BODY_BYTES_MAX:,} bytes", remedy="Send less at a time.")
        return self._foreign(scope, headers)

    def _foreign(self, scope: Scope, headers: Headers) -> FiscusError | None:
        """A form names our Origin. A program has none, and sends JSON, which a page of another site cannot send unasked."""
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "same-origin")
        ours = origin in self._origins if origin is not None else scope["path"].startswith("/api/")
        if ours and site in {"same-origin", "none"}:
            return None
        return NotAllowed(
            "This request does not come from a page of this server; nothing was done",
            remedy="Open the page here and repeat it; a program sends JSON to /api without an Origin.",
        )


def _bounded(receive: Receive) -> Receive:
    """A body without a length is cut off as well: the rest of it is as if the caller had gone."""
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        return {"type": "http.disconnect"} if seen > WEB_BODY_BYTES_MAX else message

    return bounded


def _with_headers(scope: Scope, send: Send) -> Send:
    """The same headers on every answer, refusals included."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            ours = dict(HEADERS)
            if scope["path"].startswith("/static/"):
                ours["Cache-Control"] = f"max-age={ASSET_SECONDS}"
            said = {name.lower().encode(): value.encode() for name, value in ours.items()}
            kept = [(name, value) for name, value in message.get("headers", []) if name.lower() not in said]
            message["headers"] = [*kept, *said.items()]
        await send(message)

    return sending
