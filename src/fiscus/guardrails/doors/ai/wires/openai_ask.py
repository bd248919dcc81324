"""An OpenAI-shaped request, read exactly enough to bound it. One function an endpoint."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from fiscus.cost.ai.types import Meter, Tier, Usage
from fiscus.guardrails.doors.ai.types import AiAsk, Endpoint
from fiscus.guardrails.doors.ai.wires.bound_input import InputBound
from fiscus.guardrails.doors.ai.wires.openai_input import AUDIO_TOKENS_PER_SECOND as AUDIO_TOKENS
from fiscus.guardrails.doors.ai.wires.openai_input import IMAGE_TOKENS_MINI, read_items, read_messages
from fiscus.guardrails.doors.ai.wires.read_body import (
    CHOICES_MAX,
    SaidTwice,
    deep_refused,
    flag_at,
    number_at,
    objects_at,
    optional_text,
    read_document,
    text_at,
)
from fiscus.kernel.errors import BadInput, Where

SERVER_TOOL_CALLS_MAX: Final = 10  # put in where a client lets the vendor's own tools run without a limit
_TIERS: Final[dict[str, Tier]] = {"flex": "flex", "priority": "priority", "fast": "fast"}
_HIDES: Final = re.compile(r"(?:^|[/:])(?:o\d|gpt-[5-9])")  # models of OpenAI that reason without showing it
_CLIENT_TOOLS: Final = frozenset({"function", "custom"})  # of a chat, which the client runs itself
_CLIENT_KINDS: Final = frozenset(  # of a response
    {"function", "custom", "namespace", "computer", "computer_use_preview", "local_shell", "apply_patch", "tool_search"}
)
# What a call of one of the vendor's own tools is charged as, beside the tokens that it brings into the context.
TOOL_FEES: Final[dict[str, Meter | None]] = {
    "web_search": "searches",
    "file_search": "file_searches",
    "code_interpreter": "containers",
    "shell": "containers",
    "image_generation": "images",
    "mcp": None,
    "programmatic_tool_calling": "containers",
}


@dataclass(frozen=True, slots=True)
class OpenAiDialect:
    """Where those who speak OpenAI's format differ."""

    output_key: str = "max_completion_tokens"  # what holds a chat's output, where the client named neither
    pins_tier: bool = False  # whether the vendor has tiers, and an unnamed one is a setting that we cannot see
    writes_caches: bool = False  # whether input may be billed as written to a cache without being asked for
    overhead_tokens: int = 0  # of the chat template, beyond OpenAI's own
    completion_tokens: int | None = None  # of legacy completions, where the client says nothing; None: nobody knows
    hears_seconds: bool = False  # whether audio is billed by the second, and not as tokens


def read_chat(document: Mapping[str, Any], dialect: OpenAiDialect) -> AiAsk:
    """Chat completions."""
    bound = InputBound()
    bound.around += dialect.overhead_tokens
    read_messages(document, bound)
    _read_tools(document, bound)
    asked = (number_at(document, key, least=1, most=CHOICES_MAX) for key in ("n", "best_of"))
    choices = max(number or 1 for number in asked)
    output = _output_max(document, ("max_completion_tokens", "max_tokens"))
    audio = "audio" in (document.get("modalities") or ())
    fees: dict[Meter, int] = {}
    if document.get("web_search_options") is not None or "-search-" in f"{document['model']}-":
        fees["searches"] = choices
        bound.whole_contexts = max(bound.whole_contexts, 1)
    if any(tool.get("type", "function") not in _CLIENT_TOOLS for tool in objects_at(document, "tools")):
        fees["tool_calls"] = 1  # a tool that the vendor runs: nobody knows what that costs, unless a price says so
    ask = _ask("chat", document, bound, dialect, fees)
    ask.output_meter = "audio_output" if audio else "output"
    ask.output_extra = _predicted_bytes(document) * choices
    return _with_output(ask, output, choices)


def read_completions(document: Mapping[str, Any], dialect: OpenAiDialect) -> AiAsk:
    """Legacy completions: each prompt of a list is answered `n` times, and billed for the best of `best_of`."""
    bound = InputBound()
    bound.around += dialect.overhead_tokens
    prompt = document.get("prompt")
    bound.add(prompt)
    bound.add(document.get("suffix"))
    texts = len(prompt) if isinstance(prompt, list) and prompt and isinstance(prompt[0], str | list) else 1
    n = number_at(document, "n", least=1, most=CHOICES_MAX) or 1
    best_of = number_at(document, "best_of", least=1, most=CHOICES_MAX) or 1
    output = _output_max(document, ("max_tokens",))
    ask = _ask("completions", document, bound, dialect, {})
    return _with_output(ask, dialect.completion_tokens if output is None else output, max(n, best_of) * texts)


def read_responses(document: Mapping[str, Any], dialect: OpenAiDialect) -> AiAsk:
    """Responses. The vendor's own tools run in turns, each of which reads the context again."""
    bound = InputBound()
    read_items(document.get("input"), document["model"], bound)
    bound.add(document.get("instructions"))
    _read_tools(document, bound)
    bound.add(document.get("text"))
    if any(document.get(key) is not None for key in ("previous_response_id", "conversation", "prompt")):
        bound.whole_contexts = 1
    calls = number_at(document, "max_tool_calls", least=1)
    fees, pins = _server_tools(document, calls)
    if fees is not None:
        bound.whole_contexts = 1 + (calls or SERVER_TOOL_CALLS_MAX)
    ask = _ask("responses", document, bound, dialect, fees or {})
    ask.background = flag_at(document, "background")
    ask.pins = {**ask.pins, **pins}
    return _with_output(ask, _output_max(document, ("max_output_tokens",)), 1)


