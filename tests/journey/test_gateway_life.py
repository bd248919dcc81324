"""The life of a gateway: who may come in, how fast, what a changed file does, and how it ends."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.fixtures.commands import fiscus
from tests.fixtures.gateways import (
    KEY_ENV,
    Gateway,
    billed_nanos,
    gateway_home,
    hard_cap,
    running_gateway,
    start_gateway,
    wait_for,
)

from fiscus.connectors.simulated_ai.faults import Fault
from fiscus.connectors.simulated_ai.server import LocalAi
from fiscus.cost.ai.types import AiCall

ASK = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 20}
NO_OPUS = """
policies:
  - id: tests-no-pro
    title: No gpt-4o here
    on: [ai.request]
    when: intent.model == "gpt-4o"
    level: warn
    on_error: hold
    effect: deny
    reason: It is the test's word.
    remedy: Use gpt-4o-mini.
    owner: finops
"""


@pytest.fixture(scope="module")
def ai() -> Iterator[LocalAi]:
    with LocalAi() as running:
        yield running


@pytest.fixture(scope="module")
def home(ai: LocalAi, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once: a vendor that is down with another one behind it, and a default scope that may spend next to nothing."""
    upstreams = [
        {
            "name": "first",
            "wire": "openai",
            "base_url": "http://127.0.0.1:9",
            "failover": ["openai"],
            "key_env": KEY_ENV,
        },
        {"name": "openai", "base_url": f"{ai.address}/openai", "key_env": KEY_ENV},
    ]
    scope = {"requested_by": "ana.silva", "team": "platform", "environment": "sandbox"}
    budgets = [hard_cap("0.00001", environment="sandbox")]
    path = tmp_path_factory.mktemp("life") / "home"
    return gateway_home(path, ai, budgets, upstreams=upstreams, default_scope=scope, body_bytes_max=2**20)


@pytest.fixture
def copied(home: Path, tmp_path: Path) -> Path:
    """The same workspace, for one test alone."""
    return Path(shutil.copytree(home, tmp_path / "home"))


