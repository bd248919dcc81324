"""All rules of one row in one pass: rows that look alike are counted together; then places and money of the broken ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from itertools import count
from typing import Final

from fiscus.cost.conformance.alike import Alike, Carried
from fiscus.cost.conformance.patterns import CURRENCY, FEW_MAX, GROUPS_MAX, SHOWN, Patterns, few_valued, seen_values
from fiscus.cost.conformance.ports import Desk
from fiscus.cost.conformance.readings import alias_readings, spell_readings
from fiscus.cost.conformance.row_tests import RowTest, both
from fiscus.kernel.limits import CHECK_AMOUNT_MAX
from fiscus.kernel.money import EXACT
from fiscus.kernel.rows import Rows

COSTLY: Final = re.compile(r"json|list_(?!contains)|regexp|is_flat|key_list|elements|is_unit|is_currency")
TEXT: Final = re.compile(r"'(?:[^']|'')*'")
NEVER: Final = "false"
NOTHING: Final = Rows((), ())
WORD: Final = re.compile(r"\w+")
MONEY: Final = "greatest(abs(coalesce(amount(BilledCost), 0)), abs(coalesce(amount({second}), 0)))"
SPARSE: Final = 8
"""Where at most one row in so many is broken, the others are left out before places and money are gathered."""


@dataclass(frozen=True, slots=True)
class Damage:
    """Where and how much: first places as people find them, money of the broken rows by currency."""

    places: tuple[str, ...] = ()
    money: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows a test judged, how many broke it. `damage` tells where and how much, if the groups of rows carry it."""

    judged: int
    broken: int
    damage: Callable[[], Damage] | None = None


@dataclass(frozen=True, slots=True)
class Purse:
    """The money of a row: BilledCost or `column`, whichever is more. `known`: the delivery has one of them."""

    column: str
    known: bool

    def carried(self, few: Collection[str], kind_of: Callable[[str], str]) -> str:
        """SQL of what a group of rows costs; empty where groups are not of one currency each.

        NULL if one of them costs so much that the sum could overflow: nothing is to fail for rows that break no rule.
        """
        if not self.known or CURRENCY not in few:
            return ""
        money = spell_readings(MONEY.format(second=self.column), kind_of)
        most = CHECK_AMOUNT_MAX
        return f"CASE WHEN max({money}) < {most} THEN sum(CASE WHEN {money} < {most} THEN {money} END) END"


def columns_of_few_values(desk: Desk) -> tuple[str, ...]:
    """The columns by which rows may be grouped as they are."""
    named = few_valued(desk.columns)
    if not named:
        return ()
    (seen,) = desk.query(seen_values(named)).rows
    return tuple(name for name, values in zip(named, seen, strict=True) if _whole(values) <= FEW_MAX)


def count_rows(
    desk: Desk, tests: Mapping[str, RowTest], kind_of: Callable[[str], str], few: Collection[str], purse: Purse
) -> Mapping[str, Count]:
    """Judged and broken rows by the name of the test: rows that look alike at once, costly ones by the column's values."""
    known = {column.name for column in desk.columns} - set(few)
    direct: dict[str, RowTest] = {}
    values_of: dict[str, dict[str, RowTest]] = {}
    for name, test in tests.items():
        column = _costly_column(test, known)
        (values_of.setdefault(column, {}) if column else direct)[name] = test
    money = purse.carried(few, kind_of)
    asked = [Counting(direct, kind_of, few, money), *(Counting(mine, kind_of, (c,)) for c, mine in values_of.items())]
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

    def __init__(
        self, tests: Mapping[str, RowTest], kind_of: Callable[[str], str], few: Collection[str], money: str = ""
    ) -> None:
        readings: dict[str, str] = {}

        def said(sql: str) -> str:
            read = alias_readings(sql, kind_of, readings)
            return NEVER if read == NEVER or read.endswith(f" AND {NEVER}") else read

        self._conditions = {name: (said(test.when), said(both(test.when, test.broken))) for name, test in tests.items()}
        distinct = dict.fromkeys(sql for pair in self._conditions.values() for sql in pair if sql != NEVER)
        self.patterns = Patterns(list(distinct), few, readings, money)

    def found(self, desk: Desk, groups: Rows) -> Mapping[str, Count]:
        """The counts by the name of the test, of what the statement answered; too many groups are counted on the desk."""
        if len(groups.rows) <= GROUPS_MAX:
            alike = self.patterns.alike(groups)
            counted = {sql: alike.count(sql) for sql in self.patterns.conditions}
            damage = partial(_carried, desk, alike) if alike.carries else None
        else:
            (row,) = desk.query(self.patterns.counts()).rows
            counted = {sql: _whole(value) for sql, value in zip(self.patterns.conditions, row, strict=True)}
            damage = None
        counted[NEVER] = 0
        return {
            name: Count(counted[when], counted[broken], partial(damage, broken) if damage and counted[broken] else None)
            for name, (when, broken) in self._conditions.items()
        }


