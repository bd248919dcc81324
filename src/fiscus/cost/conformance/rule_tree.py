"""Composite rules hand their condition and their criteria down; their own verdict comes up from the rules below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fiscus.cost.conformance.load_rules import stem
from fiscus.cost.conformance.types import Check, Outcome, Rule, Verdict

NOBODY: Final[tuple[Check, ...]] = ()


@dataclass(frozen=True, slots=True)
class Inherited:
    """What the composites above a rule ask of a row and of a vendor before the rule speaks."""

    conditions: tuple[Check, ...] = NOBODY
    criteria: frozenset[str] = frozenset()


def inherited(rules: Sequence[Rule]) -> Mapping[str, Inherited]:
    """By rule id, over all composites that lead to it. Rules of other columns are not reached: a column's own tree ends there."""
    by_id = {rule.id: rule for rule in rules}
    found: dict[str, Inherited] = {}
    for rule in rules:
        if rule.function == "Composite" and rule.kind != "Dataset":
            _hand_down(rule, by_id, found)
    return found


def _hand_down(rule: Rule, by_id: Mapping[str, Rule], found: dict[str, Inherited]) -> None:
    for child in (by_id[name] for name in parts(rule.check) if name in by_id):
        if child.entity.removesuffix("Object") != rule.entity.removesuffix("Object"):
            continue
        before = found.get(child.id, Inherited())
        mine = found.get(rule.id, Inherited())
        own = (rule.when,) if rule.when is not None else NOBODY
        conditions = tuple(c for c in (*mine.conditions, *own) if c not in before.conditions)
        after = Inherited(before.conditions + conditions, before.criteria | mine.criteria | frozenset(rule.criteria))
        if after != before:
            found[child.id] = after
            if child.function == "Composite":
                _hand_down(child, by_id, found)


def parts(check: Check) -> Iterator[str]:
    """Ids of the rules that a composite is made of."""
    if isinstance(check, str):
        yield check
    elif isinstance(check, list) and check[0] in {"AND", "OR"}:
        for part in check[1:]:
            yield from parts(part)  # type: ignore[arg-type]  # operands of AND and OR are checks


@dataclass(frozen=True, slots=True)
class Summary:
    """What the rules below a composite add up to."""

    outcome: Outcome
    broken: int
    judged: int
    reason: str


def summary(rule: Rule, below: Sequence[Verdict]) -> Summary:
    """A composite fails when a binding rule below fails, and waits for data when one waits; SHOULD and MAY do not bind it."""
    binding = [v for v in below if v.severity == "error"] if rule.severity == "error" else list(below)
    failed = [v for v in binding if v.outcome == "fail"]
    passed = [v for v in below if v.outcome == "pass"]
    judged = max((v.judged for v in below), default=0)
    either = isinstance(rule.check, list) and rule.check[0] == "OR"
    if failed and not (either and passed):
        return Summary(
            "fail", max(v.broken for v in failed), judged, "broken below: " + ", ".join(v.rule for v in failed[:5])
        )
    waiting = [v for v in binding if v.outcome == "needs_data"]
    if waiting and not (either and passed):
        return Summary("needs_data", 0, judged, "waits for " + ", ".join(v.rule for v in waiting[:5]))
    if passed:
        return Summary("pass", 0, judged, "")
    return Summary("not_applicable", 0, 0, "no rule below it applies to this delivery")


def depends_on(rule: Rule, rules: Sequence[Rule]) -> tuple[str, ...]:
    """Ids of the rules whose verdicts a composite, or a rule that only points at others, is made of."""
    if rule.execution is not None and rule.execution.method == "follows":
        wanted = set(rule.execution.holds.split())
        return tuple(other.id for other in rules if stem(other.id) in wanted)
    known = {other.id for other in rules}
    return tuple(name for name in parts(rule.check) if name in known)
