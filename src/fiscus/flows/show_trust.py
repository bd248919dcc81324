"""How far what is shown can be trusted: until when each source has landed, what nobody owns, and when the loop last ran."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal, TypeVar, cast

from fiscus.cost.types import SourceFreshness
from fiscus.flows.workspace import Workspace
from fiscus.kernel.money import EXACT, ZERO
from fiscus.kernel.periods import Month, midnight
from fiscus.kernel.rows import Query
from fiscus.kernel.sql_text import sql_text

STALE_DAYS: Final = 3  # vendors restate and deliver late by a day or two; more is news
Shown = TypeVar("Shown")


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with what it rests on. `unit` is a currency code, '%' or 'count'; `kind` keeps estimates apart from actuals."""

    value: Decimal
    unit: str
    kind: Literal["actual", "estimate", "forecast", "count", "share"]
    query: Query
    lake_version: str


@dataclass(frozen=True, slots=True)
class SourceTrust:
    """One source: usage has landed until `charges_until` (exclusive; None without usage), `days_behind` the as-of day."""

    source: str
    charges_until: date | None
    days_behind: int | None
    rows: int
    months: int
    state: Literal["fresh", "stale", "missing"]
    first_month: str | None = None


@dataclass(frozen=True, slots=True)
class UnownedShare:
    """Of one currency, this month to date: what nobody owns. `share` is in percent, None when there is no cost."""

    currency: str
    cost: Figure
    unowned: Figure
    share: Decimal | None
    charges: int


@dataclass(frozen=True, slots=True)
class DataTrust:
    """The header of every page."""

    company: str
    as_of: date
    lake_version: str
    sources: tuple[SourceTrust, ...]
    unowned: tuple[UnownedShare, ...]  # the company's currency first
    last_run: Mapping[str, object] | None
    simulated: tuple[str, ...]

    @property
    def stale(self) -> tuple[SourceTrust, ...]:
        return tuple(source for source in self.sources if source.state != "fresh")


def data_trust(ws: Workspace) -> DataTrust:
    """Trust in the lake as it stands, for the month of the as-of day."""
    with ws.state.read() as tx:
        run = tx.facts.get("run.newest")
    version = str(ws.lake.version())
    query = Query(
        sql_text("fiscus.flows", "unowned_share"),
        {"from_day": midnight(Month.of(ws.as_of).start), "until_day": midnight(ws.as_of)},
    )
    shares = []
    for currency, cost, unowned, charges in ws.lake.query(query.sql, query.params).rows:
        money = [Figure(cast("Decimal", amount), str(currency), "actual", query, version) for amount in (cost, unowned)]
        shares.append(
            UnownedShare(
                str(currency), money[0], money[1], percent(money[1].value, money[0].value), int(cast("int", charges))
            )
        )
    home = ws.config.company.currency
    return DataTrust(
        company=ws.config.company.name,
        as_of=ws.as_of,
        lake_version=version,
        sources=_sources(ws),
        unowned=tuple(sorted(shares, key=lambda one: one.currency != home)),
        last_run=cast("Mapping[str, object]", run) if isinstance(run, Mapping) else None,
        simulated=ws.config.simulated,
    )


def percent(part: Decimal, whole: Decimal) -> Decimal | None:
    """`part` of `whole` in percent to a tenth; None of nothing."""
    if whole == ZERO:
        return None
    return EXACT.divide(part * 100, whole).quantize(Decimal("0.1"))


def of_one_version(ws: Workspace, show: Callable[[], Shown]) -> Shown:
    """What `show` returns, of the newest lake version and of that one alone; built again when a delivery landed meanwhile."""
    before = ws.lake.refresh()
    shown = show()
    for _ in range(3):
        if (now := ws.lake.version()) == before:
            break
        before, shown = now, show()
    return shown


def _sources(ws: Workspace) -> tuple[SourceTrust, ...]:
    landed = {one.source: one for one in ws.lake.freshness()}
    return tuple(_source(ws, name, landed.get(name)) for name in sorted({*landed, *ws.config.sources}))


def _source(ws: Workspace, name: str, one: SourceFreshness | None) -> SourceTrust:
    if one is None or not one.rows:
        return SourceTrust(name, None, None, 0, 0, "missing")
    until = one.charges_until.date() if one.charges_until else None
    # A feed without usage (invoices for seats) has no such day: it is judged by the month of its newest bill.
    behind = max((ws.as_of - (until or Month.parse(one.months[-1]).end)).days, 0)
    state: Literal["fresh", "stale"] = "stale" if behind > STALE_DAYS else "fresh"
    return SourceTrust(name, until, behind, one.rows, len(one.months), state, min(one.months))
