"""What the gateway lets through and keeps, with the vendors' own bills as the truth, when things go well and when they do not."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.fixtures import vendor_sdks as sdk
from tests.fixtures.commands import fiscus
from tests.fixtures.effort import sampled
from tests.fixtures.gateways import (
    Gateway,
    all_calls,
    billed_nanos,
    gateway_home,
    hard_cap,
    nanos,
    new_key,
    running_gateway,
    start_gateway,
    wait_for,
)
from tests.fixtures.vendor_clients import ASKED, anthropic_client, openai_client

from fiscus.app.workspace import open_workspace
from fiscus.connectors.simulated_ai.faults import Fault
from fiscus.connectors.simulated_ai.server import LocalAi
from fiscus.guardrails.ledger.commands import Expire
from fiscus.guardrails.ledger.ledger import Ledger
from fiscus.kernel.clock import ShiftedClock
from fiscus.kernel.money import from_nanos
from fiscus.stores.ledger import open_ledger

CAP = Decimal("0.002")
CHEAPER = """
policies:
  - id: tests-cheaper-in-development
    title: Development uses the small model
    on: [ai.request]
    when: intent.environment == "dev" && intent.model == "gpt-4o"
    level: soft
    on_error: allow
    effect: degrade
    options:
      - {title: The small model, change: {model: gpt-4o-mini}, price_share: "0.06"}
    reason: It is good enough while you try.
    remedy: Ask for gpt-4o-mini.
    owner: finops
    tests:
      - {given: {intent: {environment: dev, model: gpt-4o}}, expect: match, verdict: degrade}
      - {given: {intent: {environment: prod, model: gpt-4o}}, expect: no_match}
  - id: tests-backfills-wait
    title: Backfills run off the peak
    on: [ai.request]
    when: intent.purpose == "backfill" && intent.service_tier != "batch"
    level: hard
    on_error: allow
    effect: degrade
    options:
      - {title: The vendor's batch, change: {service_tier: batch}}
    reason: Nobody waits for them.
    remedy: Say x-fiscus-may-wait, or send a batch.
    owner: finops
    tests:
      - {given: {intent: {purpose: backfill}}, expect: match, verdict: degrade}
      - {given: {intent: {purpose: chat}}, expect: no_match}
  - id: tests-trials-wait-or-are-short
    title: Trials run off the peak, or are short
    on: [ai.request]
    when: intent.purpose == "trial" && intent.max_tokens > 20 && intent.service_tier != "batch"
    level: hard
    on_error: allow
    effect: degrade
    options:
      - {title: The vendor's batch, change: {service_tier: batch}}
      - {title: A short answer, change: {max_tokens: 20}}
    reason: Nobody waits for them.
    remedy: Ask for less.
    owner: finops
    tests:
      - {given: {intent: {purpose: trial, max_tokens: 30}}, expect: match, verdict: degrade}
      - {given: {intent: {purpose: trial, max_tokens: 20}}, expect: no_match}
"""


@dataclass
class Made:
    """A workspace with its keys, made once and copied for each test."""

    home: Path
    keys: dict[str, str]


@pytest.fixture(scope="module")
def vendors() -> Iterator[LocalAi]:
    with LocalAi() as running:
        yield running


@pytest.fixture(scope="module")
def made(vendors: LocalAi, tmp_path_factory: pytest.TempPathFactory) -> Made:
    cap = hard_cap(str(CAP), team="platform", environment="staging")
    home = gateway_home(tmp_path_factory.mktemp("made") / "home", vendors, [cap], CHEAPER)
    return Made(home, {environment: new_key(home, environment) for environment in ("prod", "staging", "dev")})


@pytest.fixture
def ai(vendors: LocalAi) -> LocalAi:
    vendors.forget()
    return vendors


@pytest.fixture
def home(made: Made, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made.home, tmp_path / "home"))


@pytest.fixture
def gateway(home: Path, made: Made) -> Iterator[Gateway]:
    with running_gateway(home) as running:
        running.keys = made.keys
        yield running


@pytest.fixture(scope="module")
def long_lived(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    home = Path(shutil.copytree(made.home, tmp_path_factory.mktemp("long") / "home"))
    with running_gateway(home) as running:
        running.keys = made.keys
        yield running


@pytest.fixture
def shared(long_lived: Gateway, ai: LocalAi) -> Gateway:
    """For tests that leave nothing behind but calls."""
    long_lived.since = datetime.now(UTC)
    return long_lived


def kept(gateway: Gateway, count: int) -> dict[str, int]:
    """state -> nanos, of all calls once there are `count`."""
    sums: dict[str, int] = {}
    for call in gateway.calls(count):
        sums[call.state] = sums.get(call.state, 0) + call.settled
    return sums


def ask_until_denied(client: Any) -> None:
    """At most two hundred times."""
    for _ in range(200):
        client.chat.completions.create(model="gpt-4o", messages=ASKED, max_tokens=40)


def taken(home: Path) -> Decimal:
    """What the ledger says is held, settled or charged without being known, of all budgets' calls once."""
    said: dict[str, dict[str, str]] = fiscus(home, "ledger")
    return sum((Decimal(said[name].get("USD", "0")) for name in ("held", "settled", "charged_unknown")), Decimal(0))


def test_a_cap_lets_exactly_what_fits_and_then_says_no_in_the_vendors_words(gateway: Gateway, ai: LocalAi) -> None:
    client = openai_client(gateway.base("openai"), gateway.key("staging"))
    ai.engine.behaviour.fill = 1.0
    with pytest.raises(sdk.openai.APIStatusError) as denied:
        ask_until_denied(client)
    answered = len(ai.bill())
    assert denied.value.status_code == 402
    assert denied.value.body["type"] == "insufficient_quota"
    assert denied.value.response.headers["x-fiscus-decision"]
    assert CAP * Decimal("0.5") < ai.billed() <= CAP
    with pytest.raises(sdk.anthropic.APIStatusError) as also:
        anthropic_client(gateway.base("anthropic"), gateway.key("staging")).messages.create(
            model="claude-haiku-4-5", max_tokens=400, messages=ASKED
        )
    assert also.value.body["error"]["type"] == "billing_error"
    states = kept(gateway, answered + 2)
    assert states["settled"] == sum(billed_nanos(ai))
    assert openai_client(gateway.base("openai"), gateway.key()).chat.completions.create(
        model="gpt-4o", messages=ASKED, max_tokens=40
    )  # production has another budget


def test_an_answer_says_what_it_cost_and_what_was_put_in_its_place(shared: Gateway, ai: LocalAi) -> None:
    client = openai_client(shared.base("openai"), shared.key("dev"))
    raw = client.chat.completions.with_raw_response.create(model="gpt-4o", messages=ASKED, max_tokens=40)
    assert raw.parse().model == "gpt-4o-mini-2024-07-18"
    assert "gpt-4o-mini" in raw.headers["x-fiscus-degraded"]
    amount, currency = raw.headers["x-fiscus-cost"].split()
    assert (nanos(Decimal(amount)), currency) == (billed_nanos(ai)[0], "USD")
    [call] = shared.calls(1)
    assert (call.verdict, call.model_asked, call.decision_id) == ("degrade", "gpt-4o", raw.headers["x-fiscus-decision"])


@pytest.mark.parametrize(
    ("vendor", "path", "model"),
    sampled(
        [
            ("openai", "/chat/completions", "gpt-4o"),
            ("anthropic", "/v1/messages", "claude-haiku-4-5"),
            ("mistral", "/v1/chat/completions", "mistral-small-latest"),
        ],
        every=3,
    ),
)
def test_a_call_that_may_wait_is_queued_off_the_peak_and_settled_by_its_result(
    shared: Gateway, ai: LocalAi, vendor: str, path: str, model: str
) -> None:
    headers = {"authorization": f"Bearer {shared.key()}", "x-fiscus-purpose": "backfill"}
    body = {"model": model, "messages": ASKED, "max_tokens": 40}
    assert httpx.post(shared.base(vendor) + path, json=body, headers=headers).status_code == 403  # nobody said it may
    assert not ai.bill()
    queued = httpx.post(shared.base(vendor) + path, json=body, headers=headers | {"x-fiscus-may-wait": "24h"})
    assert queued.status_code == 202, queued.text
    assert "batch" in queued.headers["x-fiscus-degraded"]
    job = httpx.get(shared.url + queued.headers["x-fiscus-queued"], headers=headers).json()
    assert job["id"] == queued.json()["id"]
    call = wait_for(
        lambda: [call for call in shared.calls() if call.state == "settled"], lambda found: len(found) == 1
    )[0]
    assert (call.verdict, call.tier, call.settled) == ("degrade", "batch", billed_nanos(ai)[0])
    assert 0 < call.settled <= call.bound
    assert taken(shared.home) == from_nanos(sum(call.settled for call in all_calls(shared.home)))


def test_where_the_vendor_has_no_queue_the_next_option_is_taken_or_the_refusal_says_so(
    shared: Gateway, ai: LocalAi
) -> None:
    headers = {"authorization": f"Bearer {shared.key()}", "x-fiscus-purpose": "backfill", "x-fiscus-may-wait": "24h"}
    body = {"model": "sonar", "messages": ASKED, "max_tokens": 40}
    refused = httpx.post(shared.base("perplexity") + "/chat/completions", json=body, headers=headers)
    assert refused.status_code == 403
    assert "It cannot wait: perplexity queues no such request." in refused.json()["error"]["message"]
    taken_instead = httpx.post(
        shared.base("perplexity") + "/chat/completions",
        json=body,
        headers=headers | {"x-fiscus-purpose": "trial"},
    )
    assert (taken_instead.status_code, len(ai.bill("perplexity")) > 0) == (200, True)
    assert taken_instead.headers["x-fiscus-degraded"] == "Degraded to A short answer."


@pytest.mark.thorough
def test_a_queued_call_whose_hold_expires_is_charged_at_its_bound_until_its_result_is_known(
    shared: Gateway, ai: LocalAi
) -> None:
    headers = {"authorization": f"Bearer {shared.key()}", "x-fiscus-purpose": "backfill", "x-fiscus-may-wait": "24h"}
    body = {"model": "gpt-4o", "messages": ASKED, "max_tokens": 40}
    before = taken(shared.home)
    queued = httpx.post(shared.base("openai") + "/chat/completions", json=body, headers=headers)
    decision = open_workspace(shared.home).ledger.store.decision(queued.headers["x-fiscus-decision"])
    assert decision.hold.expires_at > decision.at + timedelta(days=7)  # a vendor may take as long
    later = ShiftedClock(datetime.now(UTC) + timedelta(days=9))
    Ledger(open_ledger(f"sqlite:///{shared.home / '.fiscus' / 'ledger.db'}", later)).ask(Expire())
    assert taken(shared.home) - before == decision.hold.amount
    httpx.get(shared.url + queued.headers["x-fiscus-queued"], headers=headers)  # its result is there
    wait_for(lambda: [call for call in shared.calls() if call.state == "settled"], lambda found: len(found) == 1)
    assert taken(shared.home) - before == from_nanos(billed_nanos(ai)[0]) < decision.hold.amount


def test_two_hundred_at_once_never_pass_the_cap(gateway: Gateway, ai: LocalAi) -> None:
    key = gateway.key("staging")
    ai.engine.behaviour.fill, ai.engine.behaviour.latency_seconds = 1.0, 0.1
    body = {"model": "gpt-4o", "messages": ASKED, "max_tokens": 40}
    statuses: list[int] = []

    def ask() -> None:
        for _ in range(10):
            answer = httpx.post(
                gateway.base("openai") + "/chat/completions",
                json=body,
                headers={"Authorization": f"Bearer {key}"},
                timeout=30,
            )
            statuses.append(answer.status_code)

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200, 402}
    assert len(ai.bill()) == statuses.count(200)
    assert ai.billed() <= CAP
    assert kept(gateway, 200)["settled"] == sum(billed_nanos(ai))


def iter_stream(url: str, body: object, headers: dict[str, str]) -> Iterator[bytes]:
    """The pieces of a streamed answer, as they come."""
    with httpx.stream("POST", url, json=body, headers=headers, timeout=20) as answer:
        yield from answer.iter_raw()


@contextmanager
def slow_stream(gateway: Gateway, ai: LocalAi) -> Iterator[Iterator[bytes]]:
    """The pieces of an answer of 400 tokens, as they come."""
    ai.engine.behaviour.fill, ai.engine.behaviour.piece_seconds = 1.0, 0.02
    body = {"model": "gpt-4o-mini", "messages": ASKED, "max_tokens": 400, "stream": True}
    headers = {"Authorization": f"Bearer {gateway.key()}"}
    with httpx.stream(
        "POST", gateway.base("openai") + "/chat/completions", json=body, headers=headers, timeout=20
    ) as answer:
        assert answer.status_code == 200
        yield answer.iter_raw()


def test_a_client_that_leaves_in_mid_stream_is_settled_at_what_the_vendor_bills(shared: Gateway, ai: LocalAi) -> None:
    with slow_stream(shared, ai) as pieces:
        next(pieces)
    [call] = shared.calls(1)
    assert call.state == "settled"  # the gateway read on to the usage
    assert call.settled == billed_nanos(ai)[0]
    assert call.usage["output"] == 400


def test_a_stream_that_the_vendor_breaks_is_an_estimate_that_is_not_below_its_bill(
    shared: Gateway, ai: LocalAi
) -> None:
    ai.plant(Fault("cut_stream", pieces=20))
    with pytest.raises(httpx.RemoteProtocolError), slow_stream(shared, ai) as pieces:
        list(pieces)
    [call] = shared.calls(1)
    assert (call.state, call.streamed) == ("estimated", True)
    assert billed_nanos(ai)[0] <= call.settled <= call.bound


@pytest.mark.parametrize("kind", ["reset_after_billing", "error_500_after_billing"])
def test_an_answer_that_was_billed_and_lost_is_charged_at_its_bound(shared: Gateway, ai: LocalAi, kind: str) -> None:
    ai.plant(Fault(kind))
    with pytest.raises(sdk.openai.APIStatusError) as lost:
        openai_client(shared.base("openai"), shared.key()).chat.completions.create(
            model="gpt-4o-mini", messages=ASKED, max_tokens=40
        )
    assert lost.value.status_code >= 500
    [call] = shared.calls(1)
    assert call.state == "unknown"
    assert billed_nanos(ai)[0] <= call.settled == call.bound


def test_a_vendor_that_overbills_is_charged_in_full_and_freezes_the_key(gateway: Gateway, ai: LocalAi) -> None:
    client = openai_client(gateway.base("openai"), gateway.key())
    ai.engine.behaviour.fill = 1.0
    ai.plant(Fault("overbill", factor=20))
    client.chat.completions.create(model="gpt-4o-mini", messages=ASKED, max_tokens=400)
    [call] = gateway.calls(1)
    assert call.settled == billed_nanos(ai)[0] > call.bound

    def asked_again() -> str:
        try:
            client.chat.completions.create(model="gpt-4o-mini", messages=ASKED, max_tokens=10)
        except sdk.openai.APIStatusError as refused:
            return str(refused)
        return ""

    assert "frozen" in wait_for(asked_again, lambda said: "frozen" in said).lower()


@pytest.mark.thorough
def test_a_gateway_that_is_killed_in_mid_stream_loses_no_money(home: Path, made: Made, ai: LocalAi) -> None:
    gateway = start_gateway(home)
    gateway.keys = made.keys
    try:
        ai.engine.behaviour.fill, ai.engine.behaviour.piece_seconds = 1.0, 0.02
        body = {"model": "gpt-4o-mini", "messages": ASKED, "max_tokens": 400, "stream": True}
        headers = {"Authorization": f"Bearer {gateway.key('staging')}"}
        url = gateway.base("openai") + "/chat/completions"
        pieces = iter_stream(url, body, headers)
        for _ in range(5):
            next(pieces)
        gateway.kill()
        with pytest.raises(httpx.TransportError):
            list(pieces)
    finally:
        if gateway.process.poll() is None:
            gateway.kill()
    lines = wait_for(ai.bill, lambda found: len(found) == 2)
    assert [line.part for line in lines] == ["opened", "rest"]
    assert ai.billed() <= taken(home) <= CAP
    with running_gateway(home) as again:  # it starts again on the same ledger, and the cap still stands
        again.keys = made.keys
        ai.engine.behaviour.piece_seconds = 0
        client = openai_client(again.base("openai"), again.key("staging"))
        with pytest.raises(sdk.openai.APIStatusError):
            ask_until_denied(client)
    assert ai.billed() <= CAP


@pytest.mark.thorough
def test_sigterm_answers_what_runs_and_settles_it(home: Path, made: Made, ai: LocalAi) -> None:
    gateway = start_gateway(home)
    gateway.keys = made.keys
    try:
        with slow_stream(gateway, ai) as pieces:
            next(pieces)
            gateway.process.terminate()
            rest = b"".join(pieces)
        assert b"[DONE]" in rest
        assert gateway.process.wait(30) == 0
    finally:
        if gateway.process.poll() is None:
            gateway.kill()
    [call] = all_calls(home)
    assert (call.state, call.settled) == ("settled", billed_nanos(ai)[0])
