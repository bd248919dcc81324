"""The questions that allocation asks of the lake, and their answers as values: sums of groups, never rows of charges."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, cast

from fiscus.cost.allocation.pool_sql import PoolSql, column_sql, pool_sql, scopes_of, split_cost_sql, where_sql
from fiscus.cost.allocation.types import (
    RULE,
    AllocationRules,
    DriverValue,
    Group,
    Metric,
    MonthDecided,
    Rule,
    Target,
)
from fiscus.kernel.rows import Query, Rows
from fiscus.kernel.sql_text import sql_text

HERE: Final = "fiscus.cost.allocation"
COSTS: Final = ("EffectiveCost", "BilledCost", "ContractedCost", "ListCost")
UNITS_OF: Final[Mapping[str, str]] = {
    "ConsumedQuantity": "ConsumedUnit",
    "PricingQuantity": "PricingUnit",
    "CommitmentDiscountQuantity": "CommitmentDiscountUnit",
}
COUNTS: Final[Mapping[str, str]] = {"charges": "count(*)", "resources": "count(DISTINCT ResourceId)"}
OWN_COST: Final = Metric("EffectiveCost")
Place = tuple[str, int, str, str, str, str, int]  # month, segment, source, currency, rule, part, place


class AllocationQuestions:
    """The queries for one set of rules over the view `charges`, of `months` (such as 2026-09)."""

    def __init__(self, rules: AllocationRules, months: Sequence[str], promoted: Sequence[str]) -> None:
        self._rules = rules
        self._months = list(months)
        self._promoted = promoted
        self._sql: PoolSql = pool_sql(scopes_of(rules), promoted)

    def groups(self) -> Query:
        """The sums of what is shared."""
        return Query(self._filled("groups"), {"months": self._months})

    def drivers(self, rule: Rule) -> Sequence[tuple[str, Query]]:
        """(dimension of the targets, query) of what the targets of `rule` are measured at; none where nothing is measured."""
        if rule.method not in {"proportional", "metric"} and not (rule.method == "even" and not rule.targets):
            return ()
        metric = rule.metric or OWN_COST
        columns = [(rule.to, column_sql(rule.to, self._promoted))]
        if any(target.dimension == RULE for target in rule.targets):
            columns.append((RULE, "pool"))
        return [(dimension, self._driver(metric, column)) for dimension, column in columns]

    def row_sums(self, decided: Iterable[MonthDecided]) -> Query:
        """What the charges' own parts come to, so that the last digits of the groups can be told apart from theirs."""
        shares = [
            {
                "month": month.month, "segment": s.segment, "currency": s.currency, "pool": s.rule, "part": s.part,
                "place": s.place, "low": str(s.low), "high": str(s.high),
            }
            for month in decided
            for s in month.shares
        ]  # fmt: skip
        sql = self._filled("row_sums", billed=split_cost_sql("BilledCost"), effective=split_cost_sql("EffectiveCost"))
        return Query(sql, {"shares": json.dumps(shares)})

    def _driver(self, metric: Metric, column: str) -> Query:
        measure = COUNTS.get(metric.column) or f"sum({metric.column})"
        where, params = where_sql(metric.where, self._promoted), {"months": self._months}
        if metric.unit is not None:
            return Query(
                self._measured(measure, column, f"{where} AND {UNITS_OF[metric.column]} = $unit", metric),
                {**params, "unit": metric.unit},
            )
        return Query(self._measured(measure, column, where, metric), params)

    def _measured(self, measure: str, column: str, where: str, metric: Metric) -> str:
        currency = "BillingCurrency" if metric.column in COSTS else "''"
        return self._filled("drivers", measure=measure, target=column, where=where, currency=currency)

    def _filled(self, name: str, **more: str) -> str:
        sql = self._sql
        return sql_text(HERE, name).format(charges="charges", pool=sql.pool, segment=sql.segment, part=sql.part, **more)


def read_groups(rows: Rows) -> list[Group]:
    """The answer to `groups`."""
    return [Group(*cast("tuple[str, int, str, str, str, str, int, Decimal, Decimal, str]", row)) for row in rows.rows]


def read_drivers(rows: Rows, dimension: str) -> list[DriverValue]:
    """The answer to a query of `drivers`."""
    return [
        DriverValue(str(month), str(currency), str(pool), Target(dimension, str(target)), Decimal(str(amount)))
        for month, currency, pool, target, amount in rows.rows
        if amount is not None
    ]


def read_row_sums(rows: Rows) -> dict[Place, tuple[Decimal, Decimal]]:
    """The answer to `row_sums`: billed and effective cost by place."""
    return {cast("Place", row[:7]): (cast("Decimal", row[7]), cast("Decimal", row[8])) for row in rows.rows}
