"""P1, the ledger alone: what a vendor bills never exceeds a hard cap, whoever is killed whenever, on SQLite and PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures.postgres import PostgresServer, start_postgres
from tests.promises.cap_trial import CAP, Outcome, Trial, run_trial
from tests.promises.report import Row, promise

from fiscus.guardrails.ledger.recount import Recount
from fiscus.kernel.clock import SystemClock
from fiscus.kernel.evidence import verify_chain
from fiscus.stores.ledger import open_ledger

TRIALS_SQLITE = 30
TRIALS_POSTGRES = 12


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL that syncs every commit, for this module to kill."""
    with start_postgres(fsync=True) as running:
        yield running


@pytest.mark.slow
def test_p1_on_sqlite(tmp_path: Path) -> None:
    with promise("P1.SQLite", trials=TRIALS_SQLITE) as row:
        outcomes = []
        for number in range(row.trials):
            folder = tmp_path / f"t{number}"
            url = f"sqlite:///{folder / 'ledger.db'}"
            outcomes.append(_tried(row, Trial(url, folder, row.seed + number, 6 + number % 3, leases=number % 5 == 4)))
            check_books(row, url)
            shutil.rmtree(folder)
        row.note = _told(outcomes)


@pytest.mark.slow
def test_p1_on_postgresql_that_is_killed_in_mid_load(tmp_path: Path, server: PostgresServer) -> None:
    with promise("P1.PostgreSQL", trials=TRIALS_POSTGRES) as row:
        outcomes = []
        for number in range(row.trials):
            crash = server.crash_and_start if number % 5 == 2 else None
            row.faults += crash is not None
            trial = Trial(server.url, tmp_path / f"t{number}", row.seed + number, 6, 0.5, number % 5 == 4, crash)
            outcomes.append(_tried(row, trial))
        check_books(row, server.url)
        row.note = _told(outcomes)


def _tried(row: Row, trial: Trial) -> Outcome:
    outcome = run_trial(trial)
    row.faults += outcome.kills
    for fault in outcome.faults:
        row.violated(f"seed {trial.seed}: {fault}")
    return outcome


def check_books(row: Row, url: str) -> None:
    """Its chain is whole and its tables are what its evidence adds up to."""
    store, recount = open_ledger(url, SystemClock()), Recount()
    records, head, breaks = verify_chain(recount.records(store.evidence_records()))
    if breaks or (records, head) != store.evidence_head():
        row.violated("its evidence is broken")
    for fault in recount.compare(store.every_hold(), store.every_account()):
        row.violated(fault)
    store.close()


def _told(outcomes: list[Outcome]) -> str:
    """Of the cap, over all trials: billed by the vendor, and held by workers that died, which expiry charges."""
    billed, unknown = (
        sum(values) / len(outcomes) / CAP for values in zip(*((o.billed, o.unknown) for o in outcomes), strict=True)
    )
    return f"overshoot 0; of the cap {billed:.1%} were billed, {unknown:.1%} are of unknown outcome and will be charged"
