"""What an outcome costs, and why that moved."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fiscus.kernel.errors import BadInput
from fiscus.signals.types import UnitCost
from fiscus.signals.unit_cost import explain_change, unit_cost


def tickets(cost: str, volume: str, currency: str = "USD") -> UnitCost:
    return unit_cost("tickets", "ticket", Decimal(cost), Decimal(volume), currency)


def test_cost_per_outcome_is_cost_over_volume() -> None:
    assert tickets("1030", "41200").cost_per_unit == Decimal("0.025")


def test_no_outcome_has_no_price() -> None:
    assert tickets("12", "0").cost_per_unit is None


def test_outcomes_are_not_negative() -> None:
    with pytest.raises(BadInput, match="negative volume"):
        tickets("1", "-1")


def test_twice_the_tickets_at_one_price_is_volume() -> None:
    change = explain_change(tickets("100", "1000"), tickets("200", "2000"))
    assert (change.total, change.price, change.volume) == (100, 0, 100)


def test_a_dearer_model_for_the_same_tickets_is_price() -> None:
    change = explain_change(tickets("100", "1000"), tickets("150", "1000"))
    assert (change.total, change.price, change.volume) == (50, 50, 0)


def test_what_was_not_bought_before_is_volume() -> None:
    assert explain_change(tickets("0", "0"), tickets("90", "9")).volume == 90


def test_two_currencies_are_not_compared() -> None:
    with pytest.raises(BadInput, match="EUR"):
        explain_change(tickets("1", "1"), tickets("1", "1", "EUR"))


money = st.decimals(0, 10**9, places=12)
count = st.integers(0, 10**9).map(Decimal)


@given(money, count, money, count)
def test_price_and_volume_add_up_to_the_change(old: Decimal, before: Decimal, new: Decimal, after: Decimal) -> None:
    change = explain_change(unit_cost("x", "u", old, before, "USD"), unit_cost("x", "u", new, after, "USD"))
    assert change.price + change.volume == change.total == new - old
