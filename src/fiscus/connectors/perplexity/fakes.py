"""Perplexity on this machine: chat completions that search, and say what they cost.

Shapes: perplexityai's types; docs.perplexity.ai/docs/getting-started/pricing. `usage.cost` is the vendor's own price: tokens
and a fee by how much is searched. Chunks of a stream carry a cost of zero until the last.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from aiohttp import web

from fiscus.connectors.simulated_ai.asking import Answer, Ask, VendorError, known_model
from fiscus.connectors.simulated_ai.chat_answer import ChatShape, Counts, chat_answer
from fiscus.connectors.simulated_ai.engine import Engine
from fiscus.connectors.simulated_ai.price_list import Model, cost_lines
from fiscus.connectors.simulated_ai.simple_chat import plain_usage, read_chat

NOT_AUTHORIZED = "<html>\r\n<head><title>401 Authorization Required</title></head>\r\n<body>\r\n<center><h1>401 Authorization Required</h1></center>\r\n</body>\r\n</html>\r\n"  # noqa: E501  as its front door says it
SIZES = ("low", "medium", "high")


class SimulatedPerplexity:
    """Below /perplexity; its clients' base URL ends there."""

    name = "perplexity"

    def routes(self, engine: Engine) -> list[web.RouteDef]:
        """Chat only: it lists no models."""

        async def handle(request: web.Request) -> web.StreamResponse:
            return await engine.serve(request, self, "chat", self.chat)

        return [web.post("/perplexity/chat/completions", handle)]

    def credential(self, headers: Mapping[str, str]) -> str:
        """Authorization: Bearer."""
        return headers.get("Authorization", "").removeprefix("Bearer ").strip()

    def refusal(self, status: int, kind: str, message: str) -> VendorError:
        """A page of its front door for who it is, else {"error": {message, type, code}}."""
        if kind == "unauthenticated":
            return VendorError(401, NOT_AUTHORIZED)
        name = {"no_model": "invalid_model", "invalid": "bad_request", "rate_limited": "rate_limit"}.get(
            kind, "internal_server_error"
        )
        status = 400 if kind == "no_model" else status
        return VendorError(status, {"error": {"message": message, "type": name, "code": status}})

    def chat(self, ask: Ask) -> Answer:
        """POST /chat/completions."""
        model = known_model(self, ask.document, "chat")
        chat = read_chat(self, ask, model)
        size = (ask.document.get("web_search_options") or {}).get("search_context_size", "low")
        if size not in SIZES:
            raise self.refusal(400, "invalid", "search_context_size must be one of low, medium, high")
        sources = [{"title": "A page", "url": "https://example.com/", "date": None}]
        extra = {"citations": ["https://example.com/"], "search_results": sources}

        def usage(counts: Counts, final: bool) -> Mapping[str, Any]:
            return {
                **plain_usage(counts, final),
                "search_context_size": size,
                "cost": _cost(model, counts, size, final),
            }

        shape = ChatShape(usage, "every", "", model.name, extra, {}, {})
        meters = {"input": chat.counts.prompt, "output": chat.counts.output, f"request_{size}": 1}
        return chat_answer(ask, model, shape, chat, meters, "default")


def _cost(model: Model, counts: Counts, size: str, final: bool) -> dict[str, float]:
    """The shortest decimal of each float is the exact amount: fees and token prices end by the sixth digit."""
    costs = cost_lines(model, {"input": counts.prompt, "output": counts.output, f"request_{size}": 1}, "default")
    parts = [costs["input"], costs["output"], costs[f"request_{size}"]] if final else [Decimal(0)] * 3
    names = ("input_tokens_cost", "output_tokens_cost", "request_cost")
    return {name: float(part) for name, part in zip(names, parts, strict=True)} | {
        "total_cost": float(sum(parts, Decimal(0)))
    }
