"""Which rule takes a charge, as SQL over the `charges` view: the first whose scope and days fit. Text from people is quoted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from fiscus.cost.allocation.types import AllocationRules
from fiscus.cost.columns import promoted_column
from fiscus.cost.dimensions import CHARGE_DIMENSIONS

ANY: Final = "*"  # in a scope: whatever has a value
SPLIT_COLUMNS: Final[Mapping[str, str]] = {
    "allocated_resource_id": "AllocatedResourceId",
    "allocated_resource_name": "AllocatedResourceName",
}
ALLOCATED_TAG: Final = "allocated_tag"  # allocated_tag:KEY is a key of AllocatedTags (FOCUS 1.3), a JSON object


@dataclass(frozen=True, slots=True)
class PoolScope:
    """As much of a rule as says which charges are in its pool: it is kept with each run, so that the view can be built anew."""

    id: str
    share: Mapping[str, tuple[str, ...]]
    start: date | None
    end: date | None
    split_by: str | None = None


@dataclass(frozen=True, slots=True)
class PoolSql:
    """Expressions over a row of `charges`: the rule that takes it (or NULL), its stretch of days, and what it names."""

    pool: str
    segment: str
    part: str  # may use the column `pool`


def scopes_of(rules: AllocationRules) -> tuple[PoolScope, ...]:
    """The scopes of all rules, in order."""
    return tuple(
        PoolScope(rule.id, rule.share, rule.start, rule.end, rule.split.by if rule.split else None)
        for rule in rules.rules
    )


def pool_sql(scopes: Sequence[PoolScope], promoted: Sequence[str]) -> PoolSql:
    """The expressions for `scopes`; without any, no charge is in a pool."""
    breaks = sorted({day for scope in scopes for day in (scope.start, scope.end) if day is not None})
    arms = [f"WHEN {_takes(scope, promoted)} THEN {quoted(scope.id)}" for scope in scopes]
    parts = [
        f"WHEN {quoted(scope.id)} THEN coalesce({column_sql(scope.split_by, promoted)}, '')"
        for scope in scopes
        if scope.split_by
    ]
    segments = [f"WHEN {_before(day)} THEN {number}" for number, day in enumerate(breaks)]
    return PoolSql(
        pool=f"CASE {' '.join(arms)} END" if arms else "CAST(NULL AS VARCHAR)",
        segment=f"CASE {' '.join(segments)} ELSE {len(breaks)} END" if breaks else "0",
        part=f"CASE pool {' '.join(parts)} ELSE '' END" if parts else "''",
    )


def column_sql(dimension: str, promoted: Sequence[str]) -> str:
    """The column behind a dimension, a tag (tag:KEY) or a column of split cost allocation."""
    if (column := CHARGE_DIMENSIONS.get(dimension) or SPLIT_COLUMNS.get(dimension)) is not None:
        return column
    kind, _, key = dimension.partition(":")
    if kind == ALLOCATED_TAG:
        path = quoted('$."' + key.replace('"', '\\"') + '"')
        return f"CASE WHEN json_valid(AllocatedTags) THEN json_extract_string(AllocatedTags, {path}) END"
    assert kind == "tag", dimension
    return f'"{promoted_column(key)}"' if key in promoted else f"Tags[{quoted(key)}]"


def where_sql(scope: Mapping[str, Iterable[str]], promoted: Sequence[str]) -> str:
    """Whether a charge is in `scope`: dimensions are ANDed, values of one ORed."""
    tests = [_among(column_sql(dimension, promoted), list(values)) for dimension, values in scope.items()]
    return " AND ".join(tests) or "true"


def split_cost_sql(column: str, share: str = "s") -> str:
    """One target's part of a charge's cost. The parts of one charge come to its cost: each ends where the next one starts."""
    ends = [f"CAST(c.{column} * {share}.{point} AS DECIMAL(28,12))" for point in ("high", "low")]
    return f"CAST({ends[0]} - {ends[1]} AS DECIMAL(28,12))"


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _takes(scope: PoolScope, promoted: Sequence[str]) -> str:
    tests = [where_sql(scope.share, promoted)]
    tests += [f"NOT ({_before(scope.start)})"] if scope.start else []
    tests += [_before(scope.end)] if scope.end else []
    return " AND ".join(tests)


def _among(column: str, values: Sequence[str]) -> str:
    if ANY in values:
        return f"coalesce({column}, '') <> ''"
    return f"{column} IN ({', '.join(map(quoted, values))})"


def _before(day: date) -> str:
    return f"ChargePeriodStart < TIMESTAMPTZ '{day.isoformat()} 00:00:00+00'"
