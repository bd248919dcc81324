"""One AI request on its way to a decision: who asks for what, its bound in money, and the intent that says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from fiscus.cost.ai.price_usage import bound_nanos
from fiscus.cost.ai.types import NOBODY, TOKEN_METERS, ModelPrice
from fiscus.guardrails.doors.ai.bound_output import bound_of_another, bound_with
from fiscus.guardrails.doors.ai.settings import Upstream
from fiscus.guardrails.doors.ai.types import AiAsk, CallerScope, Endpoint, Rewrite
from fiscus.guardrails.policies.fact_tables import ATTRIBUTES, COMMON_ATTRIBUTES
from fiscus.guardrails.types import Intent, Quote
from fiscus.kernel.money import from_nanos

ANSWERING: Final[frozenset[Endpoint]] = frozenset({"chat", "completions", "responses", "messages"})  # in output tokens
READ: Final = frozenset(meter for meter in TOKEN_METERS if not meter.endswith("output"))
TEXT_ONLY: Final = frozenset({"input", "cached_input", "cache_write", "cache_write_1h", "output"})
PriceOf = Callable[[str], ModelPrice | None]
_KNOWN: Final = frozenset({*ATTRIBUTES["ai.request"], *COMMON_ATTRIBUTES})
_REWRITES: Final = frozenset({"model", "max_tokens", "service_tier", "effort"})


@dataclass(frozen=True, slots=True)
class AskedCall:
    """`said`: what the caller says of it in headers (data_class, purpose, ticket...). `units`: what it is done for.

    `may_wait`: its caller takes an answer off the peak too, and the door can queue it; `cannot_wait`: why it cannot.
    """

    caller: CallerScope
    upstream: Upstream
    ask: AiAsk
    user: str = ""
    said: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    approval_id: str = ""
    trace: str = ""
    may_wait: bool = False
    cannot_wait: str = ""


@dataclass(frozen=True, slots=True)
class Bounded:
    """A request with the most that it may cost: `nanos` of `price.currency`, when it may answer `output_max` tokens."""

    call: AskedCall
    price: ModelPrice
    nanos: int
    output_max: int | None
    change: Rewrite

    @property
    def sent(self) -> AiAsk:
        """The request as it is sent on, the end of its answer in its bound: what an estimate of a broken stream is held to."""
        ask = self.call.ask
        return ask if self.output_max is None else replace(ask, bound=bound_with(ask, self.output_max))


def bounded(call: AskedCall, price: ModelPrice, output_default: int, change: Rewrite | None = None) -> Bounded | None:
    """The request as it would be sent on, and its bound. None: it has no price, so nobody can say what it may cost.

    Where the client sets no end to the answer, the model's own is put in, so that the bound is true.
    """
    ask, change = call.ask, change or Rewrite()
    if change.model and ask.model_fixed:
        return None  # it would be paid for as one model and answered by another
    output = change.output_max or ask.output_max
    if output is None and ask.endpoint in ANSWERING and ask.choices:
        output = min(price.output_tokens_max or output_default, output_default)
        change = replace(change, output_max=output)
    bound = ask.bound if output is None else bound_with(ask, output)
    if change.model and change.model != ask.model:
        bound = bound_of_another(ask, bound)
    tier = change.tier or ask.tier
    nanos = bound_nanos(price, bound if bound.tier == tier else replace(bound, tier=tier))
    return None if nanos is None else Bounded(call, price, nanos, output, change)


def intent_of(one: Bounded) -> Intent:
    """What is asked of the policies and the ledger."""
    call = one.call
    ask, caller = call.ask, call.caller
    attributes: dict[str, object] = {
        "model": one.change.model or ask.model,
        "model_family": one.price.model,
        "input_tokens": input_tokens(one),
        "stream": ask.stream,
        "service_tier": one.change.tier or ask.tier,
        "endpoint": ask.endpoint,
        "api_key": caller.key_id or NOBODY,  # who has none says so: no cap on a key is then on it
        "user": call.user or NOBODY,
        **call.said,
    }
    if one.output_max is not None:
        attributes["max_tokens"] = one.output_max
    return Intent(
        kind="ai.request",
        requested_by=caller.requested_by,
        team=caller.team,
        environment=caller.environment,
        amount=from_nanos(one.nanos),
        currency=one.price.currency,
        provider=call.upstream.provider,
        product=caller.product,
        attributes={name: value for name, value in attributes.items() if name in _KNOWN and value != ""},
    )


def input_tokens(one: Bounded) -> int:
    """What goes in, at most."""
    return sum(count for meter, count in one.call.ask.bound.quantities.items() if meter in READ)


def rewrite_of(change: Mapping[str, object]) -> Rewrite | None:
    """The change that a policy offers, as one of the request; None where a request cannot be changed so."""
    if not change or set(change) - _REWRITES:
        return None
    output, tier = change.get("max_tokens"), change.get("service_tier")
    if tier is not None and tier not in {"standard", "flex", "priority", "batch"}:
        return None
    return Rewrite(
        model=str(change.get("model", "")),
        output_max=output if isinstance(output, int) else None,
        tier=tier,
        effort=str(change.get("effort", "")),
    )


class CallQuotes:
    """The price of a cheaper way of one call: its own bound after the change, by the price table."""

    def __init__(self, call: AskedCall, price_of: PriceOf, output_default: int) -> None:
        self._call = call
        self._price_of = price_of
        self._output_default = output_default

    def quote(self, intent: Intent, change: Mapping[str, object]) -> Quote | None:
        """None for what cannot be done to a request, or has no price."""
        one = self.bounded(intent, change)
        return None if one is None else Quote(from_nanos(one.nanos), "list")

    def bounded(self, intent: Intent, change: Mapping[str, object]) -> Bounded | None:
        """The request as it would be after the change."""
        rewrite = rewrite_of(change)
        ask = self._call.ask
        if rewrite is None or (rewrite.tier == "batch" and not self._call.may_wait):
            return None  # a batch is another request altogether: its answer comes later
        if ask.endpoint == "batches":  # what lies in a file cannot be changed any more
            return None
        if rewrite.model and not TEXT_ONLY.issuperset(ask.bound.quantities):
            return None  # a picture is other tokens to another model
        price = self._price_of(rewrite.model or self._call.ask.model)
        if price is None or price.currency != intent.currency:
            return None
        return bounded(self._call, price, self._output_default, rewrite)
