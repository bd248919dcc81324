"""Server-sent events as they pass: found without reading each, forwarded byte for byte, but for what the client did not ask for.

Whoever reads every chunk as JSON pays for it with every token. An answer's usage stands in one or two events; the others are
passed on after a search for the word.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, Final

from fiscus.cost.ai.types import Meter, Usage
from fiscus.guardrails.doors.ai.types import AiAsk
from fiscus.guardrails.doors.ai.wires.read_usage import EXACT_READER

EVENT_BYTES_MAX: Final = (
    64_000_000  # the last event of a long answer carries all of it; a larger one is passed on unread
)
_USAGE: Final = re.compile(rb'"usage"\s*:\s*\{')
_END: Final = re.compile(rb"\n\r?\n")
_OUTPUTS: Final[frozenset[Meter]] = frozenset({"output", "audio_output", "image_output"})


class EventStream(ABC):
    """Reads one streamed answer. A vendor's reader says what an event means (`take`) and what text it carries (`text_of`)."""

    __slots__ = ("_ask", "_bytes", "_events", "_held", "_last", "_strips", "usage")

    def __init__(self, ask: AiAsk, *, strips: bool = False) -> None:
        self.usage: Usage | None = None
        self._ask = ask
        self._strips = strips
        self._held = b""
        self._last = b""
        self._bytes = 0
        self._events = 0

    @abstractmethod
    def take(self, event: Mapping[str, Any]) -> bool:
        """Takes the usage of an event that names one; whether the event goes to the client."""

    @abstractmethod
    def text_of(self, event: Mapping[str, Any]) -> str:
        """The text that an event adds to the answer."""

    def feed(self, piece: bytes) -> bytes:
        """See `StreamReader`."""
        held = self._held
        data = held + piece if held else piece
        end = _last_end(data, max(0, len(held) - 3))
        if not end:
            return self._hold(data, piece)
        ready = data if end == len(data) else data[:end]
        self._held = data[end:]
        self._bytes += end
        self._events += ready.count(b"\n\n") or 1
        self._last = ready
        found = ready if _USAGE.search(ready) is None else self._read(ready)
        return found if self._strips else piece

    def rest(self) -> bytes:
        """See `StreamReader`. A last event without its blank line is read as well."""
        held, self._held = self._held, b""
        if held and _USAGE.search(held) is not None:
            held = self._read(held)
        return held if self._strips else b""

    def estimate(self) -> Usage:
        """See `StreamReader`. What was streamed is the bytes of its text, at least one token an event, at most the bound.

        The text is what the stream had beyond the frames of its events; how long a frame is, the last event says.
        """
        streamed = 0
        if self._events:
            frame = 0
            for event in _events(self._last):
                if (document := _document(event)) is not None:
                    frame = len(event) - len(self.text_of(document).encode("utf-8", "replace"))
            streamed = max(self._events, self._bytes - frame * self._events)
        return self._estimated(streamed)

    def _estimated(self, streamed: int) -> Usage:
        """Of an answer with hidden output nobody knows how much there was: all that was allowed."""
        ask, bound = self._ask, self._ask.bound
        quantities = {meter: n for meter, n in bound.quantities.items() if meter not in _OUTPUTS}
        meter = next((meter for meter in bound.quantities if meter in _OUTPUTS), ask.output_meter)
        most = bound.quantities.get(meter)
        quantities[meter] = streamed if most is None else most if ask.hides_output else min(streamed, most)
        return Usage(
            quantities,
            model=ask.model,
            tier=bound.tier,
            estimated=True,
            rate_factor=bound.rate_factor,
            uncounted=bound.whole_contexts > 0 or ask.hides_output,
        )

    def _hold(self, data: bytes, piece: bytes) -> bytes:
        if len(data) > EVENT_BYTES_MAX:
            self._held = b""
            self._bytes += len(data)
            return data if self._strips else piece
        self._held = data
        return b"" if self._strips else piece

    def _read(self, ready: bytes) -> bytes:
        """Reads the events that name a usage; what goes to the client."""
        kept, done = [], 0
        for found in _USAGE.finditer(ready):
            if found.start() < done:
                continue
            start = max(done, _last_end(ready[: found.start()], done))
            end = following.end() if (following := _END.search(ready, found.end())) else len(ready)
            document = _document(ready[start:end])
            takes = document is None or self.take(document)
            kept.append(ready[done:end] if takes or not self._strips else ready[done:start])
            done = end
        kept.append(ready[done:])
        return b"".join(kept)


def _last_end(data: bytes, start: int) -> int:
    """Where the last whole event of `data` ends (behind its blank line); 0: nowhere. Nothing ends before `start`."""
    plain, carriage = data.rfind(b"\n\n", start), data.rfind(b"\n\r\n", start)
    return max(plain + 2 if plain >= 0 else 0, carriage + 3 if carriage >= 0 else 0)


def _events(data: bytes) -> Iterator[bytes]:
    start = 0
    for end in _END.finditer(data):
        yield data[start : end.end()]
        start = end.end()
    if start < len(data):
        yield data[start:]


def _document(event: bytes) -> Mapping[str, Any] | None:
    """The JSON object of an event's data; None: it has none (`[DONE]`, a comment), or it is broken."""
    lines = [line[5:].strip() for line in event.splitlines() if line.startswith(b"data:")]
    try:
        document = EXACT_READER.decode(b"\n".join(lines).decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
