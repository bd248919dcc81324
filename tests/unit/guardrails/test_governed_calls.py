"""Calls through the gateway as flows see them: let in from memory or by the ledger, settled, refused, degraded."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy
from tests.fixtures.company import Settings
from tests.fixtures.effort import some
from tests.fixtures.judging import (
    AS_OF,
    charge,
    company_with_bills,
    days,
    judged_by,
    open_with_rules,
    policy_of,
    tags,
)

from fiscus.app.gateway import Governing
from fiscus.cost.ai.price_table import FORMAT, price_table_of
from fiscus.cost.ai.price_usage import nanos_of, priced
from fiscus.cost.ai.types import AiCall, CallFacts, Usage
from fiscus.edges.gateway import proxy
from fiscus.flows.evaluate import evaluate
from fiscus.flows.govern_batch import give_up_batch, open_batch
from fiscus.flows.govern_call import Ended, GovernCalls, LetIn
from fiscus.flows.keep_calls import CallKeeper
from fiscus.flows.replay_call import replay_call
from fiscus.flows.replay_decision import replay_decision
from fiscus.flows.settle_intent import settle_intent
from fiscus.flows.verify_evidence import verify_evidence
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.decisions.decide import facts_asked, prepare
from fiscus.guardrails.doors.ai.asked_call import AskedCall, Bounded, intent_of
from fiscus.guardrails.doors.ai.call_lane import lane_of
from fiscus.guardrails.doors.ai.pacing import Pacing
from fiscus.guardrails.doors.ai.settings import GatewaySettings, Upstream
from fiscus.guardrails.doors.ai.types import AiAsk, CallerScope, Refused
from fiscus.guardrails.doors.ai.wires import wire_named
from fiscus.guardrails.ledger.commands import Expire
from fiscus.guardrails.ledger.lease_pools import LeasePools, LeaseTerms
from fiscus.guardrails.ledger.ledger import Ledger
from fiscus.guardrails.ledger.types import Account, Rulebook
from fiscus.guardrails.policies.load_policies import load_policies
from fiscus.guardrails.types import CheaperWay
from fiscus.kernel.errors import NotFound, Unavailable
from fiscus.kernel.money import to_nanos
from fiscus.kernel.periods import FiscalCalendar
from fiscus.stores.calls import open_unheld
from fiscus.stores.ledger import open_ledger

OPENAI = Upstream("openai", "openai", "http://127.0.0.1:1", "OpenAI", "openai")
MAX = CallerScope("key-1", "max", "", "staging", "search")
PRICES = price_table_of(
    {
        "format": FORMAT,
        "source": "test",
        "currency": "USD",
        "providers": {
            "openai": [
                {
                    "id": name,
                    "match": ["^", name],
                    "output_tokens_max": 1000,
                    "prices": [{"rates": {"standard": {"input": rate, "output": rate}}}],
                }
                for name, rate in (("big", "1000"), ("small", "10"))
            ]
        },
    }
)


def budgets(team: int = 1000, cap: str = "hard") -> str:
    rest = "period: month, currency: USD, thresholds: [], owner: ml"
    lines = [
        f"  - {{id: org, title: All, scope: {{}}, amount: {team * 10}, cap: hard, {rest}}}",
        f"  - {{id: team, title: ML, scope: {{team: ml}}, amount: {team}, cap: {cap}, {rest}}}",
    ]
    return "\n".join(["budgets:", *lines, ""])


Opened = tuple[GovernCalls, Workspace]


@pytest.fixture(scope="module")
def billed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company with bills, built once and copied."""
    home = tmp_path_factory.mktemp("billed") / "home"
    rows = [charge(day, "1", Tags=tags("ml")) for day in days(date(2026, 11, 1), AS_OF)]
    ws = company_with_bills(home, {"aws": rows})
    ws.ledger.close()
    ws.state.close()
    return home


