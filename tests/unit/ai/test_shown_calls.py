"""Calls for people: of a charge, a decision, a unit or a key, on the command line too."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from tests.fixtures.ai_calls import AT, ai_call
from tests.fixtures.judging import open_with_rules

from fiscus.__main__ import command_line
from fiscus.flows.show_calls import CallsAsked, show_calls
from fiscus.flows.workspace import Workspace
from fiscus.flows.write_ai_charges import write_ai_charges
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.errors import BadInput, NotFound
from fiscus.kernel.progress import Silent
from fiscus.stores.calls import open_calls


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    ws = open_with_rules(tmp_path)
    ws.calls.append([
        ai_call("c1", units={"ticket": "123"}), ai_call("c2", key_id="", usage={"output": 1}),
        ai_call("c3", AT - timedelta(days=3)),
    ])  # fmt: skip
    return ws


def ids(ws: Workspace, **asked: object) -> list[str]:
    return [call.id for call in show_calls(ws, CallsAsked(**asked)).calls]  # type: ignore[arg-type]


def test_todays_by_default_and_any_span(ws: Workspace) -> None:
    assert ids(ws) == ["c1", "c2"]
    assert ids(ws, first=ws.as_of - timedelta(days=5)) == ["c3", "c1", "c2"]
    assert ids(ws, first=ws.as_of - timedelta(days=5), last=ws.as_of - timedelta(days=2)) == ["c3"]
    assert ids(ws, key="") == ["c2"]


def test_of_a_unit_a_decision_and_a_charge(ws: Workspace) -> None:
    assert ids(ws, unit="ticket=123") == ["c1"]
    assert ids(ws, decision="dec-c2") == ["c2"]
    write_ai_charges(ws, Silent())
    charges = ws.lake.query("SELECT x_Extra['x_GatewayCharge'] FROM charges WHERE x_AiKey = '(none)'").rows
    assert [ids(ws, charge=str(charge)) for (charge,) in charges] == [["c2"]]


def test_what_nobody_knows_is_said_with_what_to_do(ws: Workspace) -> None:
    with pytest.raises(NotFound, match="No call rests on"):
        ids(ws, decision="dec-x")
    with pytest.raises(NotFound, match="no gateway charge"):
        ids(ws, charge="aic-x")
    with pytest.raises(BadInput, match="names no unit"):
        ids(ws, unit="ticket")


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "company"
    command_line()(["init", str(home)], exit_on_error=False, result_action="return_value")
    settings = home / "fiscus.yaml"
    settings.write_text(settings.read_text("utf-8").replace("version: 1", "version: 1\nas_of: 2026-11-20", 1), "utf-8")
    open_calls(f"sqlite:///{home}/.fiscus/gateway.db", SteppedClock(AT)).append([ai_call("c1")])
    run(home, "ai", "write", "--json")
    capsys.readouterr()
    run(home, "ai", "calls", "--json")
    shown = json.loads(capsys.readouterr().out)
    assert (shown["calls"][0]["id"], shown["cost"]) == ("c1", {"USD": "0.00021000"})
    run(home, "ai", "calls")
    assert "0.000210 USD" in capsys.readouterr().out


def run(home: Path, *words: str) -> None:
    command_line()([*words, "--home", str(home)], exit_on_error=False, result_action="return_value")
