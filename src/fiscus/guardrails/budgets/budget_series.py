"""Each budget's cost by day, all budgets by one query: the charges are read once and grouped by each shape of filters.

A query a budget would read the lake once each: 2,000 scopes took minutes that way (architecture, decision 6).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, cast

from fiscus.cost.columns import promoted_column
from fiscus.guardrails.budgets.budget_amount import rollover_periods
from fiscus.guardrails.types import SCOPE_DIMENSIONS, Budget, BudgetStatus
from fiscus.kernel.money import EXACT, ZERO, total
from fiscus.kernel.periods import FiscalCalendar, midnight
from fiscus.kernel.rows import Query, Rows
from fiscus.kernel.sql_text import sql_text
from fiscus.signals.types import DailySeries

HISTORY_DAYS: Final = 126  # what a forecast learns from
SOURCE_OVER_DAYS: Final = 35
_ROOM: Final = "fiscus.guardrails"
_OF_EVERY_SHAPE: Final = ("day", "currency", "source", "flags", "meter")
_METERED: Final = "list_contains(CAST($metered AS VARCHAR[]), coalesce(ServiceProviderName, ''))"


@dataclass(frozen=True, slots=True)
class BudgetDays:
    """One budget's costs by day, as far as bills tell.

    `series` ends where the slowest of its daily sources does. `ahead`: billed in the running period after that. `charges` are
    those of the running period; `seen` is false where no charge at all matched the scope. `by_day`: every day with a charge;
    `metered`: the part of them that the spend ledger counts itself. Bills cover the days from `covered_from`, if known, to
    `billed_until`.
    """

    series: DailySeries
    charges: int
    seen: bool
    ahead: Decimal = ZERO
    by_day: Mapping[date, Decimal] = field(default_factory=dict)
    metered: Mapping[date, Decimal] = field(default_factory=dict)
    metered_by: Mapping[tuple[str, date], Decimal] = field(default_factory=dict)  # the same, by provider
    covered_from: date | None = None

    @property
    def billed_until(self) -> date:
        return self.series.start + timedelta(days=len(self.series.values))

    def actual(self, start: date, end: date) -> Decimal:
        """What was billed for days of [`start`, `end`)."""
        return total([cost for day, cost in self.by_day.items() if start <= day < end])

    def covers(self, start: date, end: date) -> bool:
        """Whether the bills cover all of [`start`, `end`)."""
        return self.covered_from is not None and self.covered_from <= start and end <= self.billed_until


@dataclass(frozen=True, slots=True)
class BudgetBook:
    """The budgets of a workspace and the calendar that they are in; `since`: the first day that each one needs.

    `partial_since`: source -> the first of its newest days of which only a part has landed.
    """

    budgets: Sequence[Budget]
    calendar: FiscalCalendar
    as_of: date
    since: Mapping[str, date]
    partial_since: Mapping[str, date] = field(default_factory=dict)


def open_book(
    budgets: Sequence[Budget], calendar: FiscalCalendar, as_of: date, partial_since: Mapping[str, date] | None = None
) -> BudgetBook:
    """What is to be asked of the lake: a forecast's history, the running period of a budget and of all above it, its rollover."""
    by_id = {budget.id: budget for budget in budgets}
    since: dict[str, date] = {}
    for budget in budgets:
        period = calendar.period(budget.period, as_of)
        days = [as_of - timedelta(days=HISTORY_DAYS), period.start]
        days += [one.start for one in rollover_periods(budget, period, calendar)[:1]]
        days += [calendar.period(above.period, as_of).start for above in _above(budget, by_id)]
        since[budget.id] = min(days)
    return BudgetBook(budgets, calendar, as_of, since, partial_since or {})


