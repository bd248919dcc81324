"""Chat completions in OpenAI's shape, which four of the five vendors answer in, each with its own usage."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from fiscus.connectors.simulated_ai.asking import Answer, Ask, Piece, compact, event
from fiscus.connectors.simulated_ai.engine import reported_output, split_pieces
from fiscus.connectors.simulated_ai.price_list import Model
from fiscus.connectors.simulated_ai.token_counts import (
    TOKENS_A_MESSAGE,
    digest,
    json_tokens,
    sample_arguments,
    text_tokens,
    words,
)


@dataclass(frozen=True, slots=True)
class Counts:
    """What an answer used. `prompt` includes `cached`, `output` includes `reasoning`."""

    prompt: int
    output: int
    cached: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer of n: its text by tokens, or the arguments of the tool it calls."""

    text: tuple[str, ...]
    tool: Mapping[str, str] | None
    output_tokens: int
    reasoning: int
    finish: str


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat request, read: what it uses and what is answered."""

    counts: Counts
    made: list[Choice]


@dataclass(frozen=True, slots=True)
class ChatShape:
    """Where vendors differ. `usage_in_stream`: only if asked for, in the last chunk anyway, or in every chunk."""

    usage: Callable[[Counts, bool], Mapping[str, Any]]  # the bool: it is the final one
    usage_in_stream: Literal["asked", "last", "every"]
    id_prefix: str
    model_name: str  # as the answer names it
    extra: Mapping[str, Any]  # of the top level of a whole answer
    chunk_extra: Mapping[str, Any]
    headers: Mapping[str, str]


def message_tokens(messages: Sequence[Any], image_tokens: Callable[[str, str], int]) -> int:
    """Of a list of chat messages: their text, three a message, and images by the vendor's formula (address, detail)."""
    count = TOKENS_A_MESSAGE
    for message in messages:
        count += TOKENS_A_MESSAGE
        content = message.get("content")
        for part in [content] if isinstance(content, str) else content or []:
            count += text_tokens(part) if isinstance(part, str) else part_tokens(part, image_tokens)
        if message.get("tool_calls"):
            count += json_tokens(message["tool_calls"])
    return count


def part_tokens(part: Mapping[str, Any], image_tokens: Callable[[str, str], int]) -> int:
    """Of one part of a message."""
    if part.get("type") in {"image_url", "input_image"}:
        image = part.get("image_url", "")
        address, detail = (
            (image.get("url", ""), image.get("detail", "auto"))
            if isinstance(image, dict)
            else (image, part.get("detail", "auto"))
        )
        return image_tokens(str(address), str(detail))
    return text_tokens(str(part.get("text", "")))


def choices(ask: Ask, most: int, *, reasons: bool) -> list[Choice]:
    """The n answers to a request, each of at most `most` tokens unless a fault wants more."""
    made = []
    for index in range(int(ask.document.get("n") or 1)):
        output = ask.engine.output_tokens(ask, most, index)
        reasoning = output // 3 if reasons else 0
        number = digest(ask.engine.seed, dict(ask.document), index)
        finish = "length" if output >= most else "stop"
        tool = _tool_call(ask, number)
        if tool is None:
            made.append(Choice(words(number, output - reasoning), None, output, reasoning, finish))
            continue
        wanted = text_tokens(tool["arguments"]) + text_tokens(tool["name"]) + reasoning
        cut = wanted > most
        if cut:
            tool = {**tool, "arguments": tool["arguments"][: max(0, (most - reasoning) * 4)]}
        made.append(Choice((), tool, min(wanted, most), reasoning, "length" if cut else "tool_calls"))
    return made


def _tool_call(ask: Ask, number: int) -> dict[str, str] | None:
    """The tool that an answer calls: the one that is demanded, else any when the last word is the user's."""
    tools = [
        tool["function"]
        for tool in ask.document.get("tools") or []
        if tool.get("type") == "function" and "function" in tool
    ]
    choice, messages = ask.document.get("tool_choice", "auto"), ask.document.get("messages") or [{}]
    if not tools or choice == "none" or (choice == "auto" and messages[-1].get("role") != "user"):
        return None
    wanted = choice["function"]["name"] if isinstance(choice, dict) else ""
    tool = next((tool for tool in tools if tool["name"] == wanted), tools[number % len(tools)])
    arguments = json.dumps(sample_arguments(tool.get("parameters") or {}, number))
    return {"name": tool["name"], "arguments": arguments, "id": f"call_{number:020d}"[:25]}


