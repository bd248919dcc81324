"""Ingest and the whole loop: rows a second, peak memory, and ingest as a ratio to DuckDB doing the bare work.

The peer is DuckDB 2 in the same run, on the same files, with the same threads: a typed `read_csv`, tags made a map, one zstd
Parquet file; it checks nothing, partitions nothing and commits nothing. Its dates are plain timestamps, its fastest way. Each
measurement is a process of its own; peer and ingest alternate and the smallest of each counts. The ratio is of wall seconds;
the ratio of processor seconds beside it says how much of it is a busy machine.

The loop is `fiscus run` on a workspace of forty teams: ingest, owners, anomalies, budgets and policies, actions, cases sent
by mail to a server on this machine, the board pack; each stage with its seconds and the peak memory of the process at its end.

    python -m bench.loop [--quick] [--json] [--rows 500000 5000000] [--rounds 2] [--no-loop]
"""

# ruff: noqa: PLC0415 - imports stay inside the work, so that one process's peak memory is of that work alone
from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench.focus_files import write_bills

RATIO_MAX = 3.0
MEMORY_MB_MAX = 3_000
QUICK_ROWS = 50_000
PROMOTED = ("team", "environment", "product", "cost-centre")


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the loop. `peak_mb`: the process's peak resident memory when it ended."""

    name: str
    seconds: float
    peak_mb: int


@dataclass(frozen=True, slots=True)
class Measured:
    """One process: wall and processor seconds of the work without imports, and its peak resident memory."""

    rows: int
    seconds: float
    cpu_seconds: float
    peak_mb: int
    stages: list[Stage] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Line:
    """One size: the peer, ingest, their ratio, and the loop (None where it was not asked for)."""

    rows: int
    csv_mb: int
    peer_seconds: float
    peer_peak_mb: int
    ingest_seconds: float
    ratio: float
    cpu_ratio: float
    ingest_rows_per_second: int
    ingest_peak_mb: int
    again_seconds: float
    loop_seconds: float | None
    loop_rows_per_second: int | None
    loop_peak_mb: int | None
    stages: list[Stage]


class Stages:
    """kernel.progress.Progress that keeps how long each stage took."""

    def __init__(self) -> None:
        self.done: list[Stage] = []
        self._open: tuple[str, float] | None = None

    def stage(self, title: str) -> None:
        """The stage before ends here."""
        now = time.perf_counter()
        if self._open:
            self.done.append(Stage(self._open[0], round(now - self._open[1], 2), _peak_mb()))
        self._open = (title, now) if title else None

    def step(self, done: int, total: int) -> None:
        """Steps inside a stage are not measured."""


