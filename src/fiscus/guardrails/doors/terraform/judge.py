"""A priced plan as intents: each resource for the policies, the whole change for the budgets; and their answers as one report.

Budgets are judged on the sum with each vendor, so that ten small resources do not pass where one large one would not. That sum is
asked as the dearest resource of the change, at the amount of all: a limit on amounts is not dodged by splitting either.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from fiscus.guardrails.doors.gate_settings import GateSettings
from fiscus.guardrails.doors.terraform.plan import Plan
from fiscus.guardrails.doors.terraform.price_changes import PricedChange, Side, intent_attributes
from fiscus.guardrails.doors.terraform.report import (
    VERSION,
    GateReport,
    HeadroomShown,
    ResourceShown,
    ResourceVerdict,
    TotalShown,
    cents,
    money,
    resource_shown,
    strongest,
    sums,
    unpriced_verdict,
    upper,
)
from fiscus.guardrails.doors.terraform.rules import can_cost
from fiscus.guardrails.policies.contribution import weakened
from fiscus.guardrails.types import VERDICTS, Decision, Headroom, Intent, PolicyResult, Verdict
from fiscus.kernel.canonical import digest
from fiscus.kernel.money import EXACT, ZERO, display, total

JUDGED = frozenset({"create", "replace", "update", "no-op"})
PRICED_ORDER = ("contracted", "effective", "list")
RAISE_BUDGET = "Lower the amount, or have the budget's owner raise it."
ADDRESS_CHARS_MAX = 300
UNPRICED = "Give the plan the values that it lacks, or have a person look at what has no price (gates.on_unpriced)."


@dataclass(frozen=True, slots=True)
class GateAsked:
    """Who asks, for whom and why: what a plan does not say."""

    requested_by: str
    environment: str = ""
    team: str = ""
    ticket: str = ""
    repository: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """The words under which the charges will stand, as the first settled intent says."""

    requested_by: str
    team: str
    environment: str


def resource_intent(
    priced: PricedChange, asked: GateAsked, settings: GateSettings, currency: str, side: Side = "after"
) -> Intent:
    """One resource as an intent: what it adds a month (what it costs, on the side before)."""
    amount = priced.delta if side == "after" else (priced.before.monthly if priced.before else ZERO)
    tags = priced.tags if side == "after" else priced.tags_before
    return Intent(
        kind="resource.provision", requested_by=asked.requested_by, team=asked.team, environment=asked.environment,
        amount=_asked_amount(amount), currency=priced.currency or currency, provider=priced.provider,
        product=tags.get("product", ""), service=_service(priced),
        attributes=intent_attributes(priced, side, settings.hours_per_month)
        | _context(asked) | {"reason": f"Terraform {priced.change.address[:ADDRESS_CHARS_MAX]}"},
    )  # fmt: skip


def is_judged(priced: PricedChange) -> bool:
    """What goes away is no spend; everything else that can cost money is asked for."""
    return priced.change.action in JUDGED and can_cost(priced.change)


def new_objections(
    priced: PricedChange, after: Sequence[PolicyResult], before: Sequence[PolicyResult]
) -> list[PolicyResult]:
    """What policies say to the change: for one that costs no more, only what they did not already say to the resource before."""
    said = {result.policy_id for result in before if result.verdict != "allow"} if not priced.raises else set()
    return [result for result in after if result.verdict != "allow" and result.policy_id not in said]


def resource_verdict(
    priced: PricedChange, results: Sequence[PolicyResult], remedies: Mapping[str, str]
) -> ResourceVerdict:
    """The strongest of what was said to one resource, strongest first; and that policies did not see all of its tags."""
    results = sorted(results, key=lambda result: (-VERDICTS.index(result.verdict), result.policy_id))
    dark = priced.tags_unknown if results else ""
    unseen = [f"{dark[0].upper()}{dark[1:]} known only after apply: no policy has seen them."] if dark else []
    return ResourceVerdict(
        strongest([result.verdict for result in results]),
        (*(result.reason for result in results if result.reason), *unseen),
        tuple(result.policy_id for result in results),
        tuple((result.verdict, remedies.get(result.policy_id, "")) for result in results),
    )


def by_vendor(changes: Sequence[PricedChange]) -> Iterator[tuple[str, str, list[PricedChange]]]:
    """(vendor, currency, its changes) of everything that has a price."""
    for provider, currency in sorted({(one.provider, one.currency) for one in changes if one.currency}):
        yield provider, currency, [one for one in changes if (one.provider, one.currency) == (provider, currency)]


def total_intent(
    changes: Sequence[PricedChange],
    asked: GateAsked,
    settings: GateSettings,
    said: Mapping[str, Sequence[PolicyResult]],
) -> Intent | None:
    """The whole change with one vendor; None where it adds nothing: what saves money needs nobody's leave.

    It is asked as the resource that policies object to most (`said`, by address), the dearest of those, so that one yes answers
    for the change. Its reason holds a digest of every resource: a yes to it is a yes to exactly these.
    """
    _, _, delta, _ = sums(changes)
    rising = [one for one in changes if is_judged(one) and one.raises]
    if delta <= 0 or not rising:
        return None

    def weight(one: PricedChange) -> tuple[int, Decimal, str]:
        verdict = strongest([result.verdict for result in said.get(one.change.address, ())])
        return VERDICTS.index(verdict), one.delta, one.change.address

    foremost = max(rising, key=weight)
    intent = resource_intent(foremost, asked, settings, foremost.currency)
    products = {one.tags.get("product", "") for one in rising}
    services = {_service(one) for one in rising}
    judged = [one for one in changes if is_judged(one)]
    exactly = [(one.change.address, one.change.action, one.region, one.tags, _size(one)) for one in judged]
    about = f"Terraform, {len(judged)} resources with {foremost.provider} ({digest(exactly)[:12]})"
    return Intent(
        kind=intent.kind, requested_by=intent.requested_by, team=intent.team, environment=intent.environment,
        amount=_asked_amount(delta), currency=intent.currency, provider=intent.provider,
        product=intent.product if len(products) == 1 else "", service=intent.service if len(services) == 1 else "",
        attributes={**intent.attributes, "count": sum(_machines(one) for one in rising), "reason": about},
    )  # fmt: skip


def total_shown(
    vendor: tuple[str, str], changes: Sequence[PricedChange], decision: Decision | None, said: Collection[str]
) -> TotalShown:
    """The sum with one vendor and what was decided on it. `said`: policies that object to a resource say nothing twice."""
    provider, currency = vendor
    before, after, delta, least = sums(changes)
    if decision is None:
        return TotalShown(provider, currency, before, after, delta, least, "allow", "", "", "", ())
    objections = [result for result in decision.policies if result.verdict != "allow"]
    fresh = [result.reason for result in objections if result.reason and result.policy_id not in said]
    quiet = f"No policy and no budget objects to {money(delta, currency)} a month with {provider}."
    reasons = tuple(fresh) if objections else (quiet,)
    if lets_in(decision):
        reasons = decision.reasons  # they begin with who said yes
    hold = decision.hold.id if decision.hold else ""
    return TotalShown(
        provider, currency, before, after, delta, least, decision.verdict, decision.id, decision.approval_id, hold, reasons
    )  # fmt: skip


def lets_in(decision: Decision) -> bool:
    """Whether a person's yes is what lets it in."""
    return bool(decision.approval_id) and decision.verdict in {"allow", "warn"}


