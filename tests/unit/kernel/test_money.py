"""Money as people read it."""

from __future__ import annotations

import pytest

from fiscus.kernel.money import display_exact, from_nanos


@pytest.mark.parametrize(
    ("nanos", "shown"),
    [
        (10_000_000_000, "10.00"), (12_345, "0.000012345"), (1_234_500_000_000, "1,234.50"), (1_001_000_000, "1.001"),
        (0, "0.00"), (-2_500_000_000, "(2.50)"), (1, "0.000000001"),
    ],
)  # fmt: skip
def test_an_exact_amount_shows_cents_and_every_digit_that_it_has(nanos: int, shown: str) -> None:
    assert display_exact(from_nanos(nanos)) == shown
