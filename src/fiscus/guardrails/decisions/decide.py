"""The verdict on an intent: every policy and every covering budget says its word, and the strongest word wins.

Three-valued (match, no match, error) with each policy's `on_error`, as in Cedar and Sentinel; forbid wins, so order does not
matter. A level weakens what a policy asks for: observe to nothing, warn to a warning, soft to approval, hard not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from fiscus.guardrails.decisions.intent import intent_facts
from fiscus.guardrails.decisions.policy_words import NO_QUOTES, policy_words
from fiscus.guardrails.policies.contribution import weakened
from fiscus.guardrails.policies.policy_set import PolicySet
from fiscus.guardrails.ports import Quotes
from fiscus.guardrails.types import (
    VERDICTS,
    ApprovalNeeded,
    Budget,
    BudgetStatus,
    Headroom,
    Intent,
    Option,
    PolicyResult,
    Verdict,
)
from fiscus.kernel.canonical import digest
from fiscus.kernel.money import EXACT, ZERO, display

# What the vendor will call it once it is a charge (FOCUS 1.4, ServiceCategory and ChargeCategory).
CHARGED_AS: Final[Mapping[str, Mapping[str, str]]] = {
    "ai.request": {"service_category": "AI and Machine Learning", "charge_category": "Usage"},
    "marketplace.purchase": {"charge_category": "Purchase"},
    "saas.seat": {"charge_category": "Purchase"},
    "resource.provision": {"charge_category": "Usage"},
    "commitment.purchase": {"charge_category": "Purchase"},
}
STATED: Final = frozenset({"team", "environment", "product", "provider", "service"})  # what an intent can say of itself
NO_MONEY_HELD: Final = (
    "No money is held: until the spend ledger exists, two intents that are decided at once may both fit the same headroom."
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """An intent with who asks: the directory's word on them, the moment, and the cost centre of the team that pays.

    `moment`: the facts `now.*` (policies/moment.py); without them a policy that asks for the fiscal year has no answer.
    """

    intent: Intent
    roles: tuple[str, ...]
    requester_team: str
    cost_centre: str
    at: datetime
    requester_cost_centre: str = ""
    manager: str = ""
    moment: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict with everything that it rests on. `unasked`: budgets on dimensions that an intent does not state."""

    verdict: Verdict
    reasons: tuple[str, ...]
    policies: tuple[PolicyResult, ...]
    headroom: tuple[Headroom, ...]
    next_step: str
    unasked: tuple[str, ...]
    options: tuple[Option, ...] = ()
    approval: ApprovalNeeded | None = None


def decide(
    asked: Asked,
    policies: PolicySet,
    budgets: Sequence[Budget],
    statuses: Mapping[str, BudgetStatus],
    quotes: Quotes = NO_QUOTES,
) -> Judgement:
    """Pure: the same question and the same state give the same judgement, whatever the order of policies and budgets."""
    words = policy_words(asked.intent, lambda intent: facts_asked(asked, intent), policies, asked.at.date(), quotes)
    results = list(words.results)
    scope = _scope_values(asked)
    rows: list[Headroom] = []
    for budget in sorted(budgets, key=lambda one: one.id):
        if _covers(budget, scope):
            result, row = _of_budget(budget, statuses.get(budget.id), asked)
            results.append(result)
            rows += [row] if row else []
        elif budget.cap and (left_out := _left_out(budget, scope)) and left_out <= STATED:
            results.append(_not_told(budget, left_out))
    results.sort(key=lambda result: (-VERDICTS.index(result.verdict), result.policy_id))
    verdict = results[0].verdict if results else "allow"
    return Judgement(
        verdict=verdict,
        reasons=_reasons(asked.intent, results, rows, verdict),
        policies=tuple(results),
        headroom=tuple(rows),
        next_step=_next_step(policies, results, verdict, words.options),
        options=words.options if verdict != "allow" else (),
        approval=(words.approval or ApprovalNeeded()) if verdict == "require_approval" else None,
        unasked=tuple(sorted(b.id for b in budgets if b.cap and not _left_out(b, scope) <= STATED)),
    )


def facts_asked(asked: Asked, intent: Intent | None = None) -> dict[str, object]:
    """The typed facts of what is asked, or of another `intent` that the same person asks at the same moment."""
    return intent_facts(intent or asked.intent) | {
        "requester.id": asked.intent.requested_by,
        "requester.team": asked.requester_team,
        "requester.cost_centre": asked.requester_cost_centre,
        "requester.manager": asked.manager,
        "requester.roles": asked.roles,
        "now.hour": asked.at.hour,
        "now.weekday": asked.at.isoweekday(),
        "now.date": asked.at.date().isoformat(),
        **asked.moment,
    }


