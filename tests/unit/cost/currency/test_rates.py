"""Rates are read as published or refused with their place; a day without one is named, and nothing is taken as one to one."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bills import deliver, write_csv
from tests.conftest import DAY

from fiscus.app.workspace import open_workspace
from fiscus.cost.currency.day_rates import day_rates
from fiscus.cost.currency.read_rates import read_rates
from fiscus.cost.currency.types import Reporting
from fiscus.cost.types import Source
from fiscus.flows.keep_rates import keep_rates
from fiscus.flows.show_currencies import show_currencies
from fiscus.flows.show_spend import show_spend, show_spend_rows
from fiscus.flows.spend_dimensions import asked_from, asked_pairs
from fiscus.kernel.errors import BadConfig, BadInput

ECB = """Date,USD,JPY,GBP,FJD,
2026-10-09,1.1712,178.42,0.8701,N/A,
2026-10-08,1.1650,177.01,0.8690,N/A,
2026-10-02,1.1741,N/A,0.8733,N/A,
"""
LONG = "date,currency,rate\n2026-10-09,USD,1.1712\n2026-10-08,USD,1.1650\n"
PORTAL = (
    "KEY,FREQ,CURRENCY,CURRENCY_DENOM,TIME_PERIOD,OBS_VALUE\n"
    "EXR.D.USD,D,USD,EUR,2026-10-09,1.1712\nEXR.D.USD,D,USD,EUR,2026-10-10,NaN\n"
)
OCTOBER = [date(2026, 10, day) for day in range(1, 32)]


def test_the_history_of_the_ecb_is_read_as_it_is_downloaded_and_long_tables_say_the_same() -> None:
    published = read_rates({"eurofxref-hist.csv": ECB})
    assert published.per_euro["USD"][date(2026, 10, 9)] == Decimal("1.1712")
    assert date(2026, 10, 2) not in published.per_euro["JPY"]
    assert "FJD" not in published.per_euro
    for text in (LONG, PORTAL):
        assert read_rates({"long.csv": text}).per_euro["USD"][date(2026, 10, 9)] == Decimal("1.1712")
    other = read_rates(
        {"a.csv": LONG, "b.csv": "date,currency,rate,base\n2026-10-09,CAD,1.5,USD\n2026-10-09,EUR,0.05,SEK\n"}
    )
    assert other.per_euro["CAD"][date(2026, 10, 9)] == Decimal("1.75680")
    assert other.per_euro["SEK"][date(2026, 10, 9)] == 20


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (ECB.replace("177.01", "177,01"), "row 2"),
        (ECB.replace("1.1741,N/A,0.8733,N/A", "1,1741,N/A,,N/A"), "row 3"),
        (ECB[: ECB.index("N/A,0.8733")], "row 3"),
        (LONG.replace("1.1650", "1,1650"), "row 2"),
        (LONG.replace("1.1650", "1e400"), "row 2, column rate"),
        (LONG.replace("1.1650", "1_165"), "is no rate"),
        (ECB.replace("177.01", "0"), "row 2, column JPY"),
        (ECB.replace("177.01", "-1"), "is no rate"),
        (ECB.replace("2026-10-08", "08/10/2026"), "row 2, column Date"),
        (ECB.replace("GBP", "pound"), "column pound"),
        (ECB + "2026-10-02,1.2,,,,\n", "two rates on 2026-10-02"),
        (LONG.replace("USD,1.1650", "usd,1.1650"), "row 2, column currency"),
        (LONG + "2026-10-09,CAD,1.5,USD\n", "row 3"),
        ("day;usd\n", "Not a file of rates"),
        ("date,currency,rate,base\n2026-10-09,CAD,1.5,CHF\n", "CHF has no rate to the euro on 2026-10-09"),
    ],
)
def test_a_rate_that_cannot_be_meant_is_refused_with_file_row_and_column(text: str, says: str) -> None:
    if not says:  # a cell too many in a long table is nobody's base: the header names none
        assert read_rates({"rates.csv": text}).per_euro["CAD"]
        return
    with pytest.raises(BadInput, match=r"rates\.csv") as refused:
        read_rates({"rates.csv": text})
    assert says in str(refused.value)


def test_a_day_takes_the_last_rate_before_it_within_the_gap_and_else_none() -> None:
    rates, missing = day_rates(
        read_rates({"f": ECB}), Reporting("USD", gap_days_max=4), {"EUR": OCTOBER, "JPY": OCTOBER, "FJD": OCTOBER}
    )
    euro = {one.day: one for one in rates if one.currency == "EUR"}
    assert (euro[date(2026, 10, 6)].rate, euro[date(2026, 10, 6)].published) == (Decimal("1.1741"), date(2026, 10, 2))
    assert {date(2026, 10, 1), date(2026, 10, 7), date(2026, 10, 14)}.isdisjoint(euro)
    yen = {one.day: one.rate for one in rates if one.currency == "JPY"}
    assert yen[date(2026, 10, 9)] == (Decimal("1.1712") / Decimal("178.42")).quantize(Decimal("1e-12"))
    assert date(2026, 10, 2) not in yen  # the yen was not published on that day
    assert {one.currency: one.why for one in missing}["FJD"] == "no file has a rate of FJD"


@given(st.lists(st.decimals("0.0001", "9999", places=4), min_size=3, max_size=3), st.integers(0, 10))
def test_going_there_and_back_through_the_euro_loses_at_most_the_twelfth_digit(quotes: list[Decimal], gap: int) -> None:
    text = f"Date,USD,JPY,GBP\n2026-10-01,{quotes[0]},{quotes[1]},{quotes[2]}\n"
    day = date(2026, 10, 1) + timedelta(days=gap)
    there, _ = day_rates(read_rates({"f": text}), Reporting("USD", gap_days_max=10), {"JPY": [day]})
    exact = quotes[0] / quotes[1]
    assert [abs(one.rate - exact) <= Decimal("5e-13") + Decimal("1e-25") * exact for one in there] == (
        [True] if there else []
    )
    itself, missing = day_rates(read_rates({"f": text}), Reporting("USD", gap_days_max=0), {"USD": [day]})
    assert (itself[0].rate, missing) == (1, [])


def reporting_home(home: Path, rates: str = ECB, more: str = "") -> Path:
    (home / "rates").mkdir(exist_ok=True)
    (home / "rates" / "ecb.csv").write_text(rates, encoding="utf-8")
    with (home / "fiscus.yaml").open("a", encoding="utf-8") as file:
        file.write(f"\nreporting: {{currency: USD, rates: [rates/ecb.csv]{more}}}\n")
    return home


@pytest.fixture
def billed(home: Path, tmp_path: Path):
    """October in dollars, euros, yen and a currency that nobody publishes."""
    ws = open_workspace(reporting_home(home), DAY)
    for code in ("USD", "EUR", "JPY", "FJD"):
        rows = [
            {"BillingCurrency": code, "BilledCost": f"{n}.000000000001", "EffectiveCost": f"{n * 7}.{n}",
             "ResourceId": f"{code}-{n}", "ChargePeriodStart": f"2026-10-{day:02d}T05:00:00Z",
             "ChargePeriodEnd": f"2026-10-{day:02d}T06:00:00Z"} for n, day in enumerate((2, 6, 9, 20), 1)
        ]  # fmt: skip
        deliver(ws, write_csv(tmp_path / f"{code}.csv", rows), source=Source(code.lower()))
    keep_rates(ws)
    return ws


def test_what_is_billed_stays_and_what_is_reported_is_the_sum_of_what_each_charge_is(billed) -> None:
    lake = billed.lake
    same = "SELECT BillingCurrency, sum(BilledCost), sum(EffectiveCost), count(*) FROM {} GROUP BY ALL ORDER BY ALL"
    assert lake.query(same.format("reported_charges")).rows == lake.query(same.format("charges")).rows
    rows = lake.query("SELECT EffectiveCost, x_ReportingRate, x_ReportingEffectiveCost FROM reported_charges").rows
    with localcontext(prec=60):
        for cost, rate, reported in rows:
            assert reported == (None if rate is None else (cost * rate).quantize(Decimal("1e-12"), ROUND_HALF_UP))
    shown = show_currencies(billed, "2026-10")
    by_hand = sum(reported for _, _, reported in rows if reported is not None)
    assert shown.total_effective == by_hand
    lines = {line.currency: line for line in shown.lines}
    assert (lines["USD"].reported_effective, lines["USD"].not_converted_charges) == (lines["USD"].effective, 0)
    assert (lines["EUR"].not_converted, lines["EUR"].not_converted_charges) == (
        Decimal("4.000000000001"),
        1,
    )  # the 20th
    assert (lines["FJD"].reported_billed, lines["FJD"].not_converted) == (None, lines["FJD"].billed)
    assert (lines["FJD"].why, lines["USD"].why) == ("no file has a rate of FJD", "")
    assert (lines["EUR"].left_out, lines["FJD"].left_out) == ("1 charge", "4 charges")
    assert "no rate and is not in it" in shown.sentence


def test_spend_can_be_asked_in_the_reporting_currency_and_by_fiscal_period(billed) -> None:
    asked = asked_from([("group", "source"), ("currency", "reported"), ("period", "2026-10")])
    assert asked_from(asked_pairs(asked)) == asked
    shown = show_spend(billed, asked)
    assert shown.total.value == show_currencies(billed, "2026-10").total_effective
    assert {line.name for line in shown.lines} == {"usd", "eur", "jpy"}
    assert shown.total.unit == "USD"
    assert show_spend_rows(billed, asked).cost.value == shown.total.value
    assert show_spend(billed, asked_from([("period", "FY2026-Q4")])).window.start == date(2026, 10, 1)
    with pytest.raises(BadInput, match="two periods"):
        show_spend(billed, asked_from([("period", "FY2026-Q4"), ("from", "2026-10")]))


def test_keeping_rates_again_writes_nothing_and_without_a_declaration_they_go(billed, home: Path) -> None:
    version = billed.lake.version()
    keep_rates(billed)
    assert billed.lake.version() == version
    text = (home / "fiscus.yaml").read_text("utf-8")
    (home / "fiscus.yaml").write_text(text.partition("\nreporting:")[0], encoding="utf-8")
    later = open_workspace(home, DAY)
    assert keep_rates(later) is None
    shown = show_currencies(later, "2026-10")
    assert (shown.reporting, shown.total_billed) == (None, None)
    with pytest.raises(BadInput, match="No reporting currency"):
        show_spend(later, asked_from([("currency", "reported")]))


def test_the_last_day_of_the_billing_period_may_give_the_rate(home: Path, tmp_path: Path) -> None:
    ws = open_workspace(reporting_home(home, ECB.replace("2026-10-09", "2026-10-30"), ", on: billing_period_end"), DAY)
    deliver(ws, write_csv(tmp_path / "eur.csv", [{"BillingCurrency": "EUR"}]))
    keep_rates(ws)
    ((rate, day),) = ws.lake.query("SELECT x_ReportingRate, x_ReportingRateDate FROM reported_charges").rows
    assert (rate, day) == (Decimal("1.1712"), date(2026, 10, 30))


def test_a_file_that_is_not_there_is_named_with_the_line(home: Path) -> None:
    reporting_home(home)
    (home / "rates" / "ecb.csv").unlink()
    with pytest.raises(BadConfig, match=r"fiscus\.yaml, line \d+, key reporting\.rates\.0"):
        open_workspace(home, DAY)
