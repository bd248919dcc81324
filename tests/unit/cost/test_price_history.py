"""Unit prices over time: what changed since when, what it costs at the volume of now, and another size at own prices."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bills import deliver, write_csv
from tests.fixtures.company import open_company
from tests.fixtures.judging import AS_OF, charge, days

from fiscus.cost.price_history import PriceRun, PriceSeries, steps, usual_price
from fiscus.cost.types import Source
from fiscus.flows.find_price_changes import price_findings
from fiscus.flows.price_rightsizing import price_rightsizing
from fiscus.flows.show_price_history import show_price_changes, show_price_history
from fiscus.flows.workspace import Workspace
from fiscus.kernel.errors import BadInput, NotFound
from fiscus.kernel.money import total

FIRST = date(2026, 9, 1)
ROSE = date(2026, 11, 8)


def sold(day: date, price: str, quantity: str = "10", **more: str) -> dict[str, str]:
    cost = str(Decimal(price) * Decimal(quantity))
    return {
        **charge(day, cost), "BilledCost": cost, "SkuId": "logs", "SkuMeter": "Log ingest", "PricingUnit": "GB", "RegionId": "eu",
        "PricingQuantity": quantity, "ContractedUnitPrice": price, "ListUnitPrice": "0.2", "ListCost": cost,
        "ContractedCost": cost, **more,
    }  # fmt: skip


def company(home: Path, rows) -> Workspace:
    ws = open_company(home)
    deliver(ws, write_csv(home / "acme.csv", rows), source=Source("acme"))
    return ws


@pytest.fixture(scope="module")
def risen(tmp_path_factory) -> Workspace:
    """Logs at 0.10 until 8 November and 0.125 from then on; disks that cost more from then on at the same contract."""
    rows = [sold(day, "0.10" if day < ROSE else "0.125") for day in days(FIRST, AS_OF)]
    disk = {"SkuId": "disk", "SkuMeter": "Disk", "RegionId": "us"}
    rows += [sold(day, "1", "100", **disk) for day in days(FIRST, date(2026, 11, 1))]
    rows += [sold(day, "1", "100", **disk) | {"EffectiveCost": "130"} for day in days(date(2026, 11, 1), AS_OF)]
    rows += [
        sold(day, price, "5", SkuId="tiers", SkuMeter="Tiers") for day in days(FIRST, AS_OF) for price in ("3", "2")
    ]
    return company(tmp_path_factory.mktemp("prices"), rows)


def test_a_price_that_rose_within_a_month_is_told_by_its_day_and_money(risen) -> None:
    shown = show_price_changes(risen)
    (rose,) = [one for one in shown.changes if one.step.kind == "contracted"]
    assert (rose.sku, rose.step.since, rose.step.before, rose.step.after, rose.step.percent) == (
        "logs", ROSE, Decimal("0.10"), Decimal("0.125"), 25,
    )  # fmt: skip
    assert (rose.volume, rose.step.money) == (300, Decimal("7.5"))  # 10 a day for 30 days, 0.025 more
    assert (shown.rises, shown.falls) == ({"USD": Decimal("7.5")}, {})
    assert shown.sentence.startswith("1 contracted price changed: 7.50 USD more in thirty days")


def test_tiers_side_by_side_are_no_change(risen) -> None:
    assert [one for one in show_price_changes(risen).changes if one.sku == "tiers"] == []


def test_each_month_has_its_contracted_effective_and_list_price(risen) -> None:
    shown = show_price_history(risen, "log ing", months=2)
    (one,) = shown.series
    assert [(m.month, m.contracted, m.low, m.high, m.listed, m.quantity, m.cost) for m in one.series.months] == [
        ("2026-09", Decimal("0.1"), Decimal("0.1"), Decimal("0.1"), Decimal("0.2"), 300, 30),
        ("2026-10", Decimal("0.1"), Decimal("0.1"), Decimal("0.1"), Decimal("0.2"), 310, 31),
        ("2026-11", Decimal("0.125"), Decimal("0.1"), Decimal("0.125"), Decimal("0.2"), 190, 22),
    ]
    assert one.series.months[2].effective == Decimal("0.115789473684210526")
    assert total([m.cost for m in one.series.months]) == 83
    assert show_price_history(risen, "LOGS", "eu").series
    assert len(risen.lake.query(shown.query, shown.params)) == 3


def test_an_effective_price_that_the_contract_does_not_explain_is_a_finding(risen) -> None:
    found = {one.title: (one.level, one.amount) for one in price_findings(risen)}
    assert found == {"The effective price of Disk of AWS in us went from 1 to 1.3 USD per GB": ("observe", 900)}


def test_what_nobody_sells_and_what_nobody_asks_is_refused(risen) -> None:
    with pytest.raises(NotFound, match="has 'nothing'"):
        show_price_history(risen, "nothing")
    with pytest.raises(BadInput, match="No name"):
        show_price_history(risen, " ")
    with pytest.raises(BadInput, match="99 months"):
        show_price_changes(risen, 99)


def test_a_machine_in_another_size_is_priced_by_its_own_use_and_the_own_contract(tmp_path: Path) -> None:
    """24 hours a day for 30 days: 720 x (0.40 - 0.20) = 144.00 less."""

    def machine(day: date, size: str, price: str, name: str, hours: str = "24") -> dict[str, str]:
        return sold(
            day, price, hours, SkuId=size, SkuMeter=f"BoxUsage:{size}", PricingUnit="Hours", RegionId="us-east-1",
            ResourceId=name, SkuPriceDetails=f'{{"InstanceType": "{size}", "OperatingSystem": "Linux"}}',
        )  # fmt: skip

    window = days(AS_OF - timedelta(days=30), AS_OF)
    rows = [machine(day, "m9.2xlarge", "0.40", "i-big") for day in window]
    rows += [machine(day, "m9.xlarge", "0.20", "i-other", "5") for day in window]
    ws = company(tmp_path, rows)
    told = price_rightsizing(ws, "i-big", "m9.xlarge")
    assert (told.quantity, told.cost, told.new_cost, told.saving, told.currency) == (
        720, Decimal("288.00"), Decimal("144.00"), Decimal("144.00"), "USD",
    )  # fmt: skip
    assert (told.size, told.confidence, told.paid) == ("m9.2xlarge", "high", 288)
    assert "saves 144.00 USD in 30 days" in told.sentence
    assert price_rightsizing(ws, "i-other", "m9.2xlarge").saving == -30
    with pytest.raises(NotFound, match=r"No bill and no list price knows 'm9\.tiny'"):
        price_rightsizing(ws, "i-big", "m9.tiny")
    with pytest.raises(NotFound, match="has use of 'i-none'"):
        price_rightsizing(ws, "i-none", "m9.xlarge")


prices = st.decimals("0.000001", 1000, places=6)
blocks = st.lists(st.tuples(prices, st.integers(1, 20), st.decimals(1, 100, places=3)), min_size=1, max_size=8)


@given(blocks, st.decimals(0, 10_000, places=3))
def test_what_the_steps_add_is_the_last_price_less_the_first_to_the_last_digit(parts, volume) -> None:
    first, runs = FIRST, []
    for price, length, quantity in parts:
        runs.append(PriceRun("contracted", price, first, first + timedelta(days=length - 1), quantity))
        first += timedelta(days=length)
    series = PriceSeries("V", "S", "sku", "m", "GB", "eu", "", "USD", "", volume, (), tuple(runs))
    found = steps(series)
    assert len(found) == len(parts) - 1
    assert total([one.after - one.before for one in found]) == parts[-1][0] - parts[0][0]
    assert (
        total([one.money for one in found]) == (parts[-1][0] - parts[0][0]) * volume
    )  # six and three digits: all of twelve


@given(st.lists(st.tuples(prices, st.decimals(1, 100, places=3)), min_size=1, max_size=8))
def test_the_usual_price_is_one_that_was_charged_and_half_was_bought_at_no_more(parts) -> None:
    runs = [PriceRun("contracted", price, FIRST, FIRST, quantity) for price, quantity in parts]
    usual = usual_price(runs)
    assert usual in {price for price, _ in parts}
    assert total([q for p, q in parts if p <= usual]) * 2 >= total([q for _, q in parts])
