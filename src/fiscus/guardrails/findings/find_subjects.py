"""Policies on things that are few (anomalies, invoices): each asked by the closure, and a finding for each that matches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from fiscus.guardrails.findings.find_charges import ERROR
from fiscus.guardrails.policies.compile_closure import Result
from fiscus.guardrails.policies.contribution import exception_for
from fiscus.guardrails.policies.observed_sql import as_excepted, excuses
from fiscus.guardrails.policies.policy_set import CompiledPolicy
from fiscus.guardrails.types import Finding, Policy, PolicyTarget
from fiscus.kernel.ids import content_id
from fiscus.kernel.limits import FINDINGS_PER_POLICY_MAX
from fiscus.kernel.money import EXACT, ZERO, display, total
from fiscus.kernel.rows import Query


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing that is judged: its facts, and what a finding about it says. `key` names it; `what` begins the title."""

    key: str
    facts: Mapping[str, object]
    what: str
    detail: str
    amount: Decimal
    currency: str
    first_day: date
    last_day: date
    period_label: str
    query: Query
    owner: str = ""  # empty: whoever answers for the policy
    team: str = ""
    environment: str = ""
    rows: int = 1


@dataclass(frozen=True, slots=True)
class Judgements:
    """What one policy found among subjects. `error_amount`: of those that could not be judged, by currency."""

    findings: tuple[Finding, ...]
    matched: int = 0
    errors: int = 0
    error_amount: Mapping[str, Decimal] = field(default_factory=dict)
    below: int = 0


def find_subjects(
    compiled: CompiledPolicy,
    target: Literal["anomaly", "invoice"],
    subjects: Sequence[Subject],
    as_of: date,
    lake_version: str,
) -> Judgements:
    """The findings, largest first: at most 50 of a currency, the rest as one with their sum. Never raises."""
    policy, judge = compiled.policy, compiled.closures[target]
    found: list[tuple[Subject, Policy]] = []
    wrong: list[tuple[Subject, str]] = []
    for subject in subjects:
        result, why = judge(subject.facts)
        if (left := left_of(compiled, target, result, subject.facts, as_of)) is None:
            continue
        if result == "error":
            wrong.append((subject, why))
        else:
            found.append((subject, left))
    enough = [one for one in found if one[0].amount >= policy.min_amount]
    findings = _largest([(_finding(by, one, lake_version), one) for one, by in enough], policy, lake_version)
    if policy.on_error != "allow":
        told = [(_finding(policy, one, lake_version, fault=why), one) for one, why in wrong]
        findings += _largest(told, policy, lake_version, fault=True)
    amounts: dict[str, Decimal] = {}
    for subject, _ in wrong:
        amounts[subject.currency] = EXACT.add(amounts.get(subject.currency, ZERO), subject.amount)
    return Judgements(tuple(findings), len(found), len(wrong), amounts, len(found) - len(enough))


def left_of(
    compiled: CompiledPolicy, target: PolicyTarget, result: Result, facts: Mapping[str, object], day: date
) -> Policy | None:
    """What exceptions leave of a policy on one thing that it matches or cannot judge; None where nothing is asked of it."""
    if result == "no_match":
        return None
    exception, _ = exception_for(compiled, target, facts, day)
    if excuses(exception) or (result == "match" and compiled.policy.effect == "allow"):
        return None
    return as_excepted(compiled.policy, exception.number if exception else 0)


def _largest(
    found: Sequence[tuple[Finding, Subject]], policy: Policy, lake_version: str, *, fault: bool = False
) -> list[Finding]:
    findings = []
    for currency in sorted({finding.currency for finding, _ in found}):
        mine = sorted(
            (one for one in found if one[0].currency == currency), key=lambda one: (-one[0].amount, one[0].id)
        )
        findings += [finding for finding, _ in mine[:FINDINGS_PER_POLICY_MAX]]
        if rest := mine[FINDINGS_PER_POLICY_MAX:]:
            findings.append(_rest(policy, [subject for _, subject in rest], lake_version, fault=fault))
    return findings


def _finding(policy: Policy, subject: Subject, lake_version: str, fault: str = "") -> Finding:
    kind = ERROR if fault else policy.finding
    if fault:
        title = f"{subject.what} could not be judged: {policy.title}"
        detail = f"{fault}. The policy says on_error: {policy.on_error}."
    else:
        title = f"{subject.what}: {policy.title}"
        detail = " ".join(part for part in (policy.reason, subject.detail, policy.remedy) if part)
    return Finding(
        id=content_id("fnd", kind, policy.id, subject.key), kind=kind, policy_id=policy.id, policy_version=policy.version,
        level=policy.level, title=title, detail=detail, amount=subject.amount, currency=subject.currency,
        owner=subject.owner or policy.owner, team=subject.team, environment=subject.environment,
        period_label=subject.period_label, first_seen=subject.first_day, last_seen=subject.last_day, rows=subject.rows,
        query=subject.query.sql, params=subject.query.params, lake_version=lake_version,
    )  # fmt: skip


def _rest(policy: Policy, subjects: Sequence[Subject], lake_version: str, *, fault: bool) -> Finding:
    """What is beside the largest: never dropped."""
    currency, kind = subjects[0].currency, ERROR if fault else policy.finding
    amount = total([subject.amount for subject in subjects])
    said = " could not be judged" if fault else ""
    return Finding(
        id=content_id("fnd", kind, policy.id, {"rest": currency}), kind=kind, policy_id=policy.id,
        policy_version=policy.version, level=policy.level,
        title=f"{len(subjects)} smaller ones over {display(amount)} {currency}{said}: {policy.title}",
        detail=f"{policy.reason} Only the {FINDINGS_PER_POLICY_MAX} largest stand alone. {policy.remedy}",
        amount=amount, currency=currency, owner=policy.owner, team="", environment="",
        period_label=subjects[0].period_label, first_seen=min(one.first_day for one in subjects),
        last_seen=max(one.last_day for one in subjects), rows=sum(one.rows for one in subjects), query="", params={},
        lake_version=lake_version,
    )  # fmt: skip
