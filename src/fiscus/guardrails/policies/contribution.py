"""What one policy adds to a verdict: its effect, or what an error means, as far as its level and its exceptions let it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Final

from fiscus.guardrails.policies.compile_closure import Facts, Result
from fiscus.guardrails.policies.policy_set import CompiledException, CompiledPolicy
from fiscus.guardrails.types import VERDICTS, Effect, Level, OnError, PolicyTarget, Verdict

STRONGEST: Final[Mapping[Level, Verdict]] = {
    "observe": "allow", "warn": "warn", "soft": "require_approval", "hard": "deny",
}  # fmt: skip
ON_ERROR: Final[Mapping[OnError, Verdict]] = {"allow": "allow", "hold": "require_approval", "deny": "deny"}


@dataclass(frozen=True, slots=True)
class Contribution:
    """The verdict that a policy adds, and the exception that weakened it. `unread`: why exceptions could not be judged."""

    verdict: Verdict
    exception: CompiledException | None = None
    unread: tuple[str, ...] = ()


@cache
def weakened(asked_for: Effect, level: Level) -> Verdict:
    """`asked_for`, but never stronger than `level` allows. Acting is for what is there already: of an intent it asks nothing."""
    wanted: Verdict = "allow" if asked_for == "act" else asked_for
    return min(wanted, STRONGEST[level], key=VERDICTS.index)


def contribution(
    compiled: CompiledPolicy, target: PolicyTarget, result: Result, facts: Facts, day: date
) -> Contribution:
    """Of a match its effect, of an error its `on_error`, of neither nothing; an exception that applies is the most of it."""
    if result == "no_match":
        return Contribution("allow")
    policy = compiled.policy
    wanted = weakened(policy.effect if result == "match" else ON_ERROR[policy.on_error], policy.level)
    if not compiled.exceptions:
        return Contribution(wanted)
    exception, unread = exception_for(compiled, target, facts, day)
    if exception is None:
        return Contribution(wanted, unread=unread)
    at_most = weakened(exception.exception.effect, exception.exception.level)
    return Contribution(min(wanted, at_most, key=VERDICTS.index), exception, unread)


def exception_for(
    compiled: CompiledPolicy, target: PolicyTarget, facts: Facts, day: date
) -> tuple[CompiledException | None, tuple[str, ...]]:
    """The first exception in the order of precedence that is in force and applies; why those before it had no answer."""
    unread: list[str] = []
    for candidate in compiled.exceptions.get(target, ()):
        if day > candidate.exception.until:
            continue
        result, why = candidate.closure(facts)
        if result == "match":
            return candidate, tuple(unread)
        if result == "error":
            unread.append(why)
    return None, tuple(unread)


def day_asked(facts: Facts) -> date:
    """The day `now.date` of the facts; before any exception ends where they do not say."""
    try:
        return date.fromisoformat(str(facts.get("now.date", "")))
    except ValueError:
        return date.min
