"""The webhook as an API server meets it: real TLS on loopback, certificates of a CA made here, and stores that hang."""

from __future__ import annotations

import http.client
import json
import signal
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import uvicorn
import yaml
from cel_expr_python import cel
from tests.bills import write_csv
from tests.fixtures.certificates import Authority
from tests.fixtures.commands import fiscus
from tests.fixtures.gates import bills, gated_company
from tests.unit.guardrails.test_kubernetes_gate import BUDGETS, SETTINGS, asked, workload

from fiscus.__main__ import command_line
from fiscus.edges.admission.metrics import FAILURES, GONE, LATE, NOT_RENEWED, REFUSED
from fiscus.edges.admission.serve import CertificateFile, TlsFiles, tls_context
from fiscus.edges.admission.standing import Standing
from fiscus.edges.admission.webhook import Webhook
from fiscus.flows.learn_price_book import price_book
from fiscus.flows.workspace import Workspace
from fiscus.kernel.counters import Counters
from fiscus.kernel.errors import BadInput
from fiscus.kernel.limits import ADMISSION_AT_ONCE_MAX

REPO = Path(__file__).resolve().parents[2]
MANIFESTS = REPO / "examples" / "kubernetes"
SECONDS_MAX = 2.0  # timeoutSeconds of our manifest


class Served:
    """A webhook that listens with TLS, and a client that trusts its CA."""

    def __init__(self, port: int, ca: Path, counters: Counters | None = None) -> None:
        self.port = port
        self.counters = counters or Counters()
        self.context = ssl.create_default_context(cafile=str(ca))

    def ask(self, review: object, path: str = "/admit", method: str = "POST") -> tuple[int, Any]:
        """(status, answer) of one request, over a connection of its own."""
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=10, context=self.context)
        try:
            body = None if method == "GET" else review if isinstance(review, bytes) else json.dumps(review)
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            data = answer.read()
            is_json = answer.headers["Content-Type"] == "application/json"
            return answer.status, json.loads(data) if is_json else data.decode()
        finally:
            connection.close()

    def response(self, review: object) -> dict[str, Any]:
        """The response of an AdmissionReview, given in time."""
        started = time.monotonic()
        status, answer = self.ask(review)
        assert time.monotonic() - started < SECONDS_MAX
        assert status == 200, answer
        assert answer["apiVersion"] == "admission.k8s.io/v1"
        return answer["response"]


@contextmanager
def served(ws: Workspace, authority: Authority, tls: TlsFiles | None = None) -> Iterator[Served]:
    """The webhook over `ws`, in a thread of this process."""
    cert, key = authority.issue("server")
    context = tls_context(tls or TlsFiles(cert, key), datetime.now(UTC))
    counters = Counters()
    book = price_book(ws)
    webhook = Webhook(lambda: (ws, book), counters)
    config = uvicorn.Config(
        webhook, port=0, log_level="error", lifespan="off", ssl_context_factory=lambda _, __: context
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Served(port, authority.ca_file, counters)
    server.should_exit = True
    thread.join()
    webhook.close()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "tls")


@pytest.fixture
def own(tmp_path: Path) -> Workspace:
    return gated_company(tmp_path / "home", budgets=BUDGETS, kubernetes=SETTINGS)


def _with(ws: Workspace, **settings: Any) -> Workspace:
    gates = replace(ws.config.gates, kubernetes=replace(ws.config.gates.kubernetes, **settings))
    return replace(ws, config=replace(ws.config, gates=gates))


def test_an_api_server_is_answered_over_tls(own: Workspace, authority: Authority) -> None:
    with served(own, authority) as webhook:
        yes = webhook.response(asked())
        assert (yes["uid"], yes["allowed"]) == ("u-1", True)
        no = webhook.response(asked(workload(spec={"replicas": 90}), uid="u-2"))
        assert (no["uid"], no["allowed"], no["status"]["code"]) == ("u-2", False, 403)
        assert "Budget Payments has" in no["status"]["message"]
        assert webhook.ask(None, "/healthz", "GET") == (200, "ok\n")
        text = webhook.ask(None, "/metrics", "GET")[1]
        assert 'fiscus_admission_answers_total{dry_run="false",verdict="allow"} 1' in text
        assert 'fiscus_admission_answers_total{dry_run="false",verdict="deny"} 1' in text
        assert webhook.ask(None, "/else", "GET")[0] == 404


