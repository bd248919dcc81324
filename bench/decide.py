"""Decisions a second, next to peers and to a bare commit: policies alone, a whole decision, and many at once.

Policy part: ten rules of six terms, judged for one question: our closures with the sentences that say so, against cedarpy
(Cedar), cel-python (CEL) and regorus (Rego), each with everything parsed and prepared, each in a process of its own, in this run.
They agree on how many match, or the bench fails. The peers are installed into a folder of their own, for this run alone.

Whole decision: `decide_intent` with four covering budgets and the ready policies: settled names, facts, policies, a durable
reservation, the decision and its evidence, in a process that looks for garbage as `fiscus serve` and the gateway do; against a
bare one-row commit (BEGIN, INSERT, COMMIT) in the same database with the same durability (SQLite: WAL, synchronous=FULL;
PostgreSQL: fsync on, its driver), the two in turn. Then reservations, one at a time and 64 at once in one event loop, where those
that wait share a commit.

    python -m bench.decide [--quick] [--json] [--no-peers]
"""

# ruff: noqa: PLC0415 - imports stay inside the work: what is measured loads what it needs
from __future__ import annotations

import argparse
import asyncio
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.decide_peers import measured
from bench.decide_rules import RULES, as_cel, questions

POLICY_RATIO_MIN = 10.0
DECISION_RATIO_MAX = 3.0
GROUP_RATIO_MIN = 8.0
AT_ONCE = 64
TURNS = 3  # of each engine that judges policies
PEERS = {"cedarpy": "cedarpy", "cel-python": "cel-python", "regorus": "gordon-to-regorus"}  # name -> package on PyPI
BUDGETS = """
budgets:
  - {id: org, title: Org, period: month, currency: USD, amount: 900000, thresholds: [], cap: hard, owner: ml}
  - {id: team, title: Team, scope: {team: ml}, period: month, currency: USD, amount: 900000, thresholds: [], cap: hard, owner: ml}
  - {id: env, title: Env, scope: {team: ml, environment: staging}, period: month, currency: USD, amount: 900000, thresholds: [],
     cap: hard, owner: ml}
  - {id: ai, title: AI, scope: {provider: OpenAI, service_category: AI and Machine Learning}, period: month, currency: USD,
     amount: 900000, thresholds: [], cap: hard, owner: ml}
"""
NAMES = ("org", "team", "env", "ai")
ASK = {"kind": "ai.request", "requested_by": "max", "environment": "staging", "provider": "OpenAI", "amount": "0.01",
       "currency": "USD", "attributes": {"model": "gpt-5-mini", "max_tokens": 500, "purpose": "a benchmark"}}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Policies:
    """Judgements of ten rules a second, by engine; `ratio`: ours to the fastest peer's."""

    rates: dict[str, float]
    p50_us: dict[str, float]
    p99_us: dict[str, float]
    fastest_peer: str
    ratio: float | None


@dataclass(frozen=True, slots=True)
class Store:
    """One database: microseconds of a bare commit and of a whole decision; reservations a second, one by one and at once."""

    name: str
    bare_p50_us: float
    decision_p50_us: float
    decision_p99_us: float
    decision_ratio: float
    one_by_one: float
    at_once: float
    group_ratio: float


