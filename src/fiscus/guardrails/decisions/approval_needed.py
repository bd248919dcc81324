"""Who must say yes to an intent, by the amount; and the strictest of what several policies want.

Of several policies, nothing that one of them wants is lost where it can be kept: as many different people as the one that wants
most, the shortest time, and the roles of the strictest band: the one for the largest amounts (of equal ones, one with roles
before one without, then the one with more approvers, then by policy id).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fiscus.guardrails.types import ApprovalBand, ApprovalNeeded, ApprovalRule, Intent, Policy
from fiscus.kernel.money import ZERO, display

WHO_ANSWERS: Final = ApprovalRule((ApprovalBand(ZERO),))
"""What a policy wants that says nothing about it: one of those who answer for the team that pays."""


def approval_needed(intent: Intent, policies: Sequence[Policy]) -> ApprovalNeeded:
    """What `policies`, each of which wants an approval of the intent, want together. Without any: `WHO_ANSWERS`."""
    wanted = [(band_of(policy.approval or WHO_ANSWERS, intent), policy) for policy in policies]
    if not wanted:
        return ApprovalNeeded()
    strictest, asks = max(wanted, key=_strictness)
    approvers = max(band.approvers for band, _ in wanted)
    hours = min((policy.approval or WHO_ANSWERS).expires_hours for _, policy in wanted)
    return ApprovalNeeded(strictest.roles, approvers, hours, _reason(intent, strictest, asks))


def band_of(rule: ApprovalRule, intent: Intent) -> ApprovalBand:
    """The band of the intent's amount; the last one for an amount in another currency, which nobody converts silently."""
    if rule.currency and rule.currency != intent.currency:
        return rule.bands[-1]
    return next(band for band in reversed(rule.bands) if band.over == ZERO or intent.amount > band.over)


def _strictness(wanted: tuple[ApprovalBand, Policy]) -> tuple[object, ...]:
    band, policy = wanted
    return band.over, bool(band.roles), band.approvers, policy.id


def _reason(intent: Intent, band: ApprovalBand, policy: Policy) -> str:
    if band.over == ZERO:
        return policy.title
    currency = policy.approval.currency if policy.approval else intent.currency
    other = f", and {intent.currency} is not converted" if currency != intent.currency else ""
    return f"{policy.title} (above {display(band.over)} {currency}{other})"
