"""What a parameter of a report is bound to: typed, never pasted. Months and days may be said relative to the day of asking."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from fiscus.cost.reports.types import Parameter, Report
from fiscus.kernel.documents import did_you_mean
from fiscus.kernel.errors import BadInput, Where
from fiscus.kernel.periods import Month

TEXT_CHARS_MAX: Final = 1_000
MONTHS_AGO: Final = re.compile(r"(?P<this>this month)|(?P<last>last month)|(?P<n>\d{1,3}) months ago")
DAYS_AWAY: Final = re.compile(r"today|(?P<n>\d{1,4}) days (?P<way>ago|ahead)|start of (?P<month>.+)")


def bound_values(report: Report, given: Mapping[str, str], today: date) -> dict[str, object]:
    """Every parameter's value: as given, else its default. Raises BadInput that names the parameter."""
    names = [parameter.name for parameter in report.parameters]
    for name in given:
        if name not in names:
            raise BadInput(
                f"{report.name} has no parameter {name!r}",
                remedy=did_you_mean(name, names) if names else "It has none.",
                where=Where(key=name),
            )
    return {p.name: bound_value(p, given.get(p.name, p.default), today) for p in report.parameters}


def bound_value(parameter: Parameter, text: str, today: date) -> object:
    """`text` as the parameter's type: month to '2026-10', day to a date, decimal to a Decimal, integer to an int."""
    if len(text) > TEXT_CHARS_MAX:
        raise _wrong(parameter, text[:40] + "…", f"Write at most {TEXT_CHARS_MAX} characters.")
    if any("\ud800" <= letter <= "\udfff" for letter in text):  # what a terminal hands over of bytes that are no UTF-8
        raise _wrong(parameter, text, "Write it as UTF-8 text.")
    if parameter.type == "month":
        return str(_month(parameter, text.strip(), today))
    if parameter.type == "day":
        return _day(parameter, text.strip(), today)
    if parameter.type == "choice" and text not in parameter.choices:
        raise _wrong(parameter, text, did_you_mean(text, parameter.choices))
    if parameter.type in {"integer", "decimal"}:
        return _number(parameter, text.strip())
    return text


def _month(parameter: Parameter, text: str, today: date) -> Month:
    if said := MONTHS_AGO.fullmatch(text):
        newest = Month.of(today - timedelta(days=1))  # on the first of a month, the last that has a day in it
        return newest.shift(0 if said["this"] else -1 if said["last"] else -int(said["n"]))
    try:
        return Month.parse(text)
    except BadInput:
        raise _wrong(parameter, text, "Write YYYY-MM, this month, last month or 3 months ago.") from None


def _day(parameter: Parameter, text: str, today: date) -> date:
    if said := DAYS_AWAY.fullmatch(text):
        if said["month"]:
            return _month(parameter, said["month"], today).start
        days = int(said["n"] or 0)
        return today + timedelta(days=days if said["way"] == "ahead" else -days)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _wrong(parameter, text, "Write YYYY-MM-DD, today, 30 days ago or start of last month.") from None


def _number(parameter: Parameter, text: str) -> int | Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise _wrong(parameter, text, "Write a number such as 10.") from None
    if not number.is_finite() or abs(number) >= Decimal(10) ** 15:
        raise _wrong(parameter, text, "Write a number below 10^15.")
    if parameter.type == "decimal":
        return number
    if number != number.to_integral_value():
        raise _wrong(parameter, text, "Write a whole number.")
    return int(number)


def _wrong(parameter: Parameter, text: str, remedy: str) -> BadInput:
    what: Sequence[str] = ("a", parameter.type) if parameter.type != "integer" else ("a", "whole number")
    return BadInput(
        f"{parameter.name}: {text!r} is not {' '.join(what)}", remedy=remedy, where=Where(key=parameter.name)
    )
