"""Requests a second and added time of the AI gateway with everything on, beside the LiteLLM proxy and a bare pass-through.

All stacks with one worker run at the same time and are asked in turn, round after round, by `wrk` with one thread, before one
upstream that is compiled here and answers far faster than any of them; then all with two workers. Ours: a virtual key, the
library of policies, budgets on four levels (org, team, environment, key), SQLite with synchronous=FULL. LiteLLM: a key with four
budget counters, in memory. The bare pass-through is aiohttp as server and client with nothing governed: the limit. Ours has the
same two for streams and whatever is not plain; plain whole answers go on protocols of its own (docs/adr/0011).

"Added" is a stack's own median less the upstream's, asked directly in the same round. Exit 1 where a limit is not met.

    python -m bench.gateway [--quick] [--json] [--no-peer] [--workers 1 2]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from bench.gateway import litellm_proxy
from bench.gateway.limits import Limit, limits_of
from bench.gateway.load import Seen, drive, find_wrk, median
from bench.gateway.stacks import DIRECT, Stack, running_stacks
from bench.gateway.upstream import running_upstream

CONNECTIONS: Final = (1, 8, 32, 128)
WARM_SECONDS: Final = 2.0
WARM_TIMES_MAX: Final = 6
WARM_RATE: Final = 20.0


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured."""

    rounds: int
    seconds: float
    connections: tuple[int, ...]


FULL: Final = Effort(3, 3.0, CONNECTIONS)
QUICK: Final = Effort(1, 2.0, (1, 32))


@dataclass(frozen=True, slots=True)
class Cell:
    """One stack under one load. `added`: milliseconds of the median above the upstream's own."""

    stack: str
    workers: int
    streamed: bool
    connections: int
    seen: Seen
    added: Seen


def main() -> int:
    """Print the tables or JSON; 1 when a limit is not met."""
    given = _arguments()
    find_wrk()
    effort = QUICK if given.quick else FULL
    cells, memory = list[Cell](), dict[str, float]()
    with tempfile.TemporaryDirectory(prefix="fiscus-bench-") as folder:
        with running_upstream(Path(folder)) as (upstream, made):
            for workers in given.workers:
                with running_stacks(Path(folder), upstream, workers, peer=not given.no_peer) as stacks:
                    cells += _measured(stacks, effort)
                    memory |= {f"{one.name}, {workers} workers": one.memory_mib() for one in stacks if one.process}
        limits = limits_of(cells, memory)
        peer = None if given.no_peer else litellm_proxy.version()
    if given.json:
        body = {
            "bench": "gateway", "upstream": made, "litellm": peer, "note": litellm_proxy.NOTE,
            "cells": [asdict(cell) for cell in cells],
            "memory_mib": memory, "limits": [asdict(one) for one in limits],
        }  # fmt: skip
        print(json.dumps(body, indent=2))
    else:
        _print(cells, memory, limits, f"upstream: {made}; LiteLLM {peer or 'left out'}")
    return 0 if all(one.met for one in limits) else 1


def _measured(stacks: list[Stack], effort: Effort) -> list[Cell]:
    for one in stacks:
        for streamed in (False, True):
            _warm(one, streamed=streamed)
    return [
        cell
        for streamed in (False, True)
        for connections in effort.connections
        for cell in _cells(stacks, effort, connections, streamed=streamed)
    ]


def _warm(one: Stack, *, streamed: bool) -> None:
    """Until it answers with everything loaded: a peer's first answers take seconds."""
    for _ in range(WARM_TIMES_MAX):
        if drive(one.url, one.scripts[streamed], 8, WARM_SECONDS).rate > WARM_RATE:
            return


def _cells(stacks: list[Stack], effort: Effort, connections: int, *, streamed: bool) -> list[Cell]:
    """In turn, so that a machine whose speed drifts is the same for all."""
    rounds: dict[str, list[Seen]] = {one.name: [] for one in stacks}
    for _ in range(effort.rounds):
        for one in stacks:
            before = one.cpu_seconds()
            seen = drive(one.url, one.scripts[streamed], connections, effort.seconds)
            used = (one.cpu_seconds() - before) * 1e6
            rounds[one.name].append(replace(seen, cpu_us=used / max(1, seen.answers)))
    found = []
    for one in stacks:
        own = median(rounds[one.name])
        added = median([_less(seen, bare) for seen, bare in zip(rounds[one.name], rounds[DIRECT], strict=True)])
        found.append(Cell(one.name, one.workers, streamed, connections, own, added))
    return found


def _less(one: Seen, bare: Seen) -> Seen:
    return Seen(one.rate, one.p50 - bare.p50, one.p95 - bare.p95, one.p99 - bare.p99)


def _print(cells: list[Cell], memory: dict[str, float], limits: list[Limit], about: str) -> None:
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}; {about}")
    print(litellm_proxy.NOTE)
    heads = ("p50", "p95", "p99", "added p50", "p95", "p99", "CPU us", "failed")
    shown: tuple[int, bool, int] | None = None
    for cell in cells:
        if (kind := (cell.workers, cell.streamed, cell.connections)) != shown:
            shown = kind
            what = f"{cell.connections} connections, {'streams' if cell.streamed else 'whole answers'}, {cell.workers} worker(s)"
            print(f"\n{what:<48}{'requests/s':>11}" + "".join(f"{head:>10}" for head in heads))
        seen, added = cell.seen, cell.added
        times = (seen.p50, seen.p95, seen.p99, added.p50, added.p95, added.p99)
        print(
            f"  {cell.stack:<46}{seen.rate:>11,.0f}"
            + "".join(f"{ms:>10.2f}" for ms in times)
            + f"{seen.cpu_us:>10.0f}{seen.failed:>10}"
        )
    print(
        "\nResident memory of a worker after the load, MiB: "
        + ", ".join(f"{name} {mib:.0f}" for name, mib in memory.items())
    )
    print()
    for limit in limits:
        print(f"{'met    ' if limit.met else 'NOT met'}  {limit.name}: {limit.value:,.2f} ({limit.asked})")


def _arguments() -> argparse.Namespace:
    asked = argparse.ArgumentParser(prog="python -m bench.gateway", description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--quick", action="store_true", help="one short round at 1 and 32 connections")
    asked.add_argument("--json", action="store_true")
    asked.add_argument(
        "--no-peer", action="store_true", help="without the LiteLLM proxy: what is held against it is left out"
    )
    asked.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    return asked.parse_args()


if __name__ == "__main__":
    sys.exit(main())
