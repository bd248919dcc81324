"""The company's fiscal calendar and its freezes as fiscus.yaml writes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, cast

from fiscus.guardrails.policies.moment import Freeze
from fiscus.kernel.documents import Document
from fiscus.kernel.periods import FiscalCalendar, YearEnd, midnight

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def calendar_from(document: Document) -> FiscalCalendar:
    """`company.fiscal_calendar`, or `company.fiscal_year_start` alone; January where neither stands. BadConfig for both."""
    company = cast("dict[str, Any]", document.data)["company"]
    given = company.get("fiscal_calendar")
    if given is None:
        return FiscalCalendar(company.get("fiscal_year_start", 1))
    at = ["company", "fiscal_calendar"]
    if "fiscal_year_start" in company:
        raise document.error(at, "fiscal_year_start and fiscal_calendar both say when the year starts", "Keep one.")
    if ("weeks" in given) != ("year_end" in given) or ("weeks" in given and "year_start" in given):
        message = "A fiscal year of weeks has weeks and year_end; one of months has year_start"
        raise document.error(at, message, "Write {weeks: 4-5-4, year_end: ...}, or {year_start: {month: 4, day: 6}}.")
    named_after = given.get("named_after", "end")
    if "weeks" not in given:
        start = given.get("year_start", {})
        return FiscalCalendar(start.get("month", 1), start.get("day", 1), named_after=named_after)
    end = given["year_end"]
    year_end = YearEnd(end["rule"], WEEKDAYS.index(end["weekday"]) + 1, end["month"])
    return FiscalCalendar(end["month"] % 12 + 1, 1, given["weeks"], year_end, named_after)


def freezes_from(document: Document) -> tuple[Freeze, ...]:
    """`freezes`: a date is its whole day, `until` included; an instant carries its time zone. BadConfig with the line."""
    freezes = []
    for number, given in enumerate(cast("dict[str, Any]", document.data).get("freezes", ())):
        at = ["freezes", number]
        start, end = (
            _instant(document, [*at, "from"], given["from"]),
            _instant(document, [*at, "until"], given["until"]),
        )
        if not start < end:
            raise document.error(at, f"The freeze {given['name']!r} ends before it starts", "Write from before until.")
        line = document.line([*at, "environments"])
        freezes.append(Freeze(given["name"], start, end, tuple(given.get("environments", ())), line))
    return tuple(freezes)


def _instant(document: Document, path: Sequence[str | int], text: str) -> datetime:
    try:
        if len(text) == len("2026-11-27"):
            day = date.fromisoformat(text)
            return midnight(day + timedelta(days=1) if path[-1] == "until" else day)
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except ValueError:
        pass
    remedy = "Write a date such as 2026-11-27, or an instant with its zone such as 2026-11-27T18:00:00+01:00."
    raise document.error(path, f"{text!r} is no date and no instant", remedy)