def main() -> int:
    """Print the tables or JSON; 1 when a limit is broken."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    asked.add_argument("--quick", action="store_true", help="a tenth of the rounds: shows that it runs")
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--no-peers", action="store_true")
    given = asked.parse_args()
    rounds = 200 if given.quick else 2_000
    with tempfile.TemporaryDirectory(prefix="fiscus-bench-") as folder:
        policies = _policies(Path(folder) / "peers", peers=not given.no_peers)
        stores = [_store(Path(folder) / "sqlite", "SQLite", "", rounds)]
        with _postgres() as url:
            stores.append(_store(Path(folder) / "postgres", "PostgreSQL", url, rounds))
    broken = _broken(policies, stores)
    if given.json:
        limits = {
            "policy_ratio_min": POLICY_RATIO_MIN,
            "decision_ratio_max": DECISION_RATIO_MAX,
            "group_ratio_min": GROUP_RATIO_MIN,
        }
        body = {
            "bench": "decide",
            **limits,
            "policies": asdict(policies),
            "stores": [asdict(s) for s in stores],
            "broken": broken,
        }
        print(json.dumps(body, indent=2))
    else:
        _print(policies, stores, broken)
    return 1 if broken and not given.quick else 0


def _policies(folder: Path, *, peers: bool) -> Policies:
    """Every engine in turn, and that again, so that a machine whose speed drifts is the same for all; of each its median turn."""
    turns: dict[str, list[dict[str, float]]] = {"fiscus": []}
    for name, package in PEERS.items() if peers else ():
        _install(folder / name, package)
        turns[name] = []
    for _ in range(TURNS):
        turns["fiscus"].append(_ours())
        for name in turns.keys() - {"fiscus"}:
            turns[name].append(_peer(folder / name, name))
    found = {name: sorted(taken, key=lambda one: one["rate"])[TURNS // 2] for name, taken in turns.items()}
    for name, one in found.items():
        if one["matches"] != found["fiscus"]["matches"]:
            raise SystemExit(f"{name} and Fiscus disagree: {one['matches']} and {found['fiscus']['matches']} matches")
    others = [name for name in found if name != "fiscus"]
    fastest = max(others, key=lambda name: found[name]["rate"], default="")
    return Policies(
        {name: one["rate"] for name, one in found.items()},
        {name: one["p50"] for name, one in found.items()},
        {name: one["p99"] for name, one in found.items()},
        fastest,
        found["fiscus"]["rate"] / found[fastest]["rate"] if fastest else None,
    )


def _ours() -> dict[str, float]:
    """As a decision does it: facts in, a result with its reason for every rule out."""
    from tests.fixtures.judging import policy_of

    from fiscus.guardrails.decisions.policy_words import policy_words
    from fiscus.guardrails.policies.policy_set import PolicySet
    from fiscus.guardrails.types import Intent

    rules = [
        policy_of(f"rule-{n}", as_cel(n, ours=True), "ai.request", effect="deny", level="hard") for n in range(RULES)
    ]
    policies, day = PolicySet(tuple(rules)), datetime.now(UTC).date()

    def prepared(question: dict[str, Any]) -> tuple[Intent, dict[str, object]]:
        from decimal import Decimal

        facts = {f"intent.{name}": value for name, value in question.items() if name not in {"amount", "team"}}
        facts |= {
            "intent.amount": question["amount"] * 10**9,
            "intent.currency": "USD",
            "requester.team": question["team"],
        }
        amount = Decimal(question["amount"])
        return Intent("ai.request", "max", question["team"], question["environment"], amount, "USD"), facts

    def judge(question: tuple[Intent, dict[str, object]]) -> Any:
        intent, facts = question
        return policy_words(intent, lambda _: facts, policies, day)

    def denied(words: Any) -> int:
        return sum(result.verdict == "deny" for result in words.results)

    return measured(judge, [prepared(question) for question in questions()], denied)


def _install(folder: Path, package: str) -> None:
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--target",
        str(folder),
    ]
    subprocess.run([*install, package], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _peer(folder: Path, name: str) -> dict[str, float]:
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-m", "bench.decide_peers", name],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


@contextmanager
def _postgres() -> Iterator[str]:
    from tests.fixtures.postgres import start_postgres

    with start_postgres(fsync=True) as server:
        yield server.url


def _store(folder: Path, name: str, url: str, rounds: int) -> Store:
    folder.mkdir()
    ws = _company(folder, url)
    bare = _bare_postgres(url) if url else _bare_sqlite(folder)
    commits, decisions = _in_turn(bare, _deciding(ws), rounds)
    one, many = _reservations(ws, rounds)
    commit, decision = statistics.median(commits), statistics.median(decisions)
    return Store(
        name, commit * 1e6, decision * 1e6, sorted(decisions)[int(len(decisions) * 0.99)] * 1e6, decision / commit,
        one, many, many / one,
    )  # fmt: skip


def _company(folder: Path, url: str) -> Any:
    """A company with the ready policies and four budgets that cover what is asked."""
    from tests.fixtures.company import Settings, open_company
    from tests.fixtures.judging import RULES as OWNERS
    from tests.fixtures.judging import budgets_of
    from tests.fixtures.ledgers import USD, ask, sync

    from fiscus.app.long_lived import now_long_lived
    from fiscus.guardrails.policies.load_policies import library_texts, load_policies
    from fiscus.ownership.load_rules import load_rules

    ws = open_company(folder, Settings(ledger_url=url))
    rules = load_rules(OWNERS, "owners/rules.yaml", ws.config.directory)
    ws = replace(
        ws, config=replace(ws.config, budgets=budgets_of(BUDGETS), policies=load_policies(library_texts()), rules=rules)
    )
    ask(ws.ledger, sync(dict.fromkeys(NAMES, 900_000 * USD)))
    now_long_lived()
    return ws


def _deciding(ws: Any) -> Callable[[], None]:
    from fiscus.flows.decide_intent import decide_intent
    from fiscus.guardrails.decisions.intent import parse_intent

    intent = parse_intent(ASK)

    def decide() -> None:
        assert decide_intent(ws, intent).money_held

    return decide


def _bare_sqlite(folder: Path) -> Callable[[], None]:
    database = sqlite3.connect(folder / "bare.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE bare (id INTEGER PRIMARY KEY, body TEXT)")

    def commit() -> None:
        database.execute("BEGIN IMMEDIATE")
        database.execute("INSERT INTO bare (body) VALUES (?)", ("x" * 200,))
        database.execute("COMMIT")

    return commit


def _bare_postgres(url: str) -> Callable[[], None]:
    import psycopg

    database = psycopg.connect(url, autocommit=True)
    database.execute("CREATE TABLE bare (id BIGSERIAL PRIMARY KEY, body TEXT)")

    def commit() -> None:
        database.execute("BEGIN")
        database.execute("INSERT INTO bare (body) VALUES (%s)", ("x" * 200,))
        database.execute("COMMIT")

    return commit


def _in_turn(first: Callable[[], None], second: Callable[[], None], rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of each, a, b, a, b ..., so that a machine whose speed drifts is the same for both."""
    for _ in range(rounds // 10):
        first()
        second()
    times: tuple[list[float], list[float]] = [], []
    for _ in range(rounds):
        for work, taken in zip((first, second), times, strict=True):
            start = time.perf_counter()
            work()
            taken.append(time.perf_counter() - start)
    return times


def _reservations(ws: Any, rounds: int) -> tuple[float, float]:
    """Reservations over four budgets a second: one caller, and so many tasks of one event loop that wait together."""
    from fiscus.guardrails.ledger.book import fits
    from fiscus.guardrails.ledger.commands import Reserve
    from fiscus.guardrails.ledger.group_commit import AsyncGroupCommit
    from fiscus.guardrails.ledger.types import Hold, account_key
    from fiscus.kernel.quick_records import quickly

    made, asked = quickly(Hold), quickly(Reserve)  # as a decision makes them
    accounts = tuple(sorted(account_key(name, "2026-11") for name in NAMES))
    at, numbers = datetime.now(UTC), iter(range(10**9))

    def command() -> Reserve:
        hold = made(
            f"h{next(numbers)}",
            "held",
            1_000,
            "USD",
            accounts,
            "usage",
            "OpenAI",
            ("key:k",),
            at.date(),
            at,
            at + timedelta(hours=1),
        )
        return asked(hold, fits(1_000))

    start = time.perf_counter()
    for _ in range(rounds):
        ws.ledger.ask(command())
    one = rounds / (time.perf_counter() - start)

    async def caller(group: AsyncGroupCommit, count: int) -> None:
        for _ in range(count):
            await group.ask(command())

    async def together() -> float:
        group = AsyncGroupCommit(ws.ledger.transact)
        begin = time.perf_counter()
        await asyncio.gather(*(caller(group, rounds // 8) for _ in range(AT_ONCE)))
        taken = time.perf_counter() - begin
        group.close()
        return AT_ONCE * (rounds // 8) / taken

    return one, asyncio.run(together())


def _broken(policies: Policies, stores: list[Store]) -> list[str]:
    broken = []
    if policies.ratio is not None and policies.ratio < POLICY_RATIO_MIN:
        broken.append(f"policies {policies.ratio:.1f} times {policies.fastest_peer}, at least {POLICY_RATIO_MIN:.0f}")
    for store in stores:
        if store.decision_ratio > DECISION_RATIO_MAX:
            broken.append(
                f"{store.name}: a decision takes {store.decision_ratio:.2f} bare commits, at most {DECISION_RATIO_MAX:.0f}"
            )
        if store.group_ratio < GROUP_RATIO_MIN:
            broken.append(
                f"{store.name}: {AT_ONCE} at once {store.group_ratio:.1f} times one by one, at least {GROUP_RATIO_MIN:.0f}"
            )
    return broken


def _print(policies: Policies, stores: list[Store], broken: list[str]) -> None:
    print(f"Ten rules, judged for one question{'':24}judgements/s    p50 us    p99 us")
    for name, rate in sorted(policies.rates.items(), key=lambda one: -one[1]):
        print(f"  {name:<56}{rate:>12,.0f}{policies.p50_us[name]:>10.1f}{policies.p99_us[name]:>10.1f}")
    if policies.ratio is not None:
        print(
            f"  {policies.ratio:.1f} times {policies.fastest_peer}, the fastest of them (at least {POLICY_RATIO_MIN:.0f})"
        )
    print()
    print("Store         bare p50 us  decision p50 us   p99 us   ratio   reservations/s: one   64 at once   ratio")
    for s in stores:
        print(
            f"{s.name:<14}{s.bare_p50_us:>11.0f}{s.decision_p50_us:>17.0f}{s.decision_p99_us:>9.0f}{s.decision_ratio:>8.2f}"
            f"{s.one_by_one:>22,.0f}{s.at_once:>13,.0f}{s.group_ratio:>8.1f}"
        )
    at_once = f"{AT_ONCE} at once at least {GROUP_RATIO_MIN:.0f} times one by one"
    print(f"Limits: decision at most {DECISION_RATIO_MAX:.1f} bare commits, {at_once}.")
    for line in broken:
        print(f"BROKEN {line}")


if __name__ == "__main__":
    sys.exit(main())
