"""A real Envoy asks the service before a request goes on and shows it what came back; and the same in gRPC alone.

The vendor is the simulator, whose own bill is the truth; its keys are checked, so that an answer proves which key it saw.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import anthropic
import grpc
import httpx
import openai
import pytest
import yaml
from tests.fixtures.ai_company import AiCompany, ai_company
from tests.fixtures.certificates import Authority
from tests.fixtures.vendor_clients import anthropic_client, openai_client

from fiscus.app.workspace import open_workspace
from fiscus.connectors.simulated_ai.faults import Fault
from fiscus.connectors.simulated_ai.server import LocalAi
from fiscus.edges.envoy.messages import (
    CheckRequest,
    CheckResponse,
    HealthCheckRequest,
    HealthCheckResponse,
    ProcessingRequest,
    ProcessingResponse,
)
from fiscus.flows.show_ledger import show_ledger

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "envoy" / "envoy.yaml"
ENVOY = Path(sys.prefix) / "bin" / "envoy"
ASKED = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 50}
AUTHORIZATION = "/envoy.service.auth.v3.Authorization/Check"
PROCESSOR = "/envoy.service.ext_proc.v3.ExternalProcessor/Process"


@dataclass
class Served:
    """`fiscus envoy` on a company; where gRPC and /metrics answer."""

    company: AiCompany
    address: str
    metrics_port: int
    process: subprocess.Popen[str]

    def metrics(self) -> str:
        return httpx.get(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10).text

    def before(self) -> tuple[Decimal, int]:
        """`spent`, once what ended before is stored: that is done four times a second."""
        seen = self.spent()
        while True:
            time.sleep(0.6)
            if (now := self.spent()) == seen:
                return now
            seen = now

    def spent(self) -> tuple[Decimal, int]:
        """(settled in USD, calls under way), by what was counted of the calls."""
        ws = open_workspace(self.company.home)
        calls = list(ws.calls.calls(ws.clock.now().replace(year=2000), ws.clock.now().replace(year=2100)))
        ws.ledger.close()
        return Decimal(sum(call.settled for call in calls)) / 10**9, len(calls)


@contextmanager
def served(company: AiCompany, *more: str) -> Iterator[Served]:
    metrics = _free_port()
    command = [sys.executable, "-m", "fiscus", "envoy", "--port", "0", "--metrics-port", str(metrics), "--json",
               "--home", str(company.home), *more]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            address = json.loads("".join(process.stdout.readline() for _ in range(3)))["address"]
            yield Served(company, address, metrics, process)
        finally:
            process.send_signal(signal.SIGTERM)


@pytest.fixture(scope="module")
def vendor() -> Iterator[LocalAi]:
    with LocalAi(fill=0.5) as local:
        yield local


@pytest.fixture(scope="module")
def company(vendor: LocalAi, tmp_path_factory: pytest.TempPathFactory) -> AiCompany:
    return ai_company(tmp_path_factory.mktemp("envoy") / "home", vendor)


@pytest.fixture(scope="module")
def fiscus(company: AiCompany) -> Iterator[Served]:
    with served(company) as one:
        yield one


@pytest.fixture(scope="module")
def proxy(fiscus: Served, vendor: LocalAi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an Envoy with the configuration of examples/envoy, but for where things are."""
    with _envoy(tmp_path_factory.mktemp("proxy"), fiscus.address, vendor) as url:
        yield url


def test_the_official_client_goes_through_and_is_settled_at_the_vendors_bill(
    proxy: str, fiscus: Served, vendor: LocalAi
) -> None:
    billed = vendor.billed()
    raw = openai_client(f"{proxy}/openai/v1", fiscus.company.key).chat.completions.with_raw_response.create(**ASKED)
    assert raw.parse().usage.completion_tokens == 25
    call = _call_of(fiscus, raw.headers["x-fiscus-decision"])
    assert (call.state, call.status, call.team, call.environment) == ("settled", 200, "platform", "prod")
    assert Decimal(call.settled) / 10**9 == vendor.billed() - billed > 0
    assert "x-fiscus-call" not in raw.headers


