"""What Fiscus found, held against what was planted: found, missed, a false alarm, and one that a true thing explains."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest

from fiscus.twin.score import Score, score

AGENT: Mapping[str, object] = {
    "id": "runaway", "kind": "runaway_ai", "amount": "1200.50", "start": "2026-11-10", "end": "2026-11-20", "by": ["*"],
    "subject": {"provider": ["Anthropic"], "team": ["support"], "environment": ["staging"]},
    "needs": [["provider", "team"]], "explains": [["provider"]],
}  # fmt: skip
BUDGET: Mapping[str, object] = {
    "id": "budget-erp", "kind": "budget", "amount": "300", "start": "2026-11-01", "end": None,
    "by": ["budget_breach", "budget_forecast"], "subject": {"budget_id": ["erp"]}, "needs": [["budget_id"]], "explains": [],
}  # fmt: skip
TRUTH: Mapping[str, object] = {
    "planted": [AGENT, BUDGET],
    "background": [{"kind": "missing_tags", "subject": {"sub_account": ["nw-dev"]}}],
}
ANOMALY: Mapping[str, object] = {"provider": "Anthropic", "team": "Support", "start": "2026-11-11", "end": "2026-11-15"}


def _anomaly(**changed: object) -> Score:
    return score(TRUTH, {"anomalies": [{**ANOMALY, **changed}]})


def _counts(got: Score) -> tuple[int, int, int]:
    return got.found, got.false_alarms, got.explained


def test_a_trouble_that_is_found_counts_with_its_money_and_the_other_is_named_as_missed() -> None:
    got = _anomaly()
    assert (got.planted, got.missed, *_counts(got)) == (2, ("budget-erp",), 1, 0, 0)
    kinds = {kind.kind: (kind.found, kind.planted_amount, kind.found_amount) for kind in got.kinds}
    assert kinds == {"runaway_ai": (1, Decimal("1200.50"), Decimal("1200.50")), "budget": (0, Decimal(300), Decimal(0))}


def test_a_trouble_that_is_found_twice_counts_once_and_the_second_is_no_false_alarm() -> None:
    got = score(TRUTH, {"anomalies": [ANOMALY], "cases": [ANOMALY], "findings": [{**ANOMALY, "kind": "idle"}]})
    assert _counts(got) == (1, 0, 0)


def test_a_consequence_of_a_trouble_is_explained_and_finds_nothing() -> None:
    assert _counts(_anomaly(team="somebody-else")) == (0, 0, 1)


@pytest.mark.parametrize(
    "changed",
    [{"provider": "AWS"}, {"start": "2026-07-01", "end": "2026-07-05"}, {"start": "2026-12-20", "end": "2026-12-22"}],
    ids=["another vendor", "long before", "long after"],
)
def test_what_follows_from_nothing_is_a_false_alarm_and_is_shown(changed: Mapping[str, object]) -> None:
    got = _anomaly(**changed)
    assert _counts(got) == (0, 1, 0)
    assert got.false_alarm_items[0]["item"] == {**ANOMALY, **changed}


@pytest.mark.parametrize(("start", "found"), [("2026-11-21", 1), ("2026-11-22", 0)])
def test_two_days_of_slack_and_no_more(start: str, found: int) -> None:
    assert _anomaly(start=start, end=None).found == found


def test_a_true_thing_that_nobody_planted_is_no_false_alarm_but_of_its_kind_only() -> None:
    untagged = {"kind": "missing_tags", "sub_account": "NW-Dev"}
    assert _counts(score(TRUTH, {"findings": [untagged]})) == (0, 0, 1)
    assert _counts(score(TRUTH, {"findings": [{**untagged, "kind": "idle"}]})) == (0, 1, 0)


@pytest.mark.parametrize(
    ("budget", "counts"),
    [
        ({"budget_id": "erp", "state": "breached"}, (1, 0, 0)),
        ({"budget_id": "erp", "state": "at_risk"}, (1, 0, 0)),
        ({"budget_id": "erp", "state": "ok"}, (0, 0, 0)),
        ({"budget_id": "other", "state": "breached"}, (0, 1, 0)),
    ],
)
def test_a_budget_is_found_by_its_state(budget: Mapping[str, object], counts: tuple[int, int, int]) -> None:
    assert _counts(score(TRUTH, {"budgets": [budget]})) == counts


def test_a_budget_does_not_find_an_agent_even_in_its_own_scope() -> None:
    got = score(TRUTH, {"budgets": [{**ANOMALY, "budget_id": "other", "state": "breached"}]})
    assert got.found == 0


def test_nothing_found_is_everything_missed_and_no_false_alarm() -> None:
    got = score(TRUTH, {})
    assert (got.missed, *_counts(got)) == (("runaway", "budget-erp"), 0, 0, 0)
