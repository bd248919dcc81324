"""The questions that allocation asks of the lake, and their answers as values: sums of groups, never rows of charges."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, cast

from fiscus.cost.allocation.pool_sql import PoolSql, column_sql, pool_sql, scopes_of, where_sql
from fiscus.cost.allocation.types import (
    RULE,
    AllocationRules,
    DriverValue,
    Group,
    Metric,
    MonthDecided,
    Rule,
    Share,
    Target,
)
from fiscus.kernel.money import EXACT, ZERO
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
NOTHING: Final = (ZERO, ZERO)
Place = tuple[str, int, str, str, str, str, int]  # month, segment, source, currency, rule, part, place


class AllocationQuestions:
    """The queries for one set of rules over the view `counted_charges`, of `months` (such as 2026-09)."""

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

    def row_sums(self, decided: Sequence[MonthDecided]) -> Query:
        """What the charges' own parts come to, so that the last digits of the groups can be told apart from theirs."""
        shares = [
            json.dumps({
                "id": number, "month": month, "segment": s.segment, "currency": s.currency, "pool": s.rule, "part": s.part,
                "high": str(s.high),
            })
            for number, (month, s) in enumerate(_numbered(decided))
        ]  # fmt: skip
        return Query(self._filled("row_sums"), {"shares": shares})

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
        return sql_text(HERE, name).format(
            charges="counted_charges", pool=sql.pool, segment=sql.segment, part=sql.part, **more
        )


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


def read_row_sums(rows: Rows, decided: Sequence[MonthDecided]) -> dict[Place, tuple[Decimal, Decimal]]:
    """The answer to `row_sums` of `decided`: billed and effective cost by place."""
    numbered = list(_numbered(decided))
    ends = {(cast("int", row[0]), str(row[1])): cast("tuple[Decimal, Decimal]", row[2:]) for row in rows.rows}
    sums: dict[Place, tuple[Decimal, Decimal]] = {}
    for (number, source), (billed, effective) in ends.items():
        month, s = numbered[number]
        before = ends.get((number - 1, source), NOTHING) if s.place else NOTHING
        key = (month, s.segment, source, s.currency, s.rule, s.part, s.place)
        sums[key] = (EXACT.subtract(billed, before[0]), EXACT.subtract(effective, before[1]))
    return sums


def _numbered(decided: Iterable[MonthDecided]) -> Iterator[tuple[str, Share]]:
    """Every share with its month; the shares of a pool follow each other by their place."""
    return ((month.month, share) for month in decided for share in month.shares)
