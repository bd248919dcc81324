"""How many tokens a request's input can be at most.

A byte-level BPE tokenizer (OpenAI's tiktoken encodings, Mistral's Tekken, Llama 3 and later, Qwen) starts from the UTF-8 bytes of
a text and only ever joins them, so it makes at most as many tokens as the text has bytes; SentencePiece with byte fallback makes
at most one token a byte, and one in front. So the bytes of every text that the model reads bound it, whatever the tokenizer.
To this come what the vendor wraps around a message, a tool or a request (constants below, each with its source) and media,
which are resized before they are read and so have a most that does not depend on their size.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

from fiscus.guardrails.doors.ai.wires.one_token_words import knows, tokens_saved

# OpenAI's cookbook ("How to count tokens with tiktoken"): 3 or 4 a message, 1 for a name, 3 in front of the answer. Chat
# templates of open models: up to some 10 a message.
MESSAGE_TOKENS: Final = 12
REQUEST_TOKENS: Final = 64
MEMBER_TOKENS: Final = 6  # quotes, colon, comma and blank of one member, where JSON is written out for the model
ITEM_TOKENS: Final = 2


@dataclass(slots=True)
class InputBound:
    """Gathers what a model will read of one request."""

    texts: list[str] = field(default_factory=list)
    around: int = REQUEST_TOKENS  # tokens that are in no text of the request
    images: int = 0  # tokens; a chat bills them as text, written to a cache like the rest
    audio_seconds: int = 0
    pictures: int = 0
    saved: int = 0  # tokens that the texts are fewer than their bytes, known once they are read
    whole_contexts: int = 0

    def add(self, value: Any) -> None:
        """A text, or JSON that is written out for the model: a tool's schema, the arguments of a call."""
        if isinstance(value, str):
            self.texts.append(value)
        elif isinstance(value, dict):
            self.around += MEMBER_TOKENS * len(value) + ITEM_TOKENS
            for key, item in value.items():
                self.texts.append(key)
                self.add(item)
        elif isinstance(value, list):
            self.around += ITEM_TOKENS * len(value) + ITEM_TOKENS
            for item in value:
                self.add(item)
        elif value is not None:
            self.texts.append(str(value))

    def read(self, model: str = "") -> tuple[int, str]:
        """The most tokens of all texts, and the digest by which the same prompt is known again.

        `model`: one whose tokenizer is known has fewer than bytes; see `one_token_words`.
        """
        joined = "\n".join(self.texts).encode("utf-8", "surrogatepass")
        self.saved = tokens_saved(joined) if knows(model) else 0
        return len(joined) - self.saved + self.around, blake2b(joined, digest_size=16).hexdigest()
