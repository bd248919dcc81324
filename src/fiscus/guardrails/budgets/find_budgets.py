"""Findings from where budgets stand: breached, on their way there, or matched by a policy on `budget`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from fiscus.guardrails.budgets.budget_series import BudgetDays, period_query
from fiscus.guardrails.budgets.budget_words import (
    alert_words,
    day_words,
    inside_words,
    overrun,
    standing_words,
    used_words,
)
from fiscus.guardrails.findings.find_charges import ERROR
from fiscus.guardrails.findings.find_subjects import left_of
from fiscus.guardrails.policies.policy_set import CompiledPolicy
from fiscus.guardrails.types import Budget, BudgetStatus, Finding, Level, Policy
from fiscus.kernel.canonical import digest
from fiscus.kernel.ids import content_id
from fiscus.kernel.money import EXACT, NANOS_PER_UNIT, ZERO, chance, display, to_nanos

BREACH: Final = "budget_breach"
FORECAST: Final = "budget_forecast"


@dataclass(frozen=True, slots=True)
class StandingBudget:
    """A budget with where it stands and what it was computed from. `team`: the team that answers, where that is known."""

    budget: Budget
    status: BudgetStatus
    days: BudgetDays
    team: str


def find_budgets(standing: Sequence[StandingBudget], promoted: Sequence[str]) -> tuple[Finding, ...]:
    """One finding a budget that is breached or at risk, in the order given. Money: what is over, or is expected to be.

    A budget that others stand inside says which of them is the cause, where one is over or at risk itself.
    """
    inside: dict[str, list[BudgetStatus]] = {}
    for one in standing:
        if one.status.state != "ok" and one.budget.parent:
            inside.setdefault(one.budget.parent, []).append(one.status)
    return tuple(
        _of_status(one, promoted, inside.get(one.budget.id, ())) for one in standing if one.status.state != "ok"
    )


def find_budget_matches(
    compiled: CompiledPolicy,
    standing: Sequence[StandingBudget],
    now: datetime,
    promoted: Sequence[str],
    moment: Callable[[str], Mapping[str, object]] = lambda _: {},
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """(findings of a policy on `budget`, ids of the budgets that it has no answer for). Never raises.

    `moment`: an environment's facts `now.*`, those of the fiscal calendar and of freezes included.
    """
    judge = compiled.closures["budget"]
    findings, errors = [], []
    for one in standing:
        environment = _only(one.budget.scope.filters.get("environment"))
        scope = {name: ", ".join(values) for name, values in one.budget.scope.filters.items()}
        facts = {**budget_facts(one.status, now), "budget.scope": scope, **moment(environment)}
        result, why = judge(facts)
        if (policy := left_of(compiled, "budget", result, facts, now.date())) is None:
            continue
        if result == "error":
            errors.append(one.budget.id)
        if result == "match" or policy.on_error != "allow":
            findings.append(_of_policy(policy, one, promoted, why if result == "error" else ""))
    enough = tuple(finding for finding in findings if finding.amount >= compiled.policy.min_amount)
    return enough, tuple(errors)


def budget_facts(status: BudgetStatus, now: datetime) -> dict[str, object]:
    """The facts `budget.*` and `now.*`: money and shares in integer nano-units; `used` is not given for an amount of zero."""
    facts: dict[str, object] = {
        f"budget.{name}": to_nanos(getattr(status, name), round_up=True)
        for name in (
            "amount", "actual", "unbilled", "held", "committed", "headroom", "forecast_p10", "forecast_p50", "forecast_p90",
            "p_breach",
        )
    }  # fmt: skip
    facts |= {
        "budget.id": status.budget_id, "budget.title": status.title, "budget.owner": status.owner,
        "budget.period": status.period.label, "budget.currency": status.currency, "budget.cap": status.cap or "",
        "budget.state": status.state, "budget.days_left": (status.period.end - status.as_of).days,
        "now.hour": now.hour, "now.weekday": now.isoweekday(), "now.date": now.date().isoformat(),
    }  # fmt: skip
    if status.amount > ZERO:
        taken = EXACT.subtract(status.amount, status.headroom)
        facts["budget.used"] = int(EXACT.divide(EXACT.multiply(taken, Decimal(NANOS_PER_UNIT)), status.amount))
    return facts


def _of_status(one: StandingBudget, promoted: Sequence[str], inside: Sequence[BudgetStatus]) -> Finding:
    status = one.status
    kind = BREACH if status.state == "breached" else FORECAST
    level: Level = status.cap or "warn"
    version = digest({"budget": {name: getattr(one.budget, name) for name in _MEANING}})[:16]
    title = _breach_title(status) if kind == BREACH else _forecast_title(one)
    return _finding(one, promoted, (kind, kind, version, level), title, _detail(one, inside), overrun(status))


_MEANING: Final = (
    "id",
    "scope",
    "period",
    "currency",
    "amount",
    "amounts",
    "metric",
    "include_tax",
    "include_credits",
    "thresholds",
    "parent",
    "rollover",
    "rollover_max",
    "rollover_from",
    "growth",
    "burn",
)


def _of_policy(policy: Policy, one: StandingBudget, promoted: Sequence[str], fault: str) -> Finding:
    status = one.status
    amount = overrun(status) or status.actual
    money = f"{display(amount)} {status.currency}"
    if fault:
        title = f"{status.title}, {money}, could not be judged: {policy.title}"
        detail = f"{fault}. The policy says on_error: {policy.on_error}."
        return _finding(one, promoted, (ERROR, policy.id, policy.version, policy.level), title, detail, amount)
    verb = "goes over by" if overrun(status) else "has spent"
    title = f"{status.title} {verb} {money}: {policy.title}"
    detail = " ".join(part for part in (policy.reason, standing_words(status), policy.remedy) if part)
    return _finding(one, promoted, (policy.finding, policy.id, policy.version, policy.level), title, detail, amount)


def _finding(
    one: StandingBudget,
    promoted: Sequence[str],
    rule: tuple[str, str, str, Level],
    title: str,
    detail: str,
    amount: Decimal,
) -> Finding:
    status, (kind, policy_id, version, level) = one.status, rule
    query = period_query(one.budget, status, promoted)
    filters = one.budget.scope.filters
    last = max(status.period.start, status.as_of - timedelta(days=1))
    return Finding(
        id=content_id("fnd", kind, policy_id, status.budget_id, status.period.label),
        kind=kind,
        policy_id=policy_id,
        policy_version=version,
        level=level,
        title=title,
        detail=detail,
        amount=amount,
        currency=status.currency,
        owner=status.owner,
        team=_only(filters.get("team")) or one.team,
        environment=_only(filters.get("environment")),
        period_label=status.period.label,
        first_seen=last,
        last_seen=last,
        rows=one.days.charges,
        query=query.sql,
        params=query.params,
        lake_version=status.lake_version,
    )


def _only(values: tuple[str, ...] | None) -> str:
    return values[0] if values and len(values) == 1 else ""


def _breach_title(status: BudgetStatus) -> str:
    about = "≈ " if status.unbilled > status.metered else ""
    over = f"{about}{display(-status.headroom)} {status.currency}"
    return f"{status.title} is over its {_amount(status)} for {status.period.label} by {over}"


def _forecast_title(one: StandingBudget) -> str:
    status = one.status
    money = f"{_amount(status)} for {status.period.label}"
    if (over := overrun(status)) > ZERO:
        when = f" {day_words(status.breach_day)}" if status.breach_day else ""
        return (
            f"{status.title} will exceed its {money}{when} (P {chance(status.p_breach)}): "
            f"cut ≈ {display(over, 0)} {status.currency}, or approve as much more"
        )
    on = {alert.on for alert in status.alerts}
    left = f"{display(status.headroom, 0)} {status.currency} are left"
    if "p_breach" in on:
        return f"{status.title} may exceed its {money} (P {chance(status.p_breach)}): {left}"
    if "burn" in on:
        rate = max(alert.value for alert in status.alerts if alert.on == "burn")
        return f"{status.title} burns its {money} {display(rate, 1)} times too fast: {left}"
    if "actual" in on:
        days = (status.period.end - status.as_of).days
        return f"{status.title} has spent {used_words(status)} % of its {money}: {left} for {days} days"
    return f"{status.title} is expected to spend ≈ {display(status.forecast_p50, 0)} {status.currency} of its {money}"


def _detail(one: StandingBudget, inside: Sequence[BudgetStatus]) -> str:
    status = one.status
    at = [alert_words(alert) for alert in status.alerts]
    cap = f" The cap is enforced: {status.cap}." if status.cap in {"soft", "hard"} else ""
    cause = f" {inside_words(inside)}" if inside else ""
    return f"{standing_words(status)}{' Reached: ' + ', '.join(at) + '.' if at else ''}{cap}{cause}"


def _amount(status: BudgetStatus) -> str:
    return f"{display(status.amount, 0)} {status.currency}"