def test_at_once_no_more_is_let_in_than_the_budget_holds(own: Workspace, authority: Authority) -> None:
    """Each fits, five fit, eight do not: the money is held under the ledger's lock."""
    with served(own, authority) as webhook, ThreadPoolExecutor(8) as pool:
        reviews = [asked(workload(name=f"w{n}"), uid=f"u-{n}", name=f"w{n}") for n in range(8)]
        answers = list(pool.map(lambda review: webhook.ask(review)[1]["response"], reviews))
        allowed = sum(answer["allowed"] for answer in answers)
        held = own.ledger.store.totals().held["USD"]
        assert webhook.counters.value(FAILURES) == 0
    each = held // allowed
    assert 0 < held <= 100 * 10**9 < held + each
    assert allowed < 8


def test_what_is_no_review_is_refused_and_counted(own: Workspace, authority: Authority) -> None:
    with served(own, authority) as webhook:
        for body in (
            b"",
            b"nonsense",
            b"[" * 100_000,
            b"{}",
            b'{"apiVersion": "admission.k8s.io/v1beta1"}',
        ):
            status, answer = webhook.ask(body)
            assert (status, answer["error"]["code"]) == (400, "bad_input")
        status, answer = webhook.ask(b"x" * 9_000_000)
        assert (status, answer["error"]["message"]) == (413, "The review is larger than 8,000,000 bytes")
        assert webhook.counters.value(REFUSED, why="too_large") == 1
        assert webhook.counters.value(REFUSED) == 6
        assert webhook.response(asked())["allowed"]


def test_a_caller_who_does_not_trust_the_ca_gets_nothing(own: Workspace, authority: Authority, tmp_path: Path) -> None:
    with served(own, authority) as webhook:
        stranger = Served(webhook.port, Authority(tmp_path / "other", "another CA").ca_file)
        with pytest.raises(ssl.SSLCertVerificationError):
            stranger.ask(asked())
        plain = http.client.HTTPConnection("127.0.0.1", webhook.port, timeout=5)
        plain.request("POST", "/admit", json.dumps(asked()))
        with pytest.raises((http.client.HTTPException, OSError)):
            plain.getresponse()
        old = ssl.create_default_context(cafile=str(authority.ca_file))
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        webhook.context = old
        assert webhook.response(asked())["allowed"]


def test_only_callers_of_the_client_ca_are_heard_where_one_is_named(
    own: Workspace, authority: Authority, tmp_path: Path
) -> None:
    clients = Authority(tmp_path / "clients", "client CA")
    cert, key = authority.issue("server")
    with served(own, authority, TlsFiles(cert, key, clients.ca_file)) as webhook:
        with pytest.raises((ssl.SSLError, OSError)):
            webhook.ask(asked())
        webhook.context.load_cert_chain(*clients.issue("api-server"))
        assert webhook.response(asked())["allowed"]


