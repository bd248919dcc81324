"""P2: a ledger that is lost under load has a declared, bounded effect. Hard: nothing passes. Allowed: what passes is counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fixtures.company import Settings, open_company
from tests.fixtures.judging import RULES, budgets_of
from tests.fixtures.ledgers import USD, ask, sync
from tests.fixtures.postgres import PostgresServer, start_postgres
from tests.promises.report import promise

from fiscus.flows.decide_intent import ALLOWED_WITHOUT, decide_intent
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.decisions.intent import parse_intent
from fiscus.guardrails.types import Decision
from fiscus.ownership.load_rules import load_rules

TRIALS = 6
BUDGETS = """
budgets:
  - {id: strict, title: Strict, scope: {environment: staging}, period: month, currency: USD, amount: 900000, thresholds: [],
     cap: hard, owner: ml}
  - {id: open, title: Open, scope: {environment: prod}, period: month, currency: USD, amount: 900000, thresholds: [],
     cap: hard, owner: ml, on_ledger_loss: {default: deny, prod: allow}}
"""
ASK = {"kind": "ai.request", "requested_by": "max", "provider": "OpenAI", "amount": "1", "currency": "USD"}


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with start_postgres(fsync=True) as running:
        yield running


@pytest.fixture
def company(tmp_path: Path, server: PostgresServer) -> Workspace:
    ws = open_company(tmp_path, Settings(ledger_url=server.url))
    rules = load_rules(RULES, "owners/rules.yaml", ws.config.directory)
    ws = replace(ws, config=replace(ws.config, budgets=budgets_of(BUDGETS), rules=rules))
    ask(ws.ledger, sync({"strict": 900_000 * USD, "open": 900_000 * USD}))
    return ws


@pytest.mark.slow
def test_p2_a_ledger_that_is_lost_under_load(company: Workspace, server: PostgresServer) -> None:
    with promise("P2", trials=TRIALS) as row:
        slowest = 0.0
        let_through = passed = lost = 0
        for _ in range(row.trials):
            given = list[tuple[Decision, float]]()
            callers = [
                threading.Thread(target=_ask_on, args=(company, given, name)) for name in ("staging", "prod") * 2
            ]
            for caller in callers:
                caller.start()
            time.sleep(0.05)
            server.crash()
            row.faults += 1
            for caller in callers:
                caller.join()
            server.start()
            missing = [(one, seconds) for one, seconds in given if one.ledger == "lost"]
            lost += len(missing)
            slowest = max([slowest, *(seconds for _, seconds in missing)])
            wrong = [one for one, _ in missing if one.intent.environment == "staging" and one.verdict != "deny"]
            for one in wrong:
                row.violated(f"{one.id}: a hard cap that could not be checked said {one.verdict}")
            let_through += sum(one.verdict in {"allow", "warn"} for one, _ in missing)
            passed += sum(one.ledger == "kept" and one.money_held for one, _ in given)
        counted = company.counters.value(ALLOWED_WITHOUT)
        if counted != let_through:
            row.violated(f"{let_through} were let through without the ledger, and {counted} were counted")
        held = len(company.ledger.store.holds(("held",), 100_000))
        if held < passed:
            row.violated(f"{passed} were told that their money is held, and {held} holds are there")
        row.note = f"{lost} without the ledger, {let_through} let through, slowest {slowest * 1000:.0f} ms"


def _ask_on(ws: Workspace, given: list[tuple[Decision, float]], environment: str) -> None:
    """Until several were answered without the ledger."""
    until, mine = time.monotonic() + 10, 0
    while mine < 5 and time.monotonic() < until:
        start = time.perf_counter()
        decision = decide_intent(ws, parse_intent({**ASK, "environment": environment}))
        given.append((decision, time.perf_counter() - start))
        mine += decision.ledger == "lost"
