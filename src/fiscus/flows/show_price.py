"""What a thing costs this company, for people: each price of the book that bears a name, with what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from fiscus.cost.price_types import CONFIDENCES, Confidence, PriceAsk, PriceSource, UnitPrice
from fiscus.flows.learn_price_book import price_book
from fiscus.flows.workspace import Workspace
from fiscus.kernel.errors import NotFound

SHOWN_MAX = 100


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One unit price. `evidence` is SQL over `charges`; empty for a list price that is shipped."""

    provider: str
    name: str
    region: str
    unit: str
    amount: Decimal
    currency: str
    source: PriceSource
    confidence: Confidence
    why: str
    sku: str
    evidence: str
    params: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PricesShown:
    """Prices of everything that is called so, the surest first."""

    name: str
    prices: tuple[PriceLine, ...]
    more: int  # that match and are not shown


def show_price(ws: Workspace, name: str, region: str = "") -> PricesShown:
    """Every price of things called `name` (a size, a meter), in `region` or in all. Raises NotFound when nothing is called so."""
    book, wanted = price_book(ws), name.casefold()
    keys = {(one.provider, one.region, one.unit) for one in book.learned if wanted in one.names}
    keys |= {
        (provider, one.region, unit)
        for (provider, known, unit), prices in book.listed.items()
        if known in {wanted, f"{wanted}/mysql", f"{wanted}/postgres"}
        for one in prices
    }
    lines = list[PriceLine]()
    for provider, place, unit in sorted(keys):
        if region and place not in {region, "*"}:
            continue
        names = (wanted, f"{wanted}/postgres", f"{wanted}/mysql")
        found = book.price(PriceAsk(provider, names, region if place == "*" else place, unit))
        if found is not None:
            lines.append(_line(found, provider, name, place))
    if not lines:
        where = f" in {region}" if region else ""
        raise NotFound(
            f"No bill and no list price knows {name!r}{where}", remedy="Name a size or a meter as bills write it."
        )
    lines.sort(key=lambda one: (CONFIDENCES.index(one.confidence), one.provider, one.region, one.unit))
    return PricesShown(name, tuple(lines[:SHOWN_MAX]), max(0, len(lines) - SHOWN_MAX))


def _line(found: UnitPrice, provider: str, name: str, region: str) -> PriceLine:
    behind = found.evidence
    return PriceLine(
        provider, name, region, found.unit, round(found.amount, 12), found.currency, found.source, found.confidence,
        found.why, found.sku, behind.sql if behind else "", dict(behind.params) if behind else {},
    )  # fmt: skip
