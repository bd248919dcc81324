"""One trial of P1: workers that reserve, spend at a vendor and settle, killed at random; the vendor keeps its own bill.

The truth is what the vendor billed: a process of its own that writes a line for every request before it answers, and that
nothing kills. A worker that dies after it was billed and before it settles is the case that breaks every check-then-add.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import socketserver
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from fiscus.guardrails.ledger.book import fits
from fiscus.guardrails.ledger.commands import Release, Reserve, Reserved, Settle, Standing, Sync
from fiscus.guardrails.ledger.leases import LeasedAccounts
from fiscus.guardrails.ledger.ledger import Ledger
from fiscus.guardrails.ledger.types import Hold, account_key
from fiscus.kernel.clock import SystemClock
from fiscus.kernel.errors import FiscusError
from fiscus.stores.ledger import open_ledger

FORK = get_context("fork")
LEVELS = ("org", "team", "key")  # three budgets over every request; the smallest one is the cap that bites
BOUND_MAX = 1_000
CAP = 12_000
KILL_SECONDS = 0.03
HELD_FOR = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Trial:
    """What one trial does. `crash`: what happens to the store in the middle, and is mended again."""

    url: str
    folder: Path
    seed: int
    workers: int = 6
    seconds: float = 0.35
    leases: bool = False
    crash: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """`billed` is the vendor's word; `known` what the ledger counts, held money included; `unknown` was charged by doubt."""

    billed: int
    known: int
    unknown: int
    kills: int
    denied: int
    faults: tuple[str, ...]


class _Bill(socketserver.StreamRequestHandler):
    """Bills first, answers after, and sometimes never."""

    def handle(self) -> None:
        for line in self.rfile:
            request_id, amount = line.split()
            os.write(self.server.bill, request_id + b" " + amount + b"\n")  # type: ignore[attr-defined]
            if hash((request_id, amount)) % 97 == 0:
                return  # the answer is lost
            self.wfile.write(b"ok\n")


