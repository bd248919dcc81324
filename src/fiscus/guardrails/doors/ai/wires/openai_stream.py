"""Streams in OpenAI's shapes: chunks of a chat, and the named events of a response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fiscus.cost.ai.types import Usage
from fiscus.guardrails.doors.ai.types import AiAsk
from fiscus.guardrails.doors.ai.wires.event_stream import EventStream
from fiscus.guardrails.doors.ai.wires.openai_media import media_usage
from fiscus.guardrails.doors.ai.wires.openai_usage import chat_usage, response_usage

_LAST: Final = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})


class ChatStream(EventStream):
    """Chunks. With include_usage, one more comes after the last choice, with none: it goes to those who asked for it."""

    __slots__ = ()

    def __init__(self, ask: AiAsk) -> None:
        super().__init__(ask, strips=not ask.wants_usage)

    def take(self, event: Mapping[str, Any]) -> bool:
        """Each count is of the whole answer so far, so the last one stands."""
        if (usage := self.usage_of(event)) is not None:
            self.usage = usage
        return event.get("choices") != []

    def usage_of(self, event: Mapping[str, Any]) -> Usage | None:
        """The count of one chunk."""
        return chat_usage(self._ask, event)

    def text_of(self, event: Mapping[str, Any]) -> str:
        """The text, the reasoning and the arguments of calls."""
        choices = event.get("choices")
        if not isinstance(choices, list):
            return ""
        return "".join(_texts(c.get("delta") or c.get("text") or "") for c in choices if isinstance(c, dict))


class ResponseStream(EventStream):
    """Named events; the last one carries the whole response, with its usage."""

    __slots__ = ()

    def take(self, event: Mapping[str, Any]) -> bool:
        """Only the events that end a response count."""
        response = event.get("response")
        if event.get("type") in _LAST and isinstance(response, dict):
            self.usage = response_usage(self._ask, response)
        return True

    def text_of(self, event: Mapping[str, Any]) -> str:
        """What a `delta` carries."""
        return _texts(event.get("delta") or "")


class MediaStream(EventStream):
    """Images, speech and transcripts: the event that ends one carries its usage."""

    __slots__ = ()

    def take(self, event: Mapping[str, Any]) -> bool:
        """The last count stands."""
        self.usage = media_usage(self._ask, event) or self.usage
        return True

    def text_of(self, event: Mapping[str, Any]) -> str:
        """What of a transcript came; pictures and sound are no text."""
        return _texts(event.get("delta") or "")


def _texts(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "".join(_texts(item) for key, item in value.items() if key not in {"role", "id", "type"})
    return "".join(_texts(item) for item in value) if isinstance(value, list) else ""
