"""Groups of rows that look alike, as the desk answered them: how many rows meet a condition, which come first, what they cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from fiscus.cost.conformance.conditions import Answer, Condition, answered
from fiscus.kernel.rows import Rows


class Carried(NamedTuple):
    """What a group carries: its currency, its first rows (more of them than are shown), what its rows cost."""

    currency: object
    first: Sequence[int]
    money: object


class Alike:
    """`groups`: a row a group, with its answers to `leaves`, its number of rows and, if it carries more, the cells of Carried.

    `conditions` are put together from the leaves; they are asked for by their SQL.
    """

    def __init__(self, conditions: Mapping[str, Condition], leaves: Sequence[str], groups: Rows) -> None:
        self._conditions = conditions
        self._rows, self._width = groups.rows, len(leaves)
        columns = list(zip(*groups.rows, strict=True)) or [()] * (self._width + 1)
        self._everything = (1 << len(groups.rows)) - 1
        self._answers = {leaf: _answer(values) for leaf, values in zip(leaves, columns, strict=False)}
        self._planes = list(_planes([int(str(weight or 0)) for weight in columns[self._width]]))

    @property
    def carries(self) -> bool:
        """Whether every group carries what it costs."""
        return all(len(row) > self._width + 1 and row[-1] is not None for row in self._rows)

    def count(self, condition: str) -> int:
        """The number of rows that meet the condition."""
        met = self._met(condition)
        return sum((met & plane).bit_count() << n for n, plane in enumerate(self._planes)) if met else 0

    def carried(self, condition: str) -> Iterator[Carried]:
        """What the groups carry that meet the condition."""
        met = self._met(condition)
        while met:
            currency, firsts, money = self._rows[(met & -met).bit_length() - 1][self._width + 1 :]
            rows: Iterable[Iterable[int]] = firsts  # type: ignore[assignment]  # lists of row numbers
            yield Carried(currency, list(chain.from_iterable(rows)), money)
            met &= met - 1

    def _met(self, condition: str) -> int:
        return answered(self._conditions[condition], self._answers.__getitem__, self._everything).true


def _answer(values: Sequence[object]) -> Answer:
    """The bits of one leaf; the first row has the lowest."""
    true = false = 0
    for n, value in enumerate(values):
        if value:
            true |= 1 << n
        elif value is not None:
            false |= 1 << n
    return Answer(true, false)


def _planes(weights: Sequence[int]) -> Iterator[int]:
    """Bit n of every weight, gathered: what is counted is then a sum of powers of two."""
    for n in range(max(weights, default=0).bit_length()):
        yield sum(1 << row for row, weight in enumerate(weights) if weight >> n & 1)
