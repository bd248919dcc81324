"""Dated prices of models, by provider: one plain document in, a dictionary look-up out.

The document (`fiscus/ai-prices/1`) is compiled from a data source and from the workspace's overrides. Its entries are dated and
never overwritten: a call is priced by the day on which it was made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final, get_args

from fiscus.cost.ai.types import METERS, ModelPrice, Rate, Tier
from fiscus.kernel.canonical import digest
from fiscus.kernel.errors import BadConfig

FORMAT: Final = "fiscus/ai-prices/1"
SHORT: Final = 16  # hex characters of a version: 64 bits tell any two tables of one installation apart
LOOKED_UP_MAX: Final = 20_000  # model names that were asked for: beyond it somebody makes them up
_TIERS: Final = frozenset(get_args(Tier))


@dataclass(frozen=True, slots=True)
class _Model:
    id: str
    match: Sequence[Any]
    prices: tuple[ModelPrice, ...]  # the newest last


@dataclass(slots=True)
class PriceTable:
    """What every known model costs, in force on a day. `version` names the whole document."""

    version: str
    source: str
    _models: Mapping[str, tuple[_Model, ...]]
    _found: dict[tuple[str, str], tuple[ModelPrice, ...]] = field(default_factory=dict)

    def price(self, provider: str, model: str, day: date) -> ModelPrice | None:
        """What `model`, as the client or the answer names it, costs at `provider` on `day`; None: nobody says."""
        prices = self._found.get((provider, model))
        if prices is None:
            prices = self._look_up(provider, model)
        for price in reversed(prices):
            if price.valid_from is None or price.valid_from <= day:
                return price
        return None

    def providers(self) -> tuple[str, ...]:
        """The providers that anything is known of."""
        return tuple(sorted(self._models))

    def models(self, provider: str) -> tuple[tuple[ModelPrice, ...], ...]:
        """The dated prices of each model of `provider`, oldest first."""
        return tuple(model.prices for model in self._models.get(provider, ()))

    def _look_up(self, provider: str, model: str) -> tuple[ModelPrice, ...]:
        name = model.lower()  # no name is no model, whatever a pattern says
        prices: tuple[ModelPrice, ...] = next(
            (m.prices for m in self._models.get(provider, ()) if name and matches(m.match, name)), ()
        )
        if len(self._found) >= LOOKED_UP_MAX:
            self._found.clear()
        self._found[provider, model] = prices
        return prices


def price_table_of(document: Mapping[str, Any]) -> PriceTable:
    """The table of a document in the format `fiscus/ai-prices/1`. Raises BadConfig where it does not hold."""
    if document.get("format") != FORMAT:
        raise BadConfig(
            f"A price table in the format {document.get('format')!r} cannot be read",
            remedy="Write it again with `fiscus prices ai refresh`.",
        )
    try:
        models = {
            provider: tuple(_model(provider, model, document.get("currency", "USD")) for model in listed)
            for provider, listed in document["providers"].items()
        }
    except (KeyError, TypeError, ValueError, InvalidOperation, re.error) as fault:
        raise BadConfig(
            f"The price table does not hold: {fault!r}", remedy="Write it again with `fiscus prices ai refresh`."
        ) from fault
    return PriceTable(digest(document)[:SHORT], str(document.get("source", "")), models)


def matches(clause: Sequence[Any], name: str) -> bool:
    """Whether a model's clause fits `name` (small letters): = equals, ^ starts, $ ends, * contains, ~ pattern, | any, & all."""
    kind, parts = clause[0], clause[1:]
    if kind == "|":
        return any(matches(part, name) for part in parts)
    if kind == "&":
        return all(matches(part, name) for part in parts)
    text = parts[0]
    if kind == "=":
        return bool(name == text)
    if kind == "^":
        return name.startswith(text)
    if kind == "$":
        return name.endswith(text)
    return re.search(text, name) is not None if kind == "~" else text in name


def _model(provider: str, model: Mapping[str, Any], currency: str) -> _Model:
    matches(model["match"], "")  # a clause that cannot be read is found now, not when a client asks
    prices = tuple(_price(provider, model, entry, currency) for entry in model["prices"])
    return _Model(model["id"], model["match"], tuple(sorted(prices, key=lambda p: p.valid_from or date.min)))


def _price(provider: str, model: Mapping[str, Any], entry: Mapping[str, Any], currency: str) -> ModelPrice:
    rates = {
        (_known(tier, _TIERS), _known(meter, METERS)): _rates(listed)
        for tier, meters in entry["rates"].items()
        for meter, listed in meters.items()
    }
    named = {"provider": provider, "model": model["id"], "currency": currency, **entry}
    return ModelPrice(
        provider=provider,
        model=model["id"],
        currency=currency,
        version=digest(named)[:SHORT],
        rates=rates,  # type: ignore[arg-type]  # both names were looked up
        valid_from=date.fromisoformat(entry["from"]) if entry.get("from") else None,
        output_tokens_max=entry.get("output_tokens_max", model.get("output_tokens_max")),
        context_tokens_max=entry.get("context_tokens_max", model.get("context_tokens_max")),
        note=str(entry.get("note", "")),
        verified=not entry.get("unverified", False),
    )


def _rates(listed: str | Sequence[Sequence[Any]]) -> tuple[Rate, ...]:
    """`"0.15"`, or pairs of the context from which a rate holds and the rate: `[[0, "2"], [272001, "4"]]`."""
    pairs: Sequence[Sequence[Any]] = [(0, listed)] if isinstance(listed, str) else listed
    rates = tuple(sorted((Rate(_amount(pair[1]), int(pair[0])) for pair in pairs), key=lambda r: r.context_from))
    if not rates or rates[0].context_from:
        raise ValueError("a rate holds from the first token on")
    return rates


def _amount(text: str) -> Decimal:
    amount = Decimal(text)
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"{text} is no price")
    return amount


def _known(name: str, names: frozenset[Any]) -> str:
    if name not in names:
        raise ValueError(f"{name} is neither a meter nor a tier")
    return name
