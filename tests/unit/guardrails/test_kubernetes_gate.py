"""The Kubernetes door: what a workload requests, what that costs on the company's own nodes, and whose money it is."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.effort import some
from tests.fixtures.gates import AS_OF, gated_company
from tests.fixtures.judging import policy_of

from fiscus.cost.learn_prices import learn_prices
from fiscus.cost.node_rates import Rates, node_rates
from fiscus.cost.price_book import PriceBook
from fiscus.flows.admit_workload import admit_workload, settle_gone
from fiscus.flows.approve_intent import approve_intent
from fiscus.flows.gate_manifest import ManifestAsked, gate_manifest
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.doors.gate_settings import GateSettings, KubernetesSettings, NamespaceMap, NodeRates
from fiscus.guardrails.doors.kubernetes.cron_runs import runs_of
from fiscus.guardrails.doors.kubernetes.known_workloads import KnownWorkloads
from fiscus.guardrails.doors.kubernetes.manifest import read_manifest
from fiscus.guardrails.doors.kubernetes.price_workload import pod_hour, workload_cost
from fiscus.guardrails.doors.kubernetes.quantity import parse_quantity
from fiscus.guardrails.doors.kubernetes.review import Admission, Review, parse_review, review_answer
from fiscus.guardrails.doors.kubernetes.workload import Requests, workload_of
from fiscus.guardrails.policies.policy_set import PolicySet
from fiscus.guardrails.types import CheaperWay
from fiscus.kernel.actor import Actor
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.errors import BadConfig, BadInput, LimitExceeded

MONTH = Decimal(730)
RATES = Rates(Decimal("0.03"), Decimal("0.004"), Decimal("1.2"), "USD", "configured", "medium", "your configured rates")
BUDGETS = """
budgets:
  - {id: payments, title: Payments, scope: {"tag:namespace": payments}, period: month, currency: USD, amount: 100, cap: hard,
     owner: ml}
"""
SETTINGS = KubernetesSettings(
    provider="AWS", region="us-east-1", requester="lea",
    namespaces={"payments": NamespaceMap("ml", "prod", "shop"), "*": NamespaceMap("ml", "staging")},
)  # fmt: skip


def pod(cpu: str = "1", memory: str = "4Gi", **more: Any) -> dict[str, Any]:
    """A pod's spec with one container."""
    return {"containers": [{"name": "a", "resources": {"requests": {"cpu": cpu, "memory": memory}}}]} | more


def workload(
    kind: str = "Deployment", spec: dict[str, Any] | None = None, template: Any = None, **meta: Any
) -> dict[str, Any]:
    """An object of the API."""
    body = {"template": {"spec": template or pod()}} | (spec or {})
    if kind == "Pod":
        body = template or pod()
    if kind == "CronJob":
        body = {"schedule": "0 * * * *", "jobTemplate": {"spec": {"template": {"spec": template or pod()}}}} | (
            spec or {}
        )
    labels = {"team": "ml", "environment": "prod"}
    return {"kind": kind, "metadata": {"name": "api", "namespace": "payments", "labels": labels} | meta, "spec": body}


def review(data: dict[str, Any] | None = None, **request: Any) -> Review:
    """A review of a new object."""
    return parse_review(asked(data, **request))


def asked(data: dict[str, Any] | None = None, **request: Any) -> dict[str, Any]:
    """An AdmissionReview as an API server sends it."""
    data = data or workload()
    plural = f"{data['kind'].lower()}s"
    full = {
        "uid": "u-1", "operation": "CREATE", "kind": {"group": "apps", "version": "v1", "kind": data["kind"]},
        "resource": {"group": "apps", "version": "v1", "resource": plural}, "namespace": "payments", "name": "api",
        "object": data, "dryRun": False, "userInfo": {"username": "system:serviceaccount:argocd:argocd"},
    }  # fmt: skip
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": full | request}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("250m", "0.25"), ("1", "1"), (2, "2"), ("1.5", "1.5"), ("4Gi", str(4 * 2**30)), ("512Mi", str(512 * 2**20)),
        ("1G", "1E+9"), ("2e3", "2000"), ("1E", "1E+18"), ("100n", "1E-7"), (".5", "0.5"),
    ],
)  # fmt: skip
def test_a_quantity_is_what_kubernetes_means(text: object, number: str) -> None:
    assert parse_quantity(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "x", "1 Gi", "-1", "1Zi", "1e", None, True, [], "١"])
def test_what_is_no_quantity_is_none(text: object) -> None:
    assert parse_quantity(text) is None


