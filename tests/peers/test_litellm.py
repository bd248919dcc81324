"""The callback of examples/litellm in the real LiteLLM proxy, in an environment of its own, against a real `fiscus serve`.

`make test` makes that environment (.venv/litellm) from requirements-litellm.lock: LiteLLM wants other versions of what we use.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from tests.bills import write_csv

from fiscus.__main__ import command_line
from fiscus.app.start import start_workspace
from fiscus.connectors.simulated_ai.faults import Fault
from fiscus.connectors.simulated_ai.server import LocalAi

REPO = Path(__file__).resolve().parents[2]
PYTHON = Path(sys.prefix) / "litellm" / "bin" / "python"
EXAMPLE = REPO / "examples" / "litellm"
BUDGETS = """
budgets:
  - {id: ai-cap, title: Platform on AI, scope: {team: platform, service_category: AI and Machine Learning}, period: month,
     currency: USD, amount: 0.08, thresholds: [], cap: hard, owner: platform}
"""
POLICIES = """
policies:
  - id: large-model
    title: The large model
    on: [ai.request]
    when: intent.model.startsWith("gpt-4o-2024")
    level: soft
    on_error: allow
    effect: degrade
    options:
      - {title: Another tier, change: {service_tier: flex}, price_share: "0.1"}
      - {title: A model that this proxy has not, change: {model: gpt-of-tomorrow-mini}, price_share: "0.15"}
      - {title: The small model, change: {model: gpt-4o-mini}, price_share: "0.2"}
    reason: The small one is enough.
    remedy: Ask for the small one.
    owner: platform
    tests: [{given: {intent: {model: gpt-4o-2024-08-06}}, expect: match, verdict: degrade}]
"""
AUTH = """
from litellm.proxy._types import UserAPIKeyAuth

async def by_key(request, api_key):
    return UserAPIKeyAuth(api_key=api_key, metadata={"fiscus_as": "ana.silva", "fiscus_environment": "prod"})
"""
# One client for all that is asked: each of its own would read the machine's certificates first, for plain HTTP.
HTTP = httpx.Client(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), timeout=10)
ASKED = [{"role": "user", "content": "Hi"}]
PICTURE = {"type": "image_url", "image_url": {"url": "http://127.0.0.1/cat.png"}}
PRICES = {"input_cost_per_token": 0.00000015, "output_cost_per_token": 0.0000006}  # what the vendor charges
pytestmark = pytest.mark.skipif(not PYTHON.is_file(), reason="LiteLLM's environment is made by `make .venv/.litellm`")


@dataclass
class Proxy:
    """A proxy in front of a vendor, and the Fiscus that it asks."""

    url: str
    fiscus: str
    vendor: LocalAi

    def ask(self, model: str = "small", **more: Any) -> httpx.Response:
        body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 100, **more}
        return HTTP.post(
            f"{self.url}/v1/chat/completions", json=body, headers={"Authorization": "Bearer sk-team"}, timeout=60
        )

    def ledger(self) -> Mapping[str, Any]:
        return HTTP.get(f"{self.fiscus}/api/ledger", timeout=10).json()

    def settled(self) -> Decimal:
        """Everything that was settled, once nothing is held any more."""
        assert _until(lambda: self.spent()[1] == 0)
        return self.spent()[0]

    def spent(self) -> tuple[Decimal, Decimal]:
        """(settled, held) in USD."""
        shown = self.ledger()
        return Decimal(shown["settled"].get("USD", "0")), Decimal(shown["held"].get("USD", "0"))


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    home = tmp_path_factory.mktemp("litellm") / "home"
    start_workspace(home)
    (home / "budgets" / "ai.yaml").write_text(BUDGETS, encoding="utf-8")
    (home / "policies" / "large.yaml").write_text(POLICIES, encoding="utf-8")
    write_csv(home / "inbox" / "example" / "a.csv", [{}])
    assert command_line()(["run", "--home", str(home)], result_action="return_value") == 0
    with LocalAi(fill=0.1) as upstream, _fiscus(home) as fiscus, _litellm(home.parent, upstream, fiscus) as url:
        yield Proxy(url, fiscus, upstream)
        shown = Proxy(url, fiscus, upstream).settled()
        assert (
            upstream.billed() <= shown <= Decimal("0.08")
        )  # whatever happened above: never less than the bill, never over


def test_a_call_is_held_before_and_settled_after_at_what_the_vendor_bills(proxy: Proxy) -> None:
    before, billed = proxy.settled(), proxy.vendor.billed()
    answer = proxy.ask()
    assert answer.status_code == 200, answer.text
    decision = HTTP.get(f"{proxy.fiscus}/api/decisions/{answer.headers['x-fiscus-decision']}").json()
    assert decision["verdict"] == "allow"
    assert (decision["intent"]["team"], decision["intent"]["provider"]) == ("platform", "OpenAI")
    cost = proxy.vendor.billed() - billed
    assert Decimal(decision["hold"]["amount"]) > cost > 0
    assert proxy.settled() == before + cost


def test_a_stream_is_settled_at_its_end(proxy: Proxy) -> None:
    before, billed = proxy.settled(), proxy.vendor.billed()
    answer = proxy.ask(stream=True)
    assert answer.status_code == 200
    assert answer.text.rstrip().endswith("[DONE]")
    assert proxy.settled() == before + proxy.vendor.billed() - billed > before


@pytest.mark.parametrize(
    ("path", "body", "vendor"),
    [
        ("/v1/responses", {"model": "small", "input": "Hi", "max_output_tokens": 100}, "openai"),
        ("/v1/responses", {"model": "small", "input": "Hi", "max_output_tokens": 100, "stream": True}, "openai"),
        ("/v1/embeddings", {"model": "embed", "input": ["one", "two"]}, "openai"),
        ("/v1/messages", {"model": "claude", "max_tokens": 60, "messages": ASKED}, "anthropic"),
        ("/v1/messages", {"model": "claude", "max_tokens": 60, "messages": ASKED, "stream": True}, "anthropic"),
        ("/v1/chat/completions", {"model": "claude", "max_tokens": 60, "messages": ASKED}, "anthropic"),
    ],
    ids=lambda value: value.removeprefix("/v1/") if isinstance(value, str) else str("stream" in value),
)
def test_every_way_to_ask_is_held_and_settled(proxy: Proxy, path: str, body: Mapping[str, Any], vendor: str) -> None:
    before, billed = proxy.settled(), proxy.vendor.billed(vendor)
    headers = {"Authorization": "Bearer sk-team"}
    answer = HTTP.post(f"{proxy.url}{path}", json=body, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-fiscus-decision"].startswith("dec-")
    assert proxy.settled() == before + proxy.vendor.billed(vendor) - billed > before


def test_what_does_not_fit_never_reaches_the_vendor(proxy: Proxy) -> None:
    billed = proxy.vendor.bill()
    answer = proxy.ask(max_tokens=16_000, n=100)
    assert answer.status_code == 403
    assert "Budget Platform on AI has" in answer.text
    assert proxy.vendor.bill() == billed
    assert proxy.spent()[1] == 0


def test_a_call_that_says_no_limit_is_given_one(proxy: Proxy) -> None:
    body = {"model": "small", "messages": [{"role": "user", "content": "Hi"}]}
    headers = {"Authorization": "Bearer sk-team"}
    answer = HTTP.post(f"{proxy.url}/v1/chat/completions", json=body, headers=headers, timeout=60)
    decision = HTTP.get(f"{proxy.fiscus}/api/decisions/{answer.headers['x-fiscus-decision']}").json()
    assert 4096 * Decimal("0.0000006") < Decimal(decision["hold"]["amount"]) < 4200 * Decimal("0.0000006")
    assert answer.json()["usage"]["completion_tokens"] <= 4096


def test_a_dearer_model_is_answered_by_the_one_that_the_policy_offers(proxy: Proxy) -> None:
    """Under the proxy's own name for it; what is settled is what that one cost."""
    before, billed = proxy.settled(), proxy.vendor.billed()
    answer = proxy.ask("large")
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-fiscus-degraded"] == "model=small"
    assert proxy.vendor.bill()[-1].model.startswith("gpt-4o-mini")
    assert proxy.settled() == before + proxy.vendor.billed() - billed > before


