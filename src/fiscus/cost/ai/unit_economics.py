"""What a piece of work costs: calls by the unit that they were made for, and what the unit came to. Exact, nothing left out.

Every call of the span stands in exactly one line: under what its unit's newest outcome says, under OPEN where its unit has none
yet, or under UNNAMED where it names no unit of the kind. So the lines of a currency add up to what all calls cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

from fiscus.cost.ai.hour_charges import CHARGED, cost_of
from fiscus.cost.ai.types import NOBODY, AiCall, UnitOutcome
from fiscus.kernel.money import EXACT, ZERO

OPEN: Final = "(no outcome yet)"
UNNAMED: Final = "(no unit)"
PER_OUTCOME_PLACES: Final = Decimal("1E-12")
GroupBy = Literal["result", "customer", "feature", "model", "team", "product", "environment", "key", "user"]
GROUPS: Final[tuple[GroupBy, ...]] = (
    "result", "customer", "feature", "model", "team", "product", "environment", "key", "user",
)  # fmt: skip
_OF_CALL: Final[Mapping[str, Callable[[AiCall], str]]] = {
    "model": lambda call: call.model or call.model_asked,
    "team": lambda call: call.team,
    "product": lambda call: call.product,
    "environment": lambda call: call.environment,
    "key": lambda call: call.key_id,
    "user": lambda call: call.user,
}


@dataclass(frozen=True, slots=True)
class UnitLine:
    """One group in one currency. `outcomes`: how many its units came to; `per_outcome` None where there is none."""

    group: str
    currency: str
    cost: Decimal
    calls: int
    units: int
    outcomes: int
    tokens: int
    per_outcome: Decimal | None
    per_unit: Decimal | None


@dataclass(slots=True)
class _Sums:
    cost: Decimal = ZERO
    calls: int = 0
    tokens: int = 0
    units: set[str] = field(default_factory=set)
    outcomes: int = 0


def unit_lines(calls: Iterable[AiCall], outcomes: Iterable[UnitOutcome], kind: str, by: GroupBy) -> Sequence[UnitLine]:
    """The largest cost first. An outcome counts in the group in which its unit's first call stands."""
    newest = _newest(outcomes, kind)
    groups: dict[tuple[str, str], _Sums] = {}
    counted: set[str] = set()
    for call in calls:
        if call.state not in CHARGED:
            continue
        unit = call.units.get(kind, "")
        outcome = newest.get(unit) if unit else None
        sums = groups.setdefault((_group(call, unit, outcome, by), call.currency), _Sums())
        sums.cost = EXACT.add(sums.cost, cost_of(call))
        sums.calls += 1
        sums.tokens += sum(call.usage.values())
        if unit:
            sums.units.add(unit)
        if outcome is not None and unit not in counted:
            counted.add(unit)
            sums.outcomes += outcome.quantity
    lines = [_line(group, currency, sums) for (group, currency), sums in groups.items()]
    return sorted(lines, key=lambda line: (line.currency, -line.cost, line.group))


def _newest(outcomes: Iterable[UnitOutcome], kind: str) -> Mapping[str, UnitOutcome]:
    """Unit -> what was told of it last."""
    found: dict[str, UnitOutcome] = {}
    for one in sorted(outcomes, key=lambda one: (one.at, one.id)):
        if one.kind == kind:
            found[one.value] = one
    return found


def _group(call: AiCall, unit: str, outcome: UnitOutcome | None, by: GroupBy) -> str:
    if by in _OF_CALL:
        return _OF_CALL[by](call) or NOBODY
    if by == "result":
        return outcome.result if outcome else OPEN if unit else UNNAMED
    told = (outcome.customer if by == "customer" else outcome.feature) if outcome else ""
    return told or call.units.get(by, "") or NOBODY


def _line(group: str, currency: str, sums: _Sums) -> UnitLine:
    return UnitLine(
        group=group,
        currency=currency,
        cost=sums.cost,
        calls=sums.calls,
        units=len(sums.units),
        outcomes=sums.outcomes,
        tokens=sums.tokens,
        per_outcome=_per(sums.cost, sums.outcomes),
        per_unit=_per(sums.cost, len(sums.units)),
    )


def _per(cost: Decimal, count: int) -> Decimal | None:
    """Rounded half-even to twelve digits: the only rounding here."""
    return EXACT.divide(cost, Decimal(count)).quantize(PER_OUTCOME_PLACES, context=EXACT) if count else None
