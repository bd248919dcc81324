"""AI spend at a glance: models and keys, what is cached, what agrees with the bills, and what work costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, cast

from fiscus.flows.reconcile_ai import AiReconciliation, reconcile_ai
from fiscus.flows.show_trust import DataTrust, data_trust
from fiscus.flows.workspace import Workspace
from fiscus.kernel.money import EXACT, display, total
from fiscus.kernel.periods import midnight
from fiscus.kernel.sql_text import sql_text

DAYS: Final = 30
LATELY: Final = 7
SHOWN_MAX: Final = 40
DIFFERENCES_MAX: Final = 40


@dataclass(frozen=True, slots=True)
class AiUse:
    """A model or a key in the last thirty days. `pace`: the last seven days a day, against the days before; None: new.

    `beside`: the provider of a model, the team of a key. `cached`: percent of its input that came from a cache.
    """

    name: str
    beside: str
    currency: str
    cost: Decimal
    tokens: int
    cached: Decimal | None
    lately: Decimal
    pace: Decimal | None


@dataclass(frozen=True, slots=True)
class AiShown:
    """What went through the gateway; the most money first."""

    trust: DataTrust
    sentence: str
    models: tuple[AiUse, ...]
    keys: tuple[AiUse, ...]
    reconciliation: AiReconciliation
    kinds: tuple[str, ...]  # of units that outcomes were told of lately
    first: date
    until: date
    query: str


def show_ai(ws: Workspace, trust: DataTrust | None = None) -> AiShown:
    """The last thirty days up to now, today included, by what the newest run (or `fiscus ai write`) brought in."""
    until = ws.as_of + timedelta(days=1)
    first = until - timedelta(days=DAYS)
    text = sql_text("fiscus.flows", "ai_use")
    params = {"since": midnight(first), "until": midnight(until), "lately": midnight(until - timedelta(days=LATELY))}
    rows = cast("Sequence[tuple[Any, ...]]", ws.lake.query(text, params).rows)
    models, keys = ([_use(row) for row in rows if row[0] == kind] for kind in ("model", "key"))
    reconciliation = reconcile_ai(ws)
    return AiShown(
        trust=trust or data_trust(ws),
        sentence=_sentence(models, reconciliation),
        models=tuple(models[:SHOWN_MAX]),
        keys=tuple(keys[:SHOWN_MAX]),
        reconciliation=reconciliation,
        kinds=outcome_kinds(ws),
        first=first,
        until=until,
        query=text,
    )


def outcome_kinds(ws: Workspace) -> tuple[str, ...]:
    """Kinds of units that outcomes were told of in the last thirty days."""
    until = midnight(ws.as_of + timedelta(days=1))
    return tuple(sorted({one.kind for one in ws.calls.outcomes(until - timedelta(days=DAYS), until)}))


def _use(row: tuple[Any, ...]) -> AiUse:
    _, name, beside, currency, cost, tokens, input_tokens, cached, lately = row
    before = EXACT.divide(EXACT.subtract(cost, lately), Decimal(DAYS - LATELY))
    now = EXACT.divide(lately, Decimal(LATELY))
    share = EXACT.divide(Decimal(100 * cached), Decimal(input_tokens)) if input_tokens else None
    pace = EXACT.divide(now, before) if before > 0 else None
    return AiUse(name, beside, currency, cost, tokens, share, lately, pace)


def _sentence(models: Sequence[AiUse], found: AiReconciliation) -> str:
    if not models:
        return "No call went through the gateway in thirty days."
    currencies = sorted({one.currency for one in models})
    money = " and ".join(f"{display(total([o.cost for o in models if o.currency == c]))} {c}" for c in currencies)
    dearest = models[0]
    apart = [one for one in found.totals if one.differs]
    told = f"{money} went through the gateway in thirty days, most of it {dearest.name}'s."
    if apart:
        most = max(apart, key=lambda one: one.missing_here + one.missing_there)
        told += (
            f" {most.provider}'s bill differs by {display(EXACT.add(most.missing_here, most.missing_there))} {most.currency}: "
            "find out who calls it around the gateway, or correct a price."
        )
    return told