@pytest.mark.parametrize(
    ("schedule", "runs"),
    [
        ("0 * * * *", 30 * 24), ("*/15 * * * *", 30 * 96), ("@daily", 30), ("0 3 1 * *", 1), ("0 0 * * 0", 5), ("0 0 * * sun", 5),
        ("0 9-17/2 * * mon-fri", 21 * 5), ("0 0 13 * 5", 4), ("0 0 12 * 5", 5), ("0 0 31 2 *", 0), ("@hourly", 30 * 24),
        ("0 0 * nov 7", 5),
        ("nonsense", None), ("* * * *", None), ("60 * * * *", None), ("*/0 * * * *", None), ("5-1 * * * *", None), ("", None),
    ],
)  # fmt: skip
def test_a_schedule_is_counted_as_cron_runs_it(schedule: str, runs: int | None) -> None:
    assert runs_of(schedule, date(2026, 11, 1), 30) == runs


@given(st.text(max_size=30))
def test_any_schedule_is_counted_or_refused(schedule: str) -> None:
    runs = runs_of(schedule, date(2026, 11, 1), 31)
    assert runs is None or 0 <= runs <= 31 * 1440


def _of(data: dict[str, Any], settings_: KubernetesSettings = SETTINGS):
    found = workload_of(data, settings_, MONTH, AS_OF)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("data", "pods", "hours"),
    [
        (workload("Deployment", {"replicas": 3}), 3, 730),
        (workload("StatefulSet"), 1, 730),
        (workload("Deployment", {"replicas": 0}), 0, 730),
        (workload("DaemonSet") | {"status": {"desiredNumberScheduled": 7}}, 7, 730),
        (workload("Pod"), 1, 730),
        (workload("Pod", template=pod(restartPolicy="Never")), 1, 24),
        (workload("Job", {"activeDeadlineSeconds": 7200}), 1, 2),
        (workload("Job", {"parallelism": 4, "completions": 10}), 4, 72),
        (workload("Job", {"parallelism": 8, "completions": 2}), 2, 24),
        (workload("Job", {"suspend": True}), 0, 0),
        (workload("CronJob", {"schedule": "0 3 * * *"}), 1, 30 * 24),
        (workload("CronJob", {"schedule": "0 * * * *", "concurrencyPolicy": "Forbid"}), 1, 730),
        (workload("CronJob", {"schedule": "0 3 * * *", "concurrencyPolicy": ["Forbid"]}), 1, 30 * 24),
        (workload("CronJob", {"suspend": True}), 0, 0),
    ],
)  # fmt: skip
def test_each_kind_runs_so_many_pods_for_so_long(data: dict[str, Any], pods: int, hours: int) -> None:
    found = _of(data)
    assert (found.pods, found.hours) == (pods, hours)


def test_what_a_pod_requests_is_what_the_scheduler_sees() -> None:
    def container(cpu: str, **more: Any) -> dict[str, Any]:
        return {"resources": {"requests": {"cpu": cpu}}} | more

    spec = {
        "containers": [container("1"), {"resources": {"limits": {"cpu": "500m", "nvidia.com/gpu": 2}}}],
        "initContainers": [container("200m", restartPolicy="Always"), container("3"), container("1")],
        "overhead": {"cpu": "100m"},
    }
    assert _of(workload(template=spec)).each == Requests(Decimal("3.3"), Decimal(0), Decimal(2))
    spec["resources"] = {"requests": {"cpu": "5"}}
    assert _of(workload(template=spec)).each.cpu == Decimal("5.1")


def test_pods_of_a_controller_and_kinds_without_pods_are_not_asked_about() -> None:
    owned = workload("Pod", ownerReferences=[{"kind": "ReplicaSet", "controller": True}])
    assert workload_of(owned, SETTINGS, MONTH, AS_OF) is None
    assert workload_of({"kind": "ConfigMap"}, SETTINGS, MONTH, AS_OF) is None


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (workload(template={"containers": [{}]}), "request nothing"),
        (workload("DaemonSet"), "daemon_nodes"),
        (workload(template=pod(cpu="much")), "no quantity"),
        (workload("CronJob", {"schedule": "often"}), "no schedule"),
        (
            workload(template={"containers": [{"resources": {"limits": {"nvidia.com/mig-1g.5gb": 1, "cpu": 1}}}]}),
            "share of a GPU",
        ),
    ],
)
def test_what_cannot_be_priced_says_why(data: dict[str, Any], why: str) -> None:
    cost = workload_cost(_of(data), lambda _: RATES)
    assert cost.monthly is None
    assert why in " ".join(cost.unknown)


