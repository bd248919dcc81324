"""Rows that look alike to every rule are told apart once and then judged once, however many they are.

A condition is AND, OR and NOT over leaves such as `ResourceId IS NULL` or `number(BilledCost) < 0`. Rows are grouped by the
columns that hold few values and by the leaves over the other columns; leaves over the former are asked of the groups. A million
rows make some dozens of groups. Nothing is approximate: a condition has one answer for all rows of a group.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from fiscus.cost.conformance.alike import Alike
from fiscus.cost.conformance.conditions import PIECE, leaves_of, spelt, taken_apart
from fiscus.cost.conformance.types import DeliveredColumn
from fiscus.kernel.rows import Rows

FEW_MAX: Final = 12
"""Distinct values among the first rows up to which a column is grouped by as it is."""
FIRST_ROWS_SEEN: Final = 2_048
GROUPS_MAX: Final = 4_000
"""Groups that are judged here; more of them are judged where they are."""
CURRENCY: Final = "BillingCurrency"
SHOWN: Final = 3
"""Rows that are named of those that break a rule: the first."""
_COUNT: Final = "x__n"
_FEW: Final = re.compile(r"\w*(Category|Subcategory|Class|Currency|Frequency|Status|Unit)|BillingPeriod(Start|End)")
"""Columns of closed lists, or nearly. No name, type or id: a file in their order has few in its first rows, and then many."""
_NAME: Final = re.compile(r"[A-Z][a-z]|x_")
_NOTHING: Final = re.compile(r"(\w+) IS NULL")
_FAILS: Final = re.compile(r"TRY_CAST|CASE|least|coalesce|IS|OR|AND|json|nullif")
_STRICT: Final = frozenset(
    {"contains", "starts_with", "ends_with", "lower", "trim", "length", "strlen", "0", "8", "IN", "NOT"}
    | {"list_contains", "string_split"}
)
"""What knows nothing of nothing."""


def few_valued(delivered: Sequence[DeliveredColumn]) -> list[str]:
    """Columns that may be grouped by as they are, as far as their names tell."""
    return [c.name for c in delivered if c.kind in {"text", "time"} and _FEW.fullmatch(c.name)]


def seen_values(columns: Sequence[str]) -> str:
    """SQL: about how many distinct values the first rows hold, column by column."""
    counts = ", ".join(f'approx_count_distinct("{name}")' for name in columns)
    return f"SELECT {counts} FROM (SELECT * FROM delivery LIMIT {FIRST_ROWS_SEEN})"


class Patterns:
    """Conditions that are counted together. `few`: columns to group by as they are; `readings`: SQL of names in conditions.

    `money`: SQL of what rows cost together. With it groups carry that and their first rows, and BillingCurrency is one of `few`.
    """

    def __init__(
        self, conditions: Collection[str], few: Collection[str], readings: Mapping[str, str], money: str = ""
    ) -> None:
        self._few, self._readings, self._money = few, readings, money
        self._conditions = {sql: taken_apart(sql) for sql in conditions}
        leaves = dict.fromkeys(leaf for condition in self._conditions.values() for leaf in leaves_of(condition))
        self._names = {leaf: f"x__{n}" for n, leaf in enumerate(leaves)}
        self._shown = [leaf for leaf in leaves if all(name in few for name in _columns(leaf))]
        keyed = [leaf for leaf in leaves if leaf not in set(self._shown)]
        self._told = dict(self._told_nulls(keyed))
        self._keyed = [leaf for leaf in keyed if leaf not in self._told]

    @property
    def conditions(self) -> Sequence[str]:
        return list(self._conditions)

    def groups(self) -> str:
        """SQL: the answers of all leaves, each combination once with its number of rows; one more than GROUPS_MAX at most."""
        names = "".join(f"{name}, " for name in self._names.values())
        ending = "GROUP BY ALL" if names or self._money else ""
        money = "CASE WHEN count(x__money) = count(*) THEN sum(x__money) END"
        carried = f", {CURRENCY}, list(x__first), {money}" if self._money else ""
        return (
            f"SELECT {names}sum({_COUNT}) AS {_COUNT}{carried} FROM ({self._answers()}) {ending} LIMIT {GROUPS_MAX + 1}"
        )

    def counts(self) -> str:
        """SQL: one row, the number of rows that meet each condition, in order."""
        cells = [
            f"sum(CASE WHEN {spelt(c, self._names.__getitem__)} THEN {_COUNT} END)" for c in self._conditions.values()
        ]
        return f"SELECT {', '.join(cells) or 'NULL'} FROM ({self._answers()})"

    def alike(self, groups: Rows) -> Alike:
        """What `groups` answered, to be asked for each condition."""
        return Alike(self._conditions, list(self._names), groups)

    def _answers(self) -> str:
        """The answers of all leaves for each group."""
        cells = [f"({leaf}) AS {self._names[leaf]}" for leaf in self._shown]
        cells += [f"({by} IS NULL) AS {self._names[leaf]}" for leaf, by in self._told.items()]
        cells += [*(self._names[leaf] for leaf in self._keyed), _COUNT]
        cells += [CURRENCY, "x__first", "x__money"] if self._money else []
        return f"SELECT {', '.join(cells)} FROM (SELECT *{self._read(self._shown)} FROM ({self._grouped()}))"

    def _told_nulls(self, keyed: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Leaves `X IS NULL` that another leaf tells, being unknown where X is nothing and only there: its name beside each."""
        told: dict[str, str] = {}
        for leaf in keyed:
            pieces = {piece for piece in PIECE.findall(leaf) if piece[0].isalnum() or piece[0] in '_"'} - _STRICT
            if len(pieces) == 1 and not (piece := pieces.pop()).isdigit() and self._is_strict(piece):
                told.setdefault(next(_columns(piece), ""), self._names[leaf])
        for leaf in keyed:
            bare = _NOTHING.fullmatch(leaf)
            if bare is not None and bare[1] in told:
                yield leaf, told[bare[1]]

    def _is_strict(self, name: str) -> bool:
        """A column, or a reading that fails for no value of it."""
        return name not in self._readings or _FAILS.search(self._readings[name]) is None

    def _grouped(self) -> str:
        cells = [f'"{name}"' for name in self._few] + [f"({leaf}) AS {self._names[leaf]}" for leaf in self._keyed]
        named = "".join(f"{cell}, " for cell in cells)
        ending = " GROUP BY ALL" if cells else ""
        carried = f", min(x__row, {SHOWN}) AS x__first, {self._money} AS x__money" if self._money else ""
        return f"SELECT {named}count(*) AS {_COUNT}{carried} FROM (SELECT *{self._read(self._keyed)} FROM delivery){ending}"

    def _read(self, leaves: Sequence[str]) -> str:
        spoken = {piece for leaf in leaves for piece in PIECE.findall(leaf)}
        return "".join(f", {sql} AS {name}" for name, sql in self._readings.items() if name in spoken)


def _columns(leaf: str) -> Iterator[str]:
    """The columns that a leaf speaks of, those inside the name of a reading too."""
    for piece in PIECE.findall(leaf):
        if piece[0] == '"':
            yield piece[1:-1]
        elif piece[0] != "'":
            yield from (name for name in piece.split("__") if _NAME.match(name))
