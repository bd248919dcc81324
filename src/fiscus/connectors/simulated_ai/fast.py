"""Canned chat answers at the speed of a socket, so that a bench measures what stands before the vendor and not the vendor.

Each POST is answered with the same completion, whole or streamed, in OpenAI's or Anthropic's shape by its path. Each is billed;
the bill is written every so often and at the end, not before each answer: no promise is held against this one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from fiscus.connectors.simulated_ai.asking import Caller, compact, event
from fiscus.connectors.simulated_ai.bill import BillLine
from fiscus.connectors.simulated_ai.engine import Engine, key_id
from fiscus.connectors.simulated_ai.price_list import KNOWN, cost_lines

INPUT_TOKENS: Final = 200
OUTPUT_TOKENS: Final = 20
END_OF_HEAD: Final = b"\r\n\r\n"
LENGTH: Final = b"content-length:"
MODELS: Final = {"openai": "gpt-4o-mini", "anthropic": "claude-haiku-4-5"}


class _Canned(asyncio.Protocol):
    """One connection: requests one after the other, each with its length."""

    answers: dict[tuple[bool, bool], bytes]
    counts: dict[str, int]

    def __init__(self) -> None:
        self._held = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        held = self._held + data if self._held else data
        assert self._transport is not None
        while (end := held.find(END_OF_HEAD)) >= 0:
            head = held[:end].lower()
            at = head.find(LENGTH)
            size = int(head[at + len(LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            whole = end + len(END_OF_HEAD) + size
            if len(held) < whole:
                break
            body = held[end + len(END_OF_HEAD) : whole]
            anthropic = b"/anthropic" in head[: head.find(b"\r\n")]
            streamed = b'"stream":true' in body or b'"stream": true' in body
            self.counts["anthropic" if anthropic else "openai"] += 1
            self._transport.write(self.answers[anthropic, streamed])
            held = held[whole:]
        self._held = held


async def serve_fast(engine: Engine, port: int, ready: Callable[[int], None]) -> None:
    """Listen on loopback until `engine.stopping` is set; then write the bill, a line a vendor."""
    counts = dict.fromkeys(MODELS, 0)
    canned = type("Canned", (_Canned,), {"answers": canned_answers(), "counts": counts})
    server = await asyncio.get_running_loop().create_server(canned, "127.0.0.1", port)
    ready(server.sockets[0].getsockname()[1])
    await engine.stopping.wait()
    server.close()
    for vendor, requests in counts.items():
        _bill(engine, vendor, requests)
    engine.bill.close()


def _bill(engine: Engine, vendor: str, requests: int) -> None:
    model = KNOWN[vendor, MODELS[vendor]]
    meters = {"input": INPUT_TOKENS * requests, "output": OUTPUT_TOKENS * requests}
    costs = cost_lines(model, meters, "default")
    used = {meter: (quantity, costs[meter]) for meter, quantity in meters.items()}
    key = key_id(Caller("", "bench"))
    line = BillLine(
        engine.new_id(f"{requests}-"),
        engine.clock.now(),
        vendor,
        "chat",
        model.name,
        "default",
        key,
        "bench",
        "whole",
        used,
    )
    engine.bill.add(line)


def canned_answers() -> dict[tuple[bool, bool], bytes]:
    return {
        (anthropic, streamed): _answer(anthropic=anthropic, streamed=streamed)
        for anthropic in (False, True)
        for streamed in (False, True)
    }


def _answer(*, anthropic: bool, streamed: bool) -> bytes:
    parts = (_anthropic_events() if anthropic else _openai_events()) if streamed else []
    if not streamed:
        body = compact(_message() if anthropic else _completion())
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body
    chunks = b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts) + b"0\r\n\r\n"
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks


def _completion() -> dict[str, object]:
    usage = {
        "prompt_tokens": INPUT_TOKENS,
        "completion_tokens": OUTPUT_TOKENS,
        "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
    }
    message = {"role": "assistant", "content": "word " * OUTPUT_TOKENS}
    return {
        "id": "chatcmpl-fast", "object": "chat.completion", "created": 1_790_000_000, "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage, "service_tier": "default",
    }  # fmt: skip


def _message() -> dict[str, object]:
    return {
        "id": "msg_fast", "type": "message", "role": "assistant", "model": "claude-haiku-4-5-20251001", "stop_sequence": None,
        "content": [{"type": "text", "text": "word " * OUTPUT_TOKENS}], "stop_reason": "end_turn",
        "usage": {"input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS},
    }  # fmt: skip


def _openai_events() -> list[bytes]:
    head = {
        "id": "chatcmpl-fast",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": "gpt-4o-mini-2024-07-18",
    }
    words = [
        event({**head, "choices": [{"index": 0, "delta": {"content": "word "}, "finish_reason": None}]})
        for _ in range(OUTPUT_TOKENS)
    ]
    end = event({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    return [*words, end, event({**head, "choices": [], "usage": _completion()["usage"]}), event(b"[DONE]")]


def _anthropic_events() -> list[bytes]:
    opening = {
        **_message(),
        "content": [],
        "stop_reason": None,
        "usage": {"input_tokens": INPUT_TOKENS, "output_tokens": 1},
    }
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "word "}}
    end = {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": OUTPUT_TOKENS},
    }
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    return [
        event({"type": "message_start", "message": opening}, "message_start"), event(block, "content_block_start"),
        *[event(delta, "content_block_delta")] * OUTPUT_TOKENS,
        event({"type": "content_block_stop", "index": 0}, "content_block_stop"), event(end, "message_delta"),
        event({"type": "message_stop"}, "message_stop"),
    ]  # fmt: skip
