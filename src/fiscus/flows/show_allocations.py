"""Who pays what for whom and why: allocation as it stands, or as it stood at the end of an earlier day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, cast

from fiscus.cost.allocation.pool_sql import column_sql
from fiscus.cost.allocation.types import AllocationRun
from fiscus.cost.types import LakeVersion
from fiscus.flows.show_trust import DataTrust, data_trust
from fiscus.flows.workspace import Workspace
from fiscus.kernel.documents import did_you_mean
from fiscus.kernel.errors import BadInput, NotFound
from fiscus.kernel.fiscal_labels import period_named
from fiscus.kernel.money import EXACT, ZERO, display, total
from fiscus.kernel.periods import Month, Period, midnight
from fiscus.kernel.rows import Query, Rows
from fiscus.kernel.sql_text import sql_text

HERE: Final = "fiscus.flows"
PAYERS: Final = ("team", "product", "cost_centre", "environment", "owner")  # what an allocation can change of a charge
METRICS: Final = ("EffectiveCost", "BilledCost")


@dataclass(frozen=True, slots=True)
class AllocationsAsked:
    """A question: a period by its label (None: the month of the as-of day), by whom, and as of which day it is reported."""

    period: str | None = None
    by: str = "team"
    as_of: date | None = None
    metric: str = "EffectiveCost"


@dataclass(frozen=True, slots=True)
class PayerLine:
    """What one payer bears in one currency: of its own, given to it, and kept of what is shared. They come to `total`."""

    name: str
    currency: str
    direct: Decimal
    given: Decimal
    kept: Decimal
    total: Decimal
    own_before: Decimal  # what its own charges cost before anything was shared


@dataclass(frozen=True, slots=True)
class GivenLine:
    """What one rule gave one target in the end, net: from the rule's own charges."""

    rule: str
    title: str
    target: str
    currency: str
    cost: Decimal


@dataclass(frozen=True, slots=True)
class StepLine:
    """One link of the chain: what the rule's pool hands on, by which measure, and into which pool if it goes on from there."""

    month: str
    rule: str
    target: str
    into: str
    method: str
    driver: str | None
    share: Decimal  # of 1
    currency: str
    cost: Decimal  # gross: what a pool was given flows through it as well
    why: str


@dataclass(frozen=True, slots=True)
class Balance:
    """Of one currency: what the lake has, and what all payers bear. They are the same, or nothing here is to be trusted."""

    currency: str
    lake: Decimal
    borne: Decimal

    @property
    def balanced(self) -> bool:
        return self.lake == self.borne