def test_what_the_vendor_refused_is_given_back(proxy: Proxy) -> None:
    before = proxy.settled()
    assert proxy.ask("refused").status_code == 404
    assert proxy.settled() == before


@pytest.mark.parametrize("kind", ["error_500", "error_500_after_billing", "reset_after_billing"])
def test_what_the_vendor_may_have_billed_is_charged_at_its_bound(proxy: Proxy, kind: str) -> None:
    before, billed = proxy.settled(), proxy.vendor.billed()
    proxy.vendor.plant(Fault(kind, vendor="openai"))  # type: ignore[arg-type]  # one of its kinds
    assert proxy.ask().status_code >= 500
    charged = proxy.settled() - before
    assert charged > proxy.vendor.billed() - billed
    assert charged > Decimal("0.00006")


@pytest.mark.parametrize(
    ("model", "more", "why"),
    [
        ("unpriced", {}, "has no price, so no budget can hold it"),
        ("small", {"messages": [{"role": "user", "content": [PICTURE]}]}, "FISCUS_PART_TOKENS"),
        ("small", {"tools": [{"type": "web_search_preview"}]}, "the vendor's own tool web_search_preview"),
    ],
)  # fmt: skip
def test_what_nobody_can_bound_is_refused(proxy: Proxy, model: str, more: Mapping[str, Any], why: str) -> None:
    billed = proxy.vendor.bill()
    answer = proxy.ask(model, **more)
    assert (answer.status_code, why in answer.text) == (403, True), answer.text
    assert proxy.vendor.bill() == billed


def test_at_once_no_more_is_let_in_than_fits(proxy: Proxy) -> None:
    """Each may cost 0.0096 USD of the 0.08 less what was spent above: a few fit at the same time, never twenty."""
    before, billed, lines = proxy.settled(), proxy.vendor.billed(), len(proxy.vendor.bill())
    proxy.vendor.plant(Fault("slow", vendor="openai", times=20, seconds=1.0))
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: proxy.ask(max_tokens=16_000), range(20)))
    let_in = [one for one in answers if one.status_code == 200]
    assert {one.status_code for one in answers} == {200, 403}
    assert len(proxy.vendor.bill()) - lines == len(let_in)
    assert proxy.settled() == before + proxy.vendor.billed() - billed


