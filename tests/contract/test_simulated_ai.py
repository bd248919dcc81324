"""The simulated AI vendors, called by the vendors' own clients: what the clients' types say is what is answered and billed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from tests.fixtures import vendor_sdks as sdk
from tests.fixtures.vendor_clients import (
    ASKED,
    PIXEL,
    TOOL,
    anthropic_client,
    huggingface_client,
    mistral_client,
    openai_client,
    sound,
)

from fiscus.connectors.simulated_ai.bill import bill_total, cost_by_request, read_bill
from fiscus.connectors.simulated_ai.faults import Fault
from fiscus.connectors.simulated_ai.server import LocalAi

ADMIN = "sk-admin-simulated"
MTOK = Decimal(1_000_000)


@pytest.fixture
def ai(tmp_path: Path) -> Iterator[LocalAi]:
    with LocalAi(bill=tmp_path / "bill.jsonl") as running:
        yield running


def used(ai: LocalAi) -> dict[str, int]:
    """The meters of the last request, its parts together."""
    lines = ai.bill()
    meters: dict[str, int] = {}
    for line in lines:
        if line.id == lines[-1].id:
            for meter, (quantity, _) in line.meters.items():
                meters[meter] = meters.get(meter, 0) + quantity
    return meters


# OpenAI


def test_a_chat_answers_within_its_tokens_and_is_billed_what_it_says(ai: LocalAi) -> None:
    answer = openai_client(ai.url("openai")).chat.completions.create(
        model="gpt-4o-mini", messages=ASKED, max_tokens=60, n=2
    )
    assert answer.model == "gpt-4o-mini-2024-07-18"
    assert len(answer.choices) == 2
    assert answer.choices[0].message.content
    assert answer.usage is not None
    assert answer.usage.completion_tokens <= 120
    assert used(ai) == {"input": answer.usage.prompt_tokens, "output": answer.usage.completion_tokens}
    assert (
        ai.billed()
        == (answer.usage.prompt_tokens * Decimal("0.15") + answer.usage.completion_tokens * Decimal("0.60")) / MTOK
    )


def test_a_stream_says_its_usage_only_to_those_who_ask_and_is_billed_alike(ai: LocalAi) -> None:
    client = openai_client(ai.url("openai"))
    silent = list(client.chat.completions.create(model="gpt-4o-mini", messages=ASKED, max_tokens=60, stream=True))
    asked = list(
        client.chat.completions.create(
            model="gpt-4o-mini", messages=ASKED, max_tokens=60, stream=True, stream_options={"include_usage": True}
        )
    )
    assert all(chunk.usage is None for chunk in silent)
    assert all(chunk.choices for chunk in silent)
    assert asked[-1].choices == []
    assert asked[-1].usage is not None
    assert asked[-2].choices[0].finish_reason in {"stop", "length"}
    assert used(ai)["output"] == asked[-1].usage.completion_tokens
    parts = [line.part for line in ai.bill()]
    assert parts[:2] == ["opened", "rest"]
    assert parts[-2:] == ["opened", "rest"]
    costs = list(cost_by_request(ai.bill()).values())
    assert len(costs) == 2


def test_a_tool_is_called_with_arguments_of_its_schema(ai: LocalAi) -> None:
    client = openai_client(ai.url("openai"))
    tools = [{"type": "function", "function": TOOL}]
    answer = client.chat.completions.create(model="gpt-4o", messages=ASKED, tools=tools, max_tokens=200)
    call = answer.choices[0].message.tool_calls[0]
    assert answer.choices[0].finish_reason == "tool_calls"
    assert call.function.name == "get_spend"
    assert set(json.loads(call.function.arguments)) == {"team", "month"}
    told = [*ASKED, answer.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "12 USD"}]
    after = client.chat.completions.create(model="gpt-4o", messages=told, tools=tools, max_tokens=200)
    assert after.choices[0].message.content
    with client.chat.completions.stream(model="gpt-4o", messages=ASKED, tools=tools, max_tokens=200) as stream:
        final = stream.get_final_completion()
    assert set(json.loads(final.choices[0].message.tool_calls[0].function.arguments)) == {"team", "month"}


def test_a_reasoning_model_thinks_within_its_output_and_refuses_max_tokens(ai: LocalAi) -> None:
    client = openai_client(ai.url("openai"))
    answer = client.chat.completions.create(model="gpt-5-mini", messages=ASKED, max_completion_tokens=300)
    assert answer.usage is not None
    assert 0 < answer.usage.completion_tokens_details.reasoning_tokens < answer.usage.completion_tokens <= 300
    with pytest.raises(sdk.openai.BadRequestError, match="max_completion_tokens"):
        client.chat.completions.create(model="gpt-5-mini", messages=ASKED, max_tokens=300)


def test_an_image_costs_tiles_and_a_long_prompt_is_cached_the_second_time(ai: LocalAi) -> None:
    client = openai_client(ai.url("openai"))
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    seen = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": parts}], max_tokens=20)
    assert seen.usage.prompt_tokens > 255  # 85 and one tile of 170
    long = [{"role": "system", "content": "word " * 2000}, *ASKED]
    first, again = (client.chat.completions.create(model="gpt-4o", messages=long, max_tokens=20) for _ in range(2))
    assert first.usage.prompt_tokens_details.cached_tokens == 0
    assert again.usage.prompt_tokens_details.cached_tokens > 2000
    assert used(ai)["cached_input"] == again.usage.prompt_tokens_details.cached_tokens


def test_responses_are_whole_streamed_searched_and_call_functions(ai: LocalAi) -> None:
    client = openai_client(ai.url("openai"))
    whole = client.responses.create(model="gpt-4.1", input="hello", max_output_tokens=50)
    assert whole.output_text
    assert whole.usage.output_tokens <= 50
    events = list(client.responses.create(model="gpt-5-mini", input="hello", max_output_tokens=50, stream=True))
    assert events[0].type == "response.created"
    assert events[-1].type in {"response.completed", "response.incomplete"}
    assert events[-1].response.usage.output_tokens == used(ai)["output"]
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == events[-1].response.output_text
    searched = client.responses.create(model="gpt-4.1", input="news?", tools=[{"type": "web_search"}])
    assert [item.type for item in searched.output] == ["web_search_call", "message"]
    assert used(ai)["searches"] == 1
    called = client.responses.create(
        model="gpt-4.1", input="spend?", tools=[{"type": "function", "strict": False, **TOOL}]
    )
    assert called.output[0].type == "function_call"
    with client.responses.stream(model="gpt-4.1", input="hello") as stream:
        assert stream.get_final_response().usage.output_tokens == used(ai)["output"]


def test_embeddings_moderations_images_and_sound(ai: LocalAi) -> None:
    client = openai_client(ai.url("openai"))
    vectors = client.embeddings.create(model="text-embedding-3-small", input=["one", "another text"])
    assert len(vectors.data) == 2
    assert isinstance(vectors.data[0].embedding[0], float)
    assert used(ai) == {"input": vectors.usage.prompt_tokens}
    assert client.moderations.create(model="omni-moderation-latest", input="fine").results[0].flagged is False
    assert ai.bill()[-1].cost == 0
    picture = client.images.generate(model="gpt-image-1", prompt="a bill", size="1024x1024", quality="medium", n=2)
    assert len(picture.data) == 2
    assert picture.usage.output_tokens == 2 * 1056 == used(ai)["output"]
    assert client.images.generate(model="dall-e-3", prompt="a bill").usage is None
    assert ai.bill()[-1].cost == Decimal("0.04")
    heard = client.audio.transcriptions.create(model="gpt-4o-mini-transcribe", file=("a.wav", sound(3)))
    assert heard.usage.input_token_details.audio_tokens == 30 == used(ai)["audio_input"]
    timed = client.audio.transcriptions.create(model="whisper-1", file=("a.wav", sound(3)))
    assert (timed.usage.type, timed.usage.seconds, ai.bill()[-1].cost) == ("duration", 3, Decimal("0.0003"))
    spoken = client.audio.speech.create(model="tts-1", voice="alloy", input="hello there")
    assert spoken.content.startswith(b"RIFF")
    assert used(ai) == {"characters": 11}


def test_a_batch_of_a_file_costs_half_and_tells_each_request_apart(ai: LocalAi) -> None:
    client = openai_client(ai.url("openai"))
    body = {"model": "gpt-4o-mini", "messages": ASKED, "max_tokens": 40}
    lines = [
        {
            "custom_id": f"r{number}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": body if number else {"model": "none"},
        }
        for number in range(3)
    ]
    file = client.files.create(file=("in.jsonl", "\n".join(map(json.dumps, lines)).encode()), purpose="batch")
    batch = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    assert batch.status == "validating"
    assert not ai.bill()
    batch = client.batches.retrieve(batch.id)
    assert (batch.status, batch.request_counts.completed, batch.request_counts.failed) == ("completed", 2, 1)
    answers = [json.loads(line) for line in client.files.content(batch.output_file_id).text.splitlines()]
    assert [answer["custom_id"] for answer in answers] == ["r1", "r2"]
    usage = [answer["response"]["body"]["usage"] for answer in answers]
    exact = sum(one["prompt_tokens"] * Decimal("0.075") + one["completion_tokens"] * Decimal("0.30") for one in usage)
    assert ai.billed() == exact / MTOK
    assert client.files.content(batch.error_file_id).text.count("\n") == 1
    assert file.id in [one.id for one in client.files.list()]
    assert client.files.delete(file.id).deleted


def test_openai_says_no_in_its_own_errors(ai: LocalAi) -> None:
    client = openai_client(ai.url("openai"))
    with pytest.raises(sdk.openai.NotFoundError) as unknown:
        client.chat.completions.create(model="gpt-99", messages=ASKED)
    assert unknown.value.code == "model_not_found"
    with pytest.raises(sdk.openai.AuthenticationError) as bad_key:
        openai_client(ai.url("openai"), "sk-wrong").chat.completions.create(model="gpt-4o", messages=ASKED)
    assert bad_key.value.code == "invalid_api_key"
    with pytest.raises(sdk.openai.BadRequestError, match="Unrecognized"):
        client.chat.completions.create(model="gpt-4o", messages=ASKED, extra_body={"fiscus": 1})
    with pytest.raises(sdk.openai.BadRequestError, match="stream_options"):
        client.chat.completions.create(model="gpt-4o", messages=ASKED, stream_options={"include_usage": True})
    assert "gpt-4o-mini" in [model.id for model in client.models.list()]
    assert client.models.retrieve("gpt-4o").id == "gpt-4o"
    assert not ai.bill()


def test_the_organization_sees_its_costs_usage_and_limits(ai: LocalAi) -> None:
    client = openai_client(ai.url("openai"))
    for _ in range(2):
        client.chat.completions.create(model="gpt-4o-mini", messages=ASKED, max_tokens=60)
    client.embeddings.create(model="text-embedding-3-small", input="text")
    admin = sdk.openai.OpenAI(base_url=ai.url("openai"), api_key=ADMIN, admin_api_key=ADMIN).admin.organization
    start = int(ai.bill()[0].at.timestamp()) - 86_400
    costs = admin.usage.costs(start_time=start, group_by=["project_id", "line_item"])
    rows = [row for bucket in costs.data for row in bucket.results]
    assert sum(Decimal(str(row.amount.value)) for row in rows) == ai.billed("openai")
    assert {row.line_item for row in rows} >= {"gpt-4o-mini-2024-07-18, input", "text-embedding-3-small, input"}
    usage = admin.usage.completions(start_time=start, group_by=["model", "api_key_id"])
    [row] = [row for bucket in usage.data for row in bucket.results]
    assert (row.num_model_requests, row.model) == (2, "gpt-4o-mini-2024-07-18")
    limit = admin.spend_limit.update(currency="USD", interval="month", threshold_amount=50_000)
    assert (limit.threshold_amount, admin.spend_limit.retrieve().enforcement.status) == (50_000, "inactive")
    with pytest.raises(sdk.openai.AuthenticationError):
        sdk.openai.OpenAI(
            base_url=ai.url("openai"), api_key="x", admin_api_key="sk-simulated-x"
        ).admin.organization.usage.costs(start_time=start)


# Anthropic


def test_a_message_needs_max_tokens_and_is_billed_what_it_says(ai: LocalAi) -> None:
    client = anthropic_client(ai.url("anthropic"))
    answer = client.messages.create(model="claude-haiku-4-5", max_tokens=50, messages=ASKED)
    assert answer.content[0].text
    assert answer.usage.output_tokens <= 50
    assert ai.billed() == (answer.usage.input_tokens * Decimal(1) + answer.usage.output_tokens * Decimal(5)) / MTOK
    with pytest.raises(sdk.anthropic.BadRequestError, match="max_tokens: Field required"):
        client.post("/v1/messages", body={"model": "claude-haiku-4-5", "messages": ASKED}, cast_to=object)
    with pytest.raises(sdk.anthropic.NotFoundError):
        client.messages.create(model="claude-99", max_tokens=50, messages=ASKED)
    with pytest.raises(sdk.anthropic.AuthenticationError):
        anthropic_client(ai.url("anthropic"), "sk-wrong").messages.create(
            model="claude-haiku-4-5", max_tokens=5, messages=ASKED
        )
    assert (
        client.messages.count_tokens(model="claude-haiku-4-5", messages=ASKED).input_tokens == answer.usage.input_tokens
    )
    assert "claude-haiku-4-5" in [model.id for model in client.models.list()]


def test_a_message_stream_starts_with_a_placeholder_and_ends_with_the_whole_use(ai: LocalAi) -> None:
    client = anthropic_client(ai.url("anthropic"))
    events = list(client.messages.create(model="claude-haiku-4-5", max_tokens=80, messages=ASKED, stream=True))
    assert events[0].message.usage.output_tokens == 1
    delta = next(event for event in events if event.type == "message_delta")
    assert delta.usage.output_tokens == used(ai)["output"]
    assert delta.usage.input_tokens == used(ai)["input"]
    tool = {"name": TOOL["name"], "description": "spend", "input_schema": TOOL["parameters"]}
    with client.messages.stream(model="claude-haiku-4-5", max_tokens=300, messages=ASKED, tools=[tool]) as stream:
        final = stream.get_final_message()
    assert final.stop_reason == "tool_use"
    assert set(final.content[-1].input) == {"team", "month"}
    assert final.usage.output_tokens == used(ai)["output"]
    thinking = {"type": "enabled", "budget_tokens": 1024}
    with client.messages.stream(model="claude-haiku-4-5", max_tokens=2000, messages=ASKED, thinking=thinking) as stream:
        thought = stream.get_final_message()
    assert [block.type for block in thought.content] == ["thinking", "text"]


def test_a_marked_prompt_is_written_to_the_cache_and_then_read(ai: LocalAi) -> None:
    client = anthropic_client(ai.url("anthropic"))
    system = [{"type": "text", "text": "word " * 2000, "cache_control": {"type": "ephemeral"}}]
    first, again = (
        client.messages.create(model="claude-haiku-4-5", max_tokens=20, system=system, messages=ASKED) for _ in range(2)
    )
    written = first.usage.cache_creation_input_tokens
    assert written > 2000
    assert (again.usage.cache_creation_input_tokens, again.usage.cache_read_input_tokens) == (0, written)
    assert first.usage.input_tokens == again.usage.input_tokens < 100
    longer = [{**system[0], "text": "other " * 2000, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    hour = client.messages.create(model="claude-haiku-4-5", max_tokens=20, system=longer, messages=ASKED)
    assert hour.usage.cache_creation.ephemeral_1h_input_tokens == used(ai)["cache_write_1h"] > 2000


def test_a_message_batch_costs_half_and_its_results_are_read_by_the_client(ai: LocalAi) -> None:
    client = anthropic_client(ai.url("anthropic"))
    params = {"model": "claude-haiku-4-5", "max_tokens": 50, "messages": ASKED}
    batch = client.messages.batches.create(requests=[{"custom_id": f"r{n}", "params": params} for n in range(2)])
    assert client.messages.batches.retrieve(batch.id).processing_status == "ended"
    results = list(client.messages.batches.results(batch.id))
    assert [row.custom_id for row in results] == ["r0", "r1"]
    usage = results[0].result.message.usage
    assert usage.service_tier == "batch"
    assert ai.bill()[0].cost == (usage.input_tokens * Decimal("0.5") + usage.output_tokens * Decimal("2.5")) / MTOK


def test_anthropics_cost_report_is_in_cents_and_its_usage_by_key(ai: LocalAi) -> None:
    client = anthropic_client(ai.url("anthropic"))
    client.messages.create(model="claude-haiku-4-5", max_tokens=50, messages=ASKED)
    head = {"x-api-key": ADMIN, "anthropic-version": "2023-06-01"}
    asked = {"starting_at": "2026-01-01T00:00:00Z", "limit": 31, "page": "page_0"}
    day = ai.bill()[0].at.strftime("%Y-%m-%dT00:00:00Z")
    base = ai.url("anthropic") + "/v1/organizations"
    report = httpx.get(
        f"{base}/cost_report", params=asked | {"starting_at": day, "group_by[]": "description"}, headers=head
    ).json()
    rows = [row for bucket in report["data"] for row in bucket["results"]]
    assert sum(Decimal(row["amount"]) for row in rows) == ai.billed() * 100
    assert {row["token_type"] for row in rows} == {"uncached_input_tokens", "output_tokens"}
    usage = httpx.get(
        f"{base}/usage_report/messages", params={"starting_at": day, "group_by[]": "api_key_id"}, headers=head
    ).json()
    assert usage["data"][0]["results"][0]["output_tokens"] == used(ai)["output"]
    assert (
        httpx.get(f"{base}/cost_report", params=asked, headers={**head, "x-api-key": "sk-simulated-x"}).status_code
        == 401
    )
    limits = sdk.anthropic.Anthropic(base_url=ai.url("anthropic"), api_key=ADMIN).beta.organization.spend_limits
    limit = limits.set(amount="50000", scope={"type": "workspace", "workspace_id": "wrkspc_main"}, period="monthly")
    again = limits.set(amount="60000", scope={"type": "workspace", "workspace_id": "wrkspc_main"}, period="monthly")
    assert (limit.id, again.amount) == (again.id, "60000")


# Mistral, Hugging Face, Perplexity


def test_mistral_says_its_usage_in_the_last_chunk_unasked(ai: LocalAi) -> None:
    client = mistral_client(ai.url("mistral"))
    answer = client.chat.complete(model="mistral-small-latest", messages=ASKED, max_tokens=50)
    assert answer.choices[0].message.content
    assert used(ai) == {"input": answer.usage.prompt_tokens, "output": answer.usage.completion_tokens}
    chunks = list(client.chat.stream(model="mistral-small-latest", messages=ASKED, max_tokens=50))
    assert chunks[-1].data.usage.completion_tokens == used(ai)["output"]
    assert chunks[-1].data.choices[0].finish_reason in {"stop", "length"}
    tools = [{"type": "function", "function": TOOL}]
    called = client.chat.complete(
        model="mistral-large-latest", messages=ASKED, tools=tools, tool_choice="any", max_tokens=200
    )
    assert called.choices[0].message.tool_calls[0].function.name == "get_spend"
    vectors = client.embeddings.create(model="mistral-embed", inputs=["one", "two"])
    assert (len(vectors.data), used(ai)) == (2, {"input": vectors.usage.prompt_tokens})
    assert "mistral-embed" in [model.id for model in client.models.list().data]


def test_mistral_runs_a_batch_job_at_half_the_price(ai: LocalAi) -> None:
    client = mistral_client(ai.url("mistral"))
    lines = b"\n".join(
        json.dumps({"custom_id": str(n), "body": {"messages": ASKED, "max_tokens": 30}}).encode() for n in range(2)
    )
    file = client.files.upload(file={"file_name": "in.jsonl", "content": lines}, purpose="batch")
    job = client.batch.jobs.create(input_files=[file.id], model="mistral-small-latest", endpoint="/v1/chat/completions")
    job = client.batch.jobs.get(job_id=job.id)
    assert (job.status, job.succeeded_requests) == ("SUCCESS", 2)
    answers = client.files.download(file_id=job.output_file).read().splitlines()
    usage = json.loads(answers[0])["response"]["body"]["usage"]
    assert (
        ai.bill()[0].cost
        == (usage["prompt_tokens"] * Decimal("0.075") + usage["completion_tokens"] * Decimal("0.30")) / MTOK
    )


def test_mistral_says_no_in_its_own_errors(ai: LocalAi) -> None:
    client = mistral_client(ai.url("mistral"))
    with pytest.raises(sdk.mistral_errors.SDKError, match="Invalid model: mistral-99"):
        client.chat.complete(model="mistral-99", messages=ASKED)
    with pytest.raises(sdk.mistral_errors.HTTPValidationError):
        client.chat.complete(model="mistral-small-latest", messages=[])
    with pytest.raises(sdk.mistral_errors.SDKError) as bad_key:
        mistral_client(ai.url("mistral"), "wrong").chat.complete(model="mistral-small-latest", messages=ASKED)
    assert bad_key.value.status_code == 401
    head = {"x-api-key": ADMIN}
    usage = httpx.get(ai.url("mistral") + "/api/admin/usage", headers=head).json()
    assert usage["chat"] == {}
    limit = httpx.post(ai.url("mistral") + "/api/admin/spend-limit", headers=head, json={"limit": 20})
    assert limit.json()["limit"] == 20


def test_hugging_face_routes_a_model_to_the_provider_that_is_named(ai: LocalAi) -> None:
    client = huggingface_client(ai.url("huggingface"))
    answer = client.chat_completion(ASKED, model="openai/gpt-oss-120b:groq", max_tokens=40)
    assert answer.choices[0].message.content
    assert (
        ai.billed()
        == (answer.usage.prompt_tokens * Decimal("0.15") + answer.usage.completion_tokens * Decimal("0.75")) / MTOK
    )
    chunks = list(
        client.chat_completion(
            ASKED, model="openai/gpt-oss-120b", max_tokens=40, stream=True, stream_options={"include_usage": True}
        )
    )
    assert chunks[-1].usage.completion_tokens == used(ai)["output"]
    with pytest.raises(sdk.huggingface_errors.HfHubHTTPError) as unknown:
        client.chat_completion(ASKED, model="nobody/nothing", max_tokens=40)
    assert unknown.value.response.status_code == 400
    with pytest.raises(sdk.huggingface_errors.HfHubHTTPError) as bad_key:
        huggingface_client(ai.url("huggingface"), "hf_wrong").chat_completion(
            ASKED, model="openai/gpt-oss-120b", max_tokens=40
        )
    assert bad_key.value.response.status_code == 401


def test_perplexity_says_what_it_costs_and_bills_exactly_that(ai: LocalAi) -> None:
    client = openai_client(ai.url("perplexity"))
    answer = client.chat.completions.create(
        model="sonar-pro",
        messages=ASKED,
        max_tokens=50,
        extra_body={"web_search_options": {"search_context_size": "medium"}},
    )
    assert Decimal(str(answer.usage.cost["total_cost"])) == ai.billed() > Decimal("0.01")
    assert answer.citations
    chunks = list(client.chat.completions.create(model="sonar", messages=ASKED, max_tokens=50, stream=True))
    assert {chunk.usage.cost["total_cost"] for chunk in chunks[:-1]} == {0}
    assert Decimal(str(chunks[-1].usage.cost["total_cost"])) == list(cost_by_request(ai.bill()).values())[-1]
    with pytest.raises(sdk.openai.BadRequestError):
        client.chat.completions.create(model="sonar-99", messages=ASKED)
    with pytest.raises(sdk.openai.AuthenticationError):
        openai_client(ai.url("perplexity"), "wrong").chat.completions.create(model="sonar", messages=ASKED)


# Faults and the bill


@pytest.mark.parametrize(
    ("kind", "error", "billed"),
    [
        ("error_500", "InternalServerError", False),
        ("error_503", "InternalServerError", False),
        ("rate_limited_429", "RateLimitError", False),
        ("reset_before", "APIConnectionError", False),
        ("reset_after_billing", "APIConnectionError", True),
        ("error_500_after_billing", "InternalServerError", True),
        ("hang_before", "APITimeoutError", False),
        ("hang_after_billing", "APITimeoutError", True),
    ],
)
def test_a_planted_fault_meets_one_request(ai: LocalAi, kind: str, error: str, billed: bool) -> None:
    client = openai_client(ai.url("openai")).with_options(timeout=1)
    ai.plant(Fault(kind, vendor="openai", endpoint="chat", retry_after_seconds=3))
    with pytest.raises(getattr(sdk.openai, error)) as met:
        client.chat.completions.create(model="gpt-4o-mini", messages=ASKED, max_tokens=20)
    if kind == "rate_limited_429":
        assert met.value.response.headers["retry-after"] == "3"
    assert bool(ai.bill()) is billed
    assert client.chat.completions.create(model="gpt-4o-mini", messages=ASKED, max_tokens=20).choices


def test_anthropic_is_overloaded_in_its_own_words(ai: LocalAi) -> None:
    ai.plant(Fault("overloaded_529", vendor="anthropic"))
    with pytest.raises(sdk.anthropic.APIStatusError) as met:
        anthropic_client(ai.url("anthropic")).messages.create(model="claude-haiku-4-5", max_tokens=9, messages=ASKED)
    assert met.value.status_code == 529
    assert met.value.body["error"]["type"] == "overloaded_error"


def test_a_stream_that_is_cut_is_billed_for_what_was_made(ai: LocalAi) -> None:
    client = openai_client(ai.url("openai"))
    ai.engine.behaviour.fill = 1.0
    ai.plant(Fault("cut_stream", pieces=6))
    got: list[str] = []
    stream = client.chat.completions.create(model="gpt-4o-mini", messages=ASKED, max_tokens=200, stream=True)
    with pytest.raises((sdk.openai.APIConnectionError, httpx.RemoteProtocolError)):
        got.extend(chunk.choices[0].delta.content or "" for chunk in stream)
    assert len("".join(got).split()) == 20 == used(ai)["output"]


def test_a_client_that_goes_away_is_billed_for_what_was_made(ai: LocalAi) -> None:
    ai.engine.behaviour.fill, ai.engine.behaviour.piece_seconds = 1.0, 0.02
    stream = openai_client(ai.url("openai")).chat.completions.create(
        model="gpt-4o-mini", messages=ASKED, max_tokens=400, stream=True
    )
    for _ in range(5):
        next(stream)
    stream.close()
    for _ in range(200):
        if len(ai.bill()) == 2:
            break
        signal.sigtimedwait([], 0.02)
    assert 16 <= used(ai)["output"] < 400


def test_overbilling_and_wrong_usage_go_past_what_was_allowed_or_said(ai: LocalAi) -> None:
    client = openai_client(ai.url("openai"))
    ai.engine.behaviour.fill = 1.0
    ai.plant(Fault("overbill", factor=3), Fault("wrong_usage"), Fault("no_usage"))
    over, wrong, none = (
        client.chat.completions.create(model="gpt-4o-mini", messages=ASKED, max_tokens=40) for _ in range(3)
    )
    assert over.usage.completion_tokens == 120
    assert wrong.usage.completion_tokens == 20
    assert none.usage is None
    assert [line.meters["output"][0] for line in ai.bill()] == [120, 40, 40]


def test_the_same_seed_answers_the_same_request_alike(ai: LocalAi) -> None:
    def ask(running: LocalAi) -> tuple[str | None, int]:
        answer = openai_client(running.url("openai")).chat.completions.create(model="gpt-4o", messages=ASKED)
        return answer.choices[0].message.content, answer.usage.completion_tokens

    with LocalAi() as same, LocalAi(seed=8) as other:
        assert ask(ai) == ask(same) != ask(other)


@pytest.mark.thorough
def test_a_simulator_that_is_killed_loses_no_line_of_its_bill(tmp_path: Path) -> None:
    bill = tmp_path / "bill.jsonl"
    for round_ in (1, 2):
        process = subprocess.Popen(
            [sys.executable, "-m", "fiscus.connectors.simulated_ai", "--bill", str(bill), "--fill", "0.5"],
            stdout=subprocess.PIPE,
        )
        try:
            said = json.loads(process.stdout.readline())
            client = openai_client(said["base_urls"]["openai"])
            for _ in range(5):
                client.chat.completions.create(model="gpt-4o-mini", messages=ASKED, max_tokens=20)
            served = httpx.get(said["address"] + "/simulator/bill").text
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        lines = list(read_bill(bill))
        assert len(lines) == len({line.id for line in lines}) == 5 * round_
        assert bill.read_text() == served
        each = (17 * Decimal("0.15") + 10 * Decimal("0.60")) / MTOK
        assert bill_total(lines) == each * 5 * round_


def test_the_simulator_is_told_what_to_do_over_http(ai: LocalAi) -> None:
    said = httpx.post(ai.address + "/simulator/faults", json={"kind": "error_500", "vendor": "mistral"})
    assert said.json() == {"planted": 1}
    with pytest.raises(sdk.mistral_errors.SDKError):
        mistral_client(ai.url("mistral")).chat.complete(model="mistral-small-latest", messages=ASKED)
    wrong = httpx.post(ai.address + "/simulator/faults", json={"kind": "nothing"})
    assert (wrong.status_code, "error_500" in wrong.json()["error"]) == (400, True)
    assert httpx.post(ai.address + "/simulator/behaviour", json={"fill": 0.25}).json()["fill"] == 0.25
    assert httpx.get(ai.address + "/simulator/health").json()["requests"] == 1


@pytest.mark.parametrize("streamed", [False, True])
def test_the_fast_mode_speaks_to_the_same_clients(tmp_path: Path, streamed: bool) -> None:
    bill = tmp_path / "bill.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-m", "fiscus.connectors.simulated_ai", "--fast", "--bill", str(bill)], stdout=subprocess.PIPE
    )
    try:
        said = json.loads(process.stdout.readline())
        chat = openai_client(said["base_urls"]["openai"]).chat.completions
        message = anthropic_client(said["base_urls"]["anthropic"]).messages
        if streamed:
            assert [
                c.usage.completion_tokens for c in chat.create(model="x", messages=ASKED, stream=True) if c.usage
            ] == [20]
            with message.stream(model="x", messages=ASKED, max_tokens=9) as stream:
                assert stream.get_final_message().usage.output_tokens == 20
        else:
            assert chat.create(model="x", messages=ASKED).usage.completion_tokens == 20
            assert message.create(model="x", messages=ASKED, max_tokens=9).usage.input_tokens == 200
    finally:
        process.terminate()
        process.wait(10)
    assert [line.meters["output"][0] for line in read_bill(bill)] == [20, 20]