def budget_days_query(book: BudgetBook, promoted: Sequence[str], metered: Sequence[str] = ()) -> Query:
    """(budget, day, cost, metered, charges, landed, complete, meter) of every budget, for days before the as-of day.

    `promoted` are the tag keys that the view has as columns; `metered` the providers (ServiceProviderName) whose spend the
    ledger counts itself. One more row, of no budget, says which days the lake holds. Raises ValueError without a budget.
    """
    params: dict[str, object] = {"since": midnight(min(book.since.values())), "until": midnight(book.as_of)}
    params |= {
        "partial_source": list(book.partial_since),
        "partial_from": [day.isoformat() for day in book.partial_since.values()],
    }
    dimensions = sorted({dimension for budget in book.budgets for dimension in budget.scope.filters})
    columns = []
    for number, dimension in enumerate(dimensions):
        sql, bound = dimension_sql(dimension, promoted, f"tag_{number}")
        columns.append(f"{sql} AS d{number},")
        params |= bound
    by_shape: dict[tuple[str, ...], list[Budget]] = {}
    for budget in book.budgets:
        by_shape.setdefault(tuple(sorted(budget.scope.filters)), []).append(budget)
    sets, shapes = [], []
    for number, (shape, members) in enumerate(sorted(by_shape.items())):
        params |= _wanted(number, shape, members, book.since)
        used = [dimensions.index(dimension) for dimension in shape]
        sets.append(f"({', '.join([*(f'd{n}' for n in used), *_OF_EVERY_SHAPE])})")
        shapes.append(_shape_sql(number, used, _mask(used, len(dimensions))))
    is_metered = "false"
    if metered:
        is_metered, params["metered"] = _METERED, sorted(metered)
    names = [f"d{number}" for number in range(len(dimensions))]
    return Query(_filled({
        "dimensions": "\n            ".join(columns),
        "columns": " ".join(f"{name}," for name in names),
        "shape": f"grouping({', '.join(names)})" if names else "0",
        "metered": is_metered,
        "sets": ", ".join(sets),
        "every": str(_mask([dimensions.index(one) for one in min(by_shape)], len(dimensions))),
        "shapes": "UNION ALL\n".join(shapes),
    }), params)  # fmt: skip


def _mask(used: Sequence[int], width: int) -> int:
    """What grouping() says of a shape: a bit for each dimension that it leaves out, the first dimension highest."""
    return sum(1 << (width - 1 - number) for number in range(width) if number not in used)


def _filled(parts: Mapping[str, str]) -> str:
    text = sql_text(_ROOM, "budget_days")
    for name, sql in parts.items():
        text = text.replace(f"{{{{{name}}}}}", sql)
    return text


def dimension_sql(dimension: str, promoted: Sequence[str], name: str) -> tuple[str, Mapping[str, object]]:
    """The SQL of a scope dimension, and what it binds (a tag's key, under `name`)."""
    if dimension in SCOPE_DIMENSIONS:
        return SCOPE_DIMENSIONS[dimension], {}
    key = dimension.removeprefix("tag:")
    return (f'"{promoted_column(key)}"', {}) if key in promoted else (f"Tags[${name}]", {name: key})


def budget_days(rows: Rows, book: BudgetBook) -> Mapping[str, BudgetDays]:
    """Budget id -> its days without gaps, up to the last day that all of its daily sources have delivered.

    A source that has delivered nothing for five weeks is over, and nobody waits for it.
    """
    found = {budget.id: _Gathered() for budget in book.budgets}
    covered_from: date | None = None
    for row in cast("Sequence[tuple[Any, ...]]", rows.rows):
        if row[0]:
            found[row[0]].take(row, book.as_of - timedelta(days=SOURCE_OVER_DAYS))
        else:
            covered_from = row[1]
    return {budget.id: _days_of(budget, found[budget.id], book, covered_from) for budget in book.budgets}


class _Gathered:
    """The rows of one budget."""

    def __init__(self) -> None:
        self.costs: dict[date, Decimal] = {}
        self.metered: dict[date, Decimal] = {}
        self.metered_by: dict[tuple[str, date], Decimal] = {}
        self.counts: dict[date, int] = {}
        self.landed = date.min
        self.complete = date.max

    def take(self, row: tuple[str, date, Decimal, Decimal, int, date, date | None, str], running_since: date) -> None:
        """A day has one row of each provider that is metered, and one of all others."""
        _, day, cost, metered, charges, landed, complete, meter = row
        self.costs[day] = EXACT.add(self.costs.get(day, ZERO), cost)
        self.counts[day] = self.counts.get(day, 0) + charges
        if metered:
            self.metered[day] = EXACT.add(self.metered.get(day, ZERO), metered)
            self.metered_by[meter, day] = metered
        self.landed = max(self.landed, landed, day + timedelta(days=1))
        if complete is not None and day >= running_since:
            self.complete = min(self.complete, complete)


