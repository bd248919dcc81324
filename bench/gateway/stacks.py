"""What stands between wrk and the upstream: nothing, the bare pass-through, the gateway, the LiteLLM proxy."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.fixtures.capped_company import running, write_capped_company

from bench.gateway.litellm_proxy import KEY, Asked, running_litellm
from bench.gateway.load import write_script

AMOUNT: Final = "1000000"
LEVELS: Final = ("org", "team", "environment", "key")
DIRECT, BARE, OURS, LITELLM = "direct", "pass-through", "fiscus", "litellm"


@dataclass(frozen=True, slots=True)
class Stack:
    """One of them, running. `process` 0: there is none."""

    name: str
    workers: int
    url: str
    process: int
    scripts: dict[bool, Path]  # streamed or not

    def memory_mib(self) -> float:
        """Resident memory of its largest process: a worker, not what starts it."""
        return max((_resident(pid) for pid in _family(self.process)), default=0.0) if self.process else 0.0

    def cpu_seconds(self) -> float:
        """What it and its children have used, user and system."""
        return sum(_used(pid) for pid in _family(self.process)) if self.process else 0.0


@contextmanager
def running_stacks(folder: Path, upstream: str, workers: int, *, peer: bool) -> Iterator[list[Stack]]:
    """All of them with so many workers, at the same time; idle ones cost nothing but memory."""
    scripts = folder / f"scripts-{workers}"
    scripts.mkdir()

    def asking(key: str) -> dict[bool, Path]:
        return {streamed: write_script(scripts, key, streamed=streamed) for streamed in (False, True)}

    with ExitStack() as opened:
        stacks = [Stack(DIRECT, workers, upstream, 0, asking("sk-simulated-bench"))]
        port, process = opened.enter_context(_bare(upstream, workers))
        stacks.append(Stack(BARE, workers, f"http://127.0.0.1:{port}", process, asking("sk-simulated-bench")))
        home = folder / f"home-{workers}"
        secret = write_capped_company(home, upstream, **dict.fromkeys(LEVELS, AMOUNT))
        gateway = opened.enter_context(running(home, workers))
        stacks.append(Stack(OURS, workers, f"{gateway.url}/openai", gateway.process.pid, asking(secret)))
        if peer:
            url, process = opened.enter_context(
                running_litellm(folder / f"litellm-{workers}", Asked(upstream, workers))
            )
            stacks.append(Stack(LITELLM, workers, url, process, asking(KEY)))
        yield stacks


@contextmanager
def _bare(upstream: str, workers: int) -> Iterator[tuple[int, int]]:
    command = [sys.executable, "-m", "bench.gateway.passthrough", upstream, str(workers)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline()), process.pid
        finally:
            for pid in reversed(_family(process.pid)):
                subprocess.run(["kill", "-9", str(pid)], check=False)


def _family(pid: int) -> list[int]:
    """A process and its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    found = [int(word) for word in children.read_text().split()] if children.exists() else []
    return [pid, *(one for child in found for one in _family(child))]


def _resident(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)


def _used(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
