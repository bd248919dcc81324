"""The gateway of a demo: `fiscus gateway` as people start it, in a process of its own, in front of the simulated vendors."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from fiscus.kernel.errors import Unavailable, Where

STOP_SECONDS: Final = 15
LOG: Final = ".fiscus/gateway.log"


@contextmanager
def demo_gateway(home: Path) -> Iterator[str]:
    """Start it on a free port; yields its address, and ends it with SIGTERM. Where this process is killed it ends by itself.

    Raises Unavailable when it does not start.
    """
    command = [sys.executable, "-m", "fiscus", "gateway", "--home", str(home), "--port", "0", "--with-parent", "--json"]
    with (
        (home / LOG).open("ab") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log) as process,  # noqa: S603 our own program
    ):
        try:
            yield _address(process, home)
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _address(process: subprocess.Popen[bytes], home: Path) -> str:
    """What it says once it answers: one JSON object, on one line or several."""
    assert process.stdout is not None
    said = b""
    for line in process.stdout:
        said += line
        if line.rstrip().endswith(b"}"):
            return str(json.loads(said)["url"])
    raise Unavailable(
        "The gateway of the demo did not start", remedy="Its log says why.", where=Where(file=str(home / LOG))
    )
