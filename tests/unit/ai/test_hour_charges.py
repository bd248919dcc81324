"""Calls as charges: every digit of money is kept, whatever order they come in, and each charge is shaped as FOCUS has it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.ai_calls import AT, PRICES, ai_call, lines_of
from tests.fixtures.effort import some

from fiscus.cost.ai.focus_rows import COLUMNS, METERS, focus_rows
from fiscus.cost.ai.hour_charges import calls_behind, cost_of, hour_charges
from fiscus.cost.ai.types import AiCall, Meter, PricedLine
from fiscus.kernel.money import EXACT, total

# The columns of the draft's example "cached tokens" (FOCUS 1.5, working draft).
DRAFT = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
    "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart",
    "ConsumedQuantity", "ConsumedUnit", "ContractedCost", "ContractedUnitPrice", "EffectiveCost", "HostProviderName",
    "InvoiceIssuerName", "ListCost", "ListUnitPrice", "PricingCategory", "PricingQuantity", "PricingUnit", "CredentialId",
    "PrincipalId", "RequesterDetails", "ServiceCategory", "ServiceName", "ServiceProviderName", "ServiceSubcategory", "SkuId",
    "SkuMeter", "SkuPriceDetails", "SkuPriceId",
)  # fmt: skip
TAGS = {"team": "fiscus-team", "environment": "environment", "product": "product"}

usages = st.dictionaries(st.sampled_from(sorted(PRICES)), st.integers(0, 10**7), max_size=4)
calls = st.builds(
    lambda number, minutes, usage, key, state, extra: ai_call(
        f"c{number}", AT + timedelta(minutes=minutes), usage, key_id=key, state=state, **extra
    ),
    st.integers(0, 10**6), st.integers(-3000, 3000), usages, st.sampled_from(["", "key-1", "key-2"]),
    st.sampled_from(["settled", "estimated", "unknown", "released", "refused"]),
    st.sampled_from([{}, {"settled": 7_692_000}, {"currency": "EUR"}, {"user": "bob"}, {"team": "web"}]),
)  # fmt: skip


@settings(max_examples=some(300), deadline=None)
@given(st.lists(calls, max_size=30, unique_by=lambda call: call.id), st.randoms())
def test_the_charges_come_to_what_the_calls_cost_to_the_last_digit_in_any_order(found: list[AiCall], random) -> None:
    charges = hour_charges(found)
    for currency in ("USD", "EUR"):
        assert total([one.cost for one in charges if one.key.currency == currency]) == total(
            [cost_of(call) for call in found if call.currency == currency]
        )
    shuffled = list(found)
    random.shuffle(shuffled)
    assert hour_charges(shuffled) == charges
    assert len({one.id for one in charges}) == len(charges)


@settings(max_examples=some(100), deadline=None)
@given(st.lists(calls, max_size=30, unique_by=lambda call: call.id))
def test_each_charge_finds_its_calls_again(found: list[AiCall]) -> None:
    for one in hour_charges(found):
        behind = list(calls_behind(one.id, found))
        assert len(behind) == one.calls
        assert {call.key_id for call in behind} == {one.key.key_id}


def test_an_hour_of_a_key_and_a_model_is_one_charge_a_meter() -> None:
    found = [ai_call(f"c{n}", AT + timedelta(minutes=n), {"input": 1000, "output": 10}) for n in range(40)]
    charges = hour_charges([*found, ai_call("late", AT + timedelta(minutes=46))])
    assert [(one.key.hour.hour, one.key.meter, one.quantity, one.calls) for one in charges] == [
        (9, "input", 40_000, 40), (9, "output", 400, 40), (10, "input", 1000, 1), (10, "output", 100, 1),
    ]  # fmt: skip
    assert charges[0].cost == Decimal("0.006")


def test_a_price_that_changes_within_the_hour_is_two_charges() -> None:
    dearer = PricedLine("input", 1000, Decimal("0.3"), Decimal("0.0003"))
    found = [ai_call("c1", usage={"input": 1000}), ai_call("c2", lines=(dearer,), settled=300_000)]
    assert [one.key.per_million for one in hour_charges(found)] == [Decimal("0.15"), Decimal("0.3")]


def test_the_vendors_own_number_wins_and_what_no_meter_explains_is_a_charge_of_its_own() -> None:
    by_vendor = ai_call("c1", usage={"input": 1000}, settled=7_692_000)
    charges = hour_charges([by_vendor])
    assert total([one.cost for one in charges]) == Decimal("0.007692") == cost_of(by_vendor)
    assert [(one.key.meter, one.cost) for one in charges] == [
        (None, Decimal("0.007542")),
        ("input", Decimal("0.00015")),
    ]


def test_what_was_charged_at_its_bound_counts_and_says_that_it_is_a_guess() -> None:
    lost = ai_call("c1", usage={}, state="unknown", settled=5_000_000)
    (one,) = hour_charges([lost])
    assert (one.cost, one.key.estimated, one.key.meter) == (Decimal("0.005"), True, None)
    assert hour_charges([ai_call("c2", state="refused"), ai_call("c3", state="released")]) == []


class TestFocusRows:
    def test_a_row_has_the_draft_examples_shape(self) -> None:
        row = rows([ai_call("c1", usage={"cached_input": 50_000_000})])[0]
        assert (row["ConsumedQuantity"], row["ConsumedUnit"]) == ("50000000", "Tokens")
        assert (row["PricingQuantity"], row["PricingUnit"]) == ("50", "1000000 Tokens")
        assert (row["SkuMeter"], row["ContractedUnitPrice"]) == ("Cache Read Input Tokens", "0.075")
        assert (row["ServiceCategory"], row["ServiceSubcategory"]) == ("AI and Machine Learning", "Generative AI")
        assert json.loads(row["SkuPriceDetails"]) == {
            "x_ModelId": "gpt-4o-mini-2024-07-18", "x_TokenDirection": "Input", "x_TokenCacheAction": "Read",
            "x_ServiceTier": "standard", "x_PriceVersion": "p1",
        }  # fmt: skip
        assert (row["SkuId"], row["SkuPriceId"]) == (
            "gpt-4o-mini-2024-07-18-cached-input", "gpt-4o-mini-2024-07-18-cached-input-standard"
        )  # fmt: skip
        assert set(row) == set(COLUMNS)

    def test_every_column_of_the_draft_examples_is_there_or_has_its_x_name(self) -> None:
        assert not [name for name in DRAFT if name not in COLUMNS and f"x_{name}" not in COLUMNS]

    def test_every_draft_example_meter_is_spelt_as_there(self) -> None:
        spelt = {name for name, *_ in METERS.values()}
        assert {"Input Tokens", "Output Tokens", "Cache Read Input Tokens", "Cache Write Input Tokens"} <= spelt

    @pytest.mark.parametrize("meter", sorted(METERS))
    def test_unit_price_times_quantity_is_the_cost_of_every_meter(self, meter: Meter) -> None:
        line = PricedLine(meter, 123_457, Decimal("3.75"), EXACT.multiply(Decimal(123_457), Decimal("0.00000375")))
        (row,) = rows([ai_call("c1", lines=(line,), settled=462_963_750)])
        assert Decimal(row["ContractedUnitPrice"]) * Decimal(row["PricingQuantity"]) == Decimal(row["ContractedCost"])
        assert "E" not in row["ContractedCost"] + row["PricingQuantity"]

    def test_the_vendor_invoices_and_what_its_bill_covers_does_not_count_again(self) -> None:
        call = ai_call("c1", usage={"output": 1})
        (open_day,), (billed_day,), (never,) = (
            rows([call], until) for until in (date(2026, 11, 20), date(2026, 11, 21), None)
        )
        assert [row["BilledCost"] for row in (open_day, billed_day, never)] == ["0", "0", "0"]
        assert [row["EffectiveCost"] for row in (open_day, billed_day, never)] == ["0.0000006", "0", "0.0000006"]
        assert [row["ContractedCost"] for row in (open_day, billed_day, never)] == ["0.0000006"] * 3

    def test_the_hour_and_the_month_are_of_utc(self) -> None:
        row = rows([ai_call("c1", datetime.fromisoformat("2026-12-01T00:30:00+02:00"))])[0]
        assert (row["ChargePeriodStart"], row["BillingPeriodStart"]) == ("2026-11-30T22:00:00Z", "2026-11-01T00:00:00Z")

    def test_who_asked_is_in_the_draft_columns_and_nobody_says_so(self) -> None:
        named, plain = rows(
            [ai_call("c1", usage={"input": 1}, user="bob"), ai_call("c2", usage={"input": 1}, key_id="")]
        )
        assert {named["x_PrincipalId"], plain["x_PrincipalId"]} == {"bob", "(none)"}
        assert {named["x_CredentialId"], plain["x_CredentialId"]} == {"key-1", "(none)"}
        assert {"key": "Principal", "value": {"Name": "bob", "Type": "User"}} in json.loads(
            next(row for row in (named, plain) if row["x_PrincipalId"] == "bob")["x_RequesterDetails"]
        )


def rows(found: list[AiCall], until: date | None = None) -> list[Mapping[str, str]]:
    return list(focus_rows(hour_charges(found), until, TAGS))


def test_a_line_of_the_fixtures_is_priced_as_its_price_says() -> None:
    assert lines_of({"input": 1_000_000})[0].cost == Decimal("0.15")
    assert AT.tzinfo is UTC
