"""Prepaid balances: the specification's own files by hand, the laws of drawing down, and what is told before one is gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bills import ROW, deliver, write_csv
from tests.fixtures.company import open_company
from tests.fixtures.judging import AS_OF, charge, company_with_bills, days, tags
from tests.spec_files import spec_rows

from fiscus.cost.prepaid.balance import draw_down
from fiscus.cost.prepaid.daily_use import daily_use
from fiscus.cost.prepaid.types import Draw, Lot
from fiscus.cost.types import Source
from fiscus.flows.find_credits import credit_findings
from fiscus.flows.show_credits import CreditPool, show_credits
from fiscus.flows.workspace import Workspace
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.money import total
from fiscus.signals.exhaustion import exhaustion
from fiscus.signals.types import DailySeries

SAAS = "focus/spec-1.2-examples/saas_examples"
TOKEN = {"PricingCurrency": "Token", "ProviderName": "ACME", "PublisherName": "ACME", "InvoiceIssuerName": "ACME"}


FILES = {
    "A": ["virtual_currency_pricing_model_a1", "virtual_currency_pricing_model_a2"],
    "B": ["virtual_currency_pricing_model_b1", "virtual_currency_pricing_model_b2"],
    "C": ["virtual_currency_pricing_model_c"],
    "Advance": ["spend_agreements/saas_spend_agreements_b1"],
    "Billed": ["spend_agreements/saas_spend_agreements_a1", "spend_agreements/saas_spend_agreements_a2"],
    "Simple": ["simple_agreements/simple_saas_agreements_a1", "simple_agreements/simple_saas_agreements_c"],
    "Drawn": ["../../ai-1.5-draft/drawdown_via_prepayment_ai_model_api"],
}


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Workspace:
    """The specification's files in one lake, each of a provider of its own."""
    rows = []
    for name, files in FILES.items():
        who = dict.fromkeys(("ProviderName", "PublisherName", "InvoiceIssuerName"), name)
        rows += [{**row, **who} for file in files for row in spec_rows(shared_data / SAAS / f"{file}.csv")]
    columns = {name for row in rows for name in row} - {"ServiceProviderName", "HostProviderName"}
    rows = [{name: row.get(name, "") for name in columns} for row in rows]
    ws = open_company(tmp_path_factory.mktemp("spec"))
    file = write_csv(ws.home / "spec.csv", rows, drop=[name for name in ROW if name not in columns])
    deliver(ws, file, source=Source("spec"))
    return ws


def pool_of(ws: Workspace, provider: str, as_of: str = "") -> CreditPool:
    if as_of:
        ws = replace(ws, clock=SteppedClock(datetime.fromisoformat(f"{as_of}T12:00:00+00:00")))
    (pool,) = [one for one in show_credits(ws).pools if one.key.provider == provider]
    return pool


def tokens(start: date, end: date, quantity: str, billed: str, **more: str) -> dict[str, str]:
    return {
        **charge(start, "0", Tags=tags("ml")), **TOKEN, "ChargeCategory": "Purchase", "ChargeFrequency": "One-Time",
        "PricingCurrency": "USD", "BilledCost": billed, "PricingQuantity": quantity, "PricingUnit": "Token",
        "ChargePeriodEnd": f"{end}T00:00:00Z", "SkuId": "buy", **more,
    }  # fmt: skip


def used(day: date, units: str, cost: str, **more: str) -> dict[str, str]:
    return {
        **charge(day, cost, Tags=tags("ml")), **TOKEN, "BilledCost": "0", "PricingCurrencyEffectiveCost": units,
        "PricingQuantity": units, "PricingUnit": "Runs", "ConsumedQuantity": units, "ConsumedUnit": "Runs", "SkuId": "run",
        **more,
    }  # fmt: skip


