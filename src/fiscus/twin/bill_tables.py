"""Charges of one month as a FOCUS table, in the version and with the defects of the vendor that sends it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fiscus.kernel.periods import Month
from fiscus.twin.charges import Charges, Ints, Line
from fiscus.twin.feeds import AI, Feed

COST = pa.decimal128(28, 12)
TIME_FORMAT = {"plain": "%Y-%m-%dT00:00:00Z", "no_zone": "%Y-%m-%d 00:00:00", "day_first": "%d/%m/%Y"}


def decimals(values: Ints, scale: int) -> pa.Array:
    """Integers of 10^-scale as DECIMAL(28, scale), with no arithmetic that could lose a digit."""
    words = np.empty((len(values), 2), dtype=np.int64)
    words[:, 0] = values
    words[:, 1] = np.where(values < 0, -1, 0)
    return pa.Array.from_buffers(pa.decimal128(28, scale), len(values), [None, pa.py_buffer(words.tobytes())])


def month_table(feed: Feed, lines: Sequence[Line], charges: Charges, start: date, month: Month) -> pa.Table:
    """The usage of `month`. Column names and values are those of the feed's FOCUS version."""
    days = np.array([start + timedelta(days=int(n)) for n in range(int(charges.day.max()) + 1)])
    inside = np.array([Month.of(day) == month for day in days])[charges.day]
    picked, day_number = charges.line[inside], charges.day[inside]
    times = _time_texts(feed, days)
    take = pa.array(picked)
    cost = decimals(charges.cost[inside], 12)
    price, quantity = decimals(charges.price[inside], 9), decimals(charges.quantity[inside], 3)
    count = len(picked)
    columns: dict[str, Any] = {
        "BilledCost": cost, "EffectiveCost": cost, "ListCost": cost, "ContractedCost": cost,
        "ListUnitPrice": price, "ContractedUnitPrice": price, "PricingQuantity": quantity, "ConsumedQuantity": quantity,
        "ChargePeriodStart": pa.array(times).take(pa.array(day_number)),
        "ChargePeriodEnd": pa.array(times).take(pa.array(day_number + 1)),
        **{name: pa.array(values).take(take) for name, values in _line_columns(feed, lines).items()},
        **{name: pa.array([value] * count, pa.string()) for name, value in _constants(feed, month).items()},
    }  # fmt: skip
    return _dressed(feed, pa.table(columns))


def adjustment_table(feed: Feed, month: Month, rows: Sequence[tuple[str, str, int, int]], account: str) -> pa.Table:
    """Charges that are no usage. Each row: (ChargeCategory, description, billed, effective), money in 1e-12."""
    texts = _time_texts(feed, np.array([month.start, month.end - timedelta(days=1)]))
    count = len(rows)
    billed, effective = (np.array([row[n] for row in rows], dtype=np.int64) for n in (2, 3))
    nothing = pa.nulls(count, pa.string())
    columns: dict[str, Any] = {
        "BilledCost": decimals(billed, 12), "EffectiveCost": decimals(effective, 12),
        "ListCost": decimals(billed, 12), "ContractedCost": decimals(billed, 12),
        "ListUnitPrice": pa.nulls(count, pa.decimal128(28, 9)), "ContractedUnitPrice": pa.nulls(count, pa.decimal128(28, 9)),
        "PricingQuantity": pa.nulls(count, pa.decimal128(28, 3)), "ConsumedQuantity": pa.nulls(count, pa.decimal128(28, 3)),
        "ChargePeriodStart": pa.array([texts[0]] * count), "ChargePeriodEnd": pa.array([texts[2]] * count),
        **dict.fromkeys(_line_columns(feed, ()), nothing),
        **{name: pa.array([value] * count, pa.string()) for name, value in _constants(feed, month).items()},
        "ChargeCategory": pa.array([row[0] for row in rows]), "ChargeDescription": pa.array([row[1] for row in rows]),
        "ServiceName": pa.array([row[1] for row in rows]), "ServiceCategory": pa.array(["Other"] * count),
        "SubAccountId": pa.array([account] * count), "SubAccountName": pa.array([account] * count),
        "PublisherName": pa.array([feed.provider] * count),
    }  # fmt: skip
    return _dressed(feed, pa.table(columns))


