"""Freezes and exceptions name things as intents and charges do: one that names what nothing is called would never be on.

A freeze may say any spelling, as an intent may. An exception is part of its policy, whose text is its version, so it has to say
the name itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from fiscus.flows.known_names import KnownNames
from fiscus.guardrails.policies.condition import Compare, Constant, FactValue, Node, OneOf, walk
from fiscus.guardrails.policies.facts import Fact
from fiscus.guardrails.policies.moment import Freeze
from fiscus.guardrails.policies.policy_set import PolicySet
from fiscus.guardrails.types import INTENT_KINDS, Policy, PolicyException, PolicyTarget
from fiscus.kernel.errors import BadConfig, BadInput, Where


def named_freezes(freezes: Sequence[Freeze], names: KnownNames, file: str) -> tuple[Freeze, ...]:
    """Their environments as charges name them. Raises BadConfig for one that nobody knows."""

    def named(freeze: Freeze, environment: str) -> str:
        try:
            return names.environment(environment)
        except BadInput as unknown:
            where = Where(file=file, line=freeze.line, key="environments")
            message = f"{unknown.message}, so the freeze {freeze.name!r} is never on"
            raise BadConfig(message, remedy=unknown.remedy, where=where) from None

    return tuple(replace(one, environments=tuple(named(one, text) for text in one.environments)) for one in freezes)


def check_exceptions(policies: PolicySet, names: KnownNames) -> None:
    """Raises BadConfig for an exception of what is called otherwise, or of a team or environment that no intent may name."""
    for compiled in policies:
        for target, exceptions in compiled.exceptions.items():
            for one in exceptions:
                for fact, texts in _asked(one.node):
                    _check((fact, texts), target, names, (compiled.policy, one.exception))


def _asked(node: Node) -> Iterator[tuple[Fact, tuple[str, ...]]]:
    """Facts that must be one of some texts."""
    for part in walk(node):
        match part:
            case Compare("==", FactValue(fact), Constant(value)) | Compare("==", Constant(value), FactValue(fact)):
                yield fact, (value,) if isinstance(value, str) else ()
            case OneOf(FactValue(fact), values):
                yield fact, tuple(value for value in values if isinstance(value, str))
            case _:
                continue


def _check(
    asked: tuple[Fact, tuple[str, ...]], target: PolicyTarget, names: KnownNames, of: tuple[Policy, PolicyException]
) -> None:
    (fact, texts), (policy, exception) = asked, of
    where = Where(file=policy.file, line=exception.line, key=fact.name)
    for text in texts:
        if not text:
            continue  # where none is named
        try:
            name = names.as_named(fact.name, text)
        except BadInput as unknown:
            if target not in INTENT_KINDS:
                continue  # a bill may say anything
            message = f"{unknown.message}, and an exception of {policy.id} asks for it"
            raise BadConfig(message, remedy=unknown.remedy, where=where) from None
        if name != text and name not in texts:
            message = f"{fact.name} is never {text!r}, and an exception of {policy.id} asks for it"
            raise BadConfig(message, remedy=f"Write {name}: intents and charges are read under that name.", where=where)
