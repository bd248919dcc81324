"""What the gate answers: one verdict on a plan, the money and prices of each resource, and the headroom after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from typing import Final

from fiscus.cost.price_types import Confidence, PriceSource
from fiscus.guardrails.doors.gate_settings import UNPRICED_VERDICT, GateSettings
from fiscus.guardrails.doors.terraform.parts import UnpricedKind
from fiscus.guardrails.doors.terraform.plan import Action
from fiscus.guardrails.doors.terraform.price_changes import PricedChange, PricedPart, PricedSide
from fiscus.guardrails.types import VERDICTS, Level, Verdict
from fiscus.kernel.money import EXACT, ZERO, display, total

CENT: Final = Decimal("0.01")
VERSION: Final = 1  # of the JSON shape: a key may be added, none changes its meaning


@dataclass(frozen=True, slots=True)
class PartShown:
    """One priced part of a resource as it will be (as it was, when it goes)."""

    name: str
    count: Decimal
    unit: str
    unit_price: Decimal
    currency: str
    monthly: Decimal
    monthly_least: Decimal
    source: PriceSource
    confidence: Confidence
    why: str
    sku: str
    evidence: str  # SQL over `charges` that shows what the price rests on; empty for a shipped list price
    params: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class UnpricedShown:
    """Something that costs money, or may, and is in no sum."""

    address: str
    what: str
    kind: UnpricedKind
    detail: str


@dataclass(frozen=True, slots=True)
class ResourceShown:
    """One resource that changes. `before` and `after` are a month; `objections`: the policies that have a word to say."""

    address: str
    type: str
    action: Action
    provider: str
    region: str
    size: str
    currency: str
    before: Decimal
    after: Decimal
    delta: Decimal
    delta_least: Decimal
    parts: tuple[PartShown, ...]
    unpriced: tuple[UnpricedShown, ...]
    verdict: Verdict
    reasons: tuple[str, ...]
    objections: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TotalShown:
    """The whole change with one vendor in one currency, a month. `decision_id`: what judged it; empty: nothing had to."""

    provider: str
    currency: str
    before: Decimal
    after: Decimal
    delta: Decimal
    delta_least: Decimal
    verdict: Verdict
    decision_id: str
    approval_id: str  # that it waits for, or that lets it in
    hold_id: str  # of the money that is held for it; empty: none is
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HeadroomShown:
    """What is left of one budget that covers the change: now, and after the whole of it."""

    budget_id: str
    period_label: str
    currency: str
    cap: Level | None
    headroom: Decimal
    after: Decimal


@dataclass(frozen=True, slots=True)
class GateReport:
    """The answer to a plan. The strongest of all verdicts is the verdict."""

    version: int
    id: str
    verdict: Verdict
    reasons: tuple[str, ...]
    next_step: str
    file: str
    requested_by: str
    team: str
    environment: str
    terraform_version: str
    counts: Mapping[str, int]
    complete: bool
    totals: tuple[TotalShown, ...]
    headroom: tuple[HeadroomShown, ...]
    resources: tuple[ResourceShown, ...]
    unpriced: tuple[UnpricedShown, ...]
    prices_used: Mapping[str, int]  # contracted, effective, list -> so many parts
    hours_per_month: Decimal
    watermark: str
    note: str


@dataclass(frozen=True, slots=True)
class ResourceVerdict:
    """What policies said to one resource."""

    verdict: Verdict = "allow"
    reasons: tuple[str, ...] = ()
    objections: tuple[str, ...] = ()
    remedies: tuple[tuple[Verdict, str], ...] = ()


def resource_shown(priced: PricedChange, word: ResourceVerdict) -> ResourceShown:
    """One change as it is shown."""
    side = priced.after or priced.before
    change = priced.change
    return ResourceShown(
        address=change.address, type=change.type, action=change.action, provider=priced.provider, region=priced.region,
        size=side.made.size if side else "", currency=priced.currency, before=_monthly(priced.before),
        after=_monthly(priced.after), delta=priced.delta, delta_least=priced.delta_least,
        parts=tuple(_part_shown(part) for part in side.parts) if side else (),
        unpriced=tuple(
            UnpricedShown(change.address, gap.what, gap.kind, gap.detail) for gap in (side.unpriced if side else ())
        ),
        verdict=word.verdict, reasons=word.reasons, objections=word.objections,
    )  # fmt: skip


def unpriced_verdict(resources: Sequence[ResourceShown], settings: GateSettings) -> tuple[Verdict, str]:
    """What the setting on_unpriced makes of what has no price. What goes away is no trouble, nor use beside a price."""
    gaps = [
        gap
        for one in resources
        if one.action != "delete"
        for gap in one.unpriced
        if gap.kind != "usage" or not one.parts
    ]
    if not gaps:
        return "allow", ""
    places = sorted({gap.address for gap in gaps})
    names = ", ".join(places[:3]) + (f" and {len(places) - 3} more" if len(places) > 3 else "")
    what = "1 thing" if len(gaps) == 1 else f"{len(gaps)} things"
    return UNPRICED_VERDICT[settings.on_unpriced], f"{what} could not be priced and {_is(gaps)} in no sum: {names}."


def strongest(verdicts: Sequence[Verdict]) -> Verdict:
    """The strongest of them; allow where nobody said anything."""
    return max(verdicts, key=VERDICTS.index, default="allow")


def money(amount: Decimal, currency: str, *, sign: bool = False) -> str:
    """`+1,234.50 USD`; a minus sign, not parentheses: a change is no balance."""
    text = shown(abs(amount))
    mark = "-" if amount < 0 else "+" if sign and amount > 0 else ""
    return f"{mark}{text} {currency}".rstrip()


def upper(amount: Decimal) -> Decimal:
    """What is asked for is at most so much: a started cent is a cent, in the intent and wherever a change is shown."""
    return amount.quantize(CENT, rounding=ROUND_UP, context=EXACT)


def shown(amount: Decimal) -> str:
    """A month's cost for people, rounded as it is asked for."""
    return display(upper(amount))


def cents(amount: Decimal) -> Decimal:
    """An amount for people: budgets are kept finer than anybody reads them."""
    return amount.quantize(CENT, context=EXACT)


def sums(priced: Sequence[PricedChange]) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """(before, after, delta, least delta) of several changes in one currency."""
    return (
        total([_monthly(one.before) for one in priced]),
        total([_monthly(one.after) for one in priced]),
        total([one.delta for one in priced]),
        total([one.delta_least for one in priced]),
    )


def _monthly(side: PricedSide | None) -> Decimal:
    return side.monthly if side else ZERO


def _is(gaps: Sequence[object]) -> str:
    return "is" if len(gaps) == 1 else "are"


def _part_shown(part: PricedPart) -> PartShown:
    price = part.price
    return PartShown(
        name=part.name, count=part.count, unit=part.unit, unit_price=round(price.amount, 12), currency=price.currency,
        monthly=part.monthly, monthly_least=part.least, source=price.source, confidence=price.confidence, why=price.why,
        sku=price.sku, evidence=price.evidence.sql if price.evidence else "",
        params=dict(price.evidence.params) if price.evidence else {},
    )  # fmt: skip
