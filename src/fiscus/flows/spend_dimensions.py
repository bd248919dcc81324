"""What spend can be grouped and filtered by: an allow-list of columns; everything else that a person writes is bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from fiscus.cost.columns import promoted_column
from fiscus.guardrails.types import SCOPE_DIMENSIONS
from fiscus.kernel.documents import did_you_mean
from fiscus.kernel.errors import BadInput
from fiscus.kernel.periods import Month, midnight

NONE: Final = "(none)"  # the group of charges that have no value; as a filter, IS NULL
TAG_KEY_CHARS_MAX: Final = 256
DIMENSIONS: Final[Mapping[str, str]] = {
    **SCOPE_DIMENSIONS,
    "billing_account": "BillingAccountId",
    "sub_account_name": "SubAccountName",
    "resource": "ResourceId",
    "resource_type": "ResourceType",
    "sku": "SkuId",
    "pricing_category": "PricingCategory",
    "charge_description": "ChargeDescription",
    "assignment_rule": "x_AssignmentRule",
}
Metric = Literal["EffectiveCost", "BilledCost"]
METRICS: Final[tuple[Metric, ...]] = ("EffectiveCost", "BilledCost")
Bucket = Literal["day", "month"]
BUCKETS: Final[Mapping[Bucket, str]] = {
    "day": "CAST(ChargePeriodStart AS DATE)",
    "month": "CAST(date_trunc('month', ChargePeriodStart) AS DATE)",
}


@dataclass(frozen=True, slots=True)
class SpendAsked:
    """A question about spend, as it stands in a URL. Months are inclusive; `filters` are ANDed, values of one are ORed."""

    group_by: str = "service_category"
    bucket: Bucket = "day"
    from_month: Month | None = None  # None: the month of the as-of day
    to_month: Month | None = None
    metric: Metric = "EffectiveCost"
    currency: str | None = None  # None: the company's
    filters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """Days [start, end) of charges."""

    start: date
    end: date


@dataclass(frozen=True, slots=True)
class Selection:
    """A WHERE clause of vetted columns, and the values bound in it."""

    where: str
    params: Mapping[str, object]


def column_of(dimension: str, promoted: Sequence[str], name: str) -> tuple[str, Mapping[str, object]]:
    """The SQL of a dimension and what it binds (a tag's key under `name`). BadInput when there is no such dimension."""
    if dimension in DIMENSIONS:
        return DIMENSIONS[dimension], {}
    kind, _, key = dimension.partition(":")
    if kind != "tag" or not key or len(key) > TAG_KEY_CHARS_MAX:
        raise BadInput(
            f"{dimension!r} is not a dimension of spend",
            remedy=f"{did_you_mean(dimension, list(DIMENSIONS))} A tag is written tag:<key>.",
        )
    if key in promoted:
        return f'"{promoted_column(key)}"', {}
    return f"Tags[${name}]", {name: key}


def select(asked: SpendAsked, window: Window, currency: str, promoted: Sequence[str]) -> Selection:
    """The charges of `window` in one currency that `asked` filters for."""
    where = ["BillingCurrency = $currency", "ChargePeriodStart >= $from_day", "ChargePeriodStart < $until_day"]
    params: dict[str, object] = {
        "currency": currency,
        "from_day": midnight(window.start),
        "until_day": midnight(window.end),
    }
    wanted: dict[str, list[str]] = {}
    for dimension, value in asked.filters:
        wanted.setdefault(dimension, []).append(value)
    for number, (dimension, values) in enumerate(wanted.items()):
        column, bound = column_of(dimension, promoted, f"tag_{number}")
        params |= bound
        tests = [f"{column} IS NULL"] if NONE in values else []
        if named := [value for value in values if value != NONE]:
            tests.append(f"list_contains(CAST($value_{number} AS VARCHAR[]), {column})")
            params[f"value_{number}"] = named
        where.append(f"({' OR '.join(tests)})")
    return Selection(" AND ".join(where), params)
