"""Calls that pass while the ledger is away, by the word of their budget: charged once it is back, whoever dies in between."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.fixtures.ledgers import NOON, USD, account, hold, sync

from fiscus.flows.keep_calls import POSTED, CallKeeper
from fiscus.guardrails.ledger.ledger import Ledger
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.counters import Counters
from fiscus.kernel.errors import Unavailable
from fiscus.stores.calls import open_calls, open_unheld
from fiscus.stores.ledger import open_ledger

# Dies between the ledger's commit and its own note that the ledger has it.
DIES = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from tests.contract.test_unheld_calls import NOON, keeper
from fiscus.stores.calls.unheld_calls import SqlUnheldCalls
SqlUnheldCalls.forget = lambda self, ids: os.kill(os.getpid(), signal.SIGKILL)
keeper(Path(sys.argv[1]))[0].post(NOON)
"""


def keeper(folder: Path) -> tuple[CallKeeper, Ledger, Counters]:
    clock, counters = SteppedClock(NOON), Counters()
    ledger = Ledger(open_ledger(f"sqlite:///{folder / 'ledger.db'}", clock))
    calls = open_calls(f"sqlite:///{folder / 'calls.db'}", clock)
    return CallKeeper(ledger, calls, counters, unheld=open_unheld(folder)), ledger, counters


def test_what_passed_is_charged_once_whoever_dies_in_between(tmp_path: Path) -> None:
    keeps, ledger, _ = keeper(tmp_path)
    ledger.ask(sync({"team": 10 * USD}))
    ledger.close()
    for name in ("a", "b"):
        keeps.let_through(hold(f"spent-{name}", 3 * USD, "team"))
    keeps.let_through_ended("spent-a", USD, estimate=False)
    with pytest.raises(Unavailable):  # it is away still; what is known of a call is written down all the same
        keeps.post(NOON)

    for _ in range(2):
        died = subprocess.run([sys.executable, "-c", DIES, str(tmp_path)], check=False)
        assert died.returncode == -signal.SIGKILL
    again, ledger, counters = keeper(tmp_path)
    for _ in range(2):
        again.post(NOON)
        assert account(ledger, "team").unbilled == USD
    assert counters.value(POSTED) == 1

    again.post(NOON + timedelta(hours=2))  # whose end nobody told
    spent = ledger.store.hold("spent-b")
    assert spent is not None
    assert (spent.state, spent.settled, spent.estimate) == ("settled", 3 * USD, True)
    assert account(ledger, "team").unbilled == 4 * USD
    assert account(ledger, "team").held == 0


def test_one_without_an_account_waits_and_keeps_no_other_from_being_charged(tmp_path: Path) -> None:
    keeps, ledger, counters = keeper(tmp_path)
    ledger.ask(sync({"team": 10 * USD}))
    for name, budget in (("a", "nobody"), ("b", "team")):
        keeps.let_through(hold(f"spent-{name}", USD, budget))
        keeps.let_through_ended(f"spent-{name}", USD, estimate=False)
    keeps.post(NOON)
    assert (account(ledger, "team").unbilled, counters.value(POSTED)) == (USD, 1)
    ledger.ask(sync({"nobody": USD}))
    keeps.post(NOON)
    assert (account(ledger, "nobody").unbilled, counters.value(POSTED)) == (USD, 2)


def test_what_is_written_down_is_read_back_as_it_was(tmp_path: Path) -> None:
    unheld, asked = open_unheld(tmp_path), hold("spent-a", USD, "team", subjects=("key:ü",), decision_id="dec-1")
    unheld.begin(asked)
    assert unheld.to_post(NOON) == []
    unheld.end("spent-a", 7, estimate=True)
    unheld.end("spent-a", 9, estimate=False)  # said once
    assert open_unheld(tmp_path).to_post(NOON) == [replace(asked, settled=7, estimate=True)]
