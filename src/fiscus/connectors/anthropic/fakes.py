"""Anthropic on this machine: messages, token counts and models; batches and bills beside it.

Shapes: platform.claude.com/docs/en/api, as the official Python client's types have them. `input_tokens` leaves out what was read
from or written to a cache.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from fiscus.connectors.anthropic.fakes_admin import admin_routes
from fiscus.connectors.anthropic.fakes_batches import batch_routes
from fiscus.connectors.simulated_ai.asking import Answer, Ask, Caller, Piece, VendorError, compact, event, known_model
from fiscus.connectors.simulated_ai.engine import Engine, read_body, reported_output, split_pieces
from fiscus.connectors.simulated_ai.file_store import file_routes, guarded
from fiscus.connectors.simulated_ai.model_list import model_routes
from fiscus.connectors.simulated_ai.price_list import Model
from fiscus.connectors.simulated_ai.token_counts import (
    TOKENS_A_MESSAGE,
    area_tokens,
    digest,
    json_tokens,
    sample_arguments,
    text_tokens,
    words,
)

MESSAGE: Final = """
    model messages max_tokens system metadata stop_sequences stream temperature thinking tool_choice tools top_k top_p
    service_tier container context_management mcp_servers output_config cache_control inference_geo betas speed
"""
FIELDS: Final = frozenset(MESSAGE.split())
KINDS: Final = {
    "unauthenticated": "authentication_error", "invalid": "invalid_request_error", "no_model": "not_found_error",
    "not_found": "not_found_error", "rate_limited": "rate_limit_error", "overloaded": "overloaded_error", "internal": "api_error",
}  # fmt: skip
# What the tools of a request add besides themselves: a system prompt, platform.claude.com/docs/en/agents-and-tools/tool-use.
TOOL_PROMPT_TOKENS: Final = {"auto": 346, "none": 346, "any": 313, "tool": 313}
IMAGE_PIXELS_A_TOKEN: Final = 750
IMAGE_TOKENS_MAX: Final = 1600
CACHED_FROM_TOKENS: Final = 1024
SEARCHED_TOKENS: Final = 3000  # what a web search adds to the input


@dataclass(frozen=True, slots=True)
class Prompt:
    """The input of a message by how it is billed."""

    fresh: int
    read: int
    written: int
    written_1h: int


class SimulatedAnthropic:
    """Below /anthropic; its clients' base URL ends there."""

    name = "anthropic"

    def routes(self, engine: Engine) -> list[web.RouteDef]:
        """Every endpoint."""

        async def messages(request: web.Request) -> web.StreamResponse:
            if not request.headers.get("anthropic-version"):
                error = self.refusal(400, "invalid", "anthropic-version: header is required")
                return web.Response(status=400, body=compact(error.body), content_type="application/json")
            return await engine.serve(request, self, "messages", self.message)

        async def count(request: web.Request, caller: Caller) -> web.Response:
            document, _ = await read_body(request, self)
            known_model(self, document, "chat")
            prompt = self.prompt(Ask(engine, self.name, "count_tokens", caller, document), look=False)
            return web.json_response({"input_tokens": prompt.fresh})

        def row(model: str, at: int) -> Mapping[str, Any]:
            del at
            return {
                "id": model, "type": "model", "display_name": model.replace("-", " ").title(),
                "created_at": "2025-10-01T00:00:00Z",
                "lifecycle": "active",
            }  # fmt: skip

        def file_row(kept: Mapping[str, Any]) -> Mapping[str, Any]:
            return {
                "id": kept["id"], "type": "file", "filename": kept["name"], "mime_type": "application/octet-stream",
                "size_bytes": len(kept["content"]), "created_at": "2026-01-01T00:00:00Z", "downloadable": False,
            }  # fmt: skip

        return [
            web.post("/anthropic/v1/messages", messages),
            web.post("/anthropic/v1/messages/count_tokens", guarded(self, count)),
            *batch_routes(engine, self, self.message),
            *model_routes(engine, self, "/anthropic/v1", row),
            *file_routes(engine, self, "/anthropic/v1", file_row),
            *admin_routes(engine, self),
        ]

    def credential(self, headers: Mapping[str, str]) -> str:
        """x-api-key, or a bearer token."""
        return headers.get("x-api-key") or headers.get("Authorization", "").removeprefix("Bearer ").strip()

    def refusal(self, status: int, kind: str, message: str) -> VendorError:
        """{"type": "error", "error": {type, message}, "request_id"}."""
        said = "invalid x-api-key" if kind == "unauthenticated" else message
        identity = f"req_{digest(0, status, said):016x}"
        body = {"type": "error", "error": {"type": KINDS[kind], "message": said}, "request_id": identity}
        return VendorError(status, body, {"request-id": identity})

    def message(self, ask: Ask) -> Answer:
        """POST /v1/messages."""
        model = known_model(self, ask.document, "chat")
        self._check(ask.document, model)
        searches = sum(
            1 for tool in ask.document.get("tools") or [] if str(tool.get("type", "")).startswith("web_search")
        )
        prompt = self.prompt(ask)
        fresh = prompt.fresh + searches * SEARCHED_TOKENS
        content, output, thinking, reason = self._content(ask, model)
        said = reported_output(ask, output)
        tier = ask.tier or "standard"
        usage: dict[str, Any] = {
            "input_tokens": fresh, "cache_creation_input_tokens": prompt.written + prompt.written_1h,
            "cache_read_input_tokens": prompt.read,
            "cache_creation": {"ephemeral_5m_input_tokens": prompt.written, "ephemeral_1h_input_tokens": prompt.written_1h},
            "output_tokens": said, "output_tokens_details": {"thinking_tokens": thinking}, "service_tier": tier,
            "inference_geo": "not_available", "speed": "standard",
            "server_tool_use": {"web_search_requests": searches, "web_fetch_requests": 0} if searches else None,
        }  # fmt: skip
        meters = {
            "input": fresh, "cached_input": prompt.read, "cache_write": prompt.written, "cache_write_1h": prompt.written_1h,
            "output": output, "searches": searches,
        }  # fmt: skip
        identity = ask.engine.new_id("msg_")
        body = {
            "id": identity, "type": "message", "role": "assistant", "model": model.name, "content": content,
            "stop_reason": reason, "stop_sequence": None, "usage": usage,
        }  # fmt: skip
        headers = {"request-id": ask.engine.new_id("req_")}
        if ask.document.get("stream"):
            return Answer(identity, model, tier, meters, pieces=tuple(_events(ask, body, output)), headers=headers)
        if ask.fault_kind == "no_usage":
            del body["usage"]
        return Answer(identity, model, tier, meters, compact(body), headers=headers)

    def prompt(self, ask: Ask, *, look: bool = True) -> Prompt:
        """Input tokens; up to the last block that carries cache_control they are written to the cache, or read if seen before."""
        system = ask.document.get("system") or []
        blocks: list[Any] = [{"type": "text", "text": system}] if isinstance(system, str) and system else list(system)
        total, marked, for_an_hour = TOKENS_A_MESSAGE, 0, 0
        tools = [tool for tool in ask.document.get("tools") or [] if "input_schema" in tool]
        if tools:
            choice = (ask.document.get("tool_choice") or {}).get("type", "auto")
            total += json_tokens(tools) + TOOL_PROMPT_TOKENS.get(choice, 346)
        for message in ask.document.get("messages") or []:
            content = message.get("content")
            blocks += [{"type": "text", "text": content}] if isinstance(content, str) else content or []
            total += TOKENS_A_MESSAGE
        for block in blocks:
            total += _block_tokens(block)
            if block.get("cache_control"):
                marked = total
                for_an_hour = total if block["cache_control"].get("ttl") == "1h" else for_an_hour
        if not look or marked < CACHED_FROM_TOKENS:
            return Prompt(total, 0, 0, 0)
        prefix = blocks[: max(i for i, block in enumerate(blocks) if block.get("cache_control")) + 1]
        if ask.engine.seen_before(self.name, ask.caller.project, ask.document["model"], prefix, tools):
            return Prompt(total - marked, marked, 0, 0)
        return Prompt(total - marked, 0, marked - for_an_hour, for_an_hour)

    def _content(self, ask: Ask, model: Model) -> tuple[list[dict[str, Any]], int, int, str]:
        """Blocks, output tokens, those of them that were thought, and the stop reason."""
        most = min(int(ask.document["max_tokens"]), model.output_tokens_max)
        if not most:  # only the cache is filled
            return [], 0, 0, "max_tokens"
        number = digest(ask.engine.seed, dict(ask.document))
        output = ask.engine.output_tokens(ask, most)
        thinks = (ask.document.get("thinking") or {}).get("type") in {"enabled", "adaptive"}
        thought = output // 3 if thinks else 0
        blocks: list[dict[str, Any]] = []
        if thought:
            blocks.append(
                {"type": "thinking", "thinking": "".join(words(number + 1, thought)), "signature": f"{number:x}"}
            )
        tool = _tool(ask, number)
        if tool is not None:
            wanted = json_tokens(tool["input"]) + text_tokens(tool["name"]) + thought
            if wanted <= most:
                return [*blocks, tool], wanted, thought, "tool_use"
        blocks.append({"type": "text", "text": "".join(words(number, output - thought))})
        return blocks, output, thought, "max_tokens" if output >= most else "end_turn"

    def _check(self, document: Mapping[str, Any], model: Model) -> None:
        unknown = sorted(set(document) - FIELDS)
        if unknown:
            raise self.refusal(400, "invalid", f"{unknown[0]}: Extra inputs are not permitted")
        most = document.get("max_tokens")
        if most is None:
            raise self.refusal(400, "invalid", "max_tokens: Field required")
        if not isinstance(most, int) or most < 0:
            raise self.refusal(400, "invalid", "max_tokens: Input should be greater than or equal to 0")
        if most > model.output_tokens_max:
            why = f"which is the maximum allowed number of output tokens for {model.name}"
            message = f"max_tokens: {most} > {model.output_tokens_max}, {why}"
            raise self.refusal(400, "invalid", message)
        messages = document.get("messages")
        if not isinstance(messages, list) or not messages:
            raise self.refusal(400, "invalid", "messages: at least one message is required")
        if any(message.get("role") not in {"user", "assistant"} for message in messages):
            raise self.refusal(400, "invalid", 'messages: Unexpected role. Allowed roles are "user" or "assistant".')


