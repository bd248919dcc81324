"""The server: pages and API on one loopback address. Composition of edges, which do not know each other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import Final

import uvicorn
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError, StarletteHTTPException
from fastapi.responses import JSONResponse, Response

from fiscus import __version__
from fiscus.app.current_workspace import OpenWorkspace
from fiscus.app.long_lived import now_long_lived
from fiscus.edges.api.build_api import api_router
from fiscus.edges.api.description import DescribedApp
from fiscus.edges.api.ledger_routes import metrics_text
from fiscus.edges.door_guard import HEADERS, DoorGuard, Receive, Scope, Send
from fiscus.edges.known_parameters import known_parameters
from fiscus.edges.listening import listen
from fiscus.edges.web.build_web import Web, build_web, static_files
from fiscus.flows.workspace import Workspace
from fiscus.kernel.errors import HTTP_STATUS, BadInput, FiscusError, NotAllowed, NotFound, Where

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
PORT: Final = 8720


def build_server(home: Path | str, port: int = PORT, ws: Workspace | None = None) -> FastAPI:
    """The server of the workspace at `home`. `ws`: already open there."""
    return build_app(OpenWorkspace(Path(home).resolve(), ws), port)


def build_app(get_ws: Callable[[], Workspace], port: int = PORT) -> FastAPI:
    """Pages at /, the API at /api, its description at /api/openapi.json and /api/docs; over what `get_ws` gives each request."""
    web = build_web(get_ws)
    app = DescribedApp(
        title="Fiscus", version=__version__, openapi_url="/api/openapi.json", docs_url=None, redoc_url=None,
        description="Every number of every page. Amounts are text, with all their digits.",
    )  # fmt: skip
    app.include_router(web.router, dependencies=[Depends(known_parameters)])
    app.include_router(api_router(get_ws), dependencies=[Depends(known_parameters)])

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        return metrics_text(get_ws())

    app.mount("/static", static_files(), "static")
    _answer_errors(app, web)

    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        await _in_words(web, request, scope["fiscus.refused"])(scope, receive, send)

    app.add_middleware(DoorGuard, port=port, refuse=refuse)
    return app


def _answer_errors(app: FastAPI, web: Web) -> None:
    """Every failure in the shape of kernel.errors: JSON under /api, a page elsewhere."""

    @app.exception_handler(FiscusError)
    async def ours(request: Request, error: FiscusError) -> Response:
        return _in_words(web, request, error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        said = BadInput(str(first["msg"]), remedy="/api/docs says what is expected.", where=Where(key=place or None))
        return _in_words(web, request, said)

    @app.exception_handler(StarletteHTTPException)  # what the framework raises, its own subclass included
    async def http(request: Request, error: StarletteHTTPException) -> Response:
        said: FiscusError = BadInput(f"This cannot be answered: {error.detail}", remedy="/api/docs lists what can.")
        if error.status_code == 404:
            said = NotFound(
                f"There is nothing at {request.url.path}", remedy="Start at the first page, or at /api/docs."
            )
        return _in_words(web, request, said, error.status_code)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        said = FiscusError(
            f"Fiscus failed at this ({type(error).__name__})", remedy="The server's log has the details; report it."
        )
        answer = _in_words(web, request, said)
        answer.headers.update(HEADERS)  # this answer is given outside the guard
        return answer


def _in_words(web: Web, request: Request, error: FiscusError, status: int | None = None) -> Response:
    status = status or HTTP_STATUS[error.code]
    said = error.as_dict()
    if request.url.path.startswith("/api/") and request.url.path != "/api/docs":
        return JSONResponse({"error": said}, status, headers={"Cache-Control": "no-store"})
    return web.error_page(request, said, status)


def serve(
    home: Path | str,
    host: str = LOOPBACK[0],
    port: int = PORT,
    started: Callable[[str], None] | None = None,
    beside: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> None:
    """Serve until interrupted; `started` is told the address once it answers. `beside` is started only once the address is
    ours, and ends with the server.

    Raises NotAllowed for any address but loopback (there is no sign-in yet), Unavailable when the port is taken, BadConfig.
    """
    if host not in LOOPBACK:
        raise NotAllowed(
            f"Fiscus does not serve on {host}: without sign-in, whoever reaches it could act in any name",
            remedy=f"Serve on {LOOPBACK[0]} and reach it through a tunnel; sign-in does not exist yet.",
            where=Where(key="host"),
        )
    listener = listen(host, port)
    with closing(listener), beside():
        bound = int(listener.getsockname()[1])
        app = build_server(home, bound)
        now_long_lived()
        settings = uvicorn.Config(app, log_level="warning", server_header=False, access_log=False, lifespan="off")
        if started is not None:
            shown = f"[{host}]" if ":" in host else host
            started(f"http://{shown}:{bound}")
        asyncio.run(uvicorn.Server(settings).serve(sockets=[listener]))
