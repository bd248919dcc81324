"""A pack shows what is shared and one currency beside the others, and is of a fiscal month where the company counts in those."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.bills import deliver, write_csv
from tests.conftest import DAY

from fiscus.app.workspace import open_workspace
from fiscus.board.types import Exhibit, Pack
from fiscus.cost.types import Source
from fiscus.flows.allocate_costs import allocate_costs
from fiscus.flows.assign_owners import assign_owners
from fiscus.flows.build_pack import build_pack
from fiscus.flows.keep_rates import keep_rates
from fiscus.flows.show_allocations import AllocationsAsked, show_allocations
from fiscus.flows.show_spend import show_spend
from fiscus.flows.spend_dimensions import REPORTED, SpendAsked, asked_from, asked_pairs
from fiscus.kernel.errors import BadInput
from fiscus.kernel.fiscal_labels import month_named, month_of, period_named

RULES = "allocations:\n  - {id: platform, share: {team: platform}, to: team, method: fixed, shares: {finops: 75}}\n"
RATES = "Date,USD\n2026-10-02,1.25\n2026-10-23,1.2\n"
CALENDAR = "fiscal_calendar: {weeks: 4-4-5, year_end: {rule: last, weekday: saturday, month: 9}}"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory):
    """A year of weeks that began on 27 September 2026; its first month ends on 24 October."""
    from fiscus.app.start import start_workspace

    home = tmp_path_factory.mktemp("company") / "home"
    start_workspace(home)
    settings = home / "fiscus.yaml"
    text = settings.read_text("utf-8")
    line = next(line for line in text.splitlines() if line.strip().startswith("fiscal_year_start"))
    text = text.replace(line, f"  {CALENDAR}") + "\nreporting: {currency: USD, rates: [rates.csv], gap_days_max: 3}\n"
    settings.write_text(text, "utf-8")
    (home / "budgets" / "budgets.yaml").write_text("budgets: []\n", "utf-8")
    (home / "rates.csv").write_text(RATES, "utf-8")
    (home / "allocations" / "allocations.yaml").write_text(RULES, "utf-8")
    ws = open_workspace(home, DAY)
    for code in ("USD", "EUR"):
        deliver(
            ws,
            write_csv(home / f"{code}.csv", [_charge(code, day) for day in (2, 10, 23, 26)]),
            source=Source(code.lower()),
        )
    assign_owners(ws)
    keep_rates(ws)
    allocate_costs(ws)
    return ws


def _charge(code: str, day: int) -> dict[str, str]:
    return {
        "BillingCurrency": code, "EffectiveCost": f"{day}.5", "ResourceId": f"i-{day}",
        "ChargePeriodStart": f"2026-10-{day:02d}T00:00:00Z", "ChargePeriodEnd": f"2026-10-{day:02d}T12:00:00Z",
    }  # fmt: skip


@pytest.fixture(scope="module")
def pack(company) -> Pack:
    return build_pack(company, month_named(company.config.company.calendar, "FY2027-P01"))


def table(pack: Pack, name: str) -> Exhibit:
    return next(one for one in pack.exhibits if one.id == name)


def test_the_pack_of_a_fiscal_month_has_its_days_and_no_others(pack: Pack) -> None:
    assert pack.period == "FY2027-P01"
    assert next(kpi for kpi in pack.kpis if kpi.id == "spend").value == Decimal("36.5")  # the 26th is in P02


def test_all_currencies_stand_in_one_and_what_has_no_rate_is_named(pack: Pack) -> None:
    found = {row[0]: row[1:] for row in table(pack, "spend-reported").rows}
    assert found["USD"][:2] == (Decimal("36.5"), Decimal("36.5"))
    assert found["EUR"][1] == Decimal("2.5") * Decimal("1.25") + Decimal("23.5") * Decimal("1.2")
    assert found["EUR"][4] == Decimal("10.5")  # eight days after the last rate
    assert "10 EUR has no rate and is not in it" in table(pack, "spend-reported").title


def test_who_bears_it_stands_in_the_pack_and_both_sides_are_the_month(pack: Pack) -> None:
    rows = {row[0]: row[1:] for row in table(pack, "shared-cost").rows}
    assert rows["platform"] == (Decimal("36.5"), Decimal(0), Decimal("9.125"))
    assert rows["finops"] == (Decimal(0), Decimal("27.375"), Decimal("27.375"))


def test_allocation_is_asked_by_fiscal_periods_and_as_of_a_day(company) -> None:
    shown = show_allocations(company, AllocationsAsked("FY2027-P01"))
    assert {one.currency: one.lake for one in shown.balances} == {"USD": Decimal("36.5"), "EUR": Decimal("36.5")}
    assert all(one.balanced for one in shown.balances)
    assert show_allocations(company, AllocationsAsked("FY2027-Q1")).lines[0].total == Decimal("47.25")
    then = show_allocations(company, AllocationsAsked("2026-10", as_of=DAY))
    assert then.lines == show_allocations(company, AllocationsAsked("2026-10")).lines
    by_product = show_allocations(company, AllocationsAsked("2026-10", by="product"))
    assert [line.given for line in by_product.lines if line.currency == "USD"] == [Decimal("47.25")]


def test_spend_is_asked_by_who_bears_it_in_one_currency_and_in_all(company) -> None:
    asked = SpendAsked("team", period="FY2027-Q1", shared=True)
    assert asked_from(asked_pairs(asked)) == asked
    found = {line.name: line.cost.value for line in show_spend(company, asked).lines}
    assert found == {"finops": Decimal("47.25"), "platform": Decimal("15.75")}
    every = show_spend(company, replace(asked, currency=REPORTED))
    plain = show_spend(company, replace(asked, currency=REPORTED, shared=False))
    assert abs(every.total.value - plain.total.value) < Decimal("1e-10")  # each part is rounded by itself
    assert {line.name for line in plain.lines} == {"platform"}


def test_a_month_of_the_calendar_is_found_by_its_day_and_its_name(company) -> None:
    calendar = company.config.company.calendar
    month = month_of(calendar, DAY)
    assert str(month_named(calendar, str(month))) == str(month) == "FY2027-P02"
    assert (str(month.shift(-2)), month.shift(1).start) == ("FY2026-P12", month.end)
    assert period_named(calendar, "FY2027-W05").start.isoformat() == "2026-10-25"
    for wrong in ("FY2027-P13", "2026-13", "October"):
        with pytest.raises(BadInput, match="no period"):
            period_named(calendar, wrong)
    with pytest.raises(BadInput, match="is a quarter"):
        month_named(calendar, "FY2027-Q1")