@dataclass(frozen=True, slots=True)
class AllocationsShown:
    """The answer for one period. Lines sum to the lake in each currency, to the last digit: `balances` shows both."""

    trust: DataTrust
    sentence: str
    asked: AllocationsAsked
    period: Period
    runs: tuple[AllocationRun, ...]
    lines: tuple[PayerLine, ...]
    given: tuple[GivenLine, ...]
    steps: tuple[StepLine, ...]
    balances: tuple[Balance, ...]
    query: Query


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One version of a month in one currency: what is shared, what of it stays, and, against the version before, who bears more
    (the sum over payers) and less; None for the first."""

    month: str
    version: int
    currency: str
    shared: Decimal
    stays: Decimal
    more: Decimal | None
    less: Decimal | None


@dataclass(frozen=True, slots=True)
class VersionsShown:
    """Everything that is kept: each run with what it rests on, and what each restatement moved."""

    runs: tuple[AllocationRun, ...]
    lines: tuple[VersionLine, ...]


def show_versions(ws: Workspace) -> VersionsShown:
    """Every run, oldest month and version first, with its money."""
    rows: Sequence[Any] = ws.lake.query(sql_text(HERE, "allocation_versions")).rows
    return VersionsShown(tuple(runs_kept(ws)), tuple(VersionLine(*row) for row in rows))


def runs_kept(ws: Workspace) -> Sequence[AllocationRun]:
    """Every run, oldest month and version first."""
    rows = ws.lake.query(sql_text(HERE, "allocation_runs_kept")).rows
    return [AllocationRun(*cast("tuple[str, str, int, datetime, str, str, str, str]", row)) for row in rows]


def run_in_force(ws: Workspace, month: str, as_of: date | None) -> AllocationRun:
    """The run that counted for `month` at the end of the day `as_of` (None: now). NotFound when there was none."""
    runs = _in_force(runs_kept(ws), [month], as_of)
    if not runs:
        when = f" by {as_of}" if as_of else ""
        raise NotFound(
            f"Nothing was allocated for {month}{when}", remedy="`fiscus allocations --runs` lists what is kept."
        )
    return runs[0]


def show_allocations(ws: Workspace, asked: AllocationsAsked, trust: DataTrust | None = None) -> AllocationsShown:
    """Who pays what in the asked period. BadInput names a dimension, a metric or a period that is none."""
    trust = trust or data_trust(ws)
    if asked.by not in PAYERS or asked.metric not in METRICS:
        wrong, known = (asked.by, PAYERS) if asked.by not in PAYERS else (asked.metric, METRICS)
        raise BadInput(f"{wrong!r} is nothing that pays", remedy=did_you_mean(wrong, list(known)))
    period = period_named(ws.config.company.calendar, asked.period or str(Month.of(ws.as_of - timedelta(days=1))))
    kept = runs_kept(ws)
    runs = _in_force(kept, sorted({run.month for run in kept}), asked.as_of)
    whole_months = period.start.day == 1 and period.end.day == 1
    query = _query(ws, asked, period, whole_months=whole_months)
    rows = [row for version, months in _versions(runs, asked) for row in _ask(ws, version, months, query)]
    lines = _payers(rows, ws.config.company.currency)
    mine = tuple(run for run in runs if run.month in {str(month) for month in period.months()})
    named = {run.run_id: run for run in mine}
    balances = _balances(rows)
    return AllocationsShown(
        trust=trust,
        sentence=_sentence(period, lines, balances, ws.config.company.currency),
        asked=asked,
        period=period,
        runs=mine,
        lines=lines,
        given=_given(ws, named, asked.metric),
        steps=_steps(ws, named, asked.metric),
        balances=balances,
        query=query,
    )


def _in_force(runs: Iterable[AllocationRun], months: Sequence[str], as_of: date | None) -> list[AllocationRun]:
    end = midnight(as_of + timedelta(days=1)) if as_of else None
    newest: dict[str, AllocationRun] = {}
    for run in runs:
        if run.month in months and (end is None or run.at < end):
            newest[run.month] = run  # they come by version
    return [newest[month] for month in sorted(newest)]


def _versions(
    runs: Sequence[AllocationRun], asked: AllocationsAsked
) -> list[tuple[LakeVersion | None, list[str] | None]]:
    """Which lake version answers for which months. As it stands now: the newest for all. As of a day: each run's own lake."""
    if asked.as_of is None:
        return [(None, None)]
    if not runs:
        raise NotFound(
            f"Nothing was allocated by {asked.as_of}", remedy="`fiscus allocations --runs` lists what is kept."
        )
    kept_at = max(LakeVersion.parse(run.lake_version).allocations for run in runs) + 1
    versions: dict[LakeVersion, list[str]] = {}
    for run in runs:
        version = replace(LakeVersion.parse(run.lake_version), allocations=kept_at)
        versions.setdefault(version, []).append(run.month)
    return list(versions.items())


def _query(ws: Workspace, asked: AllocationsAsked, period: Period, *, whole_months: bool) -> Query:
    """Sums by payer and kind. Whole calendar months go by the billing month, other fiscal periods by the day of the charge."""
    column = column_sql(asked.by, ws.config.promoted_tags)
    when = (
        "list_contains(CAST($in_months AS VARCHAR[]), x_BillingMonth)"
        if whole_months
        else "ChargePeriodStart >= $from_day AND ChargePeriodStart < $until_day"
    )
    params: dict[str, object] = (
        {"in_months": [str(month) for month in period.months()]}
        if whole_months
        else {"from_day": midnight(period.start), "until_day": midnight(period.end)}
    )
    text = sql_text(HERE, "allocated_by")
    return Query(text.format(payer=column, metric=asked.metric, when=when), params)


