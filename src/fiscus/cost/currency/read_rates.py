"""Rates from a file: the European Central Bank's history as it is downloaded, or a long table; whole or not at all.

Wide (eurofxref-hist.csv, ecb.europa.eu/stats/eurofxref): `Date,USD,JPY,...`, a row a day, units of a currency for one euro, N/A
where none was published. Long: `date,currency,rate` and, if it is not EUR, `base`; or the columns of the ECB's data portal,
TIME_PERIOD, CURRENCY, CURRENCY_DENOM, OBS_VALUE.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

from fiscus.cost.currency.types import Published
from fiscus.kernel.errors import BadInput, Where
from fiscus.kernel.money import EXACT

EURO: Final = "EUR"
NONE: Final = frozenset({"", "N/A", "NaN", "-"})
CODE: Final = re.compile(r"[A-Z]{3}")
LONG: Final = ({"date", "currency", "rate"}, {"TIME_PERIOD", "CURRENCY", "OBS_VALUE"})
NAMES: Final = (("date", "currency", "rate", "base"), ("TIME_PERIOD", "CURRENCY", "OBS_VALUE", "CURRENCY_DENOM"))
RATE_DIGITS_MAX: Final = 15  # before the point, or noughts behind it: no currency was ever so many of another
SHAPES: Final = "Give eurofxref-hist.csv as the ECB publishes it, or columns date, currency, rate (and base)."


@dataclass(frozen=True, slots=True)
class _Cell:
    """One published rate: so many units of `currency` for one of `base`."""

    day: date
    currency: str
    base: str
    rate: Decimal
    where: Where


def read_rates(files: Mapping[str, str]) -> Published:
    """All files as one. Raises BadInput with file, row (1 is the first below the header) and column.

    Two rates of one currency and day that differ are refused. A rate with another base than the euro is brought to it by the
    same day's rate of that base, wherever in the files it stands.
    """
    direct: dict[str, dict[date, Decimal]] = {}
    others: list[_Cell] = []
    for file, text in sorted(files.items()):
        for cell in _cells(file, text):
            if cell.base == EURO:
                _put(direct, cell.currency, cell.day, cell.rate, cell.where)
            elif cell.currency == EURO:
                _put(direct, cell.base, cell.day, EXACT.divide(Decimal(1), cell.rate), cell.where)
            else:
                others.append(cell)
    for cell in others:
        base = direct.get(cell.base, {}).get(cell.day)
        if base is None:
            remedy = f"Add the rate of {cell.base} for one EUR on that day."
            raise BadInput(f"{cell.base} has no rate to the euro on {cell.day}", remedy=remedy, where=cell.where)
        _put(direct, cell.currency, cell.day, EXACT.multiply(base, cell.rate), cell.where)
    sorted_days = {currency: dict(sorted(days.items())) for currency, days in sorted(direct.items())}
    every = [day for days in sorted_days.values() for day in days]
    return Published(sorted_days, min(every, default=None), max(every, default=None))


def _put(direct: dict[str, dict[date, Decimal]], currency: str, day: date, rate: Decimal, where: Where) -> None:
    known = direct.setdefault(currency, {}).setdefault(day, rate)
    if known != rate:
        message = f"{currency} has two rates on {day}: {known.normalize():f} and {rate.normalize():f}"
        raise BadInput(message, remedy="Keep the published one.", where=where)


def _cells(file: str, text: str) -> Iterator[_Cell]:
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        rows = enumerate(reader, 1)
        if header and header[0] == "Date":
            yield from _wide(file, header, rows)
            return
        for names, wanted in zip(NAMES, LONG, strict=True):
            if wanted <= set(header):
                yield from _long(file, header, names, rows)
                return
    except csv.Error as broken:
        where = Where(file=file, row=reader.line_num - 1)
        raise BadInput(f"Not CSV: {broken}", remedy="Mend the row shown.", where=where) from None
    raise BadInput("Not a file of rates", remedy=SHAPES, where=Where(file=file, row=0))


def _wide(file: str, header: Sequence[str], rows: Iterator[tuple[int, list[str]]]) -> Iterator[_Cell]:
    for column in header[1:]:
        if column and not CODE.fullmatch(column):
            where = Where(file=file, row=0, column=column)
            raise BadInput(f"{column!r} is no currency code", remedy=SHAPES, where=where)
    for number, row in rows:
        if not any(cell.strip() for cell in row):
            continue
        _as_wide_as(header, row, file, number)
        day = _day(file, number, "Date", row[0].strip())
        for column, cell in zip(header[1:], row[1:], strict=False):
            if column and (text := cell.strip()) not in NONE:
                yield _Cell(
                    day, column, EURO, _rate(file, number, column, text), Where(file=file, row=number, column=column)
                )


def _long(
    file: str, header: Sequence[str], names: Sequence[str], rows: Iterator[tuple[int, list[str]]]
) -> Iterator[_Cell]:
    at = {name: header.index(name) if name in header else -1 for name in names}
    day_name, currency_name, rate_name, base_name = names
    for number, row in rows:
        if not any(cell.strip() for cell in row):
            continue

        _as_wide_as(header, row, file, number)

        def cell(name: str, row: Sequence[str] = row) -> str:
            return row[at[name]].strip() if 0 <= at[name] < len(row) else ""

        if cell(rate_name) in NONE - {""}:
            continue
        day = _day(file, number, day_name, cell(day_name))
        currency = _code(file, number, currency_name, cell(currency_name))
        base = _code(file, number, base_name, cell(base_name) or EURO)
        where = Where(file=file, row=number, column=rate_name)
        yield _Cell(day, currency, base, _rate(file, number, rate_name, cell(rate_name)), where)


def _as_wide_as(header: Sequence[str], row: Sequence[str], file: str, number: int) -> None:
    """A decimal comma makes two cells of one, and a file that was cut off ends in half a row: both would be other rates."""
    many = "more" if len(row) > len(header) else "fewer" if len(row) < len([name for name in header if name]) else ""
    if many:
        message = f"The row has {many} cells than the header"
        remedy = "Write rates with a decimal point, and each row whole."
        raise BadInput(message, remedy=remedy, where=Where(file=file, row=number))


def _day(file: str, row: int, column: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        where = Where(file=file, row=row, column=column)
        raise BadInput(f"{text!r} is no day", remedy="Write YYYY-MM-DD.", where=where) from None


def _code(file: str, row: int, column: str, text: str) -> str:
    if not CODE.fullmatch(text):
        where = Where(file=file, row=row, column=column)
        raise BadInput(f"{text!r} is no currency code", remedy="Write three capital letters, such as USD.", where=where)
    return text


def _rate(file: str, row: int, column: str, text: str) -> Decimal:
    try:
        rate = Decimal(text)
    except InvalidOperation:
        rate = Decimal("NaN")
    if not rate.is_finite() or rate <= 0 or abs(rate.adjusted()) > RATE_DIGITS_MAX or "_" in text:
        where = Where(file=file, row=row, column=column)
        raise BadInput(
            f"{text!r} is no rate", remedy="Write a number above 0, or N/A where none was published.", where=where
        )
    return rate
