"""OpenAI on this machine: chat completions, embeddings, moderations and models; responses, media, batches and bills beside it.

Shapes: platform.openai.com/docs/api-reference, as the official Python client's types have them.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from fiscus.connectors.openai.fakes_admin import admin_routes
from fiscus.connectors.openai.fakes_batches import batch_routes
from fiscus.connectors.openai.fakes_media import images, speech, transcription
from fiscus.connectors.openai.fakes_responses import responses
from fiscus.connectors.simulated_ai.asking import Answer, Ask, VendorError, compact, known_model
from fiscus.connectors.simulated_ai.chat_answer import Chat, ChatShape, Counts, chat_answer, choices, message_tokens
from fiscus.connectors.simulated_ai.engine import Build, Engine, served_tier
from fiscus.connectors.simulated_ai.model_list import model_routes
from fiscus.connectors.simulated_ai.price_list import TIER_PRICES, Model
from fiscus.connectors.simulated_ai.token_counts import digest, json_tokens, text_tokens, tile_tokens

CACHED_FROM_TOKENS: Final = 1024  # a shorter prompt is never cached
CACHED_STEP_TOKENS: Final = 128
INPUTS_MAX: Final = 2048
# Requests of another spelling are refused, as the original refuses them.
CHAT: Final = """
    messages model audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens metadata
    modalities n parallel_tool_calls prediction presence_penalty prompt_cache_key reasoning_effort response_format
    safety_identifier seed service_tier stop store stream stream_options temperature tool_choice tools top_logprobs top_p user
    verbosity web_search_options
