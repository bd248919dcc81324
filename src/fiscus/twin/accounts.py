"""Sub-accounts of every source, and the company's own rules for money that no tag gives to anybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fiscus.twin.line import Account

TYPES: Final = {
    "aws": "AWS Account", "azure": "Subscription", "gcp": "Project", "oracle": "Tenancy", "openai": "Project",
    "anthropic": "Workspace", "mistral": "Workspace", "huggingface": "Organization", "perplexity": "API Group",
    "snowfield": "Account", "dogwatch": "Organization", "codeharbor": "Organization", "workdesk": "Workspace",
}  # fmt: skip

# source | key | id | name
ACCOUNTS: Final = """
aws|management|111100001001|nw-management
aws|prod-core|222200001001|nw-prod-core
aws|prod-robotics|222200001002|nw-prod-robotics
aws|staging|222200001003|nw-staging
aws|dev|222200001004|nw-dev
aws|data-prod|333300001001|nw-data-prod
aws|ml-training|444400001001|nw-ml-training
aws|shared-network|555500001001|nw-shared-network
aws|manufacturing|666600001001|nw-manufacturing
aws|sandbox|777700001001|nw-sandbox-poc
aws|security-audit|888800001001|nw-security-audit
azure|corp-it|/subscriptions/0b1f5c1e-3c8e-4a55-9c51-5e6f2a7d1001|NW-Corp-IT
azure|erp-prod|/subscriptions/0b1f5c1e-3c8e-4a55-9c51-5e6f2a7d1002|NW-ERP-Prod
azure|erp-test|/subscriptions/0b1f5c1e-3c8e-4a55-9c51-5e6f2a7d1003|NW-ERP-Test
azure|vision-prod|/subscriptions/0b1f5c1e-3c8e-4a55-9c51-5e6f2a7d1004|NW-Vision-Prod
azure|vision-staging|/subscriptions/0b1f5c1e-3c8e-4a55-9c51-5e6f2a7d1005|NW-Vision-Staging
azure|field-apps|/subscriptions/0b1f5c1e-3c8e-4a55-9c51-5e6f2a7d1006|NW-Field-Apps
gcp|analytics-prod|nw-analytics-prod|NW Analytics Prod
gcp|search-prod|nw-search-prod|NW Search Prod
gcp|search-staging|nw-search-staging|NW Search Staging
gcp|maps-prod|nw-maps-prod|NW Maps Prod
gcp|ml-dev|nw-ml-dev|NW ML Dev
gcp|ml-prod|nw-ml-prod|NW ML Prod
oracle|erp-prod|ocid1.compartment.oc1..aaaaaaaanwerpprod|nw-erp-prod
oracle|erp-test|ocid1.compartment.oc1..aaaaaaaanwerptest|nw-erp-test
oracle|factory-prod|ocid1.compartment.oc1..aaaaaaaanwfactory|nw-factory-prod
snowfield|northwind-us|NWUS01|NORTHWIND_US
dogwatch|northwind-prod|dw-4471|Northwind Production
codeharbor|northwind|org-20817|northwind-robotics
workdesk|northwind|ws-3311|Northwind Robotics
"""


@dataclass(frozen=True, slots=True)
class AccountRule:
    """Where tags say nothing: this sub-account (by name or id) belongs to this team."""

    id: str
    source: str
    account: str
    team: str
    environment: str = ""
    product: str = ""


# source | account name or id | team | environment | product; a dash leaves it to the tags
RULES: Final = """
aws|nw-management|finops|-|-
aws|nw-shared-network|networking|prod|shared-network
aws|nw-security-audit|security-engineering|prod|security
aws|nw-manufacturing|manufacturing|prod|factory
aws|nw-ml-training|ml-platform|-|ml-studio
aws|nw-data-prod|data-platform|prod|data-lake
aws|nw-prod-robotics|robotics-group|prod|-
aws|nw-prod-core|platform|prod|-
azure|NW-Corp-IT|it-services|prod|internal-it
azure|NW-ERP-Prod|supply-chain|prod|erp
azure|NW-ERP-Test|supply-chain|staging|erp
gcp|nw-maps-prod|navigation|prod|fleet-os
gcp|nw-ml-dev|ml-research|dev|ml-studio
gcp|nw-analytics-prod|analytics|prod|data-lake
oracle|nw-erp-prod|supply-chain|prod|erp
oracle|nw-factory-prod|manufacturing|prod|factory
codeharbor|northwind-robotics|developer-experience|prod|dev-platform
workdesk|Northwind Robotics|it-services|prod|internal-it
snowfield|NORTHWIND_US|data-platform|prod|data-lake
dogwatch|Northwind Production|sre|prod|dev-platform
"""


def account(source: str, key: str) -> Account:
    """The sub-account of `source` called `key` in the stream tables."""
    return _BY_KEY[source, key]


def account_rules() -> list[AccountRule]:
    """The rules above, in their order; the AI vendors' workspaces add theirs."""
    rules = []
    for row in RULES.strip().splitlines():
        source, name, team, environment, product = row.split("|")
        slug = f"{source}-{name}".lower().replace(" ", "-").replace("_", "-")
        rules.append(AccountRule(slug, source, name, team, environment.strip("-"), "" if product == "-" else product))
    return rules


def _parse() -> dict[tuple[str, str], Account]:
    rows = (row.split("|") for row in ACCOUNTS.strip().splitlines())
    return {(source, key): Account(id_, name, TYPES[source]) for source, key, id_, name in rows}


_BY_KEY: Final = _parse()