def asking(decision: Decision) -> set[str]:
    """The policies that want a yes to it, given or not."""
    return {result.policy_id for result in decision.policies if result.verdict == "require_approval"}


def not_answered(objections: Sequence[PolicyResult], answered: Collection[str]) -> list[PolicyResult]:
    """What a yes leaves: everything but the wish for it."""
    return [one for one in objections if one.verdict != "require_approval" or one.policy_id not in answered]


def total_remedies(decision: Decision, remedies: Mapping[str, str]) -> list[tuple[Verdict, str]]:
    """What to do about each objection to the sum; where a yes is wanted, whom to ask for it."""
    if lets_in(decision):
        return []
    steps: list[tuple[Verdict, str]] = [
        (result.verdict, remedies.get(result.policy_id, RAISE_BUDGET))
        for result in decision.policies
        if result.verdict != "allow"
    ]
    return [*steps, (decision.verdict, decision.next_step)] if decision.approval_id else steps


def combined(decisions: Sequence[Decision]) -> tuple[tuple[HeadroomShown, ...], tuple[PolicyResult, ...]]:
    """The headroom after the whole change, and the budgets that only all vendors together do not fit.

    Each vendor's sum was judged for itself; a budget over several of them has to bear all.
    """
    rows: dict[str, list[tuple[Headroom, Decimal]]] = {}
    for decision in decisions:
        for row in decision.headroom:
            rows.setdefault(row.budget_id, []).append((row, decision.intent.amount))
    shown, over = [], []
    for budget_id, seen in sorted(rows.items()):
        first = max((row for row, _ in seen), key=lambda row: row.headroom)
        after = EXACT.subtract(first.headroom, total([amount for _, amount in seen]))
        shown.append(
            HeadroomShown(
                first.budget_id, first.period_label, first.currency, first.cap, cents(first.headroom), cents(after)
            )
        )
        if first.cap and after < ZERO <= min(row.after for row, _ in seen):
            reason = (
                f"Budget {budget_id} has {display(first.headroom)} {first.currency} left of {first.period_label}; "
                f"with all vendors of this plan it would be {money(-after, first.currency)} over."
            )
            verdict = weakened("deny", first.cap)
            over.append(PolicyResult(f"budget.{budget_id}", "", first.cap, "match", verdict, reason))
    return tuple(shown), tuple(over)


