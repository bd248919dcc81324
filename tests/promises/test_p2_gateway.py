"""P2 at the gateway: the ledger's PostgreSQL is killed under load, and what passes meanwhile is what each budget declared.

Three keys ask at once. A hard cap too small for a lease: nothing reaches the vendor. A hard cap with a lease: at most what was
leased. A budget that says `allow`: it passes, and every call of it is counted. Truth is the vendor's bill, told apart by model.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import psycopg
import pytest
import yaml
from tests.fixtures.capped_company import write_capped_company
from tests.fixtures.commands import fiscus
from tests.fixtures.gateways import all_calls
from tests.fixtures.postgres import PostgresServer, start_postgres
from tests.fixtures.vendor_process import Vendor, running_vendor
from tests.promises.gateway_trial import Forge, copy_accounts
from tests.promises.report import Row, promise

from fiscus.connectors.simulated_ai.bill import read_bill
from fiscus.kernel.clock import SystemClock
from fiscus.kernel.money import to_nanos
from fiscus.stores.ledger import open_ledger

TRIALS = 4
ENVIRONMENTS = {"strict": "staging", "leased": "test", "open": "prod"}  # budget and key -> where it spends
MODELS = {"strict": "gpt-4o-mini", "leased": "gpt-4.1", "open": "gpt-4o"}  # by which the bill tells them apart
BILLED_AS = {"strict": "gpt-4o-mini-2024-07-18", "leased": "gpt-4.1-2025-04-14", "open": "gpt-4o-2024-08-06"}
AMOUNTS = {"strict": "0.004", "leased": "500", "open": "0.02"}
ANSWER_SECONDS_MAX = 10.0
UNDER_WAY = timedelta(seconds=0.5)  # what was let in just before is billed just after
COUNTER = re.compile(r"^fiscus_failure_mode_allowed_total\{[^}]*\} ([0-9.]+)$", re.MULTILINE)


@dataclass
class Seen:
    """What the callers saw. `late`: (key, status, seconds) of what was asked after the ledger was gone."""

    crashed: bool = False
    late: list[tuple[str, int, float]] = field(default_factory=list)
    back: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with start_postgres(fsync=True) as running:
        yield running


@pytest.mark.slow
def test_p2_what_passes_while_the_ledger_is_gone(tmp_path: Path, server: PostgresServer) -> None:
    with promise("P2.Gateway", trials=TRIALS) as row, running_vendor(tmp_path) as vendor:
        home = tmp_path / "home"
        keys = _company(home, vendor)
        forge = Forge(tmp_path / "workers.log")
        try:
            told = [_trial(row, number, home, keys, vendor, server, forge) for number in range(row.trials)]
        finally:
            forge.close()
        late, passed, leased, slowest = (
            sum(one[0] for one in told), sum(one[1] for one in told), sum(one[2] for one in told), max(one[3] for one in told),
        )  # fmt: skip
        row.note = (
            f"{late} asked without the ledger: {passed} let through by `allow` and counted, {leased} billed within leases, "
            f"0 past a hard cap; slowest answer {slowest * 1000:.0f} ms"
        )


def _company(home: Path, vendor: Vendor) -> dict[str, str]:
    """Three keys, three budgets, and nothing else in their way."""
    write_capped_company(home, f"{vendor.address}/openai", org="100000")
    shutil.rmtree(home / "policies")
    (home / "policies").mkdir()
    document = yaml.safe_load((home / "fiscus.yaml").read_text())
    (home / "fiscus.yaml").write_text(yaml.safe_dump(document))
    budgets = [
        {
            "id": name, "title": name, "scope": {"environment": environment}, "period": "month", "currency": "USD", "cap": "hard",
            "amount": AMOUNTS[name], "owner": "finops", "on_ledger_loss": {"default": "allow" if name == "open" else "deny"},
        }
        for name, environment in ENVIRONMENTS.items()
    ]  # fmt: skip
    (home / "budgets" / "budgets.yaml").unlink()
    (home / "budgets" / "bench.yaml").write_text(yaml.safe_dump({"budgets": budgets}))
    fiscus(home, "run")
    issue = ("key", "issue", "a trial", "--owner", "ana.silva", "--as", "sam.lee", "--environment")
    return {name: fiscus(home, *issue, environment)["secret"] for name, environment in ENVIRONMENTS.items()}


def _trial(
    row: Row, number: int, template: Path, keys: dict[str, str], vendor: Vendor, server: PostgresServer, forge: Forge
) -> tuple[int, int, int, float]:
    """(asked without the ledger, let through by allow, billed within leases, slowest seconds)."""
    home = template.with_name(f"trial-{number}")
    shutil.copytree(template, home)
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE p2_{number}")
    url = server.url.replace("/postgres?", f"/p2_{number}?")
    copy_accounts(home, url)
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        forge.tell(home=str(home), port=port, workers=1, kill_seconds=60, seed=number, midnight_seconds=0)
        seen = Seen()
        try:
            gone, counted = asyncio.run(_storm(f"http://127.0.0.1:{port}", keys, seen, server))
        finally:
            forge.end()
    row.faults += 1
    billed = dict.fromkeys(MODELS, 0)
    calls = dict.fromkeys(MODELS, 0)
    for line in read_bill(vendor.bill):
        name = next((name for name, model in BILLED_AS.items() if model == line.model), "")
        if name and gone[0] + UNDER_WAY < line.at < gone[1]:
            billed[name] += to_nanos(line.cost, round_up=True)
            calls[name] += 1
    if calls["strict"]:
        row.violated(f"trial {number}: {calls['strict']} calls under a hard cap reached the vendor without the ledger")
    leases = _leased(url, gone[0])
    if billed["leased"] > leases:
        row.violated(f"trial {number}: {billed['leased']} were billed without the ledger, of {leases} that were leased")
    through = sum(not call.hold_id and call.state not in {"refused", "released"} for call in all_calls(home))
    unheld = sum(not call.hold_id and call.state != "refused" for call in all_calls(home))
    if not through <= counted <= unheld:
        row.violated(f"trial {number}: {unheld} calls were let through without the ledger, and {counted} were counted")
    for name, status, seconds in seen.late:
        if seconds > ANSWER_SECONDS_MAX:
            row.violated(f"trial {number}: {name} was answered {status} after {seconds:.1f} s")
    if missing := set(keys) - {"strict"} - seen.back:
        row.violated(f"trial {number}: {', '.join(missing)} did not come back with the ledger")
    if not seen.late or not counted:
        row.violated(f"trial {number}: nothing was asked without the ledger, so nothing was tried")
    shutil.rmtree(home)
    return len(seen.late), counted, calls["leased"], max((seconds for *_, seconds in seen.late), default=0.0)


async def _storm(
    url: str, keys: dict[str, str], seen: Seen, server: PostgresServer
) -> tuple[tuple[datetime, datetime], int]:
    """((when the ledger was gone, when it came back), what /metrics counted)."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60)) as session:
        await _answers(session, url)
        stop = asyncio.Event()
        asking = [asyncio.create_task(_ask_on(session, url, name, keys[name], seen, stop)) for name in (*keys, *keys)]
        await asyncio.sleep(1.5)
        await asyncio.to_thread(server.crash)
        gone, seen.crashed = datetime.now(UTC), True
        await asyncio.sleep(2.5)
        seen.crashed = False
        async with session.get(f"{url}/metrics") as answer:
            before = sum(float(one) for one in COUNTER.findall(await answer.text()))
        back = datetime.now(UTC)
        await asyncio.to_thread(server.start)
        until = time.monotonic() + 15
        seen.back.clear()
        while not seen.back >= {"leased"} and time.monotonic() < until:  # noqa: ASYNC110 several tasks add to it
            await asyncio.sleep(0.1)
        stop.set()
        await asyncio.gather(*asking)
        async with session.get(f"{url}/metrics") as answer:
            counted = sum(float(one) for one in COUNTER.findall(await answer.text()))
        assert counted >= before
    return (gone, back), int(counted)


