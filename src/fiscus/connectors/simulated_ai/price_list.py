"""What the simulated vendors charge: a list of its own, written from their public price pages and never read by the gateway.

The bill that a promise is held against must not share a mistake with the ledger, so nothing here comes from the price table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

# USD per million tokens. vendor | model as answers name it | other names | kind | most output tokens |
# input | cached input | cache write (5 min) | cache write (1 h) | output | anything else: meter=price per million units
MODELS: Final = """
openai|gpt-4o-mini-2024-07-18|gpt-4o-mini|chat|16384|0.15|0.075|||0.60|
openai|gpt-4o-2024-08-06|gpt-4o|chat|16384|2.50|1.25|||10|
openai|gpt-4.1-2025-04-14|gpt-4.1|chat|32768|2|0.50|||8|
openai|gpt-5-2025-08-07|gpt-5|reasoning|128000|1.25|0.125|||10|
openai|gpt-5-mini-2025-08-07|gpt-5-mini|reasoning|128000|0.25|0.025|||2|
openai|gpt-5-nano-2025-08-07|gpt-5-nano|reasoning|128000|0.05|0.005|||0.40|
openai|text-embedding-3-small||embedding|0|0.02|||||
openai|text-embedding-3-large||embedding|0|0.13|||||
openai|omni-moderation-latest||moderation|0|0|||||
openai|gpt-image-1||image|0|5||||40|image_input=10
openai|dall-e-3||image|0||||||images=40000
openai|gpt-4o-transcribe||transcription|0|2.50||||10|audio_input=6
openai|gpt-4o-mini-transcribe||transcription|0|1.25||||5|audio_input=3
openai|whisper-1||transcription|0||||||seconds=100
openai|tts-1||speech|0||||||characters=15
openai|gpt-4o-mini-tts||speech|0|0.60|||||audio_output=12
anthropic|claude-opus-4-5-20251101|claude-opus-4-5|chat|64000|5|0.50|6.25|10|25|
anthropic|claude-sonnet-4-5-20250929|claude-sonnet-4-5|chat|64000|3|0.30|3.75|6|15|
anthropic|claude-haiku-4-5-20251001|claude-haiku-4-5|chat|64000|1|0.10|1.25|2|5|
mistral|mistral-large-2512|mistral-large-latest|chat|32768|0.50||||1.50|
mistral|mistral-large-2411||chat|32768|2||||6|
mistral|mistral-small-2603|mistral-small-latest|chat|32768|0.15|0.015|||0.60|
mistral|mistral-embed||embedding|0|0.10|||||
huggingface|openai/gpt-oss-120b:groq||chat|65536|0.15||||0.75|
huggingface|openai/gpt-oss-120b:cerebras||chat|65536|0.35||||0.75|
huggingface|openai/gpt-oss-120b:together|openai/gpt-oss-120b|chat|65536|0.15||||0.60|
huggingface|meta-llama/Llama-3.3-70B-Instruct:groq||chat|32768|0.59||||0.79|
huggingface|meta-llama/Llama-3.3-70B-Instruct:novita|meta-llama/Llama-3.3-70B-Instruct|chat|32768|0.135||||0.40|
perplexity|sonar||chat|8000|1||||1|
perplexity|sonar-pro||chat|8000|3||||15|
perplexity|sonar-reasoning-pro||chat|8000|2||||8|
"""
# model | tier | input | cached input | output
TIERS: Final = """
gpt-5-2025-08-07|flex|0.625|0.0625|5
gpt-5-2025-08-07|priority|2.50|0.25|20
gpt-5-mini-2025-08-07|flex|0.125|0.0125|1
gpt-5-mini-2025-08-07|priority|0.45|0.045|3.60
gpt-4o-2024-08-06|priority|4.25|2.125|17
gpt-4o-mini-2024-07-18|priority|0.25|0.125|1
"""
SEARCH: Final = Decimal(10_000)  # a million web searches, at OpenAI and at Anthropic: 10 USD a thousand
# Perplexity's fee a thousand requests, by how much is searched.
REQUEST_FEES: Final = {
    "sonar": {"low": Decimal(5), "medium": Decimal(8), "high": Decimal(12)},
    "sonar-pro": {"low": Decimal(6), "medium": Decimal(10), "high": Decimal(14)},
    "sonar-reasoning-pro": {"low": Decimal(6), "medium": Decimal(10), "high": Decimal(14)},
}
LONG_CONTEXT_TOKENS: Final = 200_000
LONG_CONTEXT: Final = {
    "claude-sonnet-4-5-20250929": (Decimal(2), Decimal("1.5"))
}  # input and cache, output: so many times dearer
COLUMNS: Final = ("input", "cached_input", "cache_write", "cache_write_1h", "output")
MILLION: Final = Decimal(1_000_000)
HALF: Final = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Model:
    """One model that a simulated vendor has. `prices`: meter -> USD per million units."""

    vendor: str
    name: str
    aliases: tuple[str, ...]
    kind: str
    output_tokens_max: int
    prices: Mapping[str, Decimal]


def _models() -> dict[tuple[str, str], Model]:
    found = {}
    for row in MODELS.strip().splitlines():
        vendor, name, others, kind, most, *prices, extra = row.split("|")
        rates = {meter: Decimal(price) for meter, price in zip(COLUMNS, prices, strict=True) if price}
        rates |= {part.split("=")[0]: Decimal(part.split("=")[1]) for part in extra.split(",") if part}
        aliases = tuple(alias for alias in others.split(",") if alias)
        model = Model(vendor, name, aliases, kind, int(most), rates)
        found |= {(vendor, known): model for known in (name, *aliases)}
    return found


def _tiers() -> dict[tuple[str, str], Mapping[str, Decimal]]:
    rows = [row.split("|") for row in TIERS.strip().splitlines()]
    return {
        (row[0], row[1]): dict(zip(("input", "cached_input", "output"), map(Decimal, row[2:]), strict=True))
        for row in rows
    }


KNOWN: Final = _models()
TIER_PRICES: Final = _tiers()


def cost_lines(model: Model, meters: Mapping[str, int], tier: str) -> dict[str, Decimal]:
    """What each meter costs in USD, exact. A meter without a price in the list is free at this vendor.

    `request_low`, `request_medium` and `request_high` are Perplexity's fees; `searches` the fee of a tool.
    """
    rates = dict(model.prices) | dict(TIER_PRICES.get((model.name, tier), {}))
    context = sum(meters.get(meter, 0) for meter in ("input", "cached_input", "cache_write", "cache_write_1h"))
    long = LONG_CONTEXT.get(model.name) if context > LONG_CONTEXT_TOKENS else None
    costs = {}
    for meter, quantity in meters.items():
        rate = SEARCH if meter == "searches" else rates.get(meter, Decimal(0))
        if meter.startswith("request_"):
            rate = REQUEST_FEES[model.name][meter.removeprefix("request_")] * 1000
        if long and meter in COLUMNS:
            rate *= long[1] if meter == "output" else long[0]
        if tier == "batch" and meter in COLUMNS:
            rate *= HALF
        costs[meter] = rate * quantity / MILLION
    return costs