def _time_texts(feed: Feed, days: np.ndarray) -> list[str]:
    """One text a day, and one for the day after the last."""
    style = next((d for d in feed.defects if d in TIME_FORMAT), "plain")
    return [day.strftime(TIME_FORMAT[style]) for day in [*days, days[-1] + timedelta(days=1)]]


def _line_columns(feed: Feed, lines: Sequence[Line]) -> dict[str, list[str | None]]:
    return {
        "ResourceId": [line.resource for line in lines],
        "ResourceName": [line.resource.split(":", 1)[1] for line in lines],
        "ResourceType": [line.sku.meter for line in lines],
        "ServiceName": [line.sku.service for line in lines],
        "ServiceCategory": [line.sku.category for line in lines],
        "SkuId": [line.sku.id for line in lines],
        "SkuPriceId": [f"{line.sku.id}.on-demand" for line in lines],
        "SkuMeter": [line.sku.meter for line in lines],
        "SkuPriceDetails": [_details(line) for line in lines],
        "PricingUnit": [line.sku.unit for line in lines],
        "ConsumedUnit": [line.sku.unit for line in lines],
        "ChargeDescription": [f"{line.sku.meter} of {line.sku.id}" for line in lines],
        "RegionId": [line.region for line in lines],
        "SubAccountId": [line.account for line in lines],
        "SubAccountName": [line.account for line in lines],
        "PublisherName": [line.sku.publisher or feed.provider for line in lines],
        "Tags": [_tags(line) for line in lines],
    }


def _details(line: Line) -> str | None:
    if line.sku.category != AI or line.sku.unit != "1000000 Tokens":
        return None
    model, direction = line.sku.id.rsplit("-", 1)
    return json.dumps({"x_ModelId": model, "x_TokenDirection": direction})


def _tags(line: Line) -> str | None:
    tags = {"team": line.team, "owner": line.owner, "environment": line.environment_tag}
    present = {key: value for key, value in tags.items() if value}
    return json.dumps(present) if present else None


def _constants(feed: Feed, month: Month) -> dict[str, str | None]:
    first, last = _time_texts(feed, np.array([month.start]))[0], _time_texts(feed, np.array([month.end]))[0]
    return {
        "BillingAccountId": f"{feed.name}-main", "BillingAccountName": "Northwind Robotics", "BillingCurrency": feed.currency,
        "BillingPeriodStart": first, "BillingPeriodEnd": last, "ChargeCategory": "Usage", "ChargeClass": None,
        "ChargeFrequency": "Usage-Based", "InvoiceIssuerName": feed.issuer, "ProviderName": feed.provider,
        "PricingCategory": "Standard", "PricingCurrency": feed.currency, "InvoiceId": f"{feed.name}-{month}",
    }  # fmt: skip


def _dressed(feed: Feed, table: pa.Table) -> pa.Table:
    """The columns of the feed's version, with the names and defects of its vendor."""
    drop = {
        "1.0": ("SkuMeter", "SkuPriceDetails", "PricingCurrency", "InvoiceId"), "1.1": ("PricingCurrency", "InvoiceId"),
        "1.2": (), "1.3": (), "1.4": ("ProviderName", "PublisherName"),
    }  # fmt: skip
    if feed.version in {"1.3", "1.4"}:
        table = table.append_column("ServiceProviderName", table["ProviderName"])
        table = table.append_column("HostProviderName", table["ProviderName"])
    if feed.version == "1.4":
        table = table.append_column("InvoiceDetailId", table["InvoiceId"])
    table = table.drop_columns([name for name in drop[feed.version] if name in table.column_names])
    if "no_currency" in feed.defects:
        table = table.drop_columns(["BillingCurrency"])
    if "long_decimals" in feed.defects:  # fifteen digits, as some exports write them
        at = table.column_names.index("ConsumedQuantity")
        table = table.set_column(at, "ConsumedQuantity", table["ConsumedQuantity"].cast(pa.decimal128(38, 15)))
    if "literal_null" in feed.defects:
        for at, name in enumerate(table.column_names):
            if pa.types.is_string(table[name].type):
                table = table.set_column(at, name, pc.fill_null(table[name], "NULL"))
    return table