async def _answers(session: aiohttp.ClientSession, url: str) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with contextlib.suppress(aiohttp.ClientError):
            async with session.get(f"{url}/healthz"):
                return
        await asyncio.sleep(0.02)
    raise AssertionError("no worker answers")


async def _ask_on(
    session: aiohttp.ClientSession, url: str, name: str, key: str, seen: Seen, stop: asyncio.Event
) -> None:
    body = {"model": MODELS[name], "max_tokens": 60, "messages": [{"role": "user", "content": "What is left?"}]}
    while not stop.is_set():
        begun, late = time.monotonic(), seen.crashed
        async with session.post(
            f"{url}/openai/v1/chat/completions", json=body, headers={"Authorization": f"Bearer {key}"}
        ) as answer:
            await answer.read()
        if late:
            seen.late.append((name, answer.status, time.monotonic() - begun))
        if answer.status in {200, 402}:
            seen.back.add(name)
        await asyncio.sleep(0.02)


def _leased(url: str, gone: datetime) -> int:
    """The bounds of the leases that were open when the ledger went away."""
    ledger = open_ledger(url, SystemClock())
    holds = [one for one in ledger.every_hold() if one.id.startswith("lease") and one.at <= gone]
    ledger.close()
    return sum(one.bound for one in holds if one.settled_at is None or one.settled_at >= gone)
