"""OpenAI's images, transcription and speech on this machine."""

from __future__ import annotations

import base64
import io
import struct
import wave
import zlib
from typing import TYPE_CHECKING, Any, Final

from fiscus.connectors.simulated_ai.asking import Answer, Ask, Piece, compact, event, known_model
from fiscus.connectors.simulated_ai.engine import reported_output
from fiscus.connectors.simulated_ai.token_counts import PNG, digest, text_tokens, words

if TYPE_CHECKING:
    from fiscus.connectors.openai.fakes import SimulatedOpenAI

# gpt-image-1: output tokens of a picture by size and quality, platform.openai.com/docs/guides/image-generation.
IMAGE_TOKENS: Final = {
    "1024x1024": {"low": 272, "medium": 1056, "high": 4160},
    "1024x1536": {"low": 408, "medium": 1584, "high": 6240},
    "1536x1024": {"low": 400, "medium": 1568, "high": 6208},
}
AUDIO_TOKENS_A_SECOND: Final = 10
SPEECH_TOKENS_A_CHARACTER: Final = 0.32  # 20 tokens a second, 16 characters a second
INPUT_IMAGE_TOKENS: Final = 323  # of a picture that is edited


def images(vendor: SimulatedOpenAI, ask: Ask) -> Answer:
    """POST /images/generations and /images/edits. dall-e says no usage: its price is by the picture."""
    model = known_model(vendor, ask.document, "image")
    prompt = ask.document.get("prompt")
    if not isinstance(prompt, str) or not prompt:
        raise vendor.refusal(
            400, "invalid", "Missing required parameter: 'prompt'.", "prompt", "missing_required_parameter"
        )
    count = int(ask.document.get("n") or 1)
    if not 1 <= count <= 10 or (model.name == "dall-e-3" and count > 1):
        raise vendor.refusal(400, "invalid", f"Invalid 'n': {count}.", "n")
    picture = base64.b64encode(_picture(digest(ask.engine.seed, prompt))).decode()
    body: dict[str, Any] = {"created": ask.engine.unix(), "data": [{"b64_json": picture} for _ in range(count)]}
    identity = ask.engine.new_id("img_")
    if model.name == "dall-e-3":
        return Answer(identity, model, "default", {"images": count}, compact(body))
    size, quality = (str(ask.document.get(name) or "auto") for name in ("size", "quality"))
    tokens = IMAGE_TOKENS.get("1024x1024" if size == "auto" else size, {}).get("high" if quality == "auto" else quality)
    if tokens is None:
        raise vendor.refusal(400, "invalid", f"Invalid size or quality: {size}, {quality}.", "size")
    text, shown = text_tokens(prompt), INPUT_IMAGE_TOKENS * len(ask.files)
    output = tokens * count
    said = reported_output(ask, output)
    if ask.fault_kind != "no_usage":
        body["usage"] = {
            "input_tokens": text + shown, "input_tokens_details": {"image_tokens": shown, "text_tokens": text},
            "output_tokens": said, "output_tokens_details": {"image_tokens": said, "text_tokens": 0},
            "total_tokens": text + shown + said,
        }  # fmt: skip
    return Answer(identity, model, "default", {"input": text, "image_input": shown, "output": output}, compact(body))


def transcription(vendor: SimulatedOpenAI, ask: Ask) -> Answer:
    """POST /audio/transcriptions and /audio/translations, a form: by tokens or, for whisper, by seconds."""
    model = known_model(vendor, ask.document, "transcription")
    if "file" not in ask.files:
        raise vendor.refusal(
            400, "invalid", "Missing required parameter: 'file'.", "file", "missing_required_parameter"
        )
    seconds = _seconds(ask.files["file"])
    number = digest(ask.engine.seed, len(ask.files["file"]), seconds)
    spoken = words(number, max(1, seconds * 2))
    text = "".join(spoken)
    identity = ask.engine.new_id("trs_")
    form = str(ask.document.get("response_format") or "json")
    usage: dict[str, Any]
    if model.name == "whisper-1":
        usage, meters = {"type": "duration", "seconds": seconds}, {"seconds": seconds}
    else:
        heard, asked = seconds * AUDIO_TOKENS_A_SECOND, text_tokens(str(ask.document.get("prompt") or ""))
        said = reported_output(ask, len(spoken))
        usage = {
            "type": "tokens", "input_tokens": heard + asked, "output_tokens": said, "total_tokens": heard + asked + said,
            "input_token_details": {"audio_tokens": heard, "text_tokens": asked},
        }  # fmt: skip
        meters = {"input": asked, "audio_input": heard, "output": len(spoken)}
    if ask.document.get("stream") == "true" and model.name != "whisper-1":
        done: dict[str, Any] = {"type": "transcript.text.done", "text": text}
        if ask.fault_kind != "no_usage":
            done["usage"] = usage
        deltas = (Piece(event({"type": "transcript.text.delta", "delta": word}), 1) for word in spoken)
        return Answer(identity, model, "default", meters, pieces=(*deltas, Piece(event(done), usage=True)))
    if form in {"text", "srt", "vtt"}:
        return Answer(identity, model, "default", meters, text.encode() + b"\n", "text/plain")
    body: dict[str, Any] = {"text": text}
    if form == "verbose_json":
        body |= {"task": "transcribe", "language": "english", "duration": float(seconds), "segments": []}
    return Answer(
        identity, model, "default", meters, compact(body if ask.fault_kind == "no_usage" else {**body, "usage": usage})
    )


def speech(vendor: SimulatedOpenAI, ask: Ask) -> Answer:
    """POST /audio/speech: sound, and no word of what it used."""
    model = known_model(vendor, ask.document, "speech")
    text = ask.document.get("input")
    if not isinstance(text, str) or not text or len(text) > 4096:
        raise vendor.refusal(
            400, "invalid", "'input' must have between 1 and 4096 characters.", "input", "string_above_max_length"
        )
    if not ask.document.get("voice"):
        raise vendor.refusal(
            400, "invalid", "Missing required parameter: 'voice'.", "voice", "missing_required_parameter"
        )
    if model.name == "tts-1":
        meters = {"characters": len(text)}
    else:
        meters = {"input": text_tokens(text), "audio_output": max(1, int(len(text) * SPEECH_TOKENS_A_CHARACTER))}
    return Answer(ask.engine.new_id("tts_"), model, "default", meters, _sound(len(text)), "audio/wav")


def _seconds(sound: bytes) -> int:
    """Of a WAV file by its header, of anything else by its size at 16 kB a second; at least one."""
    try:
        with wave.open(io.BytesIO(sound)) as opened:
            return max(1, -(-opened.getnframes() // opened.getframerate()))
    except (wave.Error, EOFError):
        return max(1, len(sound) // 16_000)


def _sound(length: int) -> bytes:
    held = io.BytesIO()
    with wave.open(held, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(1)
        written.setframerate(8000)
        written.writeframes(b"\x80" * min(8000, 80 * length))
    return held.getvalue()


def _picture(number: int) -> bytes:
    """A PNG of one pixel."""

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    pixel = zlib.compress(b"\x00" + (number & 0xFFFFFF).to_bytes(3, "big"))
    return PNG + part(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)) + part(b"IDAT", pixel) + part(b"IEND", b"")
