"""Hugging Face's inference router on this machine: chat completions and models in OpenAI's shape.

The model may carry its provider (`openai/gpt-oss-120b:groq`); without one the router takes a provider of its own choice, and its
price. huggingface.co/docs/inference-providers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from fiscus.connectors.simulated_ai.asking import Answer, Ask, VendorError, known_model
from fiscus.connectors.simulated_ai.chat_answer import ChatShape, chat_answer
from fiscus.connectors.simulated_ai.engine import Engine
from fiscus.connectors.simulated_ai.model_list import model_routes
from fiscus.connectors.simulated_ai.simple_chat import plain_usage, read_chat

ROUTER_CHOOSES: Final = ("fastest", "cheapest")


class SimulatedHuggingFace:
    """Below /huggingface; its clients' base URL ends in /huggingface/v1."""

    name = "huggingface"

    def routes(self, engine: Engine) -> list[web.RouteDef]:
        """Chat and models."""

        async def handle(request: web.Request) -> web.StreamResponse:
            return await engine.serve(request, self, "chat", self.chat)

        def row(model: str, at: int) -> Mapping[str, Any]:
            return {"id": model, "object": "model", "created": at, "owned_by": model.split("/", maxsplit=1)[0]}

        return [
            web.post("/huggingface/v1/chat/completions", handle),
            *model_routes(engine, self, "/huggingface/v1", row),
        ]

    def credential(self, headers: Mapping[str, str]) -> str:
        """Authorization: Bearer."""
        return headers.get("Authorization", "").removeprefix("Bearer ").strip()

    def refusal(self, status: int, kind: str, message: str) -> VendorError:
        """{"error": text} for who it is, else {"error": {message, type, param, code}}."""
        if kind == "unauthenticated":
            return VendorError(401, {"error": "Invalid username or password."})
        code = {"no_model": "model_not_found", "rate_limited": "rate_limit_exceeded"}.get(kind)
        name = "invalid_request_error" if status < 500 else "server_error"
        said = {"message": message, "type": name, "param": "model" if kind == "no_model" else None, "code": code}
        return VendorError(400 if kind == "no_model" else status, {"error": said})

    def chat(self, ask: Ask) -> Answer:
        """POST /v1/chat/completions."""
        asked = str(ask.document.get("model") or "")
        name, _, chosen = asked.partition(":")
        document = {**ask.document, "model": name if chosen in ROUTER_CHOOSES else asked}
        model = known_model(self, document, "chat")
        chat = read_chat(self, ask, model)
        headers = {"x-request-id": ask.engine.new_id("Root="), "x-inference-provider": model.name.split(":")[1]}
        shape = ChatShape(plain_usage, "asked", "chatcmpl-", name, {"system_fingerprint": "fp_router"}, {}, headers)
        meters = {"input": chat.counts.prompt, "output": chat.counts.output}
        return chat_answer(ask, model, shape, chat, meters, "default")
