"""All rules of one row in one pass: rows that look alike are counted together; then places and money of the broken ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from fiscus.cost.conformance.patterns import FEW_MAX, WEIGHT, Patterns, few_valued, seen_values, words
from fiscus.cost.conformance.ports import Desk
from fiscus.cost.conformance.readings import alias_readings
from fiscus.cost.conformance.row_tests import ALWAYS, RowTest, both

FIRST_ROWS: Final = 3
TESTS_PER_QUERY_MAX: Final = 800
COSTLY: Final = re.compile(r"json|list_|regexp|is_flat|key_list|elements|is_unit|is_currency")
TEXT: Final = re.compile(r"'(?:[^']|'')*'")
NEVER: Final = -1
WORD: Final = re.compile(r"\w+")
MONEY: Final = "greatest(abs(coalesce(amount(BilledCost), 0)), abs(coalesce(amount({second}), 0)))"
SPARSE: Final = 8
"""Where at most one row in so many is broken, the others are left out before places and money are gathered."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows a test judged, how many broke it."""

    judged: int
    broken: int


@dataclass(frozen=True, slots=True)
class Damage:
    """Where and how much: first places as people find them, money of the broken rows by currency."""

    places: tuple[str, ...] = ()
    money: Mapping[str, Decimal] = field(default_factory=dict)


def columns_of_few_values(desk: Desk) -> tuple[str, ...]:
    """The columns by which rows may be grouped as they are."""
    named = few_valued(desk.columns)
    if not named:
        return ()
    (seen,) = desk.query(seen_values(named)).rows
    return tuple(name for name, values in zip(named, seen, strict=True) if _whole(values) <= FEW_MAX)


def count_rows(
    desk: Desk, tests: Mapping[str, RowTest], kind_of: Callable[[str], str], few: Collection[str]
) -> Mapping[str, Count]:
    """Judged and broken rows by the name of the test: rows that look alike at once, costly ones by the column's values."""
    known = {column.name for column in desk.columns} - set(few)
    direct: dict[str, RowTest] = {}
    values_of: dict[str, dict[str, RowTest]] = {}
    for name, test in tests.items():
        column = _costly_column(test, known)
        (values_of.setdefault(column, {}) if column else direct)[name] = test
    names = list(direct)
    asked = [
        _grouped({name: direct[name] for name in names[start : start + TESTS_PER_QUERY_MAX]}, kind_of, few)
        for start in range(0, len(names), TESTS_PER_QUERY_MAX)
    ]
    asked += [_grouped(mine, kind_of, (column,)) for column, mine in values_of.items()]
    found: dict[str, Count] = {}
    for counting, answer in zip(asked, desk.query_all([one.sql for one in asked]), strict=True):
        counted = (*answer.rows[0], 0)  # NEVER is the last
        for name, (when, broken) in counting.places.items():
            found[name] = Count(_whole(counted[when]), _whole(counted[broken]))
    return found


def _costly_column(test: RowTest, known: Collection[str]) -> str:
    """The only column of a test that is costly a row: its distinct values are asked instead. Empty: ask the rows."""
    sql = f"{test.when} {test.broken}"
    if not COSTLY.search(sql):
        return ""
    named = {word for word in WORD.findall(TEXT.sub("", sql)) if word in known}
    return named.pop() if len(named) == 1 else ""


@dataclass(frozen=True, slots=True)
class Counting:
    """A statement that counts, and where in its one row the judged and the broken rows of each test stand."""

    sql: str
    places: Mapping[str, tuple[int, int]]


def _grouped(tests: Mapping[str, RowTest], kind_of: Callable[[str], str], few: Collection[str]) -> Counting:
    needed: dict[str, str] = {}
    position: dict[str, int] = {}
    patterns = Patterns(few)

    def place(sql: str) -> int:
        said = alias_readings(sql, kind_of, needed)
        never = said == "false" or said.endswith(" AND false")
        return NEVER if never else position.setdefault(patterns.over_groups(said), len(position))

    places = {name: (place(test.when), place(both(test.when, test.broken))) for name, test in tests.items()}
    counts = ", ".join(_counted(sql) for sql in position)
    spoken = words(position)
    read = _read({name: sql for name, sql in needed.items() if name in spoken})
    return Counting(f"SELECT {counts or 'count(*)'} FROM ({read} FROM ({patterns.grouped(needed)}))", places)


def _counted(sql: str) -> str:
    """SQL: how many rows the groups hold that meet the condition."""
    return f"sum({WEIGHT})" if sql == ALWAYS else f"sum(CASE WHEN {sql} THEN {WEIGHT} END)"


@dataclass(frozen=True, slots=True)
class Purse:
    """The money of a row: BilledCost or `column`, whichever is more. `known`: the delivery has one of them."""

    column: str
    known: bool


def damage_of(
    desk: Desk, tests: Mapping[str, RowTest], counts: Mapping[str, Count], kind_of: Callable[[str], str], purse: Purse
) -> Mapping[str, Damage]:
    """Places and money of the rows that break each test, by name, for those that were broken: one pass over all of them."""
    tests = {name: test for name, test in tests.items() if counts[name].broken}
    if not tests:
        return {}
    needed: dict[str, str] = {}
    money = alias_readings(MONEY.format(second=purse.column), kind_of, needed)
    cells: list[str] = []
    faults = [alias_readings(both(test.when, test.broken), kind_of, needed) for test in tests.values()]
    for broken in faults:
        cells.append(f"min(CASE WHEN {broken} THEN x__row END, {FIRST_ROWS})")
        cells.append(f"sum(CASE WHEN {broken} THEN {money} END)" if purse.known else "NULL")
    sparse = sum(counts[name].broken for name in tests) * SPARSE <= desk.row_count
    which = f" WHERE {' OR '.join(f'({broken})' for broken in dict.fromkeys(faults))}" if sparse else ""
    rows = desk.query(
        f"SELECT BillingCurrency, {', '.join(cells)} FROM ({_read(needed)} FROM delivery){which} GROUP BY BillingCurrency"
    ).rows
    return {name: _damage(desk, rows, 1 + 2 * n) for n, name in enumerate(tests)}


def _damage(desk: Desk, rows: Sequence[tuple[object, ...]], at: int) -> Damage:
    places: list[int] = []
    money: dict[str, Decimal] = {}
    for row in rows:
        found: list[int] = row[at] or []  # type: ignore[assignment]  # row numbers
        places += found
        amount = row[at + 1]
        if isinstance(amount, Decimal) and amount:
            money[str(row[0] or "without currency")] = amount
    return Damage(tuple(desk.place(n) for n in sorted(places)[:FIRST_ROWS]), money)


def _read(needed: Mapping[str, str]) -> str:
    return "SELECT *" + "".join(f", {sql} AS {name}" for name, sql in needed.items())


def _whole(value: object) -> int:
    assert value is None or isinstance(value, int)
    return value or 0  # of no rows at all, nothing is counted
