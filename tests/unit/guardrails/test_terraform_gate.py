"""The Terraform door: what is read of a plan, what is priced, who is asked, and what is never silently zero."""

from __future__ import annotations

import json
import re
import shlex
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.effort import some
from tests.fixtures.gates import change, created, gated_company, planned, sold
from tests.fixtures.judging import budgets_of, policy_of

from fiscus.__main__ import command_line
from fiscus.flows.approve_intent import approve_intent
from fiscus.flows.evaluate import evaluate
from fiscus.flows.gate_terraform import gate_terraform
from fiscus.flows.settle_hold import release_hold
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.doors.terraform.judge import GateAsked
from fiscus.guardrails.doors.terraform.plan import parse_plan, read_plan
from fiscus.guardrails.doors.terraform.report import GateReport
from fiscus.guardrails.doors.terraform.rules import FREE, RULES
from fiscus.guardrails.doors.terraform.show_markdown import gate_markdown
from fiscus.guardrails.doors.terraform.show_sarif import gate_sarif
from fiscus.guardrails.doors.terraform.show_text import gate_text
from fiscus.guardrails.policies.policy_set import PolicySet
from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import BadInput, FiscusError, LimitExceeded
from fiscus.kernel.money import total

MAX = GateAsked("max")
MACHINE = created(
    "aws_instance", instance_type="m6i.2xlarge", root_block_device=[{"volume_type": "gp3", "volume_size": 100}]
)
MONTH = Decimal("0.36864") * 730
DISK = Decimal("7.68")


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return gated_company(tmp_path_factory.mktemp("gate") / "home")


def _gate(ws: Workspace, *changes: Any, asked: GateAsked = MAX, **top: Any) -> GateReport:
    return gate_terraform(ws, parse_plan(planned(*changes, **top)), asked)


def _with(ws: Workspace, **gates: Any) -> Workspace:
    return replace(ws, config=replace(ws.config, gates=replace(ws.config.gates, **gates)))


def _judged_by(ws: Workspace, *policies: Any) -> Workspace:
    return replace(ws, config=replace(ws.config, policies=PolicySet(policies)))


def test_a_machine_costs_its_hours_and_its_disk_at_the_contracted_prices(ws: Workspace) -> None:
    report = _gate(ws, MACHINE)
    assert report.totals[0].delta == MONTH + DISK
    assert [(part.source, part.confidence) for part in report.resources[0].parts] == [("contracted", "high")] * 2
    assert report.verdict == "allow"


def test_headroom_after_the_change_is_shown_and_a_hard_cap_denies(ws: Workspace) -> None:
    (row,) = _gate(ws, MACHINE).headroom
    assert (row.budget_id, row.headroom - row.after) == ("dev", round(MONTH + DISK, 2))
    many = [change(f"aws_instance.m{n}", ["create"], None, MACHINE["change"]["after"]) for n in range(33)]
    report = _gate(ws, *many)
    assert report.verdict == "deny"
    assert "Budget Development has 8,950.00 left" in report.reasons[0]


def test_ten_small_resources_do_not_pass_where_one_large_one_would_not(ws: Workspace) -> None:
    report = _gate(ws, *(change(f"aws_instance.m{n}", ["create"], None, MACHINE["change"]["after"]) for n in range(10)))
    assert report.verdict == "require_approval"
    assert "A resource over 2,000 USD a month" in report.reasons[0]
    assert all(one.verdict == "allow" for one in report.resources)


def test_a_budget_bears_all_vendors_of_a_plan_together(tmp_path: Path) -> None:
    budgets = """
budgets:
  - {id: dev, title: Development, scope: {environment: dev}, period: month, currency: USD, amount: 600, owner: ml, cap: hard}
"""
    small = gated_company(tmp_path / "home", budgets=budgets)
    erp = created(
        "azurerm_linux_virtual_machine", size="Standard_D8s_v5", location="eastus",
        os_disk=[{"storage_account_type": "Premium_LRS", "disk_size_gb": 128}],
    )  # fmt: skip
    assert _gate(small, MACHINE).verdict == _gate(small, erp).verdict == "allow"
    both = _gate(small, MACHINE, erp)
    assert both.verdict == "deny"
    assert "with all vendors of this plan" in both.reasons[0]
    assert both.headroom[0].after < 0


