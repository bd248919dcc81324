"""The gateway against the vendors' bills: every amount stands once, an estimate is replaced, and a difference is a finding."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bills import deliver, write_csv
from tests.fixtures.ai_calls import AT, ai_call
from tests.fixtures.effort import some
from tests.fixtures.judging import AS_OF, charge, open_with_rules, tags

from fiscus.cost.ai.hour_charges import cost_of
from fiscus.cost.ai.reconciliation import DayCost, model_of, reconciled, totals
from fiscus.cost.types import Source
from fiscus.flows.assign_owners import assign_owners
from fiscus.flows.evaluate import evaluate
from fiscus.flows.reconcile_ai import KIND, reconcile_ai
from fiscus.flows.workspace import Workspace
from fiscus.flows.write_ai_charges import write_ai_charges
from fiscus.kernel.money import total
from fiscus.kernel.progress import Silent

DAY = date(2026, 11, 18)
money = st.decimals(-5, 100, places=7)
costs = st.builds(
    DayCost,
    st.sampled_from(["OpenAI", "Mistral AI"]),
    st.sampled_from([DAY + timedelta(days=n) for n in range(3)]),
    st.sampled_from(["USD", "EUR"]),
    st.sampled_from(["", "a", "a-2024-07-18", "b"]),
    money,
    money,
    st.just(Decimal(0)),
)


@settings(max_examples=some(300), deadline=None)
@given(st.lists(costs, max_size=15))
def test_every_amount_of_either_side_stands_in_exactly_one_place(found: list[DayCost]) -> None:
    lines = reconciled(found, {"OpenAI": DAY + timedelta(days=1)})
    for line in lines:
        assert line.here == line.matched + line.estimated + line.missing_there
        assert line.there == line.matched + line.missing_here
    assert total([line.here for line in lines]) == total([one.here for one in found])
    assert total([line.there for line in lines]) == total([one.there for one in found])
    for one in totals(lines, {}):
        assert one.here == one.matched + one.estimated + one.missing_there


def test_an_open_day_is_estimated_and_a_billed_one_is_matched_or_missing() -> None:
    found = [
        DayCost("OpenAI", DAY, "USD", "m", Decimal(10), Decimal(7)),
        DayCost("OpenAI", DAY, "USD", "n", Decimal(2), Decimal(5)),
        DayCost("OpenAI", DAY + timedelta(days=1), "USD", "m", Decimal(4), Decimal(0)),
    ]
    lines = reconciled(found, {"OpenAI": DAY + timedelta(days=1)})
    assert [(one.matched, one.estimated, one.missing_here, one.missing_there, one.state) for one in lines] == [
        (7, 0, 0, 3, "differs"), (2, 0, 3, 0, "differs"), (0, 4, 0, 0, "open"),
    ]  # fmt: skip


def test_a_snapshot_is_its_model_and_a_bill_without_models_is_compared_by_the_day() -> None:
    dated = [
        DayCost("OpenAI", DAY, "USD", "gpt-4o-mini-2024-07-18", Decimal(3), Decimal(0)),
        DayCost("OpenAI", DAY, "USD", "gpt-4o-mini", Decimal(0), Decimal(3)),
    ]
    assert [one.state for one in reconciled(dated, {"OpenAI": AS_OF})] == ["matched"]
    more = [
        DayCost("OpenAI", DAY, "USD", "b", Decimal(1), Decimal(0)),
        DayCost("OpenAI", DAY, "USD", "", Decimal(0), Decimal(4)),
    ]
    plain = [*dated[:1], *more]
    assert [(one.model, one.matched) for one in reconciled(plain, {"OpenAI": AS_OF})] == [("", 4)]
    assert [model_of(name) for name in ("claude-sonnet-4-20250514", "mistral-large-latest", "gpt-5")] == [
        "claude-sonnet-4", "mistral-large", "gpt-5",
    ]  # fmt: skip


@pytest.mark.parametrize(("here", "there", "state"), [
    ("1", "1.009", "matched"), ("1", "1.02", "differs"), ("1000", "1000.9", "matched"), ("1000", "1002", "differs"),
    ("0", "0", "matched"),
])  # fmt: skip
def test_a_cent_or_a_thousandth_is_no_difference(here: str, there: str, state: str) -> None:
    (line,) = reconciled([DayCost("OpenAI", DAY, "USD", "m", Decimal(here), Decimal(there))], {"OpenAI": AS_OF})
    assert line.state == state


class TestInTheLake:
    @pytest.fixture
    def ws(self, tmp_path: Path) -> Workspace:
        """Three days of a dollar each through the gateway, of which one is an estimate."""
        ws = open_with_rules(tmp_path)
        for n in range(1, 4):
            guess = {"state": "estimated"} if n == 3 else {}
            ws.calls.append([ai_call(f"c{n}", AT - timedelta(days=n), usage={}, settled=10**9, **guess)])
        write(ws)
        return ws

    def test_before_any_bill_all_of_it_is_estimated(self, ws: Workspace) -> None:
        (one,) = reconcile_ai(ws).totals
        assert (one.here, one.estimated, one.matched, one.guessed, one.billed_until) == (3, 3, 0, 1, None)

    def test_the_bill_replaces_the_estimate_and_nothing_is_added(self, ws: Workspace) -> None:
        before = spent(ws)
        bill(ws, {17: "1", 18: "1"})
        write(ws)
        (one,) = reconcile_ai(ws).totals
        assert (one.matched, one.estimated, one.missing_here, one.missing_there) == (2, 1, 0, 0)
        assert spent(ws) == before == 3
        assert not findings(ws)

    def test_what_goes_around_the_gateway_is_missing_here_and_a_finding_until_the_bill_agrees(
        self, ws: Workspace
    ) -> None:
        bill(ws, {17: "1", 18: "41"})
        write(ws)
        (one,) = reconcile_ai(ws).totals
        assert (one.matched, one.missing_here, one.missing_there, one.differs) == (2, 40, 0, 1)
        (finding,) = findings(ws)
        assert finding.amount == 40
        assert "40.00 more USD" in finding.title
        assert "somebody calls OpenAI without it" in finding.detail
        assert "Billed to: 111122223333 41.00." in finding.detail
        rows = ws.lake.query(finding.query, finding.params)
        assert len(rows)
        bill(ws, {17: "1", 18: "1"})
        write(ws)
        assert not findings(ws)

    def test_what_the_vendor_did_not_bill_is_missing_there(self, ws: Workspace) -> None:
        bill(ws, {17: "0.4", 18: "1", 19: "1"})
        write(ws)
        (one,) = reconcile_ai(ws).totals
        assert (one.matched, one.missing_there) == (Decimal("2.4"), Decimal("0.6"))
        assert findings(ws)[0].amount == Decimal("0.6")

    def test_providers_and_days_without_the_gateway_are_not_compared(self, ws: Workspace) -> None:
        bill(ws, {3: "500", 18: "1", 17: "1"})
        bill(ws, {18: "77"}, provider="Anthropic")
        write(ws)
        (one,) = reconcile_ai(ws).totals
        assert (one.provider, one.there) == ("OpenAI", 2)

    def test_what_is_counted_here_is_what_the_calls_cost(self, ws: Workspace) -> None:
        calls = ws.calls.calls(AT - timedelta(days=9), AT)
        assert total([line.here for line in reconcile_ai(ws).lines]) == total([cost_of(call) for call in calls])


def write(ws: Workspace) -> None:
    write_ai_charges(ws, Silent())
    assign_owners(ws)


def spent(ws: Workspace) -> object:
    return ws.lake.query("SELECT sum(EffectiveCost) FROM charges").rows[0][0]


def findings(ws: Workspace) -> list:
    return [one for one in evaluate(ws, "run").findings if one.kind == KIND]


def bill(ws: Workspace, by_day: Mapping[int, str], provider: str = "OpenAI") -> None:
    rows = [
        charge(date(2026, 11, day), cost, Tags=tags("ml"), ServiceProviderName=provider,
               ServiceCategory="AI and Machine Learning")
        for day, cost in by_day.items()
    ]  # fmt: skip
    deliver(ws, write_csv(ws.home / f"{provider}.csv", rows), source=Source(provider.lower()), restate=True)
    assign_owners(ws)
