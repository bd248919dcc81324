"""Calls added up to charges: an hour of one key, model and meter each. Exact: the charges' costs sum to what the calls cost.

What a call cost is the sum of its lines. Where it was settled at something else (the vendor said the money itself, or nobody
knows what became of it and its bound was charged), the difference is a charge of its own that no meter explains.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from decimal import Decimal
from typing import Final

from fiscus.cost.ai.types import AiCall, HourCharge, HourKey, Meter
from fiscus.kernel.ids import content_id
from fiscus.kernel.money import EXACT, ZERO, from_nanos, to_nanos, total

CHARGED: Final = frozenset({"settled", "estimated", "unknown"})
GUESSED: Final = frozenset({"estimated", "unknown"})  # replaced once the vendor's bill says what it was


def cost_of(call: AiCall) -> Decimal:
    """What a call cost, exact: its lines, unless it was settled at something else than they come to."""
    if call.state not in CHARGED:
        return ZERO
    lines = total([line.cost for line in call.lines])
    return lines if to_nanos(lines, round_up=True) == call.settled else from_nanos(call.settled)


def hour_charges(calls: Iterable[AiCall]) -> Sequence[HourCharge]:
    """The charges of `calls`, in order; the same calls in any order give the same charges."""
    sums: dict[HourKey, tuple[int, Decimal, int]] = {}
    for call in calls:
        for key, quantity, cost in _parts(call):
            before = sums.get(key, (0, ZERO, 0))
            sums[key] = (before[0] + quantity, EXACT.add(before[1], cost), before[2] + 1)
    charges = [HourCharge(charge_id(key), key, *sums[key]) for key in sums]
    return sorted(charges, key=_order)


def _order(one: HourCharge) -> tuple[object, ...]:
    return one.key.hour, one.key.model, one.key.key_id, one.key.meter or "", one.key.per_million or ZERO, one.id


def calls_behind(charge: str, calls: Iterable[AiCall]) -> Iterator[AiCall]:
    """Those of `calls` that the charge of this id is made of."""
    return (call for call in calls if any(charge_id(key) == charge for key, _, _ in _parts(call)))


def charge_id(key: HourKey) -> str:
    """The same for the same hour, key, model and meter, however many calls came."""
    return content_id("aic", *(str(getattr(key, name)) for name in HourKey.__dataclass_fields__))


def _parts(call: AiCall) -> Iterator[tuple[HourKey, int, Decimal]]:
    if call.state not in CHARGED:
        return
    for line in call.lines:
        if line.quantity or line.cost:
            yield _key(call, line.meter, line.per_million), line.quantity, line.cost
    rest = EXACT.subtract(cost_of(call), total([line.cost for line in call.lines]))
    if rest:
        yield _key(call, None, None), 1, rest


def _key(call: AiCall, meter: Meter | None, per_million: Decimal | None) -> HourKey:
    return HourKey(
        hour=call.at.astimezone(UTC).replace(minute=0, second=0, microsecond=0),
        upstream=call.upstream,
        provider=call.provider,
        currency=call.currency,
        key_id=call.key_id,
        model=call.model or call.model_asked,
        tier=call.tier,
        team=call.team,
        environment=call.environment,
        product=call.product,
        user=call.user,
        requested_by=call.requested_by,
        estimated=call.state in GUESSED,
        price_version=call.price_version,
        meter=meter,
        per_million=EXACT.normalize(per_million) if per_million is not None else None,
    )