def test_another_vendors_client_goes_through_as_well(proxy: str, fiscus: Served, vendor: LocalAi) -> None:
    billed = vendor.billed()
    client = anthropic_client(f"{proxy}/anthropic", fiscus.company.key)
    raw = client.messages.with_raw_response.create(model="claude-haiku-4-5", max_tokens=40, messages=ASKED["messages"])
    call = _call_of(fiscus, raw.headers["x-fiscus-decision"])
    assert (call.upstream, call.state) == ("anthropic", "settled")
    assert Decimal(call.settled) / 10**9 == vendor.billed() - billed > 0


def test_a_stream_passes_as_it_comes_and_is_settled_at_its_end(proxy: str, fiscus: Served, vendor: LocalAi) -> None:
    billed = vendor.billed()
    client = openai_client(f"{proxy}/openai/v1", fiscus.company.key)
    with client.chat.completions.with_streaming_response.create(
        **ASKED, stream=True, stream_options={"include_usage": True}
    ) as answer:
        decision = answer.headers["x-fiscus-decision"]
        assert b"[DONE]" in answer.read()
    call = _call_of(fiscus, decision)
    assert (call.state, call.streamed) == ("settled", True)
    assert Decimal(call.settled) / 10**9 == vendor.billed() - billed > 0


def test_a_stream_without_its_usage_is_settled_at_an_estimate(proxy: str, fiscus: Served, vendor: LocalAi) -> None:
    """Envoy cannot ask the vendor for the usage that the client did not ask for."""
    billed = vendor.billed()
    client = openai_client(f"{proxy}/openai/v1", fiscus.company.key)
    with client.chat.completions.with_streaming_response.create(**ASKED, stream=True) as answer:
        decision = answer.headers["x-fiscus-decision"]
        answer.read()
    call = _call_of(fiscus, decision)
    assert call.state == "estimated"
    assert Decimal(call.settled) / 10**9 >= vendor.billed() - billed > 0


def test_a_broken_stream_and_a_lost_answer_never_cost_less_than_the_bill(
    proxy: str, fiscus: Served, vendor: LocalAi
) -> None:
    client = openai_client(f"{proxy}/openai/v1", fiscus.company.key)
    before, billed = fiscus.before(), vendor.billed()
    vendor.plant(Fault("cut_stream", vendor="openai"), Fault("error_500_after_billing", vendor="openai"))
    with pytest.raises((openai.APIError, httpx.HTTPError)):
        list(client.chat.completions.create(**ASKED, stream=True))
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(**ASKED)
    assert _until(lambda: fiscus.spent()[1] == before[1] + 2)
    assert fiscus.spent()[0] - before[0] >= vendor.billed() - billed > 0


def test_a_client_that_leaves_in_the_middle_is_charged(proxy: str, fiscus: Served, vendor: LocalAi) -> None:
    before, billed = fiscus.before(), vendor.billed()
    vendor.plant(Fault("slow_stream", vendor="openai", seconds=0.2))
    client = openai_client(f"{proxy}/openai/v1", fiscus.company.key)
    stream = client.chat.completions.create(**{**ASKED, "max_tokens": 400}, stream=True)
    next(iter(stream))
    stream.close()
    assert _until(lambda: fiscus.spent()[1] == before[1] + 1, 20)
    assert _until(lambda: fiscus.spent()[0] - before[0] >= vendor.billed() - billed > 0)


def test_what_does_not_fit_is_refused_in_the_vendors_shape_and_never_sent(
    proxy: str, fiscus: Served, vendor: LocalAi
) -> None:
    billed = vendor.bill()
    client = openai_client(f"{proxy}/openai/v1", fiscus.company.key)
    with pytest.raises(openai.APIStatusError) as refused:
        client.chat.completions.create(**{**ASKED, "max_tokens": 16_000}, n=100)
    assert "Budget Platform on AI has" in str(refused.value.body)
    assert refused.value.response.headers["x-fiscus-decision"].startswith("dec-")
    assert vendor.bill() == billed


def test_whoever_has_no_key_of_ours_is_refused_in_the_vendors_shape(proxy: str, fiscus: Served) -> None:
    with pytest.raises(openai.AuthenticationError, match="not known here"):
        openai_client(f"{proxy}/openai/v1", "sk-simulated-main").chat.completions.create(**ASKED)
    with pytest.raises(anthropic.AuthenticationError):
        anthropic_client(f"{proxy}/anthropic", "sk-simulated-main").messages.create(
            model="claude-haiku-4-5", max_tokens=4, messages=ASKED["messages"]
        )


