"""What the gateway is held to, and whether it is met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bench.gateway.stacks import BARE, DIRECT, LITELLM, OURS

if TYPE_CHECKING:
    from bench.gateway.__main__ import Cell

TIMES_LITELLM_MIN: Final = 20.0
ADDED_RATIO_MAX: Final = 3.0
BARE_SHARE_MIN: Final = 0.5
MEMORY_MIB_MAX: Final = 120.0
UPSTREAM_TIMES_MIN: Final = 2.0


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit: what was asked, what was seen."""

    name: str
    asked: str
    value: float
    met: bool


def limits_of(cells: Sequence[Cell], memory: Mapping[str, float]) -> list[Limit]:
    """Those that these cells can say something about."""
    by = {(one.stack, one.workers, one.streamed, one.connections): one for one in cells}
    workers = sorted({one.workers for one in cells})
    found = []
    for count in workers:
        peer = [one for one in cells if one.stack == LITELLM and one.workers == count and not one.streamed]
        if peer:
            best = max(peer, key=lambda one: one.seen.rate)
            ours = max(one.seen.rate for one in cells if (one.stack, one.workers, one.streamed) == (OURS, count, False))
            name = f"requests/s per worker against LiteLLM, each at its best, {count} worker(s)"
            found.append(_least(name, ours / best.seen.rate, TIMES_LITELLM_MIN, "times"))
    if (one := by.get((OURS, 1, False, 1))) and (bare := by.get((BARE, 1, False, 1))):
        ratio = one.added.p50 / bare.seen.p50
        found.append(
            Limit(
                "added p50 at 1 connection, in p50s of the bare pass-through", f"at most {ADDED_RATIO_MAX:.0f}", ratio,
                ratio <= ADDED_RATIO_MAX,
            )
        )  # fmt: skip
    if (one := by.get((OURS, 1, False, 32))) and (bare := by.get((BARE, 1, False, 32))):
        by_cpu = bare.seen.cpu_us / max(1.0, one.seen.cpu_us)  # other people's load touches that less
        name = f"share of the bare pass-through's requests/s at 32 connections ({by_cpu:.2f} by processor time)"
        found.append(_least(name, one.seen.rate / bare.seen.rate, BARE_SHARE_MIN, ""))
        direct = by[DIRECT, 1, False, 32]
        name = "the upstream alone against the bare pass-through at 32 connections: it is no bottleneck"
        found.append(_least(name, direct.seen.rate / bare.seen.rate, UPSTREAM_TIMES_MIN, "times"))
    found += [
        Limit(f"MiB of a worker, {name}", f"under {MEMORY_MIB_MAX:.0f}", mib, mib < MEMORY_MIB_MAX)
        for name, mib in memory.items()
        if name.startswith(OURS)
    ]
    failed = sum(one.seen.failed for one in cells if one.stack == OURS)
    found.append(Limit("answers of ours that failed", "none", failed, failed == 0))
    return found


def _least(name: str, value: float, least: float, unit: str) -> Limit:
    return Limit(name, f"at least {least:g} {unit}".strip(), value, value >= least)
