"""Volumes of an outcome that nobody has to type: counted from what was told of units of work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC
from typing import Final

from fiscus.board.types import Outcome
from fiscus.cost.ai.types import UnitOutcome
from fiscus.flows.workspace import Workspace
from fiscus.kernel.periods import Month, midnight

MONTHS: Final = 13  # as far back as the board looks


def with_told_volumes(ws: Workspace, outcome: Outcome) -> Outcome:
    """`outcome` with its volumes by month, where it names a kind of unit; written volumes win for their months.

    A unit counts once, in the month of what was told of it last.
    """
    if not outcome.unit:
        return outcome
    month = Month.of(ws.as_of)
    newest: dict[str, UnitOutcome] = {}
    for one in ws.calls.outcomes(midnight(month.shift(1 - MONTHS).start), midnight(month.end)):
        if one.kind == outcome.unit:
            newest[one.value] = one
    return replace(outcome, volumes={**_by_month(newest, outcome.result), **outcome.volumes})


def _by_month(newest: Mapping[str, UnitOutcome], result: str) -> Mapping[str, int]:
    counts: Counter[str] = Counter()
    for one in newest.values():
        if result in {"", one.result}:
            counts[str(Month.of(one.at.astimezone(UTC).date()))] += one.quantity
    return counts
