"""Scopes, budgets, policies, findings, intents and decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal, get_args

from fiscus.cost.dimensions import CHARGE_DIMENSIONS
from fiscus.kernel.periods import Period, PeriodKind

Verdict = Literal["allow", "warn", "degrade", "require_approval", "deny"]
VERDICTS: Final[tuple[Verdict, ...]] = (
    "allow",
    "warn",
    "degrade",
    "require_approval",
    "deny",
)  # weakest first; the strongest wins
Effect = Literal[
    "allow", "warn", "act", "degrade", "require_approval", "deny"
]  # what a match asks for; act: on what is there
Level = Literal["observe", "warn", "soft", "hard"]
OnError = Literal["allow", "hold", "deny"]
Rollover = Literal["none", "unused", "overspend", "both"]
IntentKind = Literal["ai.request", "marketplace.purchase", "saas.seat", "resource.provision", "commitment.purchase"]
Observed = Literal["charge", "resource", "budget", "anomaly", "invoice"]
PolicyTarget = IntentKind | Observed
INTENT_KINDS: Final[tuple[IntentKind, ...]] = get_args(IntentKind)  # asked before the money is spent
OBSERVED: Final[tuple[Observed, ...]] = get_args(Observed)  # looked at by each run

# Scope dimension -> column of the `charges` view. `tag:<key>` is also a dimension.
SCOPE_DIMENSIONS: Final[Mapping[str, str]] = CHARGE_DIMENSIONS
AI_DIMENSIONS: Final = frozenset({"model", "api_key", "user"})  # nothing but AI usage has them


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
class Growth:
    """From the period that begins on or after `start`: `amount` from then on, or `percent` more each `every`, compounded."""

    start: date
    amount: Decimal | None = None
    percent: Decimal | None = None
    every: PeriodKind | None = None


@dataclass(frozen=True, slots=True)
class BurnWindow:
    """Alert when both the last `long` and the last `short` days burn faster than `factor` times the budget's own pace."""

    long_days: int
    short_days: int
    factor: Decimal


@dataclass(frozen=True, slots=True)
class Budget:
    """An amount for a scope and fiscal periods. `cap` None: watched only; else the level at which decisions enforce it.

    `amounts` holds exceptions by period label; `amount`, as `growth` changes it, is the rest. `rollover`: what of the period
    before is added to the next one (unused money), taken from it (overspend), or both; at most `rollover_max`; beginning with
    the period that holds `rollover_from` (None: with the fiscal year). `parent`: the budget that this one is a part of.
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
    parent: str = ""
    rollover: Rollover = "none"
    rollover_max: Decimal | None = None
    rollover_from: date | None = None
    growth: tuple[Growth, ...] = ()
    burn: tuple[BurnWindow, ...] = ()
    on_ledger_loss: Mapping[str, str] = field(default_factory=dict)  # environment, or `default` -> deny | allow


@dataclass(frozen=True, slots=True)
class BudgetAlert:
    """Why a budget needs somebody before it breaks. `value` and `bound` are shares (of the amount, of its pace, or a P)."""

    on: Literal["actual", "forecast", "p_breach", "burn"]
    value: Decimal
    bound: Decimal
    window: BurnWindow | None = None


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """A budget in one period as of a day and a lake version. Headroom = amount - actual - unbilled - held - committed.

    The four never overlap: `actual` is billed; `unbilled` is spent before `as_of` and on no bill yet, of which `metered` is
    known to the spend ledger and the rest an estimate (its P50; P10 and P90 beside it); `held` and `committed` are the ledger's.
    `amount` includes what was `carried` from the periods before. Bills cover the days before `billed_until`.
    `allocated` is the sum of its children's amounts and `children_actual` of their actuals, both for this period; None without.
    """

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
    unbilled_p10: Decimal = Decimal(0)
    unbilled_p90: Decimal = Decimal(0)
    metered: Decimal = Decimal(0)
    carried: Decimal = Decimal(0)
    billed_until: date | None = None
    alerts: tuple[BudgetAlert, ...] = ()
    parent: str = ""
    allocated: Decimal | None = None
    children_actual: Decimal | None = None


@dataclass(frozen=True, slots=True)
class LedgerShare:
    """What the spend ledger knows of one budget in its running period. `unbilled`: settled, and on no bill yet."""

    held: Decimal = Decimal(0)
    unbilled: Decimal = Decimal(0)
    committed: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class CheaperWay:
    """What a policy that degrades offers instead. `price_share`: of the asked price; None: somebody has to quote it."""

    title: str
    change: Mapping[str, object]  # field or attribute of the intent -> its new value
    price_share: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ApprovalBand:
    """Who must say yes to an amount above `over`, up to the next band. `roles` empty: whoever answers for the team that pays."""

    over: Decimal
    roles: tuple[str, ...] = ()
    approvers: int = 1


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """Bands by amount, lowest first, the first from zero. An amount in another currency is in the last band."""

    bands: tuple[ApprovalBand, ...]
    currency: str = ""  # of the bands; empty where there is only one
    expires_hours: int = 72


@dataclass(frozen=True, slots=True)
class PolicyException:
    """Where a policy weakens to `effect` and `level`, until the end of the day `until`. `when`: CEL, as written or spelt out."""

    when: Mapping[PolicyTarget, str]
    owner: str
    reason: str
    until: date
    effect: Effect
    level: Level
    line: int


@dataclass(frozen=True, slots=True)
class Policy:
    """One rule as loaded. `version` is the digest of its meaning; `when` is CEL over the facts of its targets, as it is shown."""

    id: str
    version: str
    title: str
    targets: tuple[PolicyTarget, ...]
    when: str
    level: Level
    on_error: OnError
    effect: Effect  # what a match asks for, before `level` weakens it
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
    options: tuple[CheaperWay, ...] = ()
    approval: ApprovalRule | None = None
    exceptions: tuple[PolicyException, ...] = ()
    effective_from: date | None = None  # None: always was
    effective_until: date | None = None  # the last day; None: until it is changed


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
class Quote:
    """What an intent would cost after a change, in its currency: by the company's own history, or a list price."""

    amount: Decimal
    priced_by: Literal["history", "list"]


