"""About sixty budgets, their amounts taken from the simulation: most comfortable, some on their way to breach, one or two breached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from typing import Final, Literal

from fiscus.kernel.periods import FiscalCalendar, PeriodKind
from fiscus.twin.spend import Cells, Scope
from fiscus.twin.timeline import Timeline

FISCAL_YEAR_START: Final = 2
ROOM: Final = Decimal("1.24")  # what a comfortable budget has above what will be spent
TIGHT: Final = Decimal("0.92")  # what a budget on its way to breach has of what will be spent
ROOMY: Final = {"env-staging": Decimal("1.5")}  # breached by the end of the month, not yet today
AI: Final = "AI and Machine Learning"
TIGHT_ONES: Final = (
    "team-navigation",
    "team-security-engineering",
    "product-mobile-app",
    "product-telemetry-hub",
    "provider-oracle",
)
INSIDE: Final = {"ai-prod": "env-prod", "ai-staging": "env-staging", "ai-dev": "env-dev"}  # child -> parent
Fate = Literal["fine", "close", "at_risk", "breached"]

# file | id | title | period | owner | cap | dimension=value;...
PLANNED: Final = """
company|company-year|Northwind, fiscal year|year|finance||
company|company-quarter|Northwind, quarter|quarter|finance||
company|company-month|Northwind, month|month|finance||
environments|env-prod|Production|month|platform||environment=prod
environments|env-staging|Staging|month|platform||environment=staging
environments|env-dev|Development|month|developer-experience||environment=dev
environments|env-prod-quarter|Production, quarter|quarter|finance||environment=prod
ai|ai-prod|AI in production|month|ml-platform|warn|environment=prod;service_category=@ai
ai|ai-staging|AI in staging|month|ml-platform|hard|environment=staging;service_category=@ai
ai|ai-dev|AI in development|month|ml-platform|soft|environment=dev;service_category=@ai
providers|provider-aws|AWS|month|finops||provider=AWS
providers|provider-azure|Microsoft Azure|month|finops||provider=Microsoft
providers|provider-gcp|Google Cloud|month|finops||provider=Google Cloud
providers|provider-oracle|Oracle|month|finops||provider=Oracle
providers|provider-openai|OpenAI|month|ml-platform||provider=OpenAI
providers|provider-anthropic|Anthropic|month|ml-platform||provider=Anthropic
providers|provider-mistral|Mistral (EUR)|month|ml-platform||provider=Mistral AI
providers|provider-huggingface|Hugging Face|month|ml-platform||provider=Hugging Face
providers|provider-perplexity|Perplexity|month|marketing||provider=Perplexity
providers|provider-snowfield|Snowfield|month|data-platform||provider=Snowfield
providers|provider-dogwatch|Dogwatch|month|sre||provider=Dogwatch
providers|provider-codeharbor|CodeHarbor|month|developer-experience||provider=CodeHarbor
providers|provider-workdesk|Workdesk|month|it-services||provider=Workdesk
categories|category-storage|Storage|month|platform||service_category=Storage
categories|category-databases|Databases|month|platform||service_category=Databases
categories|category-networking|Networking|month|networking||service_category=Networking
categories|category-analytics|Analytics|month|data-platform||service_category=Analytics
categories|category-ai-quarter|AI everywhere, quarter|quarter|ml-platform||service_category=@ai
products|product-vision-stack|Vision stack|month|perception||product=vision-stack
products|product-fleet-os|Fleet OS|month|fleet-control||product=fleet-os
products|product-warehouse-bot|Warehouse bot|month|manipulation||product=warehouse-bot
products|product-data-lake|Data lake|month|data-platform||product=data-lake
products|product-ml-studio|ML studio|month|ml-platform||product=ml-studio
products|product-storefront|Storefront|month|storefront||product=storefront
products|product-mobile-app|Mobile app|month|mobile-apps||product=mobile-app
products|product-customer-portal|Customer portal|month|customer-portal||product=customer-portal
products|product-telemetry-hub|Telemetry hub|month|telemetry||product=telemetry-hub
products|product-erp|ERP|month|supply-chain||product=erp
products|product-factory|Factory|month|manufacturing||product=factory
products|product-field-app|Field app|month|field-service||product=field-app
products|product-internal-it|Internal IT|month|it-services||product=internal-it
products|product-integrations-hub|Integrations hub|month|integrations||product=integrations-hub
"""
TEAMS: Final = (
    "perception", "navigation", "manipulation", "fleet-control", "simulation", "firmware", "data-platform", "analytics", "ml-platform",
    "ml-research", "storefront", "customer-portal", "telemetry", "integrations", "platform", "networking", "security-engineering",
    "developer-experience", "it-services", "supply-chain",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PlannedBudget:
    """One budget with what the simulation knows of it: spent before the as-of day, and by the period's end.

    `final`: if nobody acts and the runaway agent goes on at its worst; `final_mended`: if it stops today.
    """

    id: str
    title: str
    file: str
    period: PeriodKind
    owner: str
    cap: str
    scope: Scope
    currency: str
    amount: Decimal
    spent: Decimal
    final: Decimal
    final_mended: Decimal
    period_label: str

    @property
    def fate(self) -> Fate:
        """Breached, on its way there, fine, or too close to call."""
        if self.spent >= self.amount:
            return "breached"
        if self.final_mended / self.amount >= Decimal("1.04"):
            return "at_risk"
        return "fine" if self.final / self.amount <= Decimal("0.94") else "close"


def plan_budgets(spend: Cells, timeline: Timeline) -> list[PlannedBudget]:
    """Every budget with its amount. Budgets whose scope costs nothing are left out."""
    rows = [row.split("|") for row in PLANNED.strip().splitlines()]
    rows += [["teams", f"team-{team}", f"Team {team}", "month", team, "", f"team={team}"] for team in TEAMS]
    planned = []
    for file, key, title, period, owner, cap, scope in rows:
        kind: PeriodKind = "year" if period == "year" else "quarter" if period == "quarter" else "month"
        filters = dict(pair.replace("@ai", AI).split("=") for pair in scope.split(";") if pair)
        budget = _plan((key, title, file, owner, cap), kind, filters, spend, timeline)
        if budget.amount > 0:
            planned.append(budget)
    return planned


def _plan(
    names: tuple[str, str, str, str, str], kind: PeriodKind, scope: Scope, spend: Cells, timeline: Timeline
) -> PlannedBudget:
    key, title, file, owner, cap = names
    period = FiscalCalendar(FISCAL_YEAR_START).period(kind, timeline.as_of)
    first, last = timeline.index(period.start), timeline.index(period.end)
    currency = "EUR" if key == "provider-mistral" else "USD"
    plain = spend.total(scope, currency, (first, last), without=spend.planted)
    tight = key in TIGHT_ONES
    room = ROOMY.get(key, ROOM)
    amount = _human(plain * TIGHT, ROUND_HALF_EVEN, 3) if tight else _human(plain * room, ROUND_CEILING, 2)
    spent = spend.total(scope, currency, (first, timeline.today))
    final = spend.total(scope, currency, (first, last))
    mended = (
        final
        - spend.total(scope, currency, (timeline.today, last))
        + spend.total(scope, currency, (timeline.today, last), without=spend.runaway)
    )
    return PlannedBudget(
        key, title, file, kind, owner, cap, scope, currency, amount, spent, final, mended, period.label
    )


def _human(amount: Decimal, rounding: str, digits: int) -> Decimal:
    """An amount as people write budgets: few significant digits, the rest zeros."""
    if amount <= 0:
        return Decimal(0)
    step = Decimal(10) ** (amount.adjusted() - digits + 1)
    return Decimal(int((amount / step).to_integral_value(rounding=rounding) * step))


def budget_documents(budgets: Sequence[PlannedBudget]) -> Mapping[str, list[Mapping[str, object]]]:
    """File name to the budgets in it, as plain data for YAML."""
    files: dict[str, list[Mapping[str, object]]] = {}
    known = {budget.id for budget in budgets}
    for budget in budgets:
        parent = INSIDE.get(budget.id)
        inside = {"parent": parent} if parent in known else {}
        files.setdefault(budget.file, []).append({**_document(budget), **inside})
    return files


def _document(budget: PlannedBudget) -> Mapping[str, object]:
    early = 0.95 if budget.period != "month" else 0.8  # most of a year is always spent near its end
    body: dict[str, object] = {
        "id": budget.id,
        "title": budget.title,
        "scope": dict(budget.scope),
        "period": budget.period,
        "currency": budget.currency,
        "amount": int(budget.amount),
        "metric": "EffectiveCost",
        "include_tax": False,
        "include_credits": True,
        "thresholds": [
            {"on": "actual", "share": early},
            {"on": "forecast", "share": 1.0},
            {"on": "p_breach", "share": 0.5},
        ],
        "owner": budget.owner,
    }
    return {**body, "cap": budget.cap} if budget.cap else body
