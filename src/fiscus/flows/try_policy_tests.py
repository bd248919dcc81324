"""The tests beside policies, run on both of what judges: the function, and for charges and resources the SQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fiscus.guardrails.policies.observed_sql import InSql
from fiscus.guardrails.policies.policy_set import PolicySet
from fiscus.guardrails.policies.probe_policies import closure_failures, sql_failures, sql_tests_query
from fiscus.kernel.rows import Rows

IN_SQL: Final[tuple[InSql, ...]] = ("charge", "resource")


@dataclass(frozen=True, slots=True)
class PolicyTried:
    """How the tests of one policy went. `failures` say file, line, what was expected and what was got."""

    policy_id: str
    file: str
    line: int
    tests: int
    failures: tuple[str, ...]
    detector: str


def try_policy_tests(policies: PolicySet, ask: Callable[[str], Rows]) -> tuple[PolicyTried, ...]:
    """Each policy once, in the order of their ids; `ask` runs SQL over constants, which reads no file."""
    tried = []
    for compiled in policies:
        failures = closure_failures(compiled)
        for target in IN_SQL:
            if (query := sql_tests_query(compiled, target)) is not None:
                failures += sql_failures(compiled, ask(query.sql), target)
        policy = compiled.policy
        tried.append(
            PolicyTried(policy.id, policy.file, policy.line, len(compiled.tests), failures, policy.detector or "")
        )
    return tuple(tried)