GPU = created(
    "aws_instance", "gpu", instance_type="g5.12xlarge", root_block_device=[{"volume_type": "gp3", "volume_size": 100}]
)


def test_a_yes_to_the_change_lets_it_in_and_a_pipeline_that_judges_again_does_not_use_it_up(tmp_path: Path) -> None:
    own = gated_company(tmp_path / "home")
    report = _gate(own, MACHINE, GPU)
    assert report.verdict == "require_approval"
    assert "fiscus approve apr-" in report.next_step
    (total_,) = report.totals
    assert approve_intent(own, total_.approval_id, Actor("lea")).state == "approved"
    for _ in range(2):
        again = _gate(own, MACHINE, GPU)
        assert (again.verdict, again.totals[0].approval_id) == ("allow", total_.approval_id)
    assert "lea" in again.reasons[0]


def test_a_yes_to_one_change_is_none_to_another(tmp_path: Path) -> None:
    own = gated_company(tmp_path / "home")
    approve_intent(own, _gate(own, MACHINE, GPU).totals[0].approval_id, Actor("lea"))
    renamed = MACHINE | {"address": "aws_instance.other", "name": "other"}
    report = _gate(own, renamed, GPU)
    assert report.verdict == "require_approval"
    assert report.totals[0].approval_id


def test_a_resource_that_the_sum_does_not_speak_for_is_asked_for_itself(tmp_path: Path) -> None:
    own = gated_company(tmp_path / "home")
    eu = policy_of("eu", 'intent.region != "us-east-1"', "resource.provision", effect="require_approval", level="soft")
    ask = policy_of("gpu", "intent.gpu", "resource.provision", effect="require_approval", level="soft")
    strict = _judged_by(own, eu, ask)
    far = change("aws_ebs_volume.far", ["create"], None, {"size": 10, "type": "gp3", "availability_zone": "eu-west-1a"})
    report = _gate(strict, GPU, far, asked=GateAsked("max", "staging"))
    assert report.verdict == "require_approval"
    waiting = re.findall(r"fiscus approve (apr-\w+)", report.next_step)
    assert len(waiting) == 2
    for one in waiting:
        approve_intent(strict, one, Actor("lea"))
    assert _gate(strict, GPU, far, asked=GateAsked("max", "staging")).verdict == "allow"


