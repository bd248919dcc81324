"""What work came to, and what it cost: outcomes are told by whoever did the work, and stand beside the calls that it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from fiscus.cost.ai.types import UnitOutcome
from fiscus.cost.ai.unit_economics import GROUPS, GroupBy, UnitLine, unit_lines
from fiscus.flows.workspace import Workspace
from fiscus.kernel.documents import did_you_mean
from fiscus.kernel.errors import BadInput, Where
from fiscus.kernel.ids import content_id
from fiscus.kernel.money import total
from fiscus.kernel.periods import midnight

TEXT_CHARS_MAX: Final = 200
OUTCOMES_AT_ONCE_MAX: Final = 1_000
LONG_AFTER: Final = timedelta(days=3650)  # an outcome may be told long after the calls
DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class ToldOutcome:
    """An outcome as it is told. `unit`: kind=value, as the calls said it; `id` empty: one a unit and result."""

    unit: str
    result: str
    quantity: int = 1
    customer: str = ""
    feature: str = ""
    at: datetime | None = None  # None: now
    id: str = ""
    told_by: str = ""


@dataclass(frozen=True, slots=True)
class UnitEconomics:
    """What units of one kind cost in the days [first, last], by group. `cost`: of all calls of these days, by currency."""

    kind: str
    by: str
    first: date
    last: date
    lines: tuple[UnitLine, ...]
    cost: Mapping[str, Decimal]


def record_outcomes(ws: Workspace, told: Sequence[ToldOutcome]) -> tuple[UnitOutcome, ...]:
    """Keep them, all or none. The same again changes nothing. Raises BadInput with the number of the one at fault."""
    if len(told) > OUTCOMES_AT_ONCE_MAX:
        raise BadInput(f"More than {OUTCOMES_AT_ONCE_MAX:,} outcomes at once", remedy="Send them in parts.")
    outcomes = tuple(_outcome(ws, number, one) for number, one in enumerate(told))
    ws.calls.put_outcomes(outcomes)
    return outcomes


def unit_economics(
    ws: Workspace, kind: str, by: str = "result", first: date | None = None, last: date | None = None
) -> UnitEconomics:
    """Cost per outcome, customer, feature... of the calls of these days; the last thirty, unless told otherwise.

    Raises BadInput for a grouping that does not exist.
    """
    group = next((known for known in GROUPS if known == by), None)
    if group is None:
        raise BadInput(f"{by!r} is no grouping", remedy=did_you_mean(by, list(GROUPS)), where=Where(key="by"))
    last = last or ws.as_of
    first = first or last - timedelta(days=DAYS - 1)
    since, until = midnight(first), midnight(last + timedelta(days=1))
    lines = _lines(ws, kind, group, (since, until))
    currencies = sorted({line.currency for line in lines})
    cost = {currency: total([line.cost for line in lines if line.currency == currency]) for currency in currencies}
    return UnitEconomics(kind, by, first, last, tuple(lines), cost)


def _lines(ws: Workspace, kind: str, by: GroupBy, span: tuple[datetime, datetime]) -> Sequence[UnitLine]:
    return unit_lines(ws.calls.calls(*span), ws.calls.outcomes(span[0], span[1] + LONG_AFTER), kind, by)


def _outcome(ws: Workspace, number: int, told: ToldOutcome) -> UnitOutcome:
    kind, equals, value = told.unit.partition("=")
    where = Where(key=f"outcomes[{number}]")
    if not kind.strip() or not equals or not value.strip():
        raise BadInput(f"{told.unit!r} names no unit", remedy="Write it as the calls do: ticket=123.", where=where)
    if not told.result.strip():
        raise BadInput("An outcome says what came of it", remedy="Add a result such as resolved.", where=where)
    if told.quantity < 1:
        raise BadInput(f"{told.quantity} outcomes are none", remedy="Say 1 or more, or nothing.", where=where)
    texts = (kind, value, told.result, told.customer, told.feature, told.id, told.told_by)
    if any(len(text) > TEXT_CHARS_MAX or not text.isprintable() for text in texts):
        raise BadInput(
            f"A text is longer than {TEXT_CHARS_MAX} characters or cannot be printed", remedy="Shorten it.", where=where
        )
    at = told.at or ws.clock.now()
    return UnitOutcome(
        id=told.id or content_id("out", kind.strip(), value.strip(), told.result.strip()),
        kind=kind.strip(),
        value=value.strip(),
        result=told.result.strip(),
        at=at if at.tzinfo else at.replace(tzinfo=UTC),
        quantity=told.quantity,
        customer=told.customer.strip(),
        feature=told.feature.strip(),
        told_by=told.told_by.strip(),
    )
