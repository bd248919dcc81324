"""What all simulated vendors share: who calls, what goes wrong, what is billed, and how an answer is sent."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from aiohttp import web

from fiscus.connectors.simulated_ai.asking import Answer, Ask, Caller, Piece, Vendor, VendorError, caller_of, compact
from fiscus.connectors.simulated_ai.bill import Bill, BillLine, Part
from fiscus.connectors.simulated_ai.faults import BEFORE, Fault, Faults
from fiscus.connectors.simulated_ai.price_list import Model, cost_lines
from fiscus.connectors.simulated_ai.token_counts import digest
from fiscus.kernel.clock import Clock

Build = Callable[[Ask], Answer]
TYPICAL_OUTPUT_TOKENS: Final = 400  # an answer is seldom longer, however much it may be
STATUS_FAULTS: Final = {
    "error_500": (500, "internal", "The server had an error while processing your request."),
    "error_503": (503, "overloaded", "The server is overloaded or not ready yet."),
    "overloaded_529": (529, "overloaded", "Overloaded"),
    "rate_limited_429": (429, "rate_limited", "Rate limit reached for requests."),
}


@dataclass
class Behaviour:
    """How the vendors answer when nothing is wrong.

    `fill`: the share of the allowed output that each answer uses; None: seeded.
    """

    fill: float | None = None
    latency_seconds: float = 0.0
    piece_seconds: float = 0.0
    tokens_a_piece: int = 4


@dataclass
class Engine:
    """The state of a simulator. `files`: what was uploaded, by vendor and id; `batches` and `limits` likewise."""

    clock: Clock
    bill: Bill
    seed: int = 7
    behaviour: Behaviour = field(default_factory=Behaviour)
    faults: Faults = field(default_factory=Faults)
    files: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    batches: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    limits: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    requests: int = 0  # that reached a vendor, whatever came of them
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))
    _prefixes: set[int] = field(default_factory=set)
    _born: int = 0

    def __post_init__(self) -> None:
        self._born = digest(self.seed, self.clock.now().isoformat(), len(self.bill.lines()))

    def new_id(self, prefix: str) -> str:
        """An id that no other answer of this bill has, even one of a simulator that is started again on it."""
        return f"{prefix}{self._born:016x}{next(self._numbers):08d}"

    def unix(self) -> int:
        """Now, as vendors write it."""
        return int(self.clock.now().timestamp())

    def output_tokens(self, ask: Ask, most: int, *salt: Any) -> int:
        """How long an answer is: it follows from the request, and is never above `most` unless a fault wants it so."""
        if self.behaviour.fill is not None:
            count = max(1, int(most * self.behaviour.fill))
        else:
            count = 1 + digest(self.seed, ask.vendor, ask.endpoint, dict(ask.document), *salt) % min(
                most, TYPICAL_OUTPUT_TOKENS
            )
        if ask.fault and ask.fault.kind == "overbill":
            return most * ask.fault.factor
        return count

    def seen_before(self, *prefix: Any) -> bool:
        """Whether a prompt began so before; from now on it did."""
        number = digest(0, *prefix)
        before = number in self._prefixes
        self._prefixes.add(number)
        return before

    def charge(self, answer: Answer, caller: Caller, ask: Ask, part: Part, meters: Mapping[str, int]) -> None:
        """Write what a part of an answer used. Prices follow from the whole answer's use."""
        costs = cost_lines(answer.model, {**answer.meters, **meters}, answer.tier)
        used = {meter: (quantity, costs[meter]) for meter, quantity in meters.items() if quantity}
        self.bill.add(
            BillLine(
                answer.id, self.clock.now(), ask.vendor, ask.endpoint, answer.model.name, answer.tier, key_id(caller),
                caller.project, part, used,
            )
        )  # fmt: skip

    async def serve(self, request: web.Request, vendor: Vendor, endpoint: str, build: Build) -> web.StreamResponse:
        """One metered request from its key to its bill."""
        self.requests += 1
        try:
            caller = caller_of(vendor, request.headers)
            document, files = await read_body(request, vendor)
            fault = self.faults.take(vendor.name, endpoint, str(document.get("model", "")))
            if fault is not None and fault.kind in BEFORE:
                await self._fail_before(request, vendor, fault)
            ask = Ask(self, vendor.name, endpoint, caller, document, fault, files)
            answer = built(vendor, build, ask)
        except VendorError as error:
            return refused(error)
        wait = self.behaviour.latency_seconds + (fault.seconds if fault and fault.kind == "slow" else 0)
        if wait:
            await asyncio.sleep(wait)
        if answer.pieces:
            return await self._stream(request, ask, answer)
        self.charge(answer, caller, ask, "whole", answer.meters)
        if ask.fault_kind.endswith("_after_billing"):
            return await self._lose(request, vendor, ask)
        return web.Response(body=answer.body, content_type=answer.content_type, headers=answer.headers)

    async def _stream(self, request: web.Request, ask: Ask, answer: Answer) -> web.StreamResponse:
        fault = ask.fault
        before = {meter: count for meter, count in answer.meters.items() if meter != "output"}
        self.charge(answer, ask.caller, ask, "opened", before)
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache", **answer.headers}
        )
        made, billed = 0, False
        pause = fault.seconds if fault and fault.kind == "slow_stream" else self.behaviour.piece_seconds
        pieces = answer.pieces
        try:
            await response.prepare(request)
            for number, piece in enumerate(pieces):
                if _cut(fault, number, piece):
                    break
                if piece.usage and not billed:
                    self.charge(answer, ask.caller, ask, "rest", {"output": answer.meters.get("output", 0)})
                    billed = True
                if pause:
                    await asyncio.sleep(pause)
                made += piece.output_tokens
                await response.write(piece.data)
            else:
                await response.write_eof()
                return response
        except ConnectionError:
            return response
        finally:
            if not billed:  # broken: what was made is billed all the same
                self.charge(answer, ask.caller, ask, "rest", {"output": min(made, answer.meters.get("output", 0))})
        _abort(request)
        return response

    async def _fail_before(self, request: web.Request, vendor: Vendor, fault: Fault) -> NoReturn:
        if fault.kind == "hang_before":
            await self.stopping.wait()
        if fault.kind in {"hang_before", "reset_before"}:
            _abort(request)
            raise web.HTTPServiceUnavailable
        status, kind, message = STATUS_FAULTS[fault.kind]
        error = vendor.refusal(status, kind, message)
        if fault.kind == "rate_limited_429":
            error.headers["Retry-After"] = str(fault.retry_after_seconds)
        raise error

    async def _lose(self, request: web.Request, vendor: Vendor, ask: Ask) -> web.Response:
        if ask.fault_kind == "error_500_after_billing":
            return refused(vendor.refusal(*STATUS_FAULTS["error_500"]))
        if ask.fault_kind == "hang_after_billing":
            await self.stopping.wait()
        _abort(request)
        return web.Response(status=500)


