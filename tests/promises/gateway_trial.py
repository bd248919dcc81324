"""One trial of P1 through the whole gateway: real workers, killed at random, a vendor that fails, callers that hang up.

The truth is the simulated vendor's bill, kept by a process that nothing kills. After the killing demand goes on until nothing is
let in any more; then everything is counted: what the vendor billed, and what the ledger knows on each of four levels.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from tests.fixtures.capped_company import write_capped_company
from tests.fixtures.gateways import KEY_ENV
from tests.fixtures.vendor_clients import KEY
from tests.fixtures.vendor_process import Vendor

from fiscus.guardrails.ledger.commands import Standing, Sync
from fiscus.guardrails.ledger.ledger import Ledger
from fiscus.guardrails.ledger.types import Account
from fiscus.kernel.clock import SystemClock
from fiscus.stores.ledger import open_ledger

LEVELS = ("org", "team", "environment", "key")
SHARES = {"org": 3, "team": 2, "environment": 4, "key": 1}  # of the cap: the key's bites first
CAP = 12_000_000  # nano-USD, some eighty calls
CALLERS = 16
FAULTS: tuple[Mapping[str, Any], ...] = (
    {"kind": "error_500"}, {"kind": "error_503"}, {"kind": "rate_limited_429"}, {"kind": "reset_before"},
    {"kind": "reset_after_billing"}, {"kind": "error_500_after_billing"}, {"kind": "cut_stream", "pieces": 2},
    {"kind": "slow", "seconds": 0.3}, {"kind": "slow_stream", "seconds": 0.02}, {"kind": "no_usage"},
    {"kind": "hang_after_billing"},
)  # fmt: skip
ANSWER_SECONDS_MAX = 2
REFUSED_ENOUGH = 60  # answers in a row that say no: nothing fits any more
DEMAND_SECONDS_MAX = 12.0
AFTER_MIDNIGHT = 0.5
REPRICED_SECONDS = 1.6  # a worker looks for changed files every second
DEARER = """prices:
  - {provider: openai, model: gpt-4o-mini, reason: A trial, rates: {input: "0.3", output: "1.2"}}
"""


@dataclass(frozen=True, slots=True)
class Company:
    """A workspace that trials copy: its one key, and budgets of which the key's is the cap."""

    home: Path
    secret: str


@dataclass(frozen=True, slots=True)
class Trial:
    """What one trial does. `url`: of a ledger on PostgreSQL; empty: SQLite. `crash`: what happens to it in the middle."""

    folder: Path
    seed: int
    url: str = ""
    workers: int = 6
    kill_seconds: float = 0.03
    seconds: float = 1.2
    cap: int = CAP
    overbill: bool = False
    crash: Callable[[], None] | None = None
    midnight_seconds: float = 0.0  # after its storm begins the month ends; 0: it does not
    reprice: bool = False  # its prices become dearer than the vendor's in the middle, and right again

    @property
    def months(self) -> tuple[str, ...]:
        """Those that it spends in."""
        this = datetime.now(UTC).date().replace(day=1)
        months = [this, (this + timedelta(days=32)).replace(day=1)]
        return tuple(f"{month:%Y-%m}" for month in months[: 1 + bool(self.midnight_seconds)])


@dataclass(frozen=True, slots=True)
class Outcome:
    """Nano-USD. `known`: settled and held, on the level that knows least. `held`: of calls and leases of killed workers."""

    billed: int
    calls: int
    known: int
    held: int
    overruns: int
    frozen: int
    kills: int
    refused: int
    cap: int
    faults: tuple[str, ...] = ()


def write_company(home: Path, vendor: Vendor) -> Company:
    """Once for many trials."""
    secret = write_capped_company(home, f"{vendor.address}/openai", **dict.fromkeys(LEVELS, "1"))
    document = yaml.safe_load((home / "fiscus.yaml").read_text())
    document["gateway"] |= {
        "output_tokens_default": 200,
        "answer_seconds_max": ANSWER_SECONDS_MAX,
        "drain_seconds_max": 2,
    }
    (home / "fiscus.yaml").write_text(yaml.safe_dump(document))
    return Company(home, secret)


