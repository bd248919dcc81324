"""The company's fiscal calendar as fiscus.yaml writes it."""

from __future__ import annotations

from typing import Any, Final, cast

from fiscus.kernel.documents import Document
from fiscus.kernel.periods import FiscalCalendar, YearEnd

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