def chat_answer(ask: Ask, model: Model, shape: ChatShape, chat: Chat, meters: Mapping[str, int], tier: str) -> Answer:
    """The answer, whole or as a stream."""
    counts, made = chat.counts, chat.made
    said = replace(counts, output=reported_output(ask, counts.output))
    identity = ask.engine.new_id(shape.id_prefix)
    head = {"id": identity, "created": ask.engine.unix(), "model": shape.model_name}
    if ask.document.get("stream"):
        pieces = _chunks(ask, shape, head, said, made)
        return Answer(identity, model, tier, meters, pieces=tuple(pieces), headers=shape.headers)
    usage = {} if ask.fault_kind == "no_usage" else {"usage": shape.usage(said, True)}
    body = {
        **head,
        "object": "chat.completion",
        **shape.extra,
        "choices": [_choice(i, c) for i, c in enumerate(made)],
        **usage,
    }
    return Answer(identity, model, tier, meters, compact(body), headers=shape.headers)


def _choice(index: int, choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "".join(choice.text) if choice.tool is None else None}
    if choice.tool is not None:
        message["tool_calls"] = [_call(choice.tool)]
    return {"index": index, "message": message, "logprobs": None, "finish_reason": choice.finish}


def _call(tool: Mapping[str, str]) -> dict[str, Any]:
    return {"id": tool["id"], "type": "function", "function": {"name": tool["name"], "arguments": tool["arguments"]}}


def _chunks(ask: Ask, shape: ChatShape, head: Mapping[str, Any], said: Counts, made: list[Choice]) -> list[Piece]:
    asked = bool((ask.document.get("stream_options") or {}).get("include_usage"))
    head = {**head, "object": "chat.completion.chunk", **shape.chunk_extra}
    every = {"usage": shape.usage(said, False)} if shape.usage_in_stream == "every" else {}
    if shape.usage_in_stream == "asked" and asked:
        every = {"usage": None}

    def chunk(index: int, delta: Mapping[str, Any], finish: str | None, tokens: int = 0) -> Piece:
        choice = {"index": index, "delta": delta, "finish_reason": finish}
        return Piece(event({**head, "choices": [choice], **every}), tokens)

    pieces: list[Piece] = []
    for index, choice in enumerate(made):
        pieces.append(chunk(index, {"role": "assistant", "content": ""}, None, choice.reasoning))
        pieces += [chunk(index, delta, None, tokens) for delta, tokens in _deltas(ask, choice)]
        pieces.append(chunk(index, {}, choice.finish))
    silent = ask.fault_kind == "no_usage"
    if silent or (shape.usage_in_stream == "asked" and not asked):
        return [*pieces, Piece(event(b"[DONE]"), usage=True)]
    if shape.usage_in_stream == "asked":
        pieces.append(Piece(event({**head, "choices": [], "usage": shape.usage(said, True)}), usage=True))
    else:
        last = made[-1]
        final = {"index": len(made) - 1, "delta": {"content": ""}, "finish_reason": last.finish}
        whole = {**head, **shape.extra, "choices": [final], "usage": shape.usage(said, True)}
        pieces[-1] = Piece(event(whole), usage=True)
    return [*pieces, Piece(event(b"[DONE]"))]


def _deltas(ask: Ask, choice: Choice) -> list[tuple[dict[str, Any], int]]:
    size = ask.engine.behaviour.tokens_a_piece
    if choice.tool is None:
        return [({"content": text}, tokens) for text, tokens in split_pieces(choice.text, size)]
    call = _call(choice.tool)
    opening = {"tool_calls": [{"index": 0, **call, "function": {"name": choice.tool["name"], "arguments": ""}}]}
    left = choice.output_tokens - choice.reasoning
    text = choice.tool["arguments"]
    half = len(text) // 2
    parts = [
        ({"tool_calls": [{"index": 0, "function": {"arguments": part}}]}, left // 2)
        for part in (text[:half], text[half:])
    ]
    return [(opening, left - 2 * (left // 2)), *parts]
