"""Promise: one condition, one meaning. The closure, the SQL over the charges and Google's own CEL answer alike."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Mapping
from datetime import date
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.fixtures.effort import some
from tests.property.asked_charges import COLUMN, Charges, Oracle
from tests.property.drawn_conditions import CHARGES, Drawn, Rolling, conditions, facts_given

from fiscus.guardrails.findings.find_subjects import left_of
from fiscus.guardrails.policies.check_condition import check_condition
from fiscus.guardrails.policies.compile_closure import compile_closure
from fiscus.guardrails.policies.compile_sql import compile_sql
from fiscus.guardrails.policies.condition import Node
from fiscus.guardrails.policies.load_policies import load_policies
from fiscus.guardrails.policies.observed_sql import as_excepted, exception_sql, matched_sql

PAIRS = int(os.environ.get("FISCUS_PROPERTY_PAIRS") or some(100_000))
SEED = int(os.environ.get("FISCUS_PROPERTY_SEED") or 20261120)
AS_OF = date(2026, 11, 20)
ROWS = 200  # charges that one condition is asked about


@pytest.fixture(scope="module")
def charged():
    with Charges() as charges:
        yield charges


def _checked(text: str) -> Node:
    return check_condition(text, "charge", lambda message, remedy: AssertionError(f"{message} {remedy}: {text}"))


BARE: dict[str, Any] = dict.fromkeys(COLUMN) | {"charge.team": "unowned", "charge.currency": "USD"}


@settings(
    max_examples=some(300), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(condition=conditions(), charges=st.lists(CHARGES, min_size=1, max_size=3))
@example(Drawn('(charge.details["*"] == "a")', '(charge.details["*"] == "a")'), [BARE | {"charge.details": {"é": "a"}}])
@example(Drawn('(charge.ServiceName == "")', '(charge.ServiceName == "")'), [BARE])
def test_closure_sql_and_cel_answer_alike(charged: Charges, condition: Drawn, charges: list[Mapping[str, Any]]) -> None:
    node = _checked(condition.policy)
    closure = compile_closure(node)
    charged.put(charges)
    google = Oracle(condition.plain)
    for charge, answer in zip(charges, charged.answers(compile_sql(node)), strict=True):
        facts = facts_given(charge)
        said, why = closure(facts)
        assert (said, answer) == (google.answer(charge, facts),) * 2, why
        assert bool(why) == (said == "error")


def test_a_hundred_thousand_pairs_of_condition_and_charge_are_answered_alike(charged: Charges) -> None:
    """Repeat one with FISCUS_PROPERTY_SEED, more of them with FISCUS_PROPERTY_PAIRS."""
    rolling, policies = Rolling(Random(SEED)), max(PAIRS // ROWS, 1)
    blocks = [[rolling.charge() for _ in range(ROWS)] for _ in range(policies)]
    charged.put(*blocks)
    given = [[(charge, facts_given(charge)) for charge in block] for block in blocks]
    asked, pairs = Counter[str](), 0
    for number, block in enumerate(given):
        condition = rolling.condition()
        node = _checked(condition.policy)
        closure, google = compile_closure(node), Oracle(condition.plain)
        for (charge, facts), answer in zip(block, charged.answers(compile_sql(node), number), strict=True):
            said, why = closure(facts)
            right = google.answer(charge, facts)
            if not said == answer == right:
                told = f"closure {said} ({why}), SQL {answer}, CEL {right}: {condition.policy} of {charge}"
                pytest.fail(f"seed {SEED}, policy {number}: {told}")
            asked[said] += 1
            pairs += 1
    sys.stdout.write(f"{pairs:,} pairs of condition and charge answered alike three ways, seed {SEED}: {dict(asked)}\n")
    assert pairs >= policies * ROWS
    assert min(asked.values()) > pairs // 50  # each of the three answers is really met


def test_exceptions_leave_the_same_of_a_policy_in_sql_and_as_a_function(charged: Charges) -> None:
    """Policies with up to four exceptions, some of which excuse and some of which weaken, over 200 charges each."""
    rolling, random, left = Rolling(Random(SEED + 1)), Random(SEED + 2), Counter[int]()
    block = [rolling.charge() for _ in range(ROWS)]
    charged.put(block)
    for number in range(60):
        written = [rolling.condition().policy for _ in range(random.randint(1, 4))]
        exceptions = [
            {"when": when, "owner": "x", "reason": str(n), "until": random.choice(("2026-11-19", "2026-11-20"))}
            | random.choice(({}, {"effect": "warn"}, {"level": "warn"}))
            for n, when in enumerate(written)
        ]
        policy = {
            "id": "p", "title": "T", "on": ["charge"], "when": rolling.condition().policy, "level": "soft", "on_error": "hold",
            "effect": "act", "action": "aws.ec2.stop", "reason": "R", "remedy": "M", "owner": "x", "exceptions": exceptions,
        }  # fmt: skip
        (compiled,) = load_policies({"policies/p.yaml": yaml.safe_dump({"policies": [policy]})})
        matched, excepted = (sql(compiled, "charge", AS_OF) for sql in (matched_sql, exception_sql))
        answers = charged.answers(matched)
        numbers = charged.values(excepted)
        for charge, answer, by_sql in zip(block, answers, numbers, strict=True):
            facts = facts_given(charge)
            result, _ = compiled.closures["charge"](facts)
            policy_left = left_of(compiled, "charge", result, facts, AS_OF)
            assert (answer == "no_match") == (policy_left is None), f"seed {SEED}, policy {number}: {charge}"
            if policy_left is not None:
                assert answer == result
                assert as_excepted(compiled.policy, int(by_sql)) == policy_left
                left[int(by_sql)] += 1
    assert left[0]
    assert left.total() - left[0] > 100  # exceptions that weaken were really met
