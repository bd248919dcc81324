"""Exceptions of a policy: who may do what it asks others not to, for whom somebody answers, until a day.

Of several that apply, the most specific counts: the one that pins down the most facts. A fact is pinned by `==` or `in` with
something written out; over terms joined by && they add up, of terms joined by || only those count that all of them pin, and
whatever else a condition says pins nothing. Of equally specific ones the one that weakens least counts. So the order in which
they are written does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from fiscus.guardrails.policies.check_condition import Refuse, check_condition
from fiscus.guardrails.policies.clauses import read_day
from fiscus.guardrails.policies.compile_closure import cel_text, compile_closure
from fiscus.guardrails.policies.compile_sql import compile_sql
from fiscus.guardrails.policies.condition import All, Compare, Constant, FactValue, InTexts, MapValue, Node, OneOf
from fiscus.guardrails.policies.condition import Any as AnyOf
from fiscus.guardrails.policies.contribution import weakened
from fiscus.guardrails.policies.facts import fact_remedy, facts_of
from fiscus.guardrails.policies.policy_set import CompiledException
from fiscus.guardrails.types import OBSERVED, VERDICTS, Effect, Level, Policy, PolicyException, PolicyTarget
from fiscus.kernel.documents import Document, Path

EFFECTS: Final[tuple[Effect, ...]] = ("allow", "warn", "act", "degrade", "require_approval", "deny")  # weakest first
LEVELS: Final[tuple[Level, ...]] = ("observe", "warn", "soft", "hard")
IN_SQL: Final = ("charge", "resource")
"""Targets whose conditions run in the lake."""


def read_exceptions(
    document: Document, path: Path, items: Sequence[Mapping[str, Any]], policy: Policy
) -> tuple[PolicyException, ...]:
    """The `exceptions` of a policy. BadConfig with its line for one that weakens nothing, or that has no condition."""
    return tuple(_read(document, (*path, number), item, policy) for number, item in enumerate(items))


def _read(document: Document, path: Path, item: Mapping[str, Any], policy: Policy) -> PolicyException:
    if ("when" in item) == ("match" in item):
        raise document.error(path, "An exception has either when or match", "Write match: {team: ml}, or a condition.")
    level = cast("Level", item.get("level", policy.level))
    effect = cast("Effect", item.get("effect", policy.effect if "level" in item else "allow"))
    stronger = EFFECTS.index(effect) > EFFECTS.index(policy.effect) or LEVELS.index(level) > LEVELS.index(policy.level)
    if stronger or (effect, level) == (policy.effect, policy.level):
        message = f"The exception asks for {effect} at level {level}, which is no weaker than the policy itself"
        raise document.error(path, message, "Leave effect and level out, or write weaker ones.")
    return PolicyException(
        when={
            target: item.get("when") or _spelt_out(document, path, item["match"], target) for target in policy.targets
        },
        owner=item["owner"],
        reason=item["reason"],
        until=read_day(document, (*path, "until"), item["until"]),
        effect=effect,
        level=level,
        line=document.line(path),
    )


def compile_exceptions(policy: Policy, target: PolicyTarget, refuse: Sequence[Refuse]) -> tuple[CompiledException, ...]:
    """Those of one target, in the order of precedence. `refuse`: one an exception, for what it cannot mean."""
    compiled = []
    for number, exception in enumerate(policy.exceptions, 1):
        node = check_condition(exception.when[target], target, refuse[number - 1])
        sql = compile_sql(node) if target in IN_SQL else ""
        compiled.append(CompiledException(exception, number, node, compile_closure(node), sql))
    return tuple(sorted(compiled, key=_precedence))


def _precedence(one: CompiledException) -> tuple[int, int, int, str, str]:
    exception = one.exception
    strength = VERDICTS.index(weakened(exception.effect, exception.level)), EFFECTS.index(exception.effect)
    return -len(pinned(one.node)), -strength[0], -strength[1], exception.until.isoformat(), exception.reason


def pinned(node: Node) -> frozenset[str]:
    """The facts that the condition pins down; their number is how specific it is."""
    match node:
        case All(terms):
            return frozenset().union(*(pinned(term) for term in terms))
        case AnyOf(terms):
            first, *rest = (pinned(term) for term in terms)
            return first.intersection(*rest)
        case Compare("==", left, Constant()):
            return _fact(left)
        case Compare("==", Constant(), right):
            return _fact(right)
        case OneOf(item, _):
            return _fact(item)
        case InTexts(Constant(), fact):
            return frozenset({fact.name})
        case _:
            return frozenset()


def _fact(node: Node) -> frozenset[str]:
    match node:
        case FactValue(fact):
            return frozenset({fact.name})
        case MapValue(fact, key):
            return frozenset({f"{fact.name}.{key}"})
        case _:
            return frozenset()


def _spelt_out(document: Document, path: Path, match: Mapping[str, Any], target: PolicyTarget) -> str:
    """`{team: ml, tag:tier: [a, b]}` as CEL over the facts of `target`: all must hold, of a list any."""
    return " && ".join(_term(document, (*path, "match", key), key, given, target) for key, given in match.items())


def _term(document: Document, path: Path, key: str, given: object, target: PolicyTarget) -> str:
    root = target if target in OBSERVED else "intent"
    values = [cel_text(str(value)) for value in (given if isinstance(given, list) else [given])]
    listed = f"[{', '.join(values)}]"
    if key.startswith("tag:"):
        tags, tag = f"{root}.tags", cel_text(key.removeprefix("tag:"))
        if tags not in facts_of(target):
            raise document.error(path, f"{target} has no tags", fact_remedy(f"{root}.{key}", target))
        return f"{tag} in {tags} && {tags}[{tag}] in {listed}"
    name = key if "." in key else f"{root}.{key}"
    fact = facts_of(target).get(name)
    if fact is None or fact.type not in {"text", "texts"}:
        message = f"{name} is no text of {target}"
        raise document.error(path, message, f"{fact_remedy(name, target)} Anything else is written with when.")
    if fact.type == "texts":
        return "(" + " || ".join(f"{value} in {name}" for value in values) + ")"
    return f"{name} in {listed}" if len(values) > 1 else f"{name} == {values[0]}"