@dataclass(frozen=True, slots=True)
class Judged:
    """Everything that was said to a plan, for the report."""

    changes: Sequence[PricedChange]
    words: Mapping[str, ResourceVerdict]  # by address
    totals: Sequence[TotalShown]
    headroom: Sequence[HeadroomShown]
    over: Sequence[PolicyResult]  # budgets that only the vendors together do not fit
    remedies: Sequence[tuple[Verdict, str]]  # of what was decided on the totals
    settled: Settled
    watermark: str
    note: str


def report_of(gate_id: str, plan: Plan, judged: Judged, asked: GateAsked, settings: GateSettings) -> GateReport:
    """One report: the strongest verdict, the reasons behind it, the resources with the most money first."""
    resources = sorted(
        (resource_shown(one, judged.words.get(one.change.address, ResourceVerdict())) for one in judged.changes),
        key=lambda one: (-abs(one.delta), one.address),
    )
    gap_verdict, gap_reason = unpriced_verdict(resources, settings)
    verdict = strongest(
        [
            *(one.verdict for one in resources),
            *(one.verdict for one in judged.totals),
            *(one.verdict for one in judged.over),
            gap_verdict,
        ]
    )
    gaps = tuple(gap for one in resources if one.action != "delete" for gap in one.unpriced)
    parts = [part.source for one in resources for part in one.parts]
    return GateReport(
        version=VERSION, id=gate_id, verdict=verdict, reasons=_reasons(resources, judged, gap_reason),
        next_step=_next_step(verdict, judged), file=asked.file, requested_by=judged.settled.requested_by,
        team=judged.settled.team, environment=judged.settled.environment, terraform_version=plan.terraform_version,
        counts={str(action): count for action, count in sorted(plan.counts().items())}, complete=plan.complete,
        totals=tuple(judged.totals), headroom=tuple(judged.headroom), resources=tuple(resources), unpriced=gaps,
        prices_used={source: parts.count(source) for source in PRICED_ORDER if source in parts},
        hours_per_month=settings.hours_per_month, watermark=judged.watermark, note=judged.note,
    )  # fmt: skip


def _reasons(resources: Sequence[ResourceShown], judged: Judged, gap_reason: str) -> tuple[str, ...]:
    """Whole change first, then each resource, then what has no price; what saves money says so."""
    totals = judged.totals
    said = [reason for one in totals if one.verdict != "allow" for reason in one.reasons]
    said += [one.reason for one in judged.over]
    seen = set(said)
    for one in resources:
        said += [f"{one.address}: {reason}" for reason in one.reasons if reason not in seen]
    if gap_reason:
        said.append(gap_reason)
    if said:
        return tuple(dict.fromkeys(said))
    allowed = [reason for one in totals for reason in one.reasons]
    saving = [
        f"It saves {money(-one.delta, one.currency)} a month with {one.provider}." for one in totals if one.delta < 0
    ]
    return (*allowed, *saving) or ("Nothing in this plan changes what anything costs.",)


def _next_step(verdict: Verdict, judged: Judged) -> str:
    """What to do about each objection, the strongest first."""
    steps = [
        *judged.remedies,
        *((one.verdict, RAISE_BUDGET) for one in judged.over),
        *(step for word in judged.words.values() for step in word.remedies),
    ]
    steps.sort(key=lambda step: -VERDICTS.index(step[0]))
    advice = " ".join(dict.fromkeys(text for _, text in steps if text))
    if verdict == "allow" or not advice:
        return "Go ahead." if verdict in {"allow", "warn"} else UNPRICED
    return f"Go ahead, and consider: {advice}" if verdict == "warn" else advice


def _asked_amount(amount: Decimal) -> Decimal:
    """An intent asks for the most that it may cost: rounded up to a cent, never below nothing."""
    return upper(max(amount, ZERO))


def _size(priced: PricedChange) -> str:
    return priced.after.made.size if priced.after else ""


def _service(priced: PricedChange) -> str:
    """What bills call the service, where all of the resource's own prices name the same one."""
    side = priced.after or priced.before
    names = {part.price.service for part in side.parts} if side else set()
    return names.pop() if len(names) == 1 else ""


def _machines(priced: PricedChange) -> int:
    return priced.after.made.machines if priced.after else 0


def _context(asked: GateAsked) -> dict[str, str]:
    given = {"ticket": asked.ticket, "repository": asked.repository}
    return {key: value for key, value in given.items() if value}
