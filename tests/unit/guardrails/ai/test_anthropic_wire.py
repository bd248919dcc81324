"""Anthropic's messages are bounded before they leave, and counted as Anthropic counts them when they come back."""

from __future__ import annotations

import json
import unicodedata
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ai_bodies import MESSAGE_ANSWER, MESSAGE_EVENTS, body, message, sse

from fiscus.guardrails.doors.ai.types import Refused, Rewrite
from fiscus.guardrails.doors.ai.wires import wire_named
from fiscus.guardrails.doors.ai.wires.bound_input import QUIET
from fiscus.kernel.errors import BadInput

WIRE = wire_named("anthropic")


def _message(**more):
    return WIRE.read("messages", body(message(**more)), "application/json")


@pytest.mark.parametrize(
    ("method", "path", "endpoint"),
    [
        ("POST", "/v1/messages", "messages"),
        ("POST", "/v1/messages/count_tokens", "free"),
        ("GET", "/v1/models", "free"),
        ("POST", "/v1/complete", None),
        ("POST", "/v1/messages/", None),
    ],
)
def test_a_path_has_a_price_or_is_free_or_is_not_known(method: str, path: str, endpoint: str | None) -> None:
    assert WIRE.endpoint(method, path) == endpoint


def test_input_is_written_to_a_cache_only_where_the_request_marks_it() -> None:
    block = {"type": "text", "text": "long", "cache_control": {"type": "ephemeral"}}
    assert "input" in _message().bound.quantities
    assert "cache_write" in _message(system=[block]).bound.quantities
    hour = {**block, "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    assert "cache_write_1h" in _message(system=[hour]).bound.quantities
    assert "cache_write" in _message(cache_control={"type": "ephemeral"}).bound.quantities


def test_without_max_tokens_there_is_no_bound() -> None:
    with pytest.raises(BadInput, match="max_tokens"):
        WIRE.read("messages", body({"model": "m", "messages": [{"role": "user", "content": "x"}]}), "")


@pytest.mark.parametrize("text", ["\ufdfa" * 50, "\u3300" * 50, "\ud55c\uad6d\uc5b4", "\uff21\uff22", "caf\u00e9"])
def test_a_text_is_bounded_as_the_longer_of_what_came_and_what_the_tokenizer_makes_of_it_first(text: str) -> None:
    def tokens(said: str) -> int:
        return _message(messages=[{"role": "user", "content": said}]).bound.quantities["input"]

    ours = tokens(text) - tokens("")
    assert ours >= len(unicodedata.normalize("NFKC", text).encode())
    assert ours >= len(text.encode())


@given(st.text(alphabet=[chr(code) for code in range(0x20000) if QUIET.fullmatch(chr(code))]))
def test_what_need_not_be_put_into_the_tokenizers_form_is_no_longer_in_it(text: str) -> None:
    assert len(unicodedata.normalize("NFKC", text).encode()) <= len(text.encode())


def test_a_request_that_only_fills_a_cache_answers_nothing() -> None:
    ask = _message(max_tokens=0, cache_control={"type": "ephemeral"})
    assert (ask.output_max, ask.bound.quantities["output"]) == (0, 0)


def test_tools_come_with_a_system_prompt_that_the_request_does_not_show() -> None:
    custom = {"name": "weather", "input_schema": {"type": "object"}}
    own = {"type": "computer_20250124", "name": "computer"}
    plain = _message().bound.quantities["input"]
    assert _message(tools=[custom]).bound.quantities["input"] - plain > 1000
    assert _message(tools=[own]).bound.quantities["input"] - plain > 3000
    assert _message(tools=[custom]).tools == ("weather",)


def test_a_tool_that_nobody_knows_has_no_price() -> None:
    assert _message(tools=[{"type": "time_travel_20270101", "name": "t"}]).bound.quantities["tool_calls"] == 1
    own = _message(tools=[{"type": "browser_toolset_20260801", "name": "b"}]).bound.quantities
    assert "tool_calls" not in own
    assert own["input"] > 20_000


def test_searches_are_held_to_a_number_of_uses() -> None:
    ask = _message(tools=[{"type": "web_search_20250305", "name": "web_search"}, {"name": "a", "input_schema": {}}])
    assert ask.bound.quantities["searches"] == 10
    assert ask.bound.whole_contexts == 11
    tools = json.loads(WIRE.body(ask, Rewrite()))["tools"]
    assert [tool.get("max_uses") for tool in tools] == [10, None]
    held = _message(tools=[{"type": "web_search_20250305", "name": "web_search", "max_uses": 2}])
    assert held.bound.quantities["searches"] == 2
    assert WIRE.body(held, Rewrite()) is None


def test_images_and_files_are_bounded_whatever_their_bytes_say() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 900_000}}
    pdf = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "A" * 900_000}}
    text = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "A" * 900}}
    seen = _message(messages=[{"role": "user", "content": [image]}]).bound
    assert 5_000 <= seen.quantities["input"] < 6_000
    assert _message(messages=[{"role": "user", "content": [pdf]}]).bound.whole_contexts == 1
    read = _message(messages=[{"role": "user", "content": [text]}]).bound
    assert read.whole_contexts == 0
    assert read.quantities["input"] > 900


