"""History asked again: charges gathered to the intents that would have been asked for them. An approximation, stated as such.

A bill does not say who asked, at what hour, for what purpose or with how many tokens: those facts are not given, so a condition
that needs them has no answer here, and that is counted as an error and not as a pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, cast

from fiscus.guardrails.backtests.types import Window
from fiscus.guardrails.decisions.intent import intent_facts
from fiscus.guardrails.policies.fact_tables import ATTRIBUTES
from fiscus.guardrails.policies.moment import Freeze, moment_facts
from fiscus.guardrails.types import Intent, IntentKind
from fiscus.kernel.money import from_nanos, to_nanos
from fiscus.kernel.periods import FiscalCalendar, Month, midnight
from fiscus.kernel.rows import Query, Rows
from fiscus.kernel.sql_text import sql_text

MAPPING: Final[Mapping[str, str]] = {
    "ai.request": "a day of one model by one team in one environment is one request of what it cost",
    "marketplace.purchase": "each purchase on a cloud's marketplace is one purchase of what was billed",
    "saas.seat": "each purchase of seats, users or licences is one request of what was billed",
    "commitment.purchase": "each commitment first bought in the window is one purchase of its first bill",
    "resource.provision": "each resource first seen in the window is one request of what its first 30 days cost",
}
FIRST_DAYS: Final = 30
# What the charges of one intent agree in -> its column; a NULL is the empty text there.
_COLUMNS: Final[Mapping[str, str]] = {
    "owner": "x_Owner", "team": "x_Team", "environment": "x_Environment", "product": "x_Product",
    "provider": "ServiceProviderName", "service": "ServiceName",
}  # fmt: skip
_PROVIDER: Final[Mapping[str, str]] = {"marketplace.purchase": "HostProviderName"}
_MODEL: Final = (
    "(CASE WHEN json_valid(SkuPriceDetails) THEN coalesce(json_extract_string(SkuPriceDetails, '/ModelId'), "
    "json_extract_string(SkuPriceDetails, '/x_ModelId'), '') ELSE '' END)"
)  # as replay_ai_request.sql has it: FOCUS 1.5's draft key, and the same before it is one


@dataclass(frozen=True, slots=True)
class Replayed:
    """One intent that history would have asked. `attributes`: facts of its kind, and the keys by which its rows are found."""

    day: date
    owner: str
    team: str
    environment: str
    product: str
    provider: str
    service: str
    currency: str
    amount: Decimal
    charges: int
    attributes: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Replays:
    """The intents of one kind that history would have asked before `until`. `cut`: what they are instead of all, in words."""

    intents: Sequence[Replayed]
    until: date
    cut: str = ""


def replay_query(kind: IntentKind, window: Window) -> Query:
    """The charges of `window` as intents of `kind`."""
    return Query(sql_text("fiscus.guardrails", f"replay_{kind.replace('.', '_')}"), _params(kind, window))


def replayed(rows: Rows, until: date, intents_max: int) -> Replays:
    """The answer to `replay_query`, by day: the first `intents_max` of it."""
    intents = [Replayed(*row) for row in cast("Sequence[tuple[Any, ...]]", rows.rows[:intents_max])]
    if len(rows) <= intents_max:
        return Replays(intents, until)
    left_out = f"history would have asked more than the first {intents_max:,} intents, which go up to {intents[-1].day}"
    return Replays(intents, until, left_out)


def replayed_facts(
    kind: IntentKind, one: Replayed, calendar: FiscalCalendar, freezes: Sequence[Freeze]
) -> dict[str, object]:
    """The facts that a bill gives; whole days, so no hour. The amount is the bound of the intent: rounded up to a billionth."""
    amount = from_nanos(to_nanos(one.amount, round_up=True))
    stated = {name: value for name, value in one.attributes.items() if name in ATTRIBUTES[kind] and value is not None}
    intent = Intent(
        kind, "", one.team, one.environment, amount, one.currency, one.provider, one.product, one.service, stated
    )
    moment = dict(moment_facts(midnight(one.day), calendar, freezes, one.environment))
    del moment["now.hour"]
    return intent_facts(intent) | moment


def rows_of(kind: IntentKind, one: Replayed, until: date) -> Query:
    """The charges before `until` that `one` was made of."""
    last = FIRST_DAYS if kind == "resource.provision" else 1
    only, params = _only(kind, one)
    text = sql_text("fiscus.guardrails", "backtest_rows").replace("{{condition}}", "true").replace("{{only}}", only)
    span = Window(one.day, min(one.day + timedelta(days=last), until), 0)
    return Query(text, _bounds(span) | params)


def _only(kind: IntentKind, one: Replayed) -> tuple[str, dict[str, object]]:
    common: dict[str, object] = {"currency": one.currency}
    if kind in {"resource.provision", "commitment.purchase"}:
        bought = kind == "commitment.purchase"
        named, category = ("CommitmentDiscountId", "Purchase") if bought else ("ResourceId", "Usage")
        only = f"AND ChargeCategory = '{category}' AND {named} = $resource AND BillingCurrency = $currency"
        return only, common | {"resource": one.attributes["resource"]}
    columns = {**_COLUMNS, "provider": _PROVIDER.get(kind, _COLUMNS["provider"])}
    common |= {name: getattr(one, name) for name in columns}
    alike = " ".join(f"AND coalesce({column}, '') = ${name}" for name, column in columns.items())
    same = f"AND BillingCurrency = $currency {alike} "
    if kind == "ai.request":
        usage = (
            f"{same}AND ServiceCategory = 'AI and Machine Learning' AND ChargeCategory = 'Usage' AND {_MODEL} = $model"
        )
        return usage, common | {"model": one.attributes["model"]}
    return (
        f"{same}AND ChargeCategory = 'Purchase' AND coalesce(ServiceProviderName, '') = $vendor AND BilledCost = $amount",
        common | {"vendor": one.attributes["vendor"], "amount": one.amount},
    )


def _params(kind: IntentKind, window: Window) -> dict[str, object]:
    params = _bounds(window)
    if kind in {"resource.provision", "commitment.purchase"}:  # whether one is new shows only in all that came before
        del params["billing_month"]
    return params


def _bounds(window: Window) -> dict[str, object]:
    month = Month.of(window.start).shift(-1)
    return {"since": midnight(window.start), "until": midnight(window.end), "billing_month": str(month)}
