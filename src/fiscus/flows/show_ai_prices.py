"""What AI models cost, as the gateway reserves and settles: the rates in force, those before, and what is known of limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from fiscus.cost.ai.price_table import PriceTable
from fiscus.cost.ai.types import Meter, ModelPrice, Tier
from fiscus.kernel.errors import NotFound

MODELS_SHOWN_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class ShownRate:
    """A million units of a meter at a tier, from so many tokens of context on."""

    tier: Tier
    meter: Meter
    context_from: int
    per_million: Decimal


@dataclass(frozen=True, slots=True)
class ShownAiPrice:
    """One dated price of one model. `in_force`: on the day that was asked about."""

    provider: str
    model: str
    version: str
    valid_from: date | None
    in_force: bool
    currency: str
    output_tokens_max: int | None
    context_tokens_max: int | None
    verified: bool
    note: str
    rates: tuple[ShownRate, ...]


@dataclass(frozen=True, slots=True)
class AiPrices:
    """The table's version and source, and what was asked for of it; `more`: models that also fit and are not shown."""

    version: str
    source: str
    day: date
    prices: tuple[ShownAiPrice, ...]
    more: int = 0


def show_ai_prices(table: PriceTable, model: str, provider: str, day: date) -> AiPrices:
    """The prices of `model` (as a client names it, or a part of its name) at `provider`, or at any. Raises NotFound."""
    providers = [provider] if provider else list(table.providers())
    if provider and provider not in table.providers():
        raise NotFound(f"No prices are known of {provider!r}", remedy=f"Known: {', '.join(table.providers())}.")
    exact = [found for name in providers if (found := table.price(name, model, day)) is not None] if model else []
    if exact:
        shown = [_shown(one, one == price) for price in exact for one in _dated(table, price)]
        return AiPrices(table.version, table.source, day, tuple(shown))
    fitting = [
        prices for name in providers for prices in table.models(name) if model.lower() in prices[-1].model.lower()
    ]
    if not fitting:
        raise NotFound(
            f"No price is known of {model!r}", remedy="Add it to prices/ai.yaml, or ask for a part of its name."
        )
    newest = [_shown(_in_force(prices, day), True) for prices in fitting[:MODELS_SHOWN_MAX]]
    return AiPrices(table.version, table.source, day, tuple(newest), max(0, len(fitting) - MODELS_SHOWN_MAX))


def _dated(table: PriceTable, price: ModelPrice) -> Sequence[ModelPrice]:
    return next((prices for prices in table.models(price.provider) if price in prices), (price,))


def _in_force(prices: Sequence[ModelPrice], day: date) -> ModelPrice:
    behind = [price for price in prices if price.valid_from is None or price.valid_from <= day]
    return behind[-1] if behind else prices[0]


def _shown(price: ModelPrice, in_force: bool) -> ShownAiPrice:
    rates = tuple(
        ShownRate(tier, meter, rate.context_from, rate.per_million)
        for (tier, meter), listed in sorted(price.rates.items(), key=lambda item: (item[0][0] != "standard", item[0]))
        for rate in listed
    )
    return ShownAiPrice(
        price.provider, price.model, price.version, price.valid_from, in_force, price.currency, price.output_tokens_max,
        price.context_tokens_max, price.verified, price.note, rates,
    )  # fmt: skip
