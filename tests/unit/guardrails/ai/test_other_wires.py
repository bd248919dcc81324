"""Mistral, Hugging Face's router, Perplexity, and whoever else speaks OpenAI's format."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ai_bodies import body, chat, chunk, sse

from fiscus.guardrails.doors.ai.types import Refused, Rewrite
from fiscus.guardrails.doors.ai.wires import WIRE_NAMES, wire_named
from fiscus.kernel.errors import BadInput

MISTRAL, ROUTER = wire_named("mistral"), wire_named("huggingface")
SONAR, OTHER = wire_named("perplexity"), wire_named("openai-compatible")


@pytest.mark.parametrize("name", WIRE_NAMES)
def test_every_wire_refuses_in_json_and_never_with_a_status_that_clients_try_again_when_money_is_out(name: str) -> None:
    wire = wire_named(name)
    kinds = (
        "unauthenticated",
        "forbidden",
        "bad_request",
        "over_budget",
        "rate_limited",
        "unavailable",
        "unknown_endpoint",
    )
    statuses = {kind: wire.refusal(Refused(kind, "Why.", "01D"))[0] for kind in kinds}
    assert statuses["over_budget"] == 402
    assert (statuses["unauthenticated"], statuses["forbidden"], statuses["rate_limited"]) == (401, 403, 429)
    for kind in kinds:
        assert "Why." in json.dumps(json.loads(wire.refusal(Refused(kind, "Why.", "01D"))[1]))


@pytest.mark.parametrize("name", WIRE_NAMES)
@given(method=st.sampled_from(["GET", "POST", "DELETE", "PUT"]), path=st.text(max_size=60))
def test_no_path_that_was_made_up_is_free(name: str, method: str, path: str) -> None:
    assert wire_named(name).endpoint(method, f"/x{path}") is None


@pytest.mark.parametrize(
    ("wire", "method", "path", "endpoint"),
    [
        (MISTRAL, "POST", "/v1/fim/completions", "completions"),
        (MISTRAL, "POST", "/v1/moderations", "moderations"),
        (MISTRAL, "POST", "/v1/agents/completions", None),
        (MISTRAL, "POST", "/v1/conversations", None),
        (ROUTER, "POST", "/v1/chat/completions", "chat"),
        (ROUTER, "POST", "/hf-inference/models/bert", None),
        (SONAR, "POST", "/chat/completions", "chat"),
        (SONAR, "POST", "/search", None),
        (OTHER, "POST", "/openai/deployments/gpt-4o/chat/completions", "chat"),
        (OTHER, "POST", "/openai/v1/chat/completions", "chat"),
        (OTHER, "POST", "/v1/projects/p/locations/europe-west1/endpoints/openapi/chat/completions", "chat"),
        (OTHER, "POST", "/v1beta/openai/embeddings", "embeddings"),
        (OTHER, "POST", "/v1/chat/completions", "chat"),
        (OTHER, "POST", "/chat/completions", "chat"),
        (OTHER, "POST", "/api/generate", None),
    ],
)
def test_a_path_has_a_price_or_is_not_known(wire, method: str, path: str, endpoint: str | None) -> None:
    assert wire.endpoint(method, path) == endpoint


MISTRAL_USAGE = {"prompt_tokens": 16, "completion_tokens": 34, "total_tokens": 50, "prompt_audio_seconds": None}


def _read(wire, endpoint: str = "chat", path: str = "", **more):
    return wire.read(endpoint, body(chat(**more)), "application/json", path)


def test_mistral_counts_in_the_last_chunk_without_being_asked() -> None:
    ask = _read(MISTRAL, stream=True, max_tokens=9)
    assert MISTRAL.body(ask, Rewrite()) is None
    data = sse(chunk("Bon"), chunk(usage=MISTRAL_USAGE), "[DONE]")
    reader = MISTRAL.stream(ask)
    assert b"".join(reader.feed(data[i : i + 7]) for i in range(0, len(data), 7)) + reader.rest() == data
    assert reader.usage.quantities == {"input": 16, "output": 34}


def test_mistral_hears_by_the_second() -> None:
    part = {"type": "input_audio", "input_audio": "A" * 40_000}
    ask = _read(MISTRAL, messages=[{"role": "user", "content": [part]}])
    assert ask.bound.quantities["audio_seconds"] == 31
    answer = {"model": "voxtral-small-latest", "usage": {**MISTRAL_USAGE, "prompt_audio_seconds": 30}}
    assert MISTRAL.usage(ask, body(answer)).quantities["audio_seconds"] == 30


def test_mistrals_output_is_held_by_max_tokens() -> None:
    assert json.loads(MISTRAL.body(_read(MISTRAL), Rewrite(output_max=70)))["max_tokens"] == 70


def test_the_routers_price_goes_by_who_was_asked_for() -> None:
    ask = _read(ROUTER, model="openai/gpt-oss-120b:groq", stream=True)
    answer = {"model": "gpt-oss-120b", "usage": {"prompt_tokens": 23, "completion_tokens": 9}}
    assert ROUTER.usage(ask, body(answer)).model == "openai/gpt-oss-120b:groq"
    reader = ROUTER.stream(ask)
    assert reader.feed(sse(chunk(choices=[], usage=answer["usage"]))) == b""
    assert reader.usage.model == "openai/gpt-oss-120b:groq"


def test_the_routers_error_is_a_text_for_its_client() -> None:
    assert json.loads(ROUTER.refusal(Refused("forbidden", "Not here."))[1])["error"] == "Not here."


SONAR_USAGE = {
    "prompt_tokens": 14,
    "completion_tokens": 110,
    "total_tokens": 124,
    "search_context_size": "low",
    "num_search_queries": None,
    "cost": {
        "input_tokens_cost": 4.2e-05,
        "output_tokens_cost": 0.00165,
        "request_cost": 0.006,
        "total_cost": 0.007692,
    },
}


def test_what_perplexity_says_it_costs_is_exact() -> None:
    usage = SONAR.usage(_read(SONAR, model="sonar-pro"), body({"model": "sonar-pro", "usage": SONAR_USAGE}))
    assert usage.vendor_cost == Decimal("0.007692")
    assert usage.quantities == {"input": 14, "output": 110, "requests": 1}


def test_perplexitys_cost_is_that_of_its_last_chunk() -> None:
    ask = _read(SONAR, model="sonar-pro", stream=True)
    skeleton = {**SONAR_USAGE, "cost": {"total_cost": 0.0}}
    reader = SONAR.stream(ask)
    first, last = sse(chunk("Hi", usage=skeleton)), sse(chunk(usage=SONAR_USAGE))
    assert reader.feed(first) == first
    assert reader.usage is None
    assert reader.feed(last) == last
    assert reader.usage.vendor_cost == Decimal("0.007692")


def test_perplexitys_agent_says_its_cost_too() -> None:
    usage = {
        "input_tokens": 1000,
        "output_tokens": 200,
        "input_tokens_details": {"cache_creation_input_tokens": 10, "cache_read_input_tokens": 90},
        "tool_calls_details": {"web_search": {"invocation": 2}},
        "cost": {"currency": "USD", "total_cost": 0.00575},
    }
    ask = SONAR.read("responses", body({"model": "perplexity/sonar", "input": "x"}), "")
    said = SONAR.usage(ask, body({"model": "perplexity/sonar", "output": [], "usage": usage}))
    assert said.vendor_cost == Decimal("0.00575")
    assert said.quantities == {"input": 900, "cached_input": 90, "cache_write": 10, "output": 200, "searches": 2}


def test_deep_research_has_no_bound_until_somebody_sets_one() -> None:
    assert _read(SONAR, model="sonar-deep-research").bound.quantities["tool_calls"] == 1
    assert "tool_calls" not in _read(SONAR, model="sonar").bound.quantities
    assert _read(SONAR, model="sonar").bound.quantities["requests"] == 1


def test_on_azure_the_path_decides_what_a_call_costs() -> None:
    ask = _read(OTHER, path="/openai/deployments/gpt-dear/chat/completions", model="gpt-cheap")
    assert (ask.model, ask.model_fixed) == ("gpt-dear", True)
    assert wire_named("azure").authorise("k") == {"api-key": "k"}


def test_on_azure_jobs_and_files_lie_below_its_v1_form() -> None:
    azure = wire_named("azure")
    ask = azure.read(
        "batches", body({"input_file_id": "file-1", "endpoint": "/v1/chat/completions"}), "", "/openai/v1/batches"
    )
    done = body({"object": "batch", "id": "batch_1", "status": "completed", "output_file_id": "file-2"})
    assert azure.batch_files(ask) == ("/openai/v1/files/file-1/content",)
    assert azure.batch_path("batch_1") == "/openai/v1/batches/batch_1"
    assert azure.batch_job(done).results == ("/openai/v1/files/file-2/content",)


def test_a_tool_that_the_vendor_runs_in_a_chat_has_no_bound() -> None:
    assert _read(OTHER, tools=[{"type": "browser"}]).bound.quantities["tool_calls"] == 1


def test_a_model_without_a_name_is_refused() -> None:
    with pytest.raises(BadInput, match="model"):
        OTHER.read("chat", body({"messages": [{"role": "user", "content": "x"}]}), "")