class TestAPlanThatIsAppliedNext:
    @staticmethod
    def _gate(own: Workspace, *changes: Any, hold: bool = True) -> GateReport:
        return gate_terraform(own, parse_plan(planned(*changes)), MAX, hold=hold)

    @pytest.fixture
    def own(self, tmp_path: Path) -> Workspace:
        return gated_company(tmp_path / "home")

    def test_its_money_is_held_once_however_often_the_job_runs(self, own: Workspace) -> None:
        first, again = self._gate(own, MACHINE), self._gate(own, MACHINE)
        assert first.totals[0].hold_id == again.totals[0].hold_id != ""
        assert own.ledger.store.totals().open == 1
        assert "held until bills show it" in gate_text(again)
        other = change("aws_instance.other", ["create"], None, MACHINE["change"]["after"])
        assert self._gate(own, other, hold=False).headroom[0].headroom < first.headroom[0].headroom

    def test_jobs_that_run_at_once_hold_once(self, own: Workspace) -> None:
        with ThreadPoolExecutor(4) as pool:
            reports = list(pool.map(lambda _: self._gate(own, MACHINE), range(4)))
        assert {one.verdict for one in reports} == {"allow"}
        assert own.ledger.store.totals().open == 1

    def test_money_that_was_released_is_held_anew(self, own: Workspace) -> None:
        first = self._gate(own, MACHINE).totals[0]
        release_hold(own, first.hold_id, "not applied after all")
        again = self._gate(own, MACHINE).totals[0]
        assert again.hold_id not in {"", first.hold_id}
        assert own.ledger.store.totals().open == 1

    def test_money_that_was_released_ever_so_often_is_held_anew(self, own: Workspace) -> None:
        seen = set()
        for _ in range(8):
            held = self._gate(own, MACHINE).totals[0].hold_id
            assert own.ledger.store.totals().open == 1
            release_hold(own, held, "not applied after all")
            seen.add(held)
        assert len(seen) == 8

    def test_a_plan_whose_money_was_released_too_often_is_refused(
        self, own: Workspace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("fiscus.flows.hold_plan.TIMES_MAX", 1)
        release_hold(own, self._gate(own, MACHINE).totals[0].hold_id, "not applied after all")
        with pytest.raises(LimitExceeded, match="released"):
            self._gate(own, MACHINE)

    def test_a_ledger_that_is_gone_answers_as_its_budgets_declare_and_holds_nothing(self, own: Workspace) -> None:
        own.ledger.close()
        report = self._gate(own, MACHINE)
        assert (report.verdict, report.totals[0].hold_id) == ("deny", "")  # a hard cap that cannot be asked
        assert "ledger could not be reached" in report.note

    def test_a_yes_is_used_up_and_the_same_job_again_still_passes(self, own: Workspace) -> None:
        waiting = self._gate(own, MACHINE, GPU)
        assert (waiting.verdict, waiting.totals[0].hold_id) == ("require_approval", "")
        approve_intent(own, waiting.totals[0].approval_id, Actor("lea"))
        assert self._gate(own, MACHINE, GPU, hold=False).verdict == "allow"
        assert [self._gate(own, MACHINE, GPU).verdict for _ in range(2)] == ["allow", "allow"]
        assert own.ledger.store.totals().open == 1

    def test_a_plan_that_is_let_in_with_one_vendor_only_holds_nothing(self, own: Workspace) -> None:
        erp = created("azurerm_linux_virtual_machine", size="Standard_D8s_v5", location="eastus", tags={}, os_disk=[])
        untagged = erp | {"change": erp["change"] | {"after": erp["change"]["after"] | {"tags_all": {}}}}
        report = gate_terraform(own, parse_plan(planned(MACHINE, untagged)), GateAsked("max", "dev"), hold=True)
        assert report.verdict == "deny"
        assert own.ledger.store.totals().open == 0
        far = created("azurerm_linux_virtual_machine", size="Standard_D8s_v5", location="westeurope", os_disk=[])
        tight = replace(own, config=replace(own.config, budgets=budgets_of(TIGHT)))
        sync_ledger_of(tight)
        both = self._gate(tight, MACHINE, far)
        assert (both.verdict, [one.hold_id for one in both.totals]) == ("deny", ["", ""])
        assert tight.ledger.store.totals().open == 0


TIGHT = """
budgets:
  - {id: dev, title: Development, scope: {environment: dev}, period: month, currency: USD, amount: 400, owner: ml, cap: hard}
"""


def sync_ledger_of(ws: Workspace) -> None:
    """Where its budgets stand, told to the ledger."""
    evaluate(ws, "run-2")


def test_what_is_destroyed_saves_money_and_nobody_is_asked(ws: Workspace) -> None:
    refuses = _judged_by(ws, policy_of("never", "true", "resource.provision", effect="deny", level="hard"))
    gone = change("aws_instance.old", ["delete"], MACHINE["change"]["after"], None)
    report = _gate(refuses, gone)
    assert (report.verdict, report.totals[0].delta, report.totals[0].decision_id) == ("allow", -MONTH - DISK, "")
    assert report.reasons == (f"It saves {total([MONTH, DISK]):.2f} USD a month with AWS.",)


def test_a_smaller_change_is_not_denied_for_a_budget_that_is_over_already(tmp_path: Path) -> None:
    broke = gated_company(
        tmp_path / "home",
        budgets="""
budgets:
  - {id: dev, title: Development, scope: {environment: dev}, period: month, currency: USD, amount: 1, owner: ml, cap: hard}
""",
    )
    before = MACHINE["change"]["after"] | {"instance_type": "c6i.4xlarge"}
    assert _gate(broke, MACHINE).verdict == "deny"
    assert _gate(broke, change("aws_instance.x", ["update"], before, MACHINE["change"]["after"])).verdict == "allow"


def test_what_was_so_before_is_not_the_doing_of_a_change_that_costs_no_more(ws: Workspace) -> None:
    gpu = created("aws_instance", instance_type="g5.12xlarge")["change"]["after"]
    tagged = gpu | {"tags_all": gpu["tags_all"] | {"note": "x"}}
    assert _gate(ws, change("aws_instance.x", ["update"], gpu, tagged)).resources[0].verdict == "allow"
    untagged = gpu | {"tags": {}, "tags_all": {}}
    report = _gate(ws, change("aws_instance.x", ["update"], gpu, untagged), asked=GateAsked("max", "dev"))
    assert report.resources[0].objections == ("resource-mandatory-tags",)


@pytest.mark.parametrize(("setting", "verdict"), [("warn", "warn"), ("approval", "require_approval"), ("deny", "deny")])
def test_what_has_no_price_is_said_and_the_company_decides_what_it_comes_to(
    ws: Workspace, setting: str, verdict: str
) -> None:
    report = _gate(_with(ws, on_unpriced=setting), created("aws_msk_cluster"))
    assert report.verdict == verdict
    assert [(gap.address, gap.kind) for gap in report.unpriced] == [("aws_msk_cluster.x", "no_rule")]
    assert "could not be priced" in report.reasons[0]


@pytest.mark.parametrize(
    ("resource", "kind"),
    [
        (created("aws_instance", unknown={"instance_type": True}), "unknown_value"),
        (created("aws_instance", instance_type="q9.mega", root_block_device=[{"volume_size": 8}]), "no_price"),
        (created("aws_lambda_function", memory_size=512), "usage"),
        (created("aws_autoscaling_group", min_size=1, max_size=3), "unknown_value"),
        (created("google_compute_instance", machine_type="z9-standard-4", zone="us-central1-a"), "no_rule"),
        (created("datadog_monitor"), "no_rule"),
    ],
    ids=["unknown", "no price", "by use", "template elsewhere", "machine type", "another vendor"],
)
def test_nothing_is_silently_zero(ws: Workspace, resource: Any, kind: str) -> None:
    report = _gate(ws, resource)
    assert kind in {gap.kind for gap in report.unpriced}
    assert report.verdict == "warn"


def test_what_cannot_be_priced_any_more_is_no_saving(ws: Workspace) -> None:
    before = MACHINE["change"]["after"]
    after = {key: value for key, value in before.items() if key != "instance_type"}
    report = _gate(ws, change("aws_instance.x", ["update"], before, after, {"instance_type": True}))
    assert (report.totals[0].delta, report.verdict) == (0, "warn")
    assert "taken to cost what it costs now" in report.unpriced[0].detail
    assert "saves" not in gate_text(report)


def test_what_terraform_forgets_runs_on_and_saves_nothing(ws: Workspace) -> None:
    report = _gate(
        ws, change("aws_instance.x", ["forget"], MACHINE["change"]["after"], None), asked=GateAsked("max", "dev")
    )
    assert (report.totals, report.resources) == ((), ())


def test_a_part_that_terraform_put_off_is_said(ws: Workspace) -> None:
    assert "put off" in _gate(ws, MACHINE, complete=False).note


def test_what_costs_nothing_is_no_gap_and_is_not_judged(ws: Workspace) -> None:
    untagged = {"tags": {}, "tags_all": {}}
    report = _gate(ws, created("aws_security_group", **untagged), created("random_id"), asked=GateAsked("max", "dev"))
    assert (report.verdict, report.unpriced) == ("allow", ())


@pytest.mark.parametrize(("basis", "machines"), [("max", 10), ("min", 2)])
def test_a_group_that_scales_is_judged_at_its_most_or_its_least(ws: Workspace, basis: str, machines: int) -> None:
    template = created("aws_launch_template", "t", instance_type="m6i.2xlarge")
    group = created("aws_autoscaling_group", "g", min_size=2, max_size=10)
    configuration = {"root_module": {"resources": [{
        "address": "aws_autoscaling_group.g", "expressions": {
            "launch_template": [{"id": {"references": ["aws_launch_template.t.id", "aws_launch_template.t"]}}]
        },
    }]}}  # fmt: skip
    report = _gate(_with(ws, autoscaling=basis), template, group, configuration=configuration)
    assert (report.totals[0].delta, report.totals[0].delta_least) == (MONTH * machines, MONTH * 2)


def test_a_group_of_weighted_sizes_counts_capacity_not_machines(ws: Workspace) -> None:
    overrides = [
        {"instance_type": "m6i.2xlarge", "weighted_capacity": "4"},
        {"instance_type": "c6i.4xlarge", "weighted_capacity": "8"},
    ]
    policy = [{"launch_template": [{"launch_template_specification": [{}], "override": overrides}]}]
    report = _gate(ws, created("aws_autoscaling_group", min_size=1, max_size=10, mixed_instances_policy=policy))
    assert (report.totals[0].delta, report.totals[0].delta_least) == (MONTH * 3, MONTH)
    assert "it may also start c6i.4xlarge" in report.unpriced[0].detail


def test_a_group_of_a_launch_configuration_has_its_disks(ws: Workspace) -> None:
    disks = {
        "root_block_device": [{"volume_size": 100, "volume_type": "gp3"}],
        "ebs_block_device": [{"volume_size": 100, "volume_type": "gp3"}],
    }
    template = created("aws_launch_configuration", "t", instance_type="m6i.2xlarge", **disks)
    configuration = {"root_module": {"resources": [{
        "address": "aws_autoscaling_group.g",
        "expressions": {"launch_configuration": {"references": ["aws_launch_configuration.t"]}},
    }]}}  # fmt: skip
    group = created("aws_autoscaling_group", "g", min_size=0, max_size=2)
    report = _gate(ws, template, group, configuration=configuration)
    assert report.totals[0].delta == (MONTH + 2 * DISK) * 2


@settings(max_examples=some(60), deadline=None)
@given(
    st.permutations([MACHINE, created("aws_ebs_volume", "v", size=10, type="gp3"), created("aws_lambda_function", "f")])
)
def test_the_order_of_a_plan_changes_nothing(gate_ws: Workspace, resources: list[Any]) -> None:
    report, again = (_gate(gate_ws, *some) for some in (resources, sorted(resources, key=lambda one: one["address"])))
    assert (report.totals[0].delta, report.verdict, report.reasons) == (
        again.totals[0].delta,
        again.verdict,
        again.reasons,
    )
    assert [one.address for one in report.resources] == [one.address for one in again.resources]


SIZES = st.sampled_from(["m6i.2xlarge", "c6i.4xlarge", "g5.12xlarge", "m5.large"])


@settings(max_examples=some(60), deadline=None)
@given(SIZES, SIZES, st.integers(1, 4000), st.integers(1, 4000))
def test_there_and_back_again_costs_nothing(gate_ws: Workspace, one: str, other: str, disk: int, larger: int) -> None:
    def machine_of(size: str, gigabytes: int) -> dict[str, Any]:
        disks = [{"volume_type": "gp3", "volume_size": gigabytes}]
        return MACHINE["change"]["after"] | {"instance_type": size, "root_block_device": disks}

    here, there = machine_of(one, disk), machine_of(other, larger)
    ways = [_gate(gate_ws, change("aws_instance.x", ["update"], *pair)) for pair in ((here, there), (there, here))]
    assert sum(report.resources[0].delta for report in ways if report.resources) == 0
    whole = [
        _gate(gate_ws, change("aws_instance.x", ["create"], None, state)).resources[0].delta for state in (here, there)
    ]
    assert ways[0].resources[0].delta == whole[1] - whole[0]


def test_a_group_costs_more_when_only_its_template_changes(ws: Workspace) -> None:
    small, large = (
        {"instance_type": size, "availability_zone": "us-east-1a"} for size in ("m6i.2xlarge", "c6i.4xlarge")
    )
    group = created("aws_autoscaling_group", "g", min_size=1, max_size=1)["change"]["after"]
    configuration = {"root_module": {"resources": [{
        "address": "aws_autoscaling_group.g",
        "expressions": {"launch_template": [{"id": {"references": ["aws_launch_template.t"]}}]},
    }]}}  # fmt: skip
    report = _gate(
        ws, change("aws_launch_template.t", ["update"], small, large), change("aws_autoscaling_group.g", ["no-op"], group, group),
        configuration=configuration,
    )  # fmt: skip
    assert report.totals[0].delta == (Decimal("0.6528") - Decimal("0.36864")) * 730


def test_the_region_is_that_of_the_resource_its_provider_a_variable_or_the_settings(ws: Workspace) -> None:
    bare = {key: value for key, value in MACHINE["change"]["after"].items() if key != "availability_zone"}
    resource = change("aws_instance.x", ["create"], None, bare)

    def region(**top: Any) -> str:
        return _gate(_with(ws, regions={"AWS": "eu-central-1"}), resource, **top).resources[0].region

    provider = {"provider_config": {"aws": {"expressions": {"region": {"references": ["var.where"]}}}}}
    alias = {
        "provider_config": {"aws.eu": {"expressions": {"region": {"constant_value": "eu-west-1"}}}},
        "root_module": {"resources": [{"address": "aws_instance.x", "provider_config_key": "aws.eu"}]},
    }
    assert region() == "eu-central-1"
    assert region(configuration=provider, variables={"where": {"value": "us-west-2"}}) == "us-west-2"
    assert region(configuration=alias) == "eu-west-1"


def test_default_tags_of_the_provider_are_tags(ws: Workspace) -> None:
    after = {"instance_type": "m6i.2xlarge", "tags": {"team": "ml"}, "availability_zone": "us-east-1a"}
    resource = change("aws_instance.x", ["create"], None, after, {"tags_all": True})
    assert _gate(ws, resource, asked=GateAsked("max", "dev")).verdict == "deny"
    tags = {"default_tags": [{"tags": {"constant_value": {"environment": "dev"}}}]}
    configuration = {"provider_config": {"aws": {"expressions": tags}}}
    assert _gate(ws, resource, configuration=configuration).verdict == "warn"  # only its root disk has no size


def test_policies_read_size_region_repository_and_ticket(ws: Workspace) -> None:
    when = (
        'intent.size == "m6i.2xlarge" && intent.region == "us-east-1" && intent.repository == "acme/infra" '
        '&& intent.ticket == "OPS-1" && intent.resource_type == "aws_instance" && intent.count == 1'
    )
    strict = _judged_by(ws, policy_of("all", when, "resource.provision", effect="deny", level="hard"))
    assert _gate(strict, MACHINE).verdict == "allow"
    asked = GateAsked("max", ticket="OPS-1", repository="acme/infra")
    assert _gate(strict, MACHINE, asked=asked).verdict == "deny"


def test_the_answer_and_each_decision_behind_it_are_evidence(ws: Workspace) -> None:
    report = _gate(ws, MACHINE)
    with ws.state.read() as tx:
        kinds = {record.subject: record for record in tx.evidence_records()}
    assert kinds[report.id].kind == "gate.judged"
    assert kinds[report.id].body["verdict"] == "allow"
    assert ws.ledger.store.decision(report.totals[0].decision_id) is not None
    assert ws.ledger.store.totals().open == 0  # nothing is held for a plan that may never be applied


def test_a_ledger_that_is_gone_is_said_and_answers_as_its_budgets_declare(tmp_path: Path) -> None:
    own = gated_company(tmp_path / "home")
    own.ledger.close()
    report = _gate(own, MACHINE)
    assert report.verdict == "deny"  # a hard cap that cannot be asked
    assert "ledger could not be reached" in report.note


def test_prices_in_two_currencies_are_never_added(tmp_path: Path) -> None:
    from tests.fixtures.gates import AS_OF
    from tests.fixtures.judging import days

    rows = [sold("m6i2", day) for day in days(AS_OF.replace(day=10), AS_OF)]
    euros = [
        sold("gp3", day, BillingCurrency="EUR", BillingAccountId="000777") for day in days(AS_OF.replace(day=10), AS_OF)
    ]
    ws = gated_company(tmp_path / "home", [*rows, *euros])
    report = _gate(ws, MACHINE)
    assert report.totals[0].delta == MONTH
    assert "priced in EUR" in report.unpriced[0].detail


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"), ("[]", "not what `terraform show -json` writes"), ("{}", "not what"), ("[" * 100_000, "not JSON"),
        ('{"format_version": "2.0", "resource_changes": []}', "only 1.x"), ('{"format_version": "0.2"}', "only 1.x"),
        ('{"format_version": "1.2", "values": {}}', "a state, not a plan"),
        ('{"format_version": "1.2", "errored": true, "resource_changes": []}', "Planning failed"),
        ('{"format_version": "1.2", "resource_changes": "x"}', "no list"),
        ('{"format_version": "1.2", "resource_changes": [{"mode": "managed"}]}', "no `change`"),
        ('{"format_version": "1.2", "resource_changes": [{"address": "a.b", "type": "a", "change": {"actions": ["go"]}}]}', "go"),
    ],
)  # fmt: skip
def test_what_is_no_plan_is_refused_with_what_to_do(text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says) as refused:
        read_plan(text, "plan.json")
    assert "terraform show -json" in refused.value.remedy