def _carried(desk: Desk, alike: Alike, broken: str) -> Damage:
    return _damage(desk, alike.carried(broken))


class Damaging:
    """Where and how much the broken tests among `tests` break: what their counts do not tell is asked of the rows, in one pass.

    `sql` is empty where nothing is asked.
    """

    def __init__(
        self,
        tests: Mapping[str, RowTest],
        counts: Mapping[str, Count],
        kind_of: Callable[[str], str],
        purse: Purse,
        rows: int,
    ) -> None:
        broken = {name: test for name, test in tests.items() if counts[name].broken}
        self._told = {name: tell for name in broken if (tell := counts[name].damage)}
        broken = {name: test for name, test in broken.items() if name not in self._told}
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
            cells.append(f"min(CASE WHEN {fault} THEN x__row END, {SHOWN})")
            cells.append(f"sum(CASE WHEN {fault} THEN {money} END)" if purse.known else "NULL")
        sparse = sum(counts[name].broken for name in broken) * SPARSE <= rows
        which = f" WHERE {' OR '.join(f'({fault})' for fault in dict.fromkeys(faults))}" if sparse else ""
        read = f"SELECT * FROM ({_read(needed)} FROM delivery){which}"  # money is read of the broken rows only
        self.sql = f"SELECT BillingCurrency, {', '.join(cells)} FROM ({_read(of_money)} FROM ({read})) GROUP BY BillingCurrency"

    def found(self, desk: Desk, answer: Rows) -> Mapping[str, Damage]:
        """By the name of the test; `answer`: of the statement, or nothing where there is none."""
        told = {name: tell() for name, tell in self._told.items()}
        return told | {
            name: _damage(desk, (Carried(row[0], row[at] or [], row[at + 1]) for row in answer.rows))  # type: ignore[arg-type]  # row numbers
            for at, name in zip(count(1, 2), self._names, strict=False)
        }


def damage_of(
    desk: Desk, tests: Mapping[str, RowTest], counts: Mapping[str, Count], kind_of: Callable[[str], str], purse: Purse
) -> Mapping[str, Damage]:
    """Places and money of the rows that break each test, by name, for those that were broken."""
    asked = Damaging(tests, counts, kind_of, purse, desk.row_count)
    return asked.found(desk, desk.query(asked.sql) if asked.sql else NOTHING)


def _damage(desk: Desk, parts: Iterable[Carried]) -> Damage:
    places: list[int] = []
    money: dict[str, Decimal] = {}
    for part in parts:
        places += part.first
        if isinstance(part.money, Decimal) and part.money:
            currency = str(part.currency or "without currency")
            money[currency] = EXACT.add(money.get(currency, Decimal(0)), part.money)
    return Damage(tuple(desk.place(n) for n in sorted(places)[:SHOWN]), dict(sorted(money.items())))


def _read(needed: Mapping[str, str]) -> str:
    return "SELECT *" + "".join(f", {sql} AS {name}" for name, sql in needed.items())


def _whole(value: object) -> int:
    assert value is None or isinstance(value, int)
    return value or 0  # of no rows at all, nothing is counted
