"""Scopes, budgets, policies, findings, intents and decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

from fiscus.kernel.periods import Period, PeriodKind

Verdict = Literal["allow", "warn", "degrade", "require_approval", "deny"]
VERDICTS: Final[tuple[Verdict, ...]] = (
    "allow",
    "warn",
    "degrade",
    "require_approval",
    "deny",
)  # weakest first; the strongest wins
Level = Literal["observe", "warn", "soft", "hard"]
OnError = Literal["allow", "hold", "deny"]
IntentKind = Literal["ai.request", "marketplace.purchase", "resource.provision"]
PolicyTarget = Literal["ai.request", "marketplace.purchase", "resource.provision", "charge", "budget"]

# Scope dimension -> column of the `charges` view. `tag:<key>` is also a dimension.
SCOPE_DIMENSIONS: Final[Mapping[str, str]] = {
    "owner": "x_Owner",
    "team": "x_Team",
    "cost_centre": "x_CostCentre",
    "environment": "x_Environment",
    "product": "x_Product",
    "provider": "ServiceProviderName",
    "invoice_issuer": "InvoiceIssuerName",
    "service": "ServiceName",
    "service_category": "ServiceCategory",
    "service_subcategory": "ServiceSubcategory",
    "sub_account": "SubAccountId",
    "charge_category": "ChargeCategory",
    "region": "RegionId",
    "source": "x_SourceId",
}


@dataclass(frozen=True, slots=True)
class Scope:
    """A named filter over charges: dimension -> accepted values, ANDed. Empty: everything."""

    filters: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Threshold:
    """Warn when `share` of the amount is reached by the actual, or by the forecast (P50), or P(breach) is at least `share`."""

    on: Literal["actual", "forecast", "p_breach"]
    share: Decimal


@dataclass(frozen=True, slots=True)
class Budget:
    """An amount for a scope and fiscal periods. `cap` None: watched only; else the level at which decisions enforce it.

    `amounts` holds exceptions by period label; `amount` is the rest. `treatment` says whether Tax and Credit charges count.
    """

    id: str
    title: str
    scope: Scope
    period: PeriodKind
    currency: str
    amount: Decimal
    amounts: Mapping[str, Decimal]
    metric: Literal["EffectiveCost", "BilledCost"]
    include_tax: bool
    include_credits: bool
    thresholds: tuple[Threshold, ...]
    cap: Level | None
    owner: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """A budget in one period as of a day and a lake version. Headroom = amount - actual - unbilled - held - committed."""

    budget_id: str
    title: str
    owner: str
    period: Period
    as_of: date
    currency: str
    amount: Decimal
    actual: Decimal
    unbilled: Decimal
    held: Decimal
    committed: Decimal
    headroom: Decimal
    forecast_p10: Decimal
    forecast_p50: Decimal
    forecast_p90: Decimal
    p_breach: Decimal
    breach_day: date | None
    state: Literal["ok", "at_risk", "breached"]
    lake_version: str
    cap: Level | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """One rule as loaded. `version` is the digest of its meaning; `when` is CEL over the facts of each target."""

    id: str
    version: str
    title: str
    targets: tuple[PolicyTarget, ...]
    when: str
    level: Level
    on_error: OnError
    effect: Verdict  # what a match asks for, before `level` weakens it
    reason: str
    remedy: str
    owner: str
    file: str
    line: int
    min_amount: Decimal = Decimal(0)  # a finding below it is not opened, only counted
    action: str | None = None  # an action kind to plan for a match on charges, e.g. aws.ec2.stop
    finding: str = "policy"  # the kind of finding that a match opens
    window_days: int = 0  # charges of the last so many days; 0: of the billing months that are open
    days_min: int = 1  # a finding needs matches on at least so many days
    detector: str | None = None  # a built-in series detector instead of a condition


@dataclass(frozen=True, slots=True)
class Finding:
    """A policy match on something observed. `id` follows from policy and subject: the same match is the same finding."""

    id: str
    kind: str  # budget_breach, budget_forecast, missing_tags, marketplace_unapproved, commitment_expired, price_change, policy...
    policy_id: str
    policy_version: str
    level: Level
    title: str
    detail: str
    amount: Decimal
    currency: str
    owner: str
    team: str
    environment: str
    period_label: str
    first_seen: date
    last_seen: date
    rows: int
    query: str
    params: Mapping[str, object]
    targets: tuple[str, ...] = ()  # resource ids
    action: str | None = None
    state: Literal["open", "resolved"] = "open"
    lake_version: str = ""


@dataclass(frozen=True, slots=True)
class Intent:
    """A spend asked for, before it is spent. `amount` is the upper bound of what it may cost, in `currency`."""

    kind: IntentKind
    requested_by: str
    team: str
    environment: str
    amount: Decimal
    currency: str
    provider: str = ""
    product: str = ""
    service: str = ""
    attributes: Mapping[str, object] = field(
        default_factory=dict
    )  # model, max_tokens, term_months, po, region, size, gpu ...


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """What one policy said: three-valued, with the verdict that it contributes."""

    policy_id: str
    version: str
    level: Level
    result: Literal["match", "no_match", "error"]
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class Headroom:
    """What is left of one budget that covers the intent, and after it."""

    budget_id: str
    period_label: str
    currency: str
    amount: Decimal
    actual: Decimal
    unbilled: Decimal
    held: Decimal
    committed: Decimal
    headroom: Decimal
    after: Decimal
    cap: Level | None


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to an intent. `money_held` is false until the spend ledger exists, and `note` says so."""

    id: str
    at: datetime
    intent: Intent
    intent_digest: str
    verdict: Verdict
    reasons: tuple[str, ...]
    policies: tuple[PolicyResult, ...]
    headroom: tuple[Headroom, ...]
    next_step: str
    watermark: str  # lake version and charges-until that it rests on
    money_held: bool
    note: str
