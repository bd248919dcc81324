"""The fiscal calendar and the freezes in fiscus.yaml."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from fiscus.app.settings import load_settings
from fiscus.guardrails.policies.moment import Freeze, moment_facts
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


def test_a_freeze_holds_from_its_first_moment_to_its_last_in_its_environments(tmp_path: Path) -> None:
    text = """freezes:
  - {name: black friday, from: 2026-11-23, until: 2026-12-01, environments: [prod]}
  - {name: migration, from: "2026-12-01T18:00:00+01:00", until: "2026-12-02T06:00:00+01:00"}
"""
    _calendar(tmp_path, text)
    freezes = load_settings(tmp_path).freezes
    assert freezes[0] == Freeze(
        "black friday", datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 12, 2, tzinfo=UTC), ("prod",)
    )

    def on(at: datetime, environment: str) -> object:
        return moment_facts(at, FiscalCalendar(2), freezes, environment)["now.freeze"]

    assert on(datetime(2026, 11, 22, 23, 59, tzinfo=UTC), "prod") == ()
    assert on(datetime(2026, 12, 1, 16, 59, tzinfo=UTC), "prod") == ("black friday",)
    assert on(datetime(2026, 12, 1, 17, 0, tzinfo=UTC), "prod") == ("black friday", "migration")
    assert on(datetime(2026, 12, 1, 17, 0, tzinfo=UTC), "dev") == ("migration",)
    assert on(datetime(2026, 12, 2, 5, 0, tzinfo=UTC), "prod") == ()


@pytest.mark.parametrize(
    ("freeze", "said"),
    [
        ("{name: x, from: 2026-12-01, until: 2026-11-01}", "ends before it starts"),
        ('{name: x, from: "2026-12-01T10:00:00", until: 2026-12-02}', "is no date and no instant"),
        ("{name: x, from: soon, until: 2026-12-02}", "'soon' is no date"),
        ("{name: x, from: 2026-12-01}", "'until' is a required"),
    ],
)
def test_a_freeze_that_makes_no_sense_is_refused_with_its_line(tmp_path: Path, freeze: str, said: str) -> None:
    with pytest.raises(BadConfig) as refused:
        _calendar(tmp_path, f"freezes:\n  - {freeze}\n")
    assert said in str(refused.value)
    assert "fiscus.yaml, line" in str(refused.value)


def test_the_moment_knows_its_fiscal_period() -> None:
    facts = moment_facts(datetime(2026, 11, 20, 9, tzinfo=UTC), FiscalCalendar(2))
    assert facts == {
        "now.hour": 9, "now.weekday": 5, "now.date": "2026-11-20", "now.fiscal_year": 2027, "now.fiscal_quarter": 4,
        "now.fiscal_period": 10, "now.days_left_in_period": 10, "now.freeze": (),
    }  # fmt: skip
