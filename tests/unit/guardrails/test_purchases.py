"""Buying something: what is looked at first, what is asked, and what the register remembers of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from tests.fixtures.judging import AS_OF

from fiscus.guardrails.decisions.intent import parse_intent
from fiscus.guardrails.doors.purchases.load_catalog import load_catalog
from fiscus.guardrails.doors.purchases.purchase_checks import (
    check_purchase,
    find_duplicates,
    outside_register,
    po_is_valid,
    vendor_known,
)
from fiscus.guardrails.doors.purchases.purchase_request import Known, parse_purchase, purchase_intent
from fiscus.guardrails.doors.purchases.types import Bought, Catalog, Check, Duplicate, Purchase
from fiscus.kernel.canonical import to_json
from fiscus.kernel.errors import BadConfig, BadInput

ASK: dict[str, Any] = {
    "requested_by": "max", "environment": "production", "vendor": "VectorForge Inc.", "product": "VectorForge Enterprise Index",
    "channel": "aws_marketplace", "category": "Other (Databases)", "amount": "1500.00", "billing": "monthly", "currency": "USD",
    "term_months": 12, "starts": "2026-12-01", "renewal": "automatic", "notice_days": 60, "po": "PO-2026-77",
    "data_class": "internal", "reference": "agmt-1",
}  # fmt: skip
CATALOG = load_catalog("""
po_pattern: "PO-[0-9]{4}-[0-9]+"
capabilities:
  - {name: vector database, products: ["VectorForge*", "Pinecone*"]}
