"""Cheaper ways that no policy prices: by what the company paid for the same thing, else by a list price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from tests.fixtures.company import open_company
from tests.fixtures.judging import AS_OF, charge, company_with_bills, days, tags

from fiscus.cost.price_book import PriceBook
from fiscus.cost.price_types import LearnedPrice
from fiscus.flows.decide_intent import decide_intent
from fiscus.guardrails.decisions.intent import parse_intent
from fiscus.guardrails.decisions.price_quotes import PriceQuotes
from fiscus.guardrails.policies.load_policies import load_policies
from fiscus.guardrails.types import Intent, Quote
from fiscus.kernel.errors import Unavailable
from fiscus.kernel.rows import Query

ZERO = Decimal(0)


def _learned(size: str, price: str, currency: str = "USD") -> LearnedPrice:
    amount = Decimal(price)
    return LearnedPrice(
        "AWS", "Amazon EC2", f"sku-{size}", size, "hour", "eu-west-1", "instance", {}, currency, amount, amount, amount, amount,
        ZERO, ZERO, amount / 4, Decimal(1), 100, 20, date(2026, 11, 19), frozenset({size}), Query("", {}),
    )  # fmt: skip


BOOK = PriceBook(
    AS_OF, (_learned("m7i.large", "0.10"), _learned("m7i.2xlarge", "0.40"), _learned("c7.huge", "9", "EUR")), {}
)


def _quote(change: Mapping[str, object], **attributes: object) -> Quote | None:
    asked = {"size": "m7i.2xlarge", "region": "eu-west-1", **attributes}
    intent = Intent("resource.provision", "max", "ml", "dev", Decimal(300), "USD", "AWS", attributes=asked)
    return PriceQuotes(lambda: BOOK).quote(intent, change)


@pytest.mark.parametrize(
    ("change", "amount"),
    [
        ({"size": "m7i.large"}, "75"),
        ({"size": "M7I.LARGE"}, "75"),
        ({"pricing": "spot"}, "75"),
        ({"size": "m7i.large", "pricing": "spot"}, "18.75"),
        ({"hours_per_month": 219}, "90"),
        ({"size": "m7i.large", "hours_per_month": 219}, "22.5"),
    ],
)
def test_the_asked_price_is_scaled_by_what_is_changed(change: Mapping[str, object], amount: str) -> None:
    assert _quote(change) == Quote(Decimal(amount), "history")


def test_counts_scale_by_what_was_asked() -> None:
    assert _quote({"count": 1}, count=3) == Quote(Decimal(100), "history")
    assert _quote({"storage_gb": 50}, storage_gb=100) == Quote(Decimal(150), "history")
    assert _quote({"storage_gb": 50}) is None


@pytest.mark.parametrize(
    "change",
    [
        {"size": "unknown"},
        {"size": "c7.huge"},
        {"region": "us-east-1"},
        {"tags": {}},
        {"count": "few"},
        {"environment": "dev"},
    ],
)
def test_what_has_no_price_in_the_same_currency_is_not_quoted(change: Mapping[str, object]) -> None:
    assert _quote(change) is None


def test_a_list_price_says_that_it_is_one() -> None:
    quotes = PriceQuotes(lambda: PriceBook(AS_OF))
    attributes = {"size": "m5.xlarge", "region": "us-east-1"}
    intent = Intent("resource.provision", "max", "ml", "dev", Decimal(100), "USD", "AWS", attributes=attributes)
    assert quotes.quote(intent, {"size": "m5.large"}) == Quote(Decimal(50), "list")


def test_bills_that_cannot_be_read_are_prices_that_nobody_knows() -> None:
    def gone() -> PriceBook:
        raise Unavailable("The lake is gone", remedy="Wait.")

    intent = Intent("resource.provision", "max", "ml", "dev", ZERO, "USD", "AWS", attributes={"size": "a"})
    assert PriceQuotes(gone).quote(intent, {"size": "b"}) is None


def test_a_decision_offers_the_smaller_machine_at_the_price_of_the_bills(tmp_path: Path) -> None:
    def machine(day: date, size: str, price: str) -> Mapping[str, str]:
        details = f'{{"InstanceType": "{size}"}}'
        return charge(
            day, price, Tags=tags("ml"), SkuId=size, SkuMeter=f"BoxUsage:{size}", SkuPriceDetails=details, RegionId="eu-west-1",
            PricingQuantity="1", PricingUnit="Hours", ContractedUnitPrice=price, ListUnitPrice=price, PricingCategory="Standard",
        )  # fmt: skip

    since = AS_OF - timedelta(days=20)
    rows = [
        machine(day, size, price)
        for day in days(since, AS_OF)
        for size, price in (("m5.large", "0.1"), ("m5.xlarge", "0.3"))
    ]
    (home := tmp_path / "lake").mkdir()
    billed = company_with_bills(home, {"usd": rows})
    policy = {
        "id": "smaller", "title": "Test machines are small", "on": ["resource.provision"], "when": 'intent.size == "m5.xlarge"',
        "level": "soft", "on_error": "hold", "effect": "degrade", "options": [{"change": {"size": "m5.large"}}], "reason": "R.",
        "remedy": "M.", "owner": "finops",
    }  # fmt: skip
    policies = load_policies({"policies/a.yaml": yaml.safe_dump({"policies": [policy]})})
    (other := tmp_path / "state").mkdir()
    ws = replace(billed, state=open_company(other).state, config=replace(billed.config, policies=policies))
    intent = parse_intent(
        {
            "kind": "resource.provision", "requested_by": "max", "environment": "production", "provider": "AWS", "amount": "219",
            "currency": "USD", "attributes": {"size": "m5.xlarge", "region": "eu-west-1"},
        }
    )  # fmt: skip
    decision = decide_intent(ws, intent)
    assert decision.verdict == "degrade"
    (option,) = decision.options
    assert (option.title, option.amount, option.priced_by) == ("size m5.large", Decimal(73), "history")
    assert decision.next_step.startswith("Ask for size m5.large instead: 73.00 USD, 146.00 less.")
