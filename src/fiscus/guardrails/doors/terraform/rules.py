"""Which rule prices which resource type, which types cost nothing, and what becomes of the rest: it is said, never zero."""

from __future__ import annotations

import re
from typing import Final

from fiscus.guardrails.doors.terraform import rules_aws, rules_azure, rules_google
from fiscus.guardrails.doors.terraform.attributes import Attributes, KnownAfterApply
from fiscus.guardrails.doors.terraform.parts import Made, Rules, Site, Unpriced
from fiscus.guardrails.doors.terraform.plan import Change
from fiscus.guardrails.doors.terraform.plan_context import BILLED_AS

RULES: Final[Rules] = {**rules_aws.RULES, **rules_azure.RULES, **rules_google.RULES}
# What no vendor charges for in itself. Matched whole.
FREE: Final = re.compile(
    r"aws_(iam_.+|security_group.*|vpc|vpc_security_group_.+|vpc_dhcp_options.*|subnet|route|route_table.*|internet_gateway.*"
    r"|egress_only_internet_gateway|network_acl.*|network_interface.*|key_pair|launch_template|launch_configuration"
    r"|placement_group|autoscaling_(policy|attachment|lifecycle_hook|schedule)|appautoscaling_.+|db_(subnet|parameter|option)_group"
    r"|rds_cluster_parameter_group|elasticache_(subnet|parameter)_group|lb_(listener.*|target_group.*)|alb_(listener.*|target_group.*)"
    r"|s3_bucket_.+|lambda_(permission|alias|event_source_mapping|layer_version)|cloudwatch_event_.+|eks_(addon|access_.+)"
    r"|eip_association|volume_attachment|ecs_(cluster|task_definition|capacity_provider)|sqs_queue_policy|sns_topic_.+"
    r"|ami.*|default_.+|sagemaker_(model|endpoint|notebook_instance_lifecycle_configuration)|ecr_.+_policy|acm_certificate.*)"
    r"|azurerm_(resource_group|virtual_network|subnet.*|network_interface.*|network_security_.+|route.*|role_.+"
    r"|user_assigned_identity|(linux|windows)_web_app|availability_set|virtual_machine_data_disk_attachment|mssql_server|storage_container)"
    r"|google_(compute_(network|subnetwork|firewall.*|route|attached_disk|instance_template)|project_.+|service_account.*"
    r"|sql_(user|database)|storage_bucket_.+)"
    r"|(null|random|local|tls|time|terraform|template|archive|external)_.+"
)


def can_cost(change: Change) -> bool:
    """Whether policies are asked about it: something of a vendor that bills, with a rule, or that could carry tags."""
    if change.provider not in BILLED_AS or FREE.fullmatch(change.type):
        return False
    known = {*(change.after or {}), *change.unknown}
    return change.type in RULES or bool(known & {"tags", "tags_all", "tag", "labels", "effective_labels"})


def made_of(values: Attributes, site: Site) -> Made:
    """The parts of a resource and what of it cannot be priced. A type that nobody knows is one unpriced thing."""
    kind = site.change.type
    rule = RULES.get(kind)
    if rule is None:
        if FREE.fullmatch(kind):
            return Made()
        return Made(unpriced=(Unpriced(kind, "no_rule", f"{kind} has no rule here: it may cost money"),))
    try:
        return rule(values, site)
    except KnownAfterApply as dark:
        detail = f"{dark.attribute} is known only after apply"
        return Made(unpriced=(Unpriced(kind, "unknown_value", detail),))
