"""The vendors' own clients through the gateway: only a base URL and a key are changed, and what is billed agrees to the nano."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.fixtures import vendor_sdks as sdk
from tests.fixtures.gateways import (
    KEY_ENV,
    Gateway,
    billed_nanos,
    gateway_home,
    running_gateway,
    simulated_upstreams,
    wait_for,
)
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

from fiscus.connectors.simulated_ai.faults import Fault
from fiscus.connectors.simulated_ai.server import LocalAi
from fiscus.cost.ai.types import AiCall

TOOLS = [{"type": "function", "function": TOOL}]
CLAUDE_TOOL = {"name": TOOL["name"], "description": "spend", "input_schema": TOOL["parameters"]}


@pytest.fixture(scope="module")
def ai() -> Iterator[LocalAi]:
    with LocalAi() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(ai: LocalAi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    own = {
        "name": "vllm", "wire": "openai-compatible", "base_url": f"{ai.address}/openai", "provider": "In-house",
        "prices": "openai", "key_env": KEY_ENV,
    }  # fmt: skip
    home = gateway_home(tmp_path_factory.mktemp("gateway") / "home", ai, upstreams=[*simulated_upstreams(ai), own])
    with running_gateway(home) as running:
        running.key()
        yield running


@dataclass
class Watch:
    """What was kept and billed since the test began."""

    gateway: Gateway
    ai: LocalAi
    kept: int
    billed: int

    def new(self, count: int) -> list[AiCall]:
        return self.gateway.calls(self.kept + count)[self.kept :]

    def agrees(self, count: int) -> list[AiCall]:
        """`count` calls are settled, each at exactly what the vendor bills for it."""
        calls = self.new(count)
        billed = wait_for(lambda: billed_nanos(self.ai)[self.billed :], lambda found: len(found) >= count)
        assert [call.state for call in calls] == ["settled"] * count, [call.note for call in calls]
        assert sorted(call.settled for call in calls) == sorted(billed)
        assert all(call.settled <= call.bound for call in calls)
        return calls


@pytest.fixture
def watch(gateway: Gateway, ai: LocalAi) -> Watch:
    return Watch(gateway, ai, len(gateway.calls()), len(billed_nanos(ai)))


# OpenAI


def test_openai_chat_tools_and_vision(gateway: Gateway, watch: Watch) -> None:
    client = openai_client(gateway.base("openai"), gateway.key())
    plain = client.chat.completions.create(model="gpt-4o-mini", messages=ASKED, max_tokens=60, n=2)
    assert len(plain.choices) == 2
    called = client.chat.completions.create(model="gpt-4o", messages=ASKED, tools=TOOLS, max_tokens=200)
    assert set(json.loads(called.choices[0].message.tool_calls[0].function.arguments)) == {"team", "month"}
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    seen = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": parts}], max_tokens=20)
    assert seen.usage.prompt_tokens > 255
    thought = client.chat.completions.create(model="gpt-5-mini", messages=ASKED, max_completion_tokens=300)
    assert thought.usage.completion_tokens_details.reasoning_tokens
    calls = watch.agrees(4)
    assert {(call.team, call.environment, call.requested_by) for call in calls} == {("platform", "prod", "ana.silva")}


def test_an_openai_stream_is_the_vendors_own_whether_its_usage_was_asked_for_or_not(
    gateway: Gateway, watch: Watch
) -> None:
    client = openai_client(gateway.base("openai"), gateway.key())
    asked = {"model": "gpt-4o-mini", "messages": ASKED, "max_tokens": 80, "stream": True}
    silent = list(client.chat.completions.create(**asked))
    assert all(chunk.choices and chunk.usage is None for chunk in silent)
    said = list(client.chat.completions.create(**asked, stream_options={"include_usage": True}))
    assert said[-1].usage is not None
    text = ["".join(c.choices[0].delta.content or "" for c in chunks if c.choices) for chunks in (silent, said)]
    assert text[0]
    with client.chat.completions.stream(model="gpt-4o", messages=ASKED, tools=TOOLS, max_tokens=200) as stream:
        assert stream.get_final_completion().choices[0].message.tool_calls
    assert all(call.streamed for call in watch.agrees(3))


def test_openai_responses_whole_streamed_and_searching(gateway: Gateway, watch: Watch) -> None:
    client = openai_client(gateway.base("openai"), gateway.key())
    assert client.responses.create(model="gpt-4.1", input="hello", max_output_tokens=50).output_text
    events = list(client.responses.create(model="gpt-5-mini", input="hello", max_output_tokens=50, stream=True))
    assert events[-1].response.usage.output_tokens
    called = client.responses.create(
        model="gpt-4.1", input="spend?", tools=[{"type": "function", "strict": False, **TOOL}], max_output_tokens=200
    )
    assert called.output[0].type == "function_call"
    watch.agrees(3)


def test_an_openai_response_in_the_background_is_held_until_its_result_is_there(gateway: Gateway, watch: Watch) -> None:
    client = openai_client(gateway.base("openai"), gateway.key())
    raw = client.responses.with_raw_response.create(
        model="gpt-4.1", input="hello", max_output_tokens=50, background=True
    )
    assert raw.parse().status == "queued"
    assert raw.headers["x-fiscus-cost-max"].endswith(" USD")
    assert client.responses.retrieve(raw.parse().id).output_text
    [call] = watch.agrees(1)
    assert call.decision_id == raw.headers["x-fiscus-decision"] != call.id


def test_openai_embeddings_and_models(gateway: Gateway, watch: Watch) -> None:
    client = openai_client(gateway.base("openai"), gateway.key())
    vectors = client.embeddings.create(model="text-embedding-3-small", input=["one", "another text"])
    assert isinstance(vectors.data[1].embedding[0], float)
    assert "gpt-4o" in [model.id for model in client.models.list()]
    watch.agrees(1)


def test_openai_images_and_sound(gateway: Gateway, watch: Watch) -> None:
    client = openai_client(gateway.base("openai"), gateway.key())
    picture = client.images.generate(model="gpt-image-1", prompt="a bill", size="1024x1024", quality="low", n=2)
    assert len(picture.data) == 2
    assert client.audio.transcriptions.create(model="gpt-4o-mini-transcribe", file=("a.wav", sound(3))).text
    assert client.audio.transcriptions.create(model="whisper-1", file=("a.wav", sound(3))).text
    heard = client.audio.transcriptions.create(model="gpt-4o-transcribe", file=("b.wav", sound(3)), stream=True)
    assert [event.type for event in heard][-1] == "transcript.text.done"
    assert client.audio.speech.create(model="tts-1", voice="alloy", input="hello there").content.startswith(b"RIFF")
    watch.agrees(5)


def test_an_openai_batch_is_held_as_a_whole_and_settled_by_its_result(
    gateway: Gateway, watch: Watch, ai: LocalAi
) -> None:
    client = openai_client(gateway.base("openai"), gateway.key())
    body = {"model": "gpt-4o-mini", "messages": ASKED, "max_tokens": 40}
    lines = [{"custom_id": f"r{n}", "method": "POST", "url": "/v1/chat/completions", "body": body} for n in range(3)]
    file = client.files.create(file=("in.jsonl", "\n".join(map(json.dumps, lines)).encode()), purpose="batch")
    batch = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    done = client.batches.retrieve(batch.id)
    assert done.status == "completed"
    assert client.files.content(done.output_file_id).text.count("\n") == 3
    [call] = watch.new(1)
    assert call.endpoint == "batches"
    assert call.settled == sum(billed_nanos(ai)[watch.billed :]) <= call.bound


def test_openai_says_no_in_its_own_errors(gateway: Gateway, watch: Watch, ai: LocalAi) -> None:
    client = openai_client(gateway.base("openai"), gateway.key())
    with pytest.raises(sdk.openai.AuthenticationError):
        openai_client(gateway.base("openai"), "fsk-wrong").chat.completions.create(model="gpt-4o", messages=ASKED)
    with pytest.raises(sdk.openai.NotFoundError) as unknown:  # it has a price, and this vendor does not have it
        client.chat.completions.create(model="gpt-4-turbo", messages=ASKED, max_tokens=10)
    assert unknown.value.code == "model_not_found"
    with pytest.raises(sdk.openai.PermissionDeniedError, match="price"):
        client.chat.completions.create(model="nobody-knows", messages=ASKED, max_tokens=10)
    with pytest.raises(sdk.openai.BadRequestError):
        client.chat.completions.create(model="gpt-4o", messages=ASKED, max_tokens=-4)
    ai.plant(Fault("rate_limited_429", vendor="openai", retry_after_seconds=7))
    with pytest.raises(sdk.openai.RateLimitError) as slow:
        client.chat.completions.create(model="gpt-4o", messages=ASKED, max_tokens=10)
    assert slow.value.response.headers["retry-after"] == "7"
    ai.plant(Fault("error_500", vendor="openai"))
    with pytest.raises(sdk.openai.InternalServerError):
        client.chat.completions.create(model="gpt-4o", messages=ASKED, max_tokens=10)
    with pytest.raises(sdk.openai.NotFoundError):
        client.post("/fine_tuning/jobs", body={"model": "gpt-4o"}, cast_to=object)
    assert len(billed_nanos(ai)) == watch.billed
    ended = [(call.state, call.status, call.settled == 0) for call in watch.new(5)]
    assert ended == [
        ("released", 404, True),
        ("refused", 0, True),
        ("released", 429, True),
        (
            "unknown",
            500,
            False,
        ),  # a vendor that fails may have billed: charged at the bound until its bill says otherwise
        ("refused", 0, True),
    ]


# Anthropic


def test_anthropic_messages_streams_tools_and_caches(gateway: Gateway, watch: Watch) -> None:
    client = anthropic_client(gateway.base("anthropic"), gateway.key())
    assert client.messages.create(model="claude-haiku-4-5", max_tokens=50, messages=ASKED).content[0].text
    with client.messages.stream(model="claude-haiku-4-5", max_tokens=80, messages=ASKED) as stream:
        assert stream.get_final_message().usage.output_tokens > 1
    with client.messages.stream(
        model="claude-haiku-4-5", max_tokens=300, messages=ASKED, tools=[CLAUDE_TOOL]
    ) as stream:
        assert set(stream.get_final_message().content[-1].input) == {"team", "month"}
    system = [{"type": "text", "text": "through the gateway " * 800, "cache_control": {"type": "ephemeral"}}]
    for _ in range(2):
        cached = client.messages.create(model="claude-haiku-4-5", max_tokens=20, system=system, messages=ASKED)
    assert cached.usage.cache_read_input_tokens > 2000
    hour = [{"type": "text", "text": "for an hour " * 1200, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    asked = [{"type": "text", "text": "what now? " * 1200, "cache_control": {"type": "ephemeral"}}]
    both = client.messages.create(
        model="claude-haiku-4-5", max_tokens=20, system=hour, messages=[{"role": "user", "content": asked}]
    )
    assert both.usage.cache_creation.ephemeral_1h_input_tokens > 1000
    assert both.usage.cache_creation.ephemeral_5m_input_tokens > 1000
    assert not client.messages.create(model="claude-haiku-4-5", max_tokens=0, system=hour, messages=ASKED).content
    assert client.messages.count_tokens(model="claude-haiku-4-5", messages=ASKED).input_tokens
    assert client.models.list().data
    watch.agrees(7)


def test_an_anthropic_batch_is_held_as_a_whole_and_settled_by_its_result(
    gateway: Gateway, watch: Watch, ai: LocalAi
) -> None:
    client = anthropic_client(gateway.base("anthropic"), gateway.key())
    params = {"model": "claude-haiku-4-5", "max_tokens": 50, "messages": ASKED}
    batch = client.messages.batches.create(requests=[{"custom_id": f"r{n}", "params": params} for n in range(2)])
    assert client.messages.batches.retrieve(batch.id).processing_status == "ended"
    assert [row.custom_id for row in client.messages.batches.results(batch.id)] == ["r0", "r1"]
    [call] = watch.new(1)
    assert call.settled == sum(billed_nanos(ai)[watch.billed :]) <= call.bound


def test_anthropic_says_no_in_its_own_errors(gateway: Gateway, watch: Watch, ai: LocalAi) -> None:
    client = anthropic_client(gateway.base("anthropic"), gateway.key())
    with pytest.raises(sdk.anthropic.AuthenticationError):
        anthropic_client(gateway.base("anthropic"), "fsk-wrong").messages.create(
            model="claude-haiku-4-5", max_tokens=5, messages=ASKED
        )
    with pytest.raises(sdk.anthropic.NotFoundError):
        client.messages.create(model="claude-3-haiku-20240307", max_tokens=50, messages=ASKED)
    ai.plant(Fault("overloaded_529", vendor="anthropic"))
    with pytest.raises(sdk.anthropic.APIStatusError) as met:
        client.messages.create(model="claude-haiku-4-5", max_tokens=9, messages=ASKED)
    assert (met.value.status_code, met.value.body["error"]["type"]) == (529, "overloaded_error")
    assert len(billed_nanos(ai)) == watch.billed
    assert [(call.state, call.status) for call in watch.new(2)] == [("released", 404), ("released", 529)]


# Mistral, Hugging Face, Perplexity


def test_mistral_chat_streams_tools_embeddings_and_models(gateway: Gateway, watch: Watch) -> None:
    client = mistral_client(gateway.base("mistral"), gateway.key())
    assert client.chat.complete(model="mistral-small-latest", messages=ASKED, max_tokens=50).choices[0].message.content
    chunks = list(client.chat.stream(model="mistral-small-latest", messages=ASKED, max_tokens=50))
    assert chunks[-1].data.usage.completion_tokens
    called = client.chat.complete(
        model="mistral-large-2512", messages=ASKED, tools=TOOLS, tool_choice="any", max_tokens=200
    )
    assert called.choices[0].message.tool_calls[0].function.name == "get_spend"
    assert len(client.embeddings.create(model="mistral-embed", inputs=["one", "two"]).data) == 2
    assert client.models.list().data
    watch.agrees(4)
    with pytest.raises(sdk.mistral_errors.SDKError) as bad_key:
        mistral_client(gateway.base("mistral"), "wrong").chat.complete(model="mistral-small-latest", messages=ASKED)
    assert bad_key.value.status_code == 401


def test_a_mistral_batch_is_held_as_a_whole_and_settled_by_its_result(
    gateway: Gateway, watch: Watch, ai: LocalAi
) -> None:
    client = mistral_client(gateway.base("mistral"), gateway.key())
    lines = [{"custom_id": str(n), "body": {"messages": ASKED, "max_tokens": 30}} for n in range(2)]
    content = "\n".join(map(json.dumps, lines)).encode()
    file = client.files.upload(file={"file_name": "in.jsonl", "content": content}, purpose="batch")
    job = client.batch.jobs.create(input_files=[file.id], model="mistral-small-latest", endpoint="/v1/chat/completions")
    job = client.batch.jobs.get(job_id=job.id)
    assert (job.status, client.files.download(file_id=job.output_file).read().count(b"\n")) == ("SUCCESS", 2)
    [call] = watch.new(1)
    assert call.settled == sum(billed_nanos(ai)[watch.billed :]) <= call.bound


def test_hugging_face_chat_and_streams(gateway: Gateway, watch: Watch) -> None:
    client = huggingface_client(gateway.base("huggingface"), gateway.key())
    assert client.chat_completion(ASKED, model="openai/gpt-oss-120b:groq", max_tokens=40).choices[0].message.content
    chunks = list(client.chat_completion(ASKED, model="openai/gpt-oss-120b:groq", max_tokens=40, stream=True))
    assert not [chunk for chunk in chunks if chunk.usage]
    watch.agrees(2)
    with pytest.raises(sdk.huggingface_errors.HfHubHTTPError) as bad_key:
        huggingface_client(gateway.base("huggingface"), "hf_wrong").chat_completion(
            ASKED, model="openai/gpt-oss-120b:groq", max_tokens=4
        )
    assert bad_key.value.response.status_code == 401


def test_perplexity_is_settled_at_the_cost_that_it_names(gateway: Gateway, watch: Watch) -> None:
    client = openai_client(gateway.base("perplexity"), gateway.key())
    answer = client.chat.completions.create(model="sonar-pro", messages=ASKED, max_tokens=50)
    chunks = list(client.chat.completions.create(model="sonar", messages=ASKED, max_tokens=50, stream=True))
    assert answer.citations
    assert chunks[-1].usage.cost["total_cost"] > 0
    watch.agrees(2)
    with pytest.raises(sdk.openai.AuthenticationError):
        openai_client(gateway.base("perplexity"), "wrong").chat.completions.create(model="sonar", messages=ASKED)


def test_a_model_of_ones_own_that_speaks_openais_format_is_governed_alike(gateway: Gateway, watch: Watch) -> None:
    client = openai_client(gateway.url + "/vllm/v1", gateway.key())
    assert client.chat.completions.create(model="gpt-4o-mini", messages=ASKED, max_tokens=60).choices
    assert list(client.chat.completions.create(model="gpt-4o-mini", messages=ASKED, max_tokens=60, stream=True))
    assert {(call.upstream, call.provider) for call in watch.agrees(2)} == {("vllm", "In-house")}