def test_a_plan_of_too_many_resources_is_refused() -> None:
    with pytest.raises(LimitExceeded):
        parse_plan(planned(*[{}] * 10_001))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ATTRIBUTES = st.sampled_from([
    "instance_type", "root_block_device", "max_size", "min_size", "launch_template", "size", "type", "tags", "tags_all", "engine",
    "instance_class", "multi_az", "scaling_config", "settings", "machine_type", "boot_disk", "os_disk", "availability_zones",
    "mixed_instances_policy", "region", "location", "zone", "iops", "throughput", "tag", "labels", "node_config", "sku_name",
])  # fmt: skip


@settings(max_examples=some(150), deadline=None)
@given(st.sampled_from(sorted(RULES)), st.dictionaries(ATTRIBUTES, JSON), st.dictionaries(ATTRIBUTES, JSON), JSON)
def test_whatever_a_provider_writes_is_judged_or_refused_never_a_crash(
    gate_ws: Workspace, kind: str, after: dict, unknown: dict, configuration: Any
) -> None:
    plan = planned(change(f"{kind}.x", ["create"], None, after, unknown), configuration=configuration)
    try:
        report = gate_terraform(gate_ws, parse_plan(plan), GateAsked("max", "dev"))
    except FiscusError:
        return
    assert gate_text(report)
    assert gate_markdown(report)
    assert gate_sarif(report)
    assert all(one.delta >= 0 for one in report.resources)


