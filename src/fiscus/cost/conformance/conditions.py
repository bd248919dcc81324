"""A condition of SQL taken apart into leaves, and put together again over their answers, in SQL's logic of three values.

AND, OR, NOT, brackets and `coalesce(..., false)` are taken apart; whatever stands between them is a leaf. Many rows are answered
at once: an answer is two numbers, whose bits say for which rows it is true and for which false; for the others it is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final, Literal

PIECE: Final = re.compile(r"""'(?:[^']|'')*'|"[^"]*"|\w+|\s+|.""", re.DOTALL)
"""Text, a quoted name, a word, space, or a single sign."""
_BARE: Final = re.compile(r"(\w+) IS NOT NULL")
_UNLIKE: Final = re.compile(r"(\w+) <> (\w+|'[^']*')")
_OPEN: Final = frozenset({"(", "[", "CASE"})
_CLOSE: Final = frozenset({")", "]", "END"})


@dataclass(frozen=True, slots=True)
class Condition:
    """`kind` leaf: `sql` asks it. Otherwise it is made of `parts`; sure: what is unknown is false."""

    kind: Literal["leaf", "and", "or", "not", "sure"]
    sql: str = ""
    parts: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """Bit n of `true` and of `false` speak of row n; neither is set where nothing is known."""

    true: int
    false: int


def answered(condition: Condition, answer_of: Callable[[str], Answer], everything: int) -> Answer:
    """The condition over the answers of its leaves. `everything` has the bit of every row."""
    if condition.kind == "leaf":
        return answer_of(condition.sql)
    parts = [answered(part, answer_of, everything) for part in condition.parts]
    if condition.kind == "not":
        return Answer(parts[0].false, parts[0].true)
    if condition.kind == "sure":
        return Answer(parts[0].true, everything & ~parts[0].true)
    if condition.kind == "and":
        return reduce(lambda a, b: Answer(a.true & b.true, a.false | b.false), parts)
    return reduce(lambda a, b: Answer(a.true | b.true, a.false & b.false), parts)


def spelt(condition: Condition, name_of: Callable[[str], str]) -> str:
    """The condition as SQL over the names of its leaves."""
    if condition.kind == "leaf":
        return name_of(condition.sql)
    parts = [spelt(part, name_of) for part in condition.parts]
    if condition.kind == "not":
        return f"(NOT {parts[0]})"
    if condition.kind == "sure":
        return f"coalesce({parts[0]}, false)"
    return "(" + (" AND " if condition.kind == "and" else " OR ").join(parts) + ")"


def leaves_of(condition: Condition) -> Iterator[str]:
    """SQL of every leaf."""
    if condition.kind == "leaf":
        yield condition.sql
    for part in condition.parts:
        yield from leaves_of(part)


def taken_apart(sql: str) -> Condition:
    """The condition that `sql` spells."""
    return _either(PIECE.findall(sql))


def _either(pieces: Sequence[str]) -> Condition:
    """OR binds less than AND, and that less than NOT."""
    parts = tuple(_every(part) for part in _split(pieces, "OR"))
    return parts[0] if len(parts) == 1 else Condition("or", "", parts)


def _every(pieces: Sequence[str]) -> Condition:
    parts = tuple(_single(part) for part in _split(pieces, "AND"))
    return parts[0] if len(parts) == 1 else Condition("and", "", parts)


def _single(pieces: Sequence[str]) -> Condition:
    pieces = _trimmed(pieces)
    if pieces[:1] == ["NOT"]:
        return Condition("not", "", (_single(pieces[1:]),))
    if pieces[:1] == ["("] and _ends(pieces, 0) == len(pieces) - 1:
        return _either(pieces[1:-1])
    if pieces[:2] == ["coalesce", "("] and _ends(pieces, 1) == len(pieces) - 1:
        inner = list(_split(pieces[2:-1], ","))
        if len(inner) == 2 and _trimmed(inner[1]) == ["false"]:
            return Condition("sure", "", (_either(inner[0]),))
    sql = "".join(pieces)
    bare = _BARE.fullmatch(sql)
    if bare is not None:
        return Condition("not", "", (Condition("leaf", f"{bare[1]} IS NULL"),))
    unlike = _UNLIKE.fullmatch(sql)
    if unlike is not None:
        return Condition("not", "", (Condition("leaf", f"{unlike[1]} = {unlike[2]}"),))
    return Condition("leaf", sql)


def _trimmed(pieces: Sequence[str]) -> Sequence[str]:
    first, last = 0, len(pieces)
    while first < last and pieces[first].isspace():
        first += 1
    while last > first and pieces[last - 1].isspace():
        last -= 1
    return pieces[first:last]


def _split(pieces: Sequence[str], word: str) -> Iterator[Sequence[str]]:
    """The parts between the `word`s that stand in no bracket and no CASE, and belong to no BETWEEN."""
    if word not in pieces:
        yield pieces
        return
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
