"""What a thing would cost in another size: its own use of the last days, at the prices of the price book."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, cast

from fiscus.cost.learn_prices import details_of, names_of
from fiscus.cost.price_types import Confidence, PriceAsk, UnitPrice
from fiscus.cost.price_units import parse_unit
from fiscus.flows.learn_price_book import price_book
from fiscus.flows.workspace import Workspace
from fiscus.kernel.errors import NotFound
from fiscus.kernel.money import EXACT, display
from fiscus.kernel.periods import Month, midnight
from fiscus.kernel.sql_text import sql_text

DAYS: Final = 30
TRAITS: Final[tuple[str, ...]] = ("OperatingSystem", "x_OperatingSystem", "DatabaseEngine", "Tenancy")


@dataclass(frozen=True, slots=True)
class Rightsized:
    """`saving` over `days` of the same use; below 0 it costs more. `paid`: EffectiveCost of that use, commitments included.

    Both sizes at what the next unit costs: contracted prices first. Each price says why, and how sure it is.
    """

    resource: str
    owner: str
    provider: str
    region: str
    unit: str
    quantity: Decimal
    size: str
    new_size: str
    price: Decimal
    new_price: Decimal
    cost: Decimal
    new_cost: Decimal
    saving: Decimal
    paid: Decimal
    currency: str
    days: int
    until: date
    confidence: Confidence
    why: str
    new_why: str
    sentence: str
    query: str
    params: Mapping[str, object]


def price_rightsizing(ws: Workspace, resource: str, new_size: str) -> Rightsized:
    """`resource` as bills name it (ResourceId), in `new_size`. Raises NotFound for a thing or a size that nobody prices."""
    since = ws.as_of - timedelta(days=DAYS)
    params: dict[str, object] = {
        "since": midnight(since), "until": midnight(ws.as_of), "billing_month": str(Month.of(since).shift(-1)),
        "resource": resource,
    }  # fmt: skip
    query = sql_text("fiscus.cost", "resource_use")
    rows = cast("list[dict[str, Any]]", list(ws.lake.query(query, params).dicts()))
    if not rows:
        raise NotFound(
            f"No bill of the last {DAYS} days has use of {resource!r} by the hour",
            remedy="Name a ResourceId as bills write it.",
        )
    used = rows[0]
    many, unit = parse_unit(used["unit"])
    details = details_of(used["details"])
    names = tuple(sorted(names_of(used["meter"], used["description"], details), key=lambda name: (" " in name, name)))
    traits = {name: details[name] for name in TRAITS if name in details}
    old, new = (
        _priced(ws, PriceAsk(used["provider"], asked, used["region"], unit, traits), asked[0])
        for asked in (names, (new_size.casefold(),))
    )
    if old.currency != new.currency:
        raise NotFound(
            f"{new_size} is priced in {new.currency} and {resource} in {old.currency}",
            remedy="Name a size that your bills price.",
        )
    quantity = EXACT.multiply(used["quantity"], many)
    cost, new_cost = (round(EXACT.multiply(quantity, one.amount), 2) for one in (old, new))
    saving = EXACT.subtract(cost, new_cost)
    size = details.get("InstanceType") or used["meter"]
    sure = min((old.confidence, new.confidence), key=("low", "medium", "high").index)
    verb = "saves" if saving >= 0 else "costs"
    return Rightsized(
        resource, used["owner"], used["provider"], used["region"], unit, quantity, size, new_size, old.amount, new.amount, cost,
        new_cost, saving, used["paid"], old.currency, DAYS, ws.as_of, sure, old.why, new.why,
        f"{resource} as {new_size} instead of {size} {verb} {display(abs(saving))} {old.currency} "
        f"{'' if saving >= 0 else 'more '}in {DAYS} days of the same use ({sure} confidence).",
        query, params,
    )  # fmt: skip


def _priced(ws: Workspace, ask: PriceAsk, name: str) -> UnitPrice:
    found = price_book(ws).price(ask)
    if found is None:
        where = f" in {ask.region}" if ask.region else ""
        raise NotFound(
            f"No bill and no list price knows {name!r}{where} by the {ask.unit}",
            remedy="Name a size as bills write it.",
        )
    return found
