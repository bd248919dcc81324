"""A request in Anthropic's messages shape, read exactly enough to bound it.

Sources: Anthropic's API reference (messages) and its pages on vision, tool use, prompt caching and server tools.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from fiscus.cost.ai.types import RATE_FACTOR_NONE, Meter, Usage
from fiscus.guardrails.doors.ai.types import AiAsk
from fiscus.guardrails.doors.ai.wires.bound_input import MESSAGE_TOKENS, InputBound
from fiscus.guardrails.doors.ai.wires.read_body import (
    SaidTwice,
    deep_refused,
    flag_at,
    number_at,
    objects_at,
    read_document,
    text_at,
)
from fiscus.kernel.errors import BadInput, Where

IMAGE_TOKENS: Final = 5_000  # 4,784 at 2,576 pixels of the newest models, some 1,600 of the others
TOOLS_TOKENS: Final = 1_000  # the system prompt that comes with tools: 264 to 804, by model and tool_choice
HIDDEN_TOOL_TOKENS: Final = (
    2_500  # a tool that Anthropic defines is longer than its name: computer use 735 and 499, editor 700
)
TOOLSET_TOKENS: Final = 20_000  # a set of some twenty tools under one name
SERVER_ITERATIONS_MAX: Final = 10  # turns of the vendor's own tools before it answers `pause_turn`
SERVER_CALLS_MAX: Final = 10  # put in where a client lets a tool of the vendor run without `max_uses`
US_FACTOR: Final = Decimal("1.1")  # what inference in the US multiplies every token rate by
_SEARCH: Final = "web_search_"
_FETCH: Final = "web_fetch_"
_CLIENT: Final = ("bash_", "text_editor_", "computer_", "memory_", "browser_toolset_")  # which the client runs itself
_RUN: Final = ("code_execution_", "tool_search_tool_", "mcp_toolset", "advisor_")


@dataclass(slots=True)
class _ServerTools:
    """What the vendor's own tools of one request may do."""

    searches: int = 0
    runs: bool = False
    containers: int = 0
    unknown: int = 0  # tools of which nobody knows who runs them, and at what price
    capped: list[dict[str, Any]] | None = None  # the tools with their limits put in; None: as the client wrote them


def read_message(body: bytes) -> AiAsk:
    """Raises BadInput where it cannot be bounded: no model, no messages, no `max_tokens`."""
    document = read_document(body)
    with deep_refused():
        ask = ask_of(document)
    ask.document, ask.raw, ask.ambiguous = document, body, isinstance(document, SaidTwice)
    return ask


def ask_of(document: Mapping[str, Any]) -> AiAsk:
    """The request of one document: a call by itself, or one of a batch."""
    model = text_at(document, "model")
    output = number_at(document, "max_tokens")  # 0: only the cache is filled
    if output is None:
        raise BadInput("`max_tokens` is missing", remedy="Say how much may be answered.", where=Where(key="max_tokens"))
    bound = InputBound()
    _read_blocks(document.get("system"), bound)
    messages = objects_at(document, "messages")
    if not messages:
        raise BadInput("`messages` is missing", remedy="Send a list of messages.", where=Where(key="messages"))
    for message in messages:
        bound.around += MESSAGE_TOKENS
        _read_blocks(message.get("content"), bound)
    bound.add(document.get("output_config"))
    server = _read_tools(document, bound)
    if document.get("context_management") is not None:
        bound.whole_contexts += 1  # compaction reads the conversation once more
    tokens, prompt_digest = bound.read()
    quantities: dict[Meter, int] = {_input_meter(document): tokens + bound.images, "output": output}
    if server.searches:
        quantities["searches"] = server.searches
    if server.containers:
        quantities["containers"] = server.containers
    if server.unknown:
        quantities["tool_calls"] = server.unknown
    metadata = document.get("metadata")
    return AiAsk(
        endpoint="messages",
        model=model,
        bound=Usage(
            quantities,
            model,
            "fast" if document.get("speed") == "fast" else "standard",
            whole_contexts=bound.whole_contexts,
            rate_factor=US_FACTOR if document.get("inference_geo") == "us" else RATE_FACTOR_NONE,
        ),
        output_max=output,
        hides_output=isinstance(document.get("thinking"), dict) and document["thinking"].get("type") != "disabled",
        stream=flag_at(document, "stream"),
        tier="fast" if document.get("speed") == "fast" else "standard",
        user=str(metadata.get("user_id") or "") if isinstance(metadata, dict) else "",
        prompt_digest=prompt_digest,
        tools=tuple(str(tool.get("name") or tool.get("type") or "") for tool in objects_at(document, "tools")),
        pins={} if server.capped is None else {"tools": server.capped},
    )


