"""The same rules in cedarpy, cel-python and regorus, each alone in a process: `python -m bench.decide_peers NAME`, JSON out.

Everything that can be prepared is: policies parsed, entities loaded, programs built. What is timed is one judgement of all ten
rules of one question, over and over. Run as a module, with PYTHONPATH of the peer's own folder.
"""

# ruff: noqa: PLC0415 - one process loads one peer
from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from bench.decide_rules import RULES, as_cedar, as_cel, as_rego, questions

SECONDS = 0.6
ROUNDS_MIN = 2
SAMPLED = 60  # questions of a round that are timed one by one


def _cedar() -> Callable[[dict[str, Any]], Any]:
    import cedarpy

    policies = cedarpy.PolicySet.from_str(as_cedar())
    entities = cedarpy.Entities.from_json_str("[]")
    asked = {"principal": 'User::"max"', "action": 'Action::"ask"', "resource": 'Model::"m"'}

    def judge(question: dict[str, Any]) -> int:
        answer = cedarpy.is_authorized({**asked, "context": question}, policies, entities)
        return 0 if answer.decision == cedarpy.Decision.Allow else len(answer.diagnostics.reasons)

    return judge


def _cel() -> Callable[[dict[str, Any]], int]:
    import celpy

    environment = celpy.Environment()
    programs = [environment.program(environment.compile(as_cel(n, ours=False))) for n in range(RULES)]

    def judge(question: dict[str, Any]) -> int:
        facts = celpy.json_to_cel(question)
        return sum(bool(program.evaluate(facts)) for program in programs)

    return judge


def _rego() -> Callable[[dict[str, Any]], int]:
    import regorus

    engine = regorus.Engine()
    engine.add_policy("spend.rego", as_rego())

    def judge(question: dict[str, Any]) -> int:
        engine.set_input(question)
        return len(engine.eval_rule("data.spend.deny"))

    return judge


def main() -> None:
    """Print {rate, p50, p99, matches}: judgements a second, microseconds, rules that matched over all questions once."""
    judge = {"cedarpy": _cedar, "cel-python": _cel, "regorus": _rego}[sys.argv[1]]()
    print(json.dumps(measured(judge, questions())))


def measured(judge: Callable[[Any], Any], asked: list[Any], matched: Callable[[Any], int] = int) -> dict[str, float]:
    """All questions in turn, again and again for SECONDS; `matched` counts the rules that an answer names.

    The rate is that of the median round, so that a machine that does something else for a moment counts for nobody.
    """
    matches = sum(matched(judge(one)) for one in asked)
    rounds, times = list[float](), list[float]()
    until = time.perf_counter() + SECONDS
    while len(rounds) < ROUNDS_MIN or time.perf_counter() < until:
        begin = time.perf_counter()
        for one in asked:
            judge(one)
        rounds.append(time.perf_counter() - begin)
        for one in asked[:: len(asked) // SAMPLED]:
            start = time.perf_counter()
            judge(one)
            times.append(time.perf_counter() - start)
    times.sort()
    return {
        "rate": len(asked) / statistics.median(rounds),
        "p50": statistics.median(times) * 1e6,
        "p99": times[int(len(times) * 0.99)] * 1e6,
        "matches": matches,
    }


if __name__ == "__main__":
    main()
