"""A bound once it is known how much may be answered: where the client says nothing, the model's own maximum is put in."""

from __future__ import annotations

from dataclasses import replace

from fiscus.cost.ai.types import Usage
from fiscus.guardrails.doors.ai.types import AiAsk


def bound_with(ask: AiAsk, output_max: int) -> Usage:
    """The bound of `ask` when each of its answers is held to `output_max` tokens (`Rewrite.output_max` in what is sent on)."""
    if ask.output_max == output_max:
        return ask.bound
    meter = ask.output_meter
    return replace(ask.bound, quantities={**ask.bound.quantities, meter: output_max * ask.choices + ask.output_extra})
