"""What work costs: every call in one line, every outcome once, exact whatever is divided."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.ai_calls import AT, ai_call
from tests.fixtures.company import open_company
from tests.fixtures.effort import some

from fiscus.__main__ import command_line
from fiscus.board.types import Outcome
from fiscus.cost.ai.hour_charges import cost_of
from fiscus.cost.ai.types import AiCall, UnitOutcome
from fiscus.cost.ai.unit_economics import GROUPS, OPEN, UNNAMED, unit_lines
from fiscus.edges.api.ai_routes import mount_ai
from fiscus.flows.record_outcome import ToldOutcome, record_outcomes, unit_economics
from fiscus.flows.told_volumes import with_told_volumes
from fiscus.flows.workspace import Workspace
from fiscus.kernel.errors import BadInput
from fiscus.kernel.money import total

tickets = st.sampled_from(["", "1", "2", "3"])
calls = st.builds(
    lambda n, ticket, cost, currency, state: ai_call(
        f"c{n}", usage={}, settled=cost, units={"ticket": ticket} if ticket else {}, currency=currency, state=state
    ),
    st.integers(), tickets, st.integers(0, 10**12), st.sampled_from(["USD", "EUR"]),
    st.sampled_from(["settled", "estimated", "refused"]),
)  # fmt: skip
outcomes = st.builds(
    lambda n, ticket, result, minutes, quantity: UnitOutcome(
        f"o{n}", "ticket", ticket, result, AT + timedelta(minutes=minutes), quantity
    ),
    st.integers(0, 50), tickets, st.sampled_from(["resolved", "escalated"]), st.integers(0, 999), st.integers(1, 5),
)  # fmt: skip


@settings(max_examples=some(300), deadline=None)
@given(
    st.lists(calls, max_size=20), st.lists(outcomes, max_size=8, unique_by=lambda one: one.id), st.sampled_from(GROUPS)
)
def test_every_call_stands_in_one_line_and_every_outcome_counts_once(
    found: list[AiCall], told: list[UnitOutcome], by
) -> None:
    lines = unit_lines(found, told, "ticket", by)
    for currency in ("USD", "EUR"):
        assert total([line.cost for line in lines if line.currency == currency]) == total(
            [cost_of(call) for call in found if call.currency == currency]
        )
    worked = {call.units["ticket"] for call in found if "ticket" in call.units and call.state != "refused"}
    newest = {one.value: one for one in sorted(told, key=lambda one: (one.at, one.id))}
    assert sum(line.outcomes for line in lines) == sum(one.quantity for value, one in newest.items() if value in worked)


def test_a_unit_that_has_no_outcome_and_a_call_that_has_no_unit_are_lines_of_their_own() -> None:
    found = [
        ai_call("c1", usage={}, settled=10**9, units={"ticket": "1"}),
        ai_call("c2", usage={}, settled=2 * 10**9, units={"ticket": "1"}),
        ai_call("c3", usage={}, settled=5 * 10**9, units={"ticket": "2"}), ai_call("c4", usage={}, settled=7 * 10**9),
    ]  # fmt: skip
    lines = unit_lines(found, [UnitOutcome("o", "ticket", "1", "resolved", AT, 2)], "ticket", "result")
    assert [(one.group, one.cost, one.outcomes, one.per_outcome) for one in lines] == [
        (UNNAMED, 7, 0, None), (OPEN, 5, 0, None), ("resolved", 3, 2, Decimal("1.5")),
    ]  # fmt: skip


class TestTelling:
    @pytest.fixture
    def ws(self, tmp_path: Path) -> Workspace:
        ws = open_company(tmp_path)
        ws.calls.append([
            ai_call("c1", usage={}, settled=10**9, units={"ticket": "1"}),
            ai_call("c2", usage={}, settled=10**8, units={"ticket": "2"}),
            ai_call("c3", AT - timedelta(days=40), units={"ticket": "1"}),
            ai_call("c4", usage={}, settled=3, units={"customer": "acme"}),
        ])  # fmt: skip
        return ws

    def test_told_twice_is_one_outcome_and_what_is_told_last_holds(self, ws: Workspace) -> None:
        first = record_outcomes(ws, [ToldOutcome("ticket=1", "resolved", customer="acme")])
        assert record_outcomes(ws, [ToldOutcome("ticket=1", "resolved", customer="acme")]) == first
        found = unit_economics(ws, "ticket")
        assert [(one.group, one.outcomes, one.cost) for one in found.lines if one.outcomes] == [("resolved", 1, 1)]
        later = ws.clock.now() + timedelta(hours=1)
        record_outcomes(ws, [ToldOutcome("ticket=1", "reopened", at=later)])
        assert {one.group for one in unit_economics(ws, "ticket").lines} == {"reopened", OPEN, UNNAMED}

    def test_by_customer_a_call_that_says_it_itself_counts_too(self, ws: Workspace) -> None:
        record_outcomes(ws, [ToldOutcome("ticket=1", "resolved", customer="acme")])
        lines = {one.group: one for one in unit_economics(ws, "ticket", "customer").lines}
        assert lines["acme"].cost == Decimal("1.000000003")
        assert lines["acme"].outcomes == 1

    def test_the_days_that_are_looked_at_bound_the_calls_and_not_the_outcomes(self, ws: Workspace) -> None:
        record_outcomes(ws, [ToldOutcome("ticket=1", "resolved")])
        old = unit_economics(ws, "ticket", first=date(2026, 10, 1), last=date(2026, 10, 31))
        assert [(one.group, one.calls) for one in old.lines] == [("resolved", 1)]

    @pytest.mark.parametrize(("told", "message"), [
        (ToldOutcome("ticket", "resolved"), "names no unit"), (ToldOutcome("ticket=1", " "), "says what came of it"),
        (ToldOutcome("ticket=1", "x", quantity=0), "0 outcomes are none"), (ToldOutcome("ticket=1", "x" * 300), "longer than"),
        (ToldOutcome("ticket=1", "a\nb"), "cannot be printed"),
    ])  # fmt: skip
    def test_what_cannot_be_one_is_refused_with_its_number_and_nothing_is_kept(
        self, ws: Workspace, told: ToldOutcome, message: str
    ) -> None:
        with pytest.raises(BadInput, match=message) as refused:
            record_outcomes(ws, [ToldOutcome("ticket=1", "resolved"), told])
        assert "outcomes[1]" in str(refused.value)
        assert not list(ws.calls.outcomes(datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)))

    def test_a_grouping_that_does_not_exist_is_refused(self, ws: Workspace) -> None:
        with pytest.raises(BadInput, match="no grouping"):
            unit_economics(ws, "ticket", "colour")

    def test_the_board_counts_what_was_told_by_month_each_unit_once_by_its_last_word(self, ws: Workspace) -> None:
        october, november = AT - timedelta(days=40), AT
        record_outcomes(ws, [
            ToldOutcome("ticket=1", "resolved", at=october), ToldOutcome("ticket=1", "reopened", at=november),
            ToldOutcome("ticket=2", "resolved", 3, at=november), ToldOutcome("pr=9", "resolved", at=november),
        ])  # fmt: skip
        resolved = Outcome("Resolved", {}, {"2026-09": 7}, "ticket", "resolved")
        assert with_told_volumes(ws, resolved).volumes == {"2026-11": 3, "2026-09": 7}
        assert with_told_volumes(ws, Outcome("Any", {}, {}, "ticket")).volumes == {"2026-11": 4}
        plain = Outcome("Typed", {}, {"2026-10": 1})
        assert with_told_volumes(ws, plain) is plain

    def test_over_the_api(self, ws: Workspace) -> None:
        from fastapi import APIRouter

        app, router = FastAPI(), APIRouter(prefix="/api")
        mount_ai(router, lambda: ws)
        app.include_router(router)
        client = TestClient(app)
        one = {"unit": "ticket=1", "result": "resolved", "customer": "acme", "as": "max"}
        kept = client.post("/api/outcomes", json=one).json()["outcomes"]
        assert client.post("/api/outcomes", json={"outcomes": [one]}).json()["outcomes"] == kept
        lines = client.get("/api/ai/units", params={"kind": "ticket"}).json()["lines"]
        assert {line["group"]: line["per_outcome"] for line in lines}["resolved"] == "1.000000000000"
        assert client.post("/api/outcomes", json={"unit": "ticket=1"}).status_code == 422
        assert client.get("/api/ai/calls", params={"unit": "ticket=2"}).json()["calls"][0]["id"] == "c2"
        assert client.get("/api/ai/reconciliation").json()["totals"] == []


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "company"
    run = command_line()
    run(["init", str(home)], result_action="return_value")
    run(["ai", "outcome", "ticket=1", "resolved", "--home", str(home)], result_action="return_value")
    capsys.readouterr()
    assert run(["ai", "units", "ticket", "--json", "--home", str(home)], result_action="return_value") in {None, 0}
    assert json.loads(capsys.readouterr().out)["lines"] == []
    assert run(["ai", "units", "ticket", "--by", "x", "--home", str(home)], result_action="return_value") == 2
