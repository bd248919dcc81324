"""What is sent on is what money is held for: read again, it asks for no more, and says everything else as the client did."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ai_bodies import body, chat, message

from fiscus.cost.ai.types import Usage
from fiscus.guardrails.doors.ai.bound_output import bound_with
from fiscus.guardrails.doors.ai.types import Rewrite
from fiscus.guardrails.doors.ai.wires import wire_named

NUMBERS = st.integers(1, 10_000)
TEXTS = st.text(max_size=40)
SCHEMA = st.dictionaries(st.sampled_from(["model", "max_tokens", "n", "type", "x"]), TEXTS, max_size=4)
TOOL = st.fixed_dictionaries(
    {"type": st.just("function"), "function": st.fixed_dictionaries({"name": TEXTS, "parameters": SCHEMA})}
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "max_tokens": NUMBERS,
        "max_completion_tokens": NUMBERS,
        "n": st.integers(1, 8),
        "stream": st.booleans(),
        "service_tier": st.sampled_from(["auto", "default", "flex", "priority"]),
        "stream_options": st.just({"include_obfuscation": False}),
        "tools": st.lists(TOOL, max_size=2),
        "user": TEXTS,
        "temperature": st.floats(0, 2),
    },
)
HELD = ("output", "audio_output", "searches", "tool_calls")


def _no_more(sent: Usage, held: Usage) -> None:
    for meter in HELD:
        assert sent.quantities.get(meter, 0) <= held.quantities.get(meter, 0)
    assert sent.whole_contexts <= held.whole_contexts
    assert sent.tier == held.tier


@pytest.mark.parametrize("name", ["openai", "mistral", "huggingface", "openai-compatible"])
@given(options=OPTIONS, text=TEXTS, most=NUMBERS)
def test_a_chat_that_is_sent_on_asks_for_no_more_than_is_held(name: str, options, text: str, most: int) -> None:
    wire = wire_named(name)
    document = chat(messages=[{"role": "user", "content": text}], **options)
    ask = wire.read("chat", json.dumps(document).encode(), "")
    sent = wire.body(ask, Rewrite(output_max=most)) or ask.raw
    again = wire.read("chat", sent, "")
    _no_more(again.bound, bound_with(ask, most))
    assert again.prompt_digest == ask.prompt_digest
    left = json.loads(sent)
    changed = {"max_tokens", "max_completion_tokens", "service_tier", "stream_options"}
    assert {k: v for k, v in left.items() if k not in changed} == {
        k: v for k, v in document.items() if k not in changed
    }
    assert wire.body(again, Rewrite(output_max=most)) in {None, sent}


@given(most=NUMBERS, given_max=NUMBERS, thinking=st.integers(1_024, 9_999), searches=st.booleans())
def test_a_message_that_is_sent_on_asks_for_no_more_than_is_held(most, given_max, thinking, searches) -> None:
    wire = wire_named("anthropic")
    tools = [{"type": "web_search_20250305", "name": "web_search"}] if searches else []
    document = message(max_tokens=given_max, thinking={"type": "enabled", "budget_tokens": thinking}, tools=tools)
    ask = wire.read("messages", body(document), "")
    sent = json.loads(wire.body(ask, Rewrite(output_max=most)) or body(document))
    again = wire.read("messages", body(sent), "")
    _no_more(again.bound, bound_with(ask, most))
    assert sent["thinking"].get("budget_tokens", 0) < sent["max_tokens"]


def test_half_a_surrogate_pair_is_sent_on_as_it_came() -> None:
    raw = b'{"model":"m","messages":[{"role":"user","content":"\\ud800"}],"n":1,"n":1}'
    wire = wire_named("openai-compatible")
    assert json.loads(wire.body(wire.read("chat", raw, ""), Rewrite()))["messages"][0]["content"] == "\ud800"
