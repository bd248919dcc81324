"""A test beside a policy gives facts that can be: one of the 99th hour would pass and prove nothing."""

from __future__ import annotations

import pytest
from tests.fixtures.policy_text import policy, policy_set

from fiscus.kernel.errors import BadConfig


def _given(root: str, facts: dict, on: str = "ai.request") -> None:
    policy_set(
        policy(
            "own",
            on=[on],
            when="true",
            level="warn",
            effect="warn",
            tests=[{"given": {root: facts}, "expect": "match"}],
        )
    )


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"date": "2026-99-99"}, "'2026-99-99' is no date"), ({"date": "20261120"}, "'20261120' is no date"),
        ({"hour": 99}, "now.hour is never 99: it is from 0 to 23"), ({"hour": -1}, "now.hour is never -1"),
        ({"weekday": 0}, "now.weekday is never 0: it is from 1 to 7"), ({"fiscal_quarter": 5}, "from 1 to 4"),
        ({"fiscal_period": 13}, "from 1 to 12"), ({"days_left_in_period": -1}, "at least 0"),
        ({"date": "2026-11-20", "weekday": 1}, "2026-11-20 is a Friday, and now.weekday says Monday"),
    ],
)  # fmt: skip
def test_a_moment_that_cannot_be_is_refused(facts: dict, says: str) -> None:
    with pytest.raises(BadConfig) as refused:
        _given("now", facts)
    assert says in str(refused.value)
    assert "policies/test.yaml, line" in str(refused.value)


def test_an_intent_that_cannot_be_is_refused() -> None:
    with pytest.raises(BadConfig, match=r"intent\.amount is never -5: it is at least 0"):
        _given("intent", {"amount": "-5", "currency": "USD"})
    with pytest.raises(BadConfig, match="'yesterday' is no date"):
        _given("resource", {"first_seen": "yesterday"}, "resource")


@pytest.mark.parametrize(
    "facts", [{"date": "2026-11-20", "weekday": 5, "hour": 23}, {"date": "2024-02-29"}, {"hour": 0}]
)
def test_a_moment_that_can_be_is_not(facts: dict) -> None:
    _given("now", facts)
