"""Exceptions whose last day has passed: they are ignored, and whoever answers for them is told."""

from __future__ import annotations

from datetime import date
from typing import Final

from fiscus.guardrails.policies.policy_set import CompiledPolicy
from fiscus.guardrails.types import Finding, PolicyException
from fiscus.kernel.ids import content_id
from fiscus.kernel.money import ZERO

KIND: Final = "exception_expired"


def find_expired(compiled: CompiledPolicy, as_of: date, currency: str, lake_version: str) -> tuple[Finding, ...]:
    """One finding an exception that has ended, without money; gone when it is renewed or taken out."""
    ended = [exception for exception in compiled.policy.exceptions if as_of > exception.until]
    return tuple(_finding(compiled, exception, as_of, currency, lake_version) for exception in ended)


def _finding(
    compiled: CompiledPolicy, exception: PolicyException, as_of: date, currency: str, lake_version: str
) -> Finding:
    policy = compiled.policy
    what = next(iter(exception.when.values()), "")
    return Finding(
        id=content_id("fnd", KIND, policy.id, {"when": exception.when, "until": exception.until}),
        kind=KIND, policy_id=policy.id, policy_version=policy.version, level=policy.level,
        title=f"An exception ended on {exception.until} and is ignored: {policy.title}",
        detail=f"{what}: {exception.reason} Renew it in {policy.file}, line {exception.line}, or take it out.",
        amount=ZERO, currency=currency, owner=exception.owner, team="", environment="", period_label=str(as_of),
        first_seen=exception.until, last_seen=as_of, rows=0, query="", params={}, lake_version=lake_version,
    )  # fmt: skip
