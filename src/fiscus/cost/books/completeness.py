"""Which days of a source have landed whole, by how many charges come on such a day.

Vendors deliver the newest days in parts, and now and then a day late. A day is held against the same weekday of the weeks before:
with fewer than PARTIAL_SHARE of its charges, one of the newest days is partial; an older day without any is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from statistics import median_low
from typing import Final

from fiscus.cost.books.types import SourceComplete, SourceDay
from fiscus.kernel.periods import days_between

WATCHED_DAYS: Final = 28  # what is usual is learned from so many days before
WATCHED_DAYS_MIN: Final = 7  # with fewer, nothing is usual yet
DAILY_SHARE: Final = 0.7  # a source with charges on so many of its days is daily
NEWEST_DAYS: Final = 3  # that a vendor may still be writing
PARTIAL_SHARE: Final = 0.6
PARTIAL_USUAL_MIN: Final = 10  # charges a day: of fewer, one that ends is a large share
OPEN_SHOWN_MAX: Final = 40


def completeness(counts: Iterable[tuple[str, date, int]], as_of: date) -> tuple[SourceComplete, ...]:
    """By source; `counts` are (source, day, charges) of days before `as_of`."""
    by_source: dict[str, dict[date, int]] = {}
    for source, day, charges in counts:
        by_source.setdefault(source, {})[day] = charges
    return tuple(_source(source, days, as_of) for source, days in sorted(by_source.items()))


def partial_from(sources: Sequence[SourceComplete]) -> Mapping[str, date]:
    """source -> its first day that came only in part and nothing whole after it: no such day is a fall."""
    found = {}
    for one in sources:
        partial = [day.day for day in one.open_days if day.state == "partial" and day.day >= one.complete_until]
        if partial:
            found[one.source] = min(partial)
    return found


def _source(source: str, counts: Mapping[date, int], as_of: date) -> SourceComplete:
    first, last = min(counts), max(counts)
    watched = days_between(max(first, last - timedelta(days=WATCHED_DAYS)), last)
    seen = sum(day in counts for day in watched)
    if len(watched) < WATCHED_DAYS_MIN or seen < DAILY_SHARE * len(watched):
        return SourceComplete(source, False, first, last + timedelta(days=1), ())
    newest = last - timedelta(days=NEWEST_DAYS - 1)
    odd: list[SourceDay] = []
    for day in days_between(first + timedelta(days=WATCHED_DAYS_MIN), as_of):
        usual, rows = _usual(counts, day, min(newest, day)), counts.get(day, 0)
        if not rows and (usual or day > last):
            odd.append(SourceDay(source, day, "missing", rows, usual))
        elif day >= newest and usual >= PARTIAL_USUAL_MIN and rows < PARTIAL_SHARE * usual:
            odd.append(SourceDay(source, day, "partial", rows, usual))
    open_on = {day.day for day in odd}
    until = as_of
    while until > first and until - timedelta(days=1) in open_on:
        until -= timedelta(days=1)
    return SourceComplete(source, True, first, until, tuple(odd[-OPEN_SHOWN_MAX:]))


def _usual(counts: Mapping[date, int], day: date, before: date) -> int:
    """The charges of such a day: the median of the same weekday in the four weeks before, of every day while they are too few."""
    weekdays = [day - timedelta(weeks=n) for n in range(1, 6)]
    same = [counts.get(one, 0) for one in weekdays if min(counts) <= one < before][:4]
    if len(same) < 3:
        every = days_between(max(min(counts), before - timedelta(days=WATCHED_DAYS)), before)
        same = [counts.get(one, 0) for one in every]
    return median_low(same) if same else 0