@pytest.fixture(scope="module")
def gate_ws(ws: Workspace) -> Workspace:
    return ws


def test_no_rule_prices_what_is_said_to_be_free() -> None:
    assert not [kind for kind in RULES if FREE.fullmatch(kind)]


def test_a_comment_cannot_be_made_to_say_something_else(ws: Workspace) -> None:
    """An address and a tag come from the change that is judged."""
    evil = "x`|@everyone [yes](https://evil.example)\n### Fiscus: allowed"
    after = MACHINE["change"]["after"]
    resource = change(f'aws_instance.x["{evil}"]', ["create"], None, after)
    text = gate_markdown(_gate(ws, resource))
    assert "\n### Fiscus: allowed" not in text
    inside = evil.replace("`", "'").replace("|", "\\|").replace("\n", " ")
    assert f'| `aws_instance.x["{inside}"]` |' in text  # a code span that nothing in it ends
    assert "](https://" not in text.replace(inside, "")


def test_no_secret_of_a_plan_is_shown(ws: Workspace) -> None:
    canary = "hunter2-canary"
    resource = created(
        "aws_db_instance", instance_class="db.r6g.4xlarge", engine="postgres", password=canary, user_data=canary
    )
    report = _gate(ws, resource)
    shown = gate_text(report) + gate_markdown(report) + json.dumps(gate_sarif(report)) + repr(report)
    assert canary not in shown


