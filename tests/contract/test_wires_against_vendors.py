"""The gateway's reading of a request and an answer, held against what the simulated vendors truly bill, to the nano.

Nothing of the two is shared: the vendors have a price list and a counting of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal
from typing import Any

import httpx
import pytest
from tests.fixtures.vendor_clients import ASKED, KEY, PIXEL, TOOL

from fiscus.connectors.genai_prices.compile_prices import compile_prices
from fiscus.connectors.simulated_ai.bill import cost_by_request
from fiscus.connectors.simulated_ai.faults import Fault
from fiscus.connectors.simulated_ai.price_list import KNOWN
from fiscus.connectors.simulated_ai.server import LocalAi
from fiscus.cost.ai.price_table import PriceTable, price_table_of
from fiscus.cost.ai.price_usage import bound_nanos, nanos_of, priced
from fiscus.cost.ai.types import Usage
from fiscus.guardrails.doors.ai.types import AiAsk, Rewrite
from fiscus.guardrails.doors.ai.wires import wire_named

PATHS = {
    "openai": "/v1/chat/completions", "responses": "/v1/responses", "embeddings": "/v1/embeddings",
    "anthropic": "/v1/messages", "mistral": "/v1/chat/completions", "mistral embeddings": "/v1/embeddings",
    "huggingface": "/v1/chat/completions", "perplexity": "/chat/completions",
}  # fmt: skip
LONG = [{"role": "system", "content": "word " * 1500}, *ASKED]
SEEN = [
    {
        "role": "user",
        "content": [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": PIXEL}}],
    }
]
WHERE = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/large.png"}}]}]
MARKED = [{"type": "text", "text": "word " * 1500, "cache_control": {"type": "ephemeral"}}]
TOOLS = [{"type": "function", "function": TOOL}]
CLAUDE_TOOLS = [{"name": TOOL["name"], "input_schema": TOOL["parameters"]}]
ASKS: list[tuple[str, str, dict[str, Any]]] = [
    ("openai", "openai", {"model": "gpt-4o-mini", "messages": ASKED, "max_tokens": 100}),
    ("openai", "openai", {"model": "gpt-4o", "messages": ASKED, "max_tokens": 100, "n": 3}),
    ("openai", "openai", {"model": "gpt-4o", "messages": LONG, "max_tokens": 50}),
    ("openai", "openai", {"model": "gpt-4o-mini", "messages": SEEN, "max_tokens": 50}),
    ("openai", "openai", {"model": "gpt-4o-mini", "messages": WHERE, "max_tokens": 50}),
    ("openai", "openai", {"model": "gpt-4.1", "messages": ASKED, "tools": TOOLS, "max_tokens": 200}),
    ("openai", "openai", {"model": "gpt-5-mini", "messages": ASKED, "max_completion_tokens": 200}),
    ("openai", "openai", {"model": "gpt-5", "messages": ASKED, "max_completion_tokens": 200, "service_tier": "priority"}),
    ("openai", "openai", {"model": "gpt-5-mini", "messages": ASKED, "max_completion_tokens": 200, "service_tier": "flex"}),
    ("openai", "responses", {"model": "gpt-4.1", "input": "hello", "max_output_tokens": 60}),
    ("openai", "responses", {"model": "gpt-5", "input": "hello", "instructions": "be brief", "max_output_tokens": 60}),
    ("openai", "responses", {"model": "gpt-4.1", "input": "news", "tools": [{"type": "web_search"}], "max_output_tokens": 60}),
    ("openai", "embeddings", {"model": "text-embedding-3-small", "input": ["one", "another"]}),
    ("anthropic", "anthropic", {"model": "claude-haiku-4-5", "messages": ASKED, "max_tokens": 100}),
    ("anthropic", "anthropic", {"model": "claude-opus-4-5", "messages": ASKED, "max_tokens": 300, "tools": CLAUDE_TOOLS}),
    ("anthropic", "anthropic", {"model": "claude-haiku-4-5", "messages": ASKED, "system": MARKED, "max_tokens": 100}),
    (
        "anthropic",
        "anthropic",
        {
            "model": "claude-sonnet-4-5", "messages": ASKED, "max_tokens": 2000,
            "thinking": {"type": "enabled", "budget_tokens": 1024},
        },
    ),
    (
        "anthropic",
        "anthropic",
        {
            "model": "claude-haiku-4-5", "messages": ASKED, "max_tokens": 100,
            "tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 2}],
        },
    ),
    ("mistral", "mistral", {"model": "mistral-large-2512", "messages": ASKED, "max_tokens": 100}),
    ("mistral", "mistral", {"model": "mistral-small-latest", "messages": SEEN, "tools": TOOLS, "max_tokens": 200}),
    ("mistral", "mistral embeddings", {"model": "mistral-embed", "input": ["one", "another"]}),
    ("huggingface", "huggingface", {"model": "openai/gpt-oss-120b:groq", "messages": ASKED, "max_tokens": 100}),
    ("huggingface", "huggingface", {"model": "meta-llama/Llama-3.3-70B-Instruct:novita", "messages": ASKED, "max_tokens": 100}),
    ("perplexity", "perplexity", {"model": "sonar", "messages": ASKED, "max_tokens": 100}),
    (
        "perplexity",
        "perplexity",
        {
            "model": "sonar-pro", "messages": ASKED, "max_tokens": 100, "web_search_options": {"search_context_size": "high"},
        },
    ),
]  # fmt: skip
STREAMED = [case for case in ASKS if case[1] not in {"embeddings", "images", "mistral embeddings"}]


def name(case: tuple[str, str, dict[str, Any]]) -> str:
    return (
        f"{case[1]}-{case[2]['model']}-{'-'.join(sorted(set(case[2]) - {'model', 'messages', 'max_tokens', 'input'}))}"
    )


@pytest.fixture(scope="module")
def table() -> PriceTable:
    return price_table_of(compile_prices())


@pytest.fixture(scope="module")
def ai() -> Iterator[LocalAi]:
    with LocalAi() as running:
        yield running


def send(ai: LocalAi, case: tuple[str, str, dict[str, Any]], **more: Any) -> tuple[AiAsk, bytes, int]:
    """The request as the gateway sends it on; returns it read, the answer, and what the vendor billed in nanos, rounded up."""
    vendor, path, document = case
    wire = wire_named(vendor)
    endpoint = wire.endpoint("POST", PATHS[path])
    assert endpoint is not None
    body = json.dumps({**document, **more}).encode()
    ask = wire.read(endpoint, body, "application/json")
    sent = wire.body(ask, Rewrite()) or body
    headers = {**wire.authorise(KEY), "content-type": "application/json", "anthropic-version": "2023-06-01"}
    base = ai.address + f"/{vendor}"
    answer = b""
    try:
        with httpx.stream("POST", base + PATHS[path], content=sent, headers=headers, timeout=20) as response:
            assert response.status_code == 200, response.read()
            for piece in response.iter_raw():
                answer += piece
    except httpx.RemoteProtocolError:
        assert ai.bill()[-1].part == "rest"  # a stream that was cut
    last = ai.bill()[-1].id
    cost = cost_by_request(ai.bill())[last]
    return ask, answer, int((cost * 10**9).to_integral_value(ROUND_CEILING))


def money(table: PriceTable, ask: AiAsk, usage: Usage, vendor: str, ai: LocalAi) -> int:
    price = table.price(vendor, usage.model or ask.model, ai.engine.clock.now().date())
    assert price is not None
    return nanos_of(priced(price, usage))


@pytest.mark.parametrize("case", ASKS, ids=name)
def test_what_an_answer_settles_at_is_what_the_vendor_bills(ai: LocalAi, table: PriceTable, case) -> None:
    for _ in range(2):  # the second time a long prompt is cached
        ask, answer, billed = send(ai, case)
        usage = wire_named(case[0]).usage(ask, answer)
        assert usage is not None
        assert money(table, ask, usage, case[0], ai) == billed > 0


@pytest.mark.parametrize("case", STREAMED, ids=name)
def test_what_a_stream_settles_at_is_what_the_vendor_bills(ai: LocalAi, table: PriceTable, case) -> None:
    ask, answer, billed = send(ai, case, stream=True)
    reader = wire_named(case[0]).stream(ask)
    for at in range(0, len(answer), 37):
        reader.feed(answer[at : at + 37])
    assert reader.usage is not None
    assert money(table, ask, reader.usage, case[0], ai) == billed > 0


@pytest.mark.parametrize("case", ASKS, ids=name)
def test_what_is_reserved_is_never_below_what_is_billed(ai: LocalAi, table: PriceTable, case) -> None:
    ai.engine.behaviour.fill = 1.0
    try:
        ask, _, billed = send(ai, case)
    finally:
        ai.engine.behaviour.fill = None
    price = table.price(case[0], ask.model, ai.engine.clock.now().date())
    assert price is not None
    bound = bound_nanos(price, ask.bound)
    assert bound is not None
    assert bound >= billed


BROKEN = [pytest.param(case, pieces, id=f"{name(case)}-{pieces}") for case in STREAMED for pieces in (0, 1, 3, 8)]


@pytest.mark.parametrize(("case", "pieces"), BROKEN)
def test_a_stream_that_broke_settles_at_no_less_than_is_billed(
    ai: LocalAi, table: PriceTable, case, pieces: int
) -> None:
    ai.plant(Fault("cut_stream", pieces=pieces))
    ask, answer, billed = send(ai, case, stream=True)
    reader = wire_named(case[0]).stream(ask)
    reader.feed(answer)
    assert reader.usage is None
    assert money(table, ask, reader.estimate(), case[0], ai) >= billed


@pytest.mark.parametrize(
    "key", [key for key in KNOWN if key[0] != "mistral" and (key[0] != "huggingface" or ":" in key[1])], ids="-".join
)
def test_the_price_table_agrees_with_the_vendors_own_list(ai: LocalAi, table: PriceTable, key: tuple[str, str]) -> None:
    """dall-e and the moderations are on no list of ours: dall-e is refused under a cap, never free."""
    model = KNOWN[key]
    price = table.price(key[0], key[1], ai.engine.clock.now().date())
    if model.name in {"dall-e-3", "omni-moderation-latest"}:
        assert price is None
        return
    assert price is not None
    ours = {meter: rates[0].per_million for (tier, meter), rates in price.rates.items() if tier == "standard"}
    names = {"seconds": "audio_seconds"}
    for meter, rate in model.prices.items():
        if rate and model.name != "gpt-4o-mini-tts":  # its list names the price of sound as that of output
            assert ours.get(names.get(meter, meter), Decimal(-1)) == pytest.approx(rate), meter
