"""Where a budget stands, in words."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from tests.fixtures.web_company import budget

from fiscus.guardrails.budgets.budget_words import standing_words


def test_an_estimate_is_told_with_its_interval_only_where_the_ends_differ_in_what_is_shown() -> None:
    plain = budget("staging", "Staging", 1000, 400)
    small = replace(plain, unbilled=Decimal("0.02"), unbilled_p10=Decimal("0.01"), unbilled_p90=Decimal("0.03"))
    assert ", < 1 on no bill yet;" in standing_words(small)
    large = replace(plain, unbilled=Decimal(20), unbilled_p10=Decimal(10), unbilled_p90=Decimal(30))
    assert ", ≈ 20 on no bill yet (10 to 30);" in standing_words(large)
