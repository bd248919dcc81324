"""What an OpenAI-shaped request makes its model read: messages, items, parts, tools. Bounded from above.

Sources: OpenAI's API reference (chat completions, responses) and its guides on images and audio.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fiscus.guardrails.doors.ai.wires.bound_input import MESSAGE_TOKENS, InputBound
from fiscus.guardrails.doors.ai.wires.read_body import objects_at
from fiscus.kernel.errors import BadInput, Where

# Tokens of one image, whatever its size: images are scaled down first. Tiles: 85 + 170 x 8 (a 768 x 2048 image has 8 tiles), for
# gpt-4o-mini 2833 + 5667 x 8. Patches: 2,500 at `high`, 10,000 at `original`, times at most 2.46 (gpt-4.1-nano).
IMAGE_TOKENS_LOW: Final = 3_000
IMAGE_TOKENS_HIGH: Final = 6_200
IMAGE_TOKENS_ORIGINAL: Final = 24_600
IMAGE_TOKENS_MINI: Final = 48_200  # gpt-4o-mini, whose image tokens are many and cheap
# MPEG audio has at least 8 kbit/s, PCM more; a token is 100 ms of audio.
AUDIO_BYTES_PER_SECOND_MIN: Final = 1_000
AUDIO_TOKENS_PER_SECOND: Final = 10
_IMAGES: Final = frozenset({"image_url", "input_image", "computer_screenshot", "image_generation_call", "image"})
_OPEN: Final = frozenset(
    # what names content that the request does not carry, or whose length its bytes do not tell
    {"file", "input_file", "item_reference", "video_url", "input_video", "document_url", "compaction", "file_url"}
)
_MEDIA: Final = frozenset({"image_url", "file_id", "result", "input_audio", "audio_url", "image"})


def read_messages(document: Mapping[str, Any], bound: InputBound) -> None:
    """The messages of a chat. Raises BadInput where there are none."""
    messages = objects_at(document, "messages")
    if not messages:
        raise BadInput("`messages` is missing", remedy="Send a list of messages.", where=Where(key="messages"))
    model = str(document.get("model", ""))
    bound.around += MESSAGE_TOKENS * len(messages)
    for message in messages:
        for key, value in message.items():
            if isinstance(value, str):
                bound.texts.append(value)
            elif key == "content" and isinstance(value, list):
                for part in value:
                    read_part(part, model, bound)
            elif key == "audio" and isinstance(value, dict):  # an earlier spoken answer, by its id
                bound.whole_contexts = max(bound.whole_contexts, 1)
            else:
                bound.add(value)


def read_items(value: Any, model: str, bound: InputBound) -> None:
    """The `input` of a response: a text, or items that are messages, calls, their results and references."""
    if isinstance(value, str):
        bound.add(value)
    elif isinstance(value, list):
        for item in value:
            bound.around += MESSAGE_TOKENS
            read_part(item, model, bound)
    elif value is not None:
        raise BadInput("`input` is neither a text nor a list", remedy="Send either.", where=Where(key="input"))


def read_part(part: Any, model: str, bound: InputBound) -> None:
    """One part of a message, or an item with parts of its own."""
    if not isinstance(part, dict):
        bound.add(part)
        return
    kind = part.get("type")
    if kind in _IMAGES:
        bound.images += image_tokens_max(model, _detail(part))
        bound.pictures += 1
    elif kind == "input_audio":
        _read_audio(part.get("input_audio"), bound)
    elif kind in _OPEN:
        bound.whole_contexts = max(bound.whole_contexts, 1)
        return
    media = kind in _IMAGES or kind == "input_audio"
    for key, value in part.items():
        if media and key in _MEDIA:
            continue
        if key in {"content", "output", "summary"} and isinstance(value, list | dict) and value != part:
            _read_nested(value, model, bound)
        else:
            bound.add(value)


def image_tokens_max(model: str, detail: str) -> int:
    """The most tokens that one image is read as."""
    if "4o-mini" in model:
        return IMAGE_TOKENS_MINI
    if detail == "low":
        return IMAGE_TOKENS_LOW
    return IMAGE_TOKENS_HIGH if detail == "high" else IMAGE_TOKENS_ORIGINAL


def _read_nested(value: Any, model: str, bound: InputBound) -> None:
    if isinstance(value, list):
        for item in value:
            read_part(item, model, bound)
    else:
        read_part(value, model, bound)


def _detail(part: Mapping[str, Any]) -> str:
    image = part.get("image_url")
    detail = image.get("detail") if isinstance(image, dict) else part.get("detail")
    return detail if isinstance(detail, str) else "auto"


def _read_audio(audio: Any, bound: InputBound) -> None:
    """Audio in base64: its bytes bound its length. At an address, it may be as long as the context."""
    data = audio.get("data") if isinstance(audio, dict) else audio
    if not isinstance(data, str):
        raise BadInput("`input_audio` has no data", remedy="Send its `data` in base64.", where=Where(key="input_audio"))
    if data.startswith(("http://", "https://")):
        bound.whole_contexts = max(bound.whole_contexts, 1)
    bound.audio_seconds += len(data) * 3 // 4 // AUDIO_BYTES_PER_SECOND_MIN + 1
