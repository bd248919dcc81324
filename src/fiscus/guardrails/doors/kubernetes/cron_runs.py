"""How often a CronJob starts: its schedule counted over days. Five fields, names, lists, ranges and steps, as in cron(5)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

_MACROS: Final = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0", "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}  # fmt: skip
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: Final[Sequence[tuple[int, int, tuple[str, ...]]]] = (
    (0, 59, ()), (0, 23, ()), (1, 31, ()), (1, 12, ("", *_MONTHS)), (0, 7, _DAYS),
)  # fmt: skip


def runs_of(schedule: str, first: date, days: int) -> int | None:
    """How many times it starts in so many days from `first`; None for what is no schedule."""
    text = schedule.strip().casefold()
    fields = _MACROS.get(text, text).split()
    if len(fields) != 5:
        return None
    sets = [_values(field, *limits) for field, limits in zip(fields, _FIELDS, strict=True)]
    if any(values is None for values in sets):
        return None
    minutes, hours, month_days, months, week_days = (values or frozenset() for values in sets)
    week_days = frozenset(day % 7 for day in week_days)
    either = not (fields[2].startswith("*") or fields[4].startswith("*"))  # both restricted: one of them is enough
    count = 0
    for number in range(days):
        day = first + timedelta(days=number)
        of_month, of_week = day.day in month_days, day.isoweekday() % 7 in week_days
        if day.month in months and ((of_month or of_week) if either else (of_month and of_week)):
            count += len(minutes) * len(hours)
    return count


def _values(field: str, low: int, high: int, names: Sequence[str]) -> frozenset[int] | None:
    found: set[int] = set()
    for item in field.split(","):
        span, _, step_text = item.partition("/")
        step = int(step_text) if step_text.isdecimal() else 1
        if step < 1 or (step_text and not step_text.isdecimal()):
            return None
        first, dash, last = span.partition("-")
        if span in {"*", "?"}:
            start, end = low, high
        else:
            begin = _number(first, names)
            until = _number(last, names) if dash else (high if step_text else begin)
            if begin is None or until is None or not low <= begin <= until <= high:
                return None
            start, end = begin, until
        found |= set(range(start, end + 1, step))
    return frozenset(found) if found else None


def _number(text: str, names: Sequence[str]) -> int | None:
    if text.isdecimal() and len(text) <= 2:
        return int(text)
    return names.index(text) if text and text in names else None