def _command(home: Path, monkeypatch: pytest.MonkeyPatch, stdin: str, arguments: str) -> int:
    monkeypatch.setattr("sys.stdin", StringIO(stdin))
    return int(
        command_line()(shlex.split(f"gate terraform {arguments} --home {home}"), result_action="return_value") or 0
    )


def test_the_command_answers_with_the_exit_codes_of_decide(home: Path, monkeypatch, capsys, tmp_path: Path) -> None:
    (home / "budgets" / "budgets.yaml").write_text("budgets: []")
    tagged = {"tags": {"team": "platform", "environment": "prod"}}
    plans = {
        0: created("aws_ebs_volume", size=10, type="gp3", tags_all=tagged["tags"]),
        3: created("aws_instance", instance_type="p4d.24xlarge", tags_all=tagged["tags"]),
        4: created("aws_ebs_volume", size=10, type="gp3", tags={}, tags_all={}),
    }
    for code, resource in plans.items():
        asked = "- --as ana.silva --environment prod --format json"
        assert _command(home, monkeypatch, json.dumps(planned(resource), default=str), asked) == code, (
            capsys.readouterr()
        )
        assert json.loads(capsys.readouterr().out)["version"] == 1
    assert _command(home, monkeypatch, "nonsense", "- --as ana.silva --environment prod") == 2
    assert "do:" in capsys.readouterr().err
    assert _command(home, monkeypatch, "", f"{tmp_path}/none.json --as ana.silva --environment prod") == 2
    assert (
        _command(home, monkeypatch, json.dumps(planned(plans[0]), default=str), "- --as nobody --environment prod") == 2
    )


