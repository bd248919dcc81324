"""Mistral's API: chat, fill in the middle, embeddings, moderation, classification; in OpenAI's shape, with turns of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from fiscus.cost.ai.types import Usage
from fiscus.guardrails.doors.ai.types import AiAsk, BatchJob, Endpoint, Refusal, Refused, Rewrite
from fiscus.guardrails.doors.ai.wires import batches
from fiscus.guardrails.doors.ai.wires.openai import OpenAiWire
from fiscus.guardrails.doors.ai.wires.openai_ask import OpenAiDialect
from fiscus.guardrails.doors.ai.wires.openai_stream import ChatStream
from fiscus.guardrails.doors.ai.wires.openai_usage import chat_usage
from fiscus.guardrails.doors.ai.wires.read_usage import answer_document, count

_ID: Final = r"[A-Za-z0-9_.:-]+"
_PRICED: Final[dict[str, Endpoint]] = {
    "/v1/chat/completions": "chat",
    "/v1/fim/completions": "completions",
    "/v1/embeddings": "embeddings",
    "/v1/audio/transcriptions": "transcription",
    "/v1/batch/jobs": "batches",
    "/v1/moderations": "moderations",
    "/v1/chat/moderations": "moderations",
    "/v1/classifications": "moderations",
    "/v1/chat/classifications": "moderations",
}
_FREE: Final = re.compile(
    rf"GET /v1/models(?:/{_ID})?"
    rf"|POST /v1/files|GET /v1/files(?:/{_ID}(?:/content|/url)?)?|DELETE /v1/files/{_ID}"
    rf"|GET /v1/batch/jobs(?:/{_ID})?|POST /v1/batch/jobs/{_ID}/cancel|DELETE /v1/batch/jobs/{_ID}"
)
# Where no system prompt is given, some models bring one of their own (prompt_mode reasoning): some 300 tokens, bounded at 1,000.
MISTRAL: Final = OpenAiDialect(output_key="max_tokens", overhead_tokens=1_000, hears_seconds=True)
_SAID: Final[dict[Refusal, tuple[int, str]]] = {
    "unauthenticated": (401, "unauthorized"),
    "forbidden": (403, "forbidden"),
    "bad_request": (400, "invalid_request"),
    "over_budget": (402, "payment_required"),
    "rate_limited": (429, "rate_limited"),
    "unavailable": (503, "service_unavailable"),
    "unknown_endpoint": (404, "not_found"),
}


class MistralWire(OpenAiWire):
    """See `Wire`. Usage comes in the last chunk of a stream without being asked for, together with the reason why it ended."""

    dialect = MISTRAL

    def endpoint(self, method: str, path: str) -> Endpoint | None:
        if method == "POST" and (found := _PRICED.get(path)) is not None:
            return found
        return "free" if _FREE.fullmatch(f"{method} {path}") else None

    def batch_files(self, ask: AiAsk) -> tuple[str, ...]:
        return batches.mistral_batch_files(ask.document or {})

    def batch_parts(self, ask: AiAsk, contents: Sequence[Iterable[bytes]]) -> Iterator[AiAsk]:
        return batches.mistral_parts(ask.document or {}, contents, self.dialect)

    def batch_job(self, body: bytes) -> BatchJob | None:
        answer = answer_document(body)
        return None if answer is None else batches.mistral_job(answer)

    def batch_path(self, job_id: str) -> str:
        return f"/v1/batch/jobs/{batches.id_of(job_id)}"

    def answer_usage(self, answer: Mapping[str, Any]) -> Usage | None:
        return mistral_usage(AiAsk("chat", str(answer.get("model") or ""), Usage({}), tier="batch"), answer)

    def body(self, ask: AiAsk, change: Rewrite) -> bytes | None:
        return super().body(ask, replace(change, include_usage=False))

    def usage(self, ask: AiAsk, body: bytes) -> Usage | None:
        answer = answer_document(body)
        return None if answer is None else mistral_usage(ask, answer)

    def stream(self, ask: AiAsk) -> ChatStream:
        return MistralStream(ask)

    def refusal(self, refused: Refused) -> tuple[int, bytes]:
        status, kind = _SAID[refused.kind]
        said = {"object": "error", "message": refused.message, "type": kind, "param": None, "code": None}
        return status, json.dumps({**said, "request_id": refused.decision_id}, ensure_ascii=False).encode()


class MistralStream(ChatStream):
    """Chunks of which the last one counts. Nothing is taken out."""

    __slots__ = ()

    def take(self, event: Mapping[str, Any]) -> bool:
        super().take(event)
        return True

    def usage_of(self, event: Mapping[str, Any]) -> Usage | None:
        return mistral_usage(self._ask, event)


def mistral_usage(ask: AiAsk, answer: Mapping[str, Any]) -> Usage | None:
    """As OpenAI's chat; seconds of audio beside the tokens, and cached tokens where the answer names them."""
    usage = chat_usage(ask, answer)
    if usage is None:
        return None
    counted = answer["usage"]
    quantities = dict(usage.quantities)
    cached = count(counted, "num_cached_tokens") if "cached_input" not in quantities else 0
    if cached and cached <= quantities.get("input", 0):
        quantities["cached_input"], quantities["input"] = cached, quantities["input"] - cached
    if seconds := count(counted, "prompt_audio_seconds"):
        quantities["audio_seconds"] = seconds
    return replace(usage, quantities=quantities, tier="standard")
