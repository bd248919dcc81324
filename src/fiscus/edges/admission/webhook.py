"""The webhook as a bare ASGI application: POST /admit, GET /healthz, GET /metrics.

The deadline is inside: whatever hangs, store, lake or thread, the answer is given in time, by the failure policy that the
settings declare, and counted. Of a judgement that comes later than its answer the money is released where the answer was no.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from typing import Any, Final, TypeAlias

from fiscus.cost.price_book import PriceBook
from fiscus.edges.admission.metrics import ANSWERS, FAILURES, GONE, LATE, REFUSED, metrics_text
from fiscus.flows.admit_workload import admit_workload, release_late, settle_gone
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.doors.gate_settings import FailurePolicy
from fiscus.guardrails.doors.kubernetes.known_workloads import KnownWorkloads
from fiscus.guardrails.doors.kubernetes.review import Admission, Review, parse_review, review_answer
from fiscus.kernel.counters import Counters
from fiscus.kernel.errors import FiscusError, LimitExceeded
from fiscus.kernel.limits import ADMISSION_AT_ONCE_MAX, ADMISSION_BODY_BYTES_MAX, ADMISSION_SECONDS_MAX

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
LOG: Final = logging.getLogger(__name__)
JSON: Final = "application/json"
UNJUDGED: Final = 503
TOO_LARGE: Final = LimitExceeded(
    f"The review is larger than {ADMISSION_BODY_BYTES_MAX:,} bytes",
    remedy="Make the object smaller: an API server takes and keeps far less of one.",
)


class Webhook:
    """`standing` gives the workspace and its prices without waiting. `seconds_max` counts from when a request begins."""

    def __init__(
        self,
        standing: Callable[[], tuple[Workspace, PriceBook]],
        counters: Counters,
        seconds_max: float = ADMISSION_SECONDS_MAX,
    ) -> None:
        self._standing = standing
        self._counters = counters
        self._seconds_max = seconds_max
        self._known = KnownWorkloads()
        self._pool = ThreadPoolExecutor(ADMISSION_AT_ONCE_MAX, thread_name_prefix="fiscus-admit")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        method, path = scope["method"], scope["path"]
        if (method, path) == ("POST", "/admit"):
            await self._admit(receive, send)
        elif (method, path) == ("GET", "/healthz"):
            await _answer(send, 200, "text/plain", b"ok\n")
        elif (method, path) == ("GET", "/metrics"):
            await _answer(
                send, 200, "text/plain; version=0.0.4", metrics_text(self._counters, self._standing()[0].counters)
            )
        else:
            await _answer(send, 404, "text/plain", b"POST /admit, GET /healthz, GET /metrics\n")

    def close(self) -> None:
        """No new judgement begins."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _admit(self, receive: Receive, send: Send) -> None:
        ends = asyncio.get_running_loop().time() + self._seconds_max
        try:
            async with asyncio.timeout_at(ends):
                body = await _body(receive)
        except TimeoutError:
            self._counters.count(REFUSED, why="slow")
            await _answer(send, 408, "text/plain", b"the request did not arrive in time\n", close=True)
            return
        if body is None:
            self._counters.count(REFUSED, why="too_large")
            await _answer(send, 413, JSON, json.dumps({"error": TOO_LARGE.as_dict()}).encode(), close=True)
            return
        try:
            review = parse_review(_parsed(body))
        except FiscusError as refused:
            self._counters.count(REFUSED, why="unreadable")
            await _answer(send, 400, JSON, json.dumps({"error": refused.as_dict()}).encode())
            return
        if review.operation == "DELETE":  # never in anybody's way, whatever hangs
            admission = Admission(allowed=True)
            self._pool.submit(self._gone, self._standing()[0], review)
        else:
            admission = await self._judged(review, ends)
        await _answer(send, 200, JSON, json.dumps(review_answer(review.uid, admission)).encode())

    async def _judged(self, review: Review, ends: float) -> Admission:
        ws, book = self._standing()
        future = self._pool.submit(admit_workload, ws, review, self._known, book)
        try:
            async with asyncio.timeout_at(ends):
                admission = await asyncio.wrap_future(_shielded(future))
        except TimeoutError:
            answer = self._failed(ws, "timeout", "it was not judged in time")
            if not future.cancel():
                future.add_done_callback(partial(self._late, ws, answer))
            return answer
        except FiscusError as failed:
            LOG.warning("not judged: %s", failed)
            return self._failed(ws, failed.code, failed.message)
        except Exception:
            LOG.exception("not judged")
            return self._failed(ws, "internal", "Fiscus failed at it")
        labels = {"verdict": admission.verdict, "dry_run": str(review.dry_run).lower()}
        self._counters.count(ANSWERS, **labels)
        return admission

    def _failed(self, ws: Workspace, why: str, said: str) -> Admission:
        """The declared failure policy, the same word as in the manifest."""
        policy: FailurePolicy = ws.config.gates.kubernetes.failure_policy
        allowed = policy == "Ignore"
        self._counters.count(FAILURES, why=why, answer="allowed" if allowed else "denied")
        text = f"Fiscus could not judge this ({said}); failure policy {policy}"
        if allowed:
            return Admission(allowed=True, warnings=(f"{text}: let in unjudged.",), unjudged=True)
        return Admission(allowed=False, message=f"{text}: turned away. Try again.", code=UNJUDGED, unjudged=True)

    def _gone(self, ws: Workspace, review: Review) -> None:
        """After the answer: what was held for it is settled at its hours. What fails is charged when its hold expires."""
        if review.dry_run or review.subresource:
            return
        try:
            if settle_gone(ws, review, self._known):
                self._counters.count(GONE, money="settled")
        except FiscusError as failed:
            self._counters.count(GONE, money="stranded")
            LOG.warning("what was held for %s/%s stays until it expires: %s", review.namespace, review.name, failed)

    def _late(self, ws: Workspace, answer: Admission, future: Future[Admission]) -> None:
        """A judgement after its answer. Where that was no, nothing will run: what it held is released."""
        if future.cancelled() or future.exception() is not None:
            return
        money = future.result().money
        held = money.hold_id if money else ""
        if not held or answer.allowed:
            self._counters.count(LATE, money="kept" if held else "none")
            return
        try:
            release_late(ws, held)
            self._counters.count(LATE, money="released")
        except FiscusError as failed:
            self._counters.count(LATE, money="stranded")
            LOG.warning("hold %s stays until it expires: %s", held, failed)


def _shielded(future: Future[Admission]) -> Future[Admission]:
    """A future that follows another: that nobody waits any longer must not cancel what has begun."""
    follower: Future[Admission] = Future()

    def settle(done: Future[Admission]) -> None:
        if not follower.set_running_or_notify_cancel():
            return
        if done.cancelled():
            follower.set_exception(TimeoutError())
        elif (error := done.exception()) is not None:
            follower.set_exception(error)
        else:
            follower.set_result(done.result())

    future.add_done_callback(settle)
    return follower


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None for one that is too large."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        size += len(message.get("body", b""))
        if size <= ADMISSION_BODY_BYTES_MAX:
            parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts) if size <= ADMISSION_BODY_BYTES_MAX else None


async def _answer(send: Send, status: int, kind: str, body: bytes, *, close: bool = False) -> None:
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    headers += [(b"connection", b"close")] if close else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
