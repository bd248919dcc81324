"""What a policy asks for where it matches, in sentences: its effect at its level, who has to say yes, and what is excepted."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from fiscus.guardrails.decisions.approval_needed import WHO_ANSWERS
from fiscus.guardrails.explanations.say_condition import say
from fiscus.guardrails.policies.contribution import weakened
from fiscus.guardrails.policies.policy_set import CompiledException, CompiledPolicy
from fiscus.guardrails.types import INTENT_KINDS, ApprovalBand, ApprovalRule, Effect, Verdict
from fiscus.kernel.money import ZERO, display

_DOES: Final[dict[Verdict, str]] = {
    "allow": "it is only noted",
    "warn": "it goes through with a warning",
    "degrade": "something cheaper is asked for",
    "require_approval": "somebody has to say yes",
    "deny": "it is denied",
}


def say_demand(compiled: CompiledPolicy) -> tuple[str, ...]:
    """One sentence a thing that it asks for; who says yes only where a yes is asked for."""
    policy = compiled.policy
    excepted = [_excepted(one) for one in _once(compiled)]
    if not compiled.conditions.keys() & set(INTENT_KINDS):
        return ("Where it matches, a finding is opened.", *excepted)
    verdict = weakened(policy.effect, policy.level)
    said = [f"Where it matches, {_does(policy.effect, verdict)}."]
    if policy.effect not in {"act", verdict}:
        said[0] = (
            f"Where it matches, {_DOES[verdict]}: it would be {policy.effect}, which the level {policy.level} weakens."
        )
    if verdict == "require_approval":
        said += _who(policy.approval or WHO_ANSWERS)
    return (*said, *excepted)


def _does(effect: Effect, verdict: Verdict) -> str:
    return "something is done about it" if effect == "act" else _DOES[verdict]


def _who(rule: ApprovalRule) -> Iterator[str]:
    for band, above in pairwise((*rule.bands, None)):
        assert band is not None
        least = f"above {display(band.over)} {rule.currency}".strip() if band.over != ZERO else ""
        most = f"up to {display(above.over)} {rule.currency}".strip() if above is not None else ""
        where = " and ".join(part for part in (least, most) if part)
        text = f"{where}: {_people(band)}" if where else _people(band)
        yield f"{text[0].upper()}{text[1:]} within {rule.expires_hours} hours."


def _people(band: ApprovalBand) -> str:
    who = " or ".join(band.roles) or "those who answer for the team that pays"
    return f"{band.approvers} of {who}"


def _once(compiled: CompiledPolicy) -> list[CompiledException]:
    """Each exception, whatever number of targets it is compiled for, in the order in which they are written."""
    found = {one.number: one for several in compiled.exceptions.values() for one in several}
    return [found[number] for number in sorted(found)]


def _excepted(one: CompiledException) -> str:
    by = one.exception
    verdict = weakened(by.effect, by.level)
    return f"Excepted until {by.until} by {by.owner}, where {say(one.node)}: then {_DOES[verdict]} at the most. {by.reason}"