class TestTheSpecificationsOwnFiles:
    def test_tokens_are_billed_when_bought_and_count_as_cost_when_used(self, spec) -> None:
        """Model A: 100,000 tokens at 2.00; 245 + 10 + 360 used on the first day, worth 490 + 20 + 720."""
        pool = pool_of(spec, "A", "2025-04-02")
        assert (pool.unit, pool.key.currency) == ("Token", "USD")
        assert (pool.balance.bought, pool.balance.drawn, pool.balance.available) == (100_000, 615, 99_385)
        assert (pool.paid, pool.counted, pool.money_left, pool.unit_price) == (200_000, 1_230, 198_770, 2)
        assert (pool.twice_billed, pool.twice_counted) == (0, 0)
        sums = "SELECT sum(BilledCost), sum(EffectiveCost) FROM charges WHERE ServiceProviderName = 'A'"
        assert spec.lake.query(sums).rows == ((200_000, 1_230),)

    def test_a_discount_on_tokens_is_in_their_price(self, spec) -> None:
        """Model B: the same tokens for half; the same use counts half."""
        pool = pool_of(spec, "B", "2025-04-02")
        assert (pool.balance.drawn, pool.counted, pool.unit_price) == (615, 615, 1)

    def test_tokens_of_two_terms_hold_each_in_its_own(self, spec) -> None:
        """Model C: 1,500 more until October, 25,000 from then on; nothing was used."""
        balance = pool_of(spec, "C", "2025-10-02").balance
        assert (balance.bought, balance.to_lapse, balance.available, balance.ends) == (
            26_500, 1_500, 25_000, date(2026, 4, 1),
        )  # fmt: skip

    def test_money_in_advance_is_used_up_to_the_last_digit_the_lost_rest_included(self, spec) -> None:
        """Spend agreement B: 1,200 in advance; 48 + 120 + 60 used, and 972 lost when it ends."""
        pool = pool_of(spec, "Advance", "2026-04-01")
        assert (pool.key.kind, pool.unit) == ("money", "USD")
        assert (pool.balance.drawn, pool.balance.lapsed, pool.balance.to_lapse, pool.balance.overdrawn) == (
            228,
            972,
            0,
            0,
        )
        assert (pool.paid, pool.counted, pool.money_left) == (1_200, 1_200, 0)
        midway = pool_of(spec, "Advance", "2025-07-01")
        assert (midway.balance.available, midway.money_left) == (972, 972)

    def test_agreements_without_anything_in_advance_are_no_balance(self, spec) -> None:
        """Spend agreements A and simple agreements: billed as used, or bought to be had."""
        assert {one.key.provider for one in show_credits(spec).pools} == {"A", "B", "C", "Advance", "Drawn"}

    def test_a_prepaid_ai_account_is_drawn_down_by_its_commitment(self, spec) -> None:
        """FOCUS 1.5 draft: 500,000 USD for a year; 20 + 30 drawn in May."""
        pool = pool_of(spec, "Drawn", "2025-06-01")
        assert (pool.key.kind, pool.unit, pool.balance.available) == ("commitment", "USD", 499_950)
        assert pool.burn_per_day == Decimal("1.6129")  # 50 over the 31 days of May
        assert (pool.runs_out.p50, pool.runs_out.ends) == (None, date(2026, 5, 1))


AHEAD = AS_OF + timedelta(days=300)
NEAR = AS_OF + timedelta(days=20), AS_OF + timedelta(days=30)
TWO_MONTHS, MONTH, TEN_DAYS = (AS_OF - timedelta(days=n) for n in (60, 30, 10))