def test_bad_certificates_are_refused_before_anything_listens(authority: Authority, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    good, key = authority.issue("good")
    other_key = authority.issue("other")[1]
    text = tmp_path / "text.pem"
    text.write_text("no certificate")
    for cert, its_key, says in (
        (*authority.issue("old", (-10, -1)), "valid from"),
        (*authority.issue("future", (1, 10)), "valid from"),
        (*authority.issue("nameless", names=()), "subjectAltName"),
        (good, other_key, "do not go together"),
        (good, tmp_path / "none.key", "do not go together"),
        (tmp_path / "none.pem", key, "no certificate"),
        (text, key, "no certificate"),
    ):
        with pytest.raises(BadInput, match=says) as refused:
            tls_context(TlsFiles(cert, its_key), now)
        assert refused.value.where is not None
        assert refused.value.where.file
    with pytest.raises(BadInput, match="no CA certificate"):
        tls_context(TlsFiles(good, key, text), now)


def test_a_renewed_certificate_is_used_without_a_restart_and_a_broken_one_is_not(
    own: Workspace, authority: Authority
) -> None:
    cert, key = authority.issue("rolling")
    files_ = TlsFiles(cert, key)
    context = tls_context(files_, datetime.now(UTC))
    renewal = CertificateFile(files_, context)

    def serial() -> str:
        server, client = ssl.MemoryBIO(), ssl.MemoryBIO()
        trusting = ssl.create_default_context(cafile=str(authority.ca_file))
        ours = context.wrap_bio(server, client, server_side=True)
        theirs = trusting.wrap_bio(client, server, server_hostname="fiscus-admission.fiscus.svc")
        for _ in range(4):
            for side in (theirs, ours):
                with suppress(ssl.SSLWantReadError):
                    side.do_handshake()
        return theirs.getpeercert()["serialNumber"]

    first = serial()
    time.sleep(0.01)
    authority.issue("rolling")
    renewal.renew()
    second = serial()
    assert first != second
    time.sleep(0.01)
    cert.write_text("half written")
    with pytest.raises(BadInput):
        renewal.renew()
    assert serial() == second


@contextmanager
def _hung(path: Path) -> Iterator[None]:
    """Another process holds the store and does not let go: what a stuck disk or a stuck database looks like from here."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@pytest.mark.parametrize(("policy", "allowed", "counted"), [("Ignore", True, "allowed"), ("Fail", False, "denied")])
def test_a_hung_ledger_is_answered_in_time_by_the_declared_policy_and_counted(
    own: Workspace, authority: Authority, policy: str, allowed: bool, counted: str
) -> None:
    ws = _with(own, failure_policy=policy)
    with served(ws, authority) as webhook:
        with _hung(own.home / "ledger.db"):
            response = webhook.response(asked())
        assert response["allowed"] is allowed
        said = response["warnings"][0] if allowed else response["status"]["message"]
        assert "could not judge this" in said
        assert f"failure policy {policy}" in said
        assert webhook.counters.value(FAILURES, answer=counted) == 1
        assert allowed or response["status"]["code"] == 503
        assert webhook.response(asked(uid="u-2"))["allowed"]  # and when the store is back, it judges again


def test_money_of_a_judgement_after_its_answer_is_free_again_where_the_answer_was_no(
    own: Workspace, authority: Authority
) -> None:
    ws = _with(own, failure_policy="Fail")
    with served(ws, authority) as webhook:
        with _hung(own.home / "ledger.db"):
            assert not webhook.response(asked())["allowed"]
        deadline = time.monotonic() + 20
        while not webhook.counters.value(LATE) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert webhook.counters.value(LATE, money="stranded") == 0
        assert own.ledger.store.totals().open == 0


def test_more_requests_than_threads_are_all_answered_while_everything_hangs(
    own: Workspace, authority: Authority
) -> None:
    ws = _with(own, failure_policy="Ignore")
    count = ADMISSION_AT_ONCE_MAX + 8
    with served(ws, authority) as webhook:
        with _hung(own.home / "ledger.db"), ThreadPoolExecutor(count) as pool:
            reviews = [asked(uid=f"u-{n}") for n in range(count)]
            started = time.monotonic()
            answers = list(pool.map(lambda review: webhook.ask(review)[1]["response"], reviews))
            assert time.monotonic() - started < SECONDS_MAX + 1  # the clients share two cores with the server
        assert all(answer["allowed"] for answer in answers)
        assert sorted(answer["uid"] for answer in answers) == sorted(review["request"]["uid"] for review in reviews)
        assert webhook.counters.value(FAILURES, why="timeout") == count


def test_a_delete_is_never_held_up_and_settles_what_was_held(own: Workspace, authority: Authority) -> None:
    gone = asked(uid="u-2", operation="DELETE", object=None, oldObject=workload())
    with served(_with(own, failure_policy="Fail"), authority) as webhook:
        assert webhook.response(asked())["allowed"]
        assert own.ledger.store.totals().open == 1
        with _hung(own.home / "ledger.db"), ThreadPoolExecutor(ADMISSION_AT_ONCE_MAX) as pool:
            stuck = [pool.submit(webhook.ask, asked(uid=f"s-{n}")) for n in range(ADMISSION_AT_ONCE_MAX)]
            assert webhook.response(gone)["allowed"]
            assert not any(one.result()[1]["response"]["allowed"] for one in stuck)
        deadline = time.monotonic() + 20
        while not webhook.counters.value(GONE) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert webhook.counters.value(GONE, money="settled") == 1


def test_a_failing_judgement_is_the_failure_policys_too(own: Workspace, authority: Authority) -> None:
    with served(_with(own, requester="nobody-at-all", failure_policy="Fail"), authority) as webhook:
        response = webhook.response(asked())
        assert (response["allowed"], response["status"]["code"]) == (False, 503)
        assert webhook.counters.value(FAILURES, why="bad_input", answer="denied") == 1


def test_a_slow_body_is_cut_off(own: Workspace, authority: Authority) -> None:
    with served(own, authority) as webhook:
        connection = http.client.HTTPSConnection("127.0.0.1", webhook.port, timeout=10, context=webhook.context)
        started = time.monotonic()
        connection.putrequest("POST", "/admit")
        connection.putheader("Content-Length", "1000")
        connection.endheaders(b"{")
        assert connection.getresponse().status == 408
        assert time.monotonic() - started < SECONDS_MAX
        connection.close()
        assert webhook.counters.value(REFUSED, why="slow") == 1


def test_new_settings_and_bills_are_seen_and_broken_ones_are_not(home: Path) -> None:
    counters = Counters()
    standing = Standing(home, counters)
    before = standing()[0]
    budgets = home / "budgets" / "budgets.yaml"
    budgets.write_text("budgets: []")
    standing.renew()
    assert (len(before.config.budgets) > 0, standing()[0].config.budgets) == (True, ())
    budgets.write_text("nonsense: [")
    standing.renew()
    assert standing()[0].config.budgets == ()
    assert counters.value(NOT_RENEWED) == 1


def test_a_lake_that_hangs_is_not_waited_for(own: Workspace, authority: Authority) -> None:
    """Its prices were learned before; what looks for new ones waits in a thread of its own."""
    standing = Standing(own.home, Counters(), own)
    with served(own, authority) as webhook, own.lake._lock:
        renewing = threading.Thread(target=standing.renew, daemon=True)
        renewing.start()
        with ThreadPoolExecutor(1) as other:  # the lock is this thread's own
            assert other.submit(webhook.response, asked()).result()["allowed"]
        assert renewing.is_alive()
        assert webhook.counters.value(FAILURES) == 0
    renewing.join(timeout=10)
    assert not renewing.is_alive()


GATES = """
gates:
  kubernetes:
    provider: AWS
    region: us-east-1
    requester: ana.silva
    failure_policy: Fail
    namespaces: {"*": {team: platform, environment: prod}}
"""


@pytest.mark.slow
def test_the_command_serves_until_it_is_told_to_end(
    home: Path, authority: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole way: bills in, the loop once, the command in a process of its own, asked over TLS."""
    text = (home / "fiscus.yaml").read_text()
    (home / "fiscus.yaml").write_text(text.replace("\nsources:", f"\nas_of: 2026-11-20{GATES}\nsources:", 1))
    write_csv(home / "inbox" / "example" / "november.csv", bills(["m6i2"]))
    fiscus(home, "run")
    cert, key = map(str, authority.issue("server"))
    words = ["serve-admission", "--home", str(home), "--cert", cert, "--port", "0", "--json", "--key"]
    command = [sys.executable, "-m", "fiscus", *words, key]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = "".join(iter(process.stdout.readline, "}\n")) + "}"
            webhook = Served(int(json.loads(url)["url"].rpartition(":")[2].removesuffix("/admit")), authority.ca_file)
            response = webhook.response(asked())
            assert response["allowed"], response
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=20)
        finally:
            process.kill()
    capsys.readouterr()
    assert command_line()([*words, cert], result_action="return_value") == 2
    assert "do not go together" in capsys.readouterr().out


