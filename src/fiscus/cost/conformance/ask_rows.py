"""All rules of one row in one pass: rows that look alike are counted together; then places and money of the broken ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from fiscus.cost.conformance.patterns import FEW_MAX, GROUPS_MAX, Patterns, few_valued, seen_values
from fiscus.cost.conformance.ports import Desk
from fiscus.cost.conformance.readings import alias_readings
from fiscus.cost.conformance.row_tests import RowTest, both
from fiscus.kernel.rows import Rows

FIRST_ROWS: Final = 3
COSTLY: Final = re.compile(r"json|list_|regexp|is_flat|key_list|elements|is_unit|is_currency")
TEXT: Final = re.compile(r"'(?:[^']|'')*'")
NEVER: Final = "false"
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
    asked = [Counting(direct, kind_of, few), *(Counting(mine, kind_of, (c,)) for c, mine in values_of.items())]
    answers = desk.query_all([one.patterns.groups() for one in asked])
    found: dict[str, Count] = {}
    for counting, answer in zip(asked, answers, strict=True):
        found |= counting.found(desk, answer)
    return found


def _costly_column(test: RowTest, known: Collection[str]) -> str:
    """The only column of a test that is costly a row: its distinct values are asked instead. Empty: ask the rows."""
    sql = f"{test.when} {test.broken}"
    if not COSTLY.search(sql):
        return ""
    named = {word for word in WORD.findall(TEXT.sub("", sql)) if word in known}
    return named.pop() if len(named) == 1 else ""


class Counting:
    """Tests that are counted by one statement: of each, the rows that it judges and the rows that break it."""

    def __init__(self, tests: Mapping[str, RowTest], kind_of: Callable[[str], str], few: Collection[str]) -> None:
        readings: dict[str, str] = {}

        def said(sql: str) -> str:
            read = alias_readings(sql, kind_of, readings)
            return NEVER if read == NEVER or read.endswith(f" AND {NEVER}") else read

        self._conditions = {name: (said(test.when), said(both(test.when, test.broken))) for name, test in tests.items()}
        distinct = dict.fromkeys(sql for pair in self._conditions.values() for sql in pair if sql != NEVER)
        self.patterns = Patterns(list(distinct), few, readings)

    def found(self, desk: Desk, groups: Rows) -> Mapping[str, Count]:
        """The counts by the name of the test, of what the statement answered; too many groups are counted on the desk."""
        if len(groups.rows) <= GROUPS_MAX:
            counted = dict(self.patterns.counted(groups))
        else:
            (row,) = desk.query(self.patterns.counts()).rows
            counted = {sql: _whole(value) for sql, value in zip(self.patterns.conditions, row, strict=True)}
        counted[NEVER] = 0
        return {name: Count(counted[when], counted[broken]) for name, (when, broken) in self._conditions.items()}


@dataclass(frozen=True, slots=True)
class Purse:
    """The money of a row: BilledCost or `column`, whichever is more. `known`: the delivery has one of them."""

    column: str
    known: bool


class Damaging:
    """The question where and how much the broken tests among `tests` break: one pass over their rows. `sql` is empty for none."""

    def __init__(
        self,
        tests: Mapping[str, RowTest],
        counts: Mapping[str, Count],
        kind_of: Callable[[str], str],
        purse: Purse,
        rows: int,
    ) -> None:
        broken = {name: test for name, test in tests.items() if counts[name].broken}
        self._names = list(broken)
        self.sql = ""
        if not broken:
            return
        needed: dict[str, str] = {}
        of_money: dict[str, str] = {}
        money = alias_readings(MONEY.format(second=purse.column), kind_of, of_money)
        faults = [alias_readings(both(test.when, test.broken), kind_of, needed) for test in broken.values()]
        cells: list[str] = []
        for fault in faults:
            cells.append(f"min(CASE WHEN {fault} THEN x__row END, {FIRST_ROWS})")
            cells.append(f"sum(CASE WHEN {fault} THEN {money} END)" if purse.known else "NULL")
        sparse = sum(counts[name].broken for name in broken) * SPARSE <= rows
        which = f" WHERE {' OR '.join(f'({fault})' for fault in dict.fromkeys(faults))}" if sparse else ""
        read = f"SELECT * FROM ({_read(needed)} FROM delivery){which}"  # money is read of the broken rows only
        self.sql = f"SELECT BillingCurrency, {', '.join(cells)} FROM ({_read(of_money)} FROM ({read})) GROUP BY BillingCurrency"

    def found(self, desk: Desk, answer: Rows) -> Mapping[str, Damage]:
        """What the statement answered, by the name of the test."""
        return {name: _damage(desk, answer.rows, 1 + 2 * n) for n, name in enumerate(self._names)}


def damage_of(
    desk: Desk, tests: Mapping[str, RowTest], counts: Mapping[str, Count], kind_of: Callable[[str], str], purse: Purse
) -> Mapping[str, Damage]:
    """Places and money of the rows that break each test, by name, for those that were broken."""
    asked = Damaging(tests, counts, kind_of, purse, desk.row_count)
    return asked.found(desk, desk.query(asked.sql)) if asked.sql else {}


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
