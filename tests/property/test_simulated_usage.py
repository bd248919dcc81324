"""Laws of the simulated vendors, whatever is asked: within what was allowed, and a stream is made of exactly what is billed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.vendor_clients import TOOL

from fiscus.connectors.anthropic.fakes import SimulatedAnthropic
from fiscus.connectors.huggingface.fakes import SimulatedHuggingFace
from fiscus.connectors.mistral.fakes import SimulatedMistral
from fiscus.connectors.openai.fakes import SimulatedOpenAI
from fiscus.connectors.perplexity.fakes import SimulatedPerplexity
from fiscus.connectors.simulated_ai.asking import Answer, Ask, Caller, VendorError
from fiscus.connectors.simulated_ai.bill import Bill
from fiscus.connectors.simulated_ai.engine import Engine, built
from fiscus.kernel.clock import SystemClock

CALLER = Caller("sk-simulated-main", "main")
TEXTS = st.text(min_size=1, max_size=300)
# vendor, endpoint, model, the name of its bound on output, how many tools may look
CHATS = [
    (SimulatedOpenAI(), "chat", "gpt-4o-mini", "max_tokens"),
    (SimulatedOpenAI(), "chat", "gpt-5", "max_completion_tokens"),
    (SimulatedAnthropic(), "messages", "claude-haiku-4-5", "max_tokens"),
    (SimulatedMistral(), "chat", "mistral-small-latest", "max_tokens"),
    (SimulatedHuggingFace(), "chat", "openai/gpt-oss-120b:groq", "max_tokens"),
    (SimulatedPerplexity(), "chat", "sonar", "max_tokens"),
]


def answer(vendor: Any, endpoint: str, document: dict[str, Any], fill: float | None) -> Answer:
    engine = Engine(SystemClock(), Bill())
    engine.behaviour.fill = fill
    build = vendor.message if endpoint == "messages" else vendor.chat
    return built(vendor, build, Ask(engine, vendor.name, endpoint, CALLER, document))


def status(vendor: Any, endpoint: str, document: dict[str, Any]) -> int:
    try:
        answer(vendor, endpoint, document, None)
    except VendorError as refused:
        return refused.status
    return 200


@pytest.mark.parametrize(
    ("vendor", "endpoint", "model", "bound"), CHATS, ids=lambda value: str(getattr(value, "name", value))
)
@given(text=TEXTS, most=st.integers(1, 5_000), tools=st.booleans(), fill=st.sampled_from([None, 0.3, 1.0]))
def test_an_answer_stays_within_its_bound_and_its_stream_is_all_that_is_billed(
    vendor: Any, endpoint: str, model: str, bound: str, text: str, most: int, tools: bool, fill: float | None
) -> None:
    document: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": text}], bound: most}
    if tools and endpoint == "messages":
        document["tools"] = [{"name": TOOL["name"], "input_schema": TOOL["parameters"]}]
    elif tools:
        document["tools"] = [{"type": "function", "function": TOOL}]
    whole = answer(vendor, endpoint, document, fill)
    streamed = answer(vendor, endpoint, {**document, "stream": True}, fill)
    for one in (whole, streamed):
        assert 1 <= one.meters["output"] <= most
        assert one.meters["input"] >= len(text.encode()) // 4
    assert sum(piece.output_tokens for piece in streamed.pieces) == streamed.meters["output"]
    usage = json.loads(whole.body)["usage"]
    assert usage.get("completion_tokens", usage.get("output_tokens")) == whole.meters["output"]


@given(
    changes=st.dictionaries(
        st.sampled_from(["messages", "tools", "n", "max_tokens", "stream_options", "tool_choice", "service_tier"]),
        st.one_of(
            st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=5), st.lists(st.integers(), max_size=2)
        ),
    )
)
@pytest.mark.parametrize(
    ("vendor", "endpoint", "model", "bound"), CHATS[:4], ids=lambda value: str(getattr(value, "name", value))
)
def test_whatever_is_sent_is_answered_or_refused_in_the_vendors_words(
    vendor: Any, endpoint: str, model: str, bound: str, changes: dict[str, Any]
) -> None:
    document = {"model": model, "messages": [{"role": "user", "content": "hello"}], bound: 10, **changes}
    assert 200 <= status(vendor, endpoint, document) < 500
