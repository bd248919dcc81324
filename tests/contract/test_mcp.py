"""The tools as an assistant meets them: the protocol's own client, in process, over standard input and over HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client, StdioServerParameters, stdio_client
from tests.bills import write_csv
from tests.fixtures.ai_calls import AT, ai_call
from tests.fixtures.built import with_prices
from tests.fixtures.judging import AS_OF, charge, days, judged_company, policy_of, tags

from fiscus.__main__ import command_line
from fiscus.app.gateway import open_keys_of
from fiscus.edges.mcp.tools import build_tools
from fiscus.flows.decide_intent import decide_intent
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.decisions.intent import parse_intent
from fiscus.guardrails.doors.ai.types import VirtualKey
from fiscus.guardrails.types import CheaperWay, Decision
from fiscus.kernel.errors import NotFound

TOOLS = {"headroom", "budgets", "spend_by", "why_was_i_denied", "cheaper_option"}
BUDGETS = """
budgets:
  - {id: ml-ai, title: ML on AI, scope: {team: ml, service_category: AI and Machine Learning}, period: month, currency: USD,
     amount: 50, thresholds: [], cap: hard, owner: ml}
  - {id: web, title: Web, scope: {team: web}, period: month, currency: USD, amount: 900, thresholds: [], owner: web}
  - {id: prod, title: Production, scope: {environment: prod}, period: month, currency: USD, amount: 9000, thresholds: [],
     owner: finops}
"""
CALL = {"kind": "ai.request", "requested_by": "max", "environment": "staging", "provider": "OpenAI", "amount": "20",
        "currency": "USD", "attributes": {"model": "gpt-5"}}  # fmt: skip


@pytest.fixture
def company(tmp_path: Path) -> Workspace:
    """ML and Web run machines; whoever asks for gpt-5 is offered the small one."""
    rows = [charge(day, "10", Tags=tags("ml")) for day in days(date(2026, 11, 1), AS_OF)]
    rows += [charge(day, "20", Tags=tags("web")) for day in days(date(2026, 11, 1), AS_OF)]
    small = policy_of(
        "small", "intent.model == 'gpt-5'", "ai.request", effect="degrade", level="hard",
        options=(CheaperWay("the small model", {"model": "gpt-5-mini"}, Decimal("0.2")),),
    )  # fmt: skip
    ws = judged_company(tmp_path, {"aws": rows}, BUDGETS, (small,))
    (tmp_path / "fiscus.yaml").write_text("version: 1\ncompany: {name: Test, currency: USD}\n", encoding="utf-8")
    return ws


def _ask(ws: Workspace, **changes: object) -> Decision:
    return decide_intent(ws, parse_intent({**CALL, **changes}))


def _call(ws: Workspace, person: str, tool: str, **arguments: Any) -> Any:
    """The answer of one call in process; a refusal's text where it is one."""

    async def asked() -> Any:
        async with Client(build_tools(lambda: ws, person)) as client:
            result = await client.call_tool(tool, arguments)
            if result.is_error:
                return result.content[0].text
            assert json.loads(result.content[0].text) == result.structured_content
            return result.structured_content

    return asyncio.run(asked())


def test_every_tool_says_that_it_only_reads(company: Workspace) -> None:
    async def listed() -> Any:
        async with Client(build_tools(lambda: company, "max")) as client:
            return (await client.list_tools()).tools

    tools = asyncio.run(listed())
    assert {tool.name for tool in tools} == TOOLS
    for tool in tools:
        assert tool.annotations is not None
        assert (tool.annotations.read_only_hint, tool.annotations.destructive_hint) == (True, False)
        assert tool.description


def test_headroom_is_what_the_ledger_says_this_moment(company: Workspace) -> None:
    before = _call(company, "max", "headroom", team="ML")
    assert [line["budget_id"] for line in before["lines"]] == ["ml-ai", "prod"]
    assert before["lines"][0]["headroom"] == "50.000000000"
    assert (before["lines"][0]["covers"], before["lines"][1]["covers"]) == (True, False)
    assert _ask(company, attributes={"model": "gpt-4"}).verdict == "allow"
    after = _call(company, "max", "headroom", team="ml")
    assert (after["lines"][0]["held"], after["lines"][0]["headroom"]) == ("20.000000000", "30.000000000")
    assert after["sentence"].startswith("30.00 USD are left of ML on AI (2026-11)")


def test_a_denied_person_learns_why_and_what_it_would_be_now(company: Workspace) -> None:
    denied = _ask(company, amount="60", attributes={"model": "gpt-4"})
    assert denied.verdict == "deny"
    told = _call(company, "max", "why_was_i_denied", decision_id=denied.id)
    assert (told["verdict"], told["now"]) == ("deny", "deny")
    assert [one["policy_id"] for one in told["policies"]] == ["budget.ml-ai"]
    assert "has 50.00 left" in told["reasons"][0]
    assert told["next_step"]


