"""Money that a bill has in another scope: never free again where it was spent, never more than the bill confirms."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fiscus.guardrails.ledger.billed_elsewhere import billed_elsewhere

USD = 10**9
amounts = st.integers(0, 10**15)


def test_what_the_bill_has_in_the_scope_is_taken_off_and_the_rest_counts_on() -> None:
    assert billed_elsewhere(10 * USD, 0, (10 * USD, 10 * USD)) == 10 * USD
    assert billed_elsewhere(10 * USD, 4 * USD, (10 * USD, 10 * USD)) == 6 * USD
    assert billed_elsewhere(10 * USD, 10 * USD, (10 * USD, 10 * USD)) == 0
    assert billed_elsewhere(10 * USD, 400 * USD, (10 * USD, 400 * USD)) == 0


def test_a_lower_bill_lowers_everybodys_part_and_one_of_nothing_frees_it() -> None:
    assert billed_elsewhere(10 * USD, 0, (40 * USD, 20 * USD)) == 5 * USD
    assert billed_elsewhere(10 * USD, 0, (40 * USD, 0)) == 0


def test_what_did_not_go_through_the_gateway_is_the_bills_alone() -> None:
    assert billed_elsewhere(10 * USD, 0, (0, 50 * USD)) == 0
    assert billed_elsewhere(90 * USD, 0, (10 * USD, 50 * USD)) == 10 * USD  # a machine that was held beside it


def test_the_smallest_money_counts_on_like_the_largest() -> None:
    assert billed_elsewhere(900, 0, (900, 900)) == 900  # a call of a cheap model
    assert billed_elsewhere(10 * USD, 10 * USD - 1, (10 * USD, 10 * USD)) == 1
    assert billed_elsewhere(100_000 * USD, 100_000 * USD - 50 * USD, (100_000 * USD, 100_000 * USD)) == 50 * USD


def test_what_is_rounded_up_a_call_is_no_difference_where_the_bill_has_it_all() -> None:
    assert billed_elsewhere(1_007, 1_000, (1_000, 1_000)) == 0


@given(amounts, amounts, amounts, amounts)
def test_it_is_never_more_than_was_settled_or_billed_or_less_than_nothing(
    settled: int, billed: int, here: int, there: int
) -> None:
    found = billed_elsewhere(settled, billed, (here, there))
    assert 0 <= found <= min(settled, there) or found <= min(settled, there) + 1  # rounded up
    assert found + billed <= max(billed, min(settled, here))


@given(st.lists(amounts, min_size=1, max_size=5), amounts)
def test_accounts_that_share_a_day_keep_together_no_more_than_the_bill(parts: list[int], there: int) -> None:
    here = sum(parts)
    kept = sum(billed_elsewhere(part, 0, (here, there)) for part in parts)
    assert kept <= min(here, there) + len(parts)
