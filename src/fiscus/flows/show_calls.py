"""Calls through the gateway for people: of a charge, a decision, a unit of work, or a key and a span of days. Never a prompt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Final, cast

from fiscus.cost.ai.hour_charges import calls_behind, cost_of
from fiscus.cost.ai.types import GATEWAY_SOURCE, AiCall
from fiscus.flows.workspace import Workspace
from fiscus.kernel.errors import BadInput, NotFound
from fiscus.kernel.money import total
from fiscus.kernel.periods import midnight
from fiscus.kernel.sql_text import sql_text

SHOWN_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class CallsAsked:
    """Which calls: the first of these that is given. `key` None: every key; empty: calls that had none."""

    charge: str = ""
    decision: str = ""
    unit: str = ""  # kind=value
    key: str | None = None
    first: date | None = None  # by default the as-of day
    last: date | None = None  # that day included


@dataclass(frozen=True, slots=True)
class CallShown:
    """One call. `cost` is exact."""

    id: str
    at: datetime
    upstream: str
    model: str
    key_id: str
    user: str
    team: str
    environment: str
    state: str
    verdict: str
    currency: str
    cost: Decimal
    tokens: int
    decision_id: str
    units: str
    note: str


@dataclass(frozen=True, slots=True)
class CallsShown:
    """Calls by time, the first SHOWN_MAX of them; `cost` is of those that are shown, by currency."""

    calls: tuple[CallShown, ...]
    cost: dict[str, Decimal]
    more: bool


def show_calls(ws: Workspace, asked: CallsAsked) -> CallsShown:
    """Raises BadInput for a unit that is not kind=value, NotFound for a charge or decision that nobody knows."""
    found = list(islice(_found(ws, asked), SHOWN_MAX + 1))
    shown = tuple(shown_call(call) for call in found[:SHOWN_MAX])
    currencies = sorted({one.currency for one in shown})
    cost = {currency: total([one.cost for one in shown if one.currency == currency]) for currency in currencies}
    return CallsShown(shown, cost, len(found) > SHOWN_MAX)


def _found(ws: Workspace, asked: CallsAsked) -> Iterator[AiCall]:
    if asked.charge:
        return _of_charge(ws, asked.charge)
    if asked.decision:
        call = ws.calls.call_of_decision(asked.decision)
        if call is None:
            raise NotFound(
                f"No call rests on {asked.decision!r}", remedy="The answer's header x-fiscus-decision says it."
            )
        return iter([call])
    if asked.unit:
        kind, equals, value = asked.unit.partition("=")
        if not kind or not equals or not value:
            raise BadInput(f"{asked.unit!r} names no unit", remedy="Write it as the callers do: ticket=123.")
        return ws.calls.calls_of_unit(kind, value)
    first = asked.first or ws.as_of
    span = midnight(first), midnight((asked.last or max(first, ws.as_of)) + timedelta(days=1))
    return ws.calls.calls(*span) if asked.key is None else ws.calls.calls_of_key(asked.key, *span)


def _of_charge(ws: Workspace, charge: str) -> Iterator[AiCall]:
    rows = ws.lake.query(sql_text("fiscus.flows", "gateway_charge"), {"charge": charge}).rows
    if not rows:
        raise NotFound(f"The lake has no gateway charge {charge!r}", remedy="x_Extra['x_GatewayCharge'] names it.")
    source, hour = cast("tuple[str, datetime]", rows[0])
    calls = ws.calls.calls(hour, hour + timedelta(hours=1), source.removeprefix(GATEWAY_SOURCE))
    return calls_behind(charge, calls)


def shown_call(call: AiCall) -> CallShown:
    """One call for people."""
    return CallShown(
        id=call.id,
        at=call.at,
        upstream=call.upstream,
        model=call.model or call.model_asked,
        key_id=call.key_id,
        user=call.user,
        team=call.team,
        environment=call.environment,
        state=call.state,
        verdict=call.verdict,
        currency=call.currency,
        cost=cost_of(call),
        tokens=sum(call.usage.values()),
        decision_id=call.decision_id,
        units=", ".join(f"{kind}={value}" for kind, value in call.units.items()),
        note=call.note,
    )
