"""How many tokens a request's input can be at most.

A byte-level BPE tokenizer (OpenAI's tiktoken encodings, Mistral's Tekken, Llama 3 and later, Qwen) starts from the UTF-8 bytes of
a text and only ever joins them, so it makes at most as many tokens as the text has bytes; SentencePiece with byte fallback makes
at most one token a byte, and one in front. So the bytes of every text that the model reads bound it, whatever the tokenizer, if
it reads the text as it came. Some put it into the Unicode form NFKC first (the one that Anthropic published for Claude does, and
many of embedding models), where one character can become eighteen (U+FDFA: 3 bytes, then 33): for every tokenizer that is not
known the longer of both forms counts.
To this come what the vendor wraps around a message, a tool or a request (constants below, each with its source) and media,
which are resized before they are read and so have a most that does not depend on their size.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final
from unicodedata import normalize

from fiscus.guardrails.doors.ai.wires.one_token_words import knows, tokens_saved

# OpenAI's cookbook ("How to count tokens with tiktoken"): 3 or 4 a message, 1 for a name, 3 in front of the answer. Chat
# templates of open models: up to some 10 a message.
MESSAGE_TOKENS: Final = 12
REQUEST_TOKENS: Final = 64
MEMBER_TOKENS: Final = 6  # quotes, colon, comma and blank of one member, where JSON is written out for the model
ITEM_TOKENS: Final = 2
# Letters and signs that NFKC makes no longer, alone or side by side: of most texts in Latin, Greek, Cyrillic, Arabic, Chinese,
# Japanese and Korean, so that these need not be put into that form to know.
QUIET: Final = re.compile(
    "[\x00-\x7f\u00c0-\u013e\u0391-\u03c9\u0400-\u0482\u0621-\u064a\u2010-\u2027\u3001-\u3029\u3041-\u3096\u30a1-\u30fe"
    "\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff5e\U0001f300-\U0001faff]*"
)


@dataclass(slots=True)
class InputBound:
    """Gathers what a model will read of one request."""

    texts: list[str] = field(default_factory=list)
    around: int = REQUEST_TOKENS  # tokens that are in no text of the request
    images: int = 0  # tokens; a chat bills them as text, written to a cache like the rest
    audio_seconds: int = 0
    pictures: int = 0
    saved: int = 0  # tokens that the texts are fewer than for any other model, known once they are read
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
        text = "\n".join(self.texts)
        joined = text.encode("utf-8", "surrogatepass")
        saved, grown = tokens_saved(joined) if knows(model) else 0, _grown(text, joined)
        self.saved = saved + grown if knows(model) else 0
        tokens = len(joined) - saved if knows(model) else len(joined) + grown
        return tokens + self.around, blake2b(joined, digest_size=16).hexdigest()


def _grown(text: str, data: bytes) -> int:
    """How many bytes longer it is in NFKC."""
    if text.isascii() or QUIET.fullmatch(text) or (normal := normalize("NFKC", text)) == text:
        return 0
    return max(0, len(normal.encode("utf-8", "surrogatepass")) - len(data))
