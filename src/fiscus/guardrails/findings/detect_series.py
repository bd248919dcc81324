"""Built-in detectors: what a condition on one charge cannot see. A price that stepped up, a commitment that ended.

Each is SQL over the charges and pure code over its rows. A policy switches one on (`detector:`) and may set its bounds.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, cast

from fiscus.guardrails.policies.policy_set import CompiledPolicy
from fiscus.guardrails.types import Finding
from fiscus.kernel.errors import NotFound
from fiscus.kernel.ids import content_id
from fiscus.kernel.limits import FINDING_RESOURCES_MAX
from fiscus.kernel.money import EXACT, ZERO, display, total
from fiscus.kernel.periods import Month, midnight
from fiscus.kernel.rows import Query, Rows
from fiscus.kernel.sql_text import sql_text

PRICE_CHANGE: Final = "price_change"
COMMITMENT_EXPIRED: Final = "commitment_expired"
# Detector -> its settings and their defaults; days, and a step of the price in per cent.
DETECTORS: Final[Mapping[str, Mapping[str, Decimal]]] = {
    PRICE_CHANGE: {"history_days": Decimal(60), "news_days": Decimal(35), "percent_min": Decimal(1)},
    COMMITMENT_EXPIRED: {"history_days": Decimal(100), "news_days": Decimal(60), "quiet_days": Decimal(2)},
}
MONTH_DAYS: Final = Decimal(30)
COVERED_DAYS: Final = 28  # what a commitment covered is measured over its last four weeks
DAYS_BEFORE_MIN: Final = 7  # a price is known once it was seen on so many days
DAYS_AFTER_MIN: Final = 2  # one day may be a mistake of the vendor
_CENT: Final = Decimal("0.01")
_HUNDRED: Final = Decimal(100)


@dataclass(frozen=True, slots=True)
class _Step:
    """A row of price_changes.sql. Prices per `unit`."""

    provider: str
    service: str
    sku: str
    unit: str
    region: str
    currency: str
    first_day: date
    last_day: date
    before: Decimal
    after: Decimal
    list_before: Decimal | None
    list_after: Decimal | None
    quantity: Decimal
    cost: Decimal
    charges: int
    description: str


@dataclass(frozen=True, slots=True)
class _Ended:
    """A row of ended_commitments.sql."""

    provider: str
    commitment: str
    name: str
    type: str
    currency: str
    sku: str
    unit: str
    service: str
    last_day: date
    landed: date
    owner: str
    team: str
    environment: str
    covered_cost: Decimal
    covered_quantity: Decimal
    covered_days: int
    cost: Decimal
    quantity: Decimal
    charges: int
    resources: Sequence[str] | None


def detector_query(compiled: CompiledPolicy, as_of: date) -> Query:
    """What the policy's detector asks the lake. Raises NotFound for a detector that does not exist."""
    name = compiled.policy.detector
    if name == PRICE_CHANGE:
        return _price_query(compiled, as_of, "", {})
    if name == COMMITMENT_EXPIRED:
        return _commitment_query(compiled, as_of, "", {})
    raise NotFound(f"There is no detector {name!r}", remedy=f"Known: {', '.join(sorted(DETECTORS))}.")


def detect_series(compiled: CompiledPolicy, rows: Rows, as_of: date, lake_version: str) -> tuple[Finding, ...]:
    """The findings in the answer to `detector_query`, most money first; those under the policy's minimum are left out."""
    if compiled.policy.detector == PRICE_CHANGE:
        found = _price_changes(compiled, rows, as_of, lake_version)
    else:
        found = _ended_commitments(compiled, rows, as_of, lake_version)
    enough = [finding for finding in found if finding.amount > ZERO and finding.amount >= compiled.policy.min_amount]
    return tuple(sorted(enough, key=lambda finding: (-finding.amount, finding.id)))


def setting(compiled: CompiledPolicy, name: str) -> Decimal:
    """What the policy sets, else the detector's default."""
    assert compiled.policy.detector
    return Decimal(str(compiled.settings.get(name, DETECTORS[compiled.policy.detector][name])))


