"""A bound once it is known how much may be answered, and by which model: what a client left out, what a policy changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from fiscus.cost.ai.types import Meter, Usage
from fiscus.guardrails.doors.ai.types import AiAsk

READ_AS_TEXT: Final[frozenset[Meter]] = frozenset({"input", "cache_write", "cache_write_1h"})


def bound_with(ask: AiAsk, output_max: int) -> Usage:
    """The bound of `ask` when each of its answers is held to `output_max` tokens (`Rewrite.output_max` in what is sent on)."""
    if ask.output_max == output_max:
        return ask.bound
    meter = ask.output_meter
    return replace(ask.bound, quantities={**ask.bound.quantities, meter: output_max * ask.choices + ask.output_extra})


def bound_of_another(ask: AiAsk, bound: Usage) -> Usage:
    """`bound` of `ask`, when another model than the one that was asked for reads it."""
    if not ask.other_model_extra:
        return bound
    meter: Meter = next((meter for meter in bound.quantities if meter in READ_AS_TEXT), "input")
    return replace(
        bound, quantities={**bound.quantities, meter: bound.quantities.get(meter, 0) + ask.other_model_extra}
    )
