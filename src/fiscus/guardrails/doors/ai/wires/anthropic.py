"""Anthropic's API: messages, one by one and in batches."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from fiscus.cost.ai.types import Usage
from fiscus.guardrails.doors.ai.types import AiAsk, BatchJob, Endpoint, Refusal, Refused, Rewrite
from fiscus.guardrails.doors.ai.wires import batches
from fiscus.guardrails.doors.ai.wires.anthropic_ask import read_message
from fiscus.guardrails.doors.ai.wires.anthropic_usage import MessageStream, message_usage
from fiscus.guardrails.doors.ai.wires.openai import bearer
from fiscus.guardrails.doors.ai.wires.read_body import written
from fiscus.guardrails.doors.ai.wires.read_usage import answer_document

THINKING_TOKENS_MIN: Final = 1_024  # the least that the vendor takes as a budget
_PRICED: Final[dict[str, Endpoint]] = {"/v1/messages": "messages", "/v1/messages/batches": "batches"}
_BATCHED: Final = AiAsk("messages", "", Usage({}), tier="batch")  # who asked for an answer among the results
_ID: Final = r"[A-Za-z0-9_.:-]+"
_FREE: Final = re.compile(
    rf"POST /v1/messages/count_tokens|GET /v1/models(?:/{_ID})?"
    rf"|GET /v1/messages/batches(?:/{_ID}(?:/results)?)?|POST /v1/messages/batches/{_ID}/cancel"
    rf"|DELETE /v1/messages/batches/{_ID}"
    rf"|POST /v1/files|GET /v1/files(?:/{_ID}(?:/content)?)?|DELETE /v1/files/{_ID}"
)
# kind -> status, type. The official client tries again on 408, 409, 429 and 5xx; 402 it raises at once.
_SAID: Final[dict[Refusal, tuple[int, str]]] = {
    "unauthenticated": (401, "authentication_error"),
    "forbidden": (403, "permission_error"),
    "bad_request": (400, "invalid_request_error"),
    "over_budget": (402, "billing_error"),
    "rate_limited": (429, "rate_limit_error"),
    "unavailable": (529, "overloaded_error"),
    "unknown_endpoint": (404, "not_found_error"),
}


class AnthropicWire:
    """See `Wire`. The vendor's own tools are held to a number of uses where the client named none."""

    def endpoint(self, method: str, path: str) -> Endpoint | None:
        if method == "POST" and path in _PRICED:
            return _PRICED[path]
        return "free" if _FREE.fullmatch(f"{method} {path}") else None

    def read(self, endpoint: Endpoint, body: bytes, content_type: str, path: str = "") -> AiAsk:  # noqa: ARG002 JSON says it all
        return batches.read_job(body) if endpoint == "batches" else read_message(body)

    def batch_files(self, ask: AiAsk) -> tuple[str, ...]:  # noqa: ARG002 they stand in the body
        return ()

    def batch_parts(self, ask: AiAsk, contents: Sequence[Iterable[bytes]]) -> Iterator[AiAsk]:  # noqa: ARG002 as above
        return batches.anthropic_parts(ask.document or {})

    def batch_job(self, body: bytes) -> BatchJob | None:
        answer = answer_document(body)
        return None if answer is None else batches.anthropic_job(answer)

    def batch_path(self, job_id: str) -> str:
        return f"/v1/messages/batches/{batches.id_of(job_id)}"

    def batch_results(self, content: Iterable[bytes]) -> Iterator[Usage]:
        return batches.result_usages(content, lambda answer: message_usage(_BATCHED, answer))

    def body(self, ask: AiAsk, change: Rewrite) -> bytes | None:
        if ask.document is None:
            return None
        changes: dict[str, Any] = dict(ask.pins)
        if change.model:
            changes["model"] = change.model
        if change.output_max is not None:
            changes |= _output(ask.document, change.output_max)
        if change.tier is not None:
            changes["speed"] = "fast" if change.tier == "fast" else "standard"
            if changes["speed"] == "standard" and "speed" not in ask.document:
                del changes["speed"]
        if change.effort:
            changes["output_config"] = {**(ask.document.get("output_config") or {}), "effort": change.effort}
        return written(ask.raw, ask.document, changes, anew=ask.ambiguous)

    def usage(self, ask: AiAsk, body: bytes) -> Usage | None:
        answer = answer_document(body)
        return None if answer is None else message_usage(ask, answer)

    def stream(self, ask: AiAsk) -> MessageStream:
        return MessageStream(ask)

    def refusal(self, refused: Refused) -> tuple[int, bytes]:
        status, kind = _SAID[refused.kind]
        said = {"type": "error", "error": {"type": kind, "message": refused.message}}
        return status, json.dumps({**said, "request_id": refused.decision_id}, ensure_ascii=False).encode()

    def credential(self, headers: Mapping[str, str]) -> str:
        """`x-api-key`, or a bearer token."""
        return headers.get("x-api-key", "") or bearer(headers)

    def authorise(self, provider_key: str) -> Mapping[str, str]:
        return {"x-api-key": provider_key}


def _output(document: Mapping[str, Any], most: int) -> dict[str, Any]:
    """A budget for thinking lies below the output's maximum, or the vendor refuses the request."""
    changes: dict[str, Any] = {"max_tokens": most}
    thinking = document.get("thinking")
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    if isinstance(budget, int) and isinstance(thinking, dict) and budget >= most:
        room = most > THINKING_TOKENS_MIN
        changes["thinking"] = {**thinking, "budget_tokens": most - 1} if room else {"type": "disabled"}
    return changes
