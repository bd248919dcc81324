"""What the gateway says itself: refusals in the vendor's shape, and the headers about money."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from fiscus.cost.ai.types import AiCall
from fiscus.flows.govern_call import GovernCalls, LetIn
from fiscus.guardrails.doors.ai.ports import Wire
from fiscus.guardrails.doors.ai.settings import Upstream
from fiscus.guardrails.doors.ai.types import Refused
from fiscus.kernel.money import from_nanos

DECISION: Final = "x-fiscus-decision"
COST: Final = "x-fiscus-cost"
COST_MAX: Final = "x-fiscus-cost-max"  # of a stream, whose head is sent before anybody knows
HEADROOM: Final = "x-fiscus-headroom"
DEGRADED: Final = "x-fiscus-degraded"
WARNING: Final = "x-fiscus-warning"
HEADER_CHARS_MAX: Final = 400
ESTIMATES: Final = frozenset({"estimated", "unknown"})


def about(let_in: LetIn, call: AiCall | None = None) -> Mapping[str, str]:
    """The headers of an answer. `call`: how it ended, where that is known before the head is sent."""
    headers = {DECISION: let_in.decision_id}
    if call is not None:
        headers[COST] = (
            f"{from_nanos(call.settled):f} {call.currency}{' (estimate)' if call.state in ESTIMATES else ''}"
        )
    else:
        headers[COST_MAX] = f"{from_nanos(let_in.one.nanos):f} {let_in.one.price.currency}"
    if let_in.headroom:
        headers[HEADROOM] = _one_line(let_in.headroom)
    if let_in.verdict == "degrade":
        headers[DEGRADED] = _one_line(let_in.one.change.model or let_in.said[0])
    if let_in.verdict == "warn" and let_in.said:
        headers[WARNING] = _one_line(" ".join(let_in.said))
    return headers


def refusal(wire: Wire, why: Refused) -> web.Response:
    """A refusal as the vendor's client expects an error."""
    status, body = wire.refusal(why)
    headers = {DECISION: why.decision_id} if why.decision_id else {}
    if why.retry_after_seconds is not None:
        headers["Retry-After"] = str(why.retry_after_seconds)
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)


def refused_before(governs: GovernCalls, upstream: Upstream, wire: Wire, why: Refused) -> web.Response:
    """Of a request that nobody can be charged for: no key, or nothing that can be read. Counted, and not kept."""
    governs.count_refused(upstream, why)
    return refusal(wire, why)


def refused_answer(wire: Wire, let_in: LetIn, message: str) -> web.Response:
    """An upstream that gave no answer, said as the vendor says that it is not there."""
    return refusal(wire, Refused("unavailable", message, let_in.decision_id))


def plain(status: int, message: str) -> web.Response:
    """An answer to what belongs to no vendor."""
    return web.json_response({"error": {"message": message, "type": "fiscus"}}, status=status)


def _one_line(text: str) -> str:
    """Header values are ASCII without line ends (RFC 9110, 5.5)."""
    return text.encode("ascii", "replace").decode().replace("\r", " ").replace("\n", " ")[:HEADER_CHARS_MAX]
