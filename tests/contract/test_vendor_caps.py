"""The vendors' own spend limits as actions: planned from budgets, approved by somebody else, sent once, read back, undone."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.fixtures.company import Settings, open_company
from tests.fixtures.judging import budgets_of

from fiscus.connectors.anthropic.actions import AnthropicLimits
from fiscus.connectors.anthropic.bills import anthropic_api
from fiscus.connectors.mistral.actions import MistralLimits, mistral_api
from fiscus.connectors.openai.actions import OpenAiLimits
from fiscus.connectors.openai.bills import openai_api
from fiscus.connectors.simulated_ai.server import LocalAi
from fiscus.connectors.vendor_api.limit_executor import LimitExecutor, LimitPort, NoKey, limit_executors
from fiscus.cost.ai.types import AiAccount, VendorLimit
from fiscus.flows.apply_actions import apply_action
from fiscus.flows.approve_actions import approve_action, reject_action
from fiscus.flows.push_vendor_caps import plan_vendor_caps, vendor_caps
from fiscus.flows.reconcile_actions import reconcile_actions
from fiscus.flows.undo_actions import undo_action
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import FISCUS, Actor
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.errors import BadInput, NotAllowed, Unavailable
from fiscus.kernel.limits import ACTION_LEASE_SECONDS

ADMIN = "sk-admin-simulated"
MAX, LEA, FAY = Actor("max"), Actor("lea"), Actor("fay")
BUDGETS = """
budgets:
  - {id: ai, title: AI, scope: {}, period: month, currency: USD, amount: 750, owner: ml}
  - {id: cents, title: Cents, scope: {}, period: month, currency: USD, amount: 12.349, owner: ml}
  - {id: quarter, title: Quarter, scope: {}, period: quarter, currency: USD, amount: 900, owner: ml}
  - {id: euro, title: Euro, scope: {}, period: month, currency: EUR, amount: 900, owner: ml}
  - {id: none, title: None, scope: {}, period: month, currency: USD, amount: 0, owner: ml}