@pytest.fixture(scope="module")
def many(tmp_path_factory) -> Workspace:
    """One lake, each case with a provider of its own."""
    rows: list[dict[str, str]] = []

    def add(case: str, *parts: dict[str, str]) -> None:
        who = dict.fromkeys(("ProviderName", "PublisherName", "InvoiceIssuerName"), case)
        rows.extend({**row, **who} for row in parts)

    def use(since: date, units: str, cost: str, **more: str) -> list[dict[str, str]]:
        return [used(day, units, cost, **more) for day in days(since, AS_OF)]

    add("Soon", tokens(TWO_MONTHS, AHEAD, "8000", "16000"), *use(TWO_MONTHS, "100", "200"))
    add("Lost", tokens(TWO_MONTHS, AS_OF + timedelta(days=30), "8000", "16000"), *use(TWO_MONTHS, "10", "20"))
    ends = ((NEAR[0], "3000"), (NEAR[1], "500"), (AHEAD, "1000"))
    part = [tokens(TWO_MONTHS, end, "1000", paid) for end, paid in ends]
    add("Parts", *part, *use(TWO_MONTHS, "10", "30"))
    december = date(2026, 12, 1)
    billed = {"BillingPeriodStart": "2026-11-01T00:00:00Z", "BillingPeriodEnd": "2026-12-01T00:00:00Z"}
    add("Next", tokens(TWO_MONTHS, december, "800", "800"), tokens(december, AHEAD, "5000", "5000", **billed))
    add("Next", *use(TWO_MONTHS, "10", "10"))
    add("Over", tokens(MONTH, AHEAD, "2500", "5000"), *use(MONTH, "100", "200"))
    add("Twice", tokens(TEN_DAYS, AHEAD, "9000", "18000", EffectiveCost="18000"), *use(TEN_DAYS, "10", "20"))
    add("Beside", tokens(TEN_DAYS, AHEAD, "900", "1800"), *use(TEN_DAYS, "10", "20"))
    add("Beside", used(TEN_DAYS, "5", "10", BilledCost="10"))
    plain = {"PricingCurrency": "USD", "PricingUnit": "Tokens", "PricingCurrencyEffectiveCost": ""}
    add("Unit", tokens(TEN_DAYS, AHEAD, "900", "1800"), *use(TEN_DAYS, "7", "14", **plain))
    keys = {"x_PricingCurrency": "Token", "x_PricingCurrencyEffectiveCost": "3", "PricingCurrency": "USD"}
    add("Keys", tokens(TEN_DAYS, AHEAD, "900", "1800"), *use(TEN_DAYS, "99", "6", **keys))
    firsts = date(2026, 10, 1), date(2026, 11, 1)
    add("Firsts", *(tokens(first, AHEAD, "90000", "18000") for first in firsts), *use(firsts[0], "10", "2"))
    add("Unbought", *use(TEN_DAYS, "10", "20"))
    add("Other", tokens(TEN_DAYS, AHEAD, "900", "1800"), *use(TEN_DAYS, "10", "20", BillingAccountId="other"))
    return company_with_bills(tmp_path_factory.mktemp("many"), {"acme": rows})


@pytest.fixture(scope="module")
def pools(many) -> dict[str, CreditPool]:
    """What is shown of it, by provider."""
    return {one.key.provider: one for one in show_credits(many).pools}


