"""Models that would do the same for less: those that the company uses already, at the same vendor, priced for the same request.

What a policy offers is the company's own word (Preview.options). This is beside it: a model that somebody here calls already is
known to work, and is offered only where a decision would let it through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

from fiscus.cost.ai.price_table import PriceTable
from fiscus.cost.ai.price_usage import bound_nanos
from fiscus.cost.ai.types import ModelPrice, Usage
from fiscus.flows.preview_intent import preview_intent
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.types import Intent
from fiscus.kernel.errors import NotFound
from fiscus.kernel.money import EXACT, from_nanos

USED_DAYS: Final = 30
CALLS_MAX: Final = 200_000  # looked at for the models in use, the newest days first
OFFERED_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class ModelOption:
    """A model and the most that the same request costs there."""

    model: str
    amount: Decimal
    saving: Decimal
    currency: str
    calls: int  # of the last 30 days


def request_amount(prices: PriceTable, at: str, model: str, tokens: tuple[int, int], ws: Workspace) -> Decimal:
    """The most that (input, output) tokens of `model` cost at the provider `at` of the price table. Raises NotFound."""
    price = prices.price(at, model, ws.as_of)
    nanos = None if price is None else _bound(price, model, tokens)
    if nanos is None:
        raise NotFound(f"No price is known of {model!r}", remedy="State `amount`, or add its price to prices/ai.yaml.")
    return from_nanos(nanos)


def cheaper_models(
    ws: Workspace, prices: PriceTable, at: str, asked: Intent, tokens: tuple[int, int]
) -> tuple[ModelOption, ...]:
    """The cheapest first. `asked` has the amount of its own model; `tokens`: (input, output). Nothing is held or recorded."""
    found = list[ModelOption]()
    for model, calls in _in_use(ws, asked.provider).items():
        price = prices.price(at, model, ws.as_of)
        nanos = None if price is None or price.currency != asked.currency else _bound(price, model, tokens)
        if nanos is None or from_nanos(nanos) >= asked.amount or model == asked.attributes.get("model"):
            continue
        amount = from_nanos(nanos)
        found.append(ModelOption(model, amount, EXACT.subtract(asked.amount, amount), asked.currency, calls))
    found.sort(key=lambda one: (one.amount, one.model))
    return tuple(one for one in found if _let_through(ws, asked, one))[:OFFERED_MAX]


def _in_use(ws: Workspace, provider: str) -> Mapping[str, int]:
    """Model, as it was asked for -> calls that were answered."""
    now, used = ws.clock.now(), dict[str, int]()
    looked = 0
    for days in range(USED_DAYS):
        last = now - timedelta(days=days)
        for call in ws.calls.calls(last - timedelta(days=1), last):
            looked += 1
            if call.provider == provider and call.state in {"settled", "estimated"}:
                used[call.model_asked] = used.get(call.model_asked, 0) + 1
        if looked >= CALLS_MAX:
            break
    return used


def _bound(price: ModelPrice, model: str, tokens: tuple[int, int]) -> int | None:
    return bound_nanos(price, Usage({"input": tokens[0], "output": tokens[1]}, model))


def _let_through(ws: Workspace, asked: Intent, one: ModelOption) -> bool:
    attributes = {**asked.attributes, "model": one.model}
    changed = replace(asked, amount=one.amount, attributes=attributes)
    return preview_intent(ws, changed).verdict in {"allow", "warn"}