@pytest.mark.parametrize("path", sorted(MANIFESTS.glob("*.yaml")), ids=lambda path: path.name)
def test_a_manifest_is_valid_by_the_published_schema(path: Path) -> None:
    for document in yaml.safe_load_all(path.read_text("utf-8")):
        if document["apiVersion"].startswith("cert-manager.io/"):
            continue  # a resource of its own, whose schema its own project publishes
        kubernetes_validate.validate(document, "1.33", strict=True)


def test_the_manifest_says_what_happens_without_fiscus_and_that_a_dry_run_changes_nothing() -> None:
    (webhook,) = yaml.safe_load((MANIFESTS / "webhook.yaml").read_text("utf-8"))["webhooks"]
    assert webhook["failurePolicy"] in {"Ignore", "Fail"}
    assert (webhook["sideEffects"], webhook["timeoutSeconds"]) == ("NoneOnDryRun", 2)
    (match,) = webhook["namespaceSelector"]["matchExpressions"]
    assert {"kube-system", "fiscus"} <= set(match["values"])


@pytest.mark.parametrize(
    ("operation", "data", "asked_about"),
    [
        ("CREATE", {"metadata": {}}, True),
        ("CREATE", {"metadata": {"ownerReferences": [{"kind": "ReplicaSet", "controller": True}]}}, False),
        ("UPDATE", {"metadata": {"ownerReferences": [{"kind": "Application"}]}}, True),
        ("UPDATE", {"spec": {"replicas": 3}}, True),
        ("DELETE", None, True),
    ],
)
def test_the_manifest_asks_about_what_no_controller_made(operation: str, data: object, asked_about: bool) -> None:
    """Evaluated by Google's CEL, the language of the API server."""
    (webhook,) = yaml.safe_load((MANIFESTS / "webhook.yaml").read_text("utf-8"))["webhooks"]
    (condition,) = webhook["matchConditions"]
    env = cel.NewEnv(variables={"object": cel.Type.DYN, "request": cel.Type.DYN})
    value = env.compile(condition["expression"]).eval(data={"object": data, "request": {"operation": operation}})
    assert value.value() is asked_about