def test_a_call_without_an_end_is_bounded_by_the_most_that_its_model_can_answer(proxy: str, fiscus: Served) -> None:
    client = openai_client(f"{proxy}/openai/v1", fiscus.company.key)
    raw = client.chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=ASKED["messages"])
    call = _call_of(fiscus, raw.headers["x-fiscus-decision"])
    assert call.bound >= 16_384 * 600  # its list price is 0.60 USD a million


def test_what_costs_nothing_goes_on_and_what_nobody_knows_does_not(proxy: str, fiscus: Served) -> None:
    client = openai_client(f"{proxy}/openai/v1", fiscus.company.key)
    assert {model.id for model in client.models.list()} >= {"gpt-4o-mini"}
    headers = {"Authorization": f"Bearer {fiscus.company.key}"}
    unknown = httpx.post(f"{proxy}/openai/v1/fine_tuning/jobs", json={}, headers=headers)
    assert (unknown.status_code, "Nobody knows what" in unknown.text) == (404, True)
    elsewhere = httpx.post(f"{proxy}/openai/v1/chat/completions", content=b"no json", headers=headers)
    assert elsewhere.status_code == 400


def test_what_was_asked_is_counted(proxy: str, fiscus: Served) -> None:
    _check(fiscus.address, _asked(fiscus.company))
    _check(fiscus.address, _asked(fiscus.company, key=""))
    openai_client(f"{proxy}/openai/v1", fiscus.company.key).chat.completions.create(**ASKED)
    fiscus.before()
    text = fiscus.metrics()
    assert 'fiscus_envoy_checks_total{answer="allowed",why="allow"}' in text
    assert 'fiscus_envoy_checks_total{answer="denied",why="unauthenticated"}' in text
    assert "# TYPE fiscus_gateway_calls_total counter" in text
    assert httpx.get(f"http://127.0.0.1:{fiscus.metrics_port}/healthz").json() == {"status": "ok"}


def test_nothing_goes_on_while_fiscus_is_gone_and_nothing_is_lost_when_it_ends(vendor: LocalAi, tmp_path: Path) -> None:
    """What was under way when it ended is charged at its bound."""
    company = ai_company(tmp_path / "home", vendor)
    with served(company) as fiscus, _envoy(tmp_path, fiscus.address, vendor) as proxy:
        client = openai_client(f"{proxy}/openai/v1", company.key)
        client.chat.completions.create(**ASKED)
        _check(fiscus.address, _asked(company))  # let on, and never heard of again
        fiscus.process.send_signal(signal.SIGTERM)
        assert fiscus.process.wait(30) == 0
        billed = vendor.bill()
        with pytest.raises(openai.InternalServerError) as gone:
            client.chat.completions.create(**ASKED)
        assert gone.value.status_code == 503
        assert vendor.bill() == billed
        ws = open_workspace(company.home)
        assert show_ledger(ws).open == 0
        assert fiscus.spent()[1] == 2


def test_a_kill_frees_no_money_that_may_have_been_spent(vendor: LocalAi, tmp_path: Path) -> None:
    """The chunk that it was taken from stays held, and is charged when it expires."""
    company = ai_company(tmp_path / "home", vendor)
    with served(company) as fiscus:
        assert _check(fiscus.address, _asked(company)).status.code == 0
        fiscus.process.kill()
        assert fiscus.process.wait(30) == -signal.SIGKILL
    shown = show_ledger(open_workspace(company.home))
    assert (shown.open, shown.settled) == (1, {})
    assert shown.held["USD"] > Decimal("0.00003")


# gRPC alone


def test_a_check_says_yes_with_the_vendors_key_and_no_in_the_vendors_words(fiscus: Served) -> None:
    yes = _check(fiscus.address, _asked(fiscus.company))
    assert (yes.status.code, yes.WhichOneof("one")) == (0, "ok_response")
    headers = {one.header.key: one.header.value for one in yes.ok_response.headers}
    assert headers["authorization"] == "Bearer sk-simulated-main"
    assert headers["x-fiscus-call"]
    said = {one.header.key for one in yes.ok_response.response_headers_to_add}
    assert "x-fiscus-decision" in said
    no = _check(fiscus.address, _asked(fiscus.company, model="gpt-of-tomorrow"))
    assert (no.status.code, no.denied_response.status.code) == (7, 403)
    assert "has no price" in json.loads(no.denied_response.body)["error"]["message"]


