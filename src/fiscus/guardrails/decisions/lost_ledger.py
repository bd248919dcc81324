"""What is answered while the ledger cannot be reached: each budget says so for itself, by environment, and says it beforehand."""

from __future__ import annotations

from fiscus.guardrails.decisions.decide import Judgement, Question, verdict_of
from fiscus.guardrails.decisions.rules import Rules
from fiscus.guardrails.types import Budget, PolicyResult, Verdict

ALLOWED: frozenset[Verdict] = frozenset({"allow", "warn"})


def judge_without(question: Question, rules: Rules, why: str) -> Judgement:
    """Policies are judged as ever; where a budget stands is not known. Its fail mode answers instead.

    `on_ledger_loss` of a budget is deny or allow, by environment; one that says nothing denies where it is a hard cap, and
    allows where it is not: a cap that cannot be checked is not a cap that may be passed.
    """
    results = list(question.results)
    environment = question.asked.intent.environment
    for budget in question.budgets:
        mode = fail_mode(budget, environment)
        said: Verdict = "deny" if mode == "deny" else "allow"
        reason = f"Budget {budget.title} cannot be checked ({why}); for {environment} it says {mode} then."
        results.append(
            PolicyResult(f"budget.{budget.id}", rules.version(budget), budget.cap or "observe", "error", said, reason)
        )
    return verdict_of(question, rules, results, [])


def fail_mode(budget: Budget, environment: str) -> str:
    """deny or allow: what this budget says of an intent in `environment` while the ledger cannot be reached."""
    stated = budget.on_ledger_loss
    fallback = "deny" if budget.cap == "hard" else "allow"
    return stated.get(environment) or stated.get("default") or fallback


def allowed_without(verdict: Verdict) -> bool:
    """Whether a verdict lets money be spent that nobody holds: each of these is counted."""
    return verdict in ALLOWED
