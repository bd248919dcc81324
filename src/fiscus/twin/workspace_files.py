"""fiscus.yaml, owners/, budgets/ and allocations/ of the simulated company, written as people would write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from fiscus.ownership.types import Directory
from fiscus.twin.accounts import account_rules
from fiscus.twin.ai_vendors import DEVELOPER, workspace_rules
from fiscus.twin.budgets import FISCAL_YEAR_START, PlannedBudget, budget_documents
from fiscus.twin.company import CURRENCY, SOURCES
from fiscus.twin.dialects import DIALECTS
from fiscus.twin.exchange_rates import FILE as RATES
from fiscus.twin.exchange_rates import exchange_rates
from fiscus.twin.shared_cost import shared_cost_files
from fiscus.twin.tagging import ENVIRONMENT_TAGS, ENVIRONMENTS, OWNER_TAG, PRODUCT_TAGS, TEAM_TAGS
from fiscus.twin.timeline import Timeline

COMPANY: Final = "Northwind Robotics"
PROMOTED: Final = ("team", "environment", "product", "cost-centre")
TICKETS_AT_START: Final = 21_000
ORDERS_AT_START: Final = 118_000


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the stand-ins for AWS, mail, the webhook and the AI vendors listen on this machine."""

    aws_url: str = "http://127.0.0.1:5555"
    smtp_host: str = "127.0.0.1"
    smtp_port: int = 2525
    webhook_url: str = "http://127.0.0.1:9999/hook"
    region: str = "us-east-1"
    ai_url: str = "http://127.0.0.1:4010"


def write_workspace(
    dest: Path, directory: Directory, budgets: Sequence[PlannedBudget], timeline: Timeline, endpoints: Endpoints
) -> None:
    """Write the workspace's files under `dest`; policies are the product's own library and not written here."""
    texts = {
        "fiscus.yaml": _settings(timeline, endpoints),
        "owners/directory.yaml": _directory(directory),
        "owners/rules.yaml": _rules(),
        **shared_cost_files(timeline),
        RATES: exchange_rates(timeline),
    }
    for name, items in budget_documents(budgets).items():
        head = f"# Budgets: {name}. Amounts are for one period; the fiscal year starts in February.\nbudgets:\n"
        texts[f"budgets/{name}.yaml"] = head + _items(items)
    for name, text in texts.items():
        path = dest / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _flow(value: object) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, width=10**9, sort_keys=False, allow_unicode=True)
    return text.strip().removesuffix("...").strip()


def _items(items: Sequence[Mapping[str, object]]) -> str:
    return "".join(f"  - {_flow(dict(item))}\n" for item in items)


def _directory(directory: Directory) -> str:
    people = [
        _without_empty({
            "id": p.id, "name": p.name, "email": p.email, "team": p.team, "manager": p.manager, "roles": list(p.roles), "left_on": p.left_on,
        })
        for p in directory.people.values()
    ]  # fmt: skip
    teams = [
        _without_empty({
            "id": t.id, "name": t.name, "lead": t.lead, "cost_centre": t.cost_centre, "parent": t.parent, "aliases": list(t.aliases),
        })
        for t in directory.teams.values()
    ]  # fmt: skip
    return (
        "# Who is who. Somebody who left hands over to their manager; money that nobody owns goes to the default pool.\n"
        f"default_pool: {directory.default_pool}\npeople:\n{_items(people)}teams:\n{_items(teams)}"
    )


def _without_empty(item: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in item.items() if value}