def _scope_values(asked: Asked) -> Mapping[str, str]:
    intent = asked.intent
    return {
        "team": intent.team,
        "environment": intent.environment,
        "product": intent.product,
        "provider": intent.provider,
        "service": intent.service,
        "cost_centre": asked.cost_centre,
        "region": str(intent.attributes.get("region", "")),
        **CHARGED_AS[intent.kind],
    }


def _left_out(budget: Budget, scope: Mapping[str, str]) -> frozenset[str]:
    """The dimensions that keep anybody from telling whether it covers the intent; none where a stated one settles that."""
    filters = budget.scope.filters
    if any(scope[key] not in values for key, values in filters.items() if scope.get(key)):
        return frozenset()
    return frozenset(key for key in filters if not scope.get(key))


def _not_told(budget: Budget, left_out: frozenset[str]) -> PolicyResult:
    """A cap is not dodged by leaving out what it is on."""
    assert budget.cap is not None
    missing = " and ".join(sorted(left_out))
    reason = f"Budget {budget.title} is a cap on {missing}, which the intent does not state: it may cover it."
    verdict = weakened("require_approval", budget.cap)
    return PolicyResult(f"budget.{budget.id}", digest(budget)[:16], budget.cap, "error", verdict, reason)


def _covers(budget: Budget, scope: Mapping[str, str]) -> bool:
    return all(scope.get(key) in values for key, values in budget.scope.filters.items())


def _of_budget(budget: Budget, status: BudgetStatus | None, asked: Asked) -> tuple[PolicyResult, Headroom | None]:
    """A budget's word. One whose headroom is not known, or is in another currency, is an error and holds where it is a cap."""
    intent, cap, name = asked.intent, budget.cap or "observe", f"budget.{budget.id}"
    version = digest(budget)[:16]
    trouble = _trouble(budget, status, intent, asked.at.date())
    if trouble or status is None:
        reason = f"Budget {budget.title}: {trouble}, and it is a cap." if budget.cap else ""
        return PolicyResult(name, version, cap, "error", weakened("require_approval", cap), reason), None
    after = EXACT.subtract(status.headroom, intent.amount)
    row = Headroom(
        budget.id, status.period.label, status.currency, status.amount, status.actual, status.unbilled, status.held,
        status.committed, status.headroom, after, budget.cap,
    )  # fmt: skip
    if after >= ZERO:
        return PolicyResult(name, version, cap, "no_match", "allow", ""), row
    amount, left = f"{display(status.amount)} {status.currency} of {status.period.label}", status.headroom
    if left < ZERO:
        stands = f"is {display(-left)} over its {amount} already; {display(intent.amount)} more adds to that."
    else:
        stands = (
            f"has {display(left)} left of {amount}; {display(intent.amount)} more would put it {display(-after)} over."
        )
    reason = f"Budget {budget.title} {stands}"
    return PolicyResult(name, version, cap, "match", weakened("deny", cap), reason), row


def _trouble(budget: Budget, status: BudgetStatus | None, intent: Intent, today: date) -> str:
    if status is None:
        return "where it stands is not known yet"
    if not status.period.contains(today):
        return f"where it stands is known for {status.period.label} only"
    if budget.currency != intent.currency:
        return f"it is in {budget.currency} and the intent in {intent.currency}, which is not converted silently"
    return ""


def _reasons(
    intent: Intent, results: Sequence[PolicyResult], rows: Sequence[Headroom], verdict: Verdict
) -> tuple[str, ...]:
    if verdict != "allow":
        return tuple(result.reason for result in results if result.verdict != "allow" and result.reason)
    money = f"{display(intent.amount)} {intent.currency}"
    if not rows:
        return (f"No policy objects to {money}. No budget covers it: nobody watches what it adds up to.",)
    tightest = min(rows, key=lambda row: (row.after, row.budget_id))
    left = (
        f"{display(tightest.after)} {tightest.currency} would be left of {tightest.budget_id} ({tightest.period_label})"
    )
    return (f"No policy objects to {money}, and it fits {len(rows)} budgets: {left}.",)


def _next_step(
    policies: PolicySet, results: Sequence[PolicyResult], verdict: Verdict, options: Sequence[Option]
) -> str:
    if verdict == "allow":
        return "Go ahead."
    remedies = []
    for result in results:
        if result.verdict == verdict:
            compiled = policies.get(result.policy_id)
            remedies.append(
                compiled.policy.remedy if compiled else "Lower the amount, or have the budget's owner raise it."
            )
    advice = " ".join(dict.fromkeys(remedies))
    if verdict == "degrade" and options:
        best = options[0]
        return f"Ask for {best.title} instead: {display(best.amount)} {best.currency}, {display(best.saving)} less. {advice}"
    return f"Go ahead, and consider: {advice}" if verdict == "warn" else advice
