"""Images, speech and transcription in OpenAI's shape. Sources: OpenAI's API reference, its image guide and its model pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, cast

from fiscus.cost.ai.types import Meter, Usage
from fiscus.guardrails.doors.ai.types import AiAsk, Endpoint
from fiscus.guardrails.doors.ai.wires.audio_length import seconds_max
from fiscus.guardrails.doors.ai.wires.bound_input import InputBound
from fiscus.guardrails.doors.ai.wires.multipart import Form, number_in, read_form
from fiscus.guardrails.doors.ai.wires.openai_input import AUDIO_TOKENS_PER_SECOND
from fiscus.guardrails.doors.ai.wires.read_body import (
    SaidTwice,
    deep_refused,
    flag_at,
    number_at,
    optional_text,
    read_document,
    text_at,
)
from fiscus.guardrails.doors.ai.wires.read_usage import count, used
from fiscus.kernel.errors import BadInput, Where

IMAGES_MAX: Final = 128
PARTIALS_MAX: Final = 10
# Tokens of one image by its quality, at the largest of the three sizes that these models draw (1024 x 1536).
IMAGE_OUT_TOKENS: Final = {"low": 408, "medium": 1_584, "high": 6_240, "auto": 6_240, "": 6_240}
IMAGE_IN_TOKENS: Final = 11_000  # an image to be edited, at high fidelity: 4,160 and 6,240 beside the text
PARTIAL_TOKENS: Final = 100
_BY_TOKENS: Final = re.compile(r"gpt-image-1(?:\.5|-mini)?(?:-\d{4}-\d{2}-\d{2})?")
_HEARS_TOKENS: Final = re.compile(r"gpt-4o(?:-mini)?-transcribe.*")
TRANSCRIPT_TOKENS: Final = 2_000  # the longest answer of gpt-4o-transcribe, a chunk where the audio is cut into chunks
CHUNK_SECONDS: Final = 30
SECONDS_MAX: Final = 10_000_000  # a file of audio is no longer


def read_media(endpoint: Endpoint, body: bytes, content_type: str) -> AiAsk:
    """An image, a speech or a transcription that is asked for. Raises BadInput where it cannot be bounded."""
    if content_type.lower().startswith("multipart/"):
        form = read_form(body, content_type)
        ask = _transcription(form) if endpoint == "transcription" else _edited_images(form)
    else:
        document = read_document(body)
        text_at(document, "model")
        with deep_refused():
            ask = _speech(document) if endpoint == "speech" else _images(document)
        ask.document, ask.ambiguous = document, isinstance(document, SaidTwice)
    ask.raw = body
    return ask


def media_usage(ask: AiAsk, answer: Mapping[str, Any]) -> Usage | None:
    """Tokens where the answer counts them; else the seconds or the images that it names."""
    usage = answer.get("usage")
    if not isinstance(usage, dict):
        pictures = answer.get("data")
        if ask.endpoint == "images" and isinstance(pictures, list):
            return Usage({"images": len(pictures)}, ask.model)
        return _heard(ask, answer.get("duration"))
    if usage.get("type") == "duration":
        return _heard(ask, usage.get("seconds"))
    inside = "input_tokens_details" if "input_tokens_details" in usage else "input_token_details"
    audio, images = count(usage, inside, "audio_tokens"), count(usage, inside, "image_tokens")
    out = count(usage, "output_tokens")
    drawn = out - count(usage, "output_tokens_details", "text_tokens") if ask.endpoint == "images" else 0
    cached = count(usage, inside, "cached_tokens")
    return Usage(
        used(
            input=count(usage, "input_tokens") - audio - images - cached,
            cached_input=cached,
            audio_input=audio,
            image_input=images,
            image_output=drawn,
            output=out - drawn,
        ),
        ask.model,
    )


def spoken_usage(ask: AiAsk) -> Usage | None:
    """Speech is answered in sound, without a count: by its characters it is known; by tokens nobody knows."""
    characters = ask.bound.quantities.get("characters")
    return None if characters is None else Usage({"characters": characters}, ask.model)


def _heard(ask: AiAsk, seconds: Any) -> Usage | None:
    """The seconds that the answer names; where it is a bare text, those that were read from the file itself."""
    if not isinstance(seconds, int | float) or not 0 < seconds < SECONDS_MAX:
        own = ask.bound.quantities.get("audio_seconds")
        return None if own is None else Usage({"audio_seconds": own}, ask.model, estimated=True)
    return Usage({"audio_seconds": -(-int(seconds * 1000) // 1000)}, ask.model)


def _images(document: Mapping[str, Any]) -> AiAsk:
    bound = InputBound()
    bound.add(document.get("prompt"))
    given = document.get("images")
    bound.images += IMAGE_IN_TOKENS * len(given) if isinstance(given, list) else 0
    bound.images += IMAGE_IN_TOKENS if document.get("mask") is not None else 0
    n = number_at(document, "n", least=1, most=IMAGES_MAX) or 1
    partials = number_at(document, "partial_images", most=PARTIALS_MAX) or 0
    ask = _drawn(document["model"], bound, n, optional_text(document, "quality"), partials)
    if document.get("svg") is not None or (number_at(document, "frame_count") or 1) > 1:
        cast("dict[Meter, int]", ask.bound.quantities)["tool_calls"] = 1  # drawn by another model, or many times
    ask.stream = flag_at(document, "stream")
    ask.user = optional_text(document, "user")
    return ask


def _edited_images(form: Form) -> AiAsk:
    bound = InputBound()
    bound.add(form.texts.get("prompt", ""))
    bound.images = IMAGE_IN_TOKENS * sum(len(files) for files in form.files.values())
    n, partials = (
        number_in(form.texts, "n", IMAGES_MAX) or 1,
        number_in(form.texts, "partial_images", PARTIALS_MAX) or 0,
    )
    ask = _drawn(_model(form), bound, n, form.texts.get("quality", ""), partials)
    ask.stream = form.texts.get("stream") == "true"
    ask.user = form.texts.get("user", "")
    return ask


def _drawn(model: str, bound: InputBound, n: int, quality: str, partials: int) -> AiAsk:
    """Tokens for models whose sizes are known; an image each for the others: `images` needs a price that bounds one."""
    tokens, prompt_digest = bound.read()
    quantities: dict[Meter, int] = {}
    if _BY_TOKENS.fullmatch(model) and quality in IMAGE_OUT_TOKENS:
        quantities["input"] = tokens
        quantities["image_output"] = n * (IMAGE_OUT_TOKENS[quality] + partials * PARTIAL_TOKENS)
        if bound.images:
            quantities["image_input"] = bound.images
    else:
        quantities["images"] = n
    return AiAsk("images", model, Usage(quantities, model), output_max=0, choices=n, prompt_digest=prompt_digest)


def _speech(document: Mapping[str, Any]) -> AiAsk:
    """Characters for the tts models. What speaks by tokens may speak for as long as it likes: `tool_calls` needs a price."""
    text, model = text_at(document, "input"), document["model"]
    quantities: dict[Meter, int] = {"characters": len(text)}
    if "gpt" in model:
        bound = InputBound()
        bound.add(text)
        bound.add(document.get("instructions"))
        quantities = {"input": bound.read()[0], "tool_calls": 1}
    ask = AiAsk("speech", model, Usage(quantities, model), output_max=0)
    ask.stream = document.get("stream_format") == "sse"
    return ask


def _transcription(form: Form) -> AiAsk:
    model, files = _model(form), form.files.get("file", [])
    if len(files) != 1:
        raise BadInput("The form holds no `file`, or several", remedy="Send one file.", where=Where(key="file"))
    seconds = seconds_max(files[0])
    quantities: dict[Meter, int] = {"audio_seconds": seconds}
    if _HEARS_TOKENS.fullmatch(model):
        bound = InputBound()
        bound.add(form.texts.get("prompt", ""))
        cut = "diarize" in model or "chunking_strategy" in form.texts
        quantities = {
            "input": bound.read()[0],
            "audio_input": seconds * AUDIO_TOKENS_PER_SECOND,
            "output": TRANSCRIPT_TOKENS * (1 + seconds // CHUNK_SECONDS if cut else 1),
        }
    ask = AiAsk("transcription", model, Usage(quantities, model), output_max=0)
    ask.stream = form.texts.get("stream") == "true"
    return ask


def _model(form: Form) -> str:
    model = form.texts.get("model", "")
    if not model:
        raise BadInput("`model` is missing", remedy="Say the model.", where=Where(key="model"))
    return model
