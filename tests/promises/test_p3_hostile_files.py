"""P3: a hostile file is refused whole, within two seconds and 512 MB, and the lake is as it was."""

from __future__ import annotations

import multiprocessing
import resource
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import pytest
from tests.bills import deliver, write_csv
from tests.fixtures.company import Settings, open_company
from tests.fixtures.hostile_files import elsewhere, hostile_files
from tests.promises.killed_ingests import PRELOADED
from tests.promises.report import promise

from fiscus.cost.types import IngestOptions, Source
from fiscus.flows.ingest_bills import ingest_bills
from fiscus.kernel.errors import BadInput, FiscusError
from fiscus.kernel.progress import Silent

SECONDS_MAX: Final = 2.0
MEMORY_MB_MAX: Final = 512


@pytest.mark.slow
def test_p3_hostile_files_are_refused_at_once(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    ws = open_company(home, Settings())
    deliver(ws, write_csv(tmp_path / "good.csv", [{}]))
    before = ws.lake.refresh()
    files = hostile_files(tmp_path / "hostile")
    with promise("P3.hostile files", trials=len(files)) as row:
        row.trials = len(files)
        slowest, largest = ("", 0.0), ("", 0)
        for title, path in files.items():
            row.faults += 1
            code, said, seconds, memory = _delivered(home, path)
            slowest, largest = max(slowest, (title, seconds), key=_last), max(largest, (title, memory), key=_last)
            if code not in {"bad_input", "limit"}:
                row.violated(f"{title}: {code} {said}")
            if seconds > SECONDS_MAX or memory > MEMORY_MB_MAX:
                row.violated(f"{title}: {seconds:.1f} s and {memory} MB to say {said[:80]}")
            if ws.lake.refresh() != before or list((home / "lake" / "_staging").glob("*/*")):
                row.violated(f"{title}: the lake is not as it was")
        row.note = f"slowest {slowest[1]:.1f} s ({slowest[0]}), largest {largest[1]} MB ({largest[0]})"


def test_names_that_lead_elsewhere_lead_nowhere(tmp_path: Path) -> None:
    home = tmp_path / "deep" / "er" / "home"
    home.mkdir(parents=True)
    ws = open_company(home, Settings())
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    bill = elsewhere(inbox)
    with suppress(BadInput):
        deliver(ws, bill)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep", "inbox"]
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["er"]
    ws.lake.refresh()
    assert {row[0] for row in ws.lake.query("SELECT DISTINCT x_SourceId FROM charges").rows} <= {"bills"}


def _last(pair: tuple[str, float]) -> float:
    return pair[1]


def _delivered(home: Path, path: Path) -> tuple[str, str, float, int]:
    """What a process of its own said of the file: code and message, seconds, and its largest size in MB."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(home, path, theirs))
    process.start()
    theirs.close()
    try:
        answer: tuple[str, str, float, int] = ours.recv() if ours.poll(30) else ("hangs", "", 30.0, 0)
    except EOFError:
        answer = ("died", "", 0.0, 0)
    process.kill()
    process.join()
    return answer


def _work(home: Path, path: Path, told: Connection) -> None:
    ws = open_company(home, Settings())
    begun, code, said = time.process_time(), "accepted", ""
    try:
        ingest_bills(ws, Source("bills"), [path], IngestOptions(restate=True), Silent())
    except FiscusError as refused:
        code, said = refused.code, str(refused)
    except BaseException as broken:  # noqa: BLE001  whatever it is, it is told
        code, said = type(broken).__name__, str(broken)
    seconds = time.process_time() - begun  # of work: what else the machine does is not the file's doing
    told.send((code, said, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024))