def test_what_is_cheaper_is_offered_with_its_price(company: Workspace) -> None:
    told = _call(company, "max", "cheaper_option", model="gpt-5", amount="20", environment="staging", provider="OpenAI")
    assert told["verdict"] == "degrade"
    (option,) = told["options"]
    assert (option["change"], option["amount"], option["saving"]) == (
        {"model": "gpt-5-mini"},
        "4.000000000",
        "16.000000000",
    )
    unknown = _call(
        company, "max", "cheaper_option", model="gpt-4", amount="2", environment="staging", provider="OpenAI"
    )
    assert (unknown["verdict"], unknown["options"]) == ("allow", [])


def test_models_that_are_in_use_are_offered_where_they_cost_less(company: Workspace) -> None:
    """Priced by the table for the same tokens; gpt-4o is dearer, the vendor of claude is another one."""
    with_prices(company.home)
    names = ("gpt-4o-mini", "gpt-4o", "gpt-4.1", "gpt-4o-mini")
    company.calls.append([ai_call(f"c-{n}", at=AT, model_asked=name) for n, name in enumerate(names)])
    company.calls.append([ai_call("c-9", at=AT, model_asked="claude-haiku-4-5", provider="Anthropic")])
    asked = {
        "model": "gpt-4.1",
        "environment": "staging",
        "provider": "openai",
        "input_tokens": 1000,
        "max_tokens": 500,
    }
    told = _call(company, "max", "cheaper_option", **asked)
    assert Decimal(told["intent"]["amount"]) == Decimal("0.006")  # 1,000 x 2 + 500 x 8 USD a million
    (option,) = told["models"]
    assert (option["model"], option["calls"]) == ("gpt-4o-mini", 2)
    assert Decimal(option["amount"]) == Decimal("0.00045")
    assert Decimal(option["saving"]) == Decimal("0.00555")
    assert "No price is known of 'gpt-0'" in _call(company, "max", "cheaper_option", **(asked | {"model": "gpt-0"}))
    assert "The intent has no amount" in _call(company, "max", "cheaper_option", model="gpt-4.1", environment="staging")


def test_headroom_is_asked_by_key_as_well(company: Workspace) -> None:
    """With the key's own team, environment and product; a key of another team is as if it were not there."""
    keys = open_keys_of(company.home)
    for owner, team in (("max", "ml"), ("otto", "web")):
        keys.put(_key(f"key-{team}", owner, team))
    keys.close()
    told = _call(company, "max", "headroom", key="key-ml")
    assert told["asked"] == {"team": "ml", "environment": "prod", "api_key": "key-ml"}
    assert [line["budget_id"] for line in told["lines"]] == ["ml-ai", "prod"]
    assert all(line["covers"] for line in told["lines"])
    assert "There is no key" in _call(company, "max", "headroom", key="key-web")
    assert _call(company, "fay", "headroom", key="key-web")["asked"]["team"] == "web"


def test_what_the_gateway_refused_by_itself_is_explained_too(company: Workspace) -> None:
    refused = ai_call(
        "call-1", decision_id="call-1", state="refused", verdict="deny", usage={}, settled=0, note="This key may use 5 requests"
    )  # fmt: skip
    company.calls.append([refused, ai_call("call-2", decision_id="call-2", team="web", requested_by="otto")])
    told = _call(company, "max", "why_was_i_denied", decision_id="call-1")
    assert (told["verdict"], told["reasons"]) == ("deny", ["This key may use 5 requests"])
    assert "There is no decision" in _call(company, "max", "why_was_i_denied", decision_id="call-2")


def _key(key_id: str, owner: str, team: str) -> VirtualKey:
    return VirtualKey(
        id=key_id, digest=key_id, shown=f"fsk_{key_id}", name="a key", owner=owner, team=team, environment="prod", product="",
        created_at=AT, created_by="fay",
    )  # fmt: skip


def test_spend_adds_up_and_is_cut_to_the_person_s_sight(company: Workspace) -> None:
    everything = _call(company, "fay", "spend_by", group="team")
    assert {part["name"]: Decimal(part["cost"]) for part in everything["parts"]} == {
        "ml": Decimal(190),
        "web": Decimal(380),
    }
    assert Decimal(everything["total"]) == Decimal(570)
    own = _call(company, "max", "spend_by", group="team")
    assert {part["name"] for part in own["parts"]} == {"ml"}
    assert Decimal(own["total"]) == Decimal(190)
    assert Decimal(_call(company, "max", "spend_by", where={"team": "ML"})["total"]) == Decimal(190)  # by any spelling
    assert "max may not see what web spends" in _call(company, "max", "spend_by", where={"team": "web"})
    assert "may not see" in _call(company, "max", "spend_by", where={"team": ["ml", "web"]})
    assert "may not see" in _call(company, "max", "spend_by", where={"team": "(none)"})


