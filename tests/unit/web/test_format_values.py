"""Numbers as a page shows them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fiscus.edges.web.format_values import between, estimated


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [("0.01", "0.3", ""), ("0.2", "7", "< 1 to 7"), ("5000.1", "5000.2", ""), ("1200", "1300", "1,200 to 1,300")],
)
def test_an_interval_whose_ends_read_the_same_is_not_told(low, high, shown) -> None:
    assert between(Decimal(low), Decimal(high)) == shown


def test_an_estimate_has_one_sign_that_it_is_not_exact() -> None:
    assert estimated(Decimal("0.02")) == "< 1"
    assert estimated(Decimal("1234.4")) == "≈ 1,234"
