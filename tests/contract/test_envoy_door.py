"""The service's own part, in this process: a ledger that is gone, an Envoy that gives up asking, many at once."""

from __future__ import annotations

import asyncio
import copy
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.ai_company import AiCompany, ai_company

from fiscus.app.gateway import OpenGateway
from fiscus.connectors.simulated_ai.server import LocalAi
from fiscus.edges.envoy.authorize import CALL, Authorizer
from fiscus.edges.envoy.told import Allowed, Denied, Told
from fiscus.edges.envoy.under_way import UNHEARD_TOTAL, UnderWay
from fiscus.flows.decide_intent import ALLOWED_WITHOUT
from fiscus.flows.govern_call import Ended
from fiscus.guardrails.doors.ai.pacing import Pacing

BODY = json.dumps(
    {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 10_000}
).encode()


class Door:
    """An authorizer over a company that is opened here; `check` as Envoy asks."""

    def __init__(self, company: AiCompany) -> None:
        self.company = company
        self.opened = OpenGateway(company.home)
        self.under_way = UnderWay(Pacing())
        self.threads = ThreadPoolExecutor(32)
        self.service = Authorizer(lambda: self.opened.governing, self.under_way, self.threads, time.monotonic)

    async def check(self) -> Allowed | Denied:
        headers = {"authorization": f"Bearer {self.company.key}", "content-type": "application/json"}
        return await self.service.check(Told("openai", "POST", "/v1/chat/completions", headers, BODY, whole=True))

    def states(self) -> list[str]:
        """Of every call that is kept."""
        self.opened.keeper.flush()
        ws = self.opened.ws
        return [
            call.state for call in ws.calls.calls(ws.clock.now().replace(year=2000), ws.clock.now().replace(year=2100))
        ]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def vendor() -> Iterator[LocalAi]:
    with LocalAi() as local:
        yield local


def test_many_that_ask_at_once_never_get_more_than_fits(home: Path, vendor: LocalAi) -> None:
    """Each may cost 0.006 USD and a little of 0.08: thirteen fit."""
    door = Door(ai_company(home, vendor))

    async def all_at_once() -> list[Allowed | Denied]:
        return await asyncio.gather(*(door.check() for _ in range(60)))

    answers = asyncio.run(all_at_once())
    let_on = [one for one in answers if isinstance(one, Allowed)]
    assert len(let_on) == len(door.under_way.calls) <= 13
    assert len(let_on) >= 12
    bounds = sum(going.let_in.one.nanos for going in door.under_way.calls.values())
    assert bounds <= 80_000_000
    assert {json.loads(one.body)["error"]["code"] for one in answers if isinstance(one, Denied)} == {
        "insufficient_quota"
    }


def test_a_ledger_that_is_gone_is_answered_by_what_the_budgets_say(home: Path, vendor: LocalAi) -> None:
    door = Door(ai_company(home, vendor))
    door.opened.ws.ledger.close()
    no = asyncio.run(door.check())
    assert isinstance(no, Denied)
    assert no.status == 503  # come again
    assert "for prod it says deny then" in json.loads(no.body)["error"]["message"]
    assert door.opened.ws.counters.value(ALLOWED_WITHOUT) == 0


@pytest.mark.thorough
def test_a_budget_may_say_that_it_is_let_through_and_that_is_counted(home: Path, vendor: LocalAi) -> None:
    company = ai_company(home, vendor)
    budgets = home / "budgets" / "ai.yaml"
    budgets.write_text(
        budgets.read_text("utf-8").replace("cap: hard", "cap: hard, on_ledger_loss: {prod: allow}"), "utf-8"
    )
    door = Door(company)
    door.opened.ws.ledger.close()
    yes = asyncio.run(door.check())
    assert isinstance(yes, Allowed), yes
    assert door.opened.ws.counters.value(ALLOWED_WITHOUT) == 1


@pytest.mark.thorough
def test_what_envoy_gave_up_asking_about_is_given_back(home: Path, vendor: LocalAi) -> None:
    door = Door(ai_company(home, vendor))
    governs, goes_on = door.opened.governing.governs, threading.Event()
    asked = governs.with_the_ledger

    def slow(one: Any) -> Any:
        goes_on.wait(10)
        return asked(one)

    async def given_up() -> None:
        door.service.governing = lambda: _standing(door, slow)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(door.check(), 0.2)
        goes_on.set()
        await asyncio.to_thread(door.threads.shutdown)
        await asyncio.sleep(0.1)  # the loop is told what the thread found

    asyncio.run(given_up())
    assert door.under_way.calls == {}
    assert door.states() == ["released"]


def test_whoever_is_never_heard_of_again_is_charged_once_at_the_bound(home: Path, vendor: LocalAi) -> None:
    door = Door(ai_company(home, vendor))
    yes = asyncio.run(door.check())
    assert isinstance(yes, Allowed)
    door.under_way.give_up(time.monotonic())
    assert door.states() == []
    going = door.under_way.find(yes.set_headers[CALL])
    assert going is not None
    door.under_way.give_up(going.until)
    door.under_way.end(yes.set_headers[CALL], Ended(200, billed=False))  # heard of after all: too late
    assert door.states() == ["unknown"]
    assert door.opened.ws.counters.value(UNHEARD_TOTAL) == 1


def _standing(door: Door, with_the_ledger: Any) -> Any:
    """What stands, but for a ledger that every call waits for."""
    stands = door.opened.governing
    governs = copy.copy(stands.governs)

    class Slow:
        def __getattr__(self, name: str) -> Any:
            return getattr(governs, name)

        def at_once(self, one: Any) -> None:
            return None

    slow = Slow()
    slow.with_the_ledger = with_the_ledger  # type: ignore[attr-defined]  # in its place
    return replace(stands, governs=slow)
