"""Images, speech and transcripts are bounded from what the request holds; a batch is bounded as a whole."""

from __future__ import annotations

import io
import struct
import wave
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ai_bodies import CHAT_ANSWER, MESSAGE_ANSWER, body, chat, message, sse

from fiscus.cost.ai.price_table import price_table_of
from fiscus.cost.ai.price_usage import nanos_of, priced
from fiscus.guardrails.doors.ai.wires import wire_named
from fiscus.guardrails.doors.ai.wires.audio_length import seconds_max
from fiscus.guardrails.doors.ai.wires.batches import batch_nanos
from fiscus.kernel.errors import BadInput

OPENAI, ANTHROPIC, MISTRAL = wire_named("openai"), wire_named("anthropic"), wire_named("mistral")


def form(fields: dict[str, str], file: bytes | None = None, boundary: str = "b0und") -> tuple[bytes, str]:
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode() for k, v in fields.items()
    ]
    if file is not None:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'.encode()
        parts.append(head + file + b"\r\n")
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def wav(seconds: float, rate: int = 8_000) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"\0\0" * int(rate * seconds))
    return out.getvalue()


def mp3(frames: int) -> bytes:
    """128 kbit/s at 44,100 Hz: 417 bytes and 1,152 samples a frame."""
    return (b"\xff\xfb\x90\x00" + bytes(413)) * frames


def mp4(seconds: int) -> bytes:
    head = b"\0\0\0\x18ftypM4A \0\0\0\0M4A isom"
    return head + b"\0\0\0\x6cmvhd" + bytes(12) + struct.pack(">II", 1_000, seconds * 1_000) + bytes(80)


def flac(seconds: int) -> bytes:
    return b"fLaC" + bytes(14) + ((44_100 << 44) | (seconds * 44_100)).to_bytes(8, "big") + bytes(20)


def opus(seconds: int) -> bytes:
    first = b"OggS\0\x02" + bytes(22) + b"OpusHead" + bytes(20)
    return first + b"OggS\0\x04" + struct.pack("<q", seconds * 48_000) + bytes(14)


TAG = b"ID3\x04\0\0\0\0\0\x0a" + bytes(10)


@pytest.mark.parametrize(
    ("data", "seconds"),
    [
        (wav(12), 12),
        (wav(0.5), 0.5),
        (mp3(1000), 26.1),
        (TAG + mp3(100), 2.6),
        (mp4(75), 75),
        (flac(9), 9),
        (opus(31), 31),
    ],
    ids=["wav", "short wav", "mp3", "tagged mp3", "m4a", "flac", "opus"],
)
def test_the_length_of_audio_is_read_from_its_frames(data: bytes, seconds: float) -> None:
    assert seconds <= seconds_max(data) <= seconds + 1.2


def test_audio_whose_header_claims_less_is_as_long_as_its_bytes() -> None:
    data = bytearray(wav(60))
    struct.pack_into("<I", data, 40, 16)
    assert seconds_max(bytes(data)) >= 60
    assert seconds_max(b"nobody knows" * 1_000) >= 40


@given(
    st.binary(max_size=400), st.sampled_from([b"", b"RIFF0000WAVE", b"fLaC", b"OggS", b"0000ftyp", b"ID3", b"\xff\xfb"])
)
def test_any_bytes_have_a_length(data: bytes, start: bytes) -> None:
    assert seconds_max(start + data) >= 1


def test_a_transcription_is_bounded_by_its_seconds() -> None:
    data, kind = form({"model": "whisper-1"}, wav(12))
    ask = OPENAI.read("transcription", data, kind)
    assert ask.bound.quantities == {"audio_seconds": 13}
    assert ask.document is None
    answer = {"text": "..", "usage": {"type": "duration", "seconds": 12.0}}
    assert OPENAI.usage(ask, body(answer)).quantities == {"audio_seconds": 12}
    assert OPENAI.usage(ask, body({"text": "..", "duration": 11.4})).quantities == {"audio_seconds": 12}
    bare = OPENAI.usage(ask, b"plain text")
    assert (bare.quantities, bare.estimated) == ({"audio_seconds": 13}, True)


