"""Which budgets cover an intent. Budgets are indexed by the shape of their filters, so that thousands cost a few look-ups."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fiscus.cost.ai import types as ai
from fiscus.guardrails.types import AI_DIMENSIONS, Budget

# What an intent can say of itself. A request that has no key or no user says so, with NOBODY: then a cap on one is not on it.
STATED: Final = frozenset({"team", "environment", "product", "provider", "service"}) | AI_DIMENSIONS
NOBODY: Final = ai.NOBODY
KEPT_MAX: Final = 10_000  # answers remembered: the same teams ask for the same things


@dataclass(frozen=True, slots=True, eq=False)
class Covered:
    """Budgets by what an intent tells. `untold`: caps on something that it could state and does not, with what that is.

    `unasked`: ids of caps on a dimension that no intent can state. One that is kept is known by what it is, not by what it holds.
    """

    budgets: tuple[Budget, ...]
    untold: tuple[tuple[Budget, frozenset[str]], ...]
    unasked: tuple[str, ...]

    def joined(self, other: Covered) -> Covered:
        """What either of them covers, once."""
        if self is other:
            return self
        budgets = {one.id: one for one in (*self.budgets, *other.budgets)}
        untold = {budget.id: (budget, missing) for budget, missing in (*self.untold, *other.untold)}
        return Covered(
            tuple(budgets[name] for name in sorted(budgets)),
            tuple(untold[name] for name in sorted(untold) if name not in budgets),
            tuple(sorted({*self.unasked, *other.unasked})),
        )


class Covering:
    """The index of one set of budgets."""

    def __init__(self, budgets: Sequence[Budget]) -> None:
        by_shape: dict[tuple[str, ...], list[Budget]] = {}
        for budget in sorted(budgets, key=lambda one: one.id):
            by_shape.setdefault(tuple(sorted(budget.scope.filters)), []).append(budget)
        self._shapes = [_Shape(dimensions, members) for dimensions, members in sorted(by_shape.items())]
        dimensions = {dimension for shape in self._shapes for dimension in shape.dimensions}
        self.tags = frozenset(one.removeprefix("tag:") for one in dimensions if one.startswith("tag:"))
        self._kept: dict[tuple[tuple[str, ...], tuple[str, ...]], Covered] = {}

    def of(self, scope: Mapping[str, str]) -> Covered:
        """`scope`: dimension -> value of the intent; empty or absent where it is not stated.

        What is no AI usage has no dimension of it at all, and no budget on one covers it.
        """
        asked = (tuple(scope), tuple(scope.values()))
        known = self._kept.get(asked)
        if known is None:
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            known = self._kept[asked] = self._find(scope)
        return known

    def _find(self, scope: Mapping[str, str]) -> Covered:
        budgets, untold, unasked = list[Budget](), list[tuple[Budget, frozenset[str]]](), list[str]()
        for shape in self._shapes:
            if any(dimension in AI_DIMENSIONS and dimension not in scope for dimension in shape.dimensions):
                continue
            missing = frozenset(dimension for dimension in shape.dimensions if not scope.get(dimension))
            found = shape.matching(scope, missing)
            if not missing:
                budgets += found
            elif missing <= STATED:
                untold += [(budget, missing) for budget in found if budget.cap]
            else:
                unasked += [budget.id for budget in found if budget.cap]
        return Covered(
            tuple(sorted(budgets, key=lambda one: one.id)),
            tuple(sorted(untold, key=lambda one: one[0].id)),
            tuple(sorted(unasked)),
        )


class _Shape:
    """Budgets whose scopes filter on the same dimensions."""

    def __init__(self, dimensions: tuple[str, ...], members: Sequence[Budget]) -> None:
        self.dimensions = dimensions
        self._members = members
        self._by_values: dict[frozenset[str], dict[tuple[str, ...], list[Budget]]] = {}

    def matching(self, scope: Mapping[str, str], missing: frozenset[str]) -> Sequence[Budget]:
        """Those that accept every dimension that is stated; nothing is known of the missing ones."""
        if missing not in self._by_values:
            self._by_values[missing] = self._indexed(missing)
        values = tuple(scope[dimension] for dimension in self.dimensions if dimension not in missing)
        return self._by_values[missing].get(values, ())

    def _indexed(self, missing: frozenset[str]) -> dict[tuple[str, ...], list[Budget]]:
        index: dict[tuple[str, ...], list[Budget]] = {}
        stated = [dimension for dimension in self.dimensions if dimension not in missing]
        for budget in self._members:
            for values in itertools.product(*(budget.scope.filters[dimension] for dimension in stated)):
                index.setdefault(values, []).append(budget)
        return index
