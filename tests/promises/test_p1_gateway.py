"""P1 through the gateway: what the vendor bills never exceeds a hard cap, whatever dies or fails in between."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from tests.fixtures.postgres import PostgresServer, start_postgres
from tests.fixtures.vendor_process import Vendor, running_vendor
from tests.promises.gateway_trial import CAP, Company, Forge, Outcome, Trial, run_trial, write_company
from tests.promises.report import Row, promise
from tests.promises.test_p1_hard_caps import check_books

TRIALS_SQLITE = 10
TRIALS_POSTGRES = 10
TRIALS_OVERBILLED = 5
WEIGHT = 10  # of the ledger's own trials: processes start, and demand goes on until nothing fits
LEASED = 8  # times the cap, with two workers: only then a chunk for many calls is worth drawing


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vendor]:
    with running_vendor(tmp_path_factory.mktemp("vendor")) as running:
        yield running


@pytest.fixture(scope="module")
def company(vendor: Vendor, tmp_path_factory: pytest.TempPathFactory) -> Company:
    return write_company(tmp_path_factory.mktemp("company") / "home", vendor)


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    made = Forge(tmp_path_factory.mktemp("workers") / "log")
    yield made
    made.close()


@dataclass(frozen=True, slots=True)
class Place:
    """What all trials share."""

    company: Company
    vendor: Vendor
    forge: Forge


@pytest.fixture(scope="module")
def place(company: Company, vendor: Vendor, forge: Forge) -> Place:
    return Place(company, vendor, forge)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL that syncs every commit, for this module to kill."""
    with start_postgres(fsync=True) as running:
        yield running


@pytest.mark.slow
def test_p1_gateway_workers_on_sqlite_that_are_killed(tmp_path: Path, place: Place) -> None:
    with promise("P1.Gateway on SQLite", trials=TRIALS_SQLITE, weight=WEIGHT) as row:
        outcomes = []
        for number in range(row.trials):
            trial = _trial(tmp_path / f"t{number}", row.seed + number, number)
            outcomes.append(_tried(row, place, trial))
            check_books(row, f"sqlite:///{trial.folder / '.fiscus' / 'ledger.db'}")
            shutil.rmtree(trial.folder)
        row.note = _told(outcomes)


@pytest.mark.slow
def test_p1_gateway_workers_on_postgresql_that_is_killed_too(
    tmp_path: Path, place: Place, server: PostgresServer
) -> None:
    with promise("P1.Gateway on PostgreSQL", trials=TRIALS_POSTGRES, weight=WEIGHT) as row:
        outcomes = []
        for number in range(row.trials):
            with psycopg.connect(server.url, autocommit=True) as admin:
                admin.execute(f"CREATE DATABASE p1_{number}")
            url = server.url.replace("/postgres?", f"/p1_{number}?")
            crash = server.crash_and_start if number % 5 == 2 else None
            row.faults += crash is not None
            trial = _trial(tmp_path / f"t{number}", row.seed + number, number, url=url, crash=crash)
            outcomes.append(_tried(row, place, trial))
            check_books(row, url)
            shutil.rmtree(trial.folder)
        row.note = _told(outcomes)


@pytest.mark.slow
def test_p1_a_vendor_that_bills_above_the_bound_is_told_apart(tmp_path: Path, place: Place) -> None:
    """No gateway can take back what a vendor bills beyond what it was allowed: it is charged, counted, and stops the key."""
    with promise("P1.Gateway, over-billed", trials=TRIALS_OVERBILLED, weight=WEIGHT) as row:
        outcomes = []
        for number in range(row.trials):
            trial = Trial(
                tmp_path / f"t{number}", row.seed + number, workers=2, kill_seconds=60, seconds=0.6, overbill=True
            )
            outcome = _tried(row, place, trial)
            row.faults += 1
            if outcome.overruns and not outcome.frozen:
                row.violated(f"seed {trial.seed}: billed {outcome.overruns} above its bound, and nothing is frozen")
            outcomes.append(outcome)
            shutil.rmtree(trial.folder)
        above = sum(one.overruns for one in outcomes) / sum(one.cap for one in outcomes)
        row.note = (
            f"{above:.1%} of the caps billed above the bounds of their calls, all of it charged and its key frozen"
        )


def _trial(folder: Path, seed: int, number: int, **more: object) -> Trial:
    """Every third one has two workers that live long enough to draw leases."""
    if number % 3 == 1:
        return Trial(folder, seed, workers=2, kill_seconds=0.4, seconds=2.0, cap=CAP * LEASED, **more)  # type: ignore[arg-type]
    return Trial(folder, seed, workers=4 + number % 3, **more)  # type: ignore[arg-type]  # fields by name


def _tried(row: Row, place: Place, trial: Trial) -> Outcome:
    outcome = run_trial(place.company, place.vendor, place.forge, trial)
    row.faults += outcome.kills
    for fault in outcome.faults:
        row.violated(f"seed {trial.seed}: {fault}")
    return outcome


def _told(outcomes: Sequence[Outcome]) -> str:
    caps = sum(one.cap for one in outcomes)
    billed, held = sum(one.billed for one in outcomes) / caps, sum(one.held for one in outcomes) / caps
    calls, kills = sum(one.calls for one in outcomes), sum(one.kills for one in outcomes)
    return (
        f"{calls} calls billed, {kills} workers killed, overshoot 0; of the caps {billed:.1%} were billed, "
        f"{held:.1%} are held by what died and will be charged"
    )
