"""OpenAI's requests are bounded before they leave, and counted as OpenAI counts them when they come back."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ai_bodies import CHAT_ANSWER, CHAT_USAGE_CHUNK, body, chat, chunk, sse

from fiscus.guardrails.doors.ai.bound_output import bound_of_another, bound_with
from fiscus.guardrails.doors.ai.types import Refused, Rewrite
from fiscus.guardrails.doors.ai.wires import wire_named
from fiscus.kernel.errors import BadConfig, BadInput

WIRE = wire_named("openai")


def _chat(**more):
    return WIRE.read("chat", body(chat(**more)), "application/json")


def test_a_wire_that_nobody_wrote_is_named_with_those_there_are() -> None:
    with pytest.raises(BadConfig, match="anthropic"):
        wire_named("carrier-pigeon")


@pytest.mark.parametrize(
    ("method", "path", "endpoint"),
    [
        ("POST", "/v1/chat/completions", "chat"),
        ("POST", "/chat/completions", "chat"),
        ("POST", "/v1/responses", "responses"),
        ("POST", "/v1/embeddings", "embeddings"),
        ("POST", "/v1/moderations", "free"),
        ("GET", "/v1/models", "free"),
        ("GET", "/v1/models/ft:gpt-4o:acme::1", "free"),
        ("GET", "/v1/batches/batch_1", "free"),
        ("POST", "/v1/files", "free"),
        ("GET", "/v1/chat/completions/../embeddings", None),
        ("POST", "/v1/videos", None),
        ("POST", "/v1/fine_tuning/jobs", None),
        ("GET", "/v1/realtime", None),
        ("POST", "/v2/chat/completions", None),
    ],
)
def test_a_path_has_a_price_or_is_free_or_is_not_known(method: str, path: str, endpoint: str | None) -> None:
    assert WIRE.endpoint(method, path) == endpoint


def test_input_is_bounded_by_the_bytes_of_its_texts() -> None:
    plain, longer = _chat(), _chat(messages=[{"role": "user", "content": "ü" * 1000}])
    assert plain.bound.quantities["cache_write"] >= len("You are terse.Why is the sky blue?")
    assert longer.bound.quantities["cache_write"] >= 2000


def test_output_is_bounded_by_what_the_client_allows_for_each_choice() -> None:
    assert _chat(max_tokens=100, n=3).bound.quantities["output"] == 300
    assert _chat(max_completion_tokens=50, max_tokens=100).output_max == 100
    ask = _chat(n=2)
    assert ask.output_max is None
    assert bound_with(ask, 1000).quantities["output"] == 2000


def test_a_rejected_prediction_is_bounded_too() -> None:
    ask = _chat(max_tokens=10, prediction={"type": "content", "content": "x" * 500})
    assert ask.bound.quantities["output"] >= 510


def test_spoken_answers_are_bounded_at_the_price_of_audio() -> None:
    assert _chat(max_tokens=10, modalities=["text", "audio"]).bound.quantities["audio_output"] == 10


def test_an_image_counts_as_tokens_and_not_as_the_bytes_of_its_data() -> None:
    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 1_000_000}}
    ask = WIRE.read("chat", body({"model": "gpt-5", "messages": [{"role": "user", "content": [part]}]}), "")
    assert 24_600 <= ask.bound.quantities["cache_write"] < 24_800


def test_a_file_may_fill_the_whole_context() -> None:
    part = {"type": "file", "file": {"file_id": "file-1"}}
    assert _chat(messages=[{"role": "user", "content": [part]}]).bound.whole_contexts == 1


def test_tools_and_their_schemas_are_read_by_the_model() -> None:
    tool = {
        "type": "function",
        "function": {"name": "weather", "parameters": {"type": "object", "description": "d" * 900}},
    }
    ask = _chat(tools=[tool])
    assert ask.tools == ("weather",)
    assert ask.bound.quantities["cache_write"] - _chat().bound.quantities["cache_write"] > 900


def test_the_vendors_own_tools_run_in_turns_that_are_counted_and_limited() -> None:
    document = {"model": "gpt-5", "input": "news?", "tools": [{"type": "web_search"}], "max_output_tokens": 10}
    ask = WIRE.read("responses", body(document), "")
    assert ask.bound.quantities["searches"] == 10
    assert ask.bound.whole_contexts == 11
    assert json.loads(WIRE.body(ask, Rewrite()))["max_tool_calls"] == 10
    held = WIRE.read("responses", body({**document, "max_tool_calls": 2}), "")
    assert held.bound.quantities["searches"] == 2
    assert held.bound.whole_contexts == 3


def test_a_tool_that_nobody_knows_has_no_price() -> None:
    def fees(kind: str) -> dict[str, int]:
        document = {"model": "gpt-5", "input": "x", "tools": [{"type": kind}], "max_tool_calls": 3}
        return WIRE.read("responses", body(document), "").bound.quantities

    assert fees("time_travel")["tool_calls"] == 3
    assert fees("web_search_2025_08_26")["searches"] == 3
    assert fees("image_generation")["images"] == 3
    assert "tool_calls" not in fees("local_shell")
    assert "tool_calls" not in fees("mcp")


@pytest.mark.parametrize("name", ["previous_response_id", "conversation", "prompt"])
def test_what_an_earlier_answer_brings_along_may_fill_the_whole_context(name: str) -> None:
    assert WIRE.read("responses", body({"model": "gpt-5", "input": "x", name: "id"}), "").bound.whole_contexts == 1


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"[]",
        b"{",
        b'{"model": "m"}',
        b'{"messages": [{"role": "user"}]}',
        b'{"model": "m", "messages": []}',
        b'{"model": "m", "messages": ["x"]}',
        body(chat(max_tokens=-1)),
        body(chat(max_tokens=0)),
        body(chat(max_tokens=1.5)),
        body(chat(max_tokens=True)),
        body(chat(max_tokens="100")),
        body(chat(max_tokens=10**12)),
        body(chat(n=0)),
        body(chat(n=10**6)),
        body(chat(stream="yes")),
        body(chat(service_tier="platinum")),
        b'{"model": "m", "messages": [{"role": "user", "content": ' + b"[" * 5_000 + b"]" * 5_000 + b"}]}",
        b"[" * 100_000,
        "{}".encode("utf-16"),
    ],
    ids=lambda b: repr(b[:40]),
)
def test_what_cannot_be_bounded_is_refused_with_a_reason(broken: bytes) -> None:
    with pytest.raises(BadInput) as fault:
        WIRE.read("chat", broken, "application/json")
    assert fault.value.remedy


def test_a_request_is_sent_on_as_it_came_but_for_the_tier_that_pins_its_price() -> None:
    raw = b' {"model":"gpt-4o-mini" ,"messages":[{"role":"user","content":"\xc3\xbc"}]}\n'
    ask = WIRE.read("chat", raw, "")
    assert WIRE.body(ask, Rewrite()) == raw.rstrip()[:-1] + b',"service_tier":"default"}'
    assert WIRE.body(_chat(service_tier="flex"), Rewrite()) is None
    assert _chat(service_tier="flex").bound.tier == "flex"


def test_a_maximum_that_stands_twice_is_written_once() -> None:
    raw = b'{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}],"max_tokens":5}'
    ask = WIRE.read("chat", raw, "")
    sent = WIRE.body(ask, Rewrite())
    assert sent.count(b'"max_tokens"') == 1
    assert ask.output_max == json.loads(sent)["max_tokens"] == 5


@pytest.mark.parametrize(
    "raw",
    [
        b'{"model":"m","messages":[{"role":"user","content":"a long one"}],"messages":[{"role":"user","content":"x"}]}',
        b'{"model":"m","messages":[{"role":"user","content":"a long one","content":"x"}]}',
        b'{"model":"m","messages":[{"role":"user","content":"a long one","cont\\u0065nt":"x"}]}',
    ],
)
def test_what_stands_twice_at_any_depth_is_sent_on_as_it_was_bounded(raw: bytes) -> None:
    sent = WIRE.body(WIRE.read("chat", raw, ""), Rewrite(output_max=5))
    assert json.loads(sent)["messages"] == [{"role": "user", "content": "x"}]
    assert b"a long one" not in sent


def test_a_name_in_large_letters_that_some_read_as_another_is_refused() -> None:
    with pytest.raises(BadInput, match="MAX_tokens"):
        WIRE.read("chat", body(chat(MAX_tokens=10**6)), "")
    assert WIRE.read("chat", body(chat(metadata={"Model": "x"})), "")


def test_degrading_changes_the_model_the_output_and_the_effort() -> None:
    change = Rewrite(model="gpt-4.1-nano", output_max=64, effort="low")
    sent = json.loads(WIRE.body(_chat(max_tokens=900, service_tier="default"), change))
    assert (sent["model"], sent["max_tokens"], sent["reasoning_effort"]) == ("gpt-4.1-nano", 64, "low")
    assert "max_completion_tokens" not in sent
    assert json.loads(WIRE.body(_chat(), change))["max_completion_tokens"] == 64


def test_cached_input_is_not_counted_twice_and_reasoning_is_output() -> None:
    usage = WIRE.usage(_chat(), body(CHAT_ANSWER))
    assert usage.quantities == {"input": 86, "cached_input": 1920, "output": 300}
    assert (usage.model, usage.tier) == ("gpt-4o-mini-2024-07-18", "standard")


def test_the_tier_of_the_answer_counts() -> None:
    assert WIRE.usage(_chat(service_tier="priority"), body(CHAT_ANSWER)).tier == "standard"
    assert WIRE.usage(_chat(), body({**CHAT_ANSWER, "service_tier": "priority"})).tier == "priority"


def test_calls_of_the_vendors_tools_are_counted_from_the_output() -> None:
    answer = {
        "model": "gpt-5",
        "output": [
            {"type": "web_search_call"},
            {"type": "web_search_call"},
            {"type": "file_search_call"},
            {"type": "code_interpreter_call", "container_id": "a"},
            {"type": "code_interpreter_call", "container_id": "a"},
            {"type": "message"},
        ],
        "service_tier": "default",
        "usage": {
            "input_tokens": 328,
            "input_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 8},
            "output_tokens": 52,
            "output_tokens_details": {"reasoning_tokens": 20},
        },
    }
    ask = WIRE.read("responses", body({"model": "gpt-5", "input": "x"}), "")
    expected = {"input": 220, "cached_input": 100, "cache_write": 8, "output": 52}
    expected |= {"searches": 2, "file_searches": 1, "containers": 1}
    assert WIRE.usage(ask, body(answer)).quantities == expected


def test_an_answer_without_a_count_has_none() -> None:
    assert WIRE.usage(_chat(), b'{"choices": []}') is None
    assert WIRE.usage(_chat(), b"<html>") is None


CHUNKS = sse(chunk("Hi"), chunk(' "usage": {"prompt_tokens": 7}'), chunk())
USAGE = sse(CHAT_USAGE_CHUNK)
DONE = sse("[DONE]")


def _fed(ask, data: bytes, cuts: list[int]):
    reader, sent, start = WIRE.stream(ask), b"", 0
    for cut in [*sorted(cuts), len(data)]:
        sent += reader.feed(data[start:cut])
        start = cut
    return reader, sent + reader.rest()


@given(cuts=st.lists(st.integers(0, len(CHUNKS + USAGE + DONE)), max_size=12), crlf=st.booleans())
def test_a_stream_cut_anywhere_gives_the_client_the_same_and_is_counted_the_same(cuts: list[int], crlf: bool) -> None:
    whole, without = CHUNKS + USAGE + DONE, CHUNKS + DONE
    if crlf:
        whole, without = whole.replace(b"\n", b"\r\n"), without.replace(b"\n", b"\r\n")
    ask = _chat(stream=True, max_tokens=50)
    reader, sent = _fed(ask, whole, cuts)
    assert sent == without
    assert reader.usage.quantities == {"input": 19, "output": 10}
    asked = _chat(stream=True, stream_options={"include_usage": True})
    reader, sent = _fed(asked, whole, cuts)
    assert sent == whole
    assert reader.usage.quantities == {"input": 19, "output": 10}


def test_a_stream_asks_for_its_usage() -> None:
    assert json.loads(WIRE.body(_chat(stream=True), Rewrite()))["stream_options"] == {"include_usage": True}
    kept = _chat(stream=True, stream_options={"include_obfuscation": False})
    assert json.loads(WIRE.body(kept, Rewrite()))["stream_options"] == {
        "include_obfuscation": False,
        "include_usage": True,
    }


def test_a_stream_that_broke_is_estimated_from_what_was_streamed() -> None:
    ask = _chat(stream=True, max_tokens=50)
    reader = WIRE.stream(ask)
    for _ in range(5):
        reader.feed(sse(chunk(" word")))
    estimate = reader.estimate()
    assert reader.usage is None
    assert estimate.estimated
    assert estimate.quantities["output"] == 25
    assert estimate.quantities["cache_write"] == ask.bound.quantities["cache_write"]
    for _ in range(50):
        reader.feed(sse(chunk(" word")))
    assert reader.estimate().quantities["output"] == 50


def test_the_last_event_of_a_response_counts() -> None:
    ask = WIRE.read("responses", body({"model": "gpt-5", "input": "x", "stream": True}), "")
    started = {"type": "response.created", "response": {"model": "gpt-5", "usage": None}}
    done = {
        "type": "response.completed",
        "response": {"model": "gpt-5", "output": [], "usage": {"input_tokens": 4, "output_tokens": 9}},
    }
    data = sse(started, {"type": "response.output_text.delta", "delta": "Hi"}, done, named=True)
    reader, sent = _fed(ask, data, [10, 50])
    assert sent == data
    assert reader.usage.quantities == {"input": 4, "output": 9}


def test_a_refusal_is_an_error_in_the_vendors_shape() -> None:
    status, said = WIRE.refusal(Refused("over_budget", "Team data has spent its 100 USD.", "01D"))
    assert status == 402
    assert json.loads(said)["error"]["code"] == "insufficient_quota"
    assert WIRE.refusal(Refused("unauthenticated", "No key."))[0] == 401


def test_the_clients_key_is_found_and_the_vendors_put_in_its_place() -> None:
    assert WIRE.credential({"authorization": "Bearer fk_1"}) == "fk_1"
    assert WIRE.credential({"api-key": "fk_2"}) == "fk_2"
    assert WIRE.credential({}) == ""
    assert WIRE.authorise("sk-1") == {"authorization": "Bearer sk-1"}


def test_no_float_touches_the_count() -> None:
    assert isinstance(_chat().bound.rate_factor, Decimal)


def test_embeddings_are_counted_without_reading_their_numbers() -> None:
    ask = WIRE.read("embeddings", body({"model": "text-embedding-3-small", "input": ["a", "b"]}), "")
    assert ask.output_max == 0
    vectors = [{"object": "embedding", "index": n, "embedding": [0.0023] * 1536} for n in range(2)]
    answer = {
        "object": "list",
        "data": vectors,
        "model": "text-embedding-3-small",
        "usage": {"prompt_tokens": 8, "total_tokens": 8},
    }
    usage = WIRE.usage(ask, body(answer))
    assert (usage.quantities, usage.model) == ({"input": 8}, "text-embedding-3-small")
    assert WIRE.usage(ask, body({"usage": {"prompt_tokens": 8}, "data": vectors})).quantities == {"input": 8}
    assert WIRE.usage(ask, b'{"data": []}') is None
    tokens = WIRE.read("embeddings", body({"model": "text-embedding-3-small", "input": [[1, 2, 3], [4]]}), "")
    assert tokens.bound.quantities["cache_write"] == 64 + 4


def test_a_count_that_is_no_number_is_none() -> None:
    broken = b'{"usage": {"prompt_tokens": Infinity, "completion_tokens": NaN, "prompt_tokens_details": 7}}'
    assert WIRE.usage(_chat(), broken).quantities == {}


def test_another_model_may_read_the_same_request_as_more_tokens() -> None:
    part = {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}}
    words = {"type": "text", "text": "please read the following words " * 40}
    messages = [{"role": "user", "content": [words, part]}]
    ask = WIRE.read("chat", body({"model": "gpt-4o", "messages": messages}), "")
    other = WIRE.read("chat", body({"model": "gpt-4o-mini", "messages": messages}), "")
    unknown = WIRE.read("chat", body({"model": "gpt-6-sol", "messages": messages}), "")
    bound = bound_of_another(ask, bound_with(ask, 10)).quantities
    assert bound["cache_write"] >= max(a.bound.quantities["cache_write"] for a in (other, unknown))
    assert bound["output"] == 10
