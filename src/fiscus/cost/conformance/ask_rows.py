"""All rules of one row in one pass: conditional counts, then places and money of those that were broken.

Measured: a hundred conditional counts cost less than two separate queries; `count_if` is twice as fast as FILTER.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from fiscus.cost.conformance.ports import Desk
from fiscus.cost.conformance.readings import alias_readings
from fiscus.cost.conformance.row_tests import ALWAYS, RowTest, both

FIRST_ROWS: Final = 3
TESTS_PER_QUERY_MAX: Final = 800
COSTLY: Final = re.compile(r"json|list_|regexp|is_flat|key_list|elements|is_unit|is_currency")
TEXT: Final = re.compile(r"'(?:[^']|'')*'")
NEVER: Final = -1
BARE: Final = re.compile(r"(\w+) IS (NOT )?NULL")
WORD: Final = re.compile(r"\w+")
MONEY: Final = "greatest(abs(coalesce(amount(BilledCost), 0)), abs(coalesce(amount({second}), 0)))"


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


def count_rows(
    desk: Desk, tests: Mapping[str, RowTest], kind_of: Callable[[str], str], *, by_value: bool = True
) -> Mapping[str, Count]:
    """Judged and broken rows by the name of the test: cheap tests in one pass, costly ones of a single column by its values."""
    known = {column.name for column in desk.columns}
    direct: dict[str, RowTest] = {}
    values_of: dict[str, dict[str, RowTest]] = {}
    for name, test in tests.items():
        column = _costly_column(test, known) if by_value else ""
        (values_of.setdefault(column, {}) if column else direct)[name] = test
    names = list(direct)
    found: dict[str, Count] = {}
    for start in range(0, len(names), TESTS_PER_QUERY_MAX):
        some = {name: direct[name] for name in names[start : start + TESTS_PER_QUERY_MAX]}
        found.update(_count(desk, some, kind_of, ROWS))
    for column, mine in values_of.items():
        values = Relation(f'(SELECT "{column}", count(*) AS n FROM delivery GROUP BY "{column}")', "n")
        found.update(_count(desk, mine, kind_of, values))
    return found


def _costly_column(test: RowTest, known: Collection[str]) -> str:
    """The only column of a test that is costly a row: its distinct values are asked instead. Empty: ask the rows."""
    sql = f"{test.when} {test.broken}"
    if not COSTLY.search(sql):
        return ""
    named = {word for word in WORD.findall(TEXT.sub("", sql)) if word in known}
    return named.pop() if len(named) == 1 else ""


def _count(
    desk: Desk, tests: Mapping[str, RowTest], kind_of: Callable[[str], str], relation: Relation
) -> Mapping[str, Count]:
    needed: dict[str, str] = {}
    position: dict[str, int] = {}

    def place(sql: str) -> int:
        said = alias_readings(sql, kind_of, needed)
        return NEVER if said == "false" or said.endswith(" AND false") else position.setdefault(said, len(position))

    wanted = {name: (place(test.when), place(both(test.when, test.broken))) for name, test in tests.items()}
    counts = ", ".join(relation.counted(sql) for sql in position)
    (row,) = desk.query(f"SELECT {counts or 'count(*)'} FROM ({_read(needed)} FROM {relation.source})").rows
    counted = (*row, 0)  # NEVER is the last
    return {name: Count(_whole(counted[when]), _whole(counted[broken])) for name, (when, broken) in wanted.items()}


@dataclass(frozen=True, slots=True)
class Relation:
    """Where tests are counted: the rows themselves, or distinct values that each stand for `weight` rows."""

    source: str
    weight: str = ""

    def counted(self, sql: str) -> str:
        """SQL: how many rows meet the condition."""
        if not self.weight:
            bare = BARE.fullmatch(sql)
            if bare is not None:
                return f'count("{bare[1]}")' if bare[2] else f'count(*) - count("{bare[1]}")'
            return "count(*)" if sql == ALWAYS else f"count_if({sql})"
        return f"CAST(coalesce(sum(CASE WHEN {sql} THEN {self.weight} END), 0) AS BIGINT)"


ROWS: Final = Relation("delivery")


def damage_of(
    desk: Desk, tests: Mapping[str, RowTest], kind_of: Callable[[str], str], second: str, money_known: bool
) -> Mapping[str, Damage]:
    """Places and money of the rows that break each test: one pass over all that were broken."""
    if not tests:
        return {}
    needed: dict[str, str] = {}
    money = alias_readings(MONEY.format(second=second), kind_of, needed)
    cells: list[str] = []
    for test in tests.values():
        broken = alias_readings(both(test.when, test.broken), kind_of, needed)
        cells.append(f"min(CASE WHEN {broken} THEN x__row END, {FIRST_ROWS})")
        cells.append(f"sum(CASE WHEN {broken} THEN {money} END)" if money_known else "NULL")
    rows = desk.query(
        f"SELECT BillingCurrency, {', '.join(cells)} FROM ({_read(needed)} FROM delivery) GROUP BY BillingCurrency"
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
