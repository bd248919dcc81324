"""The vendors' wire formats. Pure: no driver, no clock, no state between requests."""

from __future__ import annotations

from typing import Final

from fiscus.guardrails.doors.ai.ports import Wire
from fiscus.guardrails.doors.ai.wires.anthropic import AnthropicWire
from fiscus.guardrails.doors.ai.wires.compatible import AzureWire, CompatibleWire
from fiscus.guardrails.doors.ai.wires.huggingface import HuggingFaceWire
from fiscus.guardrails.doors.ai.wires.mistral import MistralWire
from fiscus.guardrails.doors.ai.wires.openai import OpenAiWire
from fiscus.guardrails.doors.ai.wires.perplexity import PerplexityWire
from fiscus.kernel.errors import BadConfig

_WIRES: Final[dict[str, Wire]] = {
    "openai": OpenAiWire(),
    "anthropic": AnthropicWire(),
    "mistral": MistralWire(),
    "huggingface": HuggingFaceWire(),
    "perplexity": PerplexityWire(),
    "openai-compatible": CompatibleWire(),
    "azure": AzureWire(),
}
WIRE_NAMES: Final = tuple(sorted(_WIRES))


def wire_named(name: str) -> Wire:
    """The wire format called `name`. Raises BadConfig for another name."""
    try:
        return _WIRES[name]
    except KeyError:
        raise BadConfig(f"No wire format is called {name!r}", remedy=f"Use one of {', '.join(WIRE_NAMES)}.") from None