class _Vendor(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 128  # five by default: on a busy machine a caller would be turned away, and die of it unkilled

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that was killed does not hear the answer; it is billed all the same."""


def _vendor(address: str, bill: str, ready: Any) -> None:
    server = _Vendor(address, _Bill)
    server.bill = os.open(bill, os.O_WRONLY | os.O_CREAT | os.O_APPEND)  # type: ignore[attr-defined]
    ready.set()
    server.serve_forever()


def run_trial(trial: Trial) -> Outcome:
    """Start, kill, wait, count."""
    trial.folder.mkdir(parents=True, exist_ok=True)
    period = f"p{trial.seed}"
    _open_accounts(trial, period)
    address, bill = str(trial.folder / "v"), str(trial.folder / "bill")
    ready = FORK.Event()
    vendor = FORK.Process(target=_vendor, args=(address, bill, ready), daemon=True)
    vendor.start()
    ready.wait(10)
    try:
        kills, denied = _load(trial, period, address)
    finally:
        vendor.kill()
        vendor.join()
    return _count(trial, period, bill, kills, denied)


def _open_accounts(trial: Trial, period: str) -> None:
    ledger = Ledger(open_ledger(trial.url, SystemClock()))
    today = datetime.now(UTC).date()
    amounts = {"org": CAP * 3, "team": CAP * 2, "key": CAP}
    ledger.ask(Sync([Standing(n, period, "USD", "hard", amounts[n], 0, 0, today) for n in LEVELS], {}))
    ledger.close()


def _load(trial: Trial, period: str, address: str) -> tuple[int, int]:
    """Kill one at random every 30 ms and start another in its place; then let the last ones end by themselves."""
    chance, number = random.Random(trial.seed), 0
    stop, denied = trial.folder / "stop", trial.folder / "denied"  # files: a lock that a killed worker holds stays held

    denied.touch()

    def start() -> Any:
        nonlocal number
        number += 1
        seed = trial.seed * 1_000 + number
        worker = FORK.Process(target=_work, args=(trial, period, address, seed, stop, denied), daemon=True)
        worker.start()
        return worker

    workers = [start() for _ in range(trial.workers)]
    kills, until, crash = 0, time.monotonic() + trial.seconds, trial.crash
    while time.monotonic() < until:
        if crash and until - time.monotonic() < trial.seconds / 2:
            crash()  # from here, not from a thread: a worker that is forked meanwhile would keep its pipes open
            crash, until = None, time.monotonic() + trial.seconds / 2
        time.sleep(KILL_SECONDS)
        place = chance.randrange(len(workers))
        os.kill(workers[place].pid, signal.SIGKILL)
        workers[place].join()
        kills += 1
        workers[place] = start()
    stop.touch()
    for worker in workers:
        worker.join(20)
        assert worker.exitcode is not None, "a worker hangs"
    return kills, denied.stat().st_size


def _work(trial: Trial, period: str, address: str, seed: int, stop: Path, denied: Path) -> None:
    """Reserve, spend, settle. A store or vendor that is gone is met as a caller should: nothing is sent without money."""
    chance = random.Random(seed)
    ledger, leased = None, None
    number = 0
    refusals = os.open(denied, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    while not stop.exists():
        number += 1
        bound = chance.randrange(1, BOUND_MAX)
        try:
            ledger = ledger or Ledger(open_ledger(trial.url, SystemClock()))
            if trial.leases and leased is None:
                leased = _leases(ledger, period, seed)
            if leased is None:
                _spend(ledger, _hold(period, f"h{seed}-{number}", bound), address, chance)
            elif leased.reserve(f"r{number}", bound):
                leased.settle(f"r{number}", _buy(address, f"h{seed}-{number}", bound, chance))
            else:
                _spend(ledger, _hold(period, f"h{seed}-{number}", bound), address, chance)
        except _Denied:
            os.write(refusals, b"x")
            time.sleep(0.002)
        except FiscusError:
            time.sleep(0.01)
    os._exit(0)


class _Denied(Exception):
    """It does not fit."""


def _spend(ledger: Ledger, hold: Hold, address: str, chance: random.Random) -> None:
    answer = ledger.ask(Reserve(hold, fits(hold.bound)))
    assert isinstance(answer, Reserved)
    if answer.hold is None:
        raise _Denied
    if chance.random() < 0.03:
        ledger.ask(Release(hold.id, "nothing was sent"))
        return
    ledger.ask(Settle(hold.id, _buy(address, hold.id, hold.bound, chance)))


def _buy(address: str, request_id: str, bound: int, chance: random.Random) -> int:
    """What it cost; where the answer is lost, its bound: it may have been billed."""
    cost = chance.randrange(0, bound + 1)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as vendor:
        vendor.settimeout(5)
        vendor.connect(address)
        vendor.sendall(f"{request_id} {cost}\n".encode())
        return cost if vendor.recv(16) else bound


def _hold(period: str, hold_id: str, bound: int) -> Hold:
    now = datetime.now(UTC)
    accounts = tuple(sorted(account_key(name, period) for name in LEVELS))
    return Hold(
        hold_id, "held", bound, "USD", accounts, "usage", "OpenAI", (), now.date(), now, now + HELD_FOR,
    )  # fmt: skip


def _leases(ledger: Ledger, period: str, seed: int) -> LeasedAccounts:
    numbers = iter(range(1_000_000))
    return LeasedAccounts(
        ledger.ask, lambda amount: _hold(period, f"lease{seed}-{next(numbers)}", amount), SystemClock(), workers=6
    )


def _ask_for_the_rest(ledger: Ledger, trial: Trial, period: str, bill: str) -> None:
    """Demand goes on when everybody else has stopped: until one hold, of at most the largest size, is denied."""
    chance, number, file = random.Random(trial.seed), 0, os.open(bill, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    while True:
        number += 1
        hold = _hold(period, f"rest{trial.seed}-{number}", chance.randrange(1, BOUND_MAX))
        answer = ledger.ask(Reserve(hold, fits(hold.bound)))
        assert isinstance(answer, Reserved)
        if answer.hold is None:
            break
        os.write(file, f"{hold.id} {hold.bound}\n".encode())
        ledger.ask(Settle(hold.id, hold.bound))
    os.close(file)


def _count(trial: Trial, period: str, bill: str, kills: int, denied: int) -> Outcome:
    """What the vendor billed, against what the ledger counts on each level; unknown outcomes charged at their bounds."""
    ledger = Ledger(open_ledger(trial.url, SystemClock()))
    _ask_for_the_rest(ledger, trial, period, bill)
    lines = Path(bill).read_text().split("\n")[:-1]
    billed = sum(int(line.split()[1]) for line in lines)
    accounts = ledger.store.accounts([account_key(name, period) for name in LEVELS])
    open_holds = [one for one in ledger.store.holds(("held",), 100_000) if one.accounts[0].endswith(f"@{period}")]
    ledger.close()
    known = {account.budget_id: account.unbilled + account.held for account in accounts.values()}
    faults = list[str]()
    if len(set(known.values())) != 1:
        faults.append(f"the levels differ: {known}")
    if billed > CAP:
        faults.append(f"the vendor billed {billed} of a cap of {CAP}")
    if max(known.values()) > CAP:
        faults.append(f"the ledger counts {max(known.values())} of a cap of {CAP}")
    if min(known.values()) < billed:
        faults.append(f"the ledger knows of {min(known.values())}, the vendor billed {billed}")
    if max(known.values()) < CAP - BOUND_MAX:
        faults.append(f"something was denied while {CAP - max(known.values())} were left, more than one hold")
    return Outcome(billed, min(known.values()), sum(one.bound for one in open_holds), kills, denied, tuple(faults))