""")


def bought(vendor: str, service: str, cost: int = 1200, **more: str) -> Bought:
    return Bought(vendor, more.get("publisher", vendor), vendor, service, more.get("category", "Databases"),
                  more.get("subcategory", "Other (Databases)"), Decimal(cost),
                  more.get("currency", "USD"), date(2026, 11, 1), "ml")  # fmt: skip


def register(**changes: Any) -> Purchase:
    """The same thing, bought a year ago."""
    asked = parse_purchase({**ASK, "starts": "2025-12-01", **changes}, AS_OF, past=True)
    intent = purchase_intent(asked, Known(False, (), True))
    return Purchase("pur-old", asked, intent, "", (), (), "bought", "", "", ())


def found(check: str, *seen: Bought, ask: dict[str, Any] | None = None, held: tuple[Purchase, ...] = ()) -> Check:
    asked = parse_purchase({**ASK, **(ask or {})}, AS_OF)
    checks = check_purchase(asked, find_duplicates(asked, CATALOG, seen, held), CATALOG, seen, held, AS_OF)
    return next(one for one in checks if one.name == check)


class TestTheRequest:
    def test_what_is_left_out_follows_from_the_rest(self) -> None:
        asked = parse_purchase(ASK, AS_OF)
        assert (asked.contract_value, asked.renews, asked.notice_by) == (18000, date(2027, 12, 1), date(2027, 10, 2))
        assert parse_purchase({**ASK, "billing": "yearly", "term_months": 30}, AS_OF).contract_value == 4500
        assert parse_purchase({**ASK, "renewal": "none"}, AS_OF).renews is None

    @pytest.mark.parametrize(
        ("change", "key", "says"),
        [
            ({"vender": "x"}, "vender", "no field of a purchase"),
            ({"vendor": " "}, "vendor", "has no vendor"),
            ({"amount": None}, "amount", "has no amount"),
            ({"amount": 1.5}, "amount", "decimal as text"),
            ({"amount": "-1"}, "amount", "out of bounds"),
            ({"amount": "NaN"}, "amount", "out of bounds"),
            ({"channel": "ebay"}, "channel", "none of aws_marketplace"),
            ({"total_contract_value": "17999.99"}, "total_contract_value", "less than its 12 bills"),
            ({"starts": "2026-11-19"}, "starts", "is over"),
            ({"renewal": "none", "renews_on": "2027-12-01"}, "renews_on", "does not renew"),
            ({"renews_on": "2026-12-01"}, "renews_on", "before or as it starts"),
            ({"notice_days": 400}, "notice_days", "before it starts"),
            ({"seats": -1}, "seats", "from 0"),
            ({"reason": "x" * 500}, "reason", "longer than 400"),
        ],
    )
    def test_a_wrong_field_is_named_with_what_to_write(self, change, key, says) -> None:
        with pytest.raises(BadInput, match=says) as caught:
            parse_purchase({**ASK, **change}, AS_OF)
        assert caught.value.where is not None
        assert caught.value.where.key == key
        assert caught.value.remedy

    def test_its_intent_is_the_whole_contract_from_the_seller(self) -> None:
        same = (Duplicate("capability", "Pinecone", "Pinecone Inc.", Decimal(9000), "USD", "bills"),)
        intent = purchase_intent(parse_purchase(ASK, AS_OF), Known(True, same, True))
        assert (intent.kind, intent.amount, intent.provider) == ("marketplace.purchase", 18000, "VectorForge Inc.")
        assert intent.attributes["existing_product"] == "Pinecone"
        assert intent.attributes["duplicate_amount"] == "9000.00"
        assert (intent.attributes["renews_on"], intent.attributes["listing"]) == ("2027-12-01", "agmt-1")
        plain = to_json(intent)
        assert isinstance(plain, dict)
        assert parse_intent(plain) == intent, "any door would take it"

    def test_seats_are_seats_and_more_of_what_is_there_is_no_duplicate(self) -> None:
        asked = parse_purchase({**ASK, "channel": "direct", "seats": 50}, AS_OF)
        same = (Duplicate("product", ASK["product"], ASK["vendor"], Decimal(9000), "USD", "bills"),)
        intent = purchase_intent(asked, Known(True, same, True))
        assert (intent.kind, intent.attributes["seat_price"]) == ("saas.seat", "30.00")
        assert "existing_product" not in intent.attributes
        plain = to_json(intent)
        assert isinstance(plain, dict)
        assert parse_intent(plain) == intent

    def test_a_purchase_order_of_the_wrong_shape_is_none(self) -> None:
        asked = parse_purchase({**ASK, "po": "later"}, AS_OF)
        assert not po_is_valid("later", CATALOG)
        assert "po" not in purchase_intent(asked, Known(True, (), False)).attributes


class TestWhatIsLookedAt:
    def test_nothing_of_the_kind_is_paid_for(self) -> None:
        assert found("duplicate", bought("Slack", "Slack", subcategory="Chat", category="Communication")).state == "ok"

    def test_the_same_product_capability_or_category_is_found_on_the_bills_with_its_money(self) -> None:
        exact = found("duplicate", bought("vectorforge inc.", "VectorForge Enterprise Index", 4100))
        assert (exact.state, exact.sentence) == (
            "fail",
            "You have exactly this already: VectorForge Enterprise Index of vectorforge inc. (4,100 USD in twelve months).",
        )
        alike = found(
            "duplicate", bought("Pinecone Systems", "Pinecone Serverless", 900, subcategory="x", category="y")
        )
        assert (alike.state, "same capability" in alike.sentence) == ("fail", True)
        beside = found("duplicate", bought("Chroma", "Chroma Cloud", 10), bought("Pinecone", "Pinecone", 5))
        assert "same capability already: Pinecone of Pinecone (5 USD in twelve months), Chroma Cloud" in beside.sentence
        assert found("duplicate", bought("Chroma", "Chroma Cloud", 10)).state == "warn"

    def test_that_a_cloud_sells_databases_says_nothing(self) -> None:
        assert found("duplicate", bought("AWS", "Amazon RDS", 90_000)).state == "ok"

    def test_what_stands_in_the_register_and_on_no_bill_yet_counts(self) -> None:
        one = found("duplicate", held=(register(starts="2026-06-01"),))
        assert one.sentence.endswith("(18,000 USD, pur-old).")
        assert found("vendor", held=(register(),)).sentence.endswith("known from the register, and on no bill yet.")

    def test_what_follows_on_a_contract_that_ends_is_no_duplicate_of_it(self) -> None:
        ended = register(renewal="manual")  # until 1 December 2026, when this one starts
        assert found("duplicate", bought(ASK["vendor"], ASK["product"]), held=(ended,)).state == "ok"
        assert found("overlap", held=(ended,)).state == "ok"

    def test_two_contracts_for_the_same_thing_at_once_are_named(self) -> None:
        one = found("overlap", held=(register(),))
        assert one.sentence == "pur-old runs until 2026-12-01, and renews by itself: both would be paid at once."

    def test_a_vendor_is_known_by_what_was_paid_to_it(self) -> None:
        assert found("vendor").sentence.startswith("VectorForge Inc. is new")
        assert "1,200 USD were paid" in found("vendor", bought("Other", "x", publisher="VECTORFORGE INC.")).sentence
        euros = (bought("Other", "x", 7, publisher=ASK["vendor"], currency="EUR"), bought(ASK["vendor"], "y"))
        assert "known: 7 EUR and 1,200 USD were paid" in found("vendor", *euros).sentence
        assert vendor_known(parse_purchase(ASK, AS_OF), [bought("Other", "x", publisher=ASK["vendor"])], ())

    def test_the_paper_is_held_against_the_catalog(self) -> None:
        assert found("purchase_order").state == "ok"
        assert found("purchase_order", ask={"po": ""}).state == "warn"
        assert found("purchase_order", ask={"po": "PO-26-7"}).state == "fail"
        assert po_is_valid("anything", Catalog())

    def test_a_renewal_says_until_when_notice_is_due(self) -> None:
        assert found("renewal").sentence == (
            "It renews by itself on 2027-12-01; to end it, notice is due by 2027-10-02."
        )
        assert found("renewal", ask={"renewal": "none"}).sentence == "It ends by itself."
        assert "unless somebody renews" in found("renewal", ask={"renewal": "manual"}).sentence

    def test_duplicates_come_the_closest_first_then_by_money(self) -> None:
        asked = parse_purchase(ASK, AS_OF)
        seen = [
            bought("Chroma", "Chroma", 99),
            bought("Pinecone", "Pinecone", 5),
            bought(ASK["vendor"], ASK["product"], 1),
        ]
        assert [one.same for one in find_duplicates(asked, CATALOG, seen, ())] == ["product", "capability", "category"]


class TestOutsideTheRegister:
    def test_what_is_bought_and_in_no_contract_is_named_the_most_money_first(self) -> None:
        seen = [
            replace(bought("Slack", "Slack"), purchased=Decimal(700)),
            replace(bought("AWS", "Amazon RDS"), purchased=Decimal(0)),
            replace(bought("Chroma", "Chroma Cloud"), purchased=Decimal(900)),
            replace(bought("VECTORFORGE INC.", "vectorforge enterprise index"), purchased=Decimal(5000)),
            replace(bought("AWS Marketplace", ASK["product"], publisher=ASK["vendor"]), purchased=Decimal(4000)),
        ]
        found = outside_register(seen, [register()])
        assert [one.service for one in found] == ["Chroma Cloud", "Slack"]
        assert len(outside_register(seen, [])) == 4


class TestTheCatalog:
    @pytest.mark.parametrize(
        ("text", "line", "says"),
        [
            ("po_pattern: '['", 1, "is no pattern"),
            ("capabilities:\n  - {name: a, products: [x]}\n  - {name: a, products: [y]}", 3, "stands here twice"),
            ("capability: []", 1, "Unknown key"),
            ("capabilities:\n  - {name: a}", 2, "required"),
        ],
    )
    def test_what_it_must_not_say_is_named_with_its_line(self, text, line, says) -> None:
        with pytest.raises(BadConfig, match=says) as caught:
            load_catalog(text)
        assert caught.value.where is not None
        assert (caught.value.where.file, caught.value.where.line) == ("catalog.yaml", line)

    def test_none_is_one_that_says_nothing(self) -> None:
        assert load_catalog("") == Catalog()
