"""A telemetry file: CSV with a driver per target and period, read whole or not at all."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final, TypeVar

from fiscus.cost.allocation.types import Target
from fiscus.kernel.documents import did_you_mean
from fiscus.kernel.errors import BadInput, Where
from fiscus.kernel.fiscal_labels import period_named
from fiscus.kernel.money import ZERO
from fiscus.kernel.periods import FiscalCalendar, Month

PERIOD, TARGET, VALUE = "period", "target", "value"
Named = Callable[[str], Target]  # a name as told -> its target; BadInput without a place when it is nobody's
Drivers = Mapping[str, Mapping[Target, Decimal]]
AMOUNT_DIGITS_MAX: Final = 38
Read = TypeVar("Read")


def read_telemetry(text: str, file: str, column: str, named: Named, calendar: FiscalCalendar) -> Drivers:
    """Billing month -> target -> the sum of `column`. Rows of one target and month are added.

    The columns `period` (2026-10, a day such as 2026-10-05, or a fiscal label such as FY2027-Q3), `target` and `column`
    must be there; others are ignored, so that one file can tell several drivers. A fiscal period counts for each month in which
    it has days. Raises BadInput with file, row (1 is the first below the header) and column.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    drivers: dict[str, dict[Target, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    try:
        header = list(reader.fieldnames or ())
        for wanted in (PERIOD, TARGET, column):
            if wanted not in header:
                where = Where(file=file, row=0, column=wanted)
                raise BadInput(
                    f"There is no column {wanted!r}",
                    remedy=f"The header is {', '.join(header) or 'empty'}.",
                    where=where,
                )
        twice = [name for name in (PERIOD, TARGET, column) if header.count(name) > 1]
        if twice:
            where = Where(file=file, row=0, column=twice[0])
            raise BadInput(f"The column {twice[0]!r} stands twice", remedy="Keep one of them.", where=where)
        for number, row in enumerate(reader, 1):
            if None in row:
                where = Where(file=file, row=number)
                raise BadInput(
                    "The row has more fields than the header", remedy="Quote what has a comma in it.", where=where
                )
            at = _At(file, number, row)
            target = at.read(TARGET, named)
            amount = at.read(column, amount_of)
            for month in at.read(PERIOD, lambda text: _months(text, calendar)):
                drivers[str(month)][target] += amount
    except csv.Error as broken:
        where = Where(file=file, row=reader.reader.line_num - 1)
        raise BadInput(f"Not CSV: {broken}", remedy="Mend the row shown.", where=where) from None
    return {month: dict(sorted(found.items())) for month, found in drivers.items()}


def amount_of(text: str) -> Decimal:
    """A number to share by: plain decimal, zero or more. BadInput for anything else."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise BadInput(f"{text!r} is no number", remedy="Write a plain number such as 1250 or 0.75.") from None
    if not is_amount(amount) or amount < ZERO or "_" in text:
        raise BadInput(f"{text} is nothing to share by", remedy="Write a number from 0 up, of at most 38 digits.")
    return amount


def is_amount(number: Decimal) -> bool:
    """Whether it can be shared by: no more digits, and none further from the point, than a fraction can bear."""
    if not number.is_finite() or len(number.as_tuple().digits) > AMOUNT_DIGITS_MAX:
        return False
    return number == ZERO or abs(number.adjusted()) <= AMOUNT_DIGITS_MAX


def team_named(teams: Mapping[str, str], to: str, names: Mapping[str, str]) -> Named:
    """How a told name becomes a target of the dimension `to`: by `names`, then, for a team, by any of its spellings."""

    def named(told: str) -> Target:
        name = names.get(told, told)
        if not name:
            raise BadInput("The cell is empty", remedy="Name a target.")
        if name.startswith("rule:"):
            return Target("rule", name.removeprefix("rule:"))
        if to != "team":
            return Target(to, name)
        if (team := teams.get(name.strip().casefold())) is None:
            raise BadInput(f"There is no team {name!r}", remedy=did_you_mean(name, sorted(set(teams.values()))))
        return Target(to, team)

    return named


def _months(text: str, calendar: FiscalCalendar) -> Iterable[Month]:
    if len(text) == len("2026-10-05") and text[4:5] == "-":
        try:
            return [Month.of(date.fromisoformat(text))]
        except ValueError:
            raise BadInput(f"{text!r} is no day", remedy="Write YYYY-MM-DD.") from None
    return period_named(calendar, text).months()


@dataclass(frozen=True, slots=True)
class _At:
    """One row under way."""

    file: str
    number: int
    row: Mapping[str, object]

    def read(self, column: str, reading: Callable[[str], Read]) -> Read:
        cell = self.row.get(column)
        try:
            return reading(cell.strip() if isinstance(cell, str) else "")
        except BadInput as wrong:
            where = Where(file=self.file, row=self.number, column=column)
            raise BadInput(wrong.message, remedy=wrong.remedy, where=where) from None
