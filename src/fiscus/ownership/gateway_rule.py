"""Who answers for what went through the gateway: each call says its team itself, before any rule of the company is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from fiscus.cost.ai.types import GATEWAY_SOURCE
from fiscus.ownership.types import AssignmentRule, OwnershipRules

TEAM_TAG: Final = "fiscus-team"
RULE: Final = AssignmentRule("gateway", {"source": (f"{GATEWAY_SOURCE}*",)}, team=f"{{tag:{TEAM_TAG}}}")


def with_gateway(rules: OwnershipRules) -> OwnershipRules:
    """The company's rules after ours. A team that has gone since resolves to nobody, and theirs get their chance."""
    return replace(rules, rules=(RULE, *rules.rules))


def gateway_tags(rules: OwnershipRules) -> Mapping[str, str]:
    """The tags that a charge of the gateway carries its team, environment and product under: where the rules look for them."""
    return {
        "team": TEAM_TAG,
        "environment": next(iter(rules.environment_tags), "environment"),
        "product": next(iter(rules.product_tags), "product"),
    }
