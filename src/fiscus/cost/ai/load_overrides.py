"""`prices/ai.yaml`, and the overrides that are shipped: read whole or refused with the line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib.resources import files
from typing import Any, Final, cast

from fiscus.cost.ai.price_overrides import PriceOverride
from fiscus.kernel.documents import Document, load_document
from fiscus.kernel.errors import BadConfig

FILE: Final = "prices/ai.yaml"
SHIPPED: Final = "fiscus/cost/data/ai_overrides.yaml"


def load_overrides(text: str, file: str) -> tuple[PriceOverride, ...]:
    """The overrides of one file, in its order. Raises BadConfig with file and line."""
    document = load_document(text, file, _schema())
    listed = cast("dict[str, Any]", document.data).get("prices") or ()
    return tuple(_override(document, number, item) for number, item in enumerate(listed))


@cache
def shipped_overrides() -> tuple[PriceOverride, ...]:
    """Limits that vendors publish and the data source does not carry, and prices that sources disagree on."""
    text = files("fiscus.cost").joinpath("data", "ai_overrides.yaml").read_text(encoding="utf-8")
    return load_overrides(text, SHIPPED)


@cache
def _schema() -> Mapping[str, object]:
    text = files("fiscus.cost").joinpath("schema", "ai_prices.schema.json").read_text(encoding="utf-8")
    return cast("Mapping[str, object]", json.loads(text))


def _override(document: Document, number: int, item: Mapping[str, Any]) -> PriceOverride:
    path: list[str | int] = ["prices", number]
    tiers = {"standard": item.get("rates") or {}, **(item.get("tiers") or {})}
    given = {
        tier: {meter: _rate(document, [*path, "rates", meter], rate) for meter, rate in meters.items()}
        for tier, meters in tiers.items()
        if meters
    }
    discount = item.get("discount_percent")
    return PriceOverride(
        provider=item["provider"],
        model=str(item["model"]),
        reason=item["reason"],
        valid_from=_day(document, [*path, "from"], item["from"]) if "from" in item else None,
        rates=given,
        discount_percent=None if discount is None else Decimal(str(discount)),
        output_tokens_max=item.get("output_tokens_max"),
        context_tokens_max=item.get("context_tokens_max"),
        verified=not item.get("unverified", False),
    )


def _rate(document: Document, path: list[str | int], rate: Any) -> Any:
    """A price, or steps `{from: tokens, price: ...}`, as the price document writes them."""
    if isinstance(rate, list):
        return [[step["from"], _amount(document, path, step["price"])] for step in rate]
    return _amount(document, path, rate)


def _amount(document: Document, path: list[str | int], value: Any) -> str:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise document.error(path, f"{value!r} is no price", "Write the price of a million units in US dollars.")
    return format(amount, "f")


def _day(document: Document, path: list[str | int], text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _bad_day(document, path, text) from None


def _bad_day(document: Document, path: list[str | int], text: str) -> BadConfig:
    return document.error(path, f"{text!r} is not a date", "Write it as YYYY-MM-DD.")
