"""P3: an ingest is all or nothing, again is nothing, and a restatement replaces; whatever dies, fills up or runs beside it."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from tests.bills import deliver, write_csv
from tests.fixtures.company import Settings, open_company
from tests.promises.killed_ingests import FAIL_POINTS, Ingest, start
from tests.promises.report import promise

from fiscus.flows.workspace import Workspace
from fiscus.kernel.errors import FiscusError

MONTHS: Final = ("2026-09", "2026-10")
ROWS: Final = 400
RANDOM_KILLS: Final = 100
STANDS: Final = """
SELECT x_BillingMonth, sum(BilledCost) AS cost, count(*) AS charges, count(DISTINCT ResourceId) AS things
FROM charges GROUP BY ALL"""


@pytest.mark.slow
def test_p3_killed_at_any_moment_all_months_are_old_or_all_are_new(tmp_path: Path) -> None:
    ws = _company(tmp_path / "home")
    with promise("P3.kill -9", trials=len(FAIL_POINTS) + RANDOM_KILLS) as row:
        rng = Random(row.seed)
        deliver(ws, _bill(tmp_path / "first.csv", 1))
        lasts = _whole_run(ws, tmp_path)
        wholes = 0
        for number in range(row.trials):
            point = number if number < len(FAIL_POINTS) else None
            named = FAIL_POINTS[point].title if point is not None else "any time"
            old, cost = _standing(ws), number + 3
            bill = _bill(tmp_path / "bill.csv", cost)
            process = start(Ingest(tmp_path / "home", bill, point))
            process.join(30 if point is not None else rng.uniform(0, lasts))
            process.kill()
            process.join()
            row.faults += process.exitcode != 0
            if point is not None and process.exitcode == 0:
                row.violated(f"{named}: the process lived on")
            _check(row, ws, bill, old, cost, f"{named}, trial {number}")
            wholes += process.exitcode == 0
        row.note = (
            f"{len(FAIL_POINTS)} named points, the rest within {lasts:.2f} s of the start; {wholes} had ended before"
        )


@pytest.mark.slow
def test_p3_two_ingestors_of_one_file_leave_it_once(tmp_path: Path) -> None:
    ws = _company(tmp_path / "home")
    deliver(ws, _bill(tmp_path / "first.csv", 1))
    with promise("P3.two at once", trials=10) as row:
        for number in range(row.trials):
            cost = number + 2
            bill = _bill(tmp_path / "bill.csv", cost)
            both = [start(Ingest(tmp_path / "home", bill)) for _ in range(2)]
            for process in both:
                process.join()
            row.faults += 1
            if codes := [process.exitcode for process in both if process.exitcode]:
                row.violated(f"trial {number}: an ingestor ended with {codes}")
            if _standing(ws) != _of(cost):
                row.violated(f"trial {number}: {_standing(ws)} after {cost}")
            with ws.state.read() as tx:
                if len(tx.deliveries.all()) != number + 2:
                    row.violated(f"trial {number}: {len(tx.deliveries.all())} deliveries are recorded")


@pytest.mark.slow
def test_p3_a_full_disk_is_told_and_changes_nothing(tmp_path: Path) -> None:
    with promise("P3.disk full", trials=10) as row, _small_disk(tmp_path, row) as disk:
        ws = _company(disk / "home")
        deliver(ws, _bill(tmp_path / "first.csv", 1, rows=50))
        for number in range(row.trials):
            old = _standing(ws)
            bill = _bill(tmp_path / "bill.csv", number + 2, rows=3_000)
            try:
                with _nearly_full(disk, (number * 2 + 1) * 4096):
                    deliver(ws, bill, restate=True)
            except (FiscusError, OSError) as told:
                row.faults += 1
                if isinstance(told, OSError) or told.code != "unavailable":
                    row.violated(f"trial {number}: said {type(told).__name__} {told}")
            if _standing(ws) not in (old, _of(number + 2, 3_000)):
                row.violated(f"trial {number}: {_standing(ws)} after {old}")
            deliver(ws, bill, restate=True)
            if _standing(ws) != _of(number + 2, 3_000):
                row.violated(f"trial {number}: the next run did not heal it")


def _check(row: Any, ws: Workspace, bill: Path, old: object, cost: int, named: str) -> None:
    """Old or new as a whole; the same call heals; a second one adds nothing; nothing of the killed one is left."""
    new = _of(cost)
    if (stands := _standing(ws)) not in (old, new):
        row.violated(f"{named}: {stands} is neither {old} nor {new}")
    healed = deliver(ws, bill, restate=True)
    version = ws.lake.refresh()
    again = deliver(ws, bill, restate=True)
    if _standing(ws) != new or again.changed or ws.lake.refresh() != version:
        row.violated(f"{named}: after healing {_standing(ws)}, again changed {again.changed}")
    with ws.state.read() as tx:
        if [one.id for one in tx.deliveries.all()].count(healed.id) != 1:
            row.violated(f"{named}: the delivery is not recorded once")
    if list((ws.home / "lake" / "_staging").glob("*/*")):
        row.violated(f"{named}: scratch of the killed process is left")


def _whole_run(ws: Workspace, tmp_path: Path) -> float:
    """Seconds that an ingest takes in a process of its own, when it is warm."""
    for cost in (1, 2):
        begun = time.perf_counter()
        start(Ingest(ws.home, _bill(tmp_path / "bill.csv", cost))).join()
        lasts = time.perf_counter() - begun
    return lasts


def _standing(ws: Workspace) -> dict[str, tuple[Decimal, int, int]]:
    ws.lake.refresh()
    rows: Any = ws.lake.query(STANDS).rows
    return {month: (cost, charges, things) for month, cost, charges, things in rows}


def _of(cost: int, rows: int = ROWS) -> dict[str, tuple[Decimal, int, int]]:
    return {month: (Decimal(cost) * rows / 2, rows // 2, rows // 2) for month in MONTHS}


def _bill(path: Path, cost: int, rows: int = ROWS) -> Path:
    september = {"BillingPeriodStart": "2026-09-01T00:00:00Z", "BillingPeriodEnd": "2026-10-01T00:00:00Z"}
    return write_csv(
        path,
        [{"BilledCost": str(cost), "ResourceId": f"i-{n}", **(september if n % 2 else {})} for n in range(rows)],
    )


def _company(home: Path) -> Workspace:
    home.mkdir()
    return open_company(home, Settings())


@contextmanager
def _small_disk(tmp_path: Path, row: Any) -> Iterator[Path]:
    """A disk of eight megabytes; where none may be mounted, a folder, and files may not grow beyond what would be left."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = [shutil.which("mount") or "mount", "-t", "tmpfs", "-o", "size=8m", "none", str(disk)]
    try:
        mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        mounted = False
    row.note = "a tmpfs of 8 MB" if mounted else "no disk may be mounted here: a limit on the size of files"
    try:
        yield disk
    finally:
        if mounted:
            subprocess.run([shutil.which("umount") or "umount", "-l", str(disk)], check=True)


@contextmanager
def _nearly_full(disk: Path, left: int) -> Iterator[None]:
    """`left` bytes can be written, and no more."""
    if not os.path.ismount(disk):
        before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (left, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, handler)
        return
    free = os.statvfs(disk)
    ballast = disk / "ballast"
    ballast.write_bytes(b"\0" * max(0, free.f_bavail * free.f_frsize - left))
    try:
        yield
    finally:
        ballast.unlink()
