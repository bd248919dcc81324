"""The cost curve: ingest, the roll-up of 2,000 budgets and 200 policies over growing lakes, and the exponent that time grows by.

Time is fitted as seconds = a * rows^b over the sizes (least squares of the logarithms) and shown between neighbours too, so
that a bend at the end does not hide in the mean. Each measurement is a process of its own with its peak memory; the smallest
of the rounds counts. An exponent of 1 is time in proportion; the limit leaves five per cent for what grows by the logarithm.

    python -m bench.scale [--quick] [--json] [--rows 1000000 10000000 30000000] [--rounds 1] [--folder DIR]
"""

# ruff: noqa: PLC0415 - imports stay inside the work, so that one process's peak memory is of that work alone
from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from bench.policies import BUDGETS, POLICIES, Measured, _budgets, _ours, _since

EXPONENT_MAX: Final = 1.05
MEMORY_MB_MAX: Final = 3_000
SIZES: Final = (1_000_000, 10_000_000, 30_000_000)
QUICK_SIZES: Final = (300_000, 1_000_000, 3_000_000)
WORKS: Final = ("ingest", "policies", "roll-up")


@dataclass(frozen=True, slots=True)
class Curve:
    """One kind of work over all sizes. `between`: the exponent from each size to the next."""

    work: str
    rows: list[int]
    seconds: list[float]
    cpu_seconds: list[float]
    peak_mb: list[int]
    exponent: float
    between: list[float]


def main() -> int:
    """Print the curves; 1 when a limit is broken at full size."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    asked.add_argument("--quick", action="store_true", help="0.3, 1 and 3 million charges, not judged")
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--rows", type=int, nargs="+", default=list(SIZES))
    asked.add_argument("--rounds", type=int, default=1)
    asked.add_argument("--folder", help="where the lakes are built: 30 million charges need some 25 GB")
    asked.add_argument("--work", help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.work:
        print(json.dumps(asdict(_work(given.work))))
        return 0
    sizes = sorted(QUICK_SIZES if given.quick else given.rows)
    curves = _curves(sizes, given.rounds, given.folder)
    kept = given.quick or not any(map(_broken, curves))
    if given.json:
        limits = {"exponent_max": EXPONENT_MAX, "memory_mb_max": MEMORY_MB_MAX, "limits_judged": not given.quick}
        print(
            json.dumps({"bench": "scale", **limits, "kept": kept, "curves": [asdict(one) for one in curves]}, indent=2)
        )
    else:
        _print(curves, judged=not given.quick)
    return 0 if kept else 1


def _broken(curve: Curve) -> bool:
    return curve.exponent > EXPONENT_MAX or max(curve.peak_mb) > MEMORY_MB_MAX


def _curves(sizes: Sequence[int], rounds: int, folder: str | None) -> list[Curve]:
    found: dict[str, list[Measured]] = {work: [] for work in WORKS}
    for rows in sizes:
        with tempfile.TemporaryDirectory(prefix="fiscus-scale-", dir=folder) as name:
            home = Path(name) / "home"
            _process("write", home, rows)
            for work in WORKS:
                tried = [_process(work, home, rows) for _ in range(rounds)]
                found[work].append(min(tried, key=lambda one: one.seconds))
    return [_curve(work, sizes, measured) for work, measured in found.items()]


def _curve(work: str, sizes: Sequence[int], measured: Sequence[Measured]) -> Curve:
    seconds = [one.seconds for one in measured]
    points = [(math.log(rows), math.log(taken)) for rows, taken in zip(sizes, seconds, strict=True)]
    pairs = itertools.pairwise(points)
    return Curve(
        work=work,
        rows=list(sizes),
        seconds=[round(one, 2) for one in seconds],
        cpu_seconds=[round(one.cpu_seconds, 2) for one in measured],
        peak_mb=[one.peak_mb for one in measured],
        exponent=round(_slope(points), 3),
        between=[round(_slope(pair), 3) for pair in pairs],
    )


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """Of the line of least squares; 0 for a single point."""
    middle = sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)
    spread = sum((x - middle[0]) ** 2 for x, _ in points)
    return sum((x - middle[0]) * (y - middle[1]) for x, y in points) / spread if spread else 0.0


def _process(work: str, home: Path, rows: int) -> Measured:
    command = [sys.executable, "-m", "bench.scale", "--work", f"{work}:{rows}:{home}"]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{work} of {rows:,} charges failed:\n{done.stderr[-2000:]}")
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def _work(asked: str) -> Measured:
    name, rows, folder = asked.split(":", 2)
    work = {"write": _write, "ingest": _ingest, "policies": _ours, "roll-up": _budgets}[name]
    return work(Path(folder), int(rows))


def _write(home: Path, rows: int) -> Measured:
    """The company's workspace and its bills; not measured."""
    from bench.policy_company import write_company

    start, cpu = time.perf_counter(), time.process_time()
    write_company(home, rows, POLICIES, BUDGETS)
    return _since(start, cpu)


def _ingest(home: Path, rows: int) -> Measured:
    """A whole delivery into an empty lake, owners assigned: what `policies` and `roll-up` then read."""
    from fiscus.app.workspace import open_workspace
    from fiscus.cost.types import IngestOptions
    from fiscus.flows.assign_owners import assign_owners
    from fiscus.flows.ingest_bills import ingest_bills
    from fiscus.kernel.progress import Silent

    shutil.rmtree(home / ".fiscus", ignore_errors=True)
    ws = open_workspace(home)
    bills = ws.config.sources["bills"]
    paths = [home / path for path in bills.paths]
    start, cpu = time.perf_counter(), time.process_time()
    delivery = ingest_bills(ws, bills.source, paths, IngestOptions(promote=ws.config.promoted_tags), Silent())
    assign_owners(ws)
    assert delivery.rows == rows, "every charge came in"
    return _since(start, cpu)


def _print(curves: Sequence[Curve], *, judged: bool) -> None:
    print(f"{'':<10}{'charges':>12}{'seconds':>10}{'processor':>11}{'peak MB':>9}{'exponent':>10}")
    for curve in curves:
        for n, rows in enumerate(curve.rows):
            step = f"{curve.between[n - 1]:.3f}" if n else ""
            print(
                f"{curve.work if not n else '':<10}{rows:>12,}{curve.seconds[n]:>10.2f}{curve.cpu_seconds[n]:>11.2f}"
                f"{curve.peak_mb[n]:>9,}{step:>10}"
            )
        print(f"{'':<10}{'over all':>42}{curve.exponent:>10.3f}")
    held = "" if judged else " Not judged at this size."
    print(f"Limits: exponent at most {EXPONENT_MAX}, peak at most {MEMORY_MB_MAX:,} MB.{held}")


if __name__ == "__main__":
    sys.exit(main())