@dataclass(frozen=True, slots=True)
class Option:
    """A cheaper way to what was asked for. `change`: attribute -> new value; `amount`: what it costs then.

    `priced_by`: the policy states the share of the price, or the company's own history or a list price gave it.
    """

    title: str
    change: Mapping[str, object]
    amount: Decimal
    saving: Decimal
    currency: str
    priced_by: Literal["policy", "history", "list"]
    policy_id: str


@dataclass(frozen=True, slots=True)
class ApprovalNeeded:
    """Who must say yes before the money is spent: people with one of `roles`, and so many different ones of them.

    `roles` empty: whoever answers for the team that pays (its leads and managers), finance included.
    """

    roles: tuple[str, ...] = ()
    approvers: int = 1  # four eyes beside the requester; 2 means two different people
    expires_hours: int = 72
    reason: str = ""


@dataclass(frozen=True, slots=True)
class HeldMoney:
    """The reservation behind a verdict: settle it at the real amount, or release it if nothing was sent, before it expires."""

    id: str
    amount: Decimal
    currency: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """What one policy said: three-valued, with the verdict that it contributes. Nothing, where it does not say what."""

    policy_id: str
    version: str
    level: Level
    result: Literal["match", "no_match", "error"] = "no_match"
    verdict: Verdict = "allow"
    reason: str = ""


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
    billed_until: date | None = None
    frozen: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to an intent. `hold` is the money reserved for it over every budget that covers it; None where none is."""

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
    options: tuple[Option, ...] = ()  # cheaper ways, the largest saving first
    approval: ApprovalNeeded | None = None  # who must approve, where the verdict is require_approval
    approval_id: str = ""  # the approval that was asked for, or the one that this verdict rests on
    hold: HeldMoney | None = None
    rulebook: str = ""  # digest of the policies, budgets and calendar that judged: replay loads exactly these
    asked: Mapping[str, object] = field(default_factory=dict)  # the directory's word on who asks, as it was judged
    ledger: Literal["kept", "lost"] = "kept"  # lost: the ledger could not be reached and a fail mode answered
