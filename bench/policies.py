"""200 policies and 2,000 budgets over ten million charges in one pass, held against the same 200 predicates written by hand.

The peer is one `SELECT count_if(...), count_if(...), ...` over the view `charges`, in the same run, on the same lake files,
with the same engine and threads: the conditions as a person would write them, comparing decimals as they stand. It counts; ours
gathers what matches by who answers for it, with money, days and resources, and keeps apart what has no answer: the query that
`fiscus run` asks. Beside both stands a scan that only decodes the same columns (`bit_xor(hash(...))`).

Each measurement is a process of its own. The three alternate, and the smallest of each counts. What ours says is checked against
the peer's counts, policy by policy.

    python -m bench.policies [--quick] [--json] [--rows 10000000] [--rounds 3] [--home FOLDER]
"""

# ruff: noqa: PLC0415 - imports stay inside the work, so that one process's peak memory is of that work alone
from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

POLICIES = 200
BUDGETS = 2_000
RATIO_MAX = 0.5
MEMORY_MB_MAX = 3_000
QUICK_ROWS = 200_000


@dataclass(frozen=True, slots=True)
class Measured:
    """One process: wall and processor seconds of the work without imports, its peak resident memory, and what it found."""

    seconds: float
    cpu_seconds: float
    peak_mb: int
    found: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """The whole answer. Ratios are of wall seconds; those of processor seconds beside them tell how busy the machine was."""

    rows: int
    policies: int
    budgets: int
    peer_seconds: float
    ours_seconds: float
    scan_seconds: float
    ratio: float
    cpu_ratio: float
    ratio_to_scan: float
    ours_peak_mb: int
    peer_peak_mb: int
    matched: int
    budgets_seconds: float
    budgets_query_seconds: float
    budgets_peak_mb: int


def main() -> int:
    """Print the line or JSON; 1 when a limit is broken."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    asked.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} rows, one round: shows that it runs")
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--rows", type=int, default=10_000_000)
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--home", type=Path, help="keep the company there, and use it again when it stands there")
    asked.add_argument("--work", help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.work:
        print(json.dumps(asdict(_work(given.work)), default=str))
        return 0
    rows, rounds = (QUICK_ROWS, 1) if given.quick else (given.rows, given.rounds)
    with tempfile.TemporaryDirectory(prefix="fiscus-bench-") as folder:
        line = _measure(given.home or Path(folder) / "company", rows, rounds)
    kept = given.quick or not _broken(line)
    if given.json:
        limits = {"ratio_max": RATIO_MAX, "memory_mb_max": MEMORY_MB_MAX, "limits_judged": not given.quick}
        print(json.dumps({"bench": "policies", **limits, "kept": kept, **asdict(line)}, indent=2))
    else:
        _print(line, judged=not given.quick)
    return 0 if kept else 1


def _broken(line: Line) -> bool:
    return line.ratio > RATIO_MAX or max(line.ours_peak_mb, line.budgets_peak_mb) > MEMORY_MB_MAX


def _measure(home: Path, rows: int, rounds: int) -> Line:
    if not (home / "fiscus.yaml").is_file():
        _process("build", home, rows)
    peers, ours, scans, budgets = [], [], [], []
    for _ in range(rounds):
        peers.append(_process("peer", home, rows))
        ours.append(_process("ours", home, rows))
        scans.append(_process("scan", home, rows))
        budgets.append(_process("budgets", home, rows))
    assert peers[0].found["rows"] == rows, "every charge of the lake is in the window of every policy"
    assert ours[0].found["matched"] == peers[0].found["matched"], "both count the same charges, policy by policy"
    peer, mine, scan, budget = (min(many, key=lambda m: m.seconds) for many in (peers, ours, scans, budgets))
    return Line(
        rows=rows,
        policies=len(mine.found["matched"]),
        budgets=budget.found["budgets"],
        peer_seconds=round(peer.seconds, 2),
        ours_seconds=round(mine.seconds, 2),
        scan_seconds=round(scan.seconds, 2),
        ratio=round(mine.seconds / peer.seconds, 2),
        cpu_ratio=round(min(m.cpu_seconds for m in ours) / min(m.cpu_seconds for m in peers), 2),
        ratio_to_scan=round(mine.seconds / scan.seconds, 1),
        ours_peak_mb=max(m.peak_mb for m in ours),
        peer_peak_mb=max(m.peak_mb for m in peers),
        matched=sum(mine.found["matched"]),
        budgets_seconds=round(budget.seconds, 2),
        budgets_query_seconds=budget.found["query_seconds"],
        budgets_peak_mb=max(m.peak_mb for m in budgets),
    )


def _process(work: str, home: Path, rows: int) -> Measured:
    command = [sys.executable, "-m", "bench.policies", "--work", f"{work}:{rows}:{home}"]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{work} failed:\n{done.stderr[-2000:]}")
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def _work(asked: str) -> Measured:
    name, rows, folder = asked.split(":", 2)
    work = {"build": _build, "peer": _peer, "ours": _ours, "scan": _scan, "budgets": _budgets}[name]
    return work(Path(folder), int(rows))


def _since(start: float, cpu: float, found: Mapping[str, Any] | None = None) -> Measured:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return Measured(round(time.perf_counter() - start, 3), round(time.process_time() - cpu, 3), peak, found or {})


def _build(home: Path, rows: int) -> Measured:
    """The company's workspace with its bills ingested and its owners assigned."""
    from bench.policy_company import write_company
    from fiscus.app.workspace import open_workspace
    from fiscus.cost.types import IngestOptions
    from fiscus.flows.assign_owners import assign_owners
    from fiscus.flows.ingest_bills import ingest_bills
    from fiscus.kernel.progress import Silent

    start, cpu = time.perf_counter(), time.process_time()
    write_company(home, rows, POLICIES, BUDGETS)
    ws = open_workspace(home)
    bills = ws.config.sources["bills"]
    paths = [home / path for path in bills.paths]
    ingest_bills(ws, bills.source, paths, IngestOptions(promote=ws.config.promoted_tags), Silent())
    assign_owners(ws)
    return _since(start, cpu)