def _window(compiled: CompiledPolicy, as_of: date) -> dict[str, object]:
    since = as_of - timedelta(days=int(setting(compiled, "history_days")))
    month = str(Month.of(since).shift(-1))
    return {"since": midnight(since), "until": midnight(as_of), "billing_month": month}


def _news(compiled: CompiledPolicy, as_of: date) -> date:
    return as_of - timedelta(days=int(setting(compiled, "news_days")))


def _price_query(compiled: CompiledPolicy, as_of: date, only: str, subject: Mapping[str, object]) -> Query:
    params = _window(compiled, as_of) | {
        "changed_since": _news(compiled, as_of),
        "days_before_min": DAYS_BEFORE_MIN,
        "days_after_min": DAYS_AFTER_MIN,
    }
    return Query(sql_text("fiscus.guardrails", "price_changes").replace("{{only}}", only), {**params, **subject})


def _price_changes(compiled: CompiledPolicy, rows: Rows, as_of: date, lake_version: str) -> list[Finding]:
    """One finding a SKU, unit and currency; regions that rose together are one rise."""
    steps = [_Step(*row) for row in cast("Sequence[tuple[Any, ...]]", rows.rows)]
    percent_min = setting(compiled, "percent_min")
    big = [s for s in steps if EXACT.multiply(s.before, _HUNDRED + percent_min) <= EXACT.multiply(s.after, _HUNDRED)]
    alike = sorted(big, key=_sku)
    return [
        _price_finding(compiled, list(group), as_of, lake_version) for _, group in itertools.groupby(alike, key=_sku)
    ]


def _sku(step: _Step) -> tuple[str, str, str, str]:
    return step.provider, step.sku, step.unit, step.currency


def _price_finding(compiled: CompiledPolicy, steps: Sequence[_Step], as_of: date, lake_version: str) -> Finding:
    policy = compiled.policy
    largest = max(steps, key=lambda step: (step.cost, step.region))
    monthly = total([_rise_a_month(step, as_of) for step in steps])
    subject = {"provider": largest.provider, "sku": largest.sku, "unit": largest.unit, "currency": largest.currency}
    query = _price_query(
        compiled, as_of,
        "AND coalesce(ServiceProviderName, '') = $provider AND SkuId = $sku AND coalesce(PricingUnit, '') = $unit "
        "AND BillingCurrency = $currency",
        subject,
    )  # fmt: skip
    rise = EXACT.divide(EXACT.multiply(largest.after - largest.before, _HUNDRED), largest.before)
    listed = (largest.list_after or ZERO) > (largest.list_before or ZERO)
    what = largest.description or largest.sku
    seen = (
        f"{largest.sku}: {_price(largest.before)} → {_price(largest.after)} {largest.currency} per {largest.unit or 'unit'}, "
        f"{'list price' if listed else 'contracted price, the list price is as it was'}."
    )
    return Finding(
        id=content_id("fnd", PRICE_CHANGE, policy.id, subject, min(step.first_day for step in steps)),
        kind=policy.finding, policy_id=policy.id, policy_version=policy.version, level=policy.level,
        title=f"{largest.provider} raised the price of {what} by {display(rise, 1)} % on {largest.first_day}: "
        f"≈ {display(monthly, 0)} {largest.currency} more a month",
        detail=_sentences(policy.reason, seen, policy.remedy),
        amount=monthly, currency=largest.currency, owner=policy.owner, team="", environment="",
        period_label=str(Month.of(as_of - timedelta(days=1))),
        first_seen=min(step.first_day for step in steps), last_seen=max(step.last_day for step in steps),
        rows=sum(step.charges for step in steps), query=query.sql, params=query.params, lake_version=lake_version,
    )  # fmt: skip