def _input_meter(document: Mapping[str, Any]) -> Meter:
    """Input is written to a cache only where the request marks it: for five minutes, or an hour at a dearer rate."""
    if not _mentions(document, "cache_control"):
        return "input"
    return "cache_write_1h" if '"1h"' in json.dumps(document) else "cache_write"


def _mentions(value: Any, name: str) -> bool:
    if isinstance(value, dict):
        return name in value or any(_mentions(item, name) for item in value.values())
    return isinstance(value, list) and any(_mentions(item, name) for item in value)


def _read_blocks(content: Any, bound: InputBound) -> None:
    if not isinstance(content, list):
        bound.add(content)
        return
    for block in content:
        _read_block(block, bound)


def _read_block(block: Any, bound: InputBound) -> None:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind == "image":
        bound.images += IMAGE_TOKENS
    elif kind == "document":
        _read_file(block, bound)
    elif kind in {"container_upload", "compaction"}:
        bound.whole_contexts = max(bound.whole_contexts, 1)
    elif kind is None:
        bound.add(block)
    else:
        bound.around += MESSAGE_TOKENS
        for key, value in block.items():
            if key == "content":
                _read_blocks(value, bound)
            elif key != "cache_control":
                bound.add(value)


def _read_file(block: Mapping[str, Any], bound: InputBound) -> None:
    """A file in plain text has its bytes; what a PDF, an address or a file's id holds, its request does not tell."""
    source = block.get("source")
    kind = source.get("type") if isinstance(source, dict) else None
    if kind in {"text", "content"} and isinstance(source, dict):
        for key in ("data", "content"):
            _read_blocks(source.get(key), bound)
        bound.add(block.get("title"))
        bound.add(block.get("context"))
    else:
        bound.whole_contexts = max(bound.whole_contexts, 1)


def _read_tools(document: Mapping[str, Any], bound: InputBound) -> _ServerTools:
    found = _ServerTools()
    tools = objects_at(document, "tools")
    if tools:
        bound.around += TOOLS_TOKENS
    for place, tool in enumerate(tools):
        kind = str(tool.get("type") or "custom")
        if kind == "custom":
            bound.add({key: value for key, value in tool.items() if key not in {"type", "cache_control"}})
            continue
        bound.around += TOOLSET_TOKENS if "toolset" in kind else HIDDEN_TOOL_TOKENS
        bound.add(tool)
        if kind.startswith((_SEARCH, _FETCH)):
            found.runs = True
            most = number_at(tool, "max_uses", least=1)
            if most is None:
                most = SERVER_CALLS_MAX
                found.capped = found.capped or [dict(item) for item in tools]
                found.capped[place]["max_uses"] = most
            found.searches += most if kind.startswith(_SEARCH) else 0
        elif kind.startswith(_RUN):
            found.runs = True
            found.containers = 1 if kind.startswith("code_execution_") else found.containers
        elif not kind.startswith(_CLIENT):
            found.unknown = 1
    _read_surroundings(document, found)
    if found.runs:
        bound.whole_contexts = max(bound.whole_contexts, 1 + SERVER_ITERATIONS_MAX)
    return found


def _read_surroundings(document: Mapping[str, Any], found: _ServerTools) -> None:
    """Skills run in a container of the vendor, and servers of tools are asked by the vendor."""
    container = document.get("container")
    if isinstance(container, dict) and container.get("skills"):
        found.runs, found.containers = True, 1
    if document.get("mcp_servers"):
        found.runs = True
