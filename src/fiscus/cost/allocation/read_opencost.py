"""The answer of OpenCost's allocation API (GET /allocation): what each workload of a cluster cost in a window of time.

The shape, by opencost.io/docs/integrations/api: {"code": 200, "data": [set, ...]}, a set an object of name -> allocation, one a
step; an allocation has name, properties (cluster, node, namespace, controllerKind, controller, services, pod, container, labels,
annotations), window {start, end}, and costs with their ...Adjustment twins that come to totalCost. Cost that is nobody's is named
__idle__, __unallocated__, __unmounted__. These costs are estimates: they say how the real bill is shared, not how much it is.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Decimal
from typing import Any, Final, Literal, cast

from fiscus.cost.allocation.read_telemetry import Drivers, Named, is_amount
from fiscus.cost.allocation.types import STAYS, Target
from fiscus.kernel.errors import BadInput, Where
from fiscus.kernel.money import ZERO
from fiscus.kernel.periods import Month

IDLE: Final = "__idle__"
NOBODYS: Final = frozenset({"__unallocated__", "__unmounted__", ""})
COSTS: Final = ("cpu", "gpu", "ram", "pv", "network", "loadBalancer", "shared", "external")
PARTS: Final = ("properties", "window")
ASK: Final = (
    "Ask with window=month (or step=1d) and aggregate by what the rule's `by` says, and keep the answer as it is."
)


@dataclass(frozen=True, slots=True)
class OpenCostReading:
    """What a rule says of its OpenCost files."""

    by: str
    named: Named
    idle: Literal["weighted", "even", "keep"] = "weighted"
    shared: frozenset[str] = field(default_factory=frozenset)


def read_opencost(text: str, file: str, reading: OpenCostReading) -> Drivers:
    """Billing month -> target -> cost by OpenCost; STAYS bears what is nobody's. BadInput names file and place."""
    costs: dict[str, dict[Target, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    idle: dict[str, Decimal] = defaultdict(Decimal)
    for key, allocation in _allocations(text, file):
        month, cost = str(_month(allocation, file, key)), _cost(allocation, file, key)
        name = _name(allocation, key, reading.by)
        if name == IDLE or name in reading.shared:
            idle[month] += cost
        elif name in NOBODYS:
            costs[month][STAYS] += cost
        else:
            costs[month][_target(name, reading)] += cost
    for month, cost in idle.items():
        _bear(costs[month], cost, reading.idle)
    return {month: dict(sorted(found.items())) for month, found in costs.items()}


def _bear(costs: dict[Target, Decimal], idle: Decimal, how: str) -> None:
    """Idle cost: weighted changes no part of it; even gives all alike the same; keep leaves it where it is."""
    targets = [target for target, cost in costs.items() if target != STAYS and cost > ZERO]
    if how == "keep" or not targets:
        costs[STAYS] = costs.get(STAYS, ZERO) + idle
    elif how == "even":
        for target in targets:
            costs[target] += idle / len(targets)


def _target(name: str, reading: OpenCostReading) -> Target:
    try:
        return reading.named(name)
    except BadInput:  # a namespace that is no team: its cost stays, and the chain says so
        return STAYS


def _allocations(text: str, file: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        answer = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    except (ValueError, RecursionError) as broken:
        raise BadInput(f"Not JSON: {broken}", remedy=ASK, where=Where(file=file)) from None
    if isinstance(answer, dict) and "data" in answer:
        if answer.get("code", 200) != 200:
            told = answer.get("message") or f"code {answer['code']}"
            raise BadInput(f"OpenCost answered with an error: {told}", remedy=ASK, where=Where(file=file))
        answer = answer["data"]
    sets = answer if isinstance(answer, list) else [answer]
    for number, one in enumerate(sets):
        if one is None:
            continue  # a step without data
        if not isinstance(one, dict):
            where = Where(file=file, key=f"data.{number}")
            raise BadInput("Not a set of allocations", remedy=ASK, where=where)
        for key, allocation in one.items():
            if not isinstance(allocation, dict):
                where = Where(file=file, key=f"data.{number}.{key}")
                raise BadInput("Not an allocation", remedy=ASK, where=where)
            _check_parts(allocation, file, f"data.{number}.{key}")
            yield key, allocation


def _check_parts(allocation: Mapping[str, Any], file: str, key: str) -> None:
    for part in PARTS:
        if not isinstance(allocation.get(part) or {}, dict):
            where = Where(file=file, key=f"{key}.{part}")
            raise BadInput(f"The allocation's {part} is no object", remedy=ASK, where=where)


def _name(allocation: Mapping[str, Any], key: str, by: str) -> str:
    """What the allocation is called where `by` looks; the aggregated name where that is all there is."""
    last = key.rsplit("/", 1)[-1]
    if last == IDLE or last in NOBODYS:
        return last
    properties = cast("Mapping[str, Any]", allocation.get("properties") or {})
    kind, _, tag = by.partition(":")
    if tag:
        tags = properties.get(f"{kind}s")
        found = tags.get(tag) if isinstance(tags, dict) else None
        return str(found) if found else ("" if tags else _aggregated(key))
    if kind == "service":
        services = properties.get("services")
        return str(services[0]) if isinstance(services, list) and services else ""
    return str(properties.get(kind) or _aggregated(key)) if kind != "name" else key


def _aggregated(key: str) -> str:
    return key if "/" not in key else ""


def _month(allocation: Mapping[str, Any], file: str, key: str) -> Month:
    window = allocation.get("window") or {}
    try:
        start, end = (datetime.fromisoformat(str(window.get(end) or allocation[end])) for end in ("start", "end"))
        backwards = end < start
    except (KeyError, ValueError, TypeError):  # a time zone at one end only is TypeError
        where = Where(file=file, key=key)
        raise BadInput("The allocation says no window of time", remedy=ASK, where=where) from None
    if backwards:
        where = Where(file=file, key=f"{key}.window")
        raise BadInput(f"The window ends on {end:%Y-%m-%d}, before it begins", remedy=ASK, where=where)
    month = Month.of(start.date())
    if end.date() > month.end or (end.date() == month.end and end.time() != time.min):
        where = Where(file=file, key=f"{key}.window")
        raise BadInput(f"The window {start:%Y-%m-%d} to {end:%Y-%m-%d} lies in two months", remedy=ASK, where=where)
    return month


def _cost(allocation: Mapping[str, Any], file: str, key: str) -> Decimal:
    """`totalCost`, else its parts; null is what OpenCost writes for a number that is none."""
    names = (
        ["totalCost"] if "totalCost" in allocation else [f"{c}Cost{more}" for c in COSTS for more in ("", "Adjustment")]
    )
    amounts = [amount for name in names if (amount := allocation.get(name)) is not None]
    if not amounts or not all(isinstance(amount, Decimal) and is_amount(amount) for amount in amounts):
        where = Where(file=file, key=f"{key}.{names[0]}")
        raise BadInput("The allocation has no cost that is a number", remedy=ASK, where=where)
    return sum(amounts, ZERO)