def _window() -> str:
    from datetime import UTC, date, datetime, timedelta

    from bench.policy_company import AS_OF, WINDOW_DAYS

    until = datetime.combine(date.fromisoformat(AS_OF), datetime.min.time(), UTC)
    since = until - timedelta(days=WINDOW_DAYS)
    return f"ChargePeriodStart < '{until}'::TIMESTAMPTZ AND ChargePeriodStart >= '{since}'::TIMESTAMPTZ"


def _peer(home: Path, _: int) -> Measured:
    """The predicates by hand, one COUNT_IF each."""
    from bench.policy_company import written_policies
    from fiscus.app.workspace import open_workspace

    ws = open_workspace(home)
    counts = ", ".join(f"count_if({by_hand})" for _, by_hand in written_policies(POLICIES))
    start, cpu = time.perf_counter(), time.process_time()
    ((rows, *matched),) = ws.lake.query(f"SELECT count(*), {counts} FROM charges WHERE {_window()}").rows
    return _since(start, cpu, {"rows": rows, "matched": matched})


def _ours(home: Path, _: int) -> Measured:
    """What `fiscus run` asks of the charges, as it asks it: bounded, over the lake's files alone."""
    from bench.policy_company import policy_ids
    from fiscus.app.workspace import open_workspace
    from fiscus.guardrails.findings.find_charges import rows_by_place
    from fiscus.guardrails.findings.one_pass import one_pass_query

    ws = open_workspace(home)
    policies = ws.config.policies.in_force("charge", ws.as_of)
    start, cpu = time.perf_counter(), time.process_time()
    query = one_pass_query(policies, ws.as_of, ws.config.promoted_tags)
    parts = rows_by_place(ws.lake.ask(query.sql, query.params), len(policies))
    measured = _since(start, cpu)
    by_policy = {
        compiled.policy.id: sum(int(str(row[part.columns.index("charges")])) for row in part.rows if not row[0])
        for compiled, part in zip(policies, parts, strict=True)
    }
    matched = [by_policy[policy_id] for policy_id in policy_ids(POLICIES)]
    return Measured(measured.seconds, measured.cpu_seconds, measured.peak_mb, {"matched": matched})


def _scan(home: Path, _: int) -> Measured:
    """Decoding the columns that the predicates read, and nothing else."""
    from bench.policy_company import COLUMNS_READ
    from fiscus.app.workspace import open_workspace

    ws = open_workspace(home)
    start, cpu = time.perf_counter(), time.process_time()
    ws.lake.query(f"SELECT bit_xor(hash({', '.join(COLUMNS_READ)})) FROM charges WHERE {_window()}")
    return _since(start, cpu)


def _budgets(home: Path, _: int) -> Measured:
    """Where every budget stands: the query, its answer as days, forecasts, burn rates, carried money."""
    from fiscus.app.workspace import open_workspace
    from fiscus.guardrails.budgets.budget_series import budget_days, budget_days_query, open_book
    from fiscus.guardrails.budgets.budget_status import budget_statuses

    ws = open_workspace(home)
    start, cpu = time.perf_counter(), time.process_time()
    book = open_book(ws.config.budgets, ws.config.company.calendar, ws.as_of)
    query = budget_days_query(book, ws.config.promoted_tags)
    rows = ws.lake.query(query.sql, query.params)
    asked = time.perf_counter() - start
    statuses = budget_statuses(book, budget_days(rows, book), "bench")
    return _since(start, cpu, {"budgets": len(statuses), "query_seconds": round(asked, 2)})


def _print(line: Line, *, judged: bool) -> None:
    print(f"{line.rows:,} charges, {line.policies} policies, {line.budgets:,} budgets; {line.matched:,} matches")
    print(f"  by hand, one COUNT_IF a policy   {line.peer_seconds:>8.2f} s   {line.peer_peak_mb:>6,} MB")
    print(f"  fiscus, one pass                 {line.ours_seconds:>8.2f} s   {line.ours_peak_mb:>6,} MB")
    print(f"  ratio to by hand                 {line.ratio:>8.2f}     (processor seconds {line.cpu_ratio:.2f})")
    print(f"  ratio to a decoding scan         {line.ratio_to_scan:>8.1f}     ({line.scan_seconds:.2f} s)")
    query = f"of it the query {line.budgets_query_seconds:.2f} s"
    print(
        f"  budgets, all of it               {line.budgets_seconds:>8.2f} s   {line.budgets_peak_mb:>6,} MB   {query}"
    )
    held = "" if judged else " Not judged at this size: a run this small is mostly its fixed cost."
    print(f"Limits: ratio at most {RATIO_MAX}, peak at most {MEMORY_MB_MAX:,} MB.{held}")


if __name__ == "__main__":
    sys.exit(main())
