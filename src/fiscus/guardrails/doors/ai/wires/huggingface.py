"""Hugging Face's inference router: OpenAI's chat shape, a provider behind the model's name, priced by who was asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from fiscus.cost.ai.types import Usage
from fiscus.guardrails.doors.ai.types import AiAsk, Endpoint, Refused
from fiscus.guardrails.doors.ai.wires import openai_errors
from fiscus.guardrails.doors.ai.wires.openai import OpenAiWire
from fiscus.guardrails.doors.ai.wires.openai_ask import OpenAiDialect
from fiscus.guardrails.doors.ai.wires.openai_stream import ChatStream

_PRICED: Final[dict[str, Endpoint]] = {"/v1/chat/completions": "chat", "/v1/responses": "responses"}
_FREE: Final = re.compile(r"GET /v1/models(?:/[A-Za-z0-9_.:/-]+)?")
# Chat templates of open models: gpt-oss writes some 70 tokens of its own, Mistral's up to 600.
ROUTER: Final = OpenAiDialect(output_key="max_tokens", overhead_tokens=1_000)


class HuggingFaceWire(OpenAiWire):
    """See `Wire`. Tasks of hf-inference are billed by computing time, which nobody knows before: they are unknown here."""

    dialect = ROUTER

    def endpoint(self, method: str, path: str) -> Endpoint | None:
        if method == "POST" and (found := _PRICED.get(path)) is not None:
            return found
        return "free" if _FREE.fullmatch(f"{method} {path}") else None

    def usage(self, ask: AiAsk, body: bytes) -> Usage | None:
        usage = super().usage(ask, body)
        return None if usage is None else as_asked(ask, usage)

    def stream(self, ask: AiAsk) -> Any:
        return super().stream(ask) if ask.endpoint == "responses" else RouterStream(ask)

    def refusal(self, refused: Refused) -> tuple[int, bytes]:
        """`error` is a text: huggingface_hub puts it into the message of its HfHubHTTPError."""
        status, body = openai_errors.refusal(refused)
        error = json.loads(body)["error"]
        said = {"error": error["message"], "error_type": error["code"], "decision_id": refused.decision_id}
        return status, json.dumps(said, ensure_ascii=False).encode()


class RouterStream(ChatStream):
    """Chunks of whichever provider answers."""

    __slots__ = ()

    def usage_of(self, event: Mapping[str, Any]) -> Usage | None:
        usage = super().usage_of(event)
        return None if usage is None else as_asked(self._ask, usage)


def as_asked(ask: AiAsk, usage: Usage) -> Usage:
    """The answer names the model as its provider does, without saying which provider: the price goes by what was asked for."""
    return replace(usage, model=ask.model, tier="standard")
