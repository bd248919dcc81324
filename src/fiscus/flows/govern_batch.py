"""A batch: many requests in one job, reserved as a whole before it leaves, settled by its results when the vendor is through.

A job that is let in stands in the store of calls until its results are settled: whichever worker finds it ended settles it. Said
twice, nothing changes: the hold is settled at the same amount, the calls have the same ids.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from fiscus.cost.ai.price_usage import nanos_of, priced
from fiscus.cost.ai.types import AiCall, Meter, OpenBatch, PricedLine, Usage
from fiscus.flows.govern_call import Ended, GovernCalls, LetIn, call_of, unheld_id
from fiscus.guardrails.decisions.holding import BATCH_HELD_FOR
from fiscus.guardrails.doors.ai.asked_call import AskedCall, Bounded
from fiscus.guardrails.doors.ai.ports import Wire
from fiscus.guardrails.doors.ai.types import AiAsk, Refused, Rewrite
from fiscus.guardrails.doors.ai.wires.batches import batch_nanos
from fiscus.guardrails.ledger.commands import Settle
from fiscus.kernel.errors import BadInput, Conflict, NotFound

SEVERAL = "several models"


def bound_batch(
    governs: GovernCalls, call: AskedCall, wire: Wire, contents: Sequence[Iterable[bytes]]
) -> Bounded | Refused:
    """The most that all requests of the job cost together; refused where one of them has no price or no end.

    Each request is read once and forgotten: a job may be larger than memory.
    """
    day = governs.ws.clock.now().date()
    prices, models = governs.prices, dict[str, None]()
    quantities: dict[Meter, int] = {}

    def counted() -> Iterator[AiAsk]:
        for part in wire.batch_parts(call.ask, contents):
            models[part.model] = None
            for meter, count in part.bound.quantities.items():
                quantities[meter] = quantities.get(meter, 0) + count
            yield part

    try:
        nanos = batch_nanos(counted(), lambda model: prices.price(call.upstream.prices, model, day))
    except BadInput as wrong:
        return Refused("bad_request", str(wrong))
    if not models:
        return Refused("bad_request", "The batch holds no request")
    price = prices.price(call.upstream.prices, next(iter(models)), day)
    if nanos is None or price is None:
        said = "A request of the batch has no price, or sets no end to its answer, so no budget can hold it"
        return Refused("forbidden", f"{said}. Add its price to prices/ai.yaml, or send max_tokens.")
    call.ask.model = next(iter(models)) if len(models) == 1 else SEVERAL
    call.ask.tier, call.ask.bound = "batch", Usage(quantities, call.ask.model, "batch")
    return Bounded(call, price, nanos, None, Rewrite())


def open_batch(governs: GovernCalls, let_in: LetIn, job_id: str) -> OpenBatch:
    """The vendor took the job: it is remembered before its client is answered."""
    call = call_of(let_in, Ended(200), governs.ws.clock.now(), (), 0, "unknown")
    upstream = let_in.one.call.upstream
    batch = OpenBatch(job_id, upstream.name, upstream.prices, call)
    governs.ws.calls.open_batch(batch)
    return batch


def not_known(governs: GovernCalls, let_in: LetIn, status: int, why: str) -> AiCall:
    """Nobody knows whether the vendor took the job: it may run. Kept at its bound, as its hold will be charged when it expires.

    The hold itself is left: who finds the job at the vendor settles it at what it cost.
    """
    ended = Ended(status, note=f"{why}; the job may run, and is charged at its bound")
    call = call_of(let_in, ended, governs.ws.clock.now(), (), let_in.one.nanos, "unknown")
    governs.keeper.keep(call)
    return call


def give_up_batch(governs: GovernCalls, batch: OpenBatch, why: str) -> bool:
    """A job that its vendor does not know any more, once its hold was charged: kept at its bound. False: it may still come.

    Raises Unavailable.
    """
    if governs.ws.clock.now() < batch.call.at + BATCH_HELD_FOR:
        return False
    keep_at_bound(governs, batch, f"it was given up: {why}")
    return True


def keep_at_bound(governs: GovernCalls, batch: OpenBatch, why: str) -> None:
    """Nobody will say what it used: it is a call at its bound, as its hold is charged when it expires. Raises Unavailable."""
    now, note = governs.ws.clock.now(), f"job {batch.id}: {why}; charged at its bound"
    governs.ws.calls.append([replace(batch.call, ended_at=now, state="unknown", settled=batch.call.bound, note=note)])
    governs.ws.calls.end_batch(batch)


def settle_batch(governs: GovernCalls, batch: OpenBatch, usages: Iterable[Usage]) -> Sequence[AiCall]:
    """What the results name is what it cost: one call a model, its meters added up. Raises Unavailable; then nothing is ended."""
    found = _by_model(governs, batch, usages)
    now = governs.ws.clock.now()
    calls = [
        replace(
            batch.call, id=f"{batch.call.id}-{number}", ended_at=now, model=model, state="settled", lines=lines,
            settled=nanos_of(lines), bound=batch.call.bound if number == 1 else 0,
            usage={line.meter: line.quantity for line in lines}, note=f"batch {batch.id}",
        )
        for number, (model, lines) in enumerate(sorted(found.items()), 1)
    ]  # fmt: skip
    if batch.call.hold_id:
        total = sum(call.settled for call in calls)
        try:
            governs.ws.ledger.ask(Settle(batch.call.hold_id, total, price_version=batch.call.price_version))
        except Conflict:  # a person settled it meanwhile, at another amount: the ledger's word stands
            governs.ws.counters.count("fiscus_gateway_settlements_refused_total", code="conflict")
    else:
        _settle_unheld(governs, unheld_id(batch.call.id), sum(call.settled for call in calls))
    governs.ws.calls.append(calls or [replace(batch.call, ended_at=now, state="released", note=f"batch {batch.id}")])
    governs.ws.calls.end_batch(batch)
    return calls


def _settle_unheld(governs: GovernCalls, hold_id: str, amount: int) -> None:
    """A job that was let through without the ledger: not posted yet, or posted at its bound, or covered by no budget."""
    governs.keeper.let_through_ended(hold_id, amount, estimate=False)
    with contextlib.suppress(NotFound, Conflict):
        governs.ws.ledger.ask(Settle(hold_id, amount))


def _by_model(governs: GovernCalls, batch: OpenBatch, usages: Iterable[Usage]) -> dict[str, tuple[PricedLine, ...]]:
    """Model -> its meters at their prices, each added up over all requests."""
    day = batch.call.at.date()
    found: dict[str, dict[tuple[Meter, object], PricedLine]] = {}
    for usage in usages:
        model = usage.model or batch.call.model
        price = governs.prices.price(batch.prices, model, day) or governs.prices.price(
            batch.prices, batch.call.model_asked, day
        )
        lines = found.setdefault(model, {})
        for line in priced(price, usage):
            known = lines.get((line.meter, line.per_million))
            lines[line.meter, line.per_million] = line if known is None else replace(
                known, quantity=known.quantity + line.quantity, cost=known.cost + line.cost
            )  # fmt: skip
    return {model: tuple(lines.values()) for model, lines in found.items()}
