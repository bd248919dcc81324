"""Warnings about policies that load: what they say is allowed, and still cannot be what was meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

from fiscus.guardrails.lint.settled import settled
from fiscus.guardrails.lint.types import Known, LintFinding, Severity
from fiscus.guardrails.policies.condition import All, Compare, Constant, FactValue, Node, OneOf, walk
from fiscus.guardrails.policies.contribution import weakened
from fiscus.guardrails.policies.facts import Fact
from fiscus.guardrails.policies.policy_set import CompiledPolicy, PolicySet
from fiscus.guardrails.types import INTENT_KINDS, SCOPE_DIMENSIONS, VERDICTS, Level, Policy, PolicyTarget

LEVELS: Final[tuple[Level, ...]] = ("observe", "warn", "soft", "hard")
CLOSE: Final = 0.75  # how alike two values are when one is taken for a slip of the other
# Facts of an intent that become a column of its charge; `team` and the like are settled by the directory when asked.
AS_CHARGED: Final[Mapping[str, str]] = {
    "intent.environment": "x_Environment", "intent.team": "x_Team", "intent.product": "x_Product",
    "intent.provider": "ServiceProviderName", "intent.service": "ServiceName", "intent.region": "RegionId",
}  # fmt: skip
WATCHED_COLUMNS: Final = (
    *SCOPE_DIMENSIONS.values(), "HostProviderName", "ResourceType", "PricingCategory", "CommitmentDiscountStatus",
    "CommitmentDiscountType", "ConsumedUnit", "BillingCurrency", "ChargeFrequency", "ChargeClass",
)  # fmt: skip


def lint_policies(policies: PolicySet, known: Known) -> tuple[LintFinding, ...]:
    """Everything that is wrong, by file, line and rule. Pure; `known` decides how much can be said."""
    found: list[LintFinding] = []
    for compiled in policies:
        found += _conditions(compiled)
        found += _shadowed(compiled, policies)
        found += _values(compiled, known.values)
        found += _standing(compiled, known)
    return tuple(sorted(found, key=lambda one: (one.file, one.line, one.rule, one.message)))


def _conditions(compiled: CompiledPolicy) -> Iterator[LintFinding]:
    for target, node in compiled.conditions.items():
        answer = settled(node)
        if answer is False:
            message = f"Nothing asked of {target} can match this condition"
            yield _found("never-matches", "error", compiled, message, "Mend it: two of its terms exclude each other.")
        elif answer:
            message = f"Everything asked of {target} matches this condition"
            yield _found("always-matches", "warning", compiled, message, "Say what it is about, or take it out.")


def _shadowed(compiled: CompiledPolicy, policies: PolicySet) -> Iterator[LintFinding]:
    mine = compiled.policy
    for other in policies:
        if other.policy.exceptions or other.policy.effective_from or other.policy.effective_until:
            continue  # it does not always hold
        if other is compiled or not mine.targets or not set(mine.targets) <= set(other.policy.targets):
            continue
        if all(_implied(compiled.conditions[t], other.conditions[t]) for t in mine.targets) and _stronger(
            other.policy, mine
        ):
            place = f"{other.policy.file}, line {other.policy.line}"
            message = f"{other.policy.id} ({place}) matches whatever this one matches, and is at least as strong"
            yield _found("shadowed", "warning", compiled, message, "Take it out, or narrow the other one.")
            return


def _implied(narrow: Node, wide: Node) -> bool:
    """`wide` holds wherever `narrow` does: all of its terms are among the terms of `narrow`."""
    return _terms(wide) <= _terms(narrow)


def _terms(node: Node) -> frozenset[Node]:
    return frozenset(node.terms) if isinstance(node, All) else frozenset([node])


def _stronger(one: Policy, other: Policy) -> bool:
    """At least as strong on every target, and not the same the other way round, where the first by id stays."""
    strong = all(_strength(one, target) >= _strength(other, target) for target in other.targets)
    if not strong or (one.min_amount > other.min_amount) or (one.days_min > other.days_min):
        return False
    observed = [target for target in other.targets if target not in INTENT_KINDS]
    if observed and (
        one.window_days != other.window_days
        or one.finding != other.finding
        or (other.action and one.action != other.action)
    ):
        return False
    same = all(_strength(one, target) == _strength(other, target) for target in other.targets)
    return not same or one.id < other.id


def _strength(policy: Policy, target: PolicyTarget) -> int:
    if target in INTENT_KINDS:
        return VERDICTS.index(weakened(policy.effect, policy.level))
    return LEVELS.index(policy.level)


def _values(compiled: CompiledPolicy, values: Mapping[str, AbstractSet[str]]) -> Iterator[LintFinding]:
    """Texts that are asked for and that no charge ever had. A list with some that were seen is taken for a general one."""
    for node in dict.fromkeys(part for tree in compiled.conditions.values() for part in walk(tree)):
        for fact, asked in _asked(node):
            seen = values.get(AS_CHARGED.get(fact.name) or fact.column or "", frozenset())
            unseen = [value for value in asked if value and value not in seen]
            if not seen or not unseen:
                continue
            others = sorted(seen - set(asked))
            close = {value: _close(value, others) for value in unseen}
            if len(unseen) == len(asked) or any(close.values()):
                yield _unseen(compiled, fact, unseen, close, sorted(seen))


def _asked(node: Node) -> Iterator[tuple[Fact, Sequence[str]]]:
    match node:
        case Compare("==", FactValue(fact), Constant(value)) | Compare("==", Constant(value), FactValue(fact)):
            if isinstance(value, str) and _watched(fact):
                yield fact, [value]
        case OneOf(FactValue(fact), values) if _watched(fact):
            yield fact, [value for value in values if isinstance(value, str)]
        case _:
            return


def _watched(fact: Fact) -> bool:
    return fact.name in AS_CHARGED or fact.column in WATCHED_COLUMNS


def _close(value: str, seen: Sequence[str]) -> str:
    folded = {one.casefold(): one for one in seen}
    near = difflib.get_close_matches(value.casefold(), list(folded), n=1, cutoff=CLOSE)
    return folded[near[0]] if near else ""


def _unseen(
    compiled: CompiledPolicy, fact: Fact, unseen: Sequence[str], close: Mapping[str, str], seen: Sequence[str]
) -> LintFinding:
    named = ", ".join(repr(value) for value in unseen)
    meant = [f"{near!r} for {value!r}" for value, near in close.items() if near]
    listed = ", ".join(seen[:8]) + (f" and {len(seen) - 8} more" if len(seen) > 8 else "")
    remedy = f"Did you mean {' and '.join(meant)}?" if meant else f"Seen: {listed}."
    return _found("value-never-seen", "warning", compiled, f"No charge ever had {named} as {fact.name}", remedy)


def _standing(compiled: CompiledPolicy, known: Known) -> Iterator[LintFinding]:
    policy = compiled.policy
    if not policy.detector and not compiled.tests:
        remedy = "Add tests: with one that matches and one that does not."
        yield _found("no-tests", "warning", compiled, "No test stands beside it", remedy)
    if known.proven is not None and policy.level == "hard" and (policy.id, policy.version) not in known.proven:
        message = "It is written at hard and judged as soft: no backtest of this version is recorded"
        remedy = (
            f"Run `fiscus policy backtest {policy.id}`, or `fiscus policy force {policy.id} --as PERSON --reason TEXT`."
        )
        yield _found("hard-unproven", "error", compiled, message, remedy)
    yield from _over(compiled, known)
    yield from _approvers(compiled, known)
    if known.live is not None and policy.owner not in known.live:
        message = f"{policy.owner}, who answers for it, is nobody of the directory or has left"
        yield _found("owner-left", "error", compiled, message, "Name a team, or a person who is here.")


def _approvers(compiled: CompiledPolicy, known: Known) -> Iterator[LintFinding]:
    """An approval that names roles must find as many people as it asks for."""
    if known.roles is None or compiled.policy.approval is None:
        return
    for band in compiled.policy.approval.bands:
        people = {person for role in band.roles for person in known.roles.get(role, ())}
        if band.roles and len(people) < band.approvers:
            asked = "a yes" if band.approvers == 1 else "two different people's yes"
            has = {0: "nobody here has", 1: "one person here has"}[len(people)]
            message = f"It asks for {asked} by {' or '.join(band.roles)}, and {has} such a role"
            yield _found(
                "nobody-approves", "error", compiled, message, "Give somebody the role in owners/directory.yaml."
            )


def _over(compiled: CompiledPolicy, known: Known) -> Iterator[LintFinding]:
    """What has ended: the policy, or an exception from it."""
    policy, today = compiled.policy, known.today
    if today is not None and policy.effective_until is not None and policy.effective_until < today:
        message = f"It has not been in force since {policy.effective_until}"
        yield _found("not-in-effect", "warning", compiled, message, "Take it out, or give it another last day.")
    for exception in policy.exceptions:
        if today is not None and exception.until < today:
            message = f"The exception until {exception.until} has ended: {exception.reason}"
            over = _found("exception-expired", "warning", compiled, message, "Take it out, or have its owner renew it.")
            yield replace(over, line=exception.line)
        if known.live is not None and exception.owner not in known.live:
            message = f"{exception.owner}, who answers for an exception, is nobody of the directory or has left"
            left = _found("owner-left", "error", compiled, message, "Name a team, or a person who is here.")
            yield replace(left, line=exception.line)


def _found(rule: str, severity: Severity, compiled: CompiledPolicy, message: str, remedy: str) -> LintFinding:
    policy = compiled.policy
    return LintFinding(rule, severity, policy.id, policy.file, policy.line, message, remedy)


def distinct_values_sql(columns: Sequence[str] = WATCHED_COLUMNS) -> str:
    """One row: for each column, every text that it ever held."""
    lists = ", ".join(f"list(DISTINCT {name} ORDER BY {name}) FILTER ({name} <> '') AS {name}" for name in columns)
    return f"SELECT {lists} FROM charges"