@pytest.mark.parametrize(
    ("change", "status", "why"),
    [
        ({"path": "/nowhere/v1/chat/completions"}, 404, "There is no upstream"),
        ({"body": b""}, 400, "Envoy did not show the request's body"),
        ({"partial": True}, 400, "max_request_bytes"),
        ({"body": b'{"model": "gpt-4o-mini"'}, 400, ""),
        ({"key": ""}, 401, "No key was sent"),
        (
            {"path": "/openai/v1/batches", "body": b'{"input_file_id": "file-1"}'},
            404,
            "send it to Fiscus's own gateway",
        ),
    ],
)
def test_what_cannot_be_judged_is_said(fiscus: Served, change: Mapping[str, Any], status: int, why: str) -> None:
    no = _check(fiscus.address, _asked(fiscus.company, **change))
    assert no.denied_response.status.code == status
    assert why in no.denied_response.body


def test_a_route_may_name_the_upstream_and_leave_the_key_to_another_filter(fiscus: Served) -> None:
    asked = _asked(fiscus.company, path="/v1/chat/completions")
    asked.attributes.context_extensions["fiscus_upstream"] = "openai"
    asked.attributes.context_extensions["fiscus_credentials"] = "envoy"
    yes = _check(fiscus.address, asked)
    assert "authorization" not in {one.header.key for one in yes.ok_response.headers}
    assert list(yes.ok_response.headers_to_remove) == ["authorization"]  # ours never reaches the vendor


def test_a_processor_that_waits_is_answered_that_nothing_changes(fiscus: Served) -> None:
    yes = _check(fiscus.address, _asked(fiscus.company))
    call = next(one.header.value for one in yes.ok_response.headers if one.header.key == "x-fiscus-call")
    before = fiscus.before()
    answers = _process(fiscus.address, _shown(call, 429, b"{}"))
    assert [one.WhichOneof("one") for one in answers] == ["request_headers", "response_headers", "response_body"]
    assert _until(lambda: fiscus.spent()[1] == before[1] + 1)
    assert fiscus.spent()[0] == before[0]  # the vendor did nothing
    assert _process(fiscus.address, _shown("call-of-nobody", 200, b"{}"))


def test_its_health_is_asked_as_grpc_health_is(fiscus: Served) -> None:
    with grpc.insecure_channel(fiscus.address) as channel:
        ask = channel.unary_unary(
            "/grpc.health.v1.Health/Check", HealthCheckRequest.SerializeToString, HealthCheckResponse.FromString
        )
        assert ask(HealthCheckRequest(), timeout=10).status == 1
        assert ask(HealthCheckRequest(service="envoy.service.auth.v3.Authorization"), timeout=10).status == 1
        with pytest.raises(grpc.RpcError) as unknown:
            ask(HealthCheckRequest(service="other"), timeout=10)
        assert unknown.value.code() == grpc.StatusCode.NOT_FOUND


def test_only_callers_with_a_certificate_are_heard_where_one_is_asked_for(company: AiCompany, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "tls")
    cert, key = authority.issue("server")
    client_cert, client_key = authority.issue("client")
    ca = authority.ca_file.read_bytes()
    with served(company, "--cert", str(cert), "--key", str(key), "--client-ca", str(authority.ca_file)) as fiscus:
        known = grpc.ssl_channel_credentials(ca, client_key.read_bytes(), client_cert.read_bytes())
        assert _check(fiscus.address, _asked(company), known).status.code == 0
        with pytest.raises(grpc.RpcError):
            _check(fiscus.address, _asked(company), grpc.ssl_channel_credentials(ca))
        with pytest.raises(grpc.RpcError):
            _check(fiscus.address, _asked(company))


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--host", "0.0.0.0"), "the vendors' keys are in the answers"),
        (("--cert", "nowhere.pem"), "Give both --cert and --key"),
        (("--cert", "nowhere.pem", "--key", "nowhere.pem"), "nowhere.pem cannot be read"),
    ],
)
def test_it_does_not_listen_where_keys_would_be_seen(
    company: AiCompany, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], why: str
) -> None:
    from fiscus.__main__ import command_line

    code = command_line()(["envoy", "--home", str(company.home), *options], result_action="return_value")
    assert (code, why in capsys.readouterr().err) == (2, True)