def test_a_transcription_by_tokens_is_bounded_by_tokens() -> None:
    data, kind = form({"model": "gpt-4o-transcribe", "prompt": "names"}, wav(12))
    ask = OPENAI.read("transcription", data, kind)
    assert ask.bound.quantities["audio_input"] == 130
    assert ask.bound.quantities["output"] == 2_000
    usage = {
        "type": "tokens",
        "input_tokens": 14,
        "output_tokens": 45,
        "input_token_details": {"audio_tokens": 14, "text_tokens": 0},
    }
    assert OPENAI.usage(ask, body({"text": "..", "usage": usage})).quantities == {"audio_input": 14, "output": 45}


@pytest.mark.parametrize("fields", [{}, {"model": ""}], ids=["no model", "an empty model"])
def test_a_form_without_a_model_is_refused(fields) -> None:
    data, kind = form(fields, wav(1))
    with pytest.raises(BadInput, match="model"):
        OPENAI.read("transcription", data, kind)


def test_a_form_that_is_cut_off_or_says_its_model_twice_is_refused() -> None:
    data, kind = form({"model": "whisper-1"}, wav(1))
    with pytest.raises(BadInput):
        OPENAI.read("transcription", data[:-30], kind)
    twice = data.replace(
        b"--b0und\r\n", b'--b0und\r\nContent-Disposition: form-data; name="model"\r\n\r\ncheap\r\n--b0und\r\n', 1
    )
    with pytest.raises(BadInput, match="twice"):
        OPENAI.read("transcription", twice, kind)
    with pytest.raises(BadInput, match="multipart"):
        OPENAI.read("transcription", data, "multipart/mixed")


def test_speech_is_priced_by_its_characters() -> None:
    ask = OPENAI.read("speech", body({"model": "tts-1", "input": "grüezi", "voice": "alloy"}), "application/json")
    assert ask.bound.quantities == {"characters": 6}
    assert OPENAI.usage(ask, b"\xff\xfb\x90").quantities == {"characters": 6}
    longer = OPENAI.read("speech", body({"model": "gpt-4o-mini-tts", "input": "x", "voice": "alloy"}), "")
    assert longer.bound.quantities["tool_calls"] == 1, "nobody knows for how long it speaks"


def test_images_are_bounded_by_their_quality_and_number() -> None:
    def drawn(**more):
        return OPENAI.read("images", body({"model": "gpt-image-1.5", "prompt": "a cat", **more}), "").bound.quantities

    assert drawn()["image_output"] == 6_240
    assert drawn(quality="low", n=3, partial_images=2)["image_output"] == 3 * (408 + 200)
    assert "image_output" not in drawn(quality="max")
    assert drawn(model="dall-e-3") == {"images": 1}
    assert drawn(model="gpt-image-2", frame_count=9)["tool_calls"] == 1


def test_images_are_counted_as_the_answer_says() -> None:
    ask = OPENAI.read("images", body({"model": "gpt-image-1.5", "prompt": "a cat"}), "")
    usage = {
        "input_tokens": 50,
        "input_tokens_details": {"image_tokens": 10, "text_tokens": 40},
        "output_tokens": 1056,
        "output_tokens_details": {"image_tokens": 1056, "text_tokens": 0},
    }
    answer = {"created": 1, "data": [{"b64_json": "..."}], "usage": usage}
    assert OPENAI.usage(ask, body(answer)).quantities == {"input": 40, "image_input": 10, "image_output": 1056}
    old = OPENAI.read("images", body({"model": "dall-e-2", "prompt": "x", "n": 2}), "")
    assert OPENAI.usage(old, body({"data": [{}, {}]})).quantities == {"images": 2}


