"""Anthropic's count in its answers: input without what was read from and written to a cache, which stand beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fiscus.cost.ai.types import RATE_FACTOR_NONE, Usage
from fiscus.guardrails.doors.ai.types import AiAsk
from fiscus.guardrails.doors.ai.wires.anthropic_ask import US_FACTOR
from fiscus.guardrails.doors.ai.wires.event_stream import EventStream
from fiscus.guardrails.doors.ai.wires.read_usage import count, used


def message_usage(ask: AiAsk, message: Mapping[str, Any]) -> Usage | None:
    """Of a whole message, or of what a stream added up to."""
    usage = message.get("usage")
    if not isinstance(usage, dict):
        return None
    written = count(usage, "cache_creation_input_tokens")
    hour = count(usage, "cache_creation", "ephemeral_1h_input_tokens")
    minutes = count(usage, "cache_creation", "ephemeral_5m_input_tokens")
    if hour + minutes != written:  # no split, or one that does not add up: the larger count stands
        hour, minutes = (hour, max(written - hour, minutes)) if hour + minutes < written else (hour, minutes)
    compacted = [i for i in usage.get("iterations") or () if isinstance(i, dict) and i.get("type") == "compaction"]
    quantities = used(
        input=count(usage, "input_tokens") + sum(count(i, "input_tokens") for i in compacted),
        cached_input=count(usage, "cache_read_input_tokens")
        + sum(count(i, "cache_read_input_tokens") for i in compacted),
        cache_write=minutes + sum(count(i, "cache_creation_input_tokens") for i in compacted),
        cache_write_1h=hour,
        output=count(usage, "output_tokens") + sum(count(i, "output_tokens") for i in compacted),
        searches=count(usage, "server_tool_use", "web_search_requests"),
    )
    model = message.get("model")
    return Usage(
        quantities,
        model if isinstance(model, str) and model else ask.model,
        "batch" if usage.get("service_tier") == "batch" else "fast" if usage.get("speed") == "fast" else "standard",
        rate_factor=US_FACTOR if usage.get("inference_geo") == "us" else RATE_FACTOR_NONE,
    )


class MessageStream(EventStream):
    """`message_start` counts the input and holds a place for the output; each `message_delta` says the whole count so far."""

    __slots__ = ("_message",)

    def __init__(self, ask: AiAsk) -> None:
        super().__init__(ask)
        self._message: dict[str, Any] = {}

    def take(self, event: Mapping[str, Any]) -> bool:
        """A later count replaces an earlier one; what it leaves out stands."""
        started = event.get("message")
        if event.get("type") == "message_start" and isinstance(started, dict):
            self._message = {"model": started.get("model"), "usage": dict(started.get("usage") or {})}
        elif event.get("type") == "message_delta" and isinstance(event.get("usage"), dict):
            later = {key: value for key, value in event["usage"].items() if value is not None}
            self._message["usage"] = {**self._message.get("usage", {}), **later}
            self.usage = message_usage(self._ask, self._message)
        return True

    def text_of(self, event: Mapping[str, Any]) -> str:
        """Text, thinking, and the input of a tool."""
        delta = event.get("delta")
        if not isinstance(delta, dict):
            return ""
        return "".join(str(delta.get(key) or "") for key in ("text", "thinking", "partial_json"))

    def _estimated(self, streamed: int) -> Usage:
        """The input as `message_start` counted it; the rest as every stream."""
        estimate = super()._estimated(streamed)
        started = message_usage(self._ask, self._message)
        if started is None:
            return estimate
        quantities = {**started.quantities, "output": estimate.quantities["output"]}
        if searches := self._ask.bound.quantities.get("searches"):
            quantities["searches"] = searches  # as many as may have been run before it broke
        return replace(estimate, quantities=quantities, model=started.model, rate_factor=started.rate_factor)
