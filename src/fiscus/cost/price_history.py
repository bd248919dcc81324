"""Unit prices over time: what each SKU cost a unit in each month, and where that changed.

A contracted or list price has changed on the day from which all prices are other ones than before: prices of one SKU side by side
are its tiers, and no change. An effective price is cost / quantity of a month, commitment discounts included; its change is
told where the contracted price does not explain it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, Literal, cast

from fiscus.cost.ports import LakeReader
from fiscus.kernel.money import EXACT, ZERO, round_cost, total
from fiscus.kernel.periods import Month, midnight
from fiscus.kernel.rows import Query
from fiscus.kernel.sql_text import sql_text

PriceKind = Literal["contracted", "effective", "list"]
VOLUME_DAYS: Final = 30
EFFECTIVE_PERCENT_MIN: Final = Decimal(
    10
)  # commitments are used a little more one month and less the next: that is no change
COVERAGE_POINTS_MIN: Final = Decimal(5)
_PLACES: Final = Decimal("0.000000000000000001")
_TENTH: Final = Decimal("0.1")
_KEYS: Final = ("provider", "service", "sku", "meter", "unit", "region", "details", "currency")


@dataclass(frozen=True, slots=True)
class PriceMonth:
    """Prices per PricingUnit as the bills write it. None: the bills of the month do not say. `effective` has 18 decimals."""

    month: str
    contracted: Decimal | None
    low: Decimal | None
    high: Decimal | None
    listed: Decimal | None
    listed_low: Decimal | None
    effective: Decimal | None
    quantity: Decimal
    cost: Decimal
    charges: int
    covered: Decimal = ZERO  # of the quantity, by commitments


@dataclass(frozen=True, slots=True)
class PriceRun:
    """One price that was charged from `first` to `last` day, for `quantity` units."""

    kind: Literal["contracted", "list"]
    price: Decimal
    first: date
    last: date
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class PriceSeries:
    """One SKU in one region, unit and currency. `volume`: quantity of the last 30 days."""

    provider: str
    service: str
    sku: str
    meter: str
    unit: str
    region: str
    details: str
    currency: str
    description: str
    volume: Decimal
    months: tuple[PriceMonth, ...]
    runs: tuple[PriceRun, ...] = ()


@dataclass(frozen=True, slots=True)
class PriceStep:
    """A change of price on the day `since` (of an effective price: the month that it begins with).

    `money`: what it adds in 30 days at the volume of now; below 0 it saves. `cause` of an effective price: commitments cover more
    or less of it, or it costs another rate; of the others: the price itself.
    """

    kind: PriceKind
    since: date
    before: Decimal
    after: Decimal
    percent: Decimal
    money: Decimal
    cause: Literal["price", "coverage", "rate"] = "price"


def history_query(until: date, months: int, name: str = "", region: str = "") -> Query:
    """The charges of the last `months` months and the running one; `name` is a part of SKU, meter, description or details."""
    since = Month.of(until).shift(-months).start
    params = {
        "since": midnight(since), "until": midnight(until), "billing_month": str(Month.of(since).shift(-1)),
        "volume_since": midnight(until - timedelta(days=VOLUME_DAYS)), "sku": name.lower(), "region": region,
    }  # fmt: skip
    return Query(sql_text("fiscus.cost", "price_history"), params)


def read_history(lake: LakeReader, query: Query) -> Sequence[PriceSeries]:
    """Every series of the answer, each month once, in order; with the prices that were charged."""
    runs: dict[tuple[str, ...], list[PriceRun]] = {}
    asked = {name: value for name, value in query.params.items() if name != "volume_since"}
    for row in _rows(lake, Query(sql_text("fiscus.cost", "price_runs"), asked)):
        run = PriceRun(row["kind"], row["price"], row["first_day"], row["last_day"], row["quantity"])
        runs.setdefault(_key(row), []).append(run)
    series = []
    for key, members in itertools.groupby(_rows(lake, query), key=_key):
        parts = list(members)
        volume = total([row["volume"] for row in parts])
        made = {name: parts[0][name] for name in _KEYS}
        months = tuple(_month(row) for row in parts)
        series.append(PriceSeries(**made, description=parts[-1]["description"], volume=volume, months=months,
                                  runs=tuple(runs.get(key, ()))))  # fmt: skip
    return series


def steps(one: PriceSeries) -> list[PriceStep]:
    """Where its prices changed, oldest first."""
    found = [*_steps_of(one, "contracted"), *_steps_of(one, "list"), *_effective(one)]
    return sorted(found, key=lambda step: (step.since, step.kind))


def usual_price(runs: Sequence[PriceRun]) -> Decimal:
    """The price most was bought at: the quantity-weighted median."""
    half, upto = EXACT.divide(total([run.quantity for run in runs]), Decimal(2)), ZERO
    ordered = sorted(runs, key=lambda run: run.price)
    for run in ordered:
        upto = EXACT.add(upto, run.quantity)
        if upto >= half:
            return run.price
    return ordered[-1].price


def _rows(lake: LakeReader, query: Query) -> Iterable[dict[str, Any]]:
    return cast("Iterable[dict[str, Any]]", lake.query(query.sql, query.params).dicts())


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(row[name] for name in _KEYS)


def _month(row: dict[str, Any]) -> PriceMonth:
    effective = None
    if row["quantity"] > ZERO and row["cost"] > ZERO:
        effective = EXACT.divide(row["cost"], row["quantity"]).quantize(_PLACES, context=EXACT)
    return PriceMonth(
        row["month"], row["contracted"], row["low"], row["high"], row["listed"], row["listed_low"], effective,
        row["quantity"], row["cost"], row["charges"], row["covered"],
    )  # fmt: skip


def _steps_of(one: PriceSeries, kind: Literal["contracted", "list"]) -> list[PriceStep]:
    """Between blocks of prices that lie apart in time."""
    blocks: list[list[PriceRun]] = []
    until = date.min
    for run in sorted((run for run in one.runs if run.kind == kind), key=lambda run: (run.first, run.price)):
        if run.first > until:
            blocks.append([])
        blocks[-1].append(run)
        until = max(until, run.last)
    return [
        _step(one, kind, min(run.first for run in after), (usual_price(before), usual_price(after)))
        for before, after in itertools.pairwise(blocks)
    ]


def _effective(one: PriceSeries) -> list[PriceStep]:
    found = []
    priced = [month for month in one.months if month.effective is not None]
    for before, after in itertools.pairwise(priced):
        assert before.effective is not None
        assert after.effective is not None
        step = _step(one, "effective", Month.parse(after.month).start, (before.effective, after.effective))
        explained = ZERO
        if before.contracted and after.contracted:
            explained = _percent(before.contracted, after.contracted)
        if abs(EXACT.subtract(step.percent, explained)) >= EFFECTIVE_PERCENT_MIN:
            shifted = abs(EXACT.subtract(_covered_percent(after), _covered_percent(before))) >= COVERAGE_POINTS_MIN
            found.append(replace(step, cause="coverage" if shifted else "rate"))
    return found


def _covered_percent(month: PriceMonth) -> Decimal:
    return EXACT.multiply(EXACT.divide(month.covered, month.quantity), Decimal(100))


def _step(one: PriceSeries, kind: PriceKind, since: date, prices: tuple[Decimal, Decimal]) -> PriceStep:
    before, after = prices
    money = round_cost(EXACT.multiply(EXACT.subtract(after, before), one.volume))
    return PriceStep(kind, since, before, after, _percent(before, after), money)


def _percent(before: Decimal, after: Decimal) -> Decimal:
    share = EXACT.divide(EXACT.subtract(after, before), before)
    return EXACT.multiply(share, Decimal(100)).quantize(_TENTH, context=EXACT)
