"""A commitment before it is bought: what it would have covered, used and saved; the laws of the arithmetic, and one by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.judging import AS_OF, charge, company_with_bills, days, tags

from fiscus.flows.judge_commitment import judge_commitment
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.decisions.intent import parse_intent
from fiscus.guardrails.doors.commitments.commitment_request import parse_commitment
from fiscus.guardrails.doors.commitments.outlook import (
    NEVER_MONTHS,
    EligibleDay,
    Outlook,
    Proposal,
    Standing,
    months_after,
    outlook,
)
from fiscus.kernel.canonical import to_json
from fiscus.kernel.errors import BadInput
from fiscus.kernel.money import ZERO

FIRST = date(2026, 8, 1)
STARTS = date(2026, 12, 1)
ASK: dict[str, Any] = {
    "requested_by": "max", "environment": "production", "provider": "AWS", "commitment_kind": "savings_plan",
    "service": "Amazon Elastic Compute Cloud", "region": "eu-west-1", "term_months": 12, "hourly_commitment": "3.00",
    "discount_percent": 25, "currency": "USD", "starts": "2026-12-01",
}  # fmt: skip


def plan(**changes: Any) -> Proposal:
    """3 USD an hour at 25 % off: 72 a day, for usage worth 96 a day on demand."""
    made = Proposal("savings_plan", "no_upfront", Decimal(3), Decimal("0.25"), ZERO, STARTS, 12)
    return replace(made, **changes)


def usage(*costs: object, covered: object = 0, used: object = 0, unused: object = 0) -> list[EligibleDay]:
    rest = [Decimal(str(value)) for value in (covered, used, unused)]
    return [EligibleDay(FIRST + timedelta(days=n), Decimal(str(cost)), *rest) for n, cost in enumerate(costs)]


class TestByHand:
    def test_a_plan_that_is_used_whole(self) -> None:
        seen = outlook(plan(), usage(120, 120, 120, 120), [])
        assert (seen.utilisation_after, seen.utilisation_low) == (1, 1)
        assert (seen.coverage, seen.coverage_after) == (0, Decimal("0.8"))  # 96 of 120
        assert seen.monthly_saving == Decimal("730.00")  # 24 a day, 365/12 days
        assert seen.total == Decimal("26280.00")  # 72 a day, 365 days
        assert seen.break_even_utilisation == Decimal("0.75")
        assert seen.break_even_months == Decimal("9.00")  # 26,280 / (96 * 365/12)
        assert (seen.saving_after_fall, seen.downside) == (Decimal("8760.00"), 0)  # 96 of 96 still used

    def test_one_that_is_half_idle_costs_more_than_it_saves(self) -> None:
        seen = outlook(plan(), usage(48, 48), [])
        assert (seen.utilisation_after, seen.monthly_saving) == (Decimal("0.5"), Decimal("-730.00"))
        assert seen.break_even_months == Decimal("18.00")  # longer than its term
        assert seen.downside == Decimal("12264.00")  # (72 - 38.4) * 365

    def test_weekends_show_in_its_worst_days(self) -> None:
        seen = outlook(plan(), usage(*([96] * 8), 24, 24), [])
        assert (seen.utilisation_after, seen.utilisation_low, seen.utilisation_high) == (
            Decimal("0.85"),
            Decimal("0.25"),
            1,
        )

    def test_what_is_covered_already_counts_and_is_used_first_when_usage_falls(self) -> None:
        seen = outlook(plan(), usage(50, 50, covered=50, used=36, unused=4), [])
        assert (seen.coverage, seen.coverage_after, seen.utilisation) == (Decimal("0.5"), 1, Decimal("0.9"))
        assert seen.saving_after_fall == (30 - 72) * 365  # 80 of 100 are left, 50 of them covered

    def test_nothing_to_cover_never_breaks_even(self) -> None:
        seen = outlook(plan(), usage(0, 0), [])
        assert (seen.break_even_months, seen.utilisation_after, seen.coverage_after) == (NEVER_MONTHS, 0, 0)

    def test_a_prepaid_amount_is_drawn_down_over_its_term_not_by_the_day(self) -> None:
        uneven = usage(0, 192, 0, 192)
        assert outlook(plan(), uneven, []).utilisation_after == Decimal("0.5")
        assert outlook(plan(kind="prepaid"), uneven, []).utilisation_after == 1

    def test_what_is_owed_falls_month_by_month_and_what_exists_is_added(self) -> None:
        known = Standing("a", "SP a", "Savings Plan", Decimal(10), date(2027, 1, 31))
        unknown = Standing("b", "SP b", "Savings Plan", Decimal(1), None)
        owed = outlook(plan(term_months=3), usage(96), [known, unknown]).owed
        assert [str(m.month) for m in owed] == ["2026-12", "2027-01", "2027-02"]
        assert [m.proposed for m in owed] == [90 * 72, 59 * 72, 28 * 72]
        assert [m.existing for m in owed] == [61 * 10 + 90, 30 * 10 + 59, 28]
        assert outlook(plan(term_months=3), usage(96), [known, unknown]).exposure == 90 * 72 + 700

    def test_a_term_ends_on_the_same_day_or_the_month_s_last(self) -> None:
        assert months_after(date(2026, 1, 31), 1) == date(2026, 2, 28)
        assert months_after(date(2026, 11, 20), 14) == date(2028, 1, 20)


money = st.decimals(0, 5000, places=4)
histories = st.lists(st.tuples(money, money), min_size=1, max_size=40)
proposals = st.builds(
    Proposal,
    st.sampled_from(["savings_plan", "prepaid"]),
    st.just("no_upfront"),
    st.decimals("0.01", 200, places=4),
    st.decimals(0, "0.95", places=3),
    st.just(ZERO),
    st.just(STARTS),
    st.integers(1, 36),
)


def seen_of(proposal: Proposal, history: list[tuple[Decimal, Decimal]]) -> Outlook:
    made = [EligibleDay(FIRST + timedelta(days=n), a, b, b / 2, ZERO) for n, (a, b) in enumerate(history)]
    return outlook(proposal, made, [])


class TestLaws:
    @given(proposals, histories)
    def test_shares_are_shares_and_buying_uncovers_nothing(self, proposal, history) -> None:
        seen = seen_of(proposal, history)
        assert 0 <= seen.coverage <= seen.coverage_after <= 1
        assert 0 <= seen.utilisation_low <= seen.utilisation_high <= 1
        assert 0 <= seen.utilisation_after <= 1

    @given(proposals, histories)
    def test_it_saves_exactly_when_it_is_used_more_than_break_even(self, proposal, history) -> None:
        seen = seen_of(proposal, history)
        per_month = proposal.hourly * 24 / (1 - proposal.discount) * Decimal(365) / 12
        expected = (seen.utilisation_after - (1 - proposal.discount)) * per_month
        assert abs(seen.monthly_saving - expected) <= per_month * Decimal("0.000001") + Decimal("0.01")

    @given(proposals, histories)
    def test_less_usage_never_saves_more(self, proposal, history) -> None:
        seen = seen_of(proposal, history)
        term = seen.monthly_saving / (Decimal(365) / 12) * proposal.days
        assert seen.saving_after_fall <= term + proposal.days
        assert seen.downside == max(-seen.saving_after_fall, 0)

    @given(proposals)
    def test_everything_owed_is_the_sum_of_its_days(self, proposal) -> None:
        seen = seen_of(proposal, [(Decimal(1), ZERO)])
        assert seen.owed[0].proposed == seen.total
        assert [m.proposed for m in seen.owed] == sorted((m.proposed for m in seen.owed), reverse=True)


class TestRequests:
    @pytest.mark.parametrize(
        ("change", "key", "says"),
        [
            ({"hourly_comitment": "1"}, "hourly_comitment", "no field of a commitment"),
            ({"commitment_kind": "lease"}, "commitment_kind", "none of savings_plan"),
            ({"hourly_commitment": None}, "hourly_commitment", "has no hourly_commitment"),
            ({"hourly_commitment": 1.5}, "hourly_commitment", "decimal as text"),
            ({"amount": "100"}, "amount", "asked for by hourly_commitment"),
            ({"term_months": 0}, "term_months", "from 1 to 84"),
            ({"term_months": True}, "term_months", "from 1 to 84"),
            ({"starts": "2026-11-01"}, "starts", "is over"),
            ({"starts": "soon"}, "starts", "is not a date"),
            ({"discount_percent": 100}, "discount_percent", "costs nothing"),
            ({"upfront": "5"}, "upfront", "no_upfront has an upfront"),
            ({"payment_option": "partial_upfront"}, "upfront", "has no upfront amount"),
            ({"payment_option": "partial_upfront", "upfront": "99999"}, "upfront", "more than everything"),
            (
                {"payment_option": "all_upfront", "upfront": "5.00"},
                "upfront",
                "all_upfront pays all of the .* says 5.00",
            ),
            ({"payment_option": "all_upfront", "upfront": "999999"}, "upfront", "all_upfront pays all of the"),
            ({"currency": "usd"}, "currency", "no currency"),
            ({"currency": "ZZZ"}, "currency", "no currency"),
            ({"requested_by": ""}, "requested_by", "has no requested_by"),
            ({"reason": "a\nb"}, "reason", "control characters"),
            ({"commitment_kind": "prepaid"}, "hourly_commitment", "asked for by amount"),
        ],
    )
    def test_a_wrong_field_is_named_with_what_to_write(self, change, key, says) -> None:
        with pytest.raises(BadInput, match=says) as caught:
            parse_commitment({**ASK, **change}, AS_OF)
        assert caught.value.where is not None
        assert caught.value.where.key == key
        assert caught.value.remedy

    def test_what_is_no_object_is_refused(self) -> None:
        with pytest.raises(BadInput, match="JSON object"):
            parse_commitment([1], AS_OF)

    @pytest.mark.parametrize("share", ["1", "0.992", "1.008"])
    def test_all_upfront_may_be_stated_as_the_vendor_rounds_it(self, share: str) -> None:
        whole = parse_commitment({**ASK, "payment_option": "all_upfront"}, AS_OF).upfront
        stated = str((whole * Decimal(share)).quantize(Decimal("0.01")))
        assert parse_commitment({**ASK, "payment_option": "all_upfront", "upfront": stated}, AS_OF).upfront == Decimal(
            stated
        )

    def test_a_prepaid_amount_is_what_is_owed(self) -> None:
        ask = {**ASK, "commitment_kind": "prepaid", "amount": "10000", "hourly_commitment": None}
        asked = parse_commitment(ask, AS_OF)
        assert asked.proposal(Decimal("0.1")).total.quantize(Decimal("0.01")) == 10000
        assert (asked.payment, asked.upfront.quantize(Decimal("0.01"))) == ("all_upfront", 10000)


HERE = {"RegionId": "eu-west-1", "Tags": tags("ml"), "PricingCategory": "Standard"}


def bills() -> list[dict[str, str]]:
    """100 a day on demand in eu-west-1, 40 of it covered at 30, 5 unused. Beside: spot, other regions, a purchase, reversals."""
    rows: list[Any] = []
    for day in days(date(2026, 10, 1), AS_OF):
        sp = {
            "CommitmentDiscountId": "sp-1",
            "CommitmentDiscountName": "SP one",
            "CommitmentDiscountType": "Savings Plan",
        }
        rows += [
            charge(day, 60, **HERE, ContractedCost="60"),
            charge(
                day,
                30,
                **{**HERE, "PricingCategory": "Committed"},
                ContractedCost="40",
                CommitmentDiscountStatus="Used",
                **sp,
            ),
            charge(
                day,
                5,
                **{**HERE, "RegionId": "", "PricingCategory": "Committed"},
                ContractedCost="0",
                CommitmentDiscountStatus="Unused",
                ServiceName="Savings Plans",
                **sp,
            ),
            charge(day, 500, **{**HERE, "PricingCategory": "Dynamic"}, ContractedCost="500"),
            charge(day, 700, **{**HERE, "RegionId": "us-east-1"}, ContractedCost="700"),
            charge(day, 0, **HERE, ContractedCost="35", ChargeCategory="Purchase", **sp),
        ]
        for sign in (1, -1):
            prices = {"ContractedCost": str(sign * 20), "ListCost": str(sign * 25)}
            rows += [
                charge(day, sign * 20, **HERE, **prices),
                charge(day, sign * 15, **{**HERE, "PricingCategory": "Committed"}, **prices,
                       CommitmentDiscountStatus="Used", **sp),
            ]  # fmt: skip
    return rows


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return company_with_bills(tmp_path_factory.mktemp("commitments") / "home", {"bills": bills()})


class TestOnTheBills:
    def test_only_usage_that_it_could_cover_counts(self, ws) -> None:
        seen = judge_commitment(ws, parse_commitment({**ASK, "hourly_commitment": "1.50"}, AS_OF)).outlook
        assert seen.history_days == 50
        assert (seen.coverage, seen.coverage_after) == (Decimal("0.4"), Decimal("0.88"))  # 48 of 60 more
        assert seen.utilisation == Decimal("0.857143")  # 30 of 35
        assert seen.utilisation_after == 1

    def test_the_discount_is_learned_where_it_is_not_stated(self, ws) -> None:
        judged = judge_commitment(ws, parse_commitment({**ASK, "discount_percent": None}, AS_OF))
        assert judged.proposal.discount == Decimal("0.25")
        assert judged.discount_from == "a discount of 25.0 %, learned from commitments that cover such usage"

    def test_what_exists_is_owed_too_and_an_unknown_end_is_said(self, ws) -> None:
        judged = judge_commitment(ws, parse_commitment(ASK, AS_OF))
        assert [(one.id, one.per_day, one.ends) for one in judged.standing] == [("sp-1", 35, None)]
        assert judged.outlook.exposure == 365 * 72 + 365 * 35
        assert "no bill says when these end, so they are counted to the end of the term: SP one" in judged.notes

    def test_its_sentence_says_what_to_do_with_the_money(self, ws) -> None:
        assert judge_commitment(ws, parse_commitment(ASK, AS_OF)).sentence == (
            "Do not buy it as it is: it would cost 365 USD a month more than it saves, used to 62 % where 75 % is break-even."
        )
        small = judge_commitment(ws, parse_commitment({**ASK, "hourly_commitment": "1.50"}, AS_OF))
        assert small.sentence.startswith(
            "It would save ≈ 365 USD a month, used to 100 % (100 % on its worst days), pay for "
        )
        assert "itself after 9.00 of 12 months, and still save" in small.sentence

    def test_usage_that_nobody_bills_is_no_ground_to_buy_on(self, ws) -> None:
        for change in ({"service": "Amazon S3"}, {"provider": "GCP"}, {"currency": "EUR"}, {"family": "m7"}):
            with pytest.raises(BadInput, match="0 days of bills"):
                judge_commitment(ws, parse_commitment({**ASK, **change}, AS_OF))

    def test_an_unstated_discount_that_nothing_shows_is_asked_for(self, ws) -> None:
        ask = {**ASK, "discount_percent": None, "region": "us-east-1"}
        with pytest.raises(BadInput, match="discount is not known"):
            judge_commitment(ws, parse_commitment(ask, AS_OF))

    def test_its_intent_is_one_that_any_door_would_take(self, ws) -> None:
        intent = judge_commitment(ws, parse_commitment(ASK, AS_OF)).intent
        assert (intent.amount, intent.kind) == (26280, "commitment.purchase")
        plain = to_json(intent)
        assert isinstance(plain, dict)
        assert parse_intent(plain) == intent