def test_a_workload_costs_its_requests_for_its_hours() -> None:
    cost = workload_cost(_of(workload("Deployment", {"replicas": 3})), lambda _: RATES)
    assert cost.monthly == (Decimal("0.03") + 4 * Decimal("0.004")) * 3 * 730


def test_a_pod_that_wants_a_size_of_machine_is_priced_at_that_machine() -> None:
    data = workload(template=pod(nodeSelector={"node.kubernetes.io/instance-type": "m6i.2xlarge"}))
    dear = replace(RATES, cpu_hour=Decimal(1))
    assert workload_cost(_of(data), {"m6i.2xlarge": dear, "": RATES}.get).each == (1 + 4 * Decimal("0.004")) * 730


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    home = tmp_path_factory.mktemp("kubernetes") / "home"
    return gated_company(home, budgets=BUDGETS, kubernetes=SETTINGS)


def test_requests_that_fill_a_machine_cost_exactly_the_machine(ws: Workspace) -> None:
    book = PriceBook(AS_OF, learn_prices(ws.lake, AS_OF, 30))
    for size, price, full in (
        ("m6i.2xlarge", "0.36864", Requests(Decimal(8), Decimal(32))),
        ("c6i.4xlarge", "0.6528", Requests(Decimal(16), Decimal(32))),
    ):
        rates = node_rates(book, "AWS", "us-east-1", size)
        assert rates is not None
        assert round(pod_hour(full, rates), 20) == Decimal(price)
    every = node_rates(book, "AWS", "us-east-1")
    assert every is not None
    assert every.gpu_hour is not None
    gpu = Requests(Decimal(48), Decimal(192), Decimal(4))
    assert round(pod_hour(gpu, every), 20) == Decimal("5.44512")
    assert (every.source, every.confidence) == ("history", "high")
    assert node_rates(book, "Microsoft", "") is None


def _admit(ws: Workspace, asked_: Review, known: KnownWorkloads | None = None) -> Admission:
    return admit_workload(ws, asked_, known or KnownWorkloads())


@pytest.fixture
def own(tmp_path: Path) -> Workspace:
    """A company of its own: money is held in it."""
    return gated_company(tmp_path / "home", budgets=BUDGETS, kubernetes=SETTINGS)


def test_a_namespace_is_held_to_its_budget_and_what_is_let_in_holds_money(own: Workspace) -> None:
    small = _admit(own, review(workload(spec={"replicas": 2})))
    assert (small.allowed, small.verdict) == (True, "allow")
    assert own.ledger.store.totals().held["USD"] > 0
    again = _admit(own, review(workload(spec={"replicas": 2}, name="other"), uid="u-2", name="other"))
    assert not again.allowed  # each of them fits, both do not
    assert again.code == 403
    assert "Denied" in again.message
    assert "Budget Payments has" in again.message


def test_the_same_review_twice_holds_once(own: Workspace) -> None:
    for _ in range(2):
        assert _admit(own, review()).allowed
    assert own.ledger.store.totals().open == 1


def test_a_dry_run_holds_nothing_and_is_told_the_same(own: Workspace) -> None:
    assert _admit(own, review(dryRun=True)).allowed
    assert not _admit(own, review(workload(spec={"replicas": 50}), dryRun=True)).allowed
    assert own.ledger.store.totals().open == 0
    assert len(own.ledger.store.decisions()) == 2  # that somebody asked is evidence


def test_a_yes_is_named_in_an_annotation_and_lets_exactly_that_in_once(own: Workspace) -> None:
    big = policy_of("big", "intent.count > 1", "resource.provision", effect="require_approval", level="soft")
    strict = replace(own, config=replace(own.config, policies=PolicySet((big,))))
    refused = _admit(strict, review(workload(spec={"replicas": 2})))
    assert refused.message.startswith("Needs approval")
    (approval,) = re.findall(r"\[(apr-\w+)\]", refused.message)
    approve_intent(strict, approval, Actor("vera"))

    def again(uid: str, replicas: int = 2, named: str = approval) -> Admission:
        data = workload(spec={"replicas": replicas}, annotations={"fiscus.dev/approval": named})
        return _admit(strict, review(data, uid=uid))

    assert not again("u-2", replicas=3).allowed
    assert again("u-3").allowed
    assert not again("u-4").allowed  # used up
    assert "apr-nothing" in again("u-5", named="apr-nothing").message


