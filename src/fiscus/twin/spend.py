"""Sums over the simulation, for budgets and truths: exact, per currency, by what the workspace's rules make of each charge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fiscus.twin.ai_vendors import RUNAWAY_MODEL, RUNAWAY_WORKSPACE
from fiscus.twin.company import CURRENCY, Simulated
from fiscus.twin.dialects import DIALECTS
from fiscus.twin.line import MONEY, Ints, Line, total_of
from fiscus.twin.resold import is_resold
from fiscus.twin.subscriptions import UNAPPROVED

Scope = Mapping[str, str]
DIMENSIONS: Final = ("team", "environment", "product", "provider", "service_category", "sub_account")


@dataclass(frozen=True, slots=True)
class Cells:
    """EffectiveCost without tax, what two feeds show once, one number a line and day (10^-12), with what scopes ask of the line."""

    lines: tuple[Line, ...]
    labels: Mapping[str, NDArray[np.object_]]
    currency: NDArray[np.object_]
    planted: NDArray[np.bool_]
    runaway: NDArray[np.bool_]
    cost: Ints  # lines x days

    def total(
        self, scope: Scope, currency: str, days: tuple[int, int], *, without: NDArray[np.bool_] | None = None
    ) -> Decimal:
        """What `scope` costs in [first, last) day, leaving out the lines `without`."""
        chosen = self.currency == currency
        for dimension, value in scope.items():
            chosen = chosen & (self.labels[dimension] == value)
        if without is not None:
            chosen = chosen & ~without
        first, last = max(0, days[0]), max(0, days[1])
        return Decimal(total_of(self.cost[chosen, first:last])) / MONEY


def cells(simulated: Simulated) -> Cells:
    """Every line of every source."""
    days = simulated.world.timeline.days
    lines: list[Line] = []
    parts: list[Ints] = []
    for book in simulated.books.values():
        facts = book.facts
        counts = np.array([line.category != "Tax" and not is_resold(line) for line in book.lines])[facts.line]
        cost = np.zeros((len(book.lines), days), np.int64)
        np.add.at(cost, (facts.line[counts], facts.day[counts]), facts.effective[counts])
        parts.append(cost)
        lines += book.lines
    labels = {
        "team": [line.seen[0] for line in lines],
        "environment": [line.seen[1] for line in lines],
        "product": [line.seen[2] for line in lines],
        "provider": [line.publisher or DIALECTS[line.source].provider for line in lines],
        "service_category": [line.sku.category for line in lines],
        "sub_account": [line.account.id for line in lines],
    }
    left_on = {machine.name for machine in simulated.machines if machine.left_on}
    return Cells(
        tuple(lines),
        {name: np.array(values, object) for name, values in labels.items()},
        np.array([CURRENCY.get(line.source, "USD") for line in lines], object),
        np.array([_is_planted(line, left_on) for line in lines]),
        np.array([is_runaway(line) for line in lines]),
        np.concatenate(parts),
    )


def is_runaway(line: Line) -> bool:
    """A charge of the key whose agent runs away."""
    return line.account.name == RUNAWAY_WORKSPACE and line.sku.id.startswith(RUNAWAY_MODEL)


def is_sandbox(line: Line) -> bool:
    """A charge of the sub-account that nobody tagged."""
    return line.account.name == "nw-sandbox-poc"


def _is_planted(line: Line, left_on: set[str]) -> bool:
    return is_runaway(line) or is_sandbox(line) or line.resource_name in left_on or line.publisher == UNAPPROVED[1]
