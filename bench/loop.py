"""Ingest and the whole loop: rows a second, peak memory, and ingest as a ratio to DuckDB doing the bare work.

The peer is DuckDB 2 in the same run, on the same files, with the same threads: a typed `read_csv`, tags made a map, one zstd
Parquet file; it checks nothing, partitions nothing and commits nothing. Its dates are plain timestamps, its fastest way. Each
measurement is a process of its own; peer and ingest alternate and the smallest of each counts.

    python -m bench.loop [--quick] [--json] [--rows 500000 5000000] [--rounds 3]
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
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.focus_files import write_bills

RATIO_MAX = 3.0
MEMORY_MB_MAX = 3_000
PROMOTED = ("team", "environment", "product", "cost-centre")


@dataclass(frozen=True, slots=True)
class Measured:
    """One process: wall seconds of the work without imports, and its peak resident memory."""

    rows: int
    seconds: float
    peak_mb: int


@dataclass(frozen=True, slots=True)
class Line:
    """One size: the peer, ingest, their ratio, and the loop (None where it was not asked for)."""

    rows: int
    csv_mb: int
    peer_seconds: float
    ingest_seconds: float
    ratio: float
    ingest_rows_per_second: int
    ingest_peak_mb: int
    again_seconds: float
    loop_seconds: float | None
    loop_rows_per_second: int | None
    loop_peak_mb: int | None


def main() -> int:
    """Print the table or JSON; 1 when a limit is broken."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    asked.add_argument("--quick", action="store_true", help="100,000 rows, two rounds")
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--rows", type=int, nargs="+", default=[500_000, 5_000_000])
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--no-loop", action="store_true", help="ingest only")
    asked.add_argument("--work", help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.work:
        print(json.dumps(asdict(_work(given.work))))
        return 0
    sizes, rounds = ([100_000], 2) if given.quick else (given.rows, given.rounds)
    lines = [_measure(rows, rounds, loop=not given.no_loop) for rows in sizes]
    broken = [line for line in lines if line.ratio > RATIO_MAX or line.ingest_peak_mb > MEMORY_MB_MAX]
    if given.json:
        limits = {"ratio_max": RATIO_MAX, "memory_mb_max": MEMORY_MB_MAX}
        print(
            json.dumps(
                {"bench": "loop", **limits, "kept": not broken, "lines": [asdict(line) for line in lines]}, indent=2
            )
        )
    else:
        _print(lines)
    return 1 if broken else 0


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
        return Line(
            rows=rows,
            csv_mb=sum(file.stat().st_size for file in files) // 10**6,
            peer_seconds=round(peer.seconds, 2),
            ingest_seconds=round(ingest.seconds, 2),
            ratio=round(ingest.seconds / peer.seconds, 2),
            ingest_rows_per_second=int(rows / ingest.seconds),
            ingest_peak_mb=max(m.peak_mb for m in ingests),
            again_seconds=round(min(m.seconds for m in agains), 2),
            loop_seconds=round(looped.seconds, 2) if looped else None,
            loop_rows_per_second=int(rows / looped.seconds) if looped else None,
            loop_peak_mb=looped.peak_mb if looped else None,
        )


def _process(work: str, home: Path) -> Measured:
    command = [sys.executable, "-m", "bench.loop", "--work", f"{work}:{home}"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONHASHSEED": "0"}
    )
    if done.returncode:
        raise SystemExit(f"{work} failed:\n{done.stderr[-2000:]}")
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def _work(asked: str) -> Measured:
    name, _, folder = asked.partition(":")
    work = {"peer": _peer, "ingest": _ingest, "again": _again, "loop": _loop}[name]
    rows, seconds = work(Path(folder))
    return Measured(rows, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


def _peer(home: Path) -> tuple[int, float]:
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
    start = time.perf_counter()
    mapped = "SELECT * REPLACE (CAST(CAST(Tags AS JSON) AS MAP(VARCHAR, VARCHAR)) AS Tags)"
    wrote = db.execute(
        f"COPY ({mapped} FROM {reader}) TO '{home / 'peer.parquet'}' (FORMAT parquet, COMPRESSION zstd)"
    ).fetchone()
    seconds = time.perf_counter() - start
    assert wrote is not None, "COPY tells how many rows it wrote"
    return int(wrote[0]), seconds


def _peer_type(name: str) -> str:
    if name.endswith("Cost"):
        return "DECIMAL(28,12)"
    if name.endswith(("Quantity", "UnitPrice")):
        return "DECIMAL(38,18)"
    return "TIMESTAMP" if name.endswith(("Start", "End")) else "VARCHAR"


def _ingest(home: Path) -> tuple[int, float]:
    """A whole delivery into an empty lake: state, evidence and commit included."""
    shutil.rmtree(home / "home", ignore_errors=True)
    return _deliver(home)


def _again(home: Path) -> tuple[int, float]:
    """The same delivery a second time, which changes nothing."""
    return _deliver(home)


def _deliver(home: Path) -> tuple[int, float]:
    from fiscus.cost.types import IngestOptions, Source
    from fiscus.flows.ingest_bills import ingest_bills
    from fiscus.kernel.progress import Silent

    ws = _workspace(home / "home")
    start = time.perf_counter()
    delivery = ingest_bills(ws, Source("aws"), [home / "bills"], IngestOptions(promote=PROMOTED), Silent())
    return delivery.rows, time.perf_counter() - start


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


def _loop(home: Path) -> tuple[int, float]:
    """`fiscus run` on a fresh workspace whose inbox holds the bills: everything from ingest to the pack."""
    from fiscus.app.loop import run_loop
    from fiscus.app.workspace import open_workspace
    from fiscus.kernel.progress import Silent

    base = home / "company"
    shutil.rmtree(base, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "fiscus", "init", str(base)], check=True, capture_output=True)
    settings = base / "fiscus.yaml"
    inbox = "sources:\n  - {name: aws, paths: [inbox/aws]}\n"
    kept = [block for block in _blocks(settings.read_text(encoding="utf-8")) if not block.startswith("sources:")]
    settings.write_text("".join(kept) + inbox, encoding="utf-8")
    (base / "inbox").mkdir(exist_ok=True)
    shutil.rmtree(base / "inbox" / "aws", ignore_errors=True)
    (base / "inbox" / "aws").symlink_to(home / "bills", target_is_directory=True)
    start = time.perf_counter()
    ws = open_workspace(base, as_of=datetime(2025, 12, 20, tzinfo=UTC).date())
    done = run_loop(ws, Silent())
    return done.charges_delivered, time.perf_counter() - start


def _blocks(text: str) -> list[str]:
    """The top-level blocks of a YAML file, comments with the block that they precede."""
    blocks: list[str] = [""]
    for line in text.splitlines(keepends=True):
        if line[:1].isalpha():
            blocks.append("")
        blocks[-1] += line
    return blocks


def _print(lines: list[Line]) -> None:
    heads = {
        "rows": 10,
        "CSV MB": 7,
        "DuckDB s": 9,
        "ingest s": 9,
        "ratio": 6,
        "rows/s": 9,
        "peak MB": 8,
        "again s": 8,
        "loop s": 7,
    }
    print(" ".join(f"{head:>{width}}" for head, width in heads.items()))
    for n in lines:
        loop = "-" if n.loop_seconds is None else f"{n.loop_seconds:.1f}"
        print(
            f"{n.rows:>10,} {n.csv_mb:>7,} {n.peer_seconds:>9.2f} {n.ingest_seconds:>9.2f} {n.ratio:>6.2f} "
            f"{n.ingest_rows_per_second:>9,} {n.ingest_peak_mb:>8,} {n.again_seconds:>8.2f} {loop:>7}"
        )
    print(f"Limits: ratio at most {RATIO_MAX}, peak at most {MEMORY_MB_MAX:,} MB.")


if __name__ == "__main__":
    sys.exit(main())
