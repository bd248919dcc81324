"""Hugging Face's router as one provider: `model:groq` costs what it costs at Groq, a bare `model` what the dearest charges.

Which inference provider serves a bare name (or `:fastest`, `:cheapest`) is decided by the router, and its answer does not say.
Hugging Face passes the providers' rates on without a markup (docs, "Inference Providers: Pricing and Billing").
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

PREFIX: Final = "huggingface_"
CHOSEN: Final = ("", ":fastest", ":cheapest", ":preferred")


def router_models(providers: Mapping[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The models of all `huggingface_*` providers: each by its provider's name, then each at the dearest."""
    named: list[dict[str, Any]] = []
    bare: dict[str, list[dict[str, Any]]] = {}
    for provider, models in providers.items():
        if not provider.startswith(PREFIX):
            continue
        suffix = f":{provider.removeprefix(PREFIX)}"
        for model in models:
            named.append({**model, "id": f"{model['id']}{suffix}", "match": _with_suffix(model["match"], suffix)})
            bare.setdefault(model["id"].lower(), []).append(model)
    return named + [_dearest(models) for models in bare.values()]


def _dearest(models: list[dict[str, Any]]) -> dict[str, Any]:
    rates: dict[str, dict[str, Any]] = {}
    for model in models:
        for tier, meters in model["prices"][-1]["rates"].items():
            kept = rates.setdefault(tier, {})
            for meter, rate in meters.items():
                if meter not in kept or _top(rate) > _top(kept[meter]):
                    kept[meter] = rate
    clauses = [_with_suffix(model["match"], suffix) for model in models for suffix in CHOSEN]
    contexts = [model["context_tokens_max"] for model in models if "context_tokens_max" in model]
    found: dict[str, Any] = {"id": models[0]["id"], "match": ["|", *clauses], "prices": [{"rates": rates}]}
    return found | ({"context_tokens_max": max(contexts)} if len(contexts) == len(models) else {})


def _with_suffix(clause: list[Any], suffix: str) -> list[Any]:
    kind, *parts = clause
    if kind in "|&":
        return [kind, *(_with_suffix(part, suffix) for part in parts)]
    if kind in "=$":
        return [kind, f"{parts[0]}{suffix}"]
    return ["&", clause, ["$", suffix]] if suffix else clause


def _top(rate: Any) -> Decimal:
    return Decimal(rate) if isinstance(rate, str) else max(Decimal(amount) for _, amount in rate)