class TestOnBills:
    def test_what_runs_out_soon_has_an_interval_and_its_months(self, pools) -> None:
        pool = pools["Soon"]
        assert (pool.balance.available, pool.burn_per_day) == (2_000, 100)
        out = pool.runs_out
        assert out.p10 is not None
        assert out.p90 is not None
        assert out.p10 <= AS_OF + timedelta(days=19) <= out.p90
        assert [month.month for month in pool.months] == ["2026-09", "2026-10", "2026-11"]
        assert pool.months[-1].left == 2_000

    def test_a_months_end_does_not_hold_what_is_bought_on_the_day_after(self, pools) -> None:
        months = [(month.month, month.bought, month.drawn, month.left) for month in pools["Firsts"].months]
        assert months == [("2026-10", 90_000, 310, 89_690), ("2026-11", 90_000, 190, 179_500)]

    def test_what_is_told_is_told_with_its_money_and_nothing_else_is(self, many) -> None:
        found = {(one.title.split("'")[0], one.kind): one.amount for one in credit_findings(many)}
        assert found == {
            ("Soon", "credits_running_out"): 6_000,
            ("Lost", "credits_lapsing"): 14_200,  # 7,400 left, 300 more go; at 2.00
            ("Parts", "credits_lapsing"): 1_050,  # 200 of 400 at 3.00, ten days later 900 of 1,000 at 0.50
            ("Next", "credits_lapsing"): 90,  # 200 left, 110 more go until December
            ("Over", "credits_overdrawn"): 1_000,
            ("Over", "credits_running_out"): 6_000,
            ("Twice", "prepaid_counted_twice"): 200,
        }
        (soon, parts) = [one for one in credit_findings(many) if one.title.startswith(("Soon", "Parts"))]
        assert parts.title.endswith(f"ends in parts from {NEAR[0]} to {NEAR[1]} with about 1,100 unused")
        assert "2,000.00 are left, 100.00 go a day" in soon.detail

    def test_what_is_billed_and_begins_later_is_to_come(self, pools) -> None:
        balance = pools["Next"].balance
        assert (balance.available, balance.to_come, balance.overdrawn) == (200, 5_000, 0)
        assert [(one.end, one.quantity) for one in balance.rests] == [(date(2026, 12, 1), 200), (AHEAD, 5_000)]

    def test_a_purchase_that_counts_as_cost_beside_its_use_has_that_money_twice(self, pools) -> None:
        pool = pools["Twice"]
        assert (pool.twice_counted, pool.money_left) == (200, 17_800)
        assert pools["Over"].balance.overdrawn == 500

    def test_use_that_is_billed_by_itself_takes_from_no_balance(self, pools) -> None:
        pool = pools["Beside"]
        assert (pool.balance.drawn, pool.billed_beside, pool.twice_billed) == (100, 10, 0)

    def test_the_unit_of_pricing_stands_for_a_virtual_currency_where_focus_1_4_allows_none(self, pools) -> None:
        assert (pools["Unit"].balance.drawn, pools["Unit"].counted) == (70, 140)

    def test_x_keys_name_a_virtual_currency_too(self, pools) -> None:
        assert (pools["Keys"].balance.drawn, pools["Keys"].counted) == (30, 60)

    def test_use_without_a_purchase_is_shown_and_nothing_is_guessed(self, pools) -> None:
        pool = pools["Unbought"]
        assert pool.note == "No bill has its purchase, so what is left is not known."
        assert (pool.unit_price, pool.runs_out.p50) == (None, None)

    def test_another_account_draws_on_the_only_one_that_bought(self, pools) -> None:
        pool = pools["Other"]
        assert pool.balance.drawn == 100
        assert pool.note.startswith("Used by account other too")


START = date(2026, 1, 1)
units = st.decimals(0, 10_000, places=6)
lots = st.lists(
    st.builds(
        lambda first, length, quantity: Lot(
            START + timedelta(days=first), START + timedelta(days=first + length), quantity, quantity, Decimal(0)
        ),
        st.integers(0, 200), st.integers(1, 200), units,
    ),
    max_size=5,
)  # fmt: skip
draws = st.lists(
    st.builds(
        lambda day, length, quantity, lapsed: Draw(
            START + timedelta(days=day), START + timedelta(days=day + length), quantity, quantity, lapsed=lapsed
        ),
        st.integers(0, 300), st.integers(1, 31), units, st.booleans(),
    ),
    max_size=12,
)  # fmt: skip