def main() -> int:
    """Print the table or JSON; 1 when a limit is broken."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    asked.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} rows, one round: shows that it runs")
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--rows", type=int, nargs="+", default=[500_000, 5_000_000])
    asked.add_argument("--rounds", type=int, default=2)
    asked.add_argument("--no-loop", action="store_true", help="ingest only")
    asked.add_argument("--work", help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.work:
        print(json.dumps(asdict(_work(given.work))))
        return 0
    sizes, rounds = ([QUICK_ROWS], 1) if given.quick else (given.rows, given.rounds)
    lines = [_measure(rows, rounds, loop=not given.no_loop) for rows in sizes]
    kept = not any(_broken(line) for line in lines if not given.quick)
    if given.json:
        limits = {"ratio_max": RATIO_MAX, "memory_mb_max": MEMORY_MB_MAX, "limits_judged": not given.quick}
        body = {"bench": "loop", **limits, "kept": kept, "lines": [asdict(line) for line in lines]}
        print(json.dumps(body, indent=2))
    else:
        _print(lines, judged=not given.quick)
    return 0 if kept else 1


def _broken(line: Line) -> bool:
    return line.ratio > RATIO_MAX or max(line.ingest_peak_mb, line.loop_peak_mb or 0) > MEMORY_MB_MAX


def _measure(rows: int, rounds: int, *, loop: bool) -> Line:
    with tempfile.TemporaryDirectory(prefix="fiscus-bench-") as folder:
        home = Path(folder)
        files = write_bills(home / "bills", rows)
        peers, ingests, agains = [], [], []
        for _ in range(rounds):
            peers.append(_process("peer", home))
            ingests.append(_process("ingest", home))
            agains.append(_process("again", home))
        looped = _process("loop", home) if loop else None
        peer, ingest = min(peers, key=lambda m: m.seconds), min(ingests, key=lambda m: m.seconds)
        assert peer.rows == ingest.rows == rows, "both read every row"
        assert looped is None or looped.rows == rows, "the loop ingested every row"
        return Line(
            rows=rows,
            csv_mb=sum(file.stat().st_size for file in files) // 10**6,
            peer_seconds=round(peer.seconds, 2),
            peer_peak_mb=max(m.peak_mb for m in peers),
            ingest_seconds=round(ingest.seconds, 2),
            ratio=round(ingest.seconds / peer.seconds, 2),
            cpu_ratio=round(min(m.cpu_seconds for m in ingests) / min(m.cpu_seconds for m in peers), 2),
            ingest_rows_per_second=int(rows / ingest.seconds),
            ingest_peak_mb=max(m.peak_mb for m in ingests),
            again_seconds=round(min(m.seconds for m in agains), 2),
            loop_seconds=round(looped.seconds, 2) if looped else None,
            loop_rows_per_second=int(rows / looped.seconds) if looped else None,
            loop_peak_mb=looped.peak_mb if looped else None,
            stages=looped.stages if looped else [],
        )


def _process(work: str, home: Path) -> Measured:
    command = [sys.executable, "-m", "bench.loop", "--work", f"{work}:{home}"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONHASHSEED": "0"}
    )
    if done.returncode:
        raise SystemExit(f"{work} failed:\n{done.stderr[-2000:]}")
    told = json.loads(done.stdout.splitlines()[-1])
    return Measured(**{**told, "stages": [Stage(**stage) for stage in told["stages"]]})


def _work(asked: str) -> Measured:
    name, _, folder = asked.partition(":")
    work = {"peer": _peer, "ingest": _ingest, "again": _again, "loop": _loop}[name]
    return work(Path(folder))


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _since(start: float, cpu: float, rows: int, stages: list[Stage] | None = None) -> Measured:
    return Measured(rows, time.perf_counter() - start, time.process_time() - cpu, _peak_mb(), stages or [])


def _peer(home: Path) -> Measured:
    """DuckDB alone: typed read_csv, tags as a map, one zstd Parquet file."""
    import duckdb

    files = sorted((home / "bills").glob("*.csv"))
    names = files[0].read_text(encoding="utf-8").split("\n", 1)[0].split(",")
    types = ", ".join(f"'{name}': '{_peer_type(name)}'" for name in names)
    paths = ", ".join(f"'{file}'" for file in files)
    reader = (
        f"read_csv([{paths}], columns={{{types}}}, header=true, delim=',', quote='\"', escape='\"', auto_detect=false)"
    )
    db = duckdb.connect()
    db.execute("SET TimeZone='UTC'; SET preserve_insertion_order=false; SET enable_progress_bar=false")
    start, cpu = time.perf_counter(), time.process_time()
    mapped = "SELECT * REPLACE (CAST(CAST(Tags AS JSON) AS MAP(VARCHAR, VARCHAR)) AS Tags)"
    wrote = db.execute(
        f"COPY ({mapped} FROM {reader}) TO '{home / 'peer.parquet'}' (FORMAT parquet, COMPRESSION zstd)"
    ).fetchone()
    assert wrote is not None, "COPY tells how many rows it wrote"
    return _since(start, cpu, int(wrote[0]))


def _peer_type(name: str) -> str:
    if name.endswith("Cost"):
        return "DECIMAL(28,12)"
    if name.endswith(("Quantity", "UnitPrice")):
        return "DECIMAL(38,18)"
    return "TIMESTAMP" if name.endswith(("Start", "End")) else "VARCHAR"


def _ingest(home: Path) -> Measured:
    """A whole delivery into an empty lake: state, evidence and commit included."""
    shutil.rmtree(home / "home", ignore_errors=True)
    return _deliver(home)


def _again(home: Path) -> Measured:
    """The same delivery a second time, which changes nothing."""
    return _deliver(home)


def _deliver(home: Path) -> Measured:
    from fiscus.cost.types import IngestOptions, Source
    from fiscus.flows.ingest_bills import ingest_bills
    from fiscus.kernel.progress import Silent

    ws = _workspace(home / "home")
    start, cpu = time.perf_counter(), time.process_time()
    delivery = ingest_bills(ws, Source("aws"), [home / "bills"], IngestOptions(promote=PROMOTED), Silent())
    return _since(start, cpu, delivery.rows)


def _workspace(home: Path):
    from types import SimpleNamespace

    from fiscus.kernel.clock import SteppedClock
    from fiscus.stores.lake import open_lake
    from fiscus.stores.state import open_state

    home.mkdir(parents=True, exist_ok=True)
    clock = SteppedClock(datetime(2026, 1, 15, tzinfo=UTC))
    return SimpleNamespace(
        lake=open_lake(home / "lake", PROMOTED), state=open_state(f"sqlite:///{home / 'state.db'}", clock), clock=clock
    )


def _loop(home: Path) -> Measured:
    """`fiscus run` on a fresh workspace whose inbox holds the bills: everything from ingest to the pack and the mails."""
    from bench.bench_workspace import write_workspace
    from fiscus.app.loop import run_loop
    from fiscus.app.workspace import open_workspace
    from fiscus.connectors.smtp.fakes import LocalMailServer

    with LocalMailServer(home / "mail", port=0) as mail:
        write_workspace(home / "company", home / "bills", _monthly(home), mail.port)
        stages = Stages()
        start, cpu = time.perf_counter(), time.process_time()
        summary = run_loop(open_workspace(home / "company"), stages)
        stages.stage("")
        assert summary.notices_sent == len(mail.messages), "every notice that counts as sent was received"
        return _since(start, cpu, sum(delivery.rows for delivery in summary.deliveries), stages.done)


def _monthly(home: Path) -> int:
    """A twelfth of what the bills cost, from the peer's file: so that some budgets hold and some do not."""
    import duckdb

    whole = duckdb.connect().execute(f"SELECT sum(EffectiveCost) FROM '{home / 'peer.parquet'}'").fetchone()
    assert whole is not None
    return int(whole[0]) // 12


