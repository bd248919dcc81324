"""Calls added up to charges: an hour of one key, model and meter each. Exact: the charges' costs sum to what the calls cost.

What a call cost is the sum of its lines. Where it was settled at something else (the vendor said the money itself, or nobody
knows what became of it and its bound was charged), the difference is a charge of its own that no meter explains.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final

from fiscus.cost.ai.types import AiCall, HourCharge, HourKey, Meter, Tier
from fiscus.kernel.ids import content_id
from fiscus.kernel.money import EXACT, ZERO, from_nanos, to_nanos

CHARGED: Final = frozenset({"settled", "estimated", "unknown"})
GUESSED: Final = frozenset({"estimated", "unknown"})  # replaced once the vendor's bill says what it was
# Plain tuples while they are added up: a day may have millions of calls.
_Group = tuple[datetime, str, str, str, str, str, Tier, str, str, str, str, str, bool, str]
_Priced = tuple[Meter | None, Decimal | None]


def cost_of(call: AiCall) -> Decimal:
    """What a call cost, exact: its lines, unless it was settled at something else than they come to."""
    return EXACT.add(_lines(call), rest) if (rest := _rest(call)) else _lines(call)


def hour_charges(calls: Iterable[AiCall]) -> Sequence[HourCharge]:
    """The charges of `calls`, in order; the same calls in any order give the same charges."""
    groups: dict[_Group, dict[_Priced, _Sums]] = {}
    for call in calls:
        group = _group(call)
        priced = groups.get(group)
        if priced is None:
            priced = groups[group] = {}
        for at, quantity, cost in _parts(call):
            sums = priced.get(at)
            if sums is None:
                sums = priced[at] = _Sums()
            sums.quantity += quantity
            sums.cost = EXACT.add(sums.cost, cost)
            sums.calls += 1
    charges = [
        HourCharge(charge_id(key := HourKey(*group, *at)), key, sums.quantity, sums.cost, sums.calls)
        for group, priced in groups.items()
        for at, sums in priced.items()
    ]
    return sorted(charges, key=_order)


def calls_behind(charge: str, calls: Iterable[AiCall]) -> Iterator[AiCall]:
    """Those of `calls` that the charge of this id is made of."""
    ids: dict[tuple[_Group, _Priced], str] = {}
    for call in calls:
        for at in {at for at, _, _ in _parts(call)}:
            key = _group(call), at
            if key not in ids:
                ids[key] = charge_id(HourKey(*key[0], *at))
            if ids[key] == charge:
                yield call


def charge_id(key: HourKey) -> str:
    """The same for the same hour, key, model and meter, however many calls came."""
    return content_id("aic", *(str(getattr(key, name)) for name in HourKey.__dataclass_fields__))


@dataclass(slots=True)
class _Sums:
    quantity: int = 0
    cost: Decimal = ZERO
    calls: int = 0


def _order(one: HourCharge) -> tuple[object, ...]:
    return one.key.hour, one.key.model, one.key.key_id, one.key.meter or "", one.key.per_million or ZERO, one.id


def _lines(call: AiCall) -> Decimal:
    cost = ZERO
    if call.state in CHARGED:
        for line in call.lines:
            cost = EXACT.add(cost, line.cost)
    return cost


def _rest(call: AiCall) -> Decimal:
    """What it was settled at beyond what its lines come to; less than a nano-unit is only the ledger's rounding."""
    if call.state not in CHARGED:
        return ZERO
    lines = _lines(call)
    return ZERO if to_nanos(lines, round_up=True) == call.settled else EXACT.subtract(from_nanos(call.settled), lines)


def _parts(call: AiCall) -> Iterator[tuple[_Priced, int, Decimal]]:
    if call.state not in CHARGED:
        return
    for line in call.lines:
        if line.quantity or line.cost:
            yield (line.meter, _plain(line.per_million)), line.quantity, line.cost
    if rest := _rest(call):
        yield (None, None), 1, rest


@lru_cache(1_024)
def _plain(per_million: Decimal) -> Decimal:
    """0.150 and 0.15 are one price, of one charge."""
    return EXACT.normalize(per_million)


def _group(call: AiCall) -> _Group:
    """The fields of an HourKey up to its meter."""
    return (
        call.at.astimezone(UTC).replace(minute=0, second=0, microsecond=0), call.upstream, call.provider, call.currency,
        call.key_id, call.model or call.model_asked, call.tier, call.team, call.environment, call.product, call.user,
        call.requested_by, call.state in GUESSED, call.price_version,
    )  # fmt: skip
