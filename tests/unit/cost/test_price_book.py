"""Prices learned from a company's own bills, how sure they are, and what stands in where it never bought."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bills import deliver, write_csv
from tests.fixtures.company import open_company
from tests.fixtures.gates import AS_OF, sold
from tests.fixtures.judging import days

from fiscus.cost.learn_prices import learn_prices
from fiscus.cost.list_prices import list_prices
from fiscus.cost.price_book import PriceBook
from fiscus.cost.price_types import PriceAsk, UnitPrice
from fiscus.cost.price_units import parse_unit
from fiscus.cost.types import Source
from fiscus.flows.show_price import show_price
from fiscus.flows.workspace import Workspace
from fiscus.kernel.errors import NotFound

FIRST = AS_OF - timedelta(days=10)
MACHINE = PriceAsk("AWS", ("m6i.2xlarge",), "us-east-1", "hour", {"OperatingSystem": "Linux"})


def _company(home: Path, rows) -> Workspace:
    """A price has no owner: nobody is assigned one here."""
    ws = open_company(home)
    if rows:
        deliver(ws, write_csv(home / "aws.csv", rows), source=Source("aws"))
    return ws


def _book(home: Path, rows, days_read: int = 30) -> PriceBook:
    return PriceBook(AS_OF, learn_prices(_company(home, rows).lake, AS_OF, days_read))


def _price(book: PriceBook, ask: PriceAsk = MACHINE) -> UnitPrice:
    found = book.price(ask)
    assert found is not None
    return found


def test_a_price_of_the_own_contract_wins_and_says_what_it_rests_on(tmp_path: Path) -> None:
    price = _price(_book(tmp_path, [sold("m6i2", day) for day in days(FIRST, AS_OF)]))
    assert (price.amount, price.currency, price.unit) == (Decimal("0.36864"), "USD", "hour")
    assert (price.source, price.confidence, price.sku) == ("contracted", "high", "m6i2")
    assert (price.charges, price.days, price.newest) == (10, 10, AS_OF - timedelta(days=1))
    assert "10 charges of 10 days" in price.why


def test_its_evidence_shows_exactly_the_charges_behind_it(tmp_path: Path) -> None:
    rows = [sold("m6i2", day) for day in days(FIRST, AS_OF)] + [
        sold("c6i4", FIRST),
        sold("m6i2", FIRST, RegionId="eu-west-1"),
    ]
    ws = _company(tmp_path, rows)
    price = _price(PriceBook(AS_OF, learn_prices(ws.lake, AS_OF, 30)))
    assert price.evidence is not None
    assert len(ws.lake.query(price.evidence.sql, price.evidence.params)) == price.charges == 10


def test_the_price_most_was_bought_at_is_the_price(tmp_path: Path) -> None:
    cheap = sold("m6i2", FIRST, "10", ContractedUnitPrice="0.30")
    dear = [sold("m6i2", day, "100", ContractedUnitPrice="0.36") for day in days(FIRST, AS_OF)]
    price = _price(_book(tmp_path, [cheap, *dear]))
    assert (price.amount, price.low, price.high) == (Decimal("0.36"), Decimal("0.30"), Decimal("0.36"))
    assert price.confidence == "low"  # 17 % apart
    assert "from 0.3" in price.why


@pytest.mark.parametrize(
    ("rows", "confidence"),
    [
        ([sold("m6i2", AS_OF - timedelta(days=1))], "medium"),
        ([sold("m6i2", day) for day in days(FIRST - timedelta(days=10), FIRST)], "medium"),
        ([sold("m6i2", day, ContractedUnitPrice=f"0.{36 + day.day % 2}") for day in days(FIRST, AS_OF)], "medium"),
        ([sold("m6i2", day, ContractedUnitPrice=f"0.{30 + day.day % 2 * 20}") for day in days(FIRST, AS_OF)], "low"),
    ],
    ids=["one day only", "ten days old", "3 percent apart", "two thirds apart"],
)
def test_few_old_or_spread_charges_make_it_less_sure(tmp_path: Path, rows, confidence: str) -> None:
    assert _price(_book(tmp_path, rows)).confidence == confidence


def test_charges_before_the_window_are_not_read(tmp_path: Path) -> None:
    book = _book(tmp_path, [sold("m6i2", day) for day in days(FIRST, AS_OF)], days_read=1)
    assert _price(book).charges == 1


def test_without_a_contracted_price_it_is_what_the_thing_cost(tmp_path: Path) -> None:
    rows = [sold("m6i2", day, "4", ContractedUnitPrice="", ListUnitPrice="") for day in days(FIRST, AS_OF)]
    price = _price(_book(tmp_path, rows))
    assert (price.source, price.amount, price.confidence) == ("effective", Decimal("0.25"), "medium")


def test_covered_usage_does_not_hide_the_price_of_the_next_machine(tmp_path: Path) -> None:
    covered = {"PricingCategory": "Committed", "CommitmentDiscountId": "sp-1", "CommitmentDiscountStatus": "Used"}
    rows = [sold("m6i2", day, "1000", ContractedUnitPrice="0.36", **covered) for day in days(FIRST, AS_OF)]
    rows += [sold("m6i2", day) for day in days(FIRST, AS_OF)]
    assert _price(_book(tmp_path, rows)).amount == Decimal("0.36864")


def test_spot_is_a_price_of_its_own(tmp_path: Path) -> None:
    spot = [sold("m6i2", day, "10", PricingCategory="Dynamic", ContractedUnitPrice="0.1") for day in days(FIRST, AS_OF)]
    book = _book(tmp_path, [*spot, *(sold("m6i2", day) for day in days(FIRST, AS_OF))])
    ask = PriceAsk("AWS", ("m6i.2xlarge",), "us-east-1", "hour", spot=True)
    assert (_price(book, ask).amount, _price(book, ask).source) == (Decimal("0.1"), "effective")
    assert _price(book).amount == Decimal("0.36864")


def test_another_operating_system_is_another_thing(tmp_path: Path) -> None:
    details = '{"InstanceType": "m6i.2xlarge", "OperatingSystem": "Windows"}'
    rows = [sold("m6i2", day, SkuPriceDetails=details, ContractedUnitPrice="0.7") for day in days(FIRST, AS_OF)]
    price = _price(_book(tmp_path, rows))
    assert (price.source, price.amount) == ("list", Decimal("0.384"))


def test_what_was_never_bought_has_a_list_price_that_says_how_old_it_is(tmp_path: Path) -> None:
    price = _price(_book(tmp_path, []), PriceAsk("AWS", ("m5.large",), "eu-west-1", "hour"))
    assert (price.source, price.amount, price.evidence) == ("list", Decimal("0.107"), None)
    assert "list price of eu-west-1 as of 20" in price.why


def test_a_list_price_of_another_region_says_so_and_is_not_sure(tmp_path: Path) -> None:
    price = _price(_book(tmp_path, []), PriceAsk("AWS", ("m5.large",), "sa-east-1", "hour"))
    assert (price.source, price.confidence) == ("list", "low")
    assert "for want of one of sa-east-1" in price.why


def test_what_nobody_knows_has_no_price(tmp_path: Path) -> None:
    book = _book(tmp_path, [sold("m6i2", FIRST)])
    assert book.price(PriceAsk("AWS", ("x99.huge",), "us-east-1", "hour")) is None
    assert book.price(PriceAsk("AWS", ("m6i.2xlarge",), "us-east-1", "gb-month")) is None


def test_details_that_are_no_json_are_no_details(tmp_path: Path) -> None:
    price = _price(_book(tmp_path, [sold("m6i2", day, SkuPriceDetails="{broken") for day in days(FIRST, AS_OF)]))
    assert price.source == "contracted"  # known by its meter


@pytest.mark.parametrize(
    ("text", "many", "unit"),
    [
        ("Hours", 1, "hour"), ("1 Hour", 1, "hour"), ("100 Hours", 100, "hour"), ("1/Hour", 1, "hour"), ("hour", 1, "hour"),
        ("GB-Months", 1, "gb-month"), ("GB-Mo", 1, "gb-month"), ("1 GB/Month", 1, "gb-month"), ("gibibyte month", 1, "gb-month"),
        ("1/Month", 1, "month"), ("vCPU-Hours", 1, "vcpu-hour"), ("1,000 Requests", 1000, "requests"), ("0 Hours", 1, "hours"),
    ],
)  # fmt: skip
def test_units_of_all_vendors_are_one_vocabulary(text: str, many: int, unit: str) -> None:
    assert parse_unit(text) == (many, unit)


@given(st.text(max_size=40))
def test_any_unit_is_some_unit(text: str) -> None:
    many, _ = parse_unit(text)
    assert many > 0


def test_a_price_by_the_hundred_is_divided_once(tmp_path: Path) -> None:
    rows = [sold("m6i2", day, "1", PricingUnit="100 Hours", ContractedUnitPrice="36.864") for day in days(FIRST, AS_OF)]
    assert _price(_book(tmp_path, rows)).amount == Decimal("0.36864")


def test_the_shipped_prices_are_dated_and_say_where_they_are_from() -> None:
    prices = [one for group in list_prices().values() for one in group]
    assert len(prices) > 500
    assert all(
        one.amount > 0 and one.currency == "USD" and one.origin and one.as_of < date(2026, 11, 20) for one in prices
    )
    assert len({(one.provider, one.name, one.unit, one.region) for one in prices}) == len(prices)


def test_people_can_ask_the_book_and_see_the_charges_behind_it(tmp_path: Path) -> None:
    ws = _company(tmp_path, [sold("m6i2", day) for day in days(FIRST, AS_OF)])
    shown = show_price(ws, "M6i.2xlarge")
    first = shown.prices[0]
    assert (first.region, first.amount, first.source, first.confidence) == (
        "us-east-1",
        Decimal("0.36864"),
        "contracted",
        "high",
    )
    assert len(ws.lake.query(first.evidence, first.params)) == 10
    assert {one.source for one in shown.prices[1:]} == {"list"}
    assert [one.region for one in show_price(ws, "m6i.2xlarge", "eu-west-1").prices] == ["eu-west-1"]
    assert show_price(ws, "db.m5.large").prices
    with pytest.raises(NotFound, match="No bill and no list price knows"):
        show_price(ws, "nothing-like-it")
