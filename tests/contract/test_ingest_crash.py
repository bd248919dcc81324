"""Killed, run twice at once or out of disk: each month is the old one or the new one, and the next run heals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from tests.bills import deliver, write_csv
from tests.fixtures.company import Settings, open_company
from tests.fixtures.lake_machines import what_a_killed_delivery_left_is_swept

from fiscus.flows.workspace import Workspace
from fiscus.stores.lake.delivery_staging import DeliveryStaging
from fiscus.stores.lake.delta_lake import DeltaLake

CODE = """
import resource, sys
from datetime import date
from pathlib import Path
from fiscus.app.workspace import open_workspace
from fiscus.cost.types import IngestOptions, Source
from fiscus.flows.ingest_bills import ingest_bills
from fiscus.kernel.errors import FiscusError
from fiscus.kernel.progress import Silent
home, bill, bytes_max = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
ws = open_workspace(home, date(2026, 11, 20))
if bytes_max:
    import signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, bytes_max))
print("ready", flush=True)
try:
    print(ingest_bills(ws, Source("bills"), [bill], IngestOptions(promote=("team",), restate=True), Silent()).changed)
except FiscusError as refused:
    print(refused.code, str(refused))
"""
MONTHS = ("2026-09", "2026-10")


def _bill(path: Path, cost: str, rows: int) -> Path:
    september = {"BillingPeriodStart": "2026-09-01T00:00:00Z", "BillingPeriodEnd": "2026-10-01T00:00:00Z"}
    return write_csv(
        path, [{"BilledCost": cost, "ResourceId": f"i-{n}", **(september if n % 2 else {})} for n in range(rows)]
    )


def _start(home: Path, bill: Path, bytes_max: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CODE, str(home), str(bill), str(bytes_max)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(os.environ))


def _months(ws) -> dict[str, Decimal]:
    ws.lake.refresh()
    return dict(ws.lake.query("SELECT x_BillingMonth, sum(BilledCost) FROM charges GROUP BY ALL").rows)


def _deliveries(ws) -> list[str]:
    with ws.state.begin() as tx:
        return sorted(delivery.id for delivery in tx.deliveries.all())


@pytest.mark.thorough
def test_killed_at_any_moment_all_months_are_old_or_all_are_new_and_the_next_run_heals(ws, tmp_path: Path) -> None:
    deliver(ws, _bill(tmp_path / "first.csv", "1", 2_000))
    old, number = _months(ws), 0
    for number, wait in enumerate([0.0, 0.05, 0.15, 0.3]):
        cost = Decimal(number + 2)
        bill = _bill(tmp_path / f"bill{number}.csv", str(cost), 2_000)
        process = _start(ws.home, bill)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
        new = dict.fromkeys(MONTHS, cost * 1000)
        assert _months(ws) in (old, new)
        healed = deliver(ws, bill, restate=True)
        assert _months(ws) == new
        assert healed.id in _deliveries(ws)
        old = new
    assert len(_deliveries(ws)) == number + 2
    assert not list((ws.home / ".fiscus" / "lake" / "_staging").glob("*/*.parquet")), "scratch of the killed is swept"


def test_a_crash_between_the_lakes_commit_and_the_record_is_healed_by_the_same_call(
    ws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = DeliveryStaging.commit

    def dying(*given):
        commit(*given)
        raise KeyboardInterrupt

    bill = _bill(tmp_path / "a.csv", "3", 10)
    monkeypatch.setattr(DeliveryStaging, "commit", dying)
    with pytest.raises(KeyboardInterrupt):
        deliver(ws, bill)
    assert _deliveries(ws) == []
    monkeypatch.setattr(DeliveryStaging, "commit", commit)
    version = ws.lake.refresh()
    healed = deliver(ws, bill)
    assert (healed.changed, _deliveries(ws), ws.lake.version()) == (False, [healed.id], version)
    assert _months(ws) == {month: Decimal(15) for month in MONTHS}


@pytest.mark.thorough
def test_two_deliveries_of_a_source_at_once_leave_one_of_them_whole(ws, tmp_path: Path) -> None:
    bills = [_bill(tmp_path / f"{cost}.csv", cost, 500) for cost in ("2", "5")]
    both = [_start(ws.home, bill) for bill in bills]
    said = [process.communicate(timeout=60)[0].split() for process in both]
    assert said == [["ready", "True"], ["ready", "True"]]
    assert _months(ws) in ({month: Decimal(500) for month in MONTHS}, {month: Decimal(1_250) for month in MONTHS})
    assert len(_deliveries(ws)) == 2


@pytest.mark.thorough
def test_a_full_disk_is_told_as_such_and_the_lake_is_as_it_was(ws, tmp_path: Path) -> None:
    deliver(ws, _bill(tmp_path / "first.csv", "1", 10))
    before = _months(ws)
    bill = _bill(tmp_path / "second.csv", "2", 3_000)
    for bytes_max in (1_000, 6_000, 20_000):
        said = _start(ws.home, bill, bytes_max).communicate(timeout=60)[0]
        assert "unavailable The lake cannot be written" in said, said
        assert _months(ws) == before
    assert deliver(ws, bill).changed


def test_what_a_killed_delivery_left_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def machine(name: str) -> Workspace:
        home = tmp_path / name
        home.mkdir()
        return replace(open_company(home, Settings()), lake=DeltaLake(tmp_path / "lake", ("team",)))

    def stored() -> list[str]:
        return [str(path) for path in (tmp_path / "lake").rglob("*") if path.is_file()]

    what_a_killed_delivery_left_is_swept(machine, tmp_path, stored, monkeypatch)
