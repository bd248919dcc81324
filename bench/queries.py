"""The dashboard's queries on ten million charges, each held against the same question as a person would write it for DuckDB.

Ours are the very texts that the pages and reports ask, taken down while they are built, and asked again of the lake: promoted
tags, owners and all. The peer is SQL by hand (queries_by_hand.sql) over the same Parquet files, in the same process, with the
same engine, threads and settings, joining owners itself where the question needs them. The two alternate and the smallest of
each counts (of a short question, of more rounds); both must come to the same money. The ratio is of wall seconds; that of
processor seconds beside it says how much of it is a busy machine.

    python -m bench.queries [--quick] [--json] [--rows 10000000] [--rounds 9] [--home FOLDER]
"""

# ruff: noqa: PLC0415 - imports stay inside the work, so that --help loads no engine
from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

RATIO_MAX = 1.2
QUICK_ROWS = 1_000_000
SECONDS_MIN = (
    1.5  # a short question is asked more often: nine times of a twentieth of a second are one bad moment of a machine
)
ROUNDS_MAX = 40
Taken = tuple[str, str, Mapping[str, Any]]  # how the lake was asked, the SQL, and what its names are


@dataclass(frozen=True, slots=True)
class Line:
    """One question: the smallest seconds of each side, and how many queries ours are. `cpu_ratio`: of processor seconds."""

    name: str
    queries: int
    ours_seconds: float
    hand_seconds: float
    ratio: float
    cpu_ratio: float


def main() -> int:
    """Print a line a question; 1 when one is slower than its limit."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} rows: shows that it runs")
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--rows", type=int, default=10_000_000)
    asked.add_argument("--rounds", type=int, default=9)
    asked.add_argument("--home", type=Path, help="keep the company there, and use it again when it stands there")
    given = asked.parse_args()
    rows = QUICK_ROWS if given.quick else given.rows
    with tempfile.TemporaryDirectory(prefix="fiscus-bench-") as folder:
        home = given.home or Path(folder) / "company"
        if not (home / "fiscus.yaml").is_file():
            build = [sys.executable, "-m", "bench.policies", "--work", f"build:{rows}:{home}"]
            subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
        lines = _measured(home, given.rounds)
    kept = given.quick or all(line.ratio <= RATIO_MAX for line in lines)
    if given.json:
        limits = {"ratio_max": RATIO_MAX, "limits_judged": not given.quick}
        body = {"bench": "queries", "rows": rows, **limits, "kept": kept, "lines": [asdict(line) for line in lines]}
        print(json.dumps(body, indent=2))
    else:
        _print(rows, lines, judged=not given.quick)
    return 0 if kept else 1


def questions() -> dict[str, Callable[[Any], object]]:
    """What the pages and the reports ask most, by the names that it has in queries_by_hand.sql."""
    from fiscus.flows.run_report import run_report
    from fiscus.flows.show_owners import show_owners
    from fiscus.flows.show_spend import show_spend, show_spend_rows
    from fiscus.flows.show_trust import data_trust
    from fiscus.flows.spend_dimensions import SpendAsked
    from fiscus.kernel.periods import Month

    months = {"from_month": Month(2026, 7), "to_month": Month(2026, 12)}
    billing = {"first": "2026-07", "last": "2026-12"}
    by_team = SpendAsked("team", "month", **months)
    by_tag = SpendAsked("tag:cost-centre", "month", **months)
    narrowed = SpendAsked("service", "day", filters=(("team", "team-7"), ("environment", "prod")))
    half_year, november = {"since": "2026-07-01", "until": "2026-12-29"}, {"first": "2026-11", "last": "2026-11"}
    return {
        "head of every page": data_trust,
        "spend of the month by service category and day, and the month before": lambda ws: show_spend(ws, SpendAsked()),
        "six months by team and month": lambda ws: show_spend(ws, by_team),
        "six months by a promoted tag and month": lambda ws: show_spend(ws, by_tag),
        "one team's production by service and day, and the month before": lambda ws: show_spend(ws, narrowed),
        "the charges behind a number": lambda ws: show_spend_rows(ws, narrowed),
        "owners of the month": show_owners,
        "report: cost by service": lambda ws: run_report(ws, "costs-service-name", billing),
        "report: spend by owner": lambda ws: run_report(ws, "spend-by-owner", billing),
        "report: the dearest resources of a month": lambda ws: run_report(ws, "top-resources", november),
        "report: spend day by day": lambda ws: run_report(ws, "daily-spend", half_year),
    }


def by_hand() -> dict[str, list[str]]:
    """Question -> its queries as a person writes them."""
    text = Path(__file__).with_name("queries_by_hand.sql").read_text(encoding="utf-8")
    found = {}
    for part in text.split("-- # ")[1:]:
        name, _, queries = part.partition("\n")
        found[name.strip()] = [query.strip() for query in queries.split(";") if query.strip()]
    return found


def _measured(home: Path, rounds: int) -> list[Line]:
    from fiscus.app.workspace import open_workspace

    ws, asked, texts = open_workspace(home), questions(), by_hand()
    assert list(asked) == list(texts), "each question is asked both ways"
    hand, names = _hand(home)
    head = _taken_down(ws, next(iter(asked.values())), ())
    lines = []
    for name, shows in asked.items():
        ours = head if not lines else _taken_down(ws, shows, head)
        lines.append(_line(name, (ws.lake, ours), (hand, [text.format(**names) for text in texts[name]]), rounds))
    return lines


def _line(name: str, ours: tuple[Any, Sequence[Taken]], hand: tuple[Any, Sequence[str]], rounds: int) -> Line:
    mine, theirs = [], []
    while len(mine) < rounds or (len(mine) < ROUNDS_MAX and sum(wall for wall, _ in mine) < SECONDS_MIN):
        ours[0].forget_answers()
        took, answers = _timed(lambda: [getattr(ours[0], way)(sql, params).rows for way, sql, params in ours[1]])
        mine.append(took)
        took, told = _timed(lambda: [hand[0].execute(text).fetchall() for text in hand[1]])
        theirs.append(took)
    for one, other in zip(answers, told, strict=True):
        assert _most(one) == _most(other), f"{name}: {_most(one)} and {_most(other)}"
    (wall, cpu), (hand_wall, hand_cpu) = (map(min, zip(*times, strict=True)) for times in (mine, theirs))
    ratios = round(wall / hand_wall, 2), round(cpu / hand_cpu, 2)
    return Line(name, len(ours[1]), round(wall, 4), round(hand_wall, 4), *ratios)


def _timed(work: Callable[[], Any]) -> tuple[tuple[float, float], Any]:
    """Wall and processor seconds, and what the work gave."""
    start, cpu = time.perf_counter(), time.process_time()
    gave = work()
    return (time.perf_counter() - start, time.process_time() - cpu), gave


def _taken_down(ws: Any, shows: Callable[[Any], object], head: Sequence[Taken]) -> list[Taken]:
    """What showing it asks of the lake, without the head that every page has."""
    noting = Noting(ws.lake)
    shows(replace(ws, lake=noting))
    return [one for one in noting.taken if one not in head]


class Noting:
    """A lake that answers as it always does, and keeps what it was asked."""

    def __init__(self, lake: Any) -> None:
        self._lake = lake
        self.taken: list[Taken] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lake, name)

    def query(self, sql: str, params: Mapping[str, Any] | None = None) -> Any:
        """Our own SQL."""
        self.taken.append(("query", sql, params or {}))
        return self._lake.query(sql, params)

    def ask(self, sql: str, params: Mapping[str, Any] | None = None, **more: Any) -> Any:
        """SQL of reports, in its jail."""
        self.taken.append(("ask", sql, params or {}))
        return self._lake.ask(sql, params, **more)

    def freshness(self) -> Any:
        """The lake's own question."""
        from fiscus.stores.lake.delta_lake import FRESHNESS

        self.taken.append(("query", FRESHNESS, {}))
        return self._lake.freshness()


