"""What money an intent holds: how long, over which accounts, as what, and who is stopped when it turns out to cost more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from fiscus.guardrails.decisions.covering import NOBODY
from fiscus.guardrails.decisions.decide import Question
from fiscus.guardrails.ledger.types import Hold
from fiscus.guardrails.types import Intent, Option, Verdict
from fiscus.kernel.money import display_small, to_nanos
from fiscus.kernel.quick_records import quickly

_hold: Final = quickly(Hold)
HOLDS: Final[frozenset[Verdict]] = frozenset({"allow", "warn", "degrade"})
# Longer than the longest that the thing itself can take: what expires without an outcome is charged in full.
HELD_FOR: Final[Mapping[str, timedelta]] = {
    "ai.request": timedelta(minutes=30),
    "resource.provision": timedelta(days=2),
    "marketplace.purchase": timedelta(days=14),
    "saas.seat": timedelta(days=14),
    "commitment.purchase": timedelta(days=14),
}


BATCH_HELD_FOR: Final = timedelta(days=8)  # vendors answer a batch within a day, Mistral within seven at most


def hold_for(question: Question, hold_id: str, decision_id: str) -> Hold:
    """The hold that the intent asks for, at its upper bound."""
    intent, at = question.asked.intent, question.asked.at
    return _hold(
        id=hold_id,
        state="held",
        bound=question.bound,
        currency=intent.currency,
        accounts=question.accounts,
        nature="usage" if intent.kind in {"ai.request", "resource.provision"} else "commitment",
        provider=intent.provider,
        subjects=subjects_of(intent),
        day=at.date(),
        at=at,
        expires_at=at + (BATCH_HELD_FOR if _may_be_a_batch(question) else HELD_FOR[intent.kind]),
        decision_id=decision_id,
    )


def _may_be_a_batch(question: Question) -> bool:
    """A job of many requests, or one request that may be queued as a batch of one."""
    if question.asked.intent.attributes.get("endpoint") == "batches":
        return True
    return any(option.change.get("service_tier") == "batch" for option in question.options)


def held_amount(verdict: Verdict, options: tuple[Option, ...], bound: int) -> int:
    """What is held of `bound`: after a degrade, the dearest of the ways that are still open."""
    if verdict != "degrade" or not options:
        return bound
    return min(bound, max(to_nanos(option.amount, round_up=True) for option in options))


def hold_note(intent: Intent, amount: Decimal, until: datetime) -> str:
    """What the caller owes for the money that is held."""
    minute = f"{until.year:04}-{until.month:02}-{until.day:02} {until.hour:02}:{until.minute:02} UTC"
    money = f"{display_small(amount)} {intent.currency}"
    return f"{money} is held until {minute}: settle it at what it cost, or release it if nothing was sent; then it is charged."


def subjects_of(intent: Intent) -> tuple[str, ...]:
    """Who is stopped when it turns out to cost more than its bound, the narrowest first."""
    if intent.kind == "ai.request":
        key, model = intent.attributes.get("api_key", ""), intent.attributes.get("model", "")
        return (
            *([f"key:{key}"] if key not in {"", NOBODY} else []),
            *([f"model:{intent.provider}/{model}"] if model else []),
        )
    vendor = str(intent.attributes.get("vendor", "")) or intent.provider
    return (f"vendor:{vendor}",) if vendor and intent.kind != "resource.provision" else ()
