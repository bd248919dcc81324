"""Periods that no bill can have: before or after all billing, or ending before they start."""

from __future__ import annotations

from typing import Final

PERIODS: Final = (("BillingPeriodStart", "BillingPeriodEnd"), ("ChargePeriodStart", "ChargePeriodEnd"))
EARLIEST, LATEST = "TIMESTAMPTZ '2000-01-01 00:00:00+00'", "TIMESTAMPTZ '2100-01-01 00:00:00+00'"


def period_faults(start: str, end: str, first: str, last: str) -> list[tuple[str, str, str, str]]:
    """(column, SQL true for a row at fault, message, remedy) of one period; `first` and `last` are SQL of its two times."""
    remedy = "Look at the date, or declare the file's format with --date-format."
    found = [
        (column, f"{time} < {EARLIEST} OR {time} >= {LATEST}", "is no date of a bill (2000 to 2100)", remedy)
        for column, time in ((start, first), (end, last))
    ]
    return [
        *found,
        (end, f"{last} < {first}", f"is before {start}", "A period ends after it starts; export the file again."),
    ]