def test_one_verdict_is_written_in_every_form(home: Path, monkeypatch, capsys, tmp_path: Path) -> None:
    plan = json.dumps(planned(created("aws_ebs_volume", size=10, type="gp3")), default=str)
    outs = [tmp_path / f"fiscus.{ending}" for ending in ("sarif", "md", "json", "txt")]
    _command(home, monkeypatch, plan, f"- --as ana.silva --environment dev {' '.join(f'--out {out}' for out in outs)}")
    sarif, comment, report, text = (out.read_text("utf-8") for out in outs)
    assert json.loads(sarif)["version"] == "2.1.0"
    assert comment.startswith("<!-- fiscus gate terraform -->")
    assert text == capsys.readouterr().out
    assert json.loads(report)["id"] in text
    assert _command(home, monkeypatch, plan, f"- --as ana.silva --environment dev --out {tmp_path}/report.doc") == 2


def test_the_api_gives_the_same_answer(ws: Workspace) -> None:
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from fiscus.edges.api.build_api import api_router

    app = FastAPI()
    app.include_router(api_router(lambda: ws))
    client = TestClient(app)
    body = {"plan": json.loads(json.dumps(planned(MACHINE), default=str)), "as": "max"}
    answer = client.post("/api/gate/terraform", json=body).json()
    assert (answer["verdict"], Decimal(answer["totals"][0]["delta"])) == ("allow", MONTH + DISK)
    assert client.post("/api/gate/terraform?format=sarif", json=body).json()["version"] == "2.1.0"
    comment = client.post("/api/gate/terraform?format=markdown", json=body)
    assert comment.headers["X-Fiscus-Verdict"] == "allow"
    assert client.post("/api/gate/terraform", json=body | {"else": 1}).status_code == 422