def _rules() -> str:
    rules: list[dict[str, object]] = [
        {
            "id": f"tag-{key.lower()}{'-capital' if key != key.lower() else ''}",
            "match": {f"tag:{key}": ["*"]},
            "team": f"{{tag:{key}}}",
        }
        for key in TEAM_TAGS
    ]
    rules.append({"id": "tag-owner", "match": {f"tag:{OWNER_TAG}": ["*"]}, "owner": f"{{tag:{OWNER_TAG}}}"})
    for rule in (*workspace_rules(), *account_rules()):
        item = {
            "id": rule.id, "match": {"source": [rule.source], "sub_account": [rule.account]}, "team": rule.team,
            "environment": rule.environment, "product": rule.product,
        }  # fmt: skip
        rules.append(_without_empty(item))
    return (
        "# Who answers for a charge: the first rule that matches wins. A tag that names no live team or person does not match.\n"
        f"environment: {_flow({'tags': list(ENVIRONMENT_TAGS), 'names': {k: list(v) for k, v in ENVIRONMENTS.items()}})}\n"
        f"product: {_flow({'tags': list(PRODUCT_TAGS)})}\nrules:\n{_items(rules)}"
    )


def _settings(timeline: Timeline, endpoints: Endpoints) -> str:
    sources = []
    for source in SOURCES:
        dialect = DIALECTS[source]
        item: dict[str, object] = {"name": source, "paths": [f"inbox/{source}"], "focus": "auto"}
        if dialect.times == "day_first":
            item["date_format"] = "%d/%m/%Y"
        if "BillingCurrency" in dialect.left_out:
            item["default_currency"] = CURRENCY.get(source, "USD")
        sources.append(item)
    outcomes = [
        {
            "name": "tickets resolved by AI",
            "scope": {"product": "support-assistant"},
            "volumes": _volumes(timeline, TICKETS_AT_START, 1.045),
        },
        {
            "name": "orders routed",
            "scope": {"product": "fleet-os"},
            "volumes": _volumes(timeline, ORDERS_AT_START, 1.022),
        },
    ]
    return f"""# {COMPANY}: a simulated company. Its bills, people and troubles come from one seed; truth.json says what is planted.
version: 1
company: {{name: {COMPANY}, currency: USD, fiscal_year_start: {FISCAL_YEAR_START}}}
as_of: {timeline.as_of}   # the company lives on this day
reporting: {{currency: USD, rates: [{RATES}]}}   # one currency beside those that are billed

# Bills as each vendor sends them: FOCUS 1.0 to 1.4, CSV, gzip, zstd and Parquet.
sources:
{_items(sources)}
promoted_tags: {_flow(list(PROMOTED))}
stores: {{lake: .fiscus/lake, state: "sqlite:///.fiscus/state.db"}}

notify:
  smtp: {{host: {endpoints.smtp_host}, port: {endpoints.smtp_port}, from: fiscus@northwind.example}}
  webhook: {{url: "{endpoints.webhook_url}", secret_env: FISCUS_WEBHOOK_SECRET}}
aws: {{endpoint_url: "{endpoints.aws_url}", region: {endpoints.region}}}

# The AI gateway (fiscus gateway) and the vendors behind it, simulated here.
gateway:
  upstreams:
{_items([{"name": name, "base_url": f"{endpoints.ai_url}/{name}"} for name in DEVELOPER]).replace("  - ", "    - ")}

belts: {{actions_per_run_max: 20, targets_per_action_max: 10, targets_percent_max: 25, protected_environments: [prod]}}
escalation:
  to_manager_hours: {{low: 72, medium: 24, high: 8, critical: 2}}
  to_finance_hours: {{low: 168, medium: 72, high: 24, critical: 8}}

# What the company gets for its money: volumes a month, for cost per outcome.
outcomes:
{_items(outcomes)}
simulated:
  - The company, its people and its bills are simulated (seeded); truth.json holds what was planted
  - AWS is an emulator and the five AI vendors are simulators on this machine
  - Mail goes to a local SMTP server
  - Exchange rates are made up, in the form of the European Central Bank's file
"""


def _volumes(timeline: Timeline, start: int, growth: float) -> dict[str, int]:
    """Whole months that have closed."""
    return {str(timeline.month(n)): round(start * growth**n / 100) * 100 for n in range(timeline.months)}
