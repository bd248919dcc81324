"""OpenAI's own API: chat, completions, responses, embeddings, images, transcription, speech, batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from fiscus.cost.ai.types import Usage
from fiscus.guardrails.doors.ai.types import AiAsk, BatchJob, Endpoint, Refused, Rewrite
from fiscus.guardrails.doors.ai.wires import batches, openai_errors
from fiscus.guardrails.doors.ai.wires.event_stream import EventStream
from fiscus.guardrails.doors.ai.wires.openai_ask import OpenAiDialect, read_ask
from fiscus.guardrails.doors.ai.wires.openai_media import media_usage, read_media, spoken_usage
from fiscus.guardrails.doors.ai.wires.openai_paths import endpoint_of
from fiscus.guardrails.doors.ai.wires.openai_stream import ChatStream, MediaStream, ResponseStream
from fiscus.guardrails.doors.ai.wires.openai_usage import chat_usage, response_usage
from fiscus.guardrails.doors.ai.wires.read_body import written
from fiscus.guardrails.doors.ai.wires.read_usage import answer_document, vectors_document

OPENAI: Final = OpenAiDialect(pins_tier=True, writes_caches=True, completion_tokens=16)
_MEDIA: Final = frozenset({"images", "transcription", "speech"})
_STREAMS_CHUNKS: Final = frozenset({"chat", "completions"})


class OpenAiWire:
    """See `Wire`. The service tier is pinned to `default` where the client names none, so that its price is known before."""

    dialect: OpenAiDialect = OPENAI

    def endpoint(self, method: str, path: str) -> Endpoint | None:
        """Moderation is free at OpenAI."""
        if method == "POST" and path.removeprefix("/v1") == "/moderations":
            return "free"
        return endpoint_of(method, path)

    def read(self, endpoint: Endpoint, body: bytes, content_type: str, path: str = "") -> AiAsk:  # noqa: ARG002 the path matters elsewhere
        if endpoint == "batches":
            return batches.read_job(body)
        if endpoint in _MEDIA:
            return read_media(endpoint, body, content_type)
        return read_ask(endpoint, body, self.dialect)

    def batch_files(self, ask: AiAsk) -> tuple[str, ...]:
        return (batches.openai_batch_file(ask.document or {}),)

    def batch_parts(self, ask: AiAsk, contents: Sequence[Iterable[bytes]]) -> Iterator[AiAsk]:
        for content in contents:
            yield from batches.openai_parts(ask.document or {}, content, self.dialect)

    def batch_job(self, body: bytes) -> BatchJob | None:
        answer = answer_document(body)
        if answer is not None and answer.get("object") == "response":
            asked = AiAsk("responses", str(answer.get("model") or ""), Usage({}))
            return batches.response_job(answer, response_usage(asked, answer))
        return None if answer is None else batches.openai_job(answer)

    def batch_path(self, job_id: str) -> str:
        return f"/v1/{'responses' if job_id.startswith('resp') else 'batches'}/{batches.id_of(job_id)}"

    def batch_results(self, content: Iterable[bytes]) -> Iterator[Usage]:
        return batches.result_usages(content, self.answer_usage)

    def body(self, ask: AiAsk, change: Rewrite) -> bytes | None:
        if ask.document is None:
            return None
        return written(ask.raw, ask.document, self.changes(ask, change), anew=ask.ambiguous)

    def changes(self, ask: AiAsk, change: Rewrite) -> dict[str, Any]:
        """The members of the body that are set anew."""
        document = ask.document or {}
        changes: dict[str, Any] = dict(ask.pins)
        if change.model:
            changes["model"] = change.model
        if change.output_max is not None:
            changes |= self._output(ask, document, change.output_max)
        if change.tier is not None and self.dialect.pins_tier:
            changes["service_tier"] = "default" if change.tier == "standard" else change.tier
        if change.effort and ask.endpoint == "responses":
            changes["reasoning"] = {**(document.get("reasoning") or {}), "effort": change.effort}
        elif change.effort:
            changes["reasoning_effort"] = change.effort
        if ask.stream and change.include_usage and ask.endpoint in _STREAMS_CHUNKS and not ask.wants_usage:
            changes["stream_options"] = {**(document.get("stream_options") or {}), "include_usage": True}
        return changes

    def usage(self, ask: AiAsk, body: bytes) -> Usage | None:
        if ask.endpoint == "speech":
            return spoken_usage(ask)
        answer = vectors_document(body) if ask.endpoint == "embeddings" else answer_document(body)
        if ask.endpoint in _MEDIA:
            return media_usage(ask, answer or {})
        if answer is None:
            return None
        return response_usage(ask, answer) if ask.endpoint == "responses" else chat_usage(ask, answer)

    def answer_usage(self, answer: Mapping[str, Any]) -> Usage | None:
        """Of an answer that stands by itself, in the results of a batch."""
        asked = AiAsk("chat", str(answer.get("model") or ""), Usage({}), tier="batch")
        return response_usage(asked, answer) if answer.get("object") == "response" else chat_usage(asked, answer)

    def stream(self, ask: AiAsk) -> EventStream:
        if ask.endpoint in _MEDIA:
            return MediaStream(ask)
        return ResponseStream(ask) if ask.endpoint == "responses" else ChatStream(ask)

    def refusal(self, refused: Refused) -> tuple[int, bytes]:
        return openai_errors.refusal(refused)

    def credential(self, headers: Mapping[str, str]) -> str:
        """`Authorization: Bearer`; Azure's clients send `api-key`."""
        return bearer(headers) or headers.get("api-key", "")

    def authorise(self, provider_key: str) -> Mapping[str, str]:
        return {"authorization": f"Bearer {provider_key}"}

    def _output(self, ask: AiAsk, document: Mapping[str, Any], most: int) -> dict[str, Any]:
        """Every name for the output's maximum that the client used is held to `most`; ours is put in where it used none."""
        if ask.endpoint == "responses":
            return {"max_output_tokens": most}
        if ask.endpoint == "completions":
            return {"max_tokens": most}
        if ask.endpoint != "chat":
            return {}
        named = [key for key in ("max_completion_tokens", "max_tokens") if document.get(key) is not None]
        return dict.fromkeys(named or (self.dialect.output_key,), most)


def bearer(headers: Mapping[str, str]) -> str:
    """The token of `Authorization: Bearer`; empty: none."""
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""