"""
PLACES = [
    ("openai", "organization"), ("openai", "project:proj_main"), ("anthropic", "organization"),
    ("anthropic", "workspace:wrkspc_main"), ("mistral", "organization"),
]  # fmt: skip


@pytest.fixture(scope="module")
def simulator() -> Iterator[LocalAi]:
    with LocalAi() as running:
        yield running


@pytest.fixture
def ai(simulator: LocalAi) -> LocalAi:
    simulator.engine.limits.clear()
    return simulator


def port(vendor: str, url: str) -> LimitPort:
    if vendor == "openai":
        return OpenAiLimits(openai_api(url, ADMIN))
    if vendor == "anthropic":
        return AnthropicLimits(anthropic_api(url, ADMIN))
    return MistralLimits(mistral_api(url, ADMIN))


def company(home: Path, vendor: str, at: str, url: str, budget: str = "ai") -> Workspace:
    executors: Mapping[str, LimitExecutor] = limit_executors(vendor, {"main": port(vendor, url)})
    ws = open_company(home, Settings(executors=executors))
    account = AiAccount("main", vendor, vendor, "KEY", limits=(VendorLimit(budget, at),))  # type: ignore[arg-type]
    return replace(ws, config=replace(ws.config, ai_accounts=(account,), budgets=budgets_of(BUDGETS)))


def approved(ws: Workspace) -> str:
    (cap,) = plan_vendor_caps(ws, MAX)
    assert cap.state == "proposed"
    return approve_action(ws, cap.action_id, LEA).id


@pytest.mark.parametrize(("vendor", "at"), PLACES)
class TestEachVendor:
    def test_a_limit_is_set_at_what_the_budget_allows_read_back_and_taken_away_again(
        self, ai: LocalAi, tmp_path: Path, vendor: str, at: str
    ) -> None:
        ws = company(tmp_path, vendor, at, ai.url(vendor))
        (shown,) = vendor_caps(ws)
        assert (shown.state, shown.wanted, shown.standing) == ("differs", 750, None)
        assert not ai.engine.limits, "a dry run sends nothing"
        action_id = approved(ws)
        assert not ai.engine.limits, "an approval sends nothing"
        assert apply_action(ws, action_id, FAY).state == "SUCCEEDED"
        assert port(vendor, ai.url(vendor)).read(at).cents == 75_000
        (now,) = vendor_caps(ws)
        assert (now.state, now.standing) == ("same", 750)
        if vendor == "mistral":
            with pytest.raises(BadInput, match="no way to take a limit away"):
                undo_action(ws, action_id, FAY)
        else:
            assert undo_action(ws, action_id, FAY).state == "ROLLED_BACK"
            assert port(vendor, ai.url(vendor)).read(at).cents is None

    def test_an_undo_puts_back_what_stood_before(self, ai: LocalAi, tmp_path: Path, vendor: str, at: str) -> None:
        port(vendor, ai.url(vendor)).put(at, 5_000)
        ws = company(tmp_path, vendor, at, ai.url(vendor))
        action_id = approved(ws)
        apply_action(ws, action_id, FAY)
        assert undo_action(ws, action_id, FAY).state == "ROLLED_BACK"
        assert port(vendor, ai.url(vendor)).read(at).cents == 5_000

    def test_a_lost_answer_is_unknown_and_read_back_never_sent_again(
        self, ai: LocalAi, tmp_path: Path, vendor: str, at: str
    ) -> None:
        with between(ai.url(vendor)) as (url, sent, mood):
            ws = company(tmp_path, vendor, at, url)
            action_id = approved(ws)
            mood["after"] = "drop"
            assert apply_action(ws, action_id, FAY).state in {"UNKNOWN", "RECONCILED"}
            assert len(sent) == 1
            mood["after"] = ""
            reconcile_actions(ws)
            assert state_of(ws, action_id) == "RECONCILED"
            assert len(sent) == 1
        assert port(vendor, ai.url(vendor)).read(at).cents == 75_000

    def test_lost_before_it_was_done_it_fails_after_the_lease_and_is_not_repeated(
        self, ai: LocalAi, tmp_path: Path, vendor: str, at: str
    ) -> None:
        with between(ai.url(vendor)) as (url, sent, mood):
            ws = company(tmp_path, vendor, at, url)
            action_id = approved(ws)
            mood["before"] = "drop"
            assert apply_action(ws, action_id, FAY).state == "UNKNOWN"
            mood["before"] = ""
            assert isinstance(ws.clock, SteppedClock)
            ws.clock.advance(timedelta(seconds=ACTION_LEASE_SECONDS + 1))
            reconcile_actions(ws)
            assert state_of(ws, action_id) == "FAILED"
            assert len(sent) == 1
        assert not ai.engine.limits

    def test_what_the_vendor_refuses_did_nothing(self, ai: LocalAi, tmp_path: Path, vendor: str, at: str) -> None:
        with between(ai.url(vendor)) as (url, sent, mood):
            ws = company(tmp_path, vendor, at, url)
            action_id = approved(ws)
            mood["before"] = "400"
            assert apply_action(ws, action_id, FAY).state == "FAILED"
            assert len(sent) == 1
        assert not ai.engine.limits

    def test_throttled_or_not_reached_nothing_was_sent_and_it_can_be_run_again(
        self, ai: LocalAi, tmp_path: Path, vendor: str, at: str
    ) -> None:
        with between(ai.url(vendor)) as (url, _, mood):
            ws = company(tmp_path, vendor, at, url)
            action_id = approved(ws)
            mood["before"] = "429"
            with pytest.raises(Unavailable, match="429"):
                apply_action(ws, action_id, FAY)
            assert state_of(ws, action_id) == "APPROVED"
            mood["before"] = ""
            assert apply_action(ws, action_id, FAY).state == "SUCCEEDED"


class TestPlanning:
    def test_whoever_plans_it_does_not_approve_it(self, ai: LocalAi, tmp_path: Path) -> None:
        ws = company(tmp_path, "openai", "organization", ai.url("openai"))
        (cap,) = plan_vendor_caps(ws, LEA)
        with pytest.raises(NotAllowed):
            approve_action(ws, cap.action_id, LEA)

    def test_planned_twice_it_waits_once(self, ai: LocalAi, tmp_path: Path) -> None:
        ws = company(tmp_path, "openai", "organization", ai.url("openai"))
        (first,), (again,) = plan_vendor_caps(ws, FISCUS), plan_vendor_caps(ws, FISCUS)
        assert (again.state, again.action_id) == ("waiting", first.action_id)
        assert vendor_caps(ws)[0].state == "waiting"

    def test_a_no_of_a_person_is_left_alone_until_the_budget_changes(self, ai: LocalAi, tmp_path: Path) -> None:
        ws = company(tmp_path, "openai", "organization", ai.url("openai"))
        (cap,) = plan_vendor_caps(ws, FISCUS)
        reject_action(ws, cap.action_id, LEA, "not now")
        assert plan_vendor_caps(ws, FISCUS)[0].state == "left_alone"
        more = replace(ws, config=replace(ws.config, budgets=budgets_of(BUDGETS.replace("750", "800"))))
        assert plan_vendor_caps(more, FISCUS)[0].state == "proposed"

    def test_a_limit_that_somebody_moved_makes_the_approval_stale(self, ai: LocalAi, tmp_path: Path) -> None:
        ws = company(tmp_path, "openai", "organization", ai.url("openai"))
        action_id = approved(ws)
        port("openai", ai.url("openai")).put("organization", 99)
        assert apply_action(ws, action_id, FAY).state == "STALE"
        assert port("openai", ai.url("openai")).read("organization").cents == 99

    @pytest.mark.parametrize(("budget", "why"), [
        ("quarter", "is for a calendar month"), ("gone", "No budget has this id"), ("none", "allows nothing"),
        ("euro", "is in USD, the budget in EUR"),
    ])  # fmt: skip
    def test_a_budget_that_cannot_be_a_limit_says_why(self, ai: LocalAi, tmp_path: Path, budget: str, why: str) -> None:
        ws = company(tmp_path, "openai", "organization", ai.url("openai"), budget)
        (cap,) = plan_vendor_caps(ws, FISCUS)
        assert cap.state == "refused"
        assert why in cap.sentence()

    def test_what_may_be_spent_is_rounded_down_to_the_cent(self, ai: LocalAi, tmp_path: Path) -> None:
        ws = company(tmp_path, "anthropic", "organization", ai.url("anthropic"), "cents")
        assert vendor_caps(ws)[0].wanted == Decimal("12.34")

    def test_mistral_takes_whole_units_only(self, ai: LocalAi, tmp_path: Path) -> None:
        ws = company(tmp_path, "mistral", "organization", ai.url("mistral"), "cents")
        assert apply_action(ws, approved(ws), FAY).state == "FAILED"

    def test_an_account_without_its_key_stops_nobody(self, ai: LocalAi, tmp_path: Path) -> None:
        ws = company(tmp_path, "openai", "organization", ai.url("openai"))
        ports: Mapping[str, LimitPort] = {"main": NoKey("main", "OPENAI_ADMIN_KEY")}
        ws = replace(ws, executors=limit_executors("openai", ports))
        (cap,) = plan_vendor_caps(ws, FISCUS)
        assert cap.state == "unreachable"
        assert "The environment has no OPENAI_ADMIN_KEY" in cap.sentence()


def test_the_shapes_are_those_of_the_vendors_own_clients(ai: LocalAi) -> None:
    """What our connectors sent is what OpenAI's and Anthropic's own SDKs read."""
    import anthropic
    import openai

    port("openai", ai.url("openai")).put("project:proj_main", 12_300)
    client = openai.OpenAI(base_url=ai.url("openai"), api_key="x", admin_api_key=ADMIN, max_retries=0)
    limit = client.admin.organization.projects.spend_limit.retrieve("proj_main")
    assert (limit.threshold_amount, limit.interval) == (12_300, "month")
    port("anthropic", ai.url("anthropic")).put("workspace:wrkspc_main", 45_600)
    admin = anthropic.Anthropic(base_url=ai.url("anthropic"), api_key=ADMIN, max_retries=0)
    (found,) = [one for one in admin.beta.organization.spend_limits.list() if one.scope.type == "workspace"]
    assert (found.amount, found.period) == ("45600", "monthly")


def state_of(ws: Workspace, action_id: str) -> str:
    with ws.state.read() as tx:
        action = tx.actions.get(action_id)
    assert action is not None
    return action.state


class Between(ThreadingHTTPServer):
    """A machine between us and the vendor. `sent`: changes that reached it. `mood`: what it does instead, or after."""

    def __init__(self, url: str) -> None:
        super().__init__(("127.0.0.1", 0), PassingOn)
        self.there = urlsplit(url)
        self.sent: list[str] = []
        self.mood = {"before": "", "after": ""}


class PassingOn(BaseHTTPRequestHandler):
    server: Between

    def do_GET(self) -> None:
        self._answer(*self._pass_on(None))

    def do_POST(self) -> None:
        self._change()

    def do_DELETE(self) -> None:
        self._change()

    def _change(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.sent.append(self.command)
        before = self.server.mood["before"]
        if before.isdigit():
            self._answer(int(before), b'{"error": {"message": "no"}}')
        elif not before:
            answer = self._pass_on(body)
            if not self.server.mood["after"]:
                self._answer(*answer)

    def _pass_on(self, body: bytes | None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self.server.there.hostname or "", self.server.there.port)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in {"host", "connection"}}
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def between(url: str) -> Iterator[tuple[str, list[str], dict[str, str]]]:
    """(its address, what was sent, its mood)."""
    server = Between(url)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}{server.there.path}", server.sent, server.mood
    finally:
        server.shutdown()
        server.server_close()