def read_embeddings(document: Mapping[str, Any], dialect: OpenAiDialect) -> AiAsk:
    """Embeddings: input only. Tokens given as numbers are one each."""
    bound = InputBound()
    given = document.get("input")
    if isinstance(given, list) and given and not isinstance(given[0], str):
        bound.around += sum(len(item) if isinstance(item, list) else 1 for item in given)
    else:
        bound.add(given)
    return _with_output(_ask("embeddings", document, bound, dialect, {}), 0, 1)


def read_moderations(document: Mapping[str, Any], dialect: OpenAiDialect) -> AiAsk:
    """Moderation, where it costs something."""
    bound = InputBound()
    read_items(document.get("input"), document["model"], bound)
    return _with_output(_ask("moderations", document, bound, dialect, {}), 0, 1)


READERS: Final[dict[Endpoint, Callable[[Mapping[str, Any], OpenAiDialect], AiAsk]]] = {
    "chat": read_chat,
    "completions": read_completions,
    "responses": read_responses,
    "embeddings": read_embeddings,
    "moderations": read_moderations,
}


def read_ask(endpoint: Endpoint, body: bytes, dialect: OpenAiDialect) -> AiAsk:
    """The request of `endpoint`. Raises BadInput where it cannot be bounded."""
    document = read_document(body)
    text_at(document, "model")
    with deep_refused():
        ask = READERS[endpoint](document, dialect)
    ask.document, ask.raw, ask.ambiguous = document, body, isinstance(document, SaidTwice)
    return ask


def _ask(
    endpoint: Endpoint,
    document: Mapping[str, Any],
    bound: InputBound,
    dialect: OpenAiDialect,
    fees: Mapping[Meter, int],
) -> AiAsk:
    tokens, prompt_digest = bound.read(document["model"])
    quantities: dict[Meter, int] = {"cache_write" if dialect.writes_caches else "input": tokens + bound.images, **fees}
    if bound.audio_seconds:
        seconds = bound.audio_seconds
        quantities |= {"audio_seconds": seconds} if dialect.hears_seconds else {"audio_input": seconds * AUDIO_TOKENS}
    tier, pins = _tier(document, dialect)
    options = document.get("stream_options")
    return AiAsk(
        endpoint=endpoint,
        model=document["model"],
        bound=Usage(quantities, document["model"], tier, whole_contexts=bound.whole_contexts),
        stream=flag_at(document, "stream"),
        wants_usage=isinstance(options, dict) and options.get("include_usage") is True,
        tier=tier,
        hides_output=_HIDES.search(document["model"]) is not None,
        user=optional_text(document, "safety_identifier") or optional_text(document, "user"),
        prompt_digest=prompt_digest,
        other_model_extra=bound.saved + bound.pictures * IMAGE_TOKENS_MINI - bound.images,
        tools=tuple(_tool_name(tool) for tool in objects_at(document, "tools")),
        pins=pins,
    )


def _with_output(ask: AiAsk, output: int | None, choices: int) -> AiAsk:
    ask.output_max, ask.choices = output, choices
    if output:
        cast("dict[Meter, int]", ask.bound.quantities)[ask.output_meter] = output * choices + ask.output_extra
    return ask


def _output_max(document: Mapping[str, Any], keys: tuple[str, ...]) -> int | None:
    """What the client allows: the larger, where it names two, since nobody knows which one the vendor takes."""
    said = [number for key in keys if (number := number_at(document, key, least=1)) is not None]
    return max(said) if said else None


def _tier(document: Mapping[str, Any], dialect: OpenAiDialect) -> tuple[Tier, dict[str, Any]]:
    """The tier of a request, and what pins it. An absent one, or `auto`, is a project's setting that may cost twice as much."""
    if not dialect.pins_tier:
        return "standard", {}
    said = document.get("service_tier")
    if said in {None, "auto", "scale"}:
        return "standard", {"service_tier": "default"}
    if said != "default" and said not in _TIERS:
        raise BadInput(
            f"Nobody knows what the service tier {said!r} costs",
            remedy="Use default, flex, priority or fast.",
            where=Where(key="service_tier"),
        )
    return _TIERS.get(said, "standard"), {}


def _read_tools(document: Mapping[str, Any], bound: InputBound) -> None:
    """Tools are written out for the model; their schemas and the shape of the answer count as texts do."""
    for key in ("tools", "functions", "tool_choice", "response_format"):
        bound.add(document.get(key))


def _tool_name(tool: Mapping[str, Any]) -> str:
    function = tool.get("function")
    named = function if isinstance(function, dict) else tool
    return str(named.get("name") or tool.get("type") or "")


def _server_tools(document: Mapping[str, Any], calls: int | None) -> tuple[dict[Meter, int] | None, dict[str, Any]]:
    """The fees of the vendor's own tools, and the limit on their calls; None: it has none to run."""
    kinds = {str(tool.get("type", "")) for tool in objects_at(document, "tools")}
    named = {kind: next((name for name in TOOL_FEES if f"{kind}_".startswith(f"{name}_")), None) for kind in kinds}
    known = {name for name in named.values() if name is not None}
    unknown = [kind for kind, name in named.items() if name is None and kind not in _CLIENT_KINDS]
    if not known and not unknown:
        return None, {}
    most = calls or SERVER_TOOL_CALLS_MAX
    fees = {meter: most for name in known if (meter := TOOL_FEES[name]) is not None}
    if unknown:
        fees["tool_calls"] = most
    return fees, {} if calls else {"max_tool_calls": most}


def _predicted_bytes(document: Mapping[str, Any]) -> int:
    """A predicted output: what of it is rejected is billed as output, beyond what the answer itself holds."""
    prediction = document.get("prediction")
    if prediction is None:
        return 0
    bound = InputBound(around=0)
    bound.add(prediction)
    return bound.read()[0]