@pytest.fixture
def opened(billed: Path, tmp_path: Path) -> Callable[..., Opened]:
    def build(text: str, policies: tuple[object, ...] = ()) -> Opened:
        shutil.copytree(billed, tmp_path / "home")
        ws = judged_by(open_with_rules(tmp_path / "home", Settings(seed=8)), text, policies)  # type: ignore[arg-type]
        evaluate(ws, "run-1")
        keeper = CallKeeper(ws.ledger, ws.calls, ws.counters)
        pools = LeasePools(ws.ledger.ask, LeaseTerms(ws.clock, ws.ids))
        return GovernCalls(ws, PRICES, pools, keeper, 500), ws

    return build


def call(model: str = "big", tokens: int = 1000, output: int | None = 1000, **more: object) -> AskedCall:
    ask = AiAsk("chat", model, Usage({"input": tokens, "output": output or 0}, model), output)
    return AskedCall(MAX, OPENAI, ask, **more)  # type: ignore[arg-type]  # fields by name


def bound(governs: GovernCalls, asked: AskedCall) -> Bounded:
    one = governs.bound(asked)
    assert isinstance(one, Bounded)
    return one


def let_in(governs: GovernCalls, asked: AskedCall) -> LetIn | Refused:
    one = bound(governs, asked)
    return governs.at_once(one) or governs.with_the_ledger(one)


def team_account(ws: Workspace) -> Account:
    account = ws.ledger.store.account("team@2026-11")
    assert account is not None
    return account


def kept(governs: GovernCalls, ws: Workspace) -> list[AiCall]:
    governs.keeper.flush()
    at = ws.clock.now()
    return list(ws.calls.calls(at - timedelta(days=1), at + timedelta(days=1)))


class TestMoney:
    def test_the_second_call_is_let_in_from_memory_and_costs_what_it_used(self, opened: Callable[..., Opened]) -> None:
        governs, ws = opened(budgets())
        first = let_in(governs, call())
        second = governs.at_once(bound(governs, call()))
        assert isinstance(first, LetIn)
        assert isinstance(second, LetIn)
        assert first.hold_id == second.hold_id != ""
        for one in (first, second):
            governs.end(one, Ended(200, Usage({"input": 10, "output": 5}, "big-2026")))
        calls = kept(governs, ws)
        assert [one.settled for one in calls] == [to_nanos(Decimal("0.015"))] * 2
        assert [sum(line.cost for line in one.lines) for one in calls] == [Decimal("0.015")] * 2
        governs.pools.close()
        assert (team_account(ws).held, team_account(ws).unbilled) == (0, to_nanos(Decimal("0.03")))

    def test_exactly_what_fits_is_let_in_and_never_one_more(self, opened: Callable[..., Opened]) -> None:
        governs, ws = opened(budgets(team=40))
        left = team_account(ws).headroom
        fits = left // bound(governs, call()).nanos
        answers = [let_in(governs, call()) for _ in range(fits + 5)]
        assert [isinstance(one, LetIn) for one in answers] == [True] * fits + [False] * 5
        refused = answers[-1]
        assert isinstance(refused, Refused)
        assert refused.kind == "over_budget"
        assert refused.decision_id.startswith("dec-")

    def test_nothing_billed_frees_its_money_and_an_unknown_outcome_is_charged(
        self, opened: Callable[..., Opened]
    ) -> None:
        governs, ws = opened(budgets())
        one, two = let_in(governs, call()), let_in(governs, call())
        assert isinstance(one, LetIn)
        assert isinstance(two, LetIn)
        governs.end(one, Ended(429, billed=False))
        governs.end(two, Ended(500))
        assert {(one.state, one.settled) for one in kept(governs, ws)} == {("released", 0), ("unknown", two.one.nanos)}
        governs.pools.close()
        assert team_account(ws).unbilled == two.one.nanos

    def test_what_is_billed_above_the_bound_is_charged_and_freezes_the_key(self, opened: Callable[..., Opened]) -> None:
        governs, ws = opened(budgets())
        one = let_in(governs, call())
        assert isinstance(one, LetIn)
        governs.end(one, Ended(200, Usage({"input": 5000, "output": 1000}, "big")))
        governs.keeper.flush()
        governs.pools.close()
        assert team_account(ws).unbilled == to_nanos(Decimal(6))
        frozen = [one.subject for one in ws.ledger.store.frozen()]
        assert frozen == ["key:key-1"]
        governs.frozen = frozenset(frozen)
        refused = let_in(governs, call())
        assert isinstance(refused, Refused)
        assert "frozen" in refused.message

    def test_a_model_without_a_price_is_refused(self, opened: Callable[..., Opened]) -> None:
        governs, _ = opened(budgets())
        refused = governs.bound(call("unheard-of"))
        assert isinstance(refused, Refused)
        assert "prices/ai.yaml" in refused.message

    def test_where_the_client_sets_no_end_one_is_put_in(self, opened: Callable[..., Opened]) -> None:
        governs, _ = opened(budgets())
        one = bound(governs, call(output=None))
        assert (one.output_max, one.change.output_max) == (500, 500)
        assert one.nanos == to_nanos(Decimal("1.5"))


