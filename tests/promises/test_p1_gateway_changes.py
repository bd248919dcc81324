"""P1 through the gateway while what it counts by changes under it: a month ends, and prices change, with calls in flight."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.fixtures.gateways import all_calls
from tests.fixtures.vendor_process import Vendor, running_vendor
from tests.promises.gateway_trial import CAP, Company, Forge, Trial, run_trial, write_company
from tests.promises.report import promise
from tests.promises.test_p1_hard_caps import check_books

TRIALS = 5
WEIGHT = 20  # of the ledger's own trials


@dataclass(frozen=True, slots=True)
class Place:
    """What all trials share."""

    company: Company
    vendor: Vendor
    forge: Forge


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("changes")
    with running_vendor(folder) as vendor:
        forge = Forge(folder / "workers.log")
        yield Place(write_company(folder / "home", vendor), vendor, forge)
        forge.close()


@pytest.mark.slow
@pytest.mark.parametrize("what", ["a month that ends", "prices that change"])
def test_p1_while_what_it_counts_by_changes(tmp_path: Path, place: Place, what: str) -> None:
    with promise(f"P1.Gateway, {what}", trials=TRIALS, weight=WEIGHT) as row:
        billed = caps = versions = 0
        for number in range(row.trials):
            more = (
                {"midnight_seconds": 3.0, "kill_seconds": 1.0}
                if what == "a month that ends"
                else {"reprice": True, "cap": CAP * 20, "kill_seconds": 1.5}
            )
            trial = Trial(tmp_path / f"t{number}", row.seed + number, workers=3, **more)  # type: ignore[arg-type]
            outcome = run_trial(place.company, place.vendor, place.forge, trial)
            row.faults += outcome.kills
            for fault in outcome.faults:
                row.violated(f"seed {trial.seed}: {fault}")
            check_books(row, f"sqlite:///{trial.folder / '.fiscus' / 'ledger.db'}")
            billed, caps = billed + outcome.billed, caps + outcome.cap
            versions += len({call.price_version for call in all_calls(trial.folder) if call.price_version})
            shutil.rmtree(trial.folder)
        row.note = f"{billed / caps:.1%} of the caps were billed, overshoot 0, at {versions} versions of the price"