def _hand(home: Path) -> tuple[Any, Mapping[str, str]]:
    """A connection as ours is, and what stands for the names in the SQL by hand."""
    import duckdb
    from deltalake import DeltaTable

    def read(table: str) -> str:
        files = ", ".join(f"'{uri}'" for uri in DeltaTable(str(home / ".fiscus" / "lake" / table)).file_uris())
        return f"read_parquet([{files}], hive_partitioning={table == 'charges'}, hive_types_autocast=false)"

    db = duckdb.connect()
    db.execute("SET TimeZone='UTC'; SET enable_progress_bar=false; SET preserve_insertion_order=false")
    db.execute("SET parquet_metadata_cache=true")
    spans = {
        "half_year": ("07-01 00:00:00", "12-29 00:00:00"),
        "november": ("11-01 00:00:00", "11-29 00:00:00"),
        "december": ("12-01 00:00:00", "12-29 00:00:00"),
    }
    days = {
        name: f"ChargePeriodStart >= TIMESTAMPTZ '2026-{first}Z' AND ChargePeriodStart < TIMESTAMPTZ '2026-{until}Z'"
        for name, (first, until) in spans.items()
    }
    owned = f"{read('charges')} c JOIN {read('assignments')} a ON a.x_AssignmentKey = c.x_AssignmentKey"
    return db, {
        **days,
        "charges": read("charges"),
        "owned": owned,
        "team": "x_Team = 'team-7' AND x_Environment = 'prod'",
    }


def _most(rows: Sequence[Sequence[Any]]) -> Decimal:
    """The largest sum of a column of decimals: the money that an answer comes to, however it is put."""
    sums = [
        sum((value for value in column if value is not None), Decimal(0))
        for column in zip(*rows, strict=True)
        if any(isinstance(value, Decimal) for value in column)
    ]
    return max(sums, default=Decimal(0))


def _print(rows: int, lines: Sequence[Line], *, judged: bool) -> None:
    print(f"{rows:,} charges")
    for line in lines:
        over = "   LIMIT BROKEN" if judged and line.ratio > RATIO_MAX else ""
        print(
            f"  {line.name:<70} {line.ours_seconds:8.3f} s  by hand {line.hand_seconds:8.3f} s  ratio {line.ratio:5.2f}"
            f" ({line.cpu_ratio:.2f} by processor), {line.queries} queries{over}"
        )
    held = "" if judged else " Not judged at this size: a run this small is mostly its fixed cost."
    print(f"Limit: ratio at most {RATIO_MAX}.{held}")


if __name__ == "__main__":
    raise SystemExit(main())
