"""Who asked and when, as a decision keeps it, and back: a replay knows what was known then, not what is known now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from fiscus.guardrails.decisions.decide import Asked
from fiscus.guardrails.ledger.types import Frozen
from fiscus.guardrails.types import Decision, Intent


def asked_record(asked: Asked) -> Mapping[str, object]:
    """Plain JSON of everything about the question that the intent itself does not say."""
    frozen = asked.moment.get("now.freeze")
    return {
        "roles": list(asked.roles),
        "team": asked.requester_team,
        "cost_centre": asked.cost_centre,
        "requester_cost_centre": asked.requester_cost_centre,
        "manager": asked.manager,
        "moment": {**asked.moment, **({"now.freeze": list(frozen)} if isinstance(frozen, tuple) else {})},
    }


def frozen_record(frozen: Mapping[str, Frozen]) -> Sequence[Mapping[str, str]]:
    """Plain JSON of what was frozen when it was judged."""
    return [{"subject": one.subject, "since": one.since.isoformat(), "reason": one.reason} for one in frozen.values()]


def asked_of(given: Decision) -> Asked:
    """The question behind a decision."""
    return said_by(given.intent, given.at, given.asked)


def said_by(intent: Intent, at: datetime, record: Mapping[str, object]) -> Asked:
    """The question of `intent`, by the record of who asked it and when."""
    who = cast("Mapping[str, Any]", record)
    moment = cast("Mapping[str, Any]", who.get("moment", {}))
    return Asked(
        intent,
        tuple(who.get("roles", ())),
        who.get("team", ""),
        who.get("cost_centre", ""),
        at,
        requester_cost_centre=who.get("requester_cost_centre", ""),
        manager=who.get("manager", ""),
        moment={name: tuple(value) if isinstance(value, list) else value for name, value in moment.items()},
    )


def frozen_of(given: Decision) -> Mapping[str, Frozen]:
    """What was frozen when it was judged."""
    found = cast("Sequence[Mapping[str, str]]", given.asked.get("frozen", ()))
    return {f["subject"]: Frozen(f["subject"], datetime.fromisoformat(f["since"]), f["reason"]) for f in found}
