"""A day that came in part, or late, is known by that, and no forecast takes it for a fall."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from tests.bills import deliver, write_csv

from fiscus.board.frame import Frame
from fiscus.board.spend import daily_query, total_forecast
from fiscus.cost.books.completeness import completeness, partial_from
from fiscus.flows.data_subjects import _gaps
from fiscus.flows.find_anomalies import find_anomalies
from fiscus.flows.show_completeness import partial_days, partial_params, show_completeness
from fiscus.kernel.periods import Month
from fiscus.kernel.sql_text import sql_text

AS_OF = date(2026, 11, 20)


def _days(source: str = "aws", back: int = 40, until: date = AS_OF, rows: int = 100, **odd: int):
    """`rows` charges a day; `odd` by how many days before `until`: d1=30."""
    counts = {until - timedelta(days=n): rows for n in range(1, back + 1)}
    counts |= {until - timedelta(days=int(name[1:])): number for name, number in odd.items()}
    return [(source, day, number) for day, number in counts.items() if number]


def _only(counts, as_of: date = AS_OF):
    (one,) = completeness(counts, as_of)
    return one


def test_a_source_whose_days_all_came_is_whole_to_today() -> None:
    one = _only(_days())
    assert (one.is_daily, one.complete_until, one.open_days) == (True, AS_OF, ())


def test_the_newest_day_with_few_of_its_charges_is_partial() -> None:
    one = _only(_days(d1=30))
    assert [(d.state, d.rows, d.usual) for d in one.open_days] == [("partial", 30, 100)]
    assert one.complete_until == AS_OF - timedelta(days=1)
    assert partial_from([one]) == {"aws": AS_OF - timedelta(days=1)}


def test_of_a_handful_of_charges_a_day_one_that_ends_is_no_partial_day() -> None:
    assert _only(_days(rows=2, d1=1)).open_days == ()


def test_days_that_have_not_come_are_missing_and_no_partial_ones() -> None:
    one = _only(_days(until=AS_OF - timedelta(days=2)))
    assert [d.state for d in one.open_days] == ["missing", "missing"]
    assert one.complete_until == AS_OF - timedelta(days=2)
    assert partial_from([one]) == {}


def test_an_older_day_without_charges_is_late_and_one_with_fewer_is_a_fall() -> None:
    one = _only(_days(d10=0, d12=40))
    assert [(d.day, d.state) for d in one.open_days] == [(AS_OF - timedelta(days=10), "missing")]
    assert one.complete_until == AS_OF


def test_quiet_weekends_are_as_usual() -> None:
    counts = [(s, day, 4 if day.weekday() > 4 else n) for s, day, n in _days(until=date(2026, 11, 23))]
    assert _only(counts, date(2026, 11, 23)).open_days == ()


def test_a_source_that_bills_now_and_then_says_nothing_of_its_days() -> None:
    one = _only([("saas", date(2026, m, 1), 3) for m in range(6, 12)])
    assert (one.is_daily, one.open_days) == (False, ())


def test_a_source_that_lacks_a_day_is_a_case_that_names_it() -> None:
    subject = _gaps(_only(_days(d10=0)), "USD")
    assert subject is not None
    assert subject.title == "aws lacks 2026-11-10: some 100 charges have not come"
    assert _gaps(_only(_days(d1=30)), "USD") is None, "what is still being written is no gap"


@pytest.fixture(scope="module")
def bill(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty days of ten charges each, the last with two: a vendor is still writing it."""
    rows = []
    for back in range(40, 0, -1):
        day = AS_OF - timedelta(days=back)
        month = Month.of(day)
        rows += [
            {
                "ChargePeriodStart": f"{day}T00:00:00Z", "ChargePeriodEnd": f"{day + timedelta(days=1)}T00:00:00Z",
                "BillingPeriodStart": f"{month.start}T00:00:00Z", "BillingPeriodEnd": f"{month.end}T00:00:00Z",
                "ResourceId": f"i-{n}", "EffectiveCost": "10", "BilledCost": "10",
            }
            for n in range(2 if back == 1 else 10)
        ]  # fmt: skip
    return write_csv(tmp_path_factory.mktemp("partial") / "bill.csv", rows)


def test_the_forecast_and_the_look_for_anomalies_stop_before_a_partial_day(ws, bill: Path) -> None:
    deliver(ws, bill)
    last = AS_OF - timedelta(days=1)
    assert partial_days(ws) == {"bills": last}
    assert show_completeness(ws).sentences() == [
        f"bills is whole before {last}; {last} came in part, 2 of some 10 charges."
    ]
    frame = Frame("Example", "USD", ws.config.company.calendar, Month.of(AS_OF), AS_OF, partial_days(ws))
    query = daily_query(frame)
    forecast = total_forecast(ws.lake.query(query.sql, query.params), frame)
    assert forecast is not None
    assert abs(forecast.total_p50 - Decimal(3000)) < 30, "thirty days of a hundred"
    assert list(find_anomalies(ws)) == []
    params = {"targets": ["i-9"], "currency": "USD", "as_of": AS_OF, "ran": last - timedelta(days=1), "days": 7}
    saved = ws.lake.query(sql_text("fiscus.actions", "saving_days"), {**params, **partial_params(ws)}).dicts()
    assert next(iter(saved))["after_until"] == last, "what the vendor has not written yet is no saving"
