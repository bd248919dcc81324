"""The verdict on an intent: every policy and every covering budget says its word, and the strongest word wins.

Three-valued (match, no match, error) with each policy's `on_error`, as in Cedar and Sentinel; forbid wins, so order does not
matter. A level weakens what a policy asks for: observe to nothing, warn to a warning, soft to approval, hard not at all.

Asked in two steps, because the second waits for the ledger's lock: `prepare` asks the policies and finds the budgets, `judge`
looks at where their accounts stand. Both are pure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Final, Literal, NamedTuple, cast

from fiscus.guardrails.decisions.covering import Covered
from fiscus.guardrails.decisions.intent import intent_facts
from fiscus.guardrails.decisions.policy_words import NO_QUOTES, policy_words
from fiscus.guardrails.decisions.rules import Rules, by_id
from fiscus.guardrails.ledger.types import Account, Frozen
from fiscus.guardrails.policies.contribution import weakened
from fiscus.guardrails.ports import Quotes
from fiscus.guardrails.types import (
    AI_DIMENSIONS,
    VERDICTS,
    ApprovalNeeded,
    Budget,
    Headroom,
    Intent,
    Option,
    PolicyResult,
    Verdict,
)
from fiscus.kernel.money import ZERO, display, display_small, from_nanos
from fiscus.kernel.quick_records import quickly

# What the vendor will call it once it is a charge (FOCUS 1.4, ServiceCategory and ChargeCategory).
CHARGED_AS: Final[Mapping[str, Mapping[str, str]]] = {
    "ai.request": {"service_category": "AI and Machine Learning", "charge_category": "Usage"},
    "marketplace.purchase": {"charge_category": "Purchase"},
    "saas.seat": {"charge_category": "Purchase"},
    "resource.provision": {"charge_category": "Usage"},
    "commitment.purchase": {"charge_category": "Purchase"},
}
GO_AHEAD: Final = "Go ahead."
_row: Final = quickly(Headroom)
_VERDICT: Final = attrgetter("verdict")
_ALLOW: Final[frozenset[Verdict]] = frozenset({"allow"})
_AFTER: Final = attrgetter("after", "budget_id")
_STRENGTH: Final = {verdict: number for number, verdict in enumerate(VERDICTS)}


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


class Question(NamedTuple):
    """What is known before the ledger is asked. `budgets` cover the intent; `accounts` are those that its money is held over."""

    asked: Asked
    results: tuple[PolicyResult, ...]  # of policies, and of caps on what the intent does not state
    budgets: tuple[Budget, ...]
    keys: tuple[str, ...]  # of the budgets' accounts, in their order
    accounts: tuple[
        str, ...
    ]  # those of the intent's currency, which its money is held over, in the order in which they are locked
    unasked: tuple[str, ...]
    bound: int  # the most that it may cost, in nano-units
    options: tuple[Option, ...] = ()
    approval: ApprovalNeeded | None = None  # what the policies want, where one wants it
    silent: bool = False  # whether no result so far says anything


class Judgement(NamedTuple):
    """The verdict with everything that it rests on. `unasked`: budgets on dimensions that an intent does not state."""

    verdict: Verdict
    reasons: tuple[str, ...]
    policies: tuple[PolicyResult, ...]
    headroom: tuple[Headroom, ...]
    next_step: str
    unasked: tuple[str, ...]
    options: tuple[Option, ...] = ()
    approval: ApprovalNeeded | None = None


def prepare(asked: Asked, rules: Rules, quotes: Quotes = NO_QUOTES) -> Question:
    """Ask every policy; find the budgets that cover the intent and the accounts to hold its money over."""
    intent, day, facts = asked.intent, asked.at.date(), facts_asked(asked)
    words = policy_words(
        intent, lambda one: facts if one is intent else facts_asked(asked, one), rules.policies, day, quotes
    )
    covered, results = _covered(asked, rules), words.results
    if covered.untold:
        results += tuple([_not_told(budget, missing, rules) for budget, missing in covered.untold])
    keys, held = rules.accounts_of(covered, intent.currency, day)
    bound = cast("int", facts["intent.amount"])
    return Question(
        asked, results, covered.budgets, keys, held, covered.unasked, bound, words.options, words.approval,
        words.silent and not covered.untold,
    )  # fmt: skip


def judge(
    question: Question, rules: Rules, accounts: Mapping[str, Account], frozen: Mapping[str, Frozen] | None = None
) -> Judgement:
    """The same question and the same accounts (by key) give the same judgement, whatever the order of policies and budgets."""
    intent, bound, objections, rows = (
        question.asked.intent,
        question.bound,
        list[PolicyResult | None](),
        list[Headroom](),
    )
    for budget, key in zip(question.budgets, question.keys, strict=True):
        objection, row = _of_budget(budget, accounts.get(key), intent, bound, rules)
        objections.append(objection)
        if row is not None:
            rows.append(row)
    if question.silent and rows and not frozen and not any(objections):
        return _calm(question, rules, tuple(rows))
    words = [one or rules.fitting(budget) for one, budget in zip(objections, question.budgets, strict=True)]
    results = [*question.results, *words, *[_of_frozen(one) for one in (frozen or {}).values()]]
    return verdict_of(question, rules, results, rows)


def _calm(question: Question, rules: Rules, rows: tuple[Headroom, ...]) -> Judgement:
    """No policy and no budget says anything, as of nearly everything: what `verdict_of` says then."""
    results = rules.calm(question.results, question.budgets)
    return Judgement("allow", (_fits(question.asked.intent, rows),), results, rows, GO_AHEAD, question.unasked)


def verdict_of(question: Question, rules: Rules, results: list[PolicyResult], rows: Sequence[Headroom]) -> Judgement:
    """The strongest word wins; it and every word beside it are said in sentences."""
    results = strongest_first(results)
    verdict = results[0].verdict if results else "allow"
    return Judgement(
        verdict=verdict,
        reasons=_reasons(question.asked.intent, results, rows, verdict),
        policies=tuple(results),
        headroom=tuple(rows),
        next_step=_next_step(rules, results, verdict, question.options),
        unasked=question.unasked,
        options=question.options if verdict != "allow" else (),
        approval=(question.approval or ApprovalNeeded()) if verdict == "require_approval" else None,
    )


def decide(asked: Asked, rules: Rules, accounts: Mapping[str, Account], quotes: Quotes = NO_QUOTES) -> Judgement:
    """Both steps at once, for what is only shown: no money is held by this."""
    return judge(prepare(asked, rules, quotes), rules, accounts)


def strongest_first(results: Sequence[PolicyResult]) -> list[PolicyResult]:
    """By strength of their words, then by id: the order in which people read them."""
    ordered = by_id(results)
    if _ALLOW.issuperset(map(_VERDICT, ordered)):
        return ordered
    return sorted(ordered, key=lambda one: -_STRENGTH[one.verdict])  # of equals the first id stays first


def facts_asked(asked: Asked, intent: Intent | None = None) -> dict[str, object]:
    """The typed facts of what is asked, or of another `intent` that the same person asks at the same moment."""
    facts = intent_facts(intent or asked.intent)
    facts["requester.id"] = asked.intent.requested_by
    facts["requester.team"] = asked.requester_team
    facts["requester.cost_centre"] = asked.requester_cost_centre
    facts["requester.manager"] = asked.manager
    facts["requester.roles"] = asked.roles
    if "now.hour" not in asked.moment:
        facts |= {
            "now.hour": asked.at.hour,
            "now.weekday": asked.at.isoweekday(),
            "now.date": asked.at.date().isoformat(),
        }
    facts.update(asked.moment)
    return facts


def _scope_values(asked: Asked, tags: Collection[str]) -> Mapping[str, str]:
    """`tags`: the keys that budgets are on; a resource states them as it will be billed."""
    intent, stated = asked.intent, asked.intent.attributes
    values = {
        "team": intent.team,
        "environment": intent.environment,
        "product": intent.product,
        "provider": intent.provider,
        "service": intent.service,
        "cost_centre": asked.cost_centre,
        "region": str(stated.get("region", "")),
        **CHARGED_AS[intent.kind],
    }
    if intent.kind == "ai.request":
        for name in AI_DIMENSIONS:
            values[name] = str(stated.get(name, ""))
    if tags and isinstance(known := stated.get("tags"), Mapping):
        values |= {f"tag:{key}": str(known[key]) for key in tags if known.get(key)}
    return values


def _covered(asked: Asked, rules: Rules) -> Covered:
    """A cap on a model covers its dated versions too: another name for the same price gets around none."""
    values = _scope_values(asked, rules.covering.tags)
    named, family = rules.covering.of(values), str(asked.intent.attributes.get("model_family", ""))
    if not family or family == values.get("model"):
        return named
    return named.joined(rules.covering.of({**values, "model": family}))


def _not_told(budget: Budget, left_out: frozenset[str], rules: Rules) -> PolicyResult:
    """A cap is not dodged by leaving out what it is on."""
    assert budget.cap is not None
    missing = " and ".join(sorted(left_out))
    reason = f"Budget {budget.title} is a cap on {missing}, which the intent does not state: it may cover it."
    verdict = weakened("require_approval", budget.cap)
    return PolicyResult(f"budget.{budget.id}", rules.version(budget), budget.cap, "error", verdict, reason)


def _of_frozen(one: Frozen) -> PolicyResult:
    reason = f"{one.subject} is frozen since {one.since:%Y-%m-%d %H:%M}: {one.reason}."
    return PolicyResult("ledger.frozen", "1", "hard", "match", "deny", reason)


def _of_budget(
    budget: Budget, account: Account | None, intent: Intent, bound: int, rules: Rules
) -> tuple[PolicyResult | None, Headroom | None]:
    """What a budget objects: None where it fits. One whose headroom is not known, or is in another currency, is an error and
    holds where it is a cap.
    """
    if account is None or account.billed_until is None or budget.currency != intent.currency:
        trouble, cap = _trouble(budget, intent), budget.cap or "observe"
        reason = f"Budget {budget.title}: {trouble}, and it is a cap." if budget.cap else ""
        return _said(budget, rules, "error", weakened("require_approval", cap), reason), None
    left = account.headroom
    row = _headroom(budget, account, left, bound)
    if left >= bound and not account.frozen:
        return None, row
    cap = budget.cap or "observe"
    if account.frozen:
        reason = f"Budget {budget.title} is frozen: an overrun took it past its cap, and a person has to lift that."
        return _said(budget, rules, "match", weakened("deny", cap), reason), row
    amount = f"{display(row.amount)} {account.currency} of {account.period}"
    if row.headroom < ZERO:
        stands = f"is {display_small(-row.headroom)} over its {amount} already; {display_small(intent.amount)} more adds to that."
    else:
        over = f"{display_small(intent.amount)} more would put it {display_small(-row.after)} over."
        stands = f"has {display_small(row.headroom)} left of {amount}; {over}"
    return _said(budget, rules, "match", weakened("deny", cap), f"Budget {budget.title} {stands}"), row


def _said(
    budget: Budget, rules: Rules, result: Literal["match", "error"], verdict: Verdict, reason: str
) -> PolicyResult:
    level, version = budget.cap or "observe", rules.version(budget)
    return PolicyResult(f"budget.{budget.id}", version, level, result, verdict, reason)


def _headroom(budget: Budget, account: Account, left: int, bound: int) -> Headroom:
    """Where the account stands, and where it would stand with `bound` more."""
    return _row(
        budget.id, account.period, account.currency, from_nanos(account.amount), from_nanos(account.actual),
        from_nanos(account.estimated + account.unbilled), from_nanos(account.held), from_nanos(account.committed),
        from_nanos(left), from_nanos(left - bound), budget.cap, account.billed_until, account.frozen,
    )  # fmt: skip


def _trouble(budget: Budget, intent: Intent) -> str:
    if budget.currency != intent.currency:
        return f"it is in {budget.currency} and the intent in {intent.currency}, which is not converted silently"
    return "where it stands is not known yet"


def _reasons(
    intent: Intent, results: Sequence[PolicyResult], rows: Sequence[Headroom], verdict: Verdict
) -> tuple[str, ...]:
    if verdict != "allow":
        return tuple(result.reason for result in results if result.verdict != "allow" and result.reason)
    money = f"{display_small(intent.amount)} {intent.currency}"
    if not rows:
        return (f"No policy objects to {money}. No budget covers it: nobody watches what it adds up to.",)
    fitting = [row for row in rows if row.after >= ZERO]
    over = [row.budget_id for row in rows if row.after < ZERO] if len(fitting) < len(rows) else []
    watched = f" Over already and only watched: {', '.join(sorted(over))}." if over else ""
    if not fitting:
        return (f"No policy objects to {money}.{watched}",)
    return (_fits(intent, fitting) + watched,)


def _fits(intent: Intent, rows: Sequence[Headroom]) -> str:
    """Said of an intent that fits all of these, with the budget that it would leave the least of."""
    least = min(rows, key=_AFTER)
    many = "1 budget" if len(rows) == 1 else f"{len(rows)} budgets"
    return (
        f"No policy objects to {display_small(intent.amount)} {intent.currency}, and it fits {many}: "
        f"{display_small(least.after)} {least.currency} would be left of {least.budget_id} ({least.period_label})."
    )


def _next_step(rules: Rules, results: Sequence[PolicyResult], verdict: Verdict, options: Sequence[Option]) -> str:
    if verdict == "allow":
        return GO_AHEAD
    remedies = []
    for result in results:
        if result.verdict == verdict:
            compiled = rules.policies.get(result.policy_id)
            remedies.append(compiled.policy.remedy if compiled else _REMEDY.get(result.policy_id, _RAISE))
    advice = " ".join(dict.fromkeys(remedies))
    if verdict == "degrade" and options:
        best = options[0]
        amount, less = display_small(best.amount), display_small(best.saving)
        return f"Ask for {best.title} instead: {amount} {best.currency}, {less} less. {advice}"
    return f"Go ahead, and consider: {advice}" if verdict == "warn" else advice


_RAISE: Final = "Lower the amount, or have the budget's owner raise it."
_REMEDY: Final = {
    "ledger.frozen": "Find out why it was billed above its bound, then lift the freeze: fiscus ledger thaw."
}
