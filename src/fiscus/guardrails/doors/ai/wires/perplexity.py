"""Perplexity's API: answers that say themselves what they cost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from fiscus.cost.ai.types import Meter, Usage
from fiscus.guardrails.doors.ai.types import AiAsk, Endpoint, Rewrite
from fiscus.guardrails.doors.ai.wires.openai import OpenAiWire
from fiscus.guardrails.doors.ai.wires.openai_ask import OpenAiDialect
from fiscus.guardrails.doors.ai.wires.openai_stream import ChatStream, ResponseStream
from fiscus.guardrails.doors.ai.wires.openai_usage import chat_usage, response_usage
from fiscus.guardrails.doors.ai.wires.read_usage import answer_document, count

_PRICED: Final[dict[str, Endpoint]] = {
    "/chat/completions": "chat",
    "/embeddings": "embeddings",
    "/responses": "responses",
    "/agent": "responses",
}
_FREE: Final = re.compile(r"GET /models|GET /async/chat/completions(?:/[A-Za-z0-9_.:-]+)?")
SONAR: Final = OpenAiDialect(output_key="max_tokens", overhead_tokens=1_000)


class PerplexityWire(OpenAiWire):
    """See `Wire`. The fee of a request depends on the depth of its search: it is bounded at the dearest, settled at what is said.

    Deep research reads and reasons as long as it likes, and so does a Pro Search: a bound for them is a price of `tool_calls`
    that the workspace sets (one for each such request); without it they are refused under a cap.
    """

    dialect = SONAR

    def endpoint(self, method: str, path: str) -> Endpoint | None:
        below = path.removeprefix("/v1")
        if method == "POST" and (found := _PRICED.get(below)) is not None:
            return found
        return "free" if _FREE.fullmatch(f"{method} {below}") else None

    def read(self, endpoint: Endpoint, body: bytes, content_type: str, path: str = "") -> AiAsk:
        ask = super().read(endpoint, body, content_type, path)
        if endpoint != "chat":
            return ask
        fees: dict[Meter, int] = {"requests": 1}
        options = (ask.document or {}).get("web_search_options")
        kind = options.get("search_type") if isinstance(options, dict) else None
        if "deep-research" in ask.model or kind in {"pro", "auto"}:
            fees["tool_calls"] = 1
        quantities = _without_searches(ask.bound.quantities)
        ask.bound = replace(ask.bound, quantities={**quantities, **fees}, whole_contexts=0)
        return ask

    def body(self, ask: AiAsk, change: Rewrite) -> bytes | None:
        return super().body(ask, replace(change, include_usage=False))

    def usage(self, ask: AiAsk, body: bytes) -> Usage | None:
        answer = answer_document(body, exact=True)
        if answer is None:
            return None
        return said_response(ask, answer) if ask.endpoint == "responses" else said_chat(ask, answer)

    def stream(self, ask: AiAsk) -> Any:
        return AgentStream(ask) if ask.endpoint == "responses" else SonarStream(ask)


class SonarStream(ChatStream):
    """Each chunk carries a count whose cost is zero, until the last one says it."""

    __slots__ = ()

    def take(self, event: Mapping[str, Any]) -> bool:
        usage = said_chat(self._ask, event)
        if usage is not None and usage.vendor_cost:
            self.usage = usage
        return True


class AgentStream(ResponseStream):
    """The last event carries the whole response, with its cost."""

    __slots__ = ()

    def take(self, event: Mapping[str, Any]) -> bool:
        super().take(event)
        response = event.get("response")
        if self.usage is not None and isinstance(response, dict):
            self.usage = said_response(self._ask, response) or self.usage
        return True


def said_chat(ask: AiAsk, answer: Mapping[str, Any]) -> Usage | None:
    """Of a chat: one request, its searches where they are counted, its cost."""
    usage = chat_usage(ask, answer)
    if usage is None:
        return None
    quantities = _without_searches(usage.quantities)
    if ask.endpoint == "chat":
        quantities["requests"] = 1
    if searches := count(answer["usage"], "num_search_queries"):
        quantities["searches"] = searches
    return replace(usage, quantities=quantities, vendor_cost=_cost(answer["usage"]), tier="standard")


def said_response(ask: AiAsk, answer: Mapping[str, Any]) -> Usage | None:
    """Of an agent's response: calls of its tools stand in the usage."""
    usage = response_usage(ask, answer)
    if usage is None:
        return None
    counted = answer["usage"]
    inside = "input_tokens_details"
    cached, written = (
        count(counted, inside, "cache_read_input_tokens"),
        count(counted, inside, "cache_creation_input_tokens"),
    )
    quantities = dict(usage.quantities)
    quantities["input"] = max(0, count(counted, "input_tokens") - cached - written)
    quantities |= {m: n for m, n in (("cached_input", cached), ("cache_write", written)) if n}  # type: ignore[misc]  # meters
    if searches := count(counted, "tool_calls_details", "web_search", "invocation"):
        quantities["searches"] = searches
    return replace(usage, quantities=quantities, vendor_cost=_cost(counted), tier="standard")


def _without_searches(quantities: Mapping[Meter, int]) -> dict[Meter, int]:
    """Searches are what the request's fee is for; only deep research counts them."""
    kept = dict(quantities)
    kept.pop("searches", None)
    return kept


def _cost(usage: Mapping[str, Any]) -> Decimal | None:
    cost = usage.get("cost")
    total = cost.get("total_cost") if isinstance(cost, dict) else None
    if isinstance(total, bool) or not isinstance(total, int | Decimal):
        return None
    return Decimal(total) if total >= 0 else None
