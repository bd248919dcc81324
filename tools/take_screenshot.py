"""The picture in the README: `python -m tools.take_screenshot HOME` serves a workspace and saves its first page.

HOME is a demo workspace (`fiscus demo --home HOME --no-serve`). The picture is written to docs/images/overview.png.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path

import uvicorn
from playwright.sync_api import sync_playwright

from fiscus.edges.listening import listen
from fiscus.serve import build_server
from tools.find_chromium import FLAGS, find_chromium

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "overview.png"
BYTES_MAX = 200_000


def main(home: str) -> int:
    """0 when the picture stands; 2, with what to do, when it cannot be taken."""
    chromium, why = find_chromium()
    if chromium is None:
        sys.stderr.write(f"{why}\n")
        return 2
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(build_server(home, port), log_level="warning", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1160, "height": 720}, color_scheme="light")
        page.goto(f"http://127.0.0.1:{port}/")
        page.wait_for_selector(".chart.drawn")
        page.screenshot(path=str(PICTURE))
        browser.close()
    server.should_exit = True
    thread.join(10)
    size = PICTURE.stat().st_size
    sys.stdout.write(f"{PICTURE}: {size:,} bytes\n")
    return 0 if size <= BYTES_MAX else 2


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    raise SystemExit(main(sys.argv[1]))