def built(vendor: Vendor, build: Build, ask: Ask) -> Answer:
    """The answer to a request. Raises the vendor's 400 for one whose parts are of another kind than it takes."""
    try:
        return build(ask)
    except (AttributeError, KeyError, TypeError, ValueError) as wrong:
        raise vendor.refusal(400, "invalid", f"Invalid type in the request: {wrong}") from None


def split_pieces(tokens: tuple[str, ...], size: int) -> list[tuple[str, int]]:
    """Text in pieces of so many tokens: (text, tokens)."""
    return [
        ("".join(tokens[at : at + size]), len(tokens[at : at + size])) for at in range(0, len(tokens), max(1, size))
    ]


def key_id(caller: Caller) -> str:
    """How a bill names a key."""
    return f"key_{digest(0, caller.key):016x}"


def reported_output(ask: Ask, count: int) -> int:
    """What the answer says that it made."""
    return count // 2 if ask.fault_kind == "wrong_usage" else count


def refused(error: VendorError) -> web.Response:
    """A vendor's error on the wire."""
    if isinstance(error.body, str):
        return web.Response(status=error.status, text=error.body, content_type="text/html", headers=error.headers)
    return web.Response(
        status=error.status, body=compact(error.body), content_type="application/json", headers=error.headers
    )


async def read_body(request: web.Request, vendor: Vendor) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The JSON of a request or the fields and files of its form; raises the vendor's 400 for neither."""
    if request.content_type == "multipart/form-data":
        form = await request.post()
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        files = {name: value for name, value in form.items() if isinstance(value, web.FileField)}
        named = {f"{name}.filename": value.filename for name, value in files.items()}
        return fields | named, {name: value.file.read() for name, value in files.items()}
    text = await request.read()
    try:
        document = json.loads(text) if text else {}
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise vendor.refusal(400, "invalid", "We could not parse the JSON body of your request.")
    return document, {}


def _cut(fault: Fault | None, number: int, piece: Piece) -> bool:
    return fault is not None and fault.kind == "cut_stream" and (piece.usage or number >= fault.pieces)


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def served_tier(ask: Ask, model: Model, tiers: Mapping[tuple[str, str], object]) -> str:
    """The tier that a request is served in: the one asked for, where the model has it."""
    wanted = str(ask.document.get("service_tier") or "")
    return wanted if (model.name, wanted) in tiers and ask.fault_kind != "downgrade" else "default"