@pytest.fixture(scope="module")
def gateway(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    copy = tmp_path_factory.mktemp("served") / "home"
    with running_gateway(Path(shutil.copytree(home, copy))) as running:
        running.key()
        yield running


def ask(gateway: Gateway, key: str = "", path: str = "/openai/v1/chat/completions", **more: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    headers |= more.pop("headers", {})
    return httpx.post(gateway.url + path, json=ASK | more, headers=headers, timeout=30)


def kept(gateway: Gateway, mine: Callable[[AiCall], bool], count: int = 1) -> list[AiCall]:
    """Calls as they were stored, a moment after they were answered."""
    return wait_for(lambda: [call for call in gateway.calls() if mine(call)], lambda found: len(found) >= count)


def waits_for_a_word(gateway: Gateway, key: str) -> bytes:
    """What a client is told that sends the head of an upload and waits."""
    with socket.create_connection(("127.0.0.1", httpx.URL(gateway.url).port), timeout=5) as client:
        head = f"POST /openai/v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: 9\r\n"
        client.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        return client.recv(100)


class TestWhoComesIn:
    def test_nobody_with_a_key_that_is_not_known_here(self, gateway: Gateway, ai: LocalAi) -> None:
        billed = len(billed_nanos(ai))
        refused = ask(gateway, "fsk_nobody")
        assert refused.status_code == 401
        assert "error" in refused.json()
        assert len(billed_nanos(ai)) == billed

    def test_an_endpoint_whose_cost_nobody_knows_is_refused_and_kept(self, gateway: Gateway) -> None:
        refused = ask(gateway, gateway.key(), "/openai/v1/realtime/sessions")
        assert refused.status_code in {403, 404}
        [call] = kept(gateway, lambda call: "realtime" in call.model_asked)
        assert call.state == "refused"
        assert httpx.post(f"{gateway.url}/nowhere/v1/chat", json=ASK).status_code == 404

    def test_a_key_is_revoked_within_two_seconds(self, gateway: Gateway) -> None:
        secret = fiscus(
            gateway.home, "key", "issue", "short", "--owner", "ana.silva", "--environment", "prod", "--as", "sam.lee"
        )
        wait_for(lambda: ask(gateway, secret["secret"]).status_code, lambda status: status == 200)
        fiscus(gateway.home, "key", "revoke", secret["id"], "--reason", "it is over", "--as", "sam.lee")
        assert wait_for(lambda: ask(gateway, secret["secret"]).status_code, lambda status: status == 401) == 401

    def test_a_key_goes_no_faster_than_it_may_and_uses_no_other_model(self, gateway: Gateway) -> None:
        order = ("key", "issue", "slow", "--owner", "ana.silva", "--environment", "prod", "--as", "sam.lee")
        key = fiscus(gateway.home, *order, "--requests-per-minute", "1", "--model", "gpt-4o-mini*")["secret"]
        assert wait_for(lambda: ask(gateway, key, model="gpt-4o").status_code, lambda status: status != 401) == 403
        answers = [ask(gateway, key) for _ in range(2)]
        assert [one.status_code for one in answers] == [200, 429]
        assert int(answers[-1].headers["retry-after"]) >= 1

    def test_every_answer_says_what_it_cost_and_what_is_left(self, gateway: Gateway, ai: LocalAi) -> None:
        answer = ask(gateway, gateway.key())
        assert answer.headers["x-fiscus-cost"].endswith(" USD")
        decision = answer.headers["x-fiscus-decision"]
        kept(gateway, lambda call: call.decision_id == decision)
        assert decision in str(fiscus(gateway.home, "ai", "calls", "--decision", decision))


class TestFilesOfClients:
    def test_one_larger_than_any_request_goes_up_and_comes_down_as_it_is(self, gateway: Gateway) -> None:
        headers = {"authorization": f"Bearer {gateway.key()}"}
        content = b"0123456789abcdef" * 200_000
        form = {"files": {"file": ("big.jsonl", content)}, "data": {"purpose": "batch"}}
        kept = httpx.post(f"{gateway.url}/openai/v1/files", headers=headers, timeout=30, **form)
        assert kept.json()["bytes"] == len(content) > 2**20
        down = httpx.get(f"{gateway.url}/openai/v1/files/{kept.json()['id']}/content", headers=headers, timeout=30)
        assert down.content == content
        assert ask(gateway, gateway.key(), pad="x" * 2**20).status_code == 400
        for key, begins in ((gateway.key(), b"HTTP/1.1 100 Continue"), ("fsk_nobody", b"HTTP/1.1 401")):
            assert waits_for_a_word(gateway, key).startswith(begins)
        nobody = {"authorization": "Bearer fsk_nobody"}
        assert httpx.post(f"{gateway.url}/openai/v1/files", headers=nobody, timeout=30, **form).status_code == 401

    def test_a_batch_of_a_file_that_is_not_there_is_the_clients_mistake(self, gateway: Gateway) -> None:
        headers = {"authorization": f"Bearer {gateway.key()}"}
        asked = {"input_file_id": "file-none", "endpoint": "/v1/chat/completions", "completion_window": "24h"}
        assert httpx.post(f"{gateway.url}/openai/v1/batches", json=asked, headers=headers).status_code == 400


class TestItsFiles:
    def test_a_changed_policy_holds_within_seconds_and_a_broken_one_changes_nothing(self, gateway: Gateway) -> None:
        path = gateway.home / "policies" / "life.yaml"
        assert "x-fiscus-warning" not in ask(gateway, gateway.key(), model="gpt-4o").headers
        path.write_text(NO_OPUS)
        said = wait_for(lambda: ask(gateway, gateway.key(), model="gpt-4o").headers, lambda h: "x-fiscus-warning" in h)
        assert "No gpt-4o here" in said["x-fiscus-warning"]
        path.write_text(NO_OPUS.replace("intent.model", "intent.modell"))
        text = wait_for(lambda: httpx.get(f"{gateway.url}/metrics").text, lambda text: 'what="renew"' in text)
        assert 'fiscus_gateway_not_renewed_total{what="renew"} 1' in text
        assert "x-fiscus-warning" in ask(gateway, gateway.key(), model="gpt-4o").headers
        path.unlink()
        gone = wait_for(
            lambda: ask(gateway, gateway.key(), model="gpt-4o").headers, lambda h: "x-fiscus-warning" not in h
        )
        assert "x-fiscus-warning" not in gone


class TestWhenThingsFail:
    def test_another_upstream_takes_over_where_nothing_was_billed(self, gateway: Gateway, ai: LocalAi) -> None:
        for _ in range(7):  # more than the breaker waits for
            assert ask(gateway, gateway.key(), "/first/v1/chat/completions", user="seven").status_code == 200
        calls = kept(gateway, lambda call: call.user == "seven", 12)
        assert {(call.upstream, call.state) for call in calls} == {("first", "released"), ("openai", "settled")}
        ai.plant(Fault("rate_limited_429", vendor="openai", times=2))  # asked once more, as its Retry-After says
        assert ask(gateway, gateway.key()).status_code == 429

    def test_a_key_is_not_taken_over_to_an_upstream_that_it_may_not_use(self, gateway: Gateway, ai: LocalAi) -> None:
        order = ("key", "issue", "first only", "--owner", "ana.silva", "--environment", "prod", "--as", "sam.lee")
        key, billed = fiscus(gateway.home, *order, "--upstream", "first")["secret"], len(billed_nanos(ai))
        path = "/first/v1/chat/completions"
        assert wait_for(lambda: ask(gateway, key, path).status_code, lambda status: status != 401) == 503
        assert ask(gateway, key).status_code == 403
        assert len(billed_nanos(ai)) == billed

    def test_what_was_lost_on_the_way_is_charged_at_its_bound(self, gateway: Gateway, ai: LocalAi) -> None:
        ai.plant(Fault("reset_after_billing", vendor="openai"))
        assert ask(gateway, gateway.key(), user="lost").status_code in {500, 502, 503}
        [call] = kept(gateway, lambda call: call.user == "lost")
        assert (call.state, call.settled) == ("unknown", call.bound)

    def test_a_request_without_a_key_is_the_default_scope_s_and_its_cap_holds(
        self, gateway: Gateway, ai: LocalAi
    ) -> None:
        billed = len(billed_nanos(ai))
        assert ask(gateway, user="nobody").status_code == 402
        assert len(billed_nanos(ai)) == billed
        [call] = kept(gateway, lambda call: call.user == "nobody")
        assert (call.key_id, call.team, call.environment) == ("", "platform", "sandbox")


class TestItsEnd:
    @pytest.mark.thorough
    def test_what_runs_is_answered_and_settled_before_it_ends(self, ai: LocalAi, copied: Path) -> None:
        gateway = start_gateway(copied)
        key = gateway.key()
        ai.plant(Fault("slow", vendor="openai", seconds=2.0))
        answers = list[httpx.Response]()
        running = threading.Thread(target=lambda: answers.append(ask(gateway, key)))
        running.start()
        time.sleep(0.7)
        assert gateway.stop() == 0
        running.join()
        assert answers[0].status_code == 200
        assert [call.state for call in gateway.calls(1)] == ["settled"]
        assert not [amount for amount in fiscus(gateway.home, "ledger")["held"].values() if Decimal(amount)]

    @pytest.mark.thorough
    def test_a_worker_that_is_killed_is_started_again_and_all_end_with_who_started_them(
        self, ai: LocalAi, tmp_path: Path
    ) -> None:
        gateway = start_gateway(gateway_home(tmp_path / "home", ai), "--workers", "2")
        key = gateway.key()
        workers = _children(gateway.process.pid)
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        answers = list[int]()
        for _ in range(20):
            try:
                answers.append(ask(gateway, key).status_code)
            except httpx.TransportError:  # a connection that the kernel had given to the one that died
                continue
        assert set(answers) == {200}
        again = wait_for(
            lambda: _children(gateway.process.pid), lambda found: len(found) == 2 and workers[0] not in found
        )
        assert workers[1] in again
        children = _children(gateway.process.pid)
        gateway.kill()
        assert not wait_for(lambda: [pid for pid in children if _lives(pid)], lambda left: not left)


def _lives(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def _children(parent: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