def _block_tokens(block: Mapping[str, Any]) -> int:
    kind = block.get("type")
    if kind == "image":
        source = block.get("source") or {}
        address = (
            f"data:;base64,{source.get('data', '')}" if source.get("type") == "base64" else str(source.get("url", ""))
        )
        return area_tokens(address, IMAGE_PIXELS_A_TOKEN, IMAGE_TOKENS_MAX)
    if kind == "text":
        return text_tokens(str(block.get("text", "")))
    return json_tokens(block.get("content") or block.get("input") or block)


def _tool(ask: Ask, number: int) -> dict[str, Any] | None:
    tools = [tool for tool in ask.document.get("tools") or [] if "input_schema" in tool]
    choice = ask.document.get("tool_choice") or {"type": "auto"}
    last = ask.document["messages"][-1].get("content")
    answered = isinstance(last, list) and any(block.get("type") == "tool_result" for block in last)
    if not tools or choice["type"] == "none" or (choice["type"] == "auto" and answered):
        return None
    tool = next((tool for tool in tools if tool["name"] == choice.get("name")), tools[number % len(tools)])
    return {
        "type": "tool_use",
        "id": f"toolu_{number:024d}"[:30],
        "name": tool["name"],
        "input": sample_arguments(tool["input_schema"], number),
    }


