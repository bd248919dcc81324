"""Our trials: each in a copy of one workspace, with gateway processes of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import yaml
from tests.fixtures.capped_company import running, write_capped_company
from tests.fixtures.gateways import Gateway
from tests.fixtures.vendor_process import Vendor

from bench.overshoot.callers import BODY, MODEL, OUTPUT, Load, ask
from bench.overshoot.trial import Outcome
from fiscus.app.ai_prices import load_ai_prices
from fiscus.guardrails.doors.ai.asked_call import AskedCall, bounded
from fiscus.guardrails.doors.ai.settings import Upstream
from fiscus.guardrails.doors.ai.types import CallerScope
from fiscus.guardrails.doors.ai.wires import wire_named
from fiscus.kernel.clock import SystemClock
from fiscus.stores.ledger import open_ledger

FEW: Final = 20
MANY: Final = 2_000
LEVELS: Final = ("org", "team", "environment", "key")
HELD_SECONDS: Final = 1.0  # how long an answer takes, so that all that come at once are there at once
USABLE_MIN: Final = 0.95
REFUSED_ENOUGH: Final = 4  # waves in a row that get nothing: the budget is used up
NOBODY: Final = {"requested_by": "ana.silva", "team": "platform", "environment": "prod"}


@dataclass(frozen=True, slots=True)
class Company:
    """A workspace to copy from. The key's budget fits exactly `calls` calls at their bounds; the levels above have more."""

    home: Path
    secret: str
    calls: int
    bound: int

    @property
    def budget(self) -> int:
        return self.calls * self.bound


def write(folder: Path, vendor: Vendor, calls: int) -> Company:
    """The bound of one call is what the gateway itself holds for it."""
    home, bound = folder / f"company-{calls}", bound_of_a_call(folder)
    tight = Decimal(calls * bound) / 10**9
    amounts = {"org": tight * 10, "team": tight, "environment": tight * 3, "key": tight}
    secret = write_capped_company(
        home, f"{vendor.address}/openai", **{name: f"{amount:f}" for name, amount in amounts.items()}
    )
    return Company(home, secret, calls, bound)


def bound_of_a_call(folder: Path) -> int:
    """In nano-USD."""
    asked = wire_named("openai").read("chat", json.dumps(BODY).encode(), "application/json")
    price = load_ai_prices(folder, {"openai"}).price("openai", MODEL, SystemClock().now().date())
    assert price is not None
    call = AskedCall(CallerScope("", "", "", ""), Upstream("openai", "openai", "", "OpenAI", "openai"), asked)
    one = bounded(call, price, OUTPUT)
    assert one is not None
    return one.nanos


@dataclass(frozen=True, slots=True)
class _Trial:
    """A copy of a company, served. `before`: what the vendor had billed when it began."""

    company: Company
    vendor: Vendor
    home: Path
    gateway: Gateway
    before: dict[str, int]

    def ask(self, key: str, load: Load) -> list[int]:
        return ask(f"{self.gateway.url}/openai", key, load)


@contextmanager
def _trial(company: Company, vendor: Vendor, workers: int, name: str, **settings: Any) -> Iterator[_Trial]:
    home, before = company.home.with_name(f"trial-{name}-{workers}"), vendor.billed()
    shutil.copytree(company.home, home)
    document = yaml.safe_load((home / "fiscus.yaml").read_text())
    document["gateway"].update(settings)
    (home / "fiscus.yaml").write_text(yaml.safe_dump(document))
    try:
        with running(home, workers) as gateway:
            yield _Trial(company, vendor, home, gateway, before)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def at_once(company: Company, vendor: Vendor, workers: int, load: Load, name: str, **settings: Any) -> Outcome:
    """Everybody comes while nothing is settled yet. `settings`: of the gateway; `exact`: False where some end meanwhile."""
    exact = settings.pop("exact", True)
    vendor.behave(latency_seconds=HELD_SECONDS, piece_seconds=0.0)
    key = "" if "default_scope" in settings else company.secret
    with _trial(company, vendor, workers, name, **settings) as trial:
        trial.ask(key, load)
        trial.gateway.stop()
        return _outcome(trial, name, workers, load.callers * load.waves, exact=exact)


def broken_streams(company: Company, vendor: Vendor, workers: int) -> Outcome:
    """Half of those that fit break before their usage comes: settled below their bounds, they let others in."""
    vendor.plant({"kind": "cut_stream", "times": company.calls // 2, "pieces": 5})
    return at_once(company, vendor, workers, Load(streamed=True), "streams, half of them broken", exact=False)


def killed(company: Company, vendor: Vendor, workers: int) -> Outcome:
    """A worker dies with its calls under way; another wave comes when it is there again."""
    vendor.behave(latency_seconds=HELD_SECONDS, piece_seconds=0.0)
    name = "kill -9 of a worker in the middle"
    with _trial(company, vendor, workers, name) as trial:
        killer = threading.Timer(HELD_SECONDS / 2, _kill_a_worker, [trial.gateway.process.pid])
        killer.start()
        trial.ask(company.secret, Load())
        killer.join()
        time.sleep(1.0)
        trial.ask(company.secret, Load())
        trial.gateway.stop()
        return _outcome(trial, name, workers, 400, exact=False)


def until_used_up(company: Company, vendor: Vendor, workers: int, *, idle: bool = False) -> Outcome:
    """Demand goes on until nothing is let in any more. `idle`: on one connection, so that all other workers rest."""
    vendor.behave(latency_seconds=0.0, piece_seconds=0.0)
    name, asked, nothing = "until it is used up", 0, 0
    load = Load(callers=50, connections=1) if idle else Load(callers=50, connections=16)
    with _trial(company, vendor, workers, f"{name}{'-idle' if idle else ''}-{company.calls}") as trial:
        while nothing < REFUSED_ENOUGH:
            statuses = trial.ask(company.secret, load)
            asked += len(statuses)
            nothing = nothing + 1 if 200 not in statuses else 0
            if nothing:
                time.sleep(0.5)  # what rests in a worker's hands is handed in meanwhile
        trial.gateway.stop()
        name += ", one worker busy" if idle else ""
        return _outcome(trial, name, workers, asked, exact=False, usable_min=USABLE_MIN)


def _outcome(trial: _Trial, name: str, workers: int, asked: int, **more: Any) -> Outcome:
    new = {request: nanos for request, nanos in trial.vendor.billed().items() if request not in trial.before}
    ledger = open_ledger(f"sqlite:///{trial.home / '.fiscus' / 'ledger.db'}", SystemClock())
    known = max(one.held + one.unbilled for one in ledger.every_account() if one.budget_id in LEVELS)
    ledger.close()
    company = trial.company
    return Outcome(
        "fiscus", name, workers, asked, company.calls, len(new), sum(new.values()), company.budget, known=known, **more
    )


def _kill_a_worker(supervisor: int) -> None:
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
