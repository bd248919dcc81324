"""Each budget's cost by day, all budgets by one query: the charges grouped once, then a hash join a shape of filters.

A query a budget would read the lake once each: 2,000 scopes took 185 s that way and 0.46 s this way (architecture, decision 6).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, cast

from fiscus.cost.columns import promoted_column
from fiscus.guardrails.types import SCOPE_DIMENSIONS, Budget
from fiscus.kernel.money import ZERO
from fiscus.kernel.periods import FiscalCalendar, midnight
from fiscus.kernel.rows import Query, Rows
from fiscus.kernel.sql_text import sql_text
from fiscus.signals.types import DailySeries

HISTORY_DAYS: Final = 126  # what a forecast learns from
_ROOM: Final = "fiscus.guardrails"


def budget_days_query(
    budgets: Sequence[Budget], calendar: FiscalCalendar, promoted: Sequence[str], as_of: date
) -> Query:
    """(budget, day, cost, landed) of every budget, for days before `as_of` of its period and of what a forecast needs.

    `promoted` are the tag keys that the view has as columns. Raises ValueError when there is no budget.
    """
    since = min(_first_day(budget, calendar, as_of) for budget in budgets)
    params: dict[str, object] = {"since": midnight(since), "until": midnight(as_of)}
    dimensions = sorted({dimension for budget in budgets for dimension in budget.scope.filters})
    columns = []
    for number, dimension in enumerate(dimensions):
        sql, bound = dimension_sql(dimension, promoted, f"tag_{number}")
        columns.append(f"{sql} AS d{number},")
        params |= bound
    by_shape: dict[tuple[str, ...], list[Budget]] = {}
    for budget in budgets:
        by_shape.setdefault(tuple(sorted(budget.scope.filters)), []).append(budget)
    shapes = []
    for number, (shape, members) in enumerate(sorted(by_shape.items())):
        params |= _wanted(number, shape, members)
        shapes.append(_shape_sql(number, [dimensions.index(dimension) for dimension in shape]))
    text = sql_text(_ROOM, "budget_days").replace("{{dimensions}}", "\n        ".join(columns))
    return Query(text.replace("{{shapes}}", "UNION ALL\n".join(shapes)), params)


def dimension_sql(dimension: str, promoted: Sequence[str], name: str) -> tuple[str, Mapping[str, object]]:
    """The SQL of a scope dimension, and what it binds (a tag's key, under `name`)."""
    if dimension in SCOPE_DIMENSIONS:
        return SCOPE_DIMENSIONS[dimension], {}
    key = dimension.removeprefix("tag:")
    return (f'"{promoted_column(key)}"', {}) if key in promoted else (f"Tags[${name}]", {name: key})


def budget_series(
    rows: Rows, budgets: Sequence[Budget], calendar: FiscalCalendar, as_of: date
) -> Mapping[str, DailySeries]:
    """Budget id -> its days without gaps, up to the last day that its sources have delivered."""
    costs: dict[str, dict[date, Decimal]] = {budget.id: {} for budget in budgets}
    landed: dict[str, date] = {}
    for budget_id, day, cost, until in cast("Sequence[tuple[str, date, Decimal, date]]", rows.rows):
        costs[budget_id][day] = cost
        landed[budget_id] = max(until, landed.get(budget_id, until), day + timedelta(days=1))
    series = {}
    for budget in budgets:
        first = _first_day(budget, calendar, as_of)
        days = (min(as_of, landed.get(budget.id, as_of)) - first).days
        by_day = costs[budget.id]
        values = tuple(by_day.get(first + timedelta(days=n), ZERO) for n in range(days))
        series[budget.id] = DailySeries(budget.id, budget.currency, first, values)
    return series


def _first_day(budget: Budget, calendar: FiscalCalendar, as_of: date) -> date:
    return min(calendar.period(budget.period, as_of).start, as_of - timedelta(days=HISTORY_DAYS))


def _wanted(number: int, shape: Sequence[str], budgets: Sequence[Budget]) -> Mapping[str, object]:
    """One row a budget and combination of its values; combinations of one budget never overlap, so nothing counts twice."""
    rows = [(b, values) for b in budgets for values in itertools.product(*(b.scope.filters[d] for d in shape))]
    params: dict[str, object] = {
        f"budget_{number}": [budget.id for budget, _ in rows],
        f"is_billed_{number}": [budget.metric == "BilledCost" for budget, _ in rows],
        f"with_tax_{number}": [budget.include_tax for budget, _ in rows],
        f"with_credits_{number}": [budget.include_credits for budget, _ in rows],
        f"currency_{number}": [budget.currency for budget, _ in rows],
    }
    return params | {f"v{n}_{number}": [values[n] for _, values in rows] for n in range(len(shape))}


def _shape_sql(number: int, columns: Sequence[int]) -> str:
    values = " ".join(f"unnest($v{n}_{number}) AS v{n}," for n in range(len(columns)))
    matches = " ".join(f"cube.d{column} = wanted.v{n} AND" for n, column in enumerate(columns))
    text = sql_text(_ROOM, "budget_shape").replace("{{n}}", str(number))
    return text.replace("{{values}}", values).replace("{{matches}}", matches)
