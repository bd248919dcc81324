"""The vendor behind every stack: compiled here, so that it is never what is measured; without a compiler the simulator's own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fiscus.connectors.simulated_ai.fast import canned_answers

SOURCE = Path(__file__).with_name("upstream.c")


@contextmanager
def running_upstream(folder: Path) -> Iterator[tuple[str, str]]:
    """(its address, how it was made) of one that answers like OpenAI, whole and streamed."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        command = [sys.executable, "-m", "fiscus.connectors.simulated_ai", "--fast"]
    else:
        answers, program = canned_answers(), folder / "upstream"
        (folder / "whole").write_bytes(answers[False, False])
        (folder / "stream").write_bytes(answers[False, True])
        subprocess.run([compiler, "-O2", "-D_GNU_SOURCE", "-o", program, SOURCE], check=True)
        command = [str(program), str(folder / "whole"), str(folder / "stream")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            said = json.loads(process.stdout.readline())
            port = said["port"] if isinstance(said, dict) else said
            yield f"http://127.0.0.1:{port}", "compiled" if compiler else "asyncio (no C compiler here)"
        finally:
            process.kill()
