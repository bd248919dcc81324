"""One AI call in the words of OpenTelemetry's conventions for generative AI (gen_ai.*, in development; as of 2026-11).

Never a prompt, an answer, an end user or what a caller says its work is for: only what money is governed by. `fiscus.*` is what
the conventions have no word for. Input tokens include those of a cache, as the conventions ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fiscus.cost.ai.types import AiCall, Meter

Attribute = str | int | float | bool
OPERATIONS: Final = {
    "chat": "chat",
    "responses": "chat",
    "messages": "chat",
    "completions": "text_completion",
    "embeddings": "embeddings",
}  # the conventions' well-known values; another endpoint is named as it is
PROVIDERS: Final = {
    "OpenAI": "openai",
    "Anthropic": "anthropic",
    "Mistral AI": "mistral_ai",
    "Perplexity": "perplexity",
    "AWS": "aws.bedrock",
    "Microsoft": "azure.ai.openai",
    "Google Cloud": "gcp.vertex_ai",
}
INPUT: Final[tuple[Meter, ...]] = (
    "input", "cached_input", "cache_write", "cache_write_1h", "audio_input", "cached_audio_input", "image_input",
)  # fmt: skip
OUTPUT: Final[tuple[Meter, ...]] = ("output", "audio_output", "image_output")
NANOS: Final = 1_000_000_000


def span_name(call: AiCall) -> str:
    """`{operation} {model}`."""
    return f"{operation(call)} {call.model_asked}".strip()


def operation(call: AiCall) -> str:
    """gen_ai.operation.name."""
    return OPERATIONS.get(call.endpoint, call.endpoint)


def error_type(call: AiCall) -> str:
    """error.type: the status of an answer that was none, or how the call ended without one; empty where it went well."""
    if call.status >= 400:
        return str(call.status)
    return {"refused": "fiscus.refused", "unknown": "fiscus.outcome_unknown"}.get(call.state, "")


def metric_attributes(call: AiCall) -> Mapping[str, Attribute]:
    """Few values each: what a time series may be split by."""
    said: dict[str, Attribute] = {
        "gen_ai.operation.name": operation(call),
        "gen_ai.provider.name": PROVIDERS.get(call.provider, call.provider.lower().replace(" ", "_")),
        "gen_ai.request.model": call.model_asked,
        "gen_ai.response.model": call.model,
        "error.type": error_type(call),
        "fiscus.team": call.team,
        "fiscus.environment": call.environment,
    }
    return {name: value for name, value in said.items() if value != ""}


def span_attributes(call: AiCall) -> Mapping[str, Attribute]:
    """Everything that is said of one call."""
    said: dict[str, Attribute] = {
        **metric_attributes(call),
        "gen_ai.request.stream": call.streamed,
        "http.response.status_code": call.status,
        "fiscus.call.id": call.id,
        "fiscus.decision.id": call.decision_id,
        "fiscus.verdict": call.verdict,
        "fiscus.state": call.state,
        "fiscus.product": call.product,
        "fiscus.key.id": call.key_id,
        "fiscus.upstream": call.upstream,
        "fiscus.cost.currency": call.currency,
        "fiscus.cost.nanos": call.settled,  # whole billionths: a float holds no money
        "fiscus.bound.nanos": call.bound,
        "fiscus.price.version": call.price_version,
    }
    if call.usage:
        said |= {
            "gen_ai.usage.input_tokens": tokens(call, INPUT),
            "gen_ai.usage.output_tokens": tokens(call, OUTPUT),
            "gen_ai.usage.cache_read.input_tokens": tokens(call, ("cached_input", "cached_audio_input")),
            "gen_ai.usage.cache_creation.input_tokens": tokens(call, ("cache_write", "cache_write_1h")),
        }
    return {name: value for name, value in said.items() if value != ""}


def tokens(call: AiCall, meters: tuple[Meter, ...]) -> int:
    """Of these meters together."""
    return sum(call.usage.get(meter, 0) for meter in meters)
