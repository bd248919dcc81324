"""Serves the tools: to the program that started this process (stdio), or to programs of this machine (streamable HTTP)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

import uvicorn
from mcp.server.transport_security import TransportSecuritySettings

from fiscus.app.current_workspace import OpenWorkspace
from fiscus.edges.listening import listen
from fiscus.edges.mcp.tools import build_tools
from fiscus.kernel.errors import NotAllowed, Where

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
PATH: Final = "/mcp"
BODY_BYTES_MAX: Final = 100_000  # a question is a few names


def serve_stdio(home: Path, person_id: str) -> None:
    """Answer on standard input and output until the other side closes. Raises BadConfig, NotFound (the person)."""
    logging.basicConfig(level=logging.WARNING)  # standard error; standard output belongs to the protocol
    asyncio.run(build_tools(OpenWorkspace(home), person_id).run_stdio_async())


def serve_http(
    home: Path, person_id: str, host: str = LOOPBACK[0], port: int = 0, started: Callable[[str], None] | None = None
) -> None:
    """Answer at http://HOST:PORT/mcp until interrupted. `started` is told the address.

    Raises NotAllowed for any address but loopback: whoever reaches it asks in that person's name. Unavailable, BadConfig.
    """
    if host not in LOOPBACK:
        raise NotAllowed(
            f"The tools are not served on {host}: whoever reaches them would ask in {person_id}'s name",
            remedy=f"Serve on {LOOPBACK[0]}; each person starts their own.",
            where=Where(key="host"),
        )
    server = build_tools(OpenWorkspace(home), person_id)
    listener = listen(host, port)
    try:
        bound = int(listener.getsockname()[1])
        names = [f"{name}:{bound}" for name in ("127.0.0.1", "localhost", "[::1]")]
        guard = TransportSecuritySettings(allowed_hosts=names, allowed_origins=[f"http://{name}" for name in names])
        app = server.streamable_http_app(
            streamable_http_path=PATH, json_response=True, stateless_http=True, max_request_body_size=BODY_BYTES_MAX,
            transport_security=guard,
        )  # fmt: skip
        config = uvicorn.Config(app, log_level="warning", server_header=False, access_log=False)
        if started is not None:
            shown = f"[{host}]" if ":" in host else host
            started(f"http://{shown}:{bound}{PATH}")
        asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))
    finally:
        listener.close()
