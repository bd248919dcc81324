"""Spend held against the scopes of budgets: what each budget took in its period, and what no scope steers at all.

The charges are grouped once by every column that any scope asks for; each shape of filters is one hash join with that cube
(architecture, decision 6), so that thousands of budgets stay one pass over the lake.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import date

from fiscus.board.frame import Frame
from fiscus.guardrails.budgets.budget_series import dimension_sql
from fiscus.guardrails.policies.policy_set import PolicySet
from fiscus.guardrails.types import SCOPE_DIMENSIONS, Budget
from fiscus.kernel.periods import Period, midnight
from fiscus.kernel.rows import Query
from fiscus.kernel.sql_text import sql_text

ENFORCED = ("soft", "hard")


def period_of(budget: Budget, frame: Frame) -> Period:
    """The fiscal period of `budget` that the pack's month lies in."""
    return frame.calendar.period(budget.period, frame.start)


def budget_actuals_query(budgets: Sequence[Budget], frame: Frame, promoted: Sequence[str]) -> Query:
    """(id, actual, charges) of each budget in its fiscal period up to the end of the pack's window; no rows without budgets."""
    if not budgets:
        return Query("SELECT '' AS id, 0.0 AS actual, 0 AS charges WHERE false", {})
    since = min(period_of(budget, frame).start for budget in budgets)
    shapes, cube, params = _shapes(budgets, frame, promoted, since)
    selects = [
        f"SELECT w.id, sum(CASE WHEN w.with_billed THEN c.billed ELSE c.effective END) AS actual, "
        f"CAST(sum(c.charges) AS BIGINT) AS charges\nFROM cube c JOIN (\n    {wanted}\n) AS w\n"
        f"  ON {matches} AND NOT c.is_gateway\nGROUP BY w.id"
        for wanted, matches in shapes
    ]
    return Query(cube + "\nUNION ALL\n".join(selects) + "\nORDER BY id", params)


def control_coverage_query(
    budgets: Sequence[Budget], policies: PolicySet, frame: Frame, promoted: Sequence[str]
) -> Query:
    """(control, cost, charges) of the month in the company's currency, each charge counted once, under its strongest control.

    `cap`: in the scope of a budget with a soft or hard cap. `budget`: of one that is watched. A budget without any filter
    watches the total and steers nothing, so it does not count. `policy`: AI use or a marketplace purchase, when an enforced
    (soft or hard) policy judges such intents. `none`: uncontrolled.
    """
    scoped = [b for b in budgets if b.scope.filters and b.currency == frame.currency]
    shapes, cube, params = _shapes(scoped, frame, promoted, frame.start)
    capped = " OR ".join(_exists(wanted, matches, "AND w.capped") for wanted, matches in shapes) or "false"
    watched = " OR ".join(_exists(wanted, matches, "") for wanted, matches in shapes) or "false"
    judged = {target for p in policies if p.policy.level in ENFORCED for target in p.policy.targets}
    params |= {
        "currency": frame.currency,
        "ai_judged": "ai.request" in judged,
        "marketplace_judged": "marketplace.purchase" in judged,
    }
    sql = (
        f"{cube}, judged AS (\n    SELECT c.effective AS cost, c.charges,\n        CASE WHEN {capped} THEN 'cap'\n"
        f"        WHEN {watched} THEN 'budget'\n"
        "        WHEN (c.is_ai AND $ai_judged) OR (c.is_marketplace AND $marketplace_judged) THEN 'policy'\n"
        "        ELSE 'none' END AS control\n    FROM cube c WHERE c.currency = $currency\n)\n"
        "SELECT control, sum(cost) AS cost, CAST(sum(charges) AS BIGINT) AS charges FROM judged GROUP BY control ORDER BY control"
    )
    return Query(sql, params)


def scope_where(scope: Mapping[str, Sequence[str]], promoted: Sequence[str]) -> tuple[str, dict[str, object]]:
    """SQL that is true for a charge in `scope`, and what it binds. Dimensions and `tag:` keys as in budgets."""
    parts, params = [], dict[str, object]()
    for number, (dimension, values) in enumerate(sorted(scope.items())):
        sql, bound = dimension_sql(dimension, promoted, f"scope_tag_{number}")
        parts.append(f"{sql} IN (SELECT unnest($scope_{number}))")
        params |= {**bound, f"scope_{number}": list(values)}
    return " AND ".join(parts) or "true", params


def known_scope(scope: Mapping[str, Sequence[str]]) -> bool:
    """Whether every dimension of `scope` is one that charges have."""
    return all(dimension in SCOPE_DIMENSIONS or dimension.startswith("tag:") for dimension in scope)


def _shapes(
    budgets: Sequence[Budget], frame: Frame, promoted: Sequence[str], since: date
) -> tuple[list[tuple[str, str]], str, dict[str, object]]:
    """(what is wanted, how it joins) of each shape of filters; the cube; and everything bound."""
    params: dict[str, object] = {"since": midnight(since), "until": midnight(frame.end)}
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
        params |= _wanted(number, shape, members, frame)
        values = " ".join(f"unnest($v{n}_{number}) AS v{n}," for n in range(len(shape)))
        wanted = sql_text("fiscus.board", "scope_wanted").strip()
        equal = [f"w.v{n} = c.d{dimensions.index(dimension)}" for n, dimension in enumerate(shape)]
        treated = ["w.currency = c.currency", "c.day >= w.first_day", "(w.with_tax OR NOT c.is_tax)"]
        matches = " AND ".join([*equal, *treated, "(w.with_credits OR NOT c.is_credit)"])
        shapes.append((wanted.replace("{{n}}", str(number)).replace("{{values}}", values), matches))
    cube = sql_text("fiscus.board", "scope_cube").replace("{{dimensions}}", "\n        ".join(columns)).rstrip() + "\n"
    return shapes, cube, params


def _wanted(number: int, shape: Sequence[str], budgets: Sequence[Budget], frame: Frame) -> dict[str, object]:
    """One row a budget and combination of its values; combinations of one budget never overlap, so nothing counts twice."""
    rows = [(b, values) for b in budgets for values in itertools.product(*(b.scope.filters[d] for d in shape))]
    params: dict[str, object] = {
        f"id_{number}": [budget.id for budget, _ in rows],
        f"currency_{number}": [budget.currency for budget, _ in rows],
        f"billed_{number}": [budget.metric == "BilledCost" for budget, _ in rows],
        f"tax_{number}": [budget.include_tax for budget, _ in rows],
        f"credits_{number}": [budget.include_credits for budget, _ in rows],
        f"capped_{number}": [budget.cap in ENFORCED for budget, _ in rows],
        f"first_{number}": [period_of(budget, frame).start.isoformat() for budget, _ in rows],
    }
    return params | {f"v{n}_{number}": [values[n] for _, values in rows] for n in range(len(shape))}


def _exists(wanted: str, matches: str, also: str) -> str:
    return f"EXISTS (SELECT 1 FROM (\n    {wanted}\n) AS w WHERE {matches} {also})"
