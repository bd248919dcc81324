"""What each path of an OpenAI-shaped API is. A path that is not here is not known, and so has no price."""

from __future__ import annotations

import re
from typing import Final

from fiscus.guardrails.doors.ai.types import Endpoint

_ID: Final = r"[A-Za-z0-9_.:-]+"
PRICED: Final[dict[str, Endpoint]] = {
    "/chat/completions": "chat",
    "/completions": "completions",
    "/responses": "responses",
    "/embeddings": "embeddings",
    "/images/generations": "images",
    "/images/edits": "images",
    "/audio/transcriptions": "transcription",
    "/audio/translations": "transcription",
    "/audio/speech": "speech",
    "/batches": "batches",
}
# Reading, deleting and counting cost nothing; a file is stored for nothing, and what is done with it has its own price.
FREE: Final = re.compile(
    rf"GET /models(?:/[A-Za-z0-9_.:/-]+)?"
    rf"|POST /files|GET /files(?:/{_ID}(?:/content)?)?|DELETE /files/{_ID}"
    rf"|POST /uploads(?:/{_ID}/(?:parts|complete|cancel))?"
    rf"|GET /batches(?:/{_ID})?|POST /batches/{_ID}/cancel"
    rf"|(?:GET|DELETE) /(?:responses|chat/completions)/{_ID}|GET /chat/completions(?:/{_ID}/messages)?"
    rf"|GET /responses/{_ID}/input_items|POST /responses/{_ID}/cancel|POST /responses/input_tokens"
)


def endpoint_of(method: str, path: str) -> Endpoint | None:
    """The endpoint at `path`, with or without its `/v1`; None: nobody knows what it costs."""
    below = path.removeprefix("/v1")
    if method == "POST" and (found := PRICED.get(below)) is not None:
        return found
    return "free" if FREE.fullmatch(f"{method} {below}") else None
