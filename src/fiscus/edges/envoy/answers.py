"""Process: what came back, read as it passes. Envoy's external processor shows it and waits for nothing (observability mode).

A processor that is not in that mode is answered to each message that nothing is to be changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from fiscus.edges.envoy.authorize import CALL
from fiscus.edges.envoy.messages import Message, ProcessingResponse
from fiscus.edges.envoy.under_way import Going, UnderWay
from fiscus.flows.govern_call import Ended
from fiscus.guardrails.doors.ai.not_billed import NOT_BILLED
from fiscus.guardrails.doors.ai.ports import StreamReader

BODY_BYTES_MAX: Final = 64 * 2**20  # of a whole answer; beyond it nobody reads what it used
EVENTS: Final = "text/event-stream"


@dataclass(slots=True)
class AnswerRead:
    """One request's way through Envoy. `take` each message, `close` when the stream of messages ends."""

    under_way: UnderWay
    going: Going | None = None
    status: int = 0
    reader: StreamReader | None = None
    parts: list[bytes] = field(default_factory=list)
    size: int = 0

    def take(self, message: Message) -> None:
        """What Envoy shows next."""
        kind = message.WhichOneof("one")
        if kind == "request_headers":
            self.going = self.under_way.find(_header(message.request_headers, CALL))
        elif self.going is None:
            return
        elif kind == "response_headers":
            self._begin(message.response_headers)
        elif kind == "response_body":
            self._body(bytes(message.response_body.body))
            if message.response_body.end_of_stream:
                self._end(whole=True)
        elif kind == "response_trailers":
            self._end(whole=True)

    def close(self) -> None:
        """No more is shown. What has not come to its end may have been billed."""
        if self.going is not None:
            self._end(whole=False)

    def _begin(self, headers: Message) -> None:
        assert self.going is not None
        status = _header(headers, ":status")
        self.status = int(status) if status.isdecimal() else 0
        if self.status == 200 and _header(headers, "content-type").partition(";")[0].strip() == EVENTS:
            self.reader = self.going.wire.stream(self.going.let_in.one.sent)
        if headers.end_of_stream:
            self._end(whole=True)

    def _body(self, piece: bytes) -> None:
        if self.reader is not None:
            self.reader.feed(piece)
            return
        self.size += len(piece)
        if self.size <= BODY_BYTES_MAX:
            self.parts.append(piece)

    def _end(self, *, whole: bool) -> None:
        assert self.going is not None
        going, self.going = self.going, None
        self.under_way.end(going.let_in.id, self._ended(going, whole=whole))

    def _ended(self, going: Going, *, whole: bool) -> Ended:
        if self.reader is not None:
            note = "" if whole else "the stream broke off"
            return Ended(self.status, self.reader.usage or self.reader.estimate(), streamed=True, note=note)
        if self.status in NOT_BILLED:
            return Ended(self.status, billed=False, note=f"the vendor answered {self.status}")
        if not whole or not self.status or self.size > BODY_BYTES_MAX:
            return Ended(self.status, note="the answer was lost: charged at its bound")
        if self.status >= 300:
            return Ended(self.status, note=f"the vendor answered {self.status}: it may have been billed")
        usage = going.wire.usage(going.let_in.one.call.ask, b"".join(self.parts))
        return Ended(self.status, usage, note="" if usage else "the answer names no usage: charged at its bound")


def nothing_to_change(message: Message) -> Message | None:
    """The answer to one message; None where Envoy waits for none."""
    if message.observability_mode:
        return None
    answer = ProcessingResponse()
    getattr(answer, message.WhichOneof("one")).SetInParent()
    return answer


def _header(headers: Message, name: str) -> str:
    for one in headers.headers.headers:
        if str(one.key).lower() == name:
            return bytes(one.raw_value).decode("utf-8", "replace") or str(one.value)
    return ""