def _rise_a_month(step: _Step, as_of: date) -> Decimal:
    """(new price - old price) x what was used since, over thirty days: an estimate, two decimals."""
    days = Decimal(max(1, (as_of - step.first_day).days))
    more = EXACT.multiply(EXACT.subtract(step.after, step.before), step.quantity)
    return EXACT.divide(EXACT.multiply(more, MONTH_DAYS), days).quantize(_CENT, context=EXACT)


def _price(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _commitment_query(compiled: CompiledPolicy, as_of: date, only: str, subject: Mapping[str, object]) -> Query:
    params = _window(compiled, as_of) | {
        "ended_since": _news(compiled, as_of),
        "quiet_days": int(setting(compiled, "quiet_days")),
        "covered_days": COVERED_DAYS,
        "resources_max": FINDING_RESOURCES_MAX,
    }
    return Query(sql_text("fiscus.guardrails", "ended_commitments").replace("{{only}}", only), {**params, **subject})


def _ended_commitments(compiled: CompiledPolicy, rows: Rows, as_of: date, lake_version: str) -> list[Finding]:
    ended = [_Ended(*row) for row in cast("Sequence[tuple[Any, ...]]", rows.rows)]
    grouped = itertools.groupby(ended, key=lambda row: (row.provider, row.commitment, row.currency))
    return [_commitment_finding(compiled, list(group), as_of, lake_version) for _, group in grouped]


def _commitment_finding(compiled: CompiledPolicy, rows: Sequence[_Ended], as_of: date, lake_version: str) -> Finding:
    policy = compiled.policy
    largest = max(rows, key=lambda row: (row.covered_cost, row.sku))
    monthly = total([_lost_a_month(row) for row in rows])
    since = total([row.cost for row in rows])
    subject = {"commitment": largest.commitment}
    query = _commitment_query(compiled, as_of, "AND s.commitment = $commitment", subject)
    name = largest.name or largest.commitment
    seen = (
        f"{largest.type or 'Commitment'} {largest.commitment} of {largest.provider}: what it covered has cost "
        f"{display(since)} {largest.currency} on demand since."
    )
    resources = sorted({resource for row in rows for resource in row.resources or ()})
    return Finding(
        id=content_id("fnd", COMMITMENT_EXPIRED, policy.id, largest.commitment, largest.currency),
        kind=policy.finding, policy_id=policy.id, policy_version=policy.version, level=policy.level,
        title=f"{name} covers nothing since {largest.last_day + timedelta(days=1)}: what it covered runs on demand and costs "
        f"≈ {display(monthly, 0)} {largest.currency} more a month",
        detail=_sentences(policy.reason, seen, policy.remedy),
        amount=monthly, currency=largest.currency, owner=largest.owner, team=largest.team, environment=largest.environment,
        period_label=str(Month.of(as_of - timedelta(days=1))),
        first_seen=largest.last_day + timedelta(days=1), last_seen=max(row.landed for row in rows),
        rows=sum(row.charges for row in rows), query=query.sql, params=query.params,
        targets=(largest.commitment, *resources[: FINDING_RESOURCES_MAX - 1]), lake_version=lake_version,
    )  # fmt: skip


def _lost_a_month(row: _Ended) -> Decimal:
    """What thirty days cost more: the quantity that was covered a day, as far as it still runs, x (on demand - covered) price.

    An estimate, two decimals. Never negative: where on demand is cheaper, nothing was lost.
    """
    if row.covered_quantity <= ZERO or row.quantity <= ZERO:
        return ZERO
    days = Decimal(max(1, (row.landed - row.last_day).days))
    a_day = min(EXACT.divide(row.covered_quantity, Decimal(row.covered_days)), EXACT.divide(row.quantity, days))
    dearer = EXACT.subtract(EXACT.divide(row.cost, row.quantity), EXACT.divide(row.covered_cost, row.covered_quantity))
    return max(ZERO, EXACT.multiply(EXACT.multiply(a_day, MONTH_DAYS), dearer).quantize(_CENT, context=EXACT))


def _sentences(*parts: str) -> str:
    return " ".join(part for part in parts if part)