def test_an_image_that_is_drawn_in_a_stream_is_counted_at_its_end() -> None:
    ask = OPENAI.read("images", body({"model": "gpt-image-1.5", "prompt": "x", "stream": True}), "")
    usage = {"input_tokens": 5, "output_tokens": 9, "input_tokens_details": {"image_tokens": 0, "text_tokens": 5}}
    data = sse(
        {"type": "image_generation.partial_image", "b64_json": "A"},
        {"type": "image_generation.completed", "usage": usage},
    )
    reader = OPENAI.stream(ask)
    assert reader.feed(data) == data
    assert reader.usage.quantities == {"input": 5, "image_output": 9}


RATES = {"standard": {"input": "2", "output": "8"}, "batch": {"input": "1", "output": "4"}}
TABLE = price_table_of(
    {
        "format": "fiscus/ai-prices/1",
        "source": "a test",
        "providers": {
            "any": [
                {"id": "limited", "match": ["^", "gpt"], "prices": [{"rates": RATES}], "output_tokens_max": 1000},
                {"id": "unlimited", "match": ["|", ["^", "claude"], ["^", "mist"]], "prices": [{"rates": RATES}]},
            ]
        },
    }
)


def _price(model: str):
    return TABLE.price("any", model, date(2026, 11, 26))


def _line(**more) -> bytes:
    return body({"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": chat(**more)})


BATCH = {"input_file_id": "file-1", "endpoint": "/v1/chat/completions", "completion_window": "24h"}


def test_a_batch_is_bounded_line_by_line_at_the_batch_rates() -> None:
    ask = OPENAI.read("batches", body(BATCH), "")
    assert OPENAI.batch_files(ask) == ("/v1/files/file-1/content",)
    parts = list(OPENAI.batch_parts(ask, [[_line(max_tokens=100), b"", _line(n=2), b""]]))
    assert [part.tier for part in parts] == ["batch", "batch"]
    inputs = sum(part.bound.quantities["cache_write"] for part in parts)
    assert batch_nanos(parts, _price) == inputs * 1_000 + (100 + 2 * 1000) * 4_000


def test_a_batch_has_no_price_of_its_own() -> None:
    ask = OPENAI.read("batches", body(BATCH), "")
    assert _price(ask.model) is None


def test_a_batch_without_an_end_or_a_price_has_no_bound() -> None:
    ask = OPENAI.read("batches", body(BATCH), "")
    assert batch_nanos(OPENAI.batch_parts(ask, [[_line(model="claude")]]), _price) is None
    assert batch_nanos(OPENAI.batch_parts(ask, [[_line(model="other", max_tokens=1)]]), _price) is None


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        body({"custom_id": "1"}),
        _line(max_tokens=-1),
        body({"url": "/v1/responses", "body": chat()}),
        body(
            {"body": {"model": "gpt-5", "input": "x", "tools": [{"type": "web_search"}]}, "url": "/v1/chat/completions"}
        ),
    ],
)
def test_a_line_that_cannot_be_bounded_is_named(content: bytes) -> None:
    ask = OPENAI.read("batches", body(BATCH), "")
    with pytest.raises(BadInput) as fault:
        list(OPENAI.batch_parts(ask, [[_line(), *content.split(b"\n")]]))
    assert fault.value.where.line == 2


@pytest.mark.parametrize("name", ["../../v1/files/x", "", "a/b", "a b"])
def test_an_id_leads_nowhere_else(name: str) -> None:
    ask = OPENAI.read("batches", body({**BATCH, "input_file_id": name}), "")
    with pytest.raises(BadInput):
        OPENAI.batch_files(ask)


def test_what_stands_twice_in_a_batch_is_refused_since_a_file_cannot_be_written_anew() -> None:
    twice = _line()[:-1] + b',"body":{"model":"gpt-4o","messages":[]}}'
    ask = OPENAI.read("batches", body({"input_file_id": "file-1", "endpoint": "/v1/chat/completions"}), "")
    with pytest.raises(BadInput, match="twice"):
        list(OPENAI.batch_parts(ask, [[twice]]))
    with pytest.raises(BadInput, match="twice"):
        ANTHROPIC.read("batches", b'{"requests":[],"requests":[]}', "")