def test_an_update_is_asked_about_what_it_adds(own: Workspace) -> None:
    update = {"operation": "UPDATE", "oldObject": workload(spec={"replicas": 30})}
    assert not _admit(own, review(workload(spec={"replicas": 40}), **update)).allowed
    assert _admit(own, review(workload(spec={"replicas": 31}), uid="u-2", **update)).allowed
    held = own.ledger.store.totals().held["USD"]
    assert held < 40 * 10**9  # one pod, not thirty-one
    assert _admit(own, review(workload(spec={"replicas": 3}), uid="u-3", **update)).decision_id == ""


def test_what_is_deleted_soon_is_settled_at_its_hours(own: Workspace) -> None:
    known = KnownWorkloads()
    assert _admit(own, review(), known).allowed
    held = own.ledger.store.totals().held["USD"]
    assert isinstance(own.clock, SteppedClock)
    own.clock.advance(timedelta(minutes=90))
    assert settle_gone(own, review(operation="DELETE", object=None), known) == 1
    totals = own.ledger.store.totals()
    assert totals.open == 0
    assert 0 < totals.settled["USD"] <= held * 2 // 730 + 1  # two of 730 hours
    assert settle_gone(own, review(operation="DELETE", object=None), known) == 0


def test_a_cheaper_way_is_offered_and_holds_nothing_of_what_is_turned_away(own: Workspace) -> None:
    cheaper = (CheaperWay("one pod", {"count": 1}, Decimal("0.5")),)
    big = policy_of("big", "intent.count > 1", "resource.provision", effect="degrade", level="hard", options=cheaper)
    strict = replace(own, config=replace(own.config, policies=PolicySet((big,))))
    admission = _admit(strict, review(workload(spec={"replicas": 2})))
    assert (admission.allowed, admission.verdict) == (False, "degrade")
    assert "one pod: " in admission.message
    assert own.ledger.store.totals().open == 0


@pytest.mark.parametrize("operation", ["DELETE", "CONNECT"])
def test_what_goes_away_is_let_in(ws: Workspace, operation: str) -> None:
    assert _admit(ws, review(workload(spec={"replicas": 999}), operation=operation, object=None)) == Admission(
        allowed=True
    )


@pytest.mark.parametrize(
    ("replicas", "cpu", "memory", "said"),
    [
        (1, "1e30", "4Gi", "e+31 USD a month, and no more than 9,223,372,036.85 USD can be asked for"),
        (1, "1e999", "4Gi", "USD a month, and no more than"),
        (1, "9" * 100, "4Gi", "USD a month, and no more than"),
        (1, "9E", "9E", "e+20 USD a month, and no more than"),
        (1_000_000, "500", "4Gi", "it would cost about 11,"),
        (2_000_000_000, "1n", "1", "it asks for 2,000,000,000 pods, and no more than 1,000,000 can be priced"),
        (10**30, "1", "1Gi", "it asks for 1.0e+30 pods"),
    ],
)
def test_what_is_beyond_any_price_is_denied_and_no_failure(own: Workspace, replicas, cpu, memory, said) -> None:
    answer = _admit(own, review(workload(spec={"replicas": replicas}, template=pod(cpu, memory))), KnownWorkloads())
    assert (answer.allowed, answer.verdict, answer.code, answer.unjudged) == (False, "deny", 403, False)
    assert said in answer.message


def test_scaling_beyond_any_price_is_denied(own: Workspace) -> None:
    known = KnownWorkloads()
    assert _admit(own, review(workload(spec={"replicas": 1})), known).allowed
    objects: dict[str, Any] = {"object": {"spec": {"replicas": 2_000_000_000}}, "oldObject": {"spec": {"replicas": 1}}}
    answer = _admit(own, review(operation="UPDATE", subResource="scale", uid="u-2", **objects), known)
    assert answer.message == "Denied: it asks for 2,000,000,000 pods, and no more than 1,000,000 can be priced."


def test_scaling_is_priced_by_what_was_seen_of_the_workload(own: Workspace) -> None:
    known = KnownWorkloads()

    def scale(was: int, to: int, uid: str) -> Admission:
        objects = {
            "object": {"kind": "Scale", "spec": {"replicas": to}},
            "oldObject": {"kind": "Scale", "spec": {"replicas": was}},
        }
        return _admit(own, review(operation="UPDATE", subResource="scale", uid=uid, **objects), known)

    assert "not seen since this webhook started" in scale(1, 2, "u-9").warnings[0]
    assert _admit(own, review(), known).allowed
    assert scale(1, 2, "u-2").verdict == "allow"
    assert not scale(2, 90, "u-3").allowed
    assert scale(90, 1, "u-4") == Admission(allowed=True)


