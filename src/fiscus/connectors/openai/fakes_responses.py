"""OpenAI's responses on this machine: text, function calls and web search, whole or as a stream of events."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from fiscus.connectors.simulated_ai.asking import Answer, Ask, Piece, compact, event, known_model
from fiscus.connectors.simulated_ai.chat_answer import Choice, choices, part_tokens
from fiscus.connectors.simulated_ai.engine import reported_output, served_tier, split_pieces
from fiscus.connectors.simulated_ai.price_list import TIER_PRICES, Model
from fiscus.connectors.simulated_ai.token_counts import TOKENS_A_MESSAGE, json_tokens, text_tokens, tile_tokens

if TYPE_CHECKING:
    from fiscus.connectors.openai.fakes import SimulatedOpenAI

SEARCHED_TOKENS: Final = 8000  # what a web search adds to the input: a fixed block, platform.openai.com/docs/pricing


def responses(vendor: SimulatedOpenAI, ask: Ask) -> Answer:
    """POST /responses."""
    model = known_model(vendor, ask.document, "chat", "reasoning")
    given = ask.document.get("input")
    if not given or not isinstance(given, str | list):
        raise vendor.refusal(
            400, "invalid", "Missing required parameter: 'input'.", "input", "missing_required_parameter"
        )
    allowed = ask.document.get("max_output_tokens")
    if allowed is not None and (not isinstance(allowed, int) or allowed < 16):
        message = f"Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got {allowed} instead."
        raise vendor.refusal(400, "invalid", message, "max_output_tokens", "integer_below_min_value")
    tools = ask.document.get("tools") or []
    searches = 1 if any(str(tool.get("type", "")).startswith("web_search") for tool in tools) else 0
    prompt = _prompt_tokens(ask.document, model) + searches * SEARCHED_TOKENS
    cached = vendor.cached(ask, prompt)
    asked = replace(ask, document=_as_chat(ask.document))
    choice = choices(asked, vendor.output_max(ask.document, model), reasons=model.kind == "reasoning")[0]
    tier = ask.tier or served_tier(ask, model, TIER_PRICES)
    meters = {"input": prompt - cached, "cached_input": cached, "output": choice.output_tokens, "searches": searches}
    said = reported_output(ask, choice.output_tokens)
    usage = {
        "input_tokens": prompt, "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": said, "output_tokens_details": {"reasoning_tokens": choice.reasoning}, "total_tokens": prompt + said,
    }  # fmt: skip
    identity = ask.engine.new_id("resp_")
    opened = _response(ask, identity, model, "default" if tier == "batch" else tier)
    done = _done(ask, opened, identity, choice, searches)
    if ask.fault_kind != "no_usage":
        done["usage"] = usage
    headers = {"x-request-id": ask.engine.new_id("req_")}
    if ask.document.get("background") and not ask.document.get("stream"):  # billed now, told when it is asked for
        ask.engine.batches[vendor.name, identity] = {**done, "background": True}
        queued = {**opened, "status": "queued", "background": True}
        return Answer(identity, model, tier, meters, compact(queued), headers=headers)
    if ask.document.get("stream"):
        return Answer(identity, model, tier, meters, pieces=tuple(_events(ask, opened, done, choice)), headers=headers)
    return Answer(identity, model, tier, meters, compact(done), headers=headers)


def _prompt_tokens(document: Mapping[str, Any], model: Model) -> int:
    given, count = document["input"], TOKENS_A_MESSAGE + text_tokens(str(document.get("instructions") or ""))
    for item in [{"content": given}] if isinstance(given, str) else given:
        content = item.get("content", item.get("output", ""))
        count += TOKENS_A_MESSAGE
        for part in [content] if isinstance(content, str) else content or []:
            count += (
                text_tokens(part)
                if isinstance(part, str)
                else part_tokens(part, lambda url, detail: tile_tokens(model.name, url, detail))
            )
    functions = [tool for tool in document.get("tools") or [] if tool.get("type") == "function"]
    return count + (json_tokens(functions) if functions else 0)


def _as_chat(document: Mapping[str, Any]) -> dict[str, Any]:
    """The same question as a chat would put it, so that answers are made in one place."""
    functions = [
        {"type": "function", "function": tool} for tool in document.get("tools") or [] if tool.get("type") == "function"
    ]
    given = document["input"]
    last = given[-1] if isinstance(given, list) else {"role": "user"}
    choice = document.get("tool_choice", "auto")
    if isinstance(choice, dict) and choice.get("type") == "function":
        choice = {"function": {"name": choice.get("name", "")}}
    role = last.get("role", "tool")
    return {**document, "n": 1, "tools": functions, "tool_choice": choice, "messages": [{"role": role}]}


def _response(ask: Ask, identity: str, model: Model, tier: str) -> dict[str, Any]:
    document = ask.document
    return {
        "id": identity, "object": "response", "created_at": ask.engine.unix(), "status": "in_progress", "error": None,
        "incomplete_details": None, "instructions": document.get("instructions"),
        "max_output_tokens": document.get("max_output_tokens"),
        "model": model.name, "output": [], "parallel_tool_calls": True,
        "previous_response_id": document.get("previous_response_id"), "reasoning": {"effort": None, "summary": None},
        "store": True, "temperature": 1.0, "text": {"format": {"type": "text"}},
        "tool_choice": document.get("tool_choice", "auto"), "tools": document.get("tools") or [], "top_p": 1.0,
        "truncation": "disabled", "usage": None, "metadata": document.get("metadata") or {}, "service_tier": tier,
    }  # fmt: skip


def _done(ask: Ask, opened: Mapping[str, Any], identity: str, choice: Choice, searches: int) -> dict[str, Any]:
    cut = choice.finish == "length"
    status = "incomplete" if cut else "completed"
    items: list[dict[str, Any]] = [
        {
            "id": f"ws_{identity[5:]}",
            "type": "web_search_call",
            "status": "completed",
            "action": {"type": "search", "query": "news"},
        }
    ] * searches
    if choice.reasoning:
        items.append({"id": f"rs_{identity[5:]}", "type": "reasoning", "summary": []})
    if choice.tool is not None:
        items.append(
            {
                "id": f"fc_{identity[5:]}", "type": "function_call", "call_id": choice.tool["id"], "name": choice.tool["name"],
                "arguments": choice.tool["arguments"], "status": status,
            }
        )  # fmt: skip
    else:
        text = {"type": "output_text", "text": "".join(choice.text), "annotations": [], "logprobs": []}
        items.append(
            {"id": f"msg_{identity[5:]}", "type": "message", "role": "assistant", "status": status, "content": [text]}
        )
    details = {"reason": "max_output_tokens"} if cut else None
    return {
        **opened,
        "status": status,
        "output": items,
        "incomplete_details": details,
        "completed_at": ask.engine.unix(),
    }


def _events(ask: Ask, opened: Mapping[str, Any], done: Mapping[str, Any], choice: Choice) -> list[Piece]:
    numbers = itertools.count()

    def piece(kind: str, tokens: int = 0, *, usage: bool = False, **data: Any) -> Piece:
        return Piece(event({"type": kind, "sequence_number": next(numbers), **data}, kind), tokens, usage)

    pieces = [
        piece("response.created", response=opened),
        piece("response.in_progress", choice.reasoning, response=opened),
    ]
    for place, item in enumerate(done["output"]):
        empty = {**item, "status": "in_progress"} | ({"content": []} if "content" in item else {})
        pieces.append(piece("response.output_item.added", output_index=place, item=empty))
        where = {"output_index": place, "item_id": item["id"]}
        if item["type"] == "message":
            part = {"content_index": 0, **where}
            blank = {**item["content"][0], "text": ""}
            pieces.append(piece("response.content_part.added", part=blank, **part))
            for text, tokens in split_pieces(choice.text, ask.engine.behaviour.tokens_a_piece):
                pieces.append(piece("response.output_text.delta", tokens, delta=text, logprobs=[], **part))
            pieces.append(piece("response.output_text.done", text=item["content"][0]["text"], logprobs=[], **part))
            pieces.append(piece("response.content_part.done", part=item["content"][0], **part))
        elif item["type"] == "function_call":
            made = choice.output_tokens - choice.reasoning
            pieces.append(piece("response.function_call_arguments.delta", made, delta=item["arguments"], **where))
            pieces.append(
                piece("response.function_call_arguments.done", arguments=item["arguments"], name=item["name"], **where)
            )
        pieces.append(piece("response.output_item.done", output_index=place, item=item))
    pieces.append(piece(f"response.{done['status']}", usage=True, response=json.loads(compact(done))))
    return pieces
