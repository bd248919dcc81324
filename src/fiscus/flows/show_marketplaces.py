"""Marketplaces for people: who sells, operates and invoices; what two feeds show alike; totals with it and counted once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Literal, cast

from fiscus.cost.marketplaces.find_same import cell_counts, plain_name
from fiscus.cost.marketplaces.types import SeenTwice
from fiscus.cost.providers import canonical_name
from fiscus.flows.keep_same_spend import seen_twice
from fiscus.flows.workspace import Workspace
from fiscus.kernel.limits import PURCHASE_HISTORY_DAYS
from fiscus.kernel.money import EXACT, ZERO, display, total
from fiscus.kernel.periods import midnight
from fiscus.kernel.sql_text import sql_text

Channel = Literal["direct", "marketplace", "hosted"]


@dataclass(frozen=True, slots=True)
class Roles:
    """One combination of seller, operator, invoicer and maker, with its money. `channel`: marketplace where somebody else than
    the seller invoices; hosted where the seller runs what somebody else made; else direct."""

    seller: str
    operator: str
    invoicer: str
    maker: str
    channel: Channel
    currency: str
    sources: Sequence[str]
    charges: int
    billed: Decimal
    effective: Decimal
    billed_once: Decimal
    effective_once: Decimal


@dataclass(frozen=True, slots=True)
class OnceTotal:
    """All charges of the window in one currency: as they stand, what of it another row counts, and what counts once."""

    currency: str
    billed: Decimal
    billed_not_counted: Decimal
    billed_once: Decimal
    effective: Decimal
    effective_not_counted: Decimal
    effective_once: Decimal


@dataclass(frozen=True, slots=True)
class Link:
    """One month that two feeds show alike, or may: money of each side, and which rows count."""

    id: str
    seller: str
    month: str
    currency: str
    confidence: str
    counts: str
    marketplace: str
    marketplace_billed: Decimal
    marketplace_effective: Decimal
    vendor: str
    vendor_billed: Decimal
    vendor_effective: Decimal
    counted_once: bool
    evidence: str


@dataclass(frozen=True, slots=True)
class MarketplacesShown:
    """`kept` False: what was found is not yet what the view `charges_counted_once` counts; `fiscus marketplace` keeps it."""

    sentence: str
    roles: tuple[Roles, ...]
    totals: tuple[OnceTotal, ...]
    links: tuple[Link, ...]
    kept: bool
    since: date
    until: date
    lake_version: str
    query: str
    params: Mapping[str, object]


def show_marketplaces(ws: Workspace) -> MarketplacesShown:
    """Over the last twelve months of charges; links over two years."""
    found = seen_twice(ws)
    since = ws.as_of - timedelta(days=PURCHASE_HISTORY_DAYS)
    query, params = (
        sql_text("fiscus.cost", "marketplace_roles"),
        {"since": midnight(since), "until": midnight(ws.as_of)},
    )
    roles = [_roles(row) for row in cast("Any", ws.lake.query(query, params).dicts())]
    links = tuple(_link(one) for one in found)
    return MarketplacesShown(
        sentence=_sentence(roles, links),
        roles=tuple(roles),
        totals=tuple(_totals(roles)),
        links=links,
        kept=_kept(ws, found),
        since=since,
        until=ws.as_of,
        lake_version=str(ws.lake.version()),
        query=query,
        params=params,
    )


def _kept(ws: Workspace, found: Sequence[SeenTwice]) -> bool:
    rows = ws.lake.query("SELECT DISTINCT x_SeenTwice FROM same_spend").rows
    return {str(row[0]) for row in rows} == {cell.link for cell in cell_counts(found)}


def _roles(row: Mapping[str, Any]) -> Roles:
    seller, invoicer, maker = row["seller"], row["invoicer"], row["maker"]
    same = plain_name(invoicer) == plain_name(seller) or not invoicer
    channel: Channel = "direct" if same else "marketplace"
    if same and maker and plain_name(maker) != plain_name(seller):
        channel = "hosted"
    names = {"operator": canonical_name(row["operator"]), "invoicer": canonical_name(invoicer)}
    return Roles(**{**row, **names}, channel=channel)


def _totals(roles: Sequence[Roles]) -> list[OnceTotal]:
    made = []
    for currency in sorted({one.currency for one in roles}):
        mine = [one for one in roles if one.currency == currency]
        billed, effective = total([one.billed for one in mine]), total([one.effective for one in mine])
        billed_once = total([one.billed_once for one in mine])
        effective_once = total([one.effective_once for one in mine])
        made.append(
            OnceTotal(
                currency,
                billed,
                EXACT.subtract(billed, billed_once),
                billed_once,
                effective,
                EXACT.subtract(effective, effective_once),
                effective_once,
            )
        )
    return made


def _link(one: SeenTwice) -> Link:
    return Link(
        id=one.id,
        seller=one.seller,
        month=one.month,
        currency=one.currency,
        confidence=one.confidence,
        counts=one.counts,
        marketplace=one.marketplace[0].source,
        marketplace_billed=total([cell.billed for cell in one.marketplace]),
        marketplace_effective=total([cell.effective for cell in one.marketplace]),
        vendor=one.vendor[0].source,
        vendor_billed=total([cell.billed for cell in one.vendor]),
        vendor_effective=total([cell.effective for cell in one.vendor]),
        counted_once=one.counted_once,
        evidence=one.evidence,
    )


def _sentence(roles: Sequence[Roles], links: Sequence[Link]) -> str:
    market = [one for one in roles if one.channel == "marketplace"]
    if not market and not links:
        return "No charge of the last twelve months was invoiced by somebody else than its seller."
    sellers = len({plain_name(one.seller) for one in market})
    said = f"{sellers} seller{'' if sellers == 1 else 's'} invoiced by a marketplace in twelve months"
    twice = [one for one in links if one.counted_once]
    unsure = [one for one in links if one.confidence == "possible"]
    if twice:
        months = len({(one.seller, one.month) for one in twice})
        money = total([min(one.vendor_effective or one.vendor_billed, one.marketplace_effective or one.marketplace_billed)
                       for one in twice if one.currency == twice[0].currency])  # fmt: skip
        said += f"; {display(max(money, ZERO), 0)} {twice[0].currency} of {_months(months)} stand in two feeds and count once"
    if unsure:
        said += f"; {_months(len(unsure))} may be shown twice: say so in marketplace.yaml"
    return said + "."


def _months(count: int) -> str:
    return f"{count} month{'' if count == 1 else 's'}"
