"""What plans hold that is odd: numbers that nothing can have, attributes that are none, names in place of references."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from tests.fixtures.gates import change, created, gated_company, planned

from fiscus.flows.gate_terraform import gate_terraform
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.doors.terraform.judge import GateAsked
from fiscus.guardrails.doors.terraform.plan import parse_plan
from fiscus.guardrails.doors.terraform.report import GateReport
from fiscus.guardrails.doors.terraform.show_markdown import gate_markdown
from fiscus.guardrails.doors.terraform.show_text import gate_text
from fiscus.kernel.errors import BadInput

HOUR = Decimal("0.36864")
TAGS = {"team": "ml", "environment": "dev"}


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return gated_company(tmp_path_factory.mktemp("gate") / "home")


def _gate(ws: Workspace, *changes: Any, **top: Any) -> GateReport:
    return gate_terraform(
        ws, parse_plan(planned(*changes, **top), "plan.json"), GateAsked("max", "dev", file="plan.json")
    )


def test_a_started_cent_is_a_cent_wherever_it_is_said(ws: Workspace) -> None:
    report = _gate(ws, created("aws_ebs_volume", size=53, type="gp3"))
    assert report.totals[0].delta == Decimal("4.0704")
    assert report.reasons == ("No policy and no budget objects to 4.08 USD a month with AWS.",)
    for text in (gate_text(report), gate_markdown(report)):
        assert set(re.findall(r"\b4\.0\d\b", text)) == {"4.08"}


@pytest.mark.parametrize(
    ("resource", "says"),
    [
        (created("aws_ebs_volume", size=-100, type="gp3"), "aws_ebs_volume.x: size is -100, which no resource can have"),
        (created("aws_ebs_volume", size="-1", type="gp3"), "size is -1"),
        (created("aws_ebs_volume", size=1e30, type="gp3"), "size is 1e"),
        (created("aws_ebs_volume", size=10**12, type="gp3"), "aws_ebs_volume.x would cost 7.68e"),
        (
            created("aws_instance", instance_type="m6i.2xlarge", root_block_device=[{"volume_size": -5, "volume_type": "gp3"}]),
            "aws_instance.x: root_block_device.volume_size is -5",
        ),
        (created("aws_autoscaling_group", min_size=0, max_size=-1), "max_size is -1"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)  # fmt: skip
def test_a_number_that_nothing_can_have_is_refused_with_file_and_address(
    ws: Workspace, resource: Any, says: str
) -> None:
    with pytest.raises(BadInput) as refused:
        _gate(ws, resource)
    assert says in refused.value.message
    assert refused.value.where is not None
    assert (refused.value.where.file, refused.value.where.key) == ("plan.json", resource["address"])


def test_a_sum_that_cannot_be_asked_for_is_refused(ws: Workspace) -> None:
    disk = created("aws_ebs_volume", size=8 * 10**10, type="gp3")["change"]["after"]
    assert _gate(ws, change("aws_ebs_volume.one", ["create"], None, disk)).verdict == "deny"
    with pytest.raises(BadInput, match="The plan as a whole would cost more USD a month than can be asked for"):
        _gate(ws, *(change(f"aws_ebs_volume.v{n}", ["create"], None, disk) for n in range(2)))


@pytest.mark.parametrize("attributes", ["x", [], 5, True])
def test_attributes_that_are_none_are_refused(attributes: Any) -> None:
    for side in ("before", "after"):
        odd = change("aws_instance.x", ["update"], {}, {})
        odd["change"][side] = attributes
        with pytest.raises(BadInput, match=rf"aws_instance.x: {side} is \w+ and no resource's attributes") as refused:
            parse_plan(planned(odd), "plan.json")
        assert refused.value.where is not None
        assert refused.value.where.file == "plan.json"


WEB = {"name": "web", "instance_type": "m6i.2xlarge", "tags_all": TAGS}
TEMPLATE = change("aws_launch_template.t", ["create"], None, WEB, {"id": True})
SPECIFIED = {"launch_template_specification": [{"launch_template_name": "web"}]}


@pytest.mark.parametrize(
    ("group", "unknown"),
    [
        ({"launch_template": [{"name": "web", "version": "$Latest"}]}, {"launch_template": [{"id": True}]}),
        ({"mixed_instances_policy": [{"launch_template": [SPECIFIED]}]}, {}),
    ],
)  # fmt: skip
def test_a_group_finds_the_template_that_it_names(ws: Workspace, group: dict, unknown: dict) -> None:
    report = _gate(ws, TEMPLATE, created("aws_autoscaling_group", "g", unknown, min_size=1, max_size=2, **group))
    assert report.totals[0].delta == HOUR * 730 * 2
    assert not [gap for gap in report.unpriced if "is not in this plan" in gap.detail]


def test_a_group_finds_a_template_by_its_id_and_a_launch_configuration_by_its_name(ws: Workspace) -> None:
    stands = {"id": "lt-1", "name": "web", "instance_type": "m6i.2xlarge"}
    same = change("aws_launch_template.t", ["no-op"], stands, stands)
    group = created("aws_autoscaling_group", "g", min_size=1, max_size=1, launch_template=[{"id": "lt-1"}])
    assert _gate(ws, same, group).totals[0].delta == HOUR * 730
    older = change("aws_launch_configuration.c", ["create"], None, {**WEB, "name": "old"})
    group = created("aws_autoscaling_group", "g", min_size=1, max_size=1, launch_configuration="old")
    assert _gate(ws, older, group).totals[0].delta == HOUR * 730


def test_a_name_that_two_templates_have_names_neither(ws: Workspace) -> None:
    other = TEMPLATE | {"address": "module.eu.aws_launch_template.t"}
    group = created("aws_autoscaling_group", "g", min_size=1, max_size=2, launch_template=[{"name": "web"}])
    assert "is not in this plan" in _gate(ws, TEMPLATE, other, group).unpriced[0].detail


def _untagged(unknown: dict[str, Any], **after: Any) -> dict[str, Any]:
    values = {"availability_zone": "us-east-1a", "instance_type": "m6i.2xlarge", **after}
    return change("aws_instance.x", ["create"], None, values, unknown)


@pytest.mark.parametrize(
    ("resource", "says"),
    [
        (_untagged({"tags_all": True}), "Its tags are known only after apply: no policy has seen them."),
        (_untagged({"tags": True, "tags_all": True}), "Its tags are known only after apply"),
        (
            _untagged({"tags_all": {"team": True}}, tags_all={"environment": "dev"}),
            "The values of its tags team are known only after apply",
        ),
    ],
)  # fmt: skip
def test_tags_that_are_known_only_after_apply_are_said(ws: Workspace, resource: Any, says: str) -> None:
    (shown,) = _gate(ws, resource).resources
    assert shown.verdict == "deny"
    assert says in shown.reasons[-1]


@pytest.mark.parametrize("resource", [
    _untagged({"tags_all": True}, tags=TAGS), _untagged({}), created("aws_instance", instance_type="m6i.2xlarge"),
])  # fmt: skip
def test_tags_that_are_known_are_not(ws: Workspace, resource: Any) -> None:
    (shown,) = _gate(ws, resource).resources
    assert "after apply" not in " ".join(shown.reasons)


@pytest.mark.parametrize(
    "configuration",
    [
        {"root_module": {"resources": 1}},
        {"root_module": {"resources": [{"address": "aws_instance.web", "provider_config_key": ["aws"]}]}, "provider_config": {}},
        {"root_module": {"resources": [{"address": "aws_instance.web", "provider_config_key": "aws"}]},
         "provider_config": {"aws": {"expressions": {"default_tags": [{"tags": {"references": 5}}]}}}},
    ],
)  # fmt: skip
def test_a_configuration_of_any_other_shape_says_nothing(ws: Workspace, configuration: dict[str, Any]) -> None:
    web = {"instance_type": "m6i.2xlarge", "region": "us-east-1", "tags": TAGS}
    report = _gate(ws, change("aws_instance.web", ["create"], None, web), configuration=configuration)
    assert report.totals[0].delta == HOUR * 730
