"""Promise: one condition, one meaning. The closure, the SQL over the charges and Google's own CEL answer alike."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import duckdb
import pytest
from cel_expr_python import cel
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.property.drawn_conditions import (
    CHARGES,
    MAPS,
    NUMBERS,
    TEXT_FACTS,
    Drawn,
    TooLarge,
    conditions,
    facts_given,
)

from fiscus.cost.columns import FOCUS_1_4, SQL_TYPE
from fiscus.guardrails.policies.check_condition import check_condition
from fiscus.guardrails.policies.compile_closure import compile_closure
from fiscus.guardrails.policies.compile_sql import compile_sql
from fiscus.guardrails.policies.condition import Node
from fiscus.guardrails.policies.facts import facts_of

ANSWER = {True: "match", False: "no_match", None: "error"}
COLUMN = {name: facts_of("charge")[name].column for name in (*TEXT_FACTS, *NUMBERS, *MAPS)}
TYPES = {column.name: SQL_TYPE[column.type] for column in FOCUS_1_4} | {"x_Team": "VARCHAR"}


@pytest.fixture(scope="module")
def db():
    connection = duckdb.connect()
    connection.execute("SET threads=1; SET TimeZone='UTC'")
    columns = ", ".join(f'"{column}" {TYPES[column]}' for column in COLUMN.values())
    connection.execute(f"CREATE TABLE charges (number INTEGER, {columns})")
    yield connection
    connection.close()


def _checked(text: str) -> Node:
    return check_condition(text, "charge", lambda message, remedy: AssertionError(f"{message} {remedy}: {text}"))


def _sql_answers(db: duckdb.DuckDBPyConnection, node: Node, charges: list[Mapping[str, Any]]) -> list[str]:
    """What the lake's engine says of each charge; all of them in one vector, as they are in a bill."""
    db.execute("DELETE FROM charges")
    for number, charge in enumerate(charges):
        row = {**charge, "charge.details": json.dumps(charge["charge.details"]) if charge["charge.details"] else None}
        marks = ", ".join("?" for _ in COLUMN)
        db.execute(f"INSERT INTO charges VALUES (?, {marks})", [number, *(row[name] for name in COLUMN)])
    answers = db.execute(f"SELECT {compile_sql(node)} FROM charges ORDER BY number").fetchall()
    return [ANSWER[answer] for (answer,) in answers]


def _google(charge: Mapping[str, Any], facts: Mapping[str, object]) -> dict[str, object]:
    """The charge for plain CEL: texts and maps always there, a number that is missing or too large not there at all."""
    data: dict[str, object] = {name: facts.get(name, "") for name in TEXT_FACTS}
    data |= {name: {key: text for key, text in (charge[name] or {}).items() if text is not None} for name in MAPS}
    data |= {name: facts[name] for name in NUMBERS if name in facts and not isinstance(facts[name], TooLarge)}
    return data | {f"given.{name.partition('.')[2]}": name in facts for name in NUMBERS}


def _environment() -> Any:
    kinds = dict.fromkeys(TEXT_FACTS, cel.Type.STRING) | dict.fromkeys(NUMBERS, cel.Type.INT)
    kinds |= {name: cel.Type.Map(cel.Type.STRING, cel.Type.STRING) for name in MAPS}
    return cel.NewEnv(variables=kinds | {f"given.{name.partition('.')[2]}": cel.Type.BOOL for name in NUMBERS})


GOOGLE = _environment()


def _oracle(plain: str, charge: Mapping[str, Any], facts: Mapping[str, object]) -> str:
    answer = GOOGLE.compile(plain).eval(data=_google(charge, facts)).plain_value()
    return ANSWER[answer] if isinstance(answer, bool) else "error"


BARE: dict[str, Any] = dict.fromkeys(COLUMN) | {"charge.team": "unowned", "charge.currency": "USD"}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(condition=conditions(), charges=st.lists(CHARGES, min_size=1, max_size=3))
@example(Drawn('(charge.details["*"] == "a")', '(charge.details["*"] == "a")'), [BARE | {"charge.details": {"é": "a"}}])
@example(Drawn('(charge.ServiceName == "")', '(charge.ServiceName == "")'), [BARE])
def test_closure_sql_and_cel_answer_alike(
    db: duckdb.DuckDBPyConnection, condition: Drawn, charges: list[Mapping[str, Any]]
) -> None:
    node = _checked(condition.policy)
    closure = compile_closure(node)
    by_sql = _sql_answers(db, node, charges)
    for charge, answer in zip(charges, by_sql, strict=True):
        facts = facts_given(charge)
        said, why = closure(facts)
        assert (said, answer) == (_oracle(condition.plain, charge, facts),) * 2, why
        assert bool(why) == (said == "error")