def _events(ask: Ask, body: Mapping[str, Any], output: int) -> list[Piece]:
    """message_start says the input and one token of output; message_delta says the whole use, cumulative."""
    usage = body["usage"]
    first = {key: value for key, value in usage.items() if key not in {"server_tool_use", "output_tokens_details"}}
    opening = {**body, "content": [], "stop_reason": None, "usage": {**first, "output_tokens": 1}}
    pieces = [
        Piece(event({"type": "message_start", "message": opening}, "message_start")),
        Piece(event({"type": "ping"}, "ping")),
    ]
    left = output
    for index, block in enumerate(body["content"]):
        empty, deltas = _deltas(ask, block)
        pieces.append(
            Piece(event({"type": "content_block_start", "index": index, "content_block": empty}, "content_block_start"))
        )
        for delta, tokens in deltas:
            made = min(left, tokens)
            left -= made
            pieces.append(
                Piece(
                    event({"type": "content_block_delta", "index": index, "delta": delta}, "content_block_delta"), made
                )
            )
        pieces.append(Piece(event({"type": "content_block_stop", "index": index}, "content_block_stop")))
    said = {"output_tokens": 1} if ask.fault_kind == "no_usage" else {**usage, "cache_creation": None}
    said = {
        key: value
        for key, value in said.items()
        if key not in {"service_tier", "inference_geo", "speed", "cache_creation"}
    }
    end = {"type": "message_delta", "delta": {"stop_reason": body["stop_reason"], "stop_sequence": None}, "usage": said}
    pieces.append(Piece(event(end, "message_delta"), left, usage=True))
    return [*pieces, Piece(event({"type": "message_stop"}, "message_stop"))]


def _deltas(ask: Ask, block: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[dict[str, Any], int]]]:
    size = ask.engine.behaviour.tokens_a_piece
    if block["type"] == "tool_use":
        text = json.dumps(block["input"])
        half = len(text) // 2
        parts = [(part, text_tokens(part)) for part in (text[:half], text[half:])]
        return {**block, "input": {}}, [
            ({"type": "input_json_delta", "partial_json": part}, tokens) for part, tokens in parts
        ]
    name = "thinking" if block["type"] == "thinking" else "text"
    tokens = tuple(word if index == 0 else f" {word}" for index, word in enumerate(block[name].split(" ")))
    deltas: list[tuple[dict[str, Any], int]] = [
        ({"type": f"{name}_delta", name: text}, count) for text, count in split_pieces(tokens, size)
    ]
    if name == "thinking":
        deltas.append(({"type": "signature_delta", "signature": block["signature"]}, 0))
    return {**block, name: ""} | ({"signature": ""} if name == "thinking" else {}), deltas
