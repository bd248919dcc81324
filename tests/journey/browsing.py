"""A real Chromium on a real server: started once for a file of tests, with everything that it complains about kept."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from tools.find_chromium import find_chromium

from fiscus.edges.listening import listen
from fiscus.flows.workspace import Workspace
from fiscus.serve import build_server


def chromium_or_skip() -> str:
    """Where Chromium is. Skips with the reason when there is none."""
    found, why = find_chromium()
    if found is None:
        pytest.skip(why)
    return found


@contextmanager
def served(ws: Workspace) -> Iterator[str]:
    """The address of a server over `ws`, for as long as the block runs."""
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    app = build_server(ws.home, port, ws)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
