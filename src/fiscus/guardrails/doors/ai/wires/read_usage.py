"""A vendor's own count in its answer, made into meters that do not overlap."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from fiscus.cost.ai.types import Meter, Tier

EXACT_READER: Final = json.JSONDecoder(parse_float=Decimal)
_PLAIN_READER: Final = json.JSONDecoder()
_MODEL: Final = re.compile(rb'"model"\s*:\s*"([A-Za-z0-9_.:/@-]+)"')
_TIERS: Final[dict[str, Tier]] = {"flex": "flex", "priority": "priority", "fast": "fast", "batch": "batch"}


def answer_document(body: bytes, *, exact: bool = False) -> Mapping[str, Any] | None:
    """The JSON object of an answer; None where it is none. `exact`: money stands in it, and stays exact."""
    try:
        text = body.decode("utf-8")
        document = EXACT_READER.decode(text) if exact else json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def vectors_document(body: bytes) -> Mapping[str, Any] | None:
    """Model and usage of embeddings, whose numbers are not read: a megabyte of them would take as long as ten calls.

    In them stand numbers or base64 and no other text, so the last `"usage"` is the answer's own.
    """
    start = body.rfind(b'"usage"')
    opened = body.find(b"{", start)
    if start < 0 or opened < 0:
        return answer_document(body)
    try:
        usage, _ = _PLAIN_READER.raw_decode(body[opened:].decode("utf-8"))
    except (ValueError, RecursionError):
        return answer_document(body)
    named = _MODEL.search(body)
    return {"usage": usage, "model": named[1].decode() if named else None}


def count(usage: Mapping[str, Any], *path: str) -> int:
    """The whole number at `path`; 0 where a step is missing, null or no number."""
    value: Any = usage
    for step in path:
        if not isinstance(value, dict):
            return 0
        value = value.get(step)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return 0
    return max(0, int(value)) if math.isfinite(value) else 0


def tier_of(document: Mapping[str, Any], asked: Tier) -> Tier:
    """The tier that the answer was served and is billed at (`service_tier`); what was asked for, where it does not say."""
    said = document.get("service_tier")
    return _TIERS.get(said, "standard") if isinstance(said, str) else asked


def used(**quantities: int) -> dict[Meter, int]:
    """The meters that were used at all."""
    return {meter: n for meter, n in quantities.items() if n > 0}  # type: ignore[misc]  # callers name meters


def openai_quantities(usage: Mapping[str, Any]) -> dict[Meter, int]:
    """Of `usage` in OpenAI's chat shape (prompt_tokens) or in that of its responses (input_tokens).

    Its input includes what was read from and written to a cache and what was audio; its output includes reasoning and audio.
    """
    if "prompt_tokens" in usage:
        total, out, inside, outside = (
            count(usage, "prompt_tokens"),
            count(usage, "completion_tokens"),
            "prompt_tokens_details",
            "completion_tokens_details",
        )
    else:
        total, out, inside, outside = (
            count(usage, "input_tokens"),
            count(usage, "output_tokens"),
            "input_tokens_details",
            "output_tokens_details",
        )
    cached, written = count(usage, inside, "cached_tokens"), count(usage, inside, "cache_write_tokens")
    audio, spoken = count(usage, inside, "audio_tokens"), count(usage, outside, "audio_tokens")
    return used(
        input=total - cached - written - audio,
        cached_input=cached,
        cache_write=written,
        audio_input=audio,
        output=out - spoken,
        audio_output=spoken,
    )
