"""Asking every policy about what is observed: charges, budgets and series. One that cannot answer is an error, not a crash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from fiscus.flows.judge_observed import ObservedThings, judge_things, observed_things
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.budgets.find_budgets import StandingBudget, find_budget_matches
from fiscus.guardrails.findings.detect_series import detect_series, detector_query
from fiscus.guardrails.findings.find_charges import ERROR, all_matches_query, find_charges, matches_query, rows_by_place
from fiscus.guardrails.findings.find_expired import find_expired
from fiscus.guardrails.findings.one_pass import one_pass_query
from fiscus.guardrails.findings.probe_detectors import probe_failures, probe_query
from fiscus.guardrails.policies.moment import moment_facts
from fiscus.guardrails.policies.observed_sql import InSql
from fiscus.guardrails.policies.policy_set import CompiledPolicy
from fiscus.guardrails.policies.probe_policies import sql_failures, sql_tests_query
from fiscus.guardrails.types import Finding
from fiscus.kernel.errors import FiscusError
from fiscus.kernel.ids import content_id
from fiscus.kernel.limits import POLICIES_PER_PASS_MAX
from fiscus.kernel.money import EXACT, ZERO
from fiscus.kernel.rows import Query, Rows

_IN_SQL: Final[tuple[InSql, ...]] = ("charge", "resource")


@dataclass(frozen=True, slots=True)
class Judged:
    """What one policy found. `failure` says why it has no answer: what it found before then still stands.

    `probes` counts the questions with a known answer that were put to its detector; `probe_failures` are wrong answers of the
    detector, and of the policy's SQL to the tests that stand beside it.
    """

    compiled: CompiledPolicy
    findings: tuple[Finding, ...] = ()
    matched: int = 0
    errors: int = 0
    error_amount: Mapping[str, Decimal] = field(default_factory=dict)
    below: int = 0
    failure: str = ""
    probes: int = 0
    probe_failures: tuple[str, ...] = ()


def judge_policies(ws: Workspace, standing: Sequence[StandingBudget]) -> list[Judged]:
    """Each policy once, in the order of the set; those that judge only intents, or are not in force, have nothing found."""
    answers = {target: _asked_together(ws, target) for target in _IN_SQL}
    things = observed_things(ws)
    return [_judge(ws, compiled, standing, answers, things) for compiled in ws.config.policies]


def _asked_together(ws: Workspace, target: InSql) -> Mapping[str, Rows]:
    """Policy id -> the answer over charges or resources, many by one query; those of a query that fails are each asked alone."""
    policies = ws.config.policies.in_force(target, ws.as_of)
    answers: dict[str, Rows] = {}
    for first in range(0, len(policies), POLICIES_PER_PASS_MAX):
        together = policies[first : first + POLICIES_PER_PASS_MAX]
        if len(together) < 2:
            continue
        query = _query(ws, together, target)
        try:
            rows = ws.lake.ask(query.sql, query.params)
        except FiscusError:
            continue
        parts = rows_by_place(rows, len(together))
        answers |= {compiled.policy.id: part for compiled, part in zip(together, parts, strict=True)}
    return answers


def _query(ws: Workspace, policies: Sequence[CompiledPolicy], target: InSql) -> Query:
    if target == "charge":
        return one_pass_query(policies, ws.as_of, ws.config.promoted_tags)
    return all_matches_query(policies, ws.as_of, target)


def _judge(
    ws: Workspace,
    compiled: CompiledPolicy,
    standing: Sequence[StandingBudget],
    answers: Mapping[InSql, Mapping[str, Rows]],
    things: ObservedThings,
) -> Judged:
    judged = Judged(compiled)
    if not compiled.in_force(ws.as_of):
        return judged
    currency, version = ws.config.company.currency, str(ws.lake.version())
    judged = replace(judged, findings=find_expired(compiled, ws.as_of, currency, version))
    try:
        if compiled.policy.detector:
            judged = _detect(ws, judged)
        for target in _IN_SQL:
            if target in compiled.conditions:
                judged = _in_sql(ws, judged, target, answers[target].get(compiled.policy.id))
        for found in judge_things(ws, compiled, things):
            judged = _added(judged, found.findings, found.matched, found.errors, found.error_amount, found.below)
    except FiscusError as fault:
        return _failed(ws, judged, f"{fault.message}. {fault.remedy}")
    return _budgets(ws, judged, standing) if "budget" in compiled.conditions else judged


def _detect(ws: Workspace, judged: Judged) -> Judged:
    query = detector_query(judged.compiled, ws.as_of)
    rows = ws.lake.ask(query.sql, query.params)
    found = detect_series(judged.compiled, rows, ws.as_of, str(ws.lake.version()))
    known = probe_query(judged.compiled, ws.as_of)
    answer = ws.lake.query(known.sql, known.params)  # constants only: no file is read
    failures = probe_failures(judged.compiled, answer, ws.as_of)
    matched = sum(finding.rows for finding in found)
    return replace(judged, findings=(*judged.findings, *found), matched=matched, probes=1, probe_failures=failures)


def _in_sql(ws: Workspace, judged: Judged, target: InSql, answer: Rows | None) -> Judged:
    known = sql_tests_query(judged.compiled, target)
    failures = sql_failures(judged.compiled, ws.lake.query(known.sql), target) if known else ()
    # A condition that people wrote runs under the bounds of SQL from people.
    query = matches_query(judged.compiled, ws.as_of, target)
    rows = answer if answer is not None else ws.lake.ask(query.sql, query.params)
    found = find_charges(judged.compiled, rows, ws.as_of, str(ws.lake.version()), target)
    judged = replace(judged, probe_failures=(*judged.probe_failures, *failures))
    return _added(judged, found.findings, found.charges, found.errors, found.error_amount or {}, found.below)


def _added(
    judged: Judged,
    findings: Sequence[Finding],
    matched: int,
    errors: int,
    error_amount: Mapping[str, Decimal],
    below: int,
) -> Judged:
    amounts = dict(judged.error_amount)
    for currency, amount in error_amount.items():
        amounts[currency] = EXACT.add(amounts.get(currency, ZERO), amount)
    return replace(
        judged, findings=(*judged.findings, *findings), matched=judged.matched + matched, errors=judged.errors + errors,
        error_amount=amounts, below=judged.below + below,
    )  # fmt: skip


def _budgets(ws: Workspace, judged: Judged, standing: Sequence[StandingBudget]) -> Judged:
    now, calendar, freezes = ws.clock.now(), ws.config.company.calendar, ws.config.freezes
    found, errors = find_budget_matches(
        judged.compiled, standing, now, ws.config.promoted_tags, lambda env: moment_facts(now, calendar, freezes, env)
    )
    return replace(
        judged, findings=(*judged.findings, *found), matched=judged.matched + len(found),
        errors=judged.errors + len(errors),
    )  # fmt: skip


def _failed(ws: Workspace, judged: Judged, why: str) -> Judged:
    """A policy without an answer. Where it says that silence is not consent, that is a finding of its own."""
    policy = judged.compiled.policy
    failed = replace(judged, findings=(), failure=why)
    if policy.on_error == "allow":
        return failed
    finding = Finding(
        id=content_id("fnd", ERROR, policy.id, "failed"),
        kind=ERROR, policy_id=policy.id, policy_version=policy.version, level=policy.level,
        title=f"No charge could be judged, 0.00 {ws.config.company.currency} are known: {policy.title}",
        detail=f"{why} The policy says on_error: {policy.on_error}.",
        amount=ZERO, currency=ws.config.company.currency, owner=policy.owner, team="", environment="",
        period_label=str(ws.as_of), first_seen=ws.as_of, last_seen=ws.as_of, rows=0, query="", params={},
        lake_version=str(ws.lake.version()),
    )  # fmt: skip
    return replace(failed, findings=(finding,))