def test_what_a_tool_gave_back_is_read_with_its_images() -> None:
    result = {
        "type": "tool_result",
        "tool_use_id": "t",
        "content": [
            {"type": "text", "text": "x" * 500},
            {"type": "image", "source": {"type": "url", "url": "https://a"}},
        ],
    }
    bound = _message(messages=[{"role": "user", "content": [result]}]).bound
    assert 5_500 < bound.quantities["input"] < 6_000


def test_fast_mode_and_inference_in_the_us_are_priced_before() -> None:
    assert _message(speed="fast").bound.tier == "fast"
    assert _message(inference_geo="us").bound.rate_factor == Decimal("1.1")


def test_a_smaller_output_keeps_the_budget_for_thinking_below_it() -> None:
    ask = _message(max_tokens=9000, thinking={"type": "enabled", "budget_tokens": 8000})
    sent = json.loads(WIRE.body(ask, Rewrite(output_max=4000)))
    assert (sent["max_tokens"], sent["thinking"]["budget_tokens"]) == (4000, 3999)
    assert json.loads(WIRE.body(ask, Rewrite(output_max=500)))["thinking"] == {"type": "disabled"}


def test_a_request_is_sent_on_byte_for_byte() -> None:
    assert WIRE.body(_message(), Rewrite()) is None
    assert json.loads(WIRE.body(_message(), Rewrite(model="claude-haiku-4-5")))["model"] == "claude-haiku-4-5"


def test_input_read_from_and_written_to_a_cache_stands_beside_the_rest() -> None:
    usage = WIRE.usage(_message(), body(MESSAGE_ANSWER))
    assert usage.quantities == {
        "input": 50,
        "cached_input": 100_000,
        "cache_write": 500,
        "cache_write_1h": 1500,
        "output": 393,
        "searches": 1,
    }
    assert usage.rate_factor == 1


def test_a_cache_write_without_its_split_is_of_five_minutes() -> None:
    answer = {"model": "m", "usage": {"input_tokens": 1, "cache_creation_input_tokens": 7, "output_tokens": 2}}
    assert WIRE.usage(_message(), body(answer)).quantities == {"input": 1, "cache_write": 7, "output": 2}


STREAM = sse(*MESSAGE_EVENTS, named=True)


@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_a_stream_cut_anywhere_is_passed_on_and_its_last_count_stands(cuts: list[int]) -> None:
    reader, sent, start = WIRE.stream(_message(stream=True)), b"", 0
    for cut in [*sorted(cuts), len(STREAM)]:
        sent += reader.feed(STREAM[start:cut])
        start = cut
    assert sent + reader.rest() == STREAM
    assert reader.usage.quantities == {"input": 25, "output": 15, "searches": 2}


def test_a_stream_that_broke_is_estimated_at_its_counted_input_and_what_was_streamed() -> None:
    reader = WIRE.stream(_message(stream=True))
    reader.feed(sse(*MESSAGE_EVENTS[:5], named=True))
    estimate = reader.estimate()
    assert reader.usage is None
    assert estimate.estimated
    assert estimate.quantities["input"] == 25
    assert 4 <= estimate.quantities["output"] <= 400


def test_a_refusal_is_an_error_in_the_vendors_shape() -> None:
    status, said = WIRE.refusal(Refused("over_budget", "Team data has spent its 100 USD.", "01D"))
    assert (status, json.loads(said)["error"]["type"]) == (402, "billing_error")
    assert WIRE.refusal(Refused("rate_limited", "Slower."))[0] == 429


def test_the_clients_key_is_found_and_the_vendors_put_in_its_place() -> None:
    assert WIRE.credential({"x-api-key": "fk_1"}) == "fk_1"
    assert WIRE.credential({"authorization": "Bearer fk_2"}) == "fk_2"
    assert WIRE.authorise("sk-ant") == {"x-api-key": "sk-ant"}
