"""What a call that a lease let in was asked as, so that its decision can be judged again and proven, without a commit of its own.

What calls share (who asks, what covers them, the rulebook) is kept once, under its digest; a call names it beside its own
numbers. The digest of each call goes into the seal of its lease, which stands in the ledger's chain once the lease is settled.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, cast

from fiscus.cost.ai.types import AiCall, AskedAs, CallFacts
from fiscus.guardrails.decisions.asked_record import asked_record, said_by
from fiscus.guardrails.decisions.decide import Asked, Question
from fiscus.guardrails.types import Intent, IntentKind
from fiscus.kernel.canonical import digest
from fiscus.kernel.money import from_nanos

OF_ONE_CALL: Final = frozenset({"input_tokens", "max_tokens", "stream"})
_SHARED: Final = ("kind", "requested_by", "team", "environment", "currency", "provider", "product", "service")


def facts_of(question: Question, rulebook: str) -> CallFacts:
    """What `question` shares with other calls of its kind. `rulebook`: the digest of what judged it."""
    intent = question.asked.intent
    stated = {name: value for name, value in intent.attributes.items() if name not in OF_ONE_CALL}
    document: dict[str, Any] = {
        "rulebook": rulebook,
        "hard": sorted([one.policy_id, one.version] for one in question.results if one.level == "hard"),
        "intent": {**{name: getattr(intent, name) for name in _SHARED}, "attributes": stated},
        "asked": asked_record(question.asked),
    }
    return CallFacts(digest(document), **document)


def asked_again(facts: CallFacts, call: AiCall) -> Asked:
    """The question that `call` was. Raises ValueError where it names no facts."""
    if call.asked is None:
        raise ValueError(call.id)
    shared: Mapping[str, Any] = facts.intent
    stated = {**shared["attributes"], "input_tokens": call.asked.input_tokens, "stream": call.asked.stream}
    if call.asked.max_tokens is not None:
        stated["max_tokens"] = call.asked.max_tokens
    amount: Decimal = from_nanos(call.bound)
    texts = {name: str(shared[name]) for name in _SHARED if name != "kind"}
    intent = Intent(kind=cast("IntentKind", shared["kind"]), amount=amount, attributes=stated, **texts)
    return said_by(intent, call.at, facts.asked)


def proof_of(call: AiCall) -> bytes:
    """The digest of everything that was decided about a call, and of what it came to."""
    return hashlib.sha256(
        f"{call.id}\x1f{call.at}\x1f{_asked_as(call.asked)}\x1f{call.verdict}\x1f{call.key_id}\x1f{call.hold_id}\x1f{call.model}\x1f"
        f"{call.requested_by}\x1f{call.team}\x1f{call.environment}\x1f{call.product}\x1f{call.user}\x1f"
        f"{call.price_version}\x1f{call.currency}\x1f{call.bound}\x1f{call.settled}\x1f{call.state}".encode(
            "utf-8", "replace"
        )
    ).digest()


def _asked_as(asked: AskedAs | None) -> str:
    if asked is None:
        return ""
    return f"{asked.facts}\x1f{asked.input_tokens}\x1f{asked.max_tokens}\x1f{asked.stream}\x1f{','.join(asked.past)}"
