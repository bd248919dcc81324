"""The tests beside a policy, run on what judges: the closure (intents, budgets), the SQL (charges), and the verdict."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, cast

from fiscus.guardrails.policies.compile_closure import Result
from fiscus.guardrails.policies.compile_sql import quoted
from fiscus.guardrails.policies.contribution import contribution, day_asked
from fiscus.guardrails.policies.facts import Fact, facts_of
from fiscus.guardrails.policies.observed_sql import InSql
from fiscus.guardrails.policies.policy_set import CompiledPolicy, PolicyTest
from fiscus.guardrails.types import INTENT_KINDS
from fiscus.kernel.money import from_nanos
from fiscus.kernel.rows import Query, Rows

_ANSWER: Final[Mapping[object, Result]] = {True: "match", False: "no_match", None: "error"}
_PLAIN: Final = {"int": "BIGINT", "bool": "BOOLEAN"}
_NUMBER: Final = {"money": "DECIMAL(28,12)", "quantity": "DECIMAL(38,18)"}


def closure_failures(compiled: CompiledPolicy) -> tuple[str, ...]:
    """Tests whose result, or whose verdict where one is expected, is another one."""
    failures = []
    for test in compiled.tests:
        result, why = compiled.closures[test.target](test.given)
        if result != test.expect:
            failures.append(_failure(compiled, test, f"{result} ({why})" if why else result))
        elif test.expect_verdict and test.target in INTENT_KINDS:
            verdict = contribution(compiled, test.target, result, test.given, day_asked(test.given)).verdict
            if verdict != test.expect_verdict:
                failures.append(_failure(compiled, test, f"verdict {verdict}", f"verdict {test.expect_verdict}"))
    return tuple(failures)


def sql_tests_query(compiled: CompiledPolicy, target: InSql) -> Query | None:
    """The policy's SQL over one row a test on `target`: (test, answer). None without such tests."""
    tests = _on(compiled, target)
    if not tests:
        return None
    rows = "\nUNION ALL ".join(
        f"SELECT {number} AS test, {_row(test.given, target)}" for number, test in enumerate(tests)
    )
    condition = compiled.charge_sql if target == "charge" else compiled.resource_sql
    return Query(f"SELECT test, {condition} AS answer FROM (\n{rows}\n) ORDER BY test", {})


def sql_failures(compiled: CompiledPolicy, rows: Rows, target: InSql) -> tuple[str, ...]:
    """Tests whose answer to `sql_tests_query` is not the one expected."""
    tests, answers = _on(compiled, target), [_ANSWER[cast("bool | None", row[1])] for row in rows.rows]
    return tuple(
        _failure(compiled, test, f"{answer} over the {target}s")
        for test, answer in zip(tests, answers, strict=True)
        if answer != test.expect
    )


def charge_tests_query(compiled: CompiledPolicy) -> Query | None:
    """`sql_tests_query` of charges."""
    return sql_tests_query(compiled, "charge")


def charge_failures(compiled: CompiledPolicy, rows: Rows) -> tuple[str, ...]:
    """`sql_failures` of charges."""
    return sql_failures(compiled, rows, "charge")


def _on(compiled: CompiledPolicy, target: InSql) -> list[PolicyTest]:
    return [test for test in compiled.tests if test.target == target]


def _failure(compiled: CompiledPolicy, test: PolicyTest, got: str, expected: str = "") -> str:
    return f"{compiled.policy.file}, line {test.line}: expected {expected or test.expect}, got {got}"


def _row(given: Mapping[str, object], target: InSql) -> str:
    """A row with the given facts: texts that are not given are empty, all else that is not given is NULL."""
    columns: dict[str, str] = {}
    for fact in facts_of(target).values():
        if fact.column is not None and (fact.name in given or fact.column not in columns):
            columns[fact.column] = f'{_literal(fact, given.get(fact.name))} AS "{fact.column}"'
    return ", ".join(columns.values())


def _literal(fact: Fact, value: object) -> str:
    if fact.type in _NUMBER:
        number = "NULL" if value is None else quoted(f"{from_nanos(cast('int', value)):f}")
        return f"CAST({number} AS {_NUMBER[fact.type]})"
    if fact.type == "map":
        held = cast("Mapping[str, str]", value or {})
        if fact.name == "charge.details":
            return quoted(json.dumps(dict(held))) if held else "CAST(NULL AS VARCHAR)"
        pairs = ", ".join(f"{quoted(key)}: {quoted(item)}" for key, item in held.items())
        return f"MAP {{{pairs}}}" if pairs else "CAST(NULL AS MAP(VARCHAR, VARCHAR))"
    if fact.type in _PLAIN:
        return f"CAST({'NULL' if value is None else str(value).lower()} AS {_PLAIN[fact.type]})"
    return quoted(str(value or ""))