class TestLaws:
    @given(lots, draws, st.integers(0, 420))
    def test_what_was_bought_is_drawn_lost_or_left_to_the_last_digit(self, lots, draws, day) -> None:
        now = draw_down(lots, draws, START + timedelta(days=day))
        gone = now.drawn + now.lapsed + now.to_lapse
        assert now.bought + now.overdrawn == gone + now.available + now.to_come
        assert min(now.available, now.to_come, now.to_lapse, now.overdrawn) >= 0

    @given(lots, draws, st.integers(0, 420), st.randoms())
    def test_the_order_of_rows_does_not_matter(self, lots, draws, day, random) -> None:
        shuffled = [random.sample(many, len(many)) for many in (lots, draws)]
        same_day = {(one.day, one.lapsed) for one in draws}
        if len(same_day) == len(draws):
            as_of = START + timedelta(days=day)
            assert draw_down(*shuffled, as_of) == draw_down(lots, draws, as_of)

    @given(draws)
    def test_a_day_s_use_spread_is_still_the_whole(self, draws) -> None:
        until = START + timedelta(days=400)
        spread = total(list(daily_use(draws, START, until)))
        assert abs(spread - total([one.quantity for one in draws if not one.lapsed])) < Decimal("1e-30")

    @pytest.mark.parametrize("days_left", [30, 399])
    def test_an_even_use_runs_out_when_division_says_so(self, days_left: int) -> None:
        use = DailySeries("even", "Token", AS_OF - timedelta(days=60), (Decimal("12.34"),) * 60)
        out = exhaustion(use, Decimal("12.34") * days_left, AS_OF)
        assert out.p10 is not None
        assert out.p50 is not None
        assert abs((out.p50 - AS_OF).days - days_left) <= 1
        assert out.p10 <= out.p50 <= (out.p90 or date.max)

    def test_what_ends_before_the_rest_is_lost_before_and_the_rest_runs_out_the_sooner(self) -> None:
        """10 a day; 300 end in ten days, so 200 are lost; 120 more end in a year and last twelve days from then."""
        use = DailySeries("even", "Token", AS_OF - timedelta(days=60), (Decimal(10),) * 60)
        soon, late = AS_OF + timedelta(days=10), AS_OF + timedelta(days=365)
        out = exhaustion(use, Decimal(420), AS_OF, late, [(soon, Decimal(300))])
        assert (out.lapses, out.left_p50, out.ends) == (soon, 200, late)
        assert out.p50 is not None
        assert abs((out.p50 - AS_OF).days - 22) <= 1
        used = exhaustion(use, Decimal(420), AS_OF, late, [(soon, Decimal(100))])
        assert (used.lapses, used.left_p50, used.losses) == (late, 0, ()), "nothing is lost of the first"
        third = exhaustion(
            use, Decimal(720), AS_OF, late, [(soon, Decimal(300)), (AS_OF + timedelta(days=20), Decimal(300))]
        )
        assert [one.p50 for one in third.losses] == [200, 200]
        far = exhaustion(use, Decimal(420), AS_OF, date(2099, 12, 31), [(soon, Decimal(100))])
        assert (far.lapses, far.left_p50) == (date(2099, 12, 31), None)

    @given(lots, draws, st.integers(0, 420))
    def test_the_rests_are_what_is_left_and_no_dearer_than_what_was_paid(self, lots, draws, day) -> None:
        now = draw_down(lots, draws, START + timedelta(days=day))
        assert sum(one.quantity for one in now.rests) == now.available + now.to_come
        assert sum(one.paid for one in now.rests) == now.available + now.to_come, "a unit was bought at 1"
        assert max((one.end for one in now.rests), default=None) == now.ends

    def test_what_lasts_longer_than_a_year_is_not_running_out(self) -> None:
        use = DailySeries("even", "Token", AS_OF - timedelta(days=60), (Decimal(1),) * 60)
        assert exhaustion(use, Decimal(9_999), AS_OF).p50 is None
        assert exhaustion(use, Decimal(0), AS_OF).p50 == AS_OF

    def test_what_is_left_at_an_end_that_nobody_can_see_is_not_said(self) -> None:
        use = DailySeries("even", "Token", AS_OF - timedelta(days=60), (Decimal(1),) * 60)
        far = exhaustion(use, Decimal(100), AS_OF, date(2099, 12, 31))
        assert (far.left_p50, far.ends) == (None, date(2099, 12, 31))
        assert exhaustion(use, Decimal(100), AS_OF, AS_OF + timedelta(days=40)).left_p50 == 60
