"""Promise: one condition, one meaning. The closure, the SQL over the charges and Google's own CEL answer alike."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.property.asked_charges import COLUMN, Charges, Oracle
from tests.property.drawn_conditions import CHARGES, Drawn, Rolling, conditions, facts_given

from fiscus.guardrails.policies.check_condition import check_condition
from fiscus.guardrails.policies.compile_closure import compile_closure
from fiscus.guardrails.policies.compile_sql import compile_sql
from fiscus.guardrails.policies.condition import Node

PAIRS = int(os.environ.get("FISCUS_PROPERTY_PAIRS") or 100_000)
SEED = int(os.environ.get("FISCUS_PROPERTY_SEED") or 20261120)
ROWS = 200  # charges that one condition is asked about


@pytest.fixture(scope="module")
def charged():
    with Charges() as charges:
        yield charges


def _checked(text: str) -> Node:
    return check_condition(text, "charge", lambda message, remedy: AssertionError(f"{message} {remedy}: {text}"))


BARE: dict[str, Any] = dict.fromkeys(COLUMN) | {"charge.team": "unowned", "charge.currency": "USD"}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
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
