"""A chat request checked only for what bounds its cost, for the vendors whose chat is OpenAI's with other usage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fiscus.connectors.simulated_ai.asking import Ask, Vendor
from fiscus.connectors.simulated_ai.chat_answer import Chat, Counts, choices, message_tokens
from fiscus.connectors.simulated_ai.price_list import Model
from fiscus.connectors.simulated_ai.token_counts import area_tokens, json_tokens

PIXELS_A_TOKEN = 28 * 28  # Mistral's and most open models' vision: patches of 14 px, four to a token
IMAGE_TOKENS_MAX = 3025


def read_chat(vendor: Vendor, ask: Ask, model: Model, *, invalid: int = 400) -> Chat:
    """Raises the vendor's error for no messages or a wrong number of tokens."""
    messages, most = ask.document.get("messages"), ask.document.get("max_tokens")
    if not isinstance(messages, list) or not messages:
        raise vendor.refusal(invalid, "invalid", "messages: Field required")
    if most is not None and (not isinstance(most, int) or most < 1):
        raise vendor.refusal(invalid, "invalid", "max_tokens: Input should be greater than or equal to 1")
    prompt = message_tokens(messages, lambda url, _: area_tokens(url, PIXELS_A_TOKEN, IMAGE_TOKENS_MAX))
    if ask.document.get("tools"):
        prompt += json_tokens(ask.document["tools"])
    allowed = min(most or model.output_tokens_max, model.output_tokens_max)
    made = choices(ask, allowed, reasons=False)
    return Chat(Counts(prompt, sum(choice.output_tokens for choice in made)), made)


def plain_usage(counts: Counts, final: bool) -> Mapping[str, Any]:
    """Three numbers."""
    del final
    return {
        "prompt_tokens": counts.prompt,
        "completion_tokens": counts.output,
        "total_tokens": counts.prompt + counts.output,
    }