def _days_of(budget: Budget, found: _Gathered, book: BudgetBook, covered_from: date | None) -> BudgetDays:
    first, period = book.since[budget.id], book.calendar.period(budget.period, book.as_of)
    landed = found.landed if found.costs else book.as_of
    until = max(first, min(book.as_of, landed, found.complete))
    values = tuple(found.costs.get(first + timedelta(days=n), ZERO) for n in range((until - first).days))
    mine = [count for day, count in found.counts.items() if day >= period.start]
    return BudgetDays(
        series=DailySeries(budget.id, budget.currency, first, values),
        charges=sum(mine),
        seen=bool(found.costs),
        ahead=total([cost for day, cost in found.costs.items() if day >= max(until, period.start)]),
        by_day=found.costs,
        metered=found.metered,
        metered_by=found.metered_by,
        covered_from=covered_from,
    )


def period_query(budget: Budget, status: BudgetStatus, promoted: Sequence[str]) -> Query:
    """The actual of one budget alone: what a person runs to see its number again. It names the budget that it is about."""
    where = ["ChargePeriodStart >= $since", "ChargePeriodStart < $until", "BillingCurrency = $currency"]
    params: dict[str, object] = {
        "budget_id": budget.id, "since": midnight(status.period.start), "until": midnight(status.as_of),
        "currency": budget.currency,
    }  # fmt: skip
    for number, (dimension, values) in enumerate(sorted(budget.scope.filters.items())):
        column, bound = dimension_sql(dimension, promoted, f"tag_{number}")
        where.append(f"list_contains(CAST($value_{number} AS VARCHAR[]), {column})")
        params |= {**bound, f"value_{number}": list(values)}
    where += [] if budget.include_tax else ["ChargeCategory <> 'Tax'"]
    where += [] if budget.include_credits else ["ChargeCategory <> 'Credit'"]
    text = sql_text(_ROOM, "budget_period").replace("{{metric}}", budget.metric)
    return Query(text.replace("{{where}}", " AND ".join(where)), params)


def _above(budget: Budget, by_id: Mapping[str, Budget]) -> Iterator[Budget]:
    """Its parent, the parent of that, and so on."""
    parent = by_id.get(budget.parent)
    while parent is not None:
        yield parent
        parent = by_id.get(parent.parent)


def _wanted(
    number: int, shape: Sequence[str], budgets: Sequence[Budget], since: Mapping[str, date]
) -> Mapping[str, object]:
    """One row a budget and combination of its values; combinations of one budget never overlap, so nothing counts twice."""
    rows = [(b, values) for b in budgets for values in itertools.product(*(b.scope.filters[d] for d in shape))]
    params: dict[str, object] = {
        f"budget_{number}": [budget.id for budget, _ in rows],
        f"since_{number}": [since[budget.id] for budget, _ in rows],
        f"is_billed_{number}": [budget.metric == "BilledCost" for budget, _ in rows],
        f"with_tax_{number}": [budget.include_tax for budget, _ in rows],
        f"with_credits_{number}": [budget.include_credits for budget, _ in rows],
        f"currency_{number}": [budget.currency for budget, _ in rows],
    }
    return params | {f"v{n}_{number}": [values[n] for _, values in rows] for n in range(len(shape))}


def _shape_sql(number: int, columns: Sequence[int], mask: int) -> str:
    values = " ".join(f"unnest($v{n}_{number}) AS v{n}," for n in range(len(columns)))
    matches = " ".join(f"cube.d{column} = wanted.v{n} AND" for n, column in enumerate(columns))
    text = sql_text(_ROOM, "budget_shape").replace("{{n}}", str(number)).replace("{{shape}}", str(mask))
    return text.replace("{{values}}", values).replace("{{matches}}", matches)
