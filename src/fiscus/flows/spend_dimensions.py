"""What spend can be grouped and filtered by: an allow-list of columns; everything else that a person writes is bound."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, cast

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
REPORTED: Final = "reported"
Metric = Literal["EffectiveCost", "BilledCost", "EffectiveCostAllFeeds", "BilledCostAllFeeds"]
METRICS: Final[tuple[Metric, ...]] = ("EffectiveCost", "BilledCost", "EffectiveCostAllFeeds", "BilledCostAllFeeds")
ALL_FEEDS: Final = (
    "AllFeeds"  # as each feed shows it: what a marketplace's and the vendor's own both show is there twice
)
ONCE: Final = "Once"  # EffectiveCostOnce is another word for EffectiveCost, which counts such spend once
Bucket = Literal["day", "month"]
# The instant as UTC writes it, without a calendar of time zones being asked for each charge: six times as fast.
_IN_UTC: Final = "make_timestamp(epoch_us(ChargePeriodStart))"
BUCKETS: Final[Mapping[Bucket, str]] = {
    "day": f"CAST({_IN_UTC} AS DATE)",
    "month": f"CAST(date_trunc('month', {_IN_UTC}) AS DATE)",
}


@dataclass(frozen=True, slots=True)
class SpendAsked:
    """A question about spend, as it stands in a URL. Months are inclusive; `filters` are ANDed, values of one are ORed."""

    group_by: str = "service_category"
    bucket: Bucket = "day"
    from_month: Month | None = None  # None: the month of the as-of day
    to_month: Month | None = None
    metric: Metric = "EffectiveCost"
    currency: str | None = None  # None: the company's; REPORTED: all of them, in the reporting currency
    filters: tuple[tuple[str, str], ...] = ()
    period: str | None = None  # a fiscal period by its label, instead of months
    shared: bool = False  # by who bears it once shared cost is handed on, not by whose bill it is on


WHERE: Final = "where."  # in a URL, where.<dimension>=<value>; the key and the value are escaped apart


def asked_from(pairs: Iterable[tuple[str, str]]) -> SpendAsked:
    """The question that a URL's parameters ask: group, by, from, to, metric, currency, where.<dimension>.

    BadInput names a parameter that is none of these: one that is not understood would answer another question.
    """
    known = ("group", "by", "from", "to", "metric", "currency", "period", "shared")
    said: dict[str, str] = {}
    filters: list[tuple[str, str]] = []
    for key, value in pairs:
        if key.startswith(WHERE):
            filters.append((key.removeprefix(WHERE), value))
        elif key in known:
            said |= {key: value.strip()} if value.strip() else {}
        else:
            raise BadInput(
                f"{key!r} is not a parameter of spend", remedy=did_you_mean(key, [*known, f"{WHERE}service"])
            )
    metric, bucket = said.get("metric", "EffectiveCost"), said.get("by", "day")
    return SpendAsked(
        group_by=said.get("group", "service_category"),
        bucket=cast("Bucket", bucket),
        from_month=Month.parse(said["from"]) if "from" in said else None,
        to_month=Month.parse(said["to"]) if "to" in said else None,
        metric=cast("Metric", metric.removesuffix(ONCE)),
        currency=said.get("currency"),
        filters=tuple(dict.fromkeys(filters)),
        period=said.get("period"),
        shared=said.get("shared", "no").lower() not in {"no", "0", "false"},
    )


def asked_pairs(asked: SpendAsked) -> list[tuple[str, str]]:
    """The parameters of a URL that asks `asked`; what is the default is left out."""
    plain = SpendAsked()
    pairs = [
        ("group", asked.group_by if asked.group_by != plain.group_by else ""),
        ("by", asked.bucket if asked.bucket != plain.bucket else ""),
        ("from", str(asked.from_month or "")),
        ("to", str(asked.to_month or "")),
        ("metric", asked.metric if asked.metric != plain.metric else ""),
        ("currency", asked.currency or ""),
        ("period", asked.period or ""),
        ("shared", "yes" if asked.shared else ""),
    ]
    return [pair for pair in pairs if pair[1]] + [(f"{WHERE}{dimension}", value) for dimension, value in asked.filters]


@dataclass(frozen=True, slots=True)
class Window:
    """Days [start, end) of charges."""

    start: date
    end: date


@dataclass(frozen=True, slots=True)
class Money:
    """Which money is added up: the view it is in, the columns of its cost and currency, and the currency."""

    currency: str
    charges: str = "counted_charges"
    prefix: str = ""
    currency_column: str = "BillingCurrency"

    def column(self, metric: Metric) -> str:
        return f"{self.prefix}{metric.removesuffix(ALL_FEEDS)}"


def money_of(asked: SpendAsked, company: str, reporting: str | None) -> Money:
    """One billing currency, or all that could be converted. BadInput where no reporting currency is declared."""
    every = asked.metric.endswith(ALL_FEEDS)
    if every and asked.shared:
        raise BadInput(
            f"{asked.metric} is not handed on",
            remedy="Ask for EffectiveCost or BilledCost by who bears it, or leave `shared` out.",
        )
    charges = "charges" if every else "allocated_charges" if asked.shared else "counted_charges"
    if asked.currency != REPORTED:
        return Money(asked.currency or company, charges)
    if reporting is None:
        raise BadInput(
            "No reporting currency is declared", remedy="Add `reporting` to fiscus.yaml, or name a currency."
        )
    return Money(reporting, f"reported_{charges}", "x_Reporting", "x_ReportingCurrency")


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


def select(asked: SpendAsked, window: Window, money: Money, promoted: Sequence[str]) -> Selection:
    """The charges of `window` in one currency that `asked` filters for."""
    where = [f"{money.currency_column} = $currency", "ChargePeriodStart >= $from_day", "ChargePeriodStart < $until_day"]
    params: dict[str, object] = {
        "currency": money.currency,
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
