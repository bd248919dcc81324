"""How many tokens something is, counted as simply as an exact bill allows: four bytes of text to a token.

A real tokenizer differs by text and model; what matters here is that the count follows the request and is the same every time.
Images follow the vendors' published formulas, which are where real estimates go wrong.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import random
from collections.abc import Mapping, Sequence
from typing import Any, Final

WORDS: Final = (
    "the", "a", "of", "money", "and", "budget", "is", "spent", "by", "team", "in", "region", "on", "model", "with",
    "token", "each", "price", "over", "month", "for", "cloud", "this", "rate", "that", "line", "bill", "from",
    "owner", "at", "cost", "was", "under", "plan", "are", "above", "limit", "as", "usage", "be", "below", "cap", "it",
    "within", "hold", "has", "after", "before",
)  # fmt: skip
TOKENS_A_MESSAGE: Final = 3
UNKNOWN_SIDE: Final = 1024  # of an image that is named by an address
# OpenAI's documented tokens of an image: once, and for each tile of 512 px.
TILES: Final = {"gpt-4o-mini": (2833, 5667), "gpt-5": (70, 140)}
TILES_ELSE: Final = (85, 170)
PNG: Final = b"\x89PNG\r\n\x1a\n"


def text_tokens(text: str) -> int:
    """Four bytes to a token, rounded up; nothing is no token."""
    return math.ceil(len(text.encode()) / 4)


def json_tokens(value: Any) -> int:
    """Of a schema or of arguments, as compact JSON."""
    return text_tokens(json.dumps(value, separators=(",", ":"), ensure_ascii=False))


def image_side(url: str) -> tuple[int, int]:
    """Width and height in pixels of a data URL's PNG; of anything else, a square of 1024."""
    _, _, data = url.partition("base64,")
    try:
        head = base64.b64decode(data[:64], validate=True) if data else b""
    except binascii.Error:
        head = b""
    if head.startswith(PNG) and len(head) >= 24:
        return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    return UNKNOWN_SIDE, UNKNOWN_SIDE


def tile_tokens(model: str, url: str, detail: str) -> int:
    """OpenAI: fit into 2048 px, the shorter side to 768 px, then tiles of 512 px.

    Source: platform.openai.com/docs/guides/images-vision.
    """
    once, each = next((pair for name, pair in TILES.items() if model.startswith(name)), TILES_ELSE)
    if detail == "low":
        return once
    width, height = (float(side) for side in image_side(url))
    shrink = min(1.0, 2048 / max(width, height))
    width, height = width * shrink, height * shrink
    shrink = min(1.0, 768 / min(width, height))
    return once + each * math.ceil(width * shrink / 512) * math.ceil(height * shrink / 512)


def area_tokens(url: str, pixels_a_token: int, most: int) -> int:
    """Anthropic and Mistral: so many pixels to a token, up to a most."""
    width, height = image_side(url)
    return min(most, math.ceil(width * height / pixels_a_token))


def digest(seed: int, *parts: Any) -> int:
    """A number that follows from the seed and the request."""
    text = json.dumps([seed, *parts], sort_keys=True, default=str).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


def words(number: int, count: int) -> tuple[str, ...]:
    """`count` pieces of text, a token each, the same for the same `number`; the first without a space before it."""
    rng = random.Random(number)  # noqa: S311  text, no secret
    picked = rng.choices(WORDS, k=count)
    return tuple(word if index == 0 else f" {word}" for index, word in enumerate(picked))


def sample_arguments(schema: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Arguments that a tool's JSON Schema takes: every required property, of its type, from its enum where it has one."""
    properties: Mapping[str, Any] = schema.get("properties") or {}
    required: Sequence[str] = schema.get("required") or list(properties)
    return {name: _sample(properties.get(name) or {}, number) for name in required}


def _sample(schema: Mapping[str, Any], number: int) -> Any:
    if schema.get("enum"):
        return schema["enum"][number % len(schema["enum"])]
    samples: dict[str, Any] = {
        "integer": number % 100, "number": number % 100 + 0.5, "boolean": number % 2 == 0, "array": [], "null": None,
    }  # fmt: skip
    kind = schema.get("type", "string")
    if kind == "object":
        return sample_arguments(schema, number)
    return samples.get(kind, WORDS[number % len(WORDS)])
