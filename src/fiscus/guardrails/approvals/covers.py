"""Does an approval let this very intent through, now? Pure. Whatever differs from what was approved makes it stale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import datetime

from fiscus.guardrails.approvals.machine import approval_digest
from fiscus.guardrails.approvals.types import Approval, Covers, WhyNot
from fiscus.guardrails.types import Intent
from fiscus.kernel.canonical import canonical_bytes
from fiscus.kernel.money import display

ASK_AGAIN = "Ask again without the approval: `fiscus decide` asks for a new one."


def approval_covers(
    approval: Approval, intent_digest: str, policies: Mapping[str, str], now: datetime
) -> Covers | WhyNot:
    """`policies`: id -> version of those that ask for an approval of this intent now; each must have asked then, as it is.

    One that asked then and does not any more takes nothing away. The headroom may have moved: the yes stands until it expires.
    """
    name = f"Approval {approval.id}"
    if approval.state == "used":
        return WhyNot("used", f"{name} was used by {approval.used_by}: it lets one intent through, once", ASK_AGAIN)
    if approval.state == "rejected":
        last = approval.steps[-1]
        return WhyNot("rejected", f"{name} was rejected by {last.actor}: {last.note}", "Ask for something else.")
    if approval.state == "expired" or now >= approval.expires_at:
        return WhyNot("expired", f"{name} expired at {approval.expires_at:%Y-%m-%d %H:%M} UTC", ASK_AGAIN)
    bound = approval_digest(approval.intent, approval.policies, approval.expires_at) == approval.digest
    if intent_digest != approval.intent_digest or not bound:
        return WhyNot("stale", f"{name} is stale: this is not what was approved", ASK_AGAIN)
    if changed := sorted(_changed(approval.policies, policies)):
        return WhyNot("stale", f"{name} is stale: {'; '.join(changed)}", ASK_AGAIN)
    if approval.state != "approved":
        missing = approval.needed.approvers - len(approval.yes)
        return WhyNot(
            "not_approved",
            f"{name} is not approved: {missing} {'person' if missing == 1 else 'people'} must still say yes",
            f"`fiscus approve {approval.id}`, by somebody who may.",
        )
    return Covers(approval.id, approval.yes, _reason(approval))


def differences(approved: Intent, asked: Intent) -> tuple[str, ...]:
    """Where two settled intents differ, one phrase each: `amount was 18500.00, is 18900.00`."""
    return tuple(_differences(_flat(approved), _flat(asked)))


def _differences(before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[str]:
    for name in sorted({*before, *after}):
        if name not in before:
            yield f"{name} was not given, is {_shown(after[name])}"
        elif name not in after:
            yield f"{name} was {_shown(before[name])}, is not given"
        elif canonical_bytes([before[name]]) != canonical_bytes([after[name]]):
            yield f"{name} was {_shown(before[name])}, is {_shown(after[name])}"


def _flat(intent: Intent) -> Mapping[str, object]:
    plain = {field.name: getattr(intent, field.name) for field in fields(intent) if field.name != "attributes"}
    return plain | {f"attributes.{name}": value for name, value in intent.attributes.items()}


def _changed(then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name, version in now.items():
        if name not in then:
            yield f"{name} asks for an approval now and did not then"
        elif then[name] != version:
            yield f"{name} was changed since (version {then[name][:12]}, now {version[:12]})"


def _reason(approval: Approval) -> str:
    who = " and ".join(approval.yes)
    when = next(step.at for step in reversed(approval.steps) if step.kind == "approved")
    money = f"{display(approval.intent.amount)} {approval.intent.currency}"
    return f"{money}: approved by {who} on {when:%Y-%m-%d %H:%M} UTC ({approval.id}), for exactly this, once."


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str) else str(value)
