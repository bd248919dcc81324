"""Several workers on one address: each a process of its own that binds the same port; one that dies is started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from fiscus.app.ai_prices import source_document
from fiscus.edges.gateway.serve import serve_worker
from fiscus.edges.listening import bind
from fiscus.kernel.errors import BadInput, Unavailable

WORKERS_MAX: Final = 64
RESTART_SECONDS_MIN: Final = 0.2
RESTART_SECONDS_MAX: Final = 10.0
WORKED_SECONDS: Final = 30.0  # who lived so long is started again at once
POLL_SECONDS: Final = 0.1


def serve_gateway(
    home: Path, address: tuple[str, int], workers: int, started: Callable[[str], None], *, with_parent: bool = False
) -> None:
    """Serve until SIGTERM or SIGINT, or until the parent is gone, where it ends `with_parent`.

    One worker serves in this process. Raises BadInput, BadConfig, Unavailable."""
    if not 1 <= workers <= WORKERS_MAX:
        raise BadInput(f"{workers} workers cannot serve", remedy=f"Start 1 to {WORKERS_MAX}.")
    parent = os.getppid() if with_parent else 0
    host, port = address
    listener = bind(host, port, shared=True)
    bound = listener.getsockname()[1]
    url = f"http://[{host}]:{bound}" if ":" in host else f"http://{host}:{bound}"
    try:
        if workers == 1:
            serve_worker(home, listener, 1, lambda: started(url), parent)
        else:
            source_document(home)  # compiled once, where it must be, and not by each of them
            _Supervisor(home, (host, bound), workers, parent).run(lambda: started(url))
    finally:
        listener.close()


def serve_one_of(home: Path, host: str, port: int, worker: tuple[int, int]) -> None:
    """One of `worker[0]` workers; says that it answers by a byte on the pipe `worker[1]`."""
    workers, ready_fd = worker
    parent = os.getppid()
    listener = bind(host, port, shared=True)

    def ready() -> None:
        os.write(ready_fd, b"1")
        os.close(ready_fd)

    try:
        serve_worker(home, listener, workers, ready, parent)
    finally:
        listener.close()


class _Supervisor:
    """Starts workers, starts them again, and passes signals on."""

    def __init__(self, home: Path, address: tuple[str, int], workers: int, parent: int) -> None:
        host, port = address
        self._parent = parent
        self._command = [
            sys.executable, "-m", "fiscus", "gateway", "--home", str(home), "--host", host, "--port", str(port),
            "--worker-of", str(workers),
        ]  # fmt: skip
        self._workers: list[_Worker] = [_Worker() for _ in range(workers)]
        self._stopping = False

    def run(self, ready: Callable[[], None]) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, lambda *_: self._signal(signal.SIGHUP))
        for worker in self._workers:
            worker.start(self._command)
        try:
            if all(worker.answers() for worker in self._workers):
                ready()
            elif not self._stopping:
                raise Unavailable(
                    "A worker did not start", remedy="Its error stands above; start one alone to see it whole."
                )
            while not self._stopping and (not self._parent or os.getppid() == self._parent):
                for worker in self._workers:
                    worker.keep_up(self._command)
                time.sleep(POLL_SECONDS)
        finally:
            self._signal(signal.SIGTERM)
            for worker in self._workers:
                worker.wait()

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _signal(self, number: int) -> None:
        for worker in self._workers:
            worker.signal(number)


class _Worker:
    """One process. It says that it answers by a byte on a pipe."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = -1
        self._started_at = 0.0
        self._delay = RESTART_SECONDS_MIN
        self._again_at = 0.0

    def start(self, command: list[str]) -> None:
        read, write = os.pipe()
        self._close()
        self._ready = read
        self._process = subprocess.Popen([*command, "--ready-fd", str(write)], pass_fds=[write])  # noqa: S603 our own program
        os.close(write)
        self._started_at = time.monotonic()
        self._again_at = 0.0

    def answers(self) -> bool:
        """Waits for it. False: it ended instead."""
        return bool(os.read(self._ready, 1))

    def keep_up(self, command: list[str]) -> None:
        """Start it again where it ended; at once where it lived long, else later each time."""
        if self._process is None or self._process.poll() is None:
            return
        now = time.monotonic()
        if self._again_at == 0.0:
            lived = now - self._started_at
            self._delay = RESTART_SECONDS_MIN if lived > WORKED_SECONDS else min(RESTART_SECONDS_MAX, self._delay * 2)
            self._again_at = now + self._delay
        elif now >= self._again_at:
            self.start(command)

    def signal(self, number: int) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def wait(self) -> None:
        if self._process is not None:
            self._process.wait()
        self._close()

    def _close(self) -> None:
        if self._ready >= 0:
            os.close(self._ready)
            self._ready = -1
