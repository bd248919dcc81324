"""The prices that are learned of the simulated company's bills are those that its contracts say: its vendors know the truth."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.fixtures.twin_months import two_months

from fiscus.cost.learn_prices import learn_prices
from fiscus.cost.node_rates import node_rates
from fiscus.cost.price_book import PriceBook
from fiscus.cost.price_types import PriceAsk
from fiscus.flows.workspace import Workspace
from fiscus.twin.catalogue import catalogue
from fiscus.twin.line import UNIT

SOURCES = ("aws", "azure", "gcp", "oracle")


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return two_months(tmp_path_factory.mktemp("twin") / "home")


@pytest.mark.parametrize("source", SOURCES)
def test_each_contracted_price_is_that_of_the_contract(ws: Workspace, source: str) -> None:
    contracts = {sku.id: sku for sku in catalogue(source).values()}
    learned = [
        one for one in learn_prices(ws.lake, ws.as_of, 30) if one.sku in contracts and one.contracted is not None
    ]
    assert len(learned) >= 5
    for one in learned:
        sku = contracts[one.sku]
        many = Decimal(sku.unit.split(" ")[0]) if sku.unit.split(" ")[0].isdigit() else Decimal(1)
        assert one.contracted == Decimal(sku.contracted_price) / UNIT / many, sku.meter
        assert one.listed == Decimal(sku.list_price) / UNIT / many, sku.meter


def test_a_machine_that_a_savings_plan_covers_is_still_priced_as_the_next_one_costs(ws: Workspace) -> None:
    book = PriceBook(ws.as_of, learn_prices(ws.lake, ws.as_of, 30))
    sku = catalogue("aws")["ec2-m6i"]
    price = book.price(PriceAsk("AWS", ("m6i.8xlarge",), "us-east-1", "hour"))
    assert price is not None
    assert (price.amount, price.source) == (Decimal(sku.contracted_price) / UNIT, "contracted")
    covered = next(one for one in book.learned if one.sku == sku.id and one.region == "us-east-1")
    assert covered.cost / covered.quantity < price.amount  # what it did cost, with the plan


def test_nodes_have_rates_and_an_azure_machine_is_known_by_its_meter(ws: Workspace) -> None:
    book = PriceBook(ws.as_of, learn_prices(ws.lake, ws.as_of, 30))
    rates = node_rates(book, "AWS", "us-east-1")
    assert rates is not None
    assert Decimal("0.02") < rates.cpu_hour < Decimal("0.06")
    assert rates.gpu_hour is not None
    assert rates.confidence == "high"
    price = book.price(PriceAsk("Microsoft", ("d8s v5", "standard_d8s_v5"), "eastus2", "hour"))
    assert price is not None
    assert (price.amount, price.source) == (Decimal("0.36096"), "contracted")
