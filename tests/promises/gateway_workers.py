"""Gateway workers that are killed and come back: a program of its own, so that a worker is a fork of what is loaded already.

A trial begins with a line of JSON on standard input: {"home", "port", "workers", "kill_seconds", "seed", "midnight_seconds"} (0:
no month ends). Each worker is the product's own `serve_worker` on a socket of the shared port. After "storm" one at random of
those that serve is killed (SIGKILL) every KILL_SECONDS and another takes its place; "calm" ends the killing; "end" asks all to
end (SIGTERM; SIGKILL after a while), and how many were killed is printed. Only the price table goes from worker to worker.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import mmap
import os
import random
import select
import signal
import struct
import sys
import time
import traceback
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fiscus.app.ai_prices
import fiscus.app.gateway
from fiscus.cost.ai.price_table import PriceTable
from fiscus.edges.gateway.serve import serve_worker
from fiscus.edges.listening import bind
from fiscus.kernel.clock import SystemClock
from fiscus.kernel.errors import FiscusError

SHIFT = mmap.mmap(-1, 8)  # shared with every fork: seconds that its clock goes ahead
END_SECONDS = 15.0
AGAIN_SECONDS = 0.05
LOADED = (
    "fiscus.app.configuration",
    "fiscus.app.gateway",
    "fiscus.app.workspace",
    "fiscus.flows.govern_call",
    "fiscus.flows.keep_calls",
    "fiscus.flows.prove_policies",
    "fiscus.guardrails.doors.ai.key_ring",
    "fiscus.guardrails.doors.ai.wires",
    "fiscus.stores.calls",
    "fiscus.stores.keys.sealing",
    "fiscus.stores.lake.lake_aside",
    "fiscus.stores.ledger.sql_ledger",
    "fiscus.stores.state",
    "fiscus.stores.databases.postgres_driver",
)


class Workers:
    """The running ones, by process id."""

    def __init__(self, home: Path, port: int, count: int) -> None:
        self.home, self.port, self.count = home, port, count
        self.pids: list[int] = []
        self.serving: set[int] = set()
        self.heard, self.said = os.pipe()
        os.set_blocking(self.heard, False)
        self.again_at = 0.0

    def keep_up(self) -> None:
        """Forget those that ended; start as many as are missing. One that cannot start is tried again a little later."""
        with contextlib.suppress(BlockingIOError):
            self.serving |= {int(word) for word in os.read(self.heard, 4096).split()}
        while self.pids:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            self._gone(pid)
            self.again_at = time.monotonic() + AGAIN_SECONDS
        while len(self.pids) < self.count and time.monotonic() >= self.again_at:
            self.pids.append(self._start())

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        self._gone(pid)

    def kill_one(self, chance: random.Random) -> bool:
        """Of those that serve; False: there is none."""
        serving = [pid for pid in self.pids if pid in self.serving]
        if serving:
            self.kill(chance.choice(serving))
        return bool(serving)

    def _gone(self, pid: int) -> None:
        self.pids.remove(pid)
        self.serving.discard(pid)

    def end(self) -> None:
        for pid in self.pids:
            os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + END_SECONDS
        while self.pids and time.monotonic() < until:
            with contextlib.suppress(ChildProcessError):
                pid, _ = os.waitpid(-1, os.WNOHANG)
                if pid:
                    self._gone(pid)
                    continue
            time.sleep(0.02)
        for pid in list(self.pids):
            self.kill(pid)
        os.close(self.heard)
        os.close(self.said)

    def _serves(self) -> None:
        os.write(self.said, f"{os.getpid()}\n".encode())

    def _start(self) -> int:
        pid = os.fork()
        if pid:
            return pid
        code = 0
        try:
            os.close(0)
            serve_worker(self.home, bind("127.0.0.1", self.port, shared=True), self.count, self._serves)
        except (FiscusError, OSError):  # the store is away: as its supervisor would, it is started again
            code = 1
        except BaseException:  # noqa: BLE001 a fork must end here, whatever happened
            traceback.print_exc()
            code = 2
        os._exit(code)


def main() -> None:
    """Trial after trial, until standard input ends."""
    for name in LOADED:
        importlib.import_module(name)
    load, tables = fiscus.app.ai_prices.load_ai_prices, list[PriceTable]()

    def kept(home: Path, wanted: Collection[str] | None = None) -> PriceTable:
        if (home / "prices" / "ai.yaml").exists():  # of a trial whose prices change
            return load(home, wanted)
        if not tables:
            tables.append(load(home, wanted))
        return tables[0]

    fiscus.app.ai_prices.load_ai_prices = kept
    while line := os.read(0, 4096):
        asked = json.loads(line)
        kept(Path(asked["home"]), {"openai"})
        run(asked)


class _ShiftedTogether:
    """The clock of all workers of a trial, however often they start."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=struct.unpack("d", SHIFT[:8])[0])


def _shift_to_the_months_end(seconds: float) -> None:
    now = datetime.now(UTC)
    following = (now.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    SHIFT[:8] = struct.pack("d", (following - now).total_seconds() - seconds)


def run(asked: Mapping[str, Any]) -> None:
    """One trial, to its end."""
    seconds, chance = asked["kill_seconds"], random.Random(asked["seed"])
    midnight = asked["midnight_seconds"]
    if midnight:  # the month ends so long after the storm begins
        _shift_to_the_months_end(600.0)
    fiscus.app.gateway.SystemClock = _ShiftedTogether if midnight else SystemClock  # type: ignore[misc]  # for this trial
    workers, kills = Workers(Path(asked["home"]), asked["port"], asked["workers"]), 0
    storm, kill_at = False, 0.0
    while True:
        workers.keep_up()
        if select.select([0], [], [], 0.005)[0]:
            word = os.read(0, 100)
            storm = b"storm" in word and b"calm" not in word
            if storm and midnight:
                _shift_to_the_months_end(midnight)
            kill_at = time.monotonic() + seconds
            if not word or b"end" in word:
                break
        if storm and time.monotonic() >= kill_at and workers.kill_one(chance):
            kills, kill_at = kills + 1, time.monotonic() + seconds
    workers.end()
    sys.stdout.write(f"{kills}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
