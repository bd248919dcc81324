"""Check: whether a request may go on, with its money held. The same wires, keys, prices, paces and ledger as the gateway.

Envoy sends a request on as it is: its external authorization may change headers, never the body. So what the gateway would write
into a request has to be there already, or is refused: a cheaper model is named in the refusal instead of put in its place, and a
call that sets no end to its answer is bounded by the most that its model can answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Final

from fiscus.app.gateway import Governing
from fiscus.cost.ai.types import Usage
from fiscus.edges.envoy.told import Allowed, Denied, Told
from fiscus.edges.envoy.under_way import Going, UnderWay
from fiscus.flows.govern_call import Ended, LetIn
from fiscus.guardrails.doors.ai.asked_call import AskedCall, Bounded, bounded
from fiscus.guardrails.doors.ai.ports import Wire
from fiscus.guardrails.doors.ai.said_in_headers import ASKED_WITH, called, forbidden
from fiscus.guardrails.doors.ai.settings import Upstream
from fiscus.guardrails.doors.ai.types import AiAsk, CallerScope, Refused, Rewrite
from fiscus.kernel.errors import BadInput

CALL: Final = "x-fiscus-call"  # on the request to the upstream: by it the answer is told to belong to the call
DECISION: Final = "x-fiscus-decision"
BATCH: Final = "A batch is settled by results that Envoy never shows: send it to Fiscus's own gateway"
GAVE_UP: Final = "Envoy gave up asking before it was answered"
CHECKS: Final = "fiscus_envoy_checks_total"
CREDENTIAL_HEADERS: Final = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
ANSWER_CHARS_MAX: Final = 400


@dataclass(slots=True)
class Authorizer:
    """Answers checks on one event loop. `now` in seconds, monotonic; `governing` is what stands between two reloads."""

    governing: Callable[[], Governing]
    under_way: UnderWay
    threads: Executor
    now: Callable[[], float]

    async def check(self, told: Told) -> Allowed | Denied:
        """The answer, whatever the request is."""
        stands = self.governing()
        answer, why = await self._answered(told, stands)
        said = "allowed" if isinstance(answer, Allowed) else "denied"
        stands.governs.ws.counters.count(CHECKS, answer=said, why=why)
        return answer

    async def _answered(self, told: Told, stands: Governing) -> tuple[Allowed | Denied, str]:
        upstream = stands.settings.upstreams.get(told.upstream)
        if upstream is None:
            return _unknown(told.upstream), "unknown_upstream"
        wire = stands.wires[upstream.name]
        caller = stands.ring.caller(wire.credential(told.headers), stands.governs.ws.clock.now())
        if isinstance(caller, Refused):
            return _denied(wire, caller), caller.kind
        door = _Door(self, stands, told, wire, upstream, caller)
        return await door.answer()


@dataclass(slots=True)
class _Door:
    """One request with everything that it needs."""

    service: Authorizer
    stands: Governing
    told: Told
    wire: Wire
    upstream: Upstream
    caller: CallerScope

    async def answer(self) -> tuple[Allowed | Denied, str]:
        endpoint = self.wire.endpoint(self.told.method, self.told.path)
        if endpoint == "free" or (endpoint is None and self.upstream.unknown == "pass"):
            why = self._why_not(AiAsk("free", "", Usage({})))
            return (_denied(self.wire, why), why.kind) if why else (self._on(None), "free")
        if endpoint is None or endpoint == "batches":
            said = f"Nobody knows what {self.told.path} costs: it is refused"
            ask = AiAsk(endpoint or "free", self.told.path[:ANSWER_CHARS_MAX], Usage({}))
            return self._refused(ask, Refused("unknown_endpoint", BATCH if endpoint else said))
        try:
            ask = self.wire.read(endpoint, self._body(), self.told.headers.get("content-type", ""), self.told.path)
        except BadInput as wrong:
            why = Refused("bad_request", str(wrong))
            self.stands.governs.count_refused(self.upstream, why)
            return _denied(self.wire, why), why.kind
        if why := self._why_not(ask):
            return self._refused(ask, why)
        one = self._bounded(ask)
        if isinstance(one, Refused):
            return self._refused(ask, one)
        return await self._paced(one)

    async def _paced(self, one: Bounded) -> tuple[Allowed | Denied, str]:
        pacing, now, key, ask = self.service.under_way.pacing, self.service.now(), self.caller, one.call.ask
        tokens = sum(ask.bound.quantities.values()) + (one.output_max or 0) * ask.choices
        slow = pacing.loop(key.key_id, key.pace, ask.prompt_digest, now)
        slow = slow or pacing.start(key.key_id, key.pace, tokens, one.nanos, now)
        if slow is not None:
            why = Refused("rate_limited", slow.message, retry_after_seconds=slow.retry_after_seconds)
            return self._refused(ask, why)
        let_in: LetIn | Refused | None = None
        try:
            let_in = await self._let_in(one)
        finally:
            if not isinstance(let_in, LetIn):
                pacing.end(key.key_id)
        if isinstance(let_in, Refused):
            return self._refused(ask, let_in)
        until = now + self.stands.settings.answer_seconds_max + self.stands.settings.drain_seconds_max
        self.service.under_way.begin(Going(let_in, self.wire, self.stands, key.key_id, until))
        if must := _must_change(let_in):
            self.service.under_way.end(let_in.id, Ended(0, billed=False, note=must))
            return _denied(self.wire, Refused("forbidden", must, let_in.decision_id)), "degrade"
        return self._on(let_in), let_in.verdict

    async def _let_in(self, one: Bounded) -> LetIn | Refused:
        governs = self.stands.governs
        if not one.call.approval_id and (let_in := governs.at_once(one)) is not None:
            return let_in
        asked = asyncio.get_running_loop().run_in_executor(self.service.threads, governs.with_the_ledger, one)
        try:
            return await asyncio.shield(asked)
        except asyncio.CancelledError:  # Envoy gave up asking: what it is given after that goes nowhere
            asked.add_done_callback(self._given_back)
            raise

    def _given_back(self, asked: asyncio.Future[LetIn | Refused]) -> None:
        if not asked.cancelled() and asked.exception() is None and isinstance(let_in := asked.result(), LetIn):
            self.stands.governs.end(let_in, Ended(0, billed=False, note=GAVE_UP))

    def _bounded(self, ask: AiAsk) -> Bounded | Refused:
        """By what the client allows; else by the most that the model can answer, which nobody has to write into the request."""
        one = self.stands.governs.bound(self._call(ask))
        if isinstance(one, Refused) or one.change.output_max is None:
            return one
        most = one.price.output_tokens_max
        again = bounded(one.call, one.price, most) if most else None
        if again is None:
            said = f"Say how much {ask.model} may answer: Envoy sends a request on as it is, and nobody says how much it can"
            return Refused("bad_request", said)
        return replace(again, change=Rewrite())

    def _body(self) -> bytes:
        if not self.told.whole:
            raise BadInput(
                "The request is larger than what Envoy was told to show (with_request_body.max_request_bytes)",
                remedy="Raise it, or send less.",
            )
        if not self.told.body and self.told.method == "POST":
            raise BadInput(
                "Envoy did not show the request's body, so nobody can say what it may cost",
                remedy="Set with_request_body with pack_as_bytes in the ext_authz filter: docs/how-to/envoy.md.",
            )
        return self.told.body

    def _on(self, let_in: LetIn | None) -> Allowed:
        """With the vendor's key in the place of the client's, which the vendor must never see."""
        vendor = {}
        if self.told.own_credentials:
            vendor = {
                name.lower(): value
                for name, value in self.wire.authorise(self.stands.vendor_keys[self.upstream.name]).items()
            }
        remove = tuple(
            name for name in (*CREDENTIAL_HEADERS, *ASKED_WITH) if name in self.told.headers and name not in vendor
        )
        said = dict[str, str]()
        if let_in is not None:
            vendor |= {CALL: let_in.id, "accept-encoding": "identity"}  # usage is read from what passes
            said = _said(let_in)
        return Allowed(vendor, remove, said)

    def _refused(self, ask: AiAsk, why: Refused) -> tuple[Denied, str]:
        """Kept and counted, as the gateway does."""
        call = self.stands.governs.refused(self._call(ask), why)
        return _denied(self.wire, replace(why, decision_id=call.decision_id)), why.kind

    def _why_not(self, ask: AiAsk) -> Refused | None:
        name = self.upstream.name
        if (why := forbidden(self.caller, self.upstream, ask)) is not None:
            return why
        if self.told.own_credentials and name not in self.stands.vendor_keys:
            return Refused("unavailable", f"There is no key for {name} here: fiscus gateway-key {name}")
        return None

    def _call(self, ask: AiAsk) -> AskedCall:
        return called(self.caller, self.upstream, ask, self.told.headers)


def _must_change(let_in: LetIn) -> str:
    """What would have to be changed in the body, which nobody here can; empty: nothing. Usage in a stream may be left out."""
    change = let_in.one.change
    wanted = {
        "model": change.model,
        "service tier": change.tier,
        "effort": change.effort,
        "max_tokens": change.output_max,
    }
    said = [f"{name} {value}" for name, value in wanted.items() if value]
    if not said:
        return ""
    return f"{' '.join(let_in.said)} Envoy sends a request on as it is: ask for {' and '.join(said)} yourself."


def _said(let_in: LetIn) -> dict[str, str]:
    said = {DECISION: let_in.decision_id}
    if let_in.headroom:
        said["x-fiscus-headroom"] = _one_line(let_in.headroom)
    if let_in.verdict == "warn" and let_in.said:
        said["x-fiscus-warning"] = _one_line(" ".join(let_in.said))
    return said


def _denied(wire: Wire, why: Refused) -> Denied:
    status, body = wire.refusal(why)
    headers = {DECISION: why.decision_id} if why.decision_id else {}
    if why.retry_after_seconds is not None:
        headers["retry-after"] = str(why.retry_after_seconds)
    return Denied(status, body, headers)


def _unknown(name: str) -> Denied:
    return Denied(404, f'{{"error": {{"message": "There is no upstream {name!a} here", "type": "fiscus"}}}}'.encode())


def _one_line(text: str) -> str:
    """Header values are ASCII without line ends (RFC 9110, 5.5)."""
    return text.encode("ascii", "replace").decode().replace("\r", " ").replace("\n", " ")[:ANSWER_CHARS_MAX]