class Forge:
    """The program that makes workers and kills them (gateway_workers.py)."""

    def __init__(self, log: Path) -> None:
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.promises.gateway_workers"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=errors, env=os.environ | {KEY_ENV: KEY}, start_new_session=True,
            )  # fmt: skip

    def tell(self, **trial: object) -> None:
        self.say(json.dumps(trial))

    def say(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n".encode())
        self._process.stdin.flush()

    def end(self) -> int:
        """Of this trial: how many were killed."""
        assert self._process.stdout is not None
        self.say("end")
        return int(self._process.stdout.readline())

    def close(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def run_trial(company: Company, vendor: Vendor, forge: Forge, trial: Trial) -> Outcome:
    """Start, kill, calm down, use up, end, count."""
    shutil.copytree(company.home, trial.folder)
    url = trial.url or f"sqlite:///{trial.folder / '.fiscus' / 'ledger.db'}"
    _open_accounts(trial, url)
    before = vendor.billed()
    vendor.behave(latency_seconds=0.002, piece_seconds=0.0)
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        free.bind(("127.0.0.1", 0))  # kept, not listened on: nobody else takes the port
        port = free.getsockname()[1]
        forge.tell(
            home=str(trial.folder), port=port, workers=trial.workers, kill_seconds=trial.kill_seconds, seed=trial.seed,
            midnight_seconds=trial.midnight_seconds,
        )  # fmt: skip
        demand = Demand(f"http://127.0.0.1:{port}/openai/v1/chat/completions", company.secret, trial, vendor)
        try:
            asyncio.run(demand.run(forge))
        finally:
            kills = forge.end()
            vendor.forget_faults()
    new = [nanos for request, nanos in vendor.billed().items() if request not in before]
    return _counted(
        trial, url, new, replace(_NOTHING, kills=kills, refused=demand.refused, cap=trial.cap * len(trial.months))
    )


_NOTHING = Outcome(0, 0, 0, 0, 0, 0, 0, 0, 0)


def _open_accounts(trial: Trial, url: str) -> None:
    """The caps of this trial; where the ledger is a database of its own, the workspace is told of it."""
    if trial.url:
        copy_accounts(trial.folder, trial.url)
    standings = [
        Standing(name, month, "USD", "hard", trial.cap * SHARES[name], 0, 0, _since(), by_bills=False)
        for name in LEVELS
        for month in trial.months
    ]
    ledger = Ledger(open_ledger(url, SystemClock()))
    ledger.ask(Sync(standings, {}))
    ledger.close()


def copy_accounts(home: Path, url: str) -> None:
    """Move a workspace's ledger to an empty database: its accounts stand there as in its file."""
    path = home / "fiscus.yaml"
    document = yaml.safe_load(path.read_text())
    document["stores"] = {**document.get("stores", {}), "ledger": url, "gateway": "sqlite:///.fiscus/gateway.db"}
    path.write_text(yaml.safe_dump(document))
    file = open_ledger(f"sqlite:///{home / '.fiscus' / 'ledger.db'}", SystemClock())
    accounts = file.every_account()
    file.close()
    ledger = Ledger(open_ledger(url, SystemClock()))
    standings = [
        Standing(one.budget_id, one.period, one.currency, one.cap, one.amount, 0, 0, _since(), one.by_bills)
        for one in accounts
    ]
    ledger.ask(Sync(standings, {}))
    ledger.close()


def _since() -> date:
    return datetime.now(UTC).date().replace(day=1)


class Demand:
    """Sixteen callers that ask again and again, and a hand that plants faults."""

    def __init__(self, url: str, secret: str, trial: Trial, vendor: Vendor) -> None:
        self._url, self._secret, self._trial, self._vendor = url, secret, trial, vendor
        self._chance = random.Random(trial.seed)
        self._stop = False
        self._refused_in_a_row = 0
        self._calm = False
        self._enough = asyncio.Event()
        self.refused = 0

    async def run(self, forge: Forge) -> None:
        """The storm, and the calm after it."""
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=10)) as session:
            await self._answered(session)
            forge.say("storm")
            midnight = self._trial.midnight_seconds
            until = time.monotonic() + midnight + AFTER_MIDNIGHT if midnight else 0.0
            asking = [asyncio.create_task(self._ask_on(session)) for _ in range(CALLERS)]
            planting = asyncio.create_task(self._plant())
            await asyncio.sleep(self._trial.seconds / 2)
            if self._trial.crash is not None:
                await asyncio.to_thread(self._trial.crash)
            if self._trial.reprice:
                await self._reprice()
            await asyncio.sleep(max(self._trial.seconds / 2, until - time.monotonic()))
            forge.say("calm")
            planting.cancel()
            await asyncio.to_thread(self._vendor.forget_faults)
            self._refused_in_a_row, self._calm = 0, True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._enough.wait(), DEMAND_SECONDS_MAX)
            self._stop = True
            await asyncio.gather(*asking)

    async def _reprice(self) -> None:
        """Dearer than the vendor is, then right again: what is under way is bounded and settled at one of both."""
        prices = self._trial.folder / "prices" / "ai.yaml"
        prices.parent.mkdir(exist_ok=True)
        for text in (DEARER, "prices: []\n"):
            prices.write_text(text)
            await asyncio.sleep(REPRICED_SECONDS)

    async def _answered(self, session: aiohttp.ClientSession) -> None:
        """Wait until a worker listens."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with session.get(self._url.partition("/openai")[0] + "/healthz"):
                    return
            await asyncio.sleep(0.02)
        raise AssertionError("no worker answers")

    async def _plant(self) -> None:
        kinds = ({"kind": "overbill", "factor": 3},) if self._trial.overbill else FAULTS
        while True:
            await asyncio.to_thread(self._vendor.plant, {**self._chance.choice(kinds), "vendor": "openai"})
            await asyncio.sleep(0.06)

    async def _ask_on(self, session: aiohttp.ClientSession) -> None:
        while not self._stop:
            body: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "What is left?"}]}
            if self._chance.random() < 0.8:
                body["max_tokens"] = self._chance.randrange(20, 300)
            if self._chance.random() < 0.1:
                body["n"] = 2
            body["stream"] = self._chance.random() < 0.4
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
                await self._one(session, body)
            await asyncio.sleep(0.002)

    async def _one(self, session: aiohttp.ClientSession, body: dict[str, Any]) -> None:
        headers = {"Authorization": f"Bearer {self._secret}"}
        async with session.post(self._url, json=body, headers=headers) as answer:
            if answer.status in {402, 403}:
                self.refused += 1
                self._refused_in_a_row += 1
                if self._calm and self._refused_in_a_row >= REFUSED_ENOUGH:
                    self._enough.set()
            elif answer.status == 200:
                self._refused_in_a_row = 0
            if body["stream"] and self._chance.random() < 0.3:
                await answer.content.readany()
                return  # hangs up: the connection is closed with the answer half read
            await answer.read()


def _counted(trial: Trial, url: str, billed: list[int], seen: Outcome) -> Outcome:
    ledger = open_ledger(url, SystemClock())
    found = [one for one in ledger.every_account() if one.budget_id in LEVELS and one.period in trial.months]
    accounts = {one.budget_id: one for one in found if one.period == trial.months[0]}
    totals, frozen = ledger.totals(), ledger.frozen()
    ledger.close()
    known = {name: sum(_known(one) for one in found if one.budget_id == name) for name in LEVELS}
    caps = trial.cap * len(trial.months)
    months = [_known(one) for one in found if one.budget_id == "key"]
    overruns = totals.overruns.get("USD", 0)
    total, faults = sum(billed), list[str]()
    if not billed:
        faults.append("nothing was let through, so nothing was tried")
    if len(set(known.values())) != 1:
        faults.append(f"the levels differ: {known}")
    if total > caps + overruns:
        faults.append(f"the vendor billed {total} of a cap of {caps}, {overruns} of it above their bounds")
    if max(months) > trial.cap + overruns:
        faults.append(f"the ledger counts {max(months)} of a month's cap of {trial.cap}")
    if min(known.values()) < total:
        faults.append(f"the ledger knows of {min(known.values())}, the vendor billed {total}")
    if overruns and not trial.overbill:
        faults.append(f"{overruns} were billed above their bounds, and no vendor was told to")
    return replace(
        seen, billed=total, calls=len(billed), known=min(known.values()), held=accounts["key"].held, overruns=overruns,
        frozen=len(frozen), faults=tuple(faults),
    )  # fmt: skip


def _known(account: Account) -> int:
    return account.held + account.unbilled
