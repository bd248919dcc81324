"""What is known better than the data source: a contract's rates, a limit, a price that sources disagree on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final

from fiscus.cost.ai.price_table import matches
from fiscus.kernel.money import EXACT

_HUNDRED: Final = Decimal(100)
_LIMITS: Final = ("output_tokens_max", "context_tokens_max")


@dataclass(frozen=True, slots=True)
class PriceOverride:
    """One entry of `prices/ai.yaml`. `model`: a name, or the start of names with a * behind it.

    `rates`: tier -> meter -> price of a million units; a meter that is not named keeps its price. `discount_percent` is taken off
    every rate. Both hold from `valid_from` on (None: always did). `verified` False: sources disagree, this is the safer one.
    """

    provider: str
    model: str
    reason: str
    valid_from: date | None = None
    rates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    discount_percent: Decimal | None = None
    output_tokens_max: int | None = None
    context_tokens_max: int | None = None
    verified: bool = True


def with_overrides(document: Mapping[str, Any], overrides: Iterable[PriceOverride]) -> dict[str, Any]:
    """The price document as `overrides` correct it, one after the other: a later one wins over an earlier one."""
    providers = {name: list(models) for name, models in document["providers"].items()}
    for override in overrides:
        models = providers.setdefault(override.provider, [])
        if override.model.endswith("*"):
            _override_all(models, override)
        else:
            _override_one(models, override)
    return {**document, "providers": providers}


def _override_all(models: list[dict[str, Any]], override: PriceOverride) -> None:
    """Every model whose id starts so; where there is none, a new one that stands for all of them, behind the others."""
    start = override.model[:-1].lower()
    found = [place for place, model in enumerate(models) if model["id"].lower().startswith(start)]
    for place in found:
        models[place] = _changed(models[place], override)
    if not found and override.rates:
        models.append(_changed({"id": override.model, "match": ["^", start], "prices": []}, override))


def _override_one(models: list[dict[str, Any]], override: PriceOverride) -> None:
    """The model of exactly this name, in front of the others: it starts from what its name matches so far."""
    name = override.model.lower()
    known = next((model for model in models if matches(model["match"], name)), None)
    if known is None and not override.rates:
        return  # a limit of a model that has no price limits nothing
    base = {"prices": [], **(known or {}), "id": override.model, "match": ["=", name]}
    models.insert(0, _changed(base, override))


def _changed(model: Mapping[str, Any], override: PriceOverride) -> dict[str, Any]:
    changed = dict(model)
    for limit in _LIMITS:
        if (value := getattr(override, limit)) is not None:
            changed[limit] = value
            changed["prices"] = [{k: v for k, v in entry.items() if k != limit} for entry in changed["prices"]]
    if override.rates or override.discount_percent is not None or not override.verified:
        changed["prices"] = _entries(changed["prices"], override)
    return changed


def _entries(entries: Sequence[Mapping[str, Any]], override: PriceOverride) -> list[dict[str, Any]]:
    start = override.valid_from.isoformat() if override.valid_from else ""
    before = [dict(entry) for entry in entries if entry.get("from", "") < start]
    after = [_entry(entry, override) for entry in entries if entry.get("from", "") >= start]
    if start and (not after or after[0].get("from") != start):
        in_force = before[-1] if before else {"rates": {}}
        after.insert(0, {**_entry(in_force, override), "from": start})
    elif not after:
        after = [_entry({"rates": {}}, override)]
    return before + after


def _entry(entry: Mapping[str, Any], override: PriceOverride) -> dict[str, Any]:
    rates = {tier: dict(meters) for tier, meters in entry["rates"].items()}
    if override.discount_percent is not None:
        left = EXACT.divide(EXACT.subtract(_HUNDRED, override.discount_percent), _HUNDRED)
        rates = {tier: {meter: _cut(rate, left) for meter, rate in meters.items()} for tier, meters in rates.items()}
    for tier, meters in override.rates.items():
        rates[tier] = {**rates.get(tier, {}), **meters}
    return {**entry, "rates": rates, "note": override.reason, **({} if override.verified else {"unverified": True})}


def _cut(rate: Any, left: Decimal) -> Any:
    if isinstance(rate, str):
        return format(EXACT.multiply(Decimal(rate), left).normalize(EXACT), "f")
    return [[start, _cut(amount, left)] for start, amount in rate]
