"""The count in a whole answer in OpenAI's shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fiscus.cost.ai.types import Meter, Usage
from fiscus.guardrails.doors.ai.types import AiAsk
from fiscus.guardrails.doors.ai.wires.read_usage import openai_quantities, tier_of

_FEES: Final[dict[str, Meter]] = {
    "web_search_call": "searches",
    "file_search_call": "file_searches",
    "image_generation_call": "images",
}
_SESSIONS: Final = frozenset({"code_interpreter_call", "shell_call"})


def chat_usage(ask: AiAsk, answer: Mapping[str, Any]) -> Usage | None:
    """Of a chat, a completion, an embedding. A search model searches each time, and says so nowhere: one fee a choice."""
    usage = answer.get("usage")
    if not isinstance(usage, dict):
        return None
    quantities = openai_quantities(usage)
    if searches := ask.bound.quantities.get("searches"):
        quantities["searches"] = searches
    return Usage(quantities, _model(ask, answer), tier_of(answer, ask.tier))


def response_usage(ask: AiAsk, answer: Mapping[str, Any]) -> Usage | None:
    """Of a response. Calls of the vendor's own tools stand in its output, not in its usage."""
    usage = answer.get("usage")
    if not isinstance(usage, dict):
        return None
    quantities = openai_quantities(usage)
    sessions = set()
    for item in answer.get("output") or ():
        kind = item.get("type") if isinstance(item, dict) else None
        if kind in _FEES:
            quantities[_FEES[kind]] = quantities.get(_FEES[kind], 0) + 1
        elif kind in _SESSIONS:
            sessions.add(item.get("container_id"))
    if sessions:
        quantities["containers"] = len(sessions)
    return Usage(quantities, _model(ask, answer), tier_of(answer, ask.tier))


def _model(ask: AiAsk, answer: Mapping[str, Any]) -> str:
    model = answer.get("model")
    return model if isinstance(model, str) and model else ask.model