"""
CHAT_FIELDS: Final = frozenset(CHAT.split())
KINDS: Final = {
    "unauthenticated": ("invalid_request_error", "invalid_api_key"), "invalid": ("invalid_request_error", None),
    "no_model": ("invalid_request_error", "model_not_found"), "not_found": ("invalid_request_error", None),
    "rate_limited": ("requests", "rate_limit_exceeded"), "overloaded": ("server_error", None), "internal": ("server_error", None),
}  # fmt: skip


class SimulatedOpenAI:
    """Below /openai; its clients' base URL ends in /openai/v1."""

    name = "openai"

    def routes(self, engine: Engine) -> list[web.RouteDef]:
        """Every endpoint."""
        builds: Mapping[str, tuple[str, Build]] = {
            "/chat/completions": ("chat", self.chat),
            "/responses": ("responses", lambda ask: responses(self, ask)),
            "/embeddings": ("embeddings", self.embeddings),
            "/moderations": ("moderations", self.moderations),
            "/images/generations": ("images", lambda ask: images(self, ask)),
            "/images/edits": ("images", lambda ask: images(self, ask)),
            "/audio/transcriptions": ("transcription", lambda ask: transcription(self, ask)),
            "/audio/translations": ("transcription", lambda ask: transcription(self, ask)),
            "/audio/speech": ("speech", lambda ask: speech(self, ask)),
        }

        def route(path: str, endpoint: str, build: Build) -> web.RouteDef:
            async def handle(request: web.Request) -> web.StreamResponse:
                return await engine.serve(request, self, endpoint, build)

            return web.post(f"/openai/v1{path}", handle)

        batched: Mapping[str, tuple[str, Build]] = {f"/v1{path}": pair for path, pair in builds.items()}
        return [
            *(route(path, endpoint, build) for path, (endpoint, build) in builds.items()),
            *model_routes(engine, self, "/openai/v1", _model_row),
            *batch_routes(engine, self, batched),
            *admin_routes(engine, self),
        ]  # fmt: skip

    def credential(self, headers: Mapping[str, str]) -> str:
        """Authorization: Bearer."""
        return headers.get("Authorization", "").removeprefix("Bearer ").strip()

    def refusal(
        self, status: int, kind: str, message: str, param: str | None = None, code: str | None = None
    ) -> VendorError:
        """{"error": {message, type, param, code}}."""
        name, known = KINDS[kind]
        return VendorError(status, {"error": {"message": message, "type": name, "param": param, "code": code or known}})

    def chat(self, ask: Ask) -> Answer:
        """POST /chat/completions."""
        model = known_model(self, ask.document, "chat", "reasoning")
        self._check(ask.document, model)
        prompt = message_tokens(ask.document["messages"], lambda url, detail: tile_tokens(model.name, url, detail))
        if ask.document.get("tools"):
            prompt += json_tokens(ask.document["tools"])
        cached = self.cached(ask, prompt)
        made = choices(ask, self.output_max(ask.document, model), reasons=model.kind == "reasoning")
        output = sum(choice.output_tokens for choice in made)
        counts = Counts(prompt, output, cached, sum(choice.reasoning for choice in made))
        tier = ask.tier or served_tier(ask, model, TIER_PRICES)
        said = "default" if tier == "batch" else tier
        extra = {"service_tier": said, "system_fingerprint": f"fp_{digest(ask.engine.seed, model.name):016x}"[:13]}
        shape = ChatShape(
            _usage, "asked", "chatcmpl-", model.name, extra, extra, {"x-request-id": ask.engine.new_id("req_")}
        )
        meters = {"input": prompt - cached, "cached_input": cached, "output": output}
        return chat_answer(ask, model, shape, Chat(counts, made), meters, tier)

    def embeddings(self, ask: Ask) -> Answer:
        """POST /embeddings: floats, or base64 as the official client asks for."""
        model = known_model(self, ask.document, "embedding")
        given = ask.document.get("input")
        texts = [given] if isinstance(given, str) else given
        if not isinstance(texts, list) or not texts or len(texts) > INPUTS_MAX:
            raise self.refusal(400, "invalid", "'$.input' is invalid.", "input")
        if all(isinstance(item, int) for item in texts):
            texts = [texts]
        tokens = sum(text_tokens(item) if isinstance(item, str) else len(item) for item in texts)
        width = int(ask.document.get("dimensions") or 16)
        data = [
            {"object": "embedding", "index": i, "embedding": _vector(ask, item, width)} for i, item in enumerate(texts)
        ]
        body: dict[str, Any] = {"object": "list", "data": data, "model": model.name}
        if ask.fault_kind != "no_usage":
            body["usage"] = {"prompt_tokens": tokens, "total_tokens": tokens}
        tier = ask.tier or "default"
        return Answer(ask.engine.new_id("emb-"), model, tier, {"input": tokens}, compact(body))

    def moderations(self, ask: Ask) -> Answer:
        """POST /moderations: free."""
        model = known_model(self, {"model": "omni-moderation-latest", **ask.document}, "moderation")
        names = ("harassment", "hate", "illicit", "self-harm", "sexual", "violence")
        result = {
            "flagged": False, "categories": dict.fromkeys(names, False), "category_scores": dict.fromkeys(names, 0.0001),
            "category_applied_input_types": {name: ["text"] for name in names},
        }  # fmt: skip
        identity = ask.engine.new_id("modr-")
        return Answer(
            identity, model, "default", {}, compact({"id": identity, "model": model.name, "results": [result]})
        )

    def cached(self, ask: Ask, prompt: int) -> int:
        """How much of a prompt comes from the cache: whole steps of what was seen before its last message."""
        items = ask.document.get("messages") or ask.document.get("input")
        if prompt < CACHED_FROM_TOKENS or not isinstance(items, list):
            return 0
        known = ask.engine.seen_before(self.name, ask.caller.project, ask.document.get("model"), items[:-1] or items)
        return (prompt - 1) // CACHED_STEP_TOKENS * CACHED_STEP_TOKENS if known else 0

    def output_max(self, document: Mapping[str, Any], model: Model) -> int:
        """What a client allows, or the model does."""
        given = document.get("max_completion_tokens") or document.get("max_tokens") or document.get("max_output_tokens")
        return min(int(given), model.output_tokens_max) if given else model.output_tokens_max

    def _check(self, document: Mapping[str, Any], model: Model) -> None:
        unknown = sorted(set(document) - CHAT_FIELDS)
        if unknown:
            raise self.refusal(400, "invalid", f"Unrecognized request argument supplied: {unknown[0]}")
        if not isinstance(document.get("messages"), list) or not document["messages"]:
            raise self.refusal(
                400, "invalid", "Missing required parameter: 'messages'.", "messages", "missing_required_parameter"
            )
        if model.kind == "reasoning" and document.get("max_tokens") is not None:
            message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
            raise self.refusal(400, "invalid", message, "max_tokens", "unsupported_parameter")
        for name in ("max_tokens", "max_completion_tokens"):
            value = document.get(name)
            if value is not None and (not isinstance(value, int) or not 1 <= value <= model.output_tokens_max):
                message = f"{name} is too large or too small: {value}. It is at most {model.output_tokens_max} for this model."
                raise self.refusal(400, "invalid", message, name, "invalid_value")
        if document.get("max_tokens") is not None and document.get("max_completion_tokens") is not None:
            message = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
            raise self.refusal(400, "invalid", message, "max_tokens", "invalid_parameter_combination")
        if document.get("stream_options") is not None and not document.get("stream"):
            message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
            raise self.refusal(400, "invalid", message, "stream_options")
        if not 1 <= int(document.get("n") or 1) <= 128:
            raise self.refusal(400, "invalid", f"Invalid 'n': {document['n']} is not between 1 and 128.", "n")


def _model_row(model: str, at: int) -> Mapping[str, Any]:
    return {"id": model, "object": "model", "created": at, "owned_by": "openai"}


def _usage(counts: Counts, final: bool) -> Mapping[str, Any]:
    del final
    return {
        "prompt_tokens": counts.prompt, "completion_tokens": counts.output, "total_tokens": counts.prompt + counts.output,
        "prompt_tokens_details": {"cached_tokens": counts.cached, "cache_write_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": counts.reasoning, "audio_tokens": 0, "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }  # fmt: skip


def _vector(ask: Ask, item: Any, width: int) -> Any:
    number = digest(ask.engine.seed, item)
    values = [((number >> (index % 50)) % 2001 - 1000) / 1000 for index in range(width)]
    if ask.document.get("encoding_format") == "base64":
        return base64.b64encode(struct.pack(f"<{width}f", *values)).decode()
    return values