def _print(lines: list[Line], *, judged: bool) -> None:
    heads = {
        "rows": 10,
        "CSV MB": 7,
        "DuckDB s": 9,
        "ingest s": 9,
        "ratio": 6,
        "CPU": 5,
        "rows/s": 9,
        "peak MB": 8,
        "again s": 8,
        "loop s": 7,
        "rows/s loop": 12,
        "peak MB loop": 13,
    }
    print(" ".join(f"{head:>{width}}" for head, width in heads.items()))
    for n in lines:
        print(
            f"{n.rows:>10,} {n.csv_mb:>7,} {n.peer_seconds:>9.2f} {n.ingest_seconds:>9.2f} {n.ratio:>6.2f} {n.cpu_ratio:>5.2f} "
            f"{n.ingest_rows_per_second:>9,} {n.ingest_peak_mb:>8,} {n.again_seconds:>8.2f} {n.loop_seconds or 0:>7.1f} "
            f"{n.loop_rows_per_second or 0:>12,} {n.loop_peak_mb or 0:>13,}"
        )
        for stage in n.stages:
            print(f"{'':>10} {stage.seconds:>9.2f} s  {stage.peak_mb:>6,} MB  {stage.name}")
    held = "" if judged else " Not judged at this size: a run this small is mostly its fixed cost."
    print(f"Limits: ratio at most {RATIO_MAX}, peak at most {MEMORY_MB_MAX:,} MB.{held}")


if __name__ == "__main__":
    sys.exit(main())
