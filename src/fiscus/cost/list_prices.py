"""The list prices that are shipped, for what the company never bought: public, dated, and older every day."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files

from fiscus.cost.price_types import ListPrice


@cache
def list_prices() -> Mapping[tuple[str, str, str], tuple[ListPrice, ...]]:
    """(provider, name, unit) -> its prices, one a region. Package data, read once; its head says where the figures are from."""
    text = files("fiscus.cost").joinpath("data", "list_prices.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found: dict[tuple[str, str, str], list[ListPrice]] = {}
    for row in csv.DictReader(lines):
        price = ListPrice(
            row["provider"], row["name"], row["region"], row["unit"], Decimal(row["price"]), row["currency"],
            date.fromisoformat(row["as_of"]), row["origin"],
        )  # fmt: skip
        found.setdefault((price.provider, price.name, price.unit), []).append(price)
    return {key: tuple(prices) for key, prices in found.items()}