def test_policies_read_kind_namespace_labels_and_gpu(ws: Workspace) -> None:
    when = (
        'intent.resource_type == "kubernetes.Job" && intent.gpu && intent.tags.namespace == "payments" '
        '&& intent.tags.team == "ml" && intent.environment == "prod" && intent.product == "shop" && intent.count == 1'
    )
    strict = replace(
        ws,
        config=replace(
            ws.config, policies=PolicySet((policy_of("gpu", when, "resource.provision", effect="warn", level="warn"),))
        ),
    )
    job = workload("Job", template={"containers": [{"resources": {"limits": {"nvidia.com/gpu": 1}}}]})
    admission = _admit(strict, review(job, dryRun=True))
    assert (admission.allowed, admission.verdict) == (True, "warn")
    assert "Rule gpu" in admission.warnings[0]


@pytest.mark.parametrize(("setting", "allowed"), [("warn", True), ("approval", False), ("deny", False)])
def test_what_has_no_requests_comes_to_what_the_company_set(ws: Workspace, setting: str, allowed: bool) -> None:
    set_ = replace(ws, config=replace(ws.config, gates=replace(ws.config.gates, on_unpriced=setting)))
    admission = _admit(set_, review(workload(template={"containers": [{}]})))
    assert admission.allowed is allowed
    assert "request nothing" in (admission.message or admission.warnings[0])


def test_rates_are_configured_where_the_bills_cannot_say(tmp_path: Path) -> None:
    rates = NodeRates(Decimal("0.04"), Decimal("0.005"), None, "USD")
    known = replace(SETTINGS, rates=rates, provider="Microsoft")
    ws = gated_company(tmp_path / "home", budgets=BUDGETS, kubernetes=known)
    admission = _admit(ws, review(workload(spec={"replicas": 50}), dryRun=True))
    assert "your configured rates" in admission.message
    none = gated_company(tmp_path / "none", budgets=BUDGETS, kubernetes=replace(known, rates=None))
    assert "no node rates" in _admit(none, review(dryRun=True)).warnings[0]


def test_a_person_of_the_directory_asks_for_themselves(own: Workspace) -> None:
    admission = _admit(own, review(userInfo={"username": "max@x.example"}))
    decision = own.ledger.store.decision(admission.decision_id)
    assert decision is not None
    assert decision.intent.requested_by == "max"
    nobody = replace(own.config.gates, kubernetes=replace(SETTINGS, requester=""))
    with pytest.raises(BadConfig, match="nobody stands for service accounts"):
        _admit(replace(own, config=replace(own.config, gates=nobody)), review(uid="u-7"))


def test_an_answer_fits_the_form_of_the_api() -> None:
    many = tuple(f"w{n}\nx" * 200 for n in range(20))
    answer = review_answer("u-1", Admission(False, "no " * 2000, many, 403, "deny", decision_id="dec-1"))
    response = answer["response"]
    assert (answer["apiVersion"], answer["kind"], response["uid"]) == ("admission.k8s.io/v1", "AdmissionReview", "u-1")
    assert response["status"]["code"] == 403
    assert len(response["status"]["message"]) <= 2000
    assert all(len(text) <= 256 and "\n" not in text for text in response["warnings"])
    assert len(response["warnings"]) == 9
    assert response["auditAnnotations"] == {"verdict": "deny", "decision": "dec-1"}


@pytest.mark.parametrize(
    "data", [None, [], {}, {"apiVersion": "admission.k8s.io/v1beta1"}, asked(uid=""), asked(uid=7)]
)
def test_what_is_no_review_is_refused(data: object) -> None:
    with pytest.raises(BadInput):
        parse_review(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=some(200), deadline=None)
@given(st.sampled_from(["Deployment", "DaemonSet", "Job", "CronJob", "Pod"]), st.dictionaries(
    st.sampled_from(["replicas", "template", "jobTemplate", "schedule", "parallelism", "completions", "containers", "resources",
                     "initContainers", "overhead", "nodeSelector", "suspend", "activeDeadlineSeconds", "spec"]), JSON,
), JSON)  # fmt: skip
def test_whatever_an_object_holds_it_is_priced_or_said_not_to_be(kind: str, spec: dict[str, Any], meta: Any) -> None:
    found = workload_of({"kind": kind, "metadata": meta, "spec": spec}, SETTINGS, MONTH, AS_OF)
    if found is not None:
        cost = workload_cost(found, lambda _: RATES)
        assert cost.monthly is None or cost.monthly >= 0