class TestAtTheDoor:
    def test_a_job_that_its_vendor_forgot_is_kept_at_its_bound_once_its_hold_was_charged(
        self, opened: Callable[..., Opened]
    ) -> None:
        governs, ws = opened(budgets())
        let_in = governs.with_the_ledger(governs.bound(call()))
        batch = open_batch(governs, let_in, "job-1")
        assert not give_up_batch(governs, batch, "404")
        assert ws.calls.open_batches()
        long_ago = replace(batch, call=replace(batch.call, at=batch.call.at - timedelta(days=8)))
        assert give_up_batch(governs, long_ago, "404")
        assert not ws.calls.open_batches()
        kept = ws.calls.call(batch.call.id)
        assert (kept.state, kept.settled) == ("unknown", kept.bound)

    def test_a_call_that_is_cut_off_while_it_is_sent_may_have_been_billed(
        self, opened: Callable[..., Opened], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        governs, ws = opened(budgets())
        one = let_in(governs, call())
        assert isinstance(one, LetIn)

        async def cut_off(*_: object) -> None:
            raise asyncio.CancelledError

        monkeypatch.setattr(proxy, "send", cut_off)
        settings = GatewaySettings(upstreams={"openai": OPENAI})
        stands = Governing(governs, None, settings, {"openai": wire_named("openai")}, {"openai": "k"})  # type: ignore[arg-type]  # no key is looked up
        handled = proxy.Proxy(lambda: stands, None, None, Pacing(), lambda: 0.0, None)  # type: ignore[arg-type]  # nothing is sent
        wire, headers = stands.wires["openai"], CIMultiDictProxy(CIMultiDict[str]())
        door = proxy.Door(handled, stands, None, wire, OPENAI, MAX, "POST", "/v1/chat/completions", "", b"{}", headers)
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(door._sent(one, others=False, again=False))
        assert [(ended.state, ended.settled) for ended in kept(governs, ws)] == [("unknown", one.one.nanos)]


class TestWithoutTheLedger:
    def test_a_call_that_its_budgets_let_pass_is_charged_once_the_ledger_is_back(
        self, opened: Callable[..., Opened], tmp_path: Path
    ) -> None:
        governs, ws = opened(budgets().replace("owner: ml", "owner: ml, on_ledger_loss: {default: allow}"))
        governs.keeper = CallKeeper(ws.ledger, ws.calls, ws.counters, unheld=open_unheld(tmp_path))
        ws.ledger.close()
        first, lost = let_in(governs, call()), let_in(governs, call())
        assert isinstance(first, LetIn)
        assert isinstance(lost, LetIn)
        assert not first.hold_id
        governs.end(first, Ended(200, Usage({"input": 100, "output": 100}, "big")))
        governs.end(lost, Ended(400, billed=False))
        back = Ledger(open_ledger(f"sqlite:///{ws.home / 'ledger.db'}", ws.clock))
        keeper = CallKeeper(back, ws.calls, ws.counters, unheld=open_unheld(tmp_path))
        with suppress(Unavailable):
            governs.keeper.post(ws.clock.now())
        keeper.post(ws.clock.now())
        for name in ("team", "org"):
            account = back.store.account(f"{name}@2026-11")
            assert account is not None
            assert account.unbilled == to_nanos(Decimal("0.2"))
        assert not back.store.frozen()


class TestPolicies:
    def test_a_broken_stream_is_never_estimated_above_the_end_that_was_put_in(
        self, opened: Callable[..., Opened]
    ) -> None:
        governs, _ = opened(budgets())
        document = {"model": "big", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
        wire = wire_named("openai-compatible")
        ask = wire.read("chat", json.dumps(document).encode(), "application/json")
        one = bound(governs, AskedCall(MAX, OPENAI, ask))
        reader = wire.stream(one.sent)
        delta = {"choices": [{"index": 0, "delta": {"content": "a long word " * 400}, "finish_reason": None}]}
        reader.feed(b"data: " + json.dumps(delta).encode() + b"\n\n")
        usage = reader.estimate()
        assert usage.quantities["output"] == one.output_max == 500
        assert nanos_of(priced(one.price, usage)) <= one.nanos

    def test_a_policy_that_warns_lets_in_and_says_so(self, opened: Callable[..., Opened]) -> None:
        policy = policy_of("p-big", 'intent.model == "big"', "ai.request", effect="warn", level="hard")
        governs, _ = opened(budgets(), (policy,))
        one = let_in(governs, call())
        assert isinstance(one, LetIn)
        assert one.verdict == "warn"
        assert one.said

    def test_a_policy_that_denies_is_asked_of_each_call(self, opened: Callable[..., Opened]) -> None:
        policy = policy_of("p-many", "intent.max_tokens > 900", "ai.request", effect="deny", level="hard")
        governs, _ = opened(budgets(), (policy,))
        assert isinstance(let_in(governs, call(output=900)), LetIn)
        assert isinstance(let_in(governs, call(output=901)), Refused)
        assert isinstance(let_in(governs, call(output=900)), LetIn)

    def test_a_cheaper_model_takes_its_place_at_its_own_price(self, opened: Callable[..., Opened]) -> None:
        options = (CheaperWay("the small one", {"model": "small"}),)
        policy = policy_of(
            "p-small", 'intent.model == "big"', "ai.request", effect="degrade", level="hard", options=options
        )
        governs, ws = opened(budgets(), (policy,))
        one = let_in(governs, call())
        assert isinstance(one, LetIn)
        assert (one.verdict, one.one.change.model) == ("degrade", "small")
        assert one.one.nanos == to_nanos(Decimal("0.02"))
        governs.keeper.flush()
        assert team_account(ws).held == one.one.nanos
        governs.end(one, Ended(200, Usage({"input": 100, "output": 100}, "small")))
        assert kept(governs, ws)[0].model == "small"


WARNS = """
policies:
  - {id: p-big, title: Big answers, on: [ai.request], when: intent.max_tokens > 900, level: warn, on_error: hold, effect: deny,
     reason: They are dear., remedy: Ask for less., owner: finops}
"""


class TestProof:
    @pytest.fixture
    def known(self, opened: Callable[..., Opened]) -> Opened:
        """The files that judge are kept with the first call, as the gateway does."""
        governs, ws = opened(budgets(), load_policies({"policies/p.yaml": WARNS}).policies)
        book = Rulebook("book-1", {"policies/p.yaml": WARNS}, {"budgets/b.yaml": budgets()}, FiscalCalendar(2))
        governs.ws = replace(ws, config=replace(ws.config, rulebook=book))
        return governs, governs.ws

    def answered(self, governs: GovernCalls, *asked: AskedCall) -> list[AiCall]:
        for one in asked:
            found = let_in(governs, one)
            assert isinstance(found, LetIn)
            governs.end(found, Ended(200, Usage({"input": 10, "output": 5}, "big-2026")))
        return kept(governs, governs.ws)

    def test_a_call_that_a_lease_let_in_is_judged_again_and_proven_once_its_lease_is_settled(
        self, known: Opened
    ) -> None:
        governs, ws = known
        plain, warned = self.answered(governs, call(output=100), call(output=901, said={"purpose": "chat"}))
        open_still = replay_decision(ws, plain.id)
        assert (open_still.same, open_still.call.proven) == (True, False)
        assert "not settled yet" in open_still.call.rests_on[-1]
        governs.pools.close()
        moved = judged_by(ws, budgets(team=1))  # whatever the files say now
        for one, verdict in ((plain, "allow"), (warned, "warn")):
            found = replay_decision(moved, one.decision_id)
            assert (found.same, found.replayed, found.call.proven) == (True, verdict, True), found
            assert found.call.asked.attributes["max_tokens"] == one.asked.max_tokens
            assert [said.policy_id for said in found.call.policies if said.verdict == "warn"] == ["p-big"] * (
                verdict == "warn"
            )
        assert replay_decision(moved, warned.id).call.asked.attributes["purpose"] == "chat"
        assert verify_evidence(ws).ok

    @pytest.mark.parametrize("change", [{"settled": 1}, {"team": "", "key_id": "key-2"}, {"state": "released"}, None])
    def test_a_call_that_was_changed_or_taken_away_is_not_proven(self, known: Opened, change: dict | None) -> None:
        governs, ws = known
        first, second = self.answered(governs, call(), call())
        governs.pools.close()
        changed = [replace(one, **change or {}) for one in ([first, second] if change else [second])]
        stored = {"facts": ws.calls.facts(first.asked.facts), "calls": changed}
        found = replay_call(replace(ws, calls=_Stored(**stored)), changed[-1])
        assert not found.proven
        assert "seals 2 calls, and not the" in found.rests_on[-1]

    def test_the_calls_of_a_worker_that_died_are_not_proven_and_say_why(self, known: Opened) -> None:
        governs, ws = known
        [one] = self.answered(governs, call())
        ws.clock.advance(timedelta(hours=1))
        ws.ledger.ask(Expire())
        found = replay_decision(ws, one.id)
        assert (found.same, found.call.proven, "expired" in found.call.rests_on[-1]) == (True, False, True)

    def test_what_no_policy_was_asked_for_cannot_be_judged_again(self, known: Opened) -> None:
        governs, ws = known
        refused = governs.refused(call(), Refused("rate_limited", "Too fast."))
        governs.keeper.flush()
        with pytest.raises(NotFound, match="Too fast"):
            replay_decision(ws, refused.decision_id)


class _Stored:
    """A store of calls in which somebody changed something."""

    def __init__(self, facts: CallFacts, calls: list[AiCall]) -> None:
        self.facts = lambda _: facts
        self.calls = lambda *_: iter(calls)


class TestLanes:
    @settings(max_examples=some(60), deadline=None)
    @given(data=st.data())
    def test_a_lane_s_facts_are_those_that_the_long_way_finds(self, data: st.DataObject, billed: Path) -> None:
        ws = _opened(billed)
        governs = GovernCalls(ws, PRICES, LeasePools(ws.ledger.ask, LeaseTerms(ws.clock, ws.ids)),
                              CallKeeper(ws.ledger, ws.calls, ws.counters), 500)  # fmt: skip
        names = st.sampled_from(["", "chat", "confidential"])
        said = data.draw(st.dictionaries(st.sampled_from(["purpose", "data_class", "ticket"]), names))
        tokens, output = data.draw(st.integers(0, 5000)), data.draw(st.none() | st.integers(1, 5000))
        first = bound(governs, call("big", 7, 9, user="ann", said=said))
        asked = settle_intent(ws, intent_of(first))
        lane = lane_of(prepare(asked, ws.rules), ws.rules.policies.asked("ai.request", asked.at.date()))
        next_one = bound(governs, call("big", tokens, output, user="ann", said=said))
        seen: list[dict[str, object]] = []

        class Joint:
            def ask(self, facts: dict[str, object]) -> tuple[list[int], list[int]]:
                seen.append(facts)
                return [], []

        assert replace(lane, policies=replace(lane.policies, joint=Joint())).lets(next_one)  # type: ignore[arg-type]
        assert seen == [facts_asked(settle_intent(ws, intent_of(next_one)))]


@cache
def _opened(home: Path) -> Workspace:
    return judged_by(open_with_rules(home), budgets())