def test_what_happens_without_fiscus_is_declared(tmp_path: Path) -> None:
    """Within its time: nobody answers, an answer hangs, a question is wrong. By the class itself, in LiteLLM's environment."""
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        program = f"""
import asyncio, sys, time
sys.path.insert(0, {str(EXAMPLE)!r})
from fastapi import HTTPException
from litellm.caching.caching import DualCache
from litellm.proxy._types import UserAPIKeyAuth
from fiscus_litellm import FiscusGuard, deployments

deployments("gpt-4o")  # what the proxy has loaded long before it is asked anything

async def asked(url, mode):
    guard = FiscusGuard({{"FISCUS_URL": url, "FISCUS_FAIL_MODE": mode, "FISCUS_SECONDS_MAX": "0.5", "FISCUS_AS": "ana.silva"}})
    data = {{"model": "gpt-4o", "messages": [{{"role": "user", "content": "Hi"}}], "litellm_call_id": "c-1"}}
    started = time.monotonic()
    try:
        data = await guard.async_pre_call_hook(UserAPIKeyAuth(api_key="sk-1"), DualCache(), data, "acompletion")
        headers = await guard.async_post_call_response_headers_hook(data, None, None)
        said = (data["max_tokens"], headers, guard.unjudged)
    except HTTPException as refused:
        said = refused.status_code
    assert time.monotonic() - started < 1.5
    return said

async def main():
    for url in ("http://127.0.0.1:9", "http://127.0.0.1:{hanging.getsockname()[1]}"):
        assert await asked(url, "deny") == 503
        assert await asked(url, "allow") == (4096, {{"x-fiscus-degraded": "unjudged"}}, 1)
    try:
        FiscusGuard({{"FISCUS_FAIL_MODE": "perhaps"}})
    except ValueError as wrong:
        assert "deny or allow" in str(wrong)
    else:
        raise AssertionError

asyncio.run(main())
"""
        ran = subprocess.run(
            [PYTHON, "-c", program], capture_output=True, text=True, timeout=300, check=False, env=_offline()
        )
    assert ran.returncode == 0, ran.stderr


def _until(holds: Callable[[], bool], seconds: float = 10) -> bool:
    """Settling is beside the call: it is there soon after it."""
    ends = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > ends:
            return False
        time.sleep(0.05)
    return True


@contextmanager
def _fiscus(home: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "fiscus", "serve", "--port", "0", "--json", "--home", str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads("".join(process.stdout.readline() for _ in range(3)))["url"]
        finally:
            process.send_signal(signal.SIGINT)


@contextmanager
def _litellm(folder: Path, upstream: LocalAi, fiscus: str) -> Iterator[str]:
    shutil.copy(EXAMPLE / "fiscus_litellm.py", folder)
    (folder / "by_key.py").write_text(AUTH, encoding="utf-8")
    config = yaml.safe_load((EXAMPLE / "config.yaml").read_text("utf-8"))
    names = {"small": "gpt-4o-mini", "refused": "gpt-of-tomorrow"}
    config["model_list"] = [_model(name, f"openai/{model}", upstream, PRICES) for name, model in names.items()]
    for name, model, vendor in (
        ("embed", "openai/text-embedding-3-small", "openai"),
        ("claude", "anthropic/claude-haiku-4-5", "anthropic"),
    ):
        config["model_list"].append(_model(name, model, upstream, {}, vendor))
    config["model_list"].append(_model("large", "openai/gpt-4o-2024-08-06", upstream, {}))
    config["model_list"].append(_model("unpriced", "openai/of-our-own", upstream, {}))
    config["general_settings"] = {"custom_auth": "by_key.by_key", "master_key": f"sk-{secrets.token_hex(32)}"}
    config["router_settings"] = {"num_retries": 0}
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [PYTHON.with_name("litellm"), "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port)]
    log = (folder / "litellm.log").open("w")
    with log, subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=_offline(FISCUS_URL=fiscus)) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            assert _until(lambda: _answers(url) or process.poll() is not None, 300), (
                folder / "litellm.log"
            ).read_text()
            assert process.poll() is None, (folder / "litellm.log").read_text()
            yield url
        finally:
            process.terminate()


def _model(
    name: str, model: str, upstream: LocalAi, prices: Mapping[str, float], vendor: str = "openai"
) -> dict[str, Any]:
    return {
        "model_name": name,
        "litellm_params": {
            "model": model,
            "api_base": upstream.url(vendor),
            "api_key": "sk-simulated-main",
            "max_retries": 0,
            **prices,
        },
    }


def _answers(url: str) -> bool:
    try:
        return HTTP.get(f"{url}/health/liveliness", timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


def _offline(**more: str) -> dict[str, str]:
    """Its price map comes from its package, and it tells nobody that it runs."""
    return {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False", "PYTHONPATH": ""} | more
