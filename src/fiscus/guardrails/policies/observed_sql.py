"""What a policy and its exceptions mean together, as the SQL of one row: whether it matches, and which exception weakens it.

As in the closure, the first exception by precedence that is in force and holds counts; one without an answer does not.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Literal

from fiscus.guardrails.policies.policy_set import CompiledException, CompiledPolicy
from fiscus.guardrails.types import Policy

InSql = Literal["charge", "resource"]


def matched_sql(compiled: CompiledPolicy, target: InSql, day: date) -> str:
    """True, false or NULL (an error); false where an exception asks for nothing at all."""
    condition = compiled.charge_sql if target == "charge" else compiled.resource_sql
    if compiled.policy.effect == "allow":
        return f"(CASE WHEN {condition} IS NULL THEN NULL ELSE false END)"
    return _first(compiled, target, day, {True: "false", False: condition}, condition)


def exception_sql(compiled: CompiledPolicy, target: InSql, day: date) -> str:
    """The number of the exception that weakens what matches, 0 where none does."""
    return _first(compiled, target, day, {True: "0", False: "{number}"}, "0")


def _first(compiled: CompiledPolicy, target: InSql, day: date, answers: dict[bool, str], otherwise: str) -> str:
    tests = [one for one in compiled.exceptions.get(target, ()) if day <= one.exception.until]
    if not tests:
        return otherwise
    cases = (f"WHEN {one.sql} THEN {_answer(one, answers)}" for one in tests)
    return f"(CASE {' '.join(cases)} ELSE {otherwise} END)"


def _answer(one: CompiledException, answers: dict[bool, str]) -> str:
    return answers[excuses(one)].replace("{number}", str(one.number))


def excuses(one: CompiledException | None) -> bool:
    """Whether nothing is left of what the policy asks for."""
    return one is not None and one.exception.effect == "allow"


def as_excepted(policy: Policy, number: int) -> Policy:
    """The policy as its exception `number` (0: none) leaves it: another level, or no action."""
    if number == 0:
        return policy
    exception = policy.exceptions[number - 1]
    return replace(policy, level=exception.level, action=policy.action if exception.effect == "act" else None)
