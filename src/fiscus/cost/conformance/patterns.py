"""Rows that look alike to every rule are told apart once and then judged once, however many they are.

A condition is AND, OR and NOT over leaves such as `ResourceId IS NULL` or `number(BilledCost) < 0`. Rows are grouped by the
columns that hold few values and by the leaves over the other columns; conditions are then asked of the groups, each counted with
its rows. A million rows make some hundred groups. Nothing is approximate: a condition has one answer for all rows of a group.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from fiscus.cost.conformance.types import DeliveredColumn

WEIGHT: Final = "x__n"
FEW_MAX: Final = 12
"""Distinct values among the first rows up to which a column is grouped by as it is."""
FIRST_ROWS_SEEN: Final = 2_048
_FEW: Final = re.compile(
    r"\w*(Category|Subcategory|Class|Currency|Frequency|Status|Type|Unit|Zone)|(Billing|Sub)Account(Id|Name)|Region(Id|Name)"
    r"|(Provider|HostProvider|ServiceProvider|Publisher|InvoiceIssuer|Service)Name|BillingPeriod(Start|End)|InvoiceId|SkuMeter"
)
"""Columns that FOCUS means to hold few values: never the id of a thing, a description or tags, however the first rows look."""
_PIECE: Final = re.compile(r"""'(?:[^']|'')*'|"[^"]*"|\w+|\s+|.""", re.DOTALL)
_BARE: Final = re.compile(r"(\w+) IS NOT NULL")
_NAME: Final = re.compile(r"[A-Z][a-z]|x_")
_OPEN: Final = frozenset({"(", "[", "CASE"})
_CLOSE: Final = frozenset({")", "]", "END"})


def few_valued(delivered: Sequence[DeliveredColumn]) -> list[str]:
    """Columns that may be grouped by as they are, as far as their names tell."""
    return [c.name for c in delivered if c.kind in {"text", "time"} and _FEW.fullmatch(c.name)]


def seen_values(columns: Sequence[str]) -> str:
    """SQL: about how many distinct values the first rows hold, column by column."""
    counts = ", ".join(f'approx_count_distinct("{name}")' for name in columns)
    return f"SELECT {counts} FROM (SELECT * FROM delivery LIMIT {FIRST_ROWS_SEEN})"


@dataclass(slots=True)
class Patterns:
    """`few`: the columns that are grouped by as they are. `leaves`: SQL of every other leaf, and the name of its answer."""

    few: Collection[str]
    leaves: dict[str, str] = field(default_factory=dict)
    _seen: dict[str, str] = field(default_factory=dict)

    def over_groups(self, condition: str) -> str:
        """The condition as it is asked of a group: leaves that a group does not show are named and gathered."""
        if condition not in self._seen:
            self._seen[condition] = self._either(_PIECE.findall(condition))
        return self._seen[condition]

    def grouped(self, readings: Mapping[str, str]) -> str:
        """SQL: one row a group, with its number of rows. `readings`: SQL by name of what leaves speak of."""
        spoken = words(self.leaves)
        read = "".join(f", {sql} AS {name}" for name, sql in readings.items() if name in spoken)
        cells = [*(f'"{name}"' for name in self.few), *(f"({sql}) AS {name}" for sql, name in self.leaves.items())]
        named = "".join(f"{cell}, " for cell in cells)
        ending = " GROUP BY ALL" if cells else ""
        return f"SELECT {named}count(*) AS {WEIGHT} FROM (SELECT *{read} FROM delivery){ending}"

    def _either(self, pieces: Sequence[str]) -> str:
        """OR binds less than AND, and that less than NOT."""
        parts = list(_split(pieces, "OR"))
        return " OR ".join(self._every(part) for part in parts)

    def _every(self, pieces: Sequence[str]) -> str:
        return " AND ".join(self._single(part) for part in _split(pieces, "AND"))

    def _single(self, pieces: Sequence[str]) -> str:
        pieces = _trimmed(pieces)
        if pieces and pieces[0] == "NOT":
            return f"NOT {self._single(pieces[1:])}"
        if pieces and pieces[0] == "(" and _ends(pieces, 0) == len(pieces) - 1:
            return f"({self._either(pieces[1:-1])})"
        if pieces[:2] == ["coalesce", "("] and _ends(pieces, 1) == len(pieces) - 1:
            inner = list(_split(pieces[2:-1], ","))
            if len(inner) == 2 and _trimmed(inner[1]) == ["false"]:
                return f"coalesce({self._either(inner[0])}, false)"
        return self._leaf("".join(pieces))

    def _leaf(self, sql: str) -> str:
        bare = _BARE.fullmatch(sql)
        if bare is not None:
            return f"NOT {self._leaf(f'{bare[1]} IS NULL')}"
        if all(name in self.few for name in _columns(sql)):
            return sql
        return self.leaves.setdefault(sql, f"x__{len(self.leaves)}")


def words(texts: Collection[str]) -> frozenset[str]:
    """The words of SQL texts, without what is quoted."""
    return frozenset(piece for text in texts for piece in _PIECE.findall(text) if piece[0].isalpha() or piece[0] == "_")


def _columns(sql: str) -> Iterator[str]:
    """The columns that a leaf speaks of, those inside the name of a reading too."""
    for piece in _PIECE.findall(sql):
        if piece[0] == '"':
            yield piece[1:-1]
        elif piece[0] != "'":
            yield from (name for name in piece.split("__") if _NAME.match(name))


def _trimmed(pieces: Sequence[str]) -> Sequence[str]:
    first, last = 0, len(pieces)
    while first < last and pieces[first].isspace():
        first += 1
    while last > first and pieces[last - 1].isspace():
        last -= 1
    return pieces[first:last]


def _split(pieces: Sequence[str], word: str) -> Iterator[Sequence[str]]:
    """The parts between the `word`s that stand in no bracket and no CASE, and belong to no BETWEEN."""
    depth = start = 0
    between = False
    for n, piece in enumerate(pieces):
        if piece in _OPEN:
            depth += 1
        elif piece in _CLOSE:
            depth -= 1
        elif not depth and piece == "BETWEEN":
            between = True
        elif not depth and between and piece == "AND":
            between = False
        elif piece == word and not depth:
            yield pieces[start:n]
            start = n + 1
    yield pieces[start:]


def _ends(pieces: Sequence[str], start: int) -> int:
    """Where the bracket that opens at `start` closes."""
    depth = 0
    for n in range(start, len(pieces)):
        depth += (pieces[n] in _OPEN) - (pieces[n] in _CLOSE)
        if not depth:
            return n
    return len(pieces)
