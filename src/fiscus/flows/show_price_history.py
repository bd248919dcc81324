"""Unit prices over time for people: what a thing cost a unit, month by month, and what changes of prices cost now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from fiscus.cost.price_history import PriceSeries, PriceStep, history_query, read_history, steps
from fiscus.flows.workspace import Workspace
from fiscus.kernel.errors import BadInput, NotFound
from fiscus.kernel.limits import PRICE_CHANGES_MONTHS, PRICE_HISTORY_MONTHS_MAX
from fiscus.kernel.money import ZERO, display, total
from fiscus.kernel.periods import Month

SHOWN_MAX = 200


@dataclass(frozen=True, slots=True)
class PriceHistory:
    """One SKU in one region, with every change of its prices."""

    series: PriceSeries
    steps: tuple[PriceStep, ...]


@dataclass(frozen=True, slots=True)
class PriceHistoryShown:
    """Series whose SKU, meter, description or details contain `name`, the most cost first."""

    name: str
    sentence: str
    series: tuple[PriceHistory, ...]
    more: int
    as_of: date
    lake_version: str
    query: str
    params: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PriceChange:
    """One change, with the SKU that it is of."""

    provider: str
    service: str
    sku: str
    meter: str
    description: str
    unit: str
    region: str
    currency: str
    volume: Decimal
    step: PriceStep


@dataclass(frozen=True, slots=True)
class PriceChangesShown:
    """Changes since `since`, what costs most in 30 days first. `rises`, `falls`: contracted ones, by currency, never added."""

    sentence: str
    changes: tuple[PriceChange, ...]
    more: int
    rises: Mapping[str, Decimal]
    falls: Mapping[str, Decimal]
    since: date
    as_of: date
    lake_version: str
    query: str
    params: Mapping[str, object]


def show_price_history(ws: Workspace, name: str, region: str = "", months: int = 12) -> PriceHistoryShown:
    """The last `months` months and the running one. Raises BadInput without a name, NotFound when nothing is called so."""
    if not name.strip():
        raise BadInput("No name was given", remedy="Name a part of a SKU, meter or description as bills write it.")
    query = history_query(ws.as_of, _months(months), name.strip(), region)
    found = sorted(read_history(ws.lake, query), key=lambda one: (-total([m.cost for m in one.months]), one.sku))
    if not found:
        where = f" in {region}" if region else ""
        raise NotFound(
            f"No bill of {months} months has {name!r}{where}", remedy="Name a part of a SKU or meter as bills write it."
        )
    shown = [PriceHistory(one, tuple(steps(one))) for one in found[:SHOWN_MAX]]
    changed = sum(bool(one.steps) for one in shown)
    said = f"{len(found)} price{'' if len(found) == 1 else 's'} of {name} over {months} months; {changed} changed."
    return PriceHistoryShown(
        name,
        said,
        tuple(shown),
        max(len(found) - SHOWN_MAX, 0),
        ws.as_of,
        str(ws.lake.version()),
        query.sql,
        query.params,
    )


def show_price_changes(ws: Workspace, months: int = PRICE_CHANGES_MONTHS) -> PriceChangesShown:
    """Every change that began in the last `months` months or the running one."""
    query = history_query(ws.as_of, _months(months) + 1)
    since = Month.of(ws.as_of).shift(-months).start
    found = [_change(one, step) for one in read_history(ws.lake, query) for step in steps(one) if step.since >= since]
    found.sort(key=lambda one: (-one.step.money, one.provider, one.sku, one.region, one.step.since, one.step.kind))
    contracted = [one for one in found if one.step.kind == "contracted"]
    rises = _by_currency([one for one in contracted if one.step.money > ZERO])
    falls = _by_currency([one for one in contracted if one.step.money < ZERO])
    return PriceChangesShown(
        _sentence(found, rises, falls), tuple(found[:SHOWN_MAX]), max(len(found) - SHOWN_MAX, 0), rises, falls, since, ws.as_of,
        str(ws.lake.version()), query.sql, query.params,
    )  # fmt: skip


def _months(months: int) -> int:
    if not 1 <= months <= PRICE_HISTORY_MONTHS_MAX:
        raise BadInput(f"{months} months", remedy=f"Ask for 1 to {PRICE_HISTORY_MONTHS_MAX}.")
    return months


def _change(one: PriceSeries, step: PriceStep) -> PriceChange:
    return PriceChange(
        one.provider,
        one.service,
        one.sku,
        one.meter,
        one.description,
        one.unit,
        one.region,
        one.currency,
        one.volume,
        step,
    )


def _by_currency(changes: Sequence[PriceChange]) -> dict[str, Decimal]:
    names = sorted({one.currency for one in changes})
    return {name: total([one.step.money for one in changes if one.currency == name]) for name in names}


def _sentence(found: Sequence[PriceChange], rises: Mapping[str, Decimal], falls: Mapping[str, Decimal]) -> str:
    if not found:
        return "No unit price has changed."
    count = sum(one.step.kind == "contracted" for one in found)
    parts = [f"{display(amount)} {currency} more" for currency, amount in rises.items()]
    parts += [f"{display(-amount)} {currency} less" for currency, amount in falls.items()]
    money = f": {', '.join(parts)} in thirty days at what is used now" if parts else ""
    return f"{count} contracted price{'' if count == 1 else 's'} changed{money}; {len(found) - count} effective and list prices."
