"""A real Chromium on a real server: started once for a file of tests, with everything that it complains about kept."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn

from fiscus.flows.workspace import Workspace
from fiscus.serve import build_server, listen

REPO = Path(__file__).resolve().parents[2]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
UNPACK = """
import chromium from "@sparticuz/chromium";
process.stdout.write(await chromium.executablePath());
"""


def find_chromium() -> str:
    """The system's, else the one that package-lock.json pins, unpacked. Skips with the reason when there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    from tools.build_assets import find_program

    node = find_program("node")
    if node is None or not (REPO / "node_modules" / "@sparticuz" / "chromium").is_dir():
        pytest.skip("needs Chromium: neither on the PATH nor installed by `FISCUS_DEV=1 python tools/build_assets.py`")
    done = subprocess.run(
        [node, "--input-type=module", "-e", UNPACK], cwd=REPO, capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode:
        pytest.skip(f"the Chromium of package-lock.json does not unpack here: {done.stderr[-300:]}")
    return done.stdout.strip()


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
