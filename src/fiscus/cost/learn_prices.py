"""Unit prices learned from the company's own bills: one pass over the charges of the last days."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from fiscus.cost.ports import LakeReader
from fiscus.cost.price_types import LearnedPrice
from fiscus.cost.price_units import parse_unit
from fiscus.kernel.money import EXACT, ZERO
from fiscus.kernel.periods import Month, midnight
from fiscus.kernel.rows import Query
from fiscus.kernel.sql_text import sql_text

# FOCUS 1.4 SkuPriceDetails and the keys that vendors add (x_): each holds the name of a size.
NAME_DETAILS: Final = ("InstanceType", "x_VolumeType", "x_ServiceType", "ServiceType", "DiskType")


def learn_prices(lake: LakeReader, until: date, days: int) -> tuple[LearnedPrice, ...]:
    """Every unit price of the charges in [until - days, until). An empty lake has none."""
    since = until - timedelta(days=days)
    window = {"since": midnight(since), "until": midnight(until)}
    found = lake.query(
        sql_text("fiscus.cost", "unit_prices"), {**window, "billing_month": str(Month.of(since).shift(-1))}
    )
    return tuple(_learned(row, window) for row in found.dicts())


def _learned(row: Mapping[str, Any], window: Mapping[str, object]) -> LearnedPrice:
    many, unit = parse_unit(row["unit"])
    details = details_of(row["details"])
    params = {key: row[key] for key in ("provider", "sku", "unit", "region", "currency", "details")}
    return LearnedPrice(
        provider=row["provider"], service=row["service"], sku=row["sku"], meter=row["meter"], unit=unit,
        region=row["region"], resource_type=row["resource_type"], details=details, currency=row["currency"],
        contracted=_per(row["contracted"], many), low=_per(row["low"], many), high=_per(row["high"], many),
        listed=_per(row["listed"], many), cost=row["cost"] or ZERO, quantity=_times(row["quantity"], many),
        spot_cost=row["spot_cost"] or ZERO, spot_quantity=_times(row["spot_quantity"], many),
        charges=row["charges"], days=row["days"], newest=row["newest"],
        names=names_of(row["meter"], row["description"], details),
        evidence=Query(sql_text("fiscus.cost", "unit_price_charges"), {**window, **params}),
    )  # fmt: skip


def details_of(text: str) -> dict[str, str]:
    """SkuPriceDetails as texts; what is no JSON object holds nothing to go by."""
    try:
        data = json.loads(text, parse_float=str, parse_int=str) if text else {}
    except (ValueError, RecursionError):
        return {}
    if not isinstance(data, dict):
        return {}
    return {str(key): str(value) for key, value in data.items() if isinstance(value, str | bool)}


def names_of(meter: str, description: str, details: Mapping[str, str]) -> frozenset[str]:
    """What the thing is called, lower case: its size, its meter, the meter without the region before and the place after it."""
    names = {details[key] for key in NAME_DETAILS if details.get(key)}
    for text in (meter, re.split(r" \(", description, maxsplit=1)[0]):
        short = text.rpartition(":")[2]
        names |= {text, short, re.split(r" (?:running )?in ", short, maxsplit=1)[0]}
    return frozenset(name.casefold() for name in names if name)


def _per(price: Decimal | None, many: Decimal) -> Decimal | None:
    return None if price is None else EXACT.divide(price, many)


def _times(quantity: Decimal | None, many: Decimal) -> Decimal:
    return EXACT.multiply(quantity, many) if quantity else ZERO