def test_the_defaults_are_what_the_reference_says() -> None:
    assert GateSettings() == GateSettings(30, Decimal(730), "warn", "max", {}, KubernetesSettings())
    assert KubernetesSettings().failure_policy == "Ignore"


MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: payments, labels: {team: ml, environment: prod}}
spec:
  replicas: %s
  template: {spec: {containers: [{name: a, resources: {requests: {cpu: "1", memory: 4Gi}}}]}}
---
apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: c}}
  - apiVersion: v1
    kind: Pod
    metadata: {name: p, labels: {team: ml, environment: dev}}
    spec: {containers: [{resources: {limits: {cpu: 1}}}]}
"""


def test_a_manifest_is_judged_before_it_is_applied(own: Workspace) -> None:
    report = gate_manifest(own, read_manifest(MANIFEST % 2), ManifestAsked("max", "shop"))
    assert report.verdict == "allow"
    assert [(one.kind, one.namespace, one.name) for one in report.workloads] == [
        ("Deployment", "payments", "api"), ("Pod", "shop", "p"),
    ]  # fmt: skip
    assert "2 pods of 1 vCPU, 4 GiB for 730 hours" in report.workloads[0].said
    assert gate_manifest(own, read_manifest(MANIFEST % 90), ManifestAsked("max", "shop")).verdict == "deny"
    gates = replace(own.config.gates, kubernetes=KubernetesSettings("AWS"))
    bare = replace(own, config=replace(own.config, gates=gates))
    with pytest.raises(BadInput, match="No environment is named"):
        gate_manifest(bare, read_manifest(MANIFEST % 2), ManifestAsked("max"))
    told = ManifestAsked("max", rest=NamespaceMap("ml", "prod"))
    assert gate_manifest(bare, read_manifest(MANIFEST % 2), told).verdict == "allow"
    assert own.ledger.store.totals().open == 0


HEAD = "apiVersion: apps/v1\nkind: Deployment\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "Not valid YAML"), ("a: &x 1\nb: *x", "aliases"), ("a: !!python/object:x {}", "YAML"),
        ("", "is empty"), ("# off\n---\n# off too\n", "is empty"), ("- 1", "Document 1 is no object"),
        (f"{HEAD}metadata: {{}}\nspec: {{}}\n---\nError", "Document 2 is no object"),
        ("replicas: 3", "Document 1 names no apiVersion"),
        ("apiVersion: v1\nkind: [Pod]", "names no kind"), (f"{HEAD}metadata: x\nspec: {{}}", "whose metadata is no mapping"),
        (f"{HEAD}metadata: {{}}\nspec: y", "whose spec is no mapping"), (f"{HEAD}metadata: {{}}", "whose spec is no mapping"),
        ("apiVersion: v1\nkind: List\nitems: x", "items are no list"),
        ("apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Secret}, 2]", "Document 1, items.1 is no object"),
    ],
)  # fmt: skip
def test_what_is_no_manifest_is_refused(text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says) as refused:
        read_manifest(text, "m.yaml")
    assert refused.value.where is not None
    assert refused.value.where.file == "m.yaml"


def test_a_manifest_of_other_kinds_costs_nothing(own: Workspace) -> None:
    text = "---\n# off\n---\napiVersion: v1\nkind: ConfigMap\n---\napiVersion: x/v1\nkind: AccessList\nspec: none\n"
    assert [one["kind"] for one in read_manifest(text)] == ["ConfigMap", "AccessList"]
    assert gate_manifest(own, read_manifest(text), ManifestAsked("max")).workloads == ()
    assert read_manifest("apiVersion: v1\nkind: List\nitems:\n") == ()


def test_no_object_of_a_long_list_is_left_out() -> None:
    items = ", ".join(["{apiVersion: v1, kind: Pod}"] * 3)
    with pytest.raises(BadInput, match=r"items\.0 is a Pod"):
        read_manifest(f"apiVersion: v1\nkind: PodList\nitems: [{items}]")
    many = ", ".join(["{apiVersion: v1, kind: A}"] * 10_001)
    with pytest.raises(LimitExceeded, match="at most 10,000 objects"):
        read_manifest(f"apiVersion: v1\nkind: List\nitems: [{many}]")