def _ask(
    ws: Workspace, version: LakeVersion | None, months: list[str] | None, query: Query
) -> Sequence[tuple[object, ...]]:
    params = {**query.params, "months": months}
    rows: Rows = ws.lake.query(query.sql, params) if version is None else ws.lake.query_at(version, query.sql, params)
    return rows.rows


def _payers(rows: Sequence[tuple[object, ...]], home: str) -> tuple[PayerLine, ...]:
    sums: dict[tuple[str, str], dict[str, list[Decimal]]] = {}
    for side, name, currency, kind, cost in cast("Sequence[tuple[str, str, str, str, Decimal]]", rows):
        if side != "lake":
            sums.setdefault((currency, name), {}).setdefault(kind if side == "payer" else "before", []).append(cost)
    lines = []
    for (currency, name), kinds in sums.items():
        direct, kept = total(kinds.get("direct", [])), total(kinds.get("kept", []))
        given = total([*kinds.get("allocated", []), *kinds.get("rounding", [])])
        whole = total([direct, kept, given])
        lines.append(PayerLine(name, currency, direct, given, kept, whole, total(kinds.get("before", []))))
    return tuple(sorted(lines, key=lambda one: (one.currency != home, one.currency, -one.total, one.name)))


def _balances(rows: Sequence[tuple[object, ...]]) -> tuple[Balance, ...]:
    lake: dict[str, list[Decimal]] = {}
    borne: dict[str, list[Decimal]] = {}
    for side, _, currency, _, cost in cast("Sequence[tuple[str, str, str, str, Decimal]]", rows):
        if side in {"lake", "payer"}:
            (lake if side == "lake" else borne).setdefault(currency, []).append(cost)
    return tuple(Balance(one, total(lake.get(one, [])), total(borne.get(one, []))) for one in sorted({*lake, *borne}))


def _given(ws: Workspace, runs: Mapping[str, AllocationRun], metric: str) -> tuple[GivenLine, ...]:
    titles = {rule.id: rule.title for rule in ws.config.allocations.rules}
    query = sql_text(HERE, "allocation_given").format(metric=metric)
    rows = cast("Sequence[tuple[str, str, str, str, Decimal]]", ws.lake.query(query, {"runs": list(runs)}).rows)
    return tuple(
        GivenLine(rule, titles.get(rule, rule), _target(d, to), currency, cost) for rule, d, to, currency, cost in rows
    )


def _steps(ws: Workspace, runs: Mapping[str, AllocationRun], metric: str) -> tuple[StepLine, ...]:
    query = sql_text(HERE, "allocation_chain").format(metric=metric)
    rows: Sequence[Any] = ws.lake.query(query, {"runs": list(runs)}).rows
    return tuple(StepLine(m, rule, _target(d, to), *rest) for m, rule, d, to, *rest in rows)


def _target(dimension: str, value: str) -> str:
    return "stays" if dimension == "own" else f"{dimension}:{value}"


def _sentence(period: Period, lines: Sequence[PayerLine], balances: Sequence[Balance], home: str) -> str:
    if not lines:
        return f"No charge of {period.label}."
    if wrong := next((one for one in balances if not one.balanced), None):
        missing = EXACT.subtract(wrong.lake, wrong.borne)
        return (
            f"{wrong.currency} does not balance: {missing} of {period.label} is borne by nobody. Run fiscus allocate."
        )
    mine = [one for one in lines if one.currency == home] or list(lines)
    currency = mine[0].currency
    given = total([one.given for one in mine if one.currency == currency])
    if given == ZERO:
        return f"Nothing of {period.label} is shared: each pays for its own charges."
    largest = max((one for one in mine if one.currency == currency), key=lambda one: one.given)
    return (
        f"{display(given, 0)} {currency} of {period.label} is paid for others; "
        f"{largest.name} pays most of it, {display(largest.given, 0)} beside {display(largest.direct, 0)} of its own."
    )