@pytest.mark.parametrize(
    ("person", "seen"),
    [
        ("max", {"ml-ai", "prod"}),
        ("otto", {"web", "prod"}),
        ("vera", {"ml-ai", "web", "prod"}),
        ("fay", {"ml-ai", "web", "prod"}),
    ],
)
def test_a_person_sees_the_budgets_of_their_teams(company: Workspace, person: str, seen: set[str]) -> None:
    """vera leads the team that every other is inside; fay keeps the books; prod is on nobody in particular."""
    assert {one["budget_id"] for one in _call(company, person, "budgets")["budgets"]} == seen


def test_the_decision_of_another_team_is_as_if_it_were_not_there(company: Workspace) -> None:
    theirs = _ask(company, requested_by="otto", team="web", attributes={"model": "gpt-4"})
    assert _call(company, "fay", "why_was_i_denied", decision_id=theirs.id)["verdict"] == "allow"
    assert "There is no decision" in _call(company, "max", "why_was_i_denied", decision_id=theirs.id)
    assert "may not see what web" in _call(company, "max", "headroom", team="web")


def test_a_wrong_question_is_answered_with_what_to_do(company: Workspace) -> None:
    assert "'mll' is no team (key team). Did you mean ml?" in _call(company, "fay", "headroom", team="mll")
    assert "is not a dimension of spend" in _call(company, "fay", "spend_by", group="colour")
    assert "amount" in _call(company, "max", "cheaper_option", model="gpt-5", amount="much", environment="staging")
    with pytest.raises(NotFound, match="Nobody is called"):
        build_tools(lambda: company, "nobody")
    with pytest.raises(NotFound, match="left on"):
        build_tools(lambda: company, "cem")


def test_a_ledger_that_is_gone_is_said(company: Workspace) -> None:
    company.ledger.close()
    assert "The ledger cannot be reached" in _call(company, "max", "headroom", team="ml")
    assert "The ledger cannot be reached" in _call(company, "max", "why_was_i_denied", decision_id="dec-1")
    assert _call(company, "max", "spend_by", group="team")["total"] == "190.000000000000"


def test_no_tool_writes_anything(company: Workspace, tmp_path: Path) -> None:
    denied = _ask(company, amount="60")
    before = _stores(company)
    for person in ("max", "fay"):
        _call(company, person, "headroom", team="ml")
        _call(company, person, "budgets")
        _call(company, person, "spend_by", group="service")
        _call(company, person, "why_was_i_denied", decision_id=denied.id)
        _call(company, person, "cheaper_option", model="gpt-5", amount="20", environment="staging")
    assert _stores(company) == before


def _stores(ws: Workspace) -> tuple[object, ...]:
    with ws.state.read() as tx:
        head = tx.evidence_head()
    files = {
        path: hashlib.sha256(path.read_bytes()).digest()
        for path in sorted(ws.home.rglob("*"))
        if path.is_file() and path.suffix != ".db-shm"
    }
    return head, ws.ledger.store.evidence_head(), ws.ledger.store.totals(), ws.counters.all(), files


def test_a_program_starts_it_and_asks_over_standard_input(home: Path) -> None:
    _run(home)
    started = StdioServerParameters(
        command=sys.executable, args=["-m", "fiscus", "mcp", "--as", "ana.silva", "--home", str(home)]
    )

    async def asked() -> Any:
        async with Client(stdio_client(started)) as client:
            return (await client.call_tool("headroom", {"environment": "prod"})).structured_content

    assert asyncio.run(asked())["asked"] == {"environment": "prod"}


@pytest.mark.thorough
def test_it_is_asked_over_http_and_only_by_this_machine(home: Path) -> None:
    _run(home)
    with _served(home) as url:

        async def asked() -> Any:
            async with Client(url) as client:
                return (await client.call_tool("budgets", {})).structured_content

        assert asyncio.run(asked())["budgets"]
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        ours, accepted = httpx.URL(url).netloc.decode(), {"Accept": "application/json, text/event-stream"}
        for headers, status in (
            ({"Host": "evil.example"}, 421),
            ({"Host": ours, "Origin": "http://evil.example"}, 403),
        ):
            assert httpx.post(url, json=body, headers=accepted | headers).status_code == status
        large = {"Content-Type": "application/json"} | accepted
        assert httpx.post(url, content=b"x" * 200_000, headers=large).status_code == 413


def test_it_is_not_served_to_other_machines(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = command_line()(
        ["mcp", "--as", "ana.silva", "--http", "--host", "0.0.0.0", "--home", str(home)], result_action="return_value"
    )
    assert code == 2
    assert "in ana.silva's name" in capsys.readouterr().err


def _run(home: Path) -> None:
    write_csv(home / "inbox" / "example" / "a.csv", [{}])
    assert command_line()(["run", "--as-of", "2026-11-20", "--home", str(home)], result_action="return_value") == 0


@contextmanager
def _served(home: Path) -> Iterator[str]:
    command = [
        sys.executable,
        "-m",
        "fiscus",
        "mcp",
        "--as",
        "ana.silva",
        "--http",
        "--port",
        "0",
        "--json",
        "--home",
        str(home),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            lines = iter(process.stdout.readline, "")
            yield json.loads("".join(next(lines) for _ in range(3)))["url"]
        finally:
            process.terminate()
