"""The fiscal calendar in fiscus.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest

from fiscus.app.settings import load_settings
from fiscus.kernel.errors import BadConfig
from fiscus.kernel.periods import FiscalCalendar, YearEnd


def _calendar(home: Path, text: str) -> FiscalCalendar:
    (home / "fiscus.yaml").write_text(f"version: 1\ncompany:\n  name: X\n  currency: USD\n{text}")
    return load_settings(home).company.calendar


@pytest.mark.parametrize(
    ("text", "calendar"),
    [
        ("", FiscalCalendar(1)),
        ("  fiscal_year_start: 2", FiscalCalendar(2)),
        ("  fiscal_calendar: {year_start: {month: 4, day: 6}}", FiscalCalendar(4, 6)),
        (
            "  fiscal_calendar: {weeks: 4-5-4, year_end: {rule: nearest, weekday: saturday, month: 1}, named_after: start}",
            FiscalCalendar(2, 1, "4-5-4", YearEnd("nearest", 6, 1), "start"),
        ),
    ],
)
def test_the_calendar_is_what_the_file_says(tmp_path: Path, text: str, calendar: FiscalCalendar) -> None:
    assert _calendar(tmp_path, text) == calendar


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  fiscal_year_start: 2\n  fiscal_calendar: {}", "both say when the year starts"),
        ("  fiscal_calendar: {weeks: 4-5-4}", "has weeks and year_end"),
        ("  fiscal_calendar: {year_start: {month: 4, day: 31}}", "1 to 28"),
        ("  fiscal_calendar: {weeks: 5-5-3}", "'5-5-3' is not one of"),
        ("  fiscal_calendar: {weeks: 4-5-4, year_end: {rule: last, weekday: saturday}}", "'month' is a required"),
    ],
)
def test_a_calendar_that_makes_no_sense_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadConfig) as refused:
        _calendar(tmp_path, text)
    assert said in str(refused.value)
    assert "fiscus.yaml, line" in str(refused.value)
