"""Where the money goes: spend by any dimension and period, against the same days before, down to the charges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, cast

from fiscus.flows.show_trust import DataTrust, Figure, data_trust, percent
from fiscus.flows.spend_dimensions import (
    BUCKETS,
    DIMENSIONS,
    METRICS,
    NONE,
    Money,
    SpendAsked,
    Window,
    column_of,
    money_of,
    select,
)
from fiscus.flows.workspace import Workspace
from fiscus.kernel.charts import ChartSeries, ChartSpec
from fiscus.kernel.errors import BadInput
from fiscus.kernel.fiscal_labels import period_named
from fiscus.kernel.money import ZERO, display, total
from fiscus.kernel.periods import Month
from fiscus.kernel.rows import Query, Rows
from fiscus.kernel.sql_text import sql_text

GROUPS_SHOWN: Final = 50
SERIES_SHOWN: Final = 6
ROWS_SHOWN: Final = 200
MONTHS_MAX: Final = 60
OTHER: Final = "other"


@dataclass(frozen=True, slots=True)
class SpendLine:
    """One group: `name` None is the sum of the groups beyond the largest. `before` is the same number of days before."""

    name: str | None
    cost: Figure
    before: Decimal | None
    change: Decimal | None
    share: Decimal | None  # percent of the total
    charges: int
    groups: int


@dataclass(frozen=True, slots=True)
class SpendShown:
    """The answer. The lines sum to `total` to the last digit."""

    trust: DataTrust
    sentence: str
    asked: SpendAsked
    currency: str
    currencies: tuple[str, ...]
    window: Window
    before: Window
    total: Figure
    total_before: Decimal | None  # None: the lake does not reach back that far, so nothing is compared
    lines: tuple[SpendLine, ...]
    chart: ChartSpec
    dimensions: tuple[str, ...]
    reporting: str | None = None  # the reporting currency, where one is declared
    shares_cost: bool = False  # there are rules that hand shared cost on: `shared` asks by who bears it


@dataclass(frozen=True, slots=True)
class SpendRows:
    """Charges behind a number: the largest of `matching`, whose sum is `cost`."""

    cost: Figure
    matching: int
    rows: Rows


def show_spend(ws: Workspace, asked: SpendAsked, trust: DataTrust | None = None) -> SpendShown:
    """Answer `asked`. BadInput names a dimension, metric or period that is not one."""
    trust = trust or data_trust(ws)
    window, before = windows(ws, asked)
    money = _money(ws, asked)
    currency = money.currency
    query = _grouped(ws, asked, window, money)
    rows = list(ws.lake.query(query.sql, query.params).rows)
    earlier = _earlier(ws, asked, before, money) if _reaches(trust, before) else None
    whole = Figure(total([cast("Decimal", row[3]) for row in rows]), currency, "actual", query, trust.lake_version)
    lines = _lines(rows, earlier, whole)
    return SpendShown(
        trust=trust,
        sentence=_sentence(asked, whole, lines, (window.end - window.start).days),
        asked=asked,
        currency=currency,
        currencies=tuple(sorted({currency, ws.config.company.currency, *(one.currency for one in trust.unowned)})),
        window=window,
        before=before,
        total=whole,
        total_before=None if earlier is None else total(list(earlier.values())),
        lines=lines,
        chart=_chart(asked, rows, lines, currency),
        reporting=ws.config.reporting.currency if ws.config.reporting else None,
        shares_cost=bool(ws.config.allocations.rules),
        dimensions=(*DIMENSIONS, *(f"tag:{key}" for key in ws.config.promoted_tags)),
    )


def show_spend_rows(ws: Workspace, asked: SpendAsked, rows_max: int = ROWS_SHOWN) -> SpendRows:
    """The charges that `asked` filters for, largest first, and their exact sum."""
    window, _ = windows(ws, asked)
    money = _money(ws, asked)
    selection = select(asked, window, money, ws.config.promoted_tags)
    sql = sql_text("fiscus.flows", "spend_rows").format(
        metric=money.column(asked.metric), where=selection.where, charges=money.charges
    )
    query = Query(sql, {**selection.params, "rows_max": rows_max})
    found = ws.lake.query(query.sql, query.params)
    matching, cost = (found.rows[0][-2], found.rows[0][-1]) if found.rows else (0, ZERO)
    figure = Figure(cast("Decimal", cost), money.currency, "actual", query, str(ws.lake.version()))
    return SpendRows(figure, cast("int", matching), Rows(found.columns[:-2], tuple(row[:-2] for row in found.rows)))


def windows(ws: Workspace, asked: SpendAsked) -> tuple[Window, Window]:
    """The days asked for, up to the as-of day (exclusive), and as many days from the same day so many months before."""
    if asked.metric not in METRICS or asked.bucket not in BUCKETS:
        raise BadInput("Not a metric or not a bucket", remedy=f"Use {', '.join(METRICS)}; by day or by month.")
    if asked.period is not None:
        return _of_period(ws, asked, asked.period)
    newest = Month.of(ws.as_of - timedelta(days=1))  # on the first of a month, the last full one
    last = asked.to_month or asked.from_month or newest
    first = asked.from_month or last
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    if not 1 <= months <= MONTHS_MAX:
        raise BadInput(
            f"{first} to {last} is no period", remedy=f"Name a first and a last month, at most {MONTHS_MAX} apart."
        )
    end = max(min(last.end, ws.as_of), first.start)
    earlier = first.shift(-months).start
    length = (end - first.start).days
    before = min(earlier + timedelta(days=length), first.start) if end < last.end else first.start
    return Window(first.start, end), Window(earlier, before)


def _of_period(ws: Workspace, asked: SpendAsked, label: str) -> tuple[Window, Window]:
    """A fiscal period up to the as-of day, and as many days of the one before it (all of it, once the period is over)."""
    if asked.from_month or asked.to_month:
        raise BadInput("A period and months are two periods", remedy="Name the period, or from and to.")
    calendar = ws.config.company.calendar
    period = period_named(calendar, label)
    end = max(min(period.end, ws.as_of), period.start)
    calendar_month = period.kind == "month" and not calendar.by_month and not label.startswith("FY")
    last = period.start - timedelta(days=1)
    start = Month.of(last).start if calendar_month else calendar.period(period.kind, last).start
    before = period.start if end == period.end else min(start + (end - period.start), period.start)
    return Window(period.start, end), Window(start, before)


def _money(ws: Workspace, asked: SpendAsked) -> Money:
    return money_of(asked, ws.config.company.currency, ws.config.reporting.currency if ws.config.reporting else None)


def _grouped(ws: Workspace, asked: SpendAsked, window: Window, money: Money) -> Query:
    selection = select(asked, window, money, ws.config.promoted_tags)
    dimension, bound = column_of(asked.group_by, ws.config.promoted_tags, "group_tag")
    sql = sql_text("fiscus.flows", "spend_by_group").format(
        bucket=BUCKETS[asked.bucket],
        dimension=dimension,
        metric=money.column(asked.metric),
        where=selection.where,
        charges=money.charges,
    )
    return Query(sql, {**selection.params, **bound, "top": GROUPS_SHOWN})


def _earlier(ws: Workspace, asked: SpendAsked, window: Window, money: Money) -> Mapping[str, Decimal]:
    selection = select(asked, window, money, ws.config.promoted_tags)
    dimension, bound = column_of(asked.group_by, ws.config.promoted_tags, "group_tag")
    sql = sql_text("fiscus.flows", "spend_before").format(
        dimension=dimension, metric=money.column(asked.metric), where=selection.where, charges=money.charges
    )
    rows = ws.lake.query(sql, {**selection.params, **bound}).rows
    return {_named(name): cast("Decimal", cost) for name, cost in rows}


def _reaches(trust: DataTrust, window: Window) -> bool:
    """Whether any source has charges of the first month of `window` or an earlier one."""
    months = [source.first_month for source in trust.sources if source.first_month]
    return bool(months) and Month.parse(min(months)) <= Month.of(window.start)


def _named(value: object) -> str:
    return NONE if value is None else str(value)


def _lines(
    rows: Sequence[tuple[object, ...]], earlier: Mapping[str, Decimal] | None, whole: Figure
) -> tuple[SpendLine, ...]:
    costs: dict[str | None, list[Decimal]] = defaultdict(list)
    charges: dict[str | None, int] = defaultdict(int)
    rest = 0
    for _, name, named, cost, count, groups in rows:
        key = _named(name) if named else None
        costs[key].append(cast("Decimal", cost))
        charges[key] += cast("int", count)
        rest = max(rest, cast("int", groups)) if key is None else rest
    lines = []
    for key, amounts in costs.items():
        cost = total(amounts)
        before = _before(key, costs, earlier)
        lines.append(
            SpendLine(
                name=key,
                cost=replace(whole, value=cost),
                before=before,
                change=None if before is None else cost - before,
                share=percent(cost, whole.value),
                charges=charges[key],
                groups=1 if key is not None else rest,
            )
        )
    return tuple(sorted(lines, key=lambda line: (line.name is None, -line.cost.value, line.name or "")))


def _before(key: str | None, named: Iterable[str | None], earlier: Mapping[str, Decimal] | None) -> Decimal | None:
    if earlier is None:
        return None
    if key is not None:
        return earlier.get(key, ZERO)
    return total([cost for name, cost in earlier.items() if name not in set(named)])


def _chart(
    asked: SpendAsked, rows: Sequence[tuple[object, ...]], lines: Sequence[SpendLine], currency: str
) -> ChartSpec:
    top = [line.name for line in lines if line.name is not None][:SERIES_SHOWN]
    buckets = sorted({cast("date", row[0]) for row in rows})
    cells: dict[tuple[str, date], list[Decimal]] = defaultdict(list)
    for bucket, name, named, cost, _, _ in rows:
        key = _named(name) if named else OTHER
        cells[key if key in top else OTHER, cast("date", bucket)].append(cast("Decimal", cost))
    names = [name for name in (*top, OTHER) if any(key == name for key, _ in cells)]
    title = f"{top[0]} leads spend by {asked.group_by.replace('_', ' ')}" if top else "No spend in this period"
    return ChartSpec(
        id="spend",
        kind="stacked_bars",
        title=title,
        unit=currency,
        labels=tuple(str(bucket)[:7] if asked.bucket == "month" else str(bucket) for bucket in buckets),
        series=tuple(
            ChartSeries(str(name), tuple(total(cells.get((name, bucket), [])) for bucket in buckets), "actual")
            for name in names
        ),
    )


def _sentence(asked: SpendAsked, whole: Figure, lines: Sequence[SpendLine], days: int) -> str:
    if not lines:
        return "No charge matches. Widen the period or clear a filter."
    dimension, moved = (
        asked.group_by.replace("_", " "),
        {line.name: line.change for line in lines if line.change is not None},
    )
    if not moved:
        return f"{display(whole.value, 0)} {whole.unit} in {days} days: start with {lines[0].name}, the largest {dimension}."
    change = total(list(moved.values()))
    sign = 1 if change >= 0 else -1
    driver, amount = max(((name or OTHER, moved[name]) for name in moved), key=lambda item: item[1] * sign)
    return (
        f"{display(whole.value, 0)} {whole.unit} in {days} days, {display(abs(change), 0)} {'more' if sign > 0 else 'less'} "
        f"than the same days before: look at {driver} first ({'+' if amount >= 0 else '−'}{display(abs(amount), 0)})."
    )