def test_anthropics_batch_stands_in_its_body() -> None:
    document = {"requests": [{"custom_id": str(n), "params": message(max_tokens=10)} for n in range(3)]}
    ask = ANTHROPIC.read("batches", body(document), "")
    assert ANTHROPIC.batch_files(ask) == ()
    parts = list(ANTHROPIC.batch_parts(ask, []))
    assert [part.bound.tier for part in parts] == ["batch"] * 3
    assert batch_nanos(parts, _price) == sum(p.bound.quantities["input"] for p in parts) * 1_000 + 30 * 4_000


def test_mistrals_batch_is_of_one_model() -> None:
    requests = [{"custom_id": "1", "body": {"messages": [{"role": "user", "content": "x"}], "max_tokens": 7}}]
    document = {"endpoint": "/v1/chat/completions", "model": "mistral-small-latest", "requests": requests}
    ask = MISTRAL.read("batches", body(document), "")
    (part,) = MISTRAL.batch_parts(ask, [])
    assert (part.model, part.output_max, part.tier) == ("mistral-small-latest", 7, "batch")
    filed = MISTRAL.read("batches", body({**document, "requests": None, "input_files": ["a", "b"]}), "")
    assert MISTRAL.batch_files(filed) == ("/v1/files/a/content", "/v1/files/b/content")


def test_what_a_job_came_to_is_read_from_its_results() -> None:
    running = {"object": "batch", "id": "batch_1", "status": "in_progress"}
    assert OPENAI.batch_job(body(running)).ended is False
    done = OPENAI.batch_job(body({**running, "status": "completed", "output_file_id": "file-2"}))
    assert (done.id, done.ended, done.results) == ("batch_1", True, ("/v1/files/file-2/content",))
    ended = {"type": "message_batch", "id": "msgbatch_1", "processing_status": "ended"}
    assert ANTHROPIC.batch_job(body(ended)).results == ("/v1/messages/batches/msgbatch_1/results",)
    mistral = MISTRAL.batch_job(body({"object": "batch", "id": "j", "status": "SUCCESS", "output_file": "f"}))
    assert (mistral.ended, mistral.results) == (True, ("/v1/files/f/content",))
    assert OPENAI.batch_job(body(CHAT_ANSWER)) is None


@pytest.mark.parametrize(
    ("said", "ended", "used", "silent"),
    [
        ({"status": "queued", "usage": None}, False, 0, False),
        ({"status": "completed", "usage": {"input_tokens": 3, "output_tokens": 4}}, True, 1, False),
        ({"status": "failed", "usage": None}, True, 0, False),
        ({"status": "cancelled", "usage": None}, True, 0, True),
    ],
)
def test_a_response_in_the_background_is_a_job_that_says_itself_what_it_used(
    said: dict, ended: bool, used: int, silent: bool
) -> None:
    job = OPENAI.batch_job(body({"object": "response", "id": "resp_1", "model": "gpt-4.1", **said}))
    assert (job.ended, len(job.used), job.silent) == (ended, used, silent)
    assert OPENAI.batch_path(job.id) == "/v1/responses/resp_1"


def test_results_are_priced_at_the_batch_rates_and_failures_cost_nothing() -> None:
    answered = body({"custom_id": "1", "response": {"status_code": 200, "body": CHAT_ANSWER}, "error": None})
    failed = body({"custom_id": "2", "response": {"status_code": 400, "body": {"error": {}}}})
    (usage,) = OPENAI.batch_results([answered, failed, b""])
    assert usage.tier == "batch"
    assert nanos_of(priced(_price("gpt-4o"), usage)) == (86 + 1920) * 1_000 + 300 * 4_000
    succeeded = body({"custom_id": "1", "result": {"type": "succeeded", "message": MESSAGE_ANSWER}})
    errored = body({"custom_id": "2", "result": {"type": "errored", "error": {}}})
    (usage,) = ANTHROPIC.batch_results([succeeded, errored])
    assert (usage.tier, usage.quantities["output"]) == ("batch", 393)