@pytest.mark.parametrize("option", ["--port", "--metrics-port"])
def test_a_port_that_is_taken_is_said(company: AiCompany, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "-m", "fiscus", "envoy", "--home", str(company.home)]
        port = str(taken.getsockname()[1])
        others = [] if option == "--port" else ["--port", "0"]
        ran = subprocess.run(
            [*command, *others, option, port], capture_output=True, text=True, timeout=120, check=False
        )
    assert ran.returncode == 2
    assert f"{port}" in ran.stderr
    assert "Name another" in ran.stderr
    assert "Traceback" not in ran.stderr


def _asked(
    company: AiCompany, path: str = "/openai/v1/chat/completions", body: bytes | None = None, key: str | None = None,
    partial: bool = False, model: str = "gpt-4o-mini",
) -> Any:  # fmt: skip
    request = CheckRequest()
    http = request.attributes.request.http
    http.method, http.path = "POST", path
    http.raw_body = json.dumps({**ASKED, "model": model}).encode() if body is None else body
    http.headers["content-type"] = "application/json"
    if key != "":
        http.headers["authorization"] = f"Bearer {key or company.key}"
    if partial:
        http.headers["x-envoy-auth-partial-body"] = "true"
    return request


def _check(address: str, request: Any, credentials: grpc.ChannelCredentials | None = None) -> Any:
    with grpc.secure_channel(address, credentials) if credentials else grpc.insecure_channel(address) as channel:
        return channel.unary_unary(AUTHORIZATION, CheckRequest.SerializeToString, CheckResponse.FromString)(
            request, timeout=10
        )


def _shown(call: str, status: int, body: bytes) -> list[Any]:
    asked, answered, ended = ProcessingRequest(), ProcessingRequest(), ProcessingRequest()
    asked.request_headers.headers.headers.add(key="x-fiscus-call", raw_value=call.encode())
    answered.response_headers.headers.headers.add(key=":status", raw_value=str(status).encode())
    ended.response_body.body, ended.response_body.end_of_stream = body, True
    return [asked, answered, ended]


def _process(address: str, messages: list[Any]) -> list[Any]:
    with grpc.insecure_channel(address) as channel:
        ask = channel.stream_stream(PROCESSOR, ProcessingRequest.SerializeToString, ProcessingResponse.FromString)
        return list(ask(iter(messages), timeout=10))


def _call_of(fiscus: Served, decision_id: str) -> Any:
    """The call, once it is kept: what came back is shown beside the answer, so it may be there a moment later."""
    found: list[Any] = []

    def kept() -> bool:
        ws = open_workspace(fiscus.company.home)
        found[:] = [ws.calls.call_of_decision(decision_id)]
        ws.ledger.close()
        return found[0] is not None

    assert _until(kept, 20), decision_id
    return found[0]


def _until(holds: Callable[[], bool], seconds: float = 10) -> bool:
    ends = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > ends:
            return False
        time.sleep(0.1)
    return True


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def _envoy(folder: Path, address: str, vendor: LocalAi) -> Iterator[str]:
    if not ENVOY.is_file():
        pytest.skip("needs an Envoy: its wheel is for Linux on x86-64")
    config, port = yaml.safe_load(EXAMPLE.read_text("utf-8")), _free_port()
    resources = config["static_resources"]
    resources["listeners"][0]["address"]["socket_address"]["port_value"] = port
    manager = resources["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    for route in manager["route_config"]["virtual_hosts"][0]["routes"]:  # the simulator has the vendors side by side
        del route["route"]["host_rewrite_literal"], route["route"]["prefix_rewrite"]
    for cluster in resources["clusters"]:
        cluster.pop("transport_socket", None)
        there = address if cluster["name"] == "fiscus" else vendor.address.removeprefix("http://")
        cluster["type"] = "STATIC"
        place = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]
        place["address"], place["port_value"] = there.rsplit(":", 1)[0], int(there.rsplit(":", 1)[1])
    (folder / "envoy.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    log = folder / "envoy.log"
    command = [
        ENVOY,
        "-c",
        str(folder / "envoy.yaml"),
        "--use-dynamic-base-id",
        "--concurrency",
        "1",
        "--log-path",
        str(log),
    ]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ)
    ) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            assert _until(lambda: _listens(port) or process.poll() is not None, 60), log.read_text("utf-8")
            assert process.poll() is None, log.read_text("utf-8")
            yield url
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
