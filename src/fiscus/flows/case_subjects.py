"""What becomes a case: open findings, budgets in trouble, recent anomalies, actions that nobody can tell about.

Severity is set by the money at stake and the level (ownership.case_severity). A budget and the findings about it are one subject.
A finding at level `observe` is recorded and opens no case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Literal

from fiscus.flows.find_anomalies import CURRENT_FACT
from fiscus.flows.ports import StateTx
from fiscus.flows.reconcile_actions import UNRESOLVED_FACT
from fiscus.flows.record_actions import INCIDENT_FACT
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.types import BudgetStatus, Finding
from fiscus.kernel.limits import CASE_ANOMALY_DAYS, CASE_RUNNING_DAYS
from fiscus.kernel.money import ZERO, display
from fiscus.ownership.case_severity import is_worse, severity_of
from fiscus.ownership.types import UNOWNED, CaseSubject
from fiscus.signals.types import Anomaly


def case_subjects(ws: Workspace, tx: StateTx) -> list[CaseSubject]:
    """Every subject that stands now, each key once."""
    findings = [finding for finding in tx.findings.all() if finding.level != "observe"]
    statuses = tx.budget_statuses.newest()
    views = [of_finding(finding) for finding in findings]
    views += [of_budget(status) for status in statuses if status.state != "ok"]
    views += [of_anomaly(anomaly, ws) for anomaly in _recent(ws, tx)]
    subjects: dict[str, CaseSubject] = {}
    for view in (*views, *_unresolved_actions(tx), *_incident(ws, tx)):
        _add(subjects, view)
    return list(subjects.values())


def of_finding(finding: Finding) -> CaseSubject:
    """A finding; one about a budget (its params name it, see guardrails.budget_series) has the key of that budget's period."""
    budget = finding.params.get("budget_id")
    money = f"{display(finding.amount)} {finding.currency}"
    severity = severity_of(finding.amount, hard=finding.level == "hard", warning=finding.level == "warn")
    return CaseSubject(
        kind="budget" if budget else "finding",
        key=_budget_key(str(budget), finding.period_label) if budget else f"finding|{finding.id}",
        title=finding.title if finding.currency in finding.title else f"{finding.title}: {money} are at stake",
        detail=finding.detail,
        amount=finding.amount,
        currency=finding.currency,
        severity=severity,
        owner=_owner(finding.owner, finding.team),
        evidence={
            "finding": finding.id,
            "policy": finding.policy_id,
            "policy_version": finding.policy_version,
            "query": finding.query,
            "params": finding.params,
            "rows": finding.rows,
            "first_seen": finding.first_seen,
            "last_seen": finding.last_seen,
            "targets": list(finding.targets),
            "lake": finding.lake_version,
        },
    )


def of_budget(status: BudgetStatus) -> CaseSubject:
    """A budget that is breached or at risk; at stake is what it is over, or will be. What is merely possible is a warning."""
    breached, likely = status.state == "breached", status.forecast_p50 - status.amount
    if breached:
        over = max(-status.headroom, ZERO)
    else:
        over = max(likely if likely > ZERO else status.forecast_p90 - status.amount, ZERO)
    severity = severity_of(over, hard=status.cap == "hard", running=breached, warning=not breached and likely <= ZERO)
    return CaseSubject(
        kind="budget",
        key=_budget_key(status.budget_id, status.period.label),
        title=_budget_title(status, over),
        detail=f"Forecast {display(status.forecast_p10)} to {display(status.forecast_p90)} {status.currency}, "
        f"most likely {display(status.forecast_p50)}; {display(status.p_breach * 100, 0)} % likely to break.",
        amount=over,
        currency=status.currency,
        severity=severity,
        owner=status.owner,
        evidence={
            "budget": status.budget_id,
            "period": status.period.label,
            "as_of": status.as_of,
            "amount": status.amount,
            "actual": status.actual,
            "forecast_p50": status.forecast_p50,
            "lake": status.lake_version,
        },
    )


def of_anomaly(anomaly: Anomaly, ws: Workspace) -> CaseSubject:
    """An anomaly; one that cost less than expected is at most medium: it may be a bill that is missing."""
    last = anomaly.end - timedelta(days=1)
    when = f"on {anomaly.start}" if last == anomaly.start else f"from {anomaly.start} to {last}"
    running = anomaly.impact > ZERO and anomaly.end >= ws.as_of - timedelta(days=CASE_RUNNING_DAYS)
    whose = "nobody" if anomaly.owner == UNOWNED else anomaly.owner
    more = "more" if anomaly.impact > ZERO else "less"
    causes = ", ".join(
        f"{c.dimension} {c.value} {display(c.excess)} {anomaly.currency}" for c in anomaly.contributions[:3]
    )
    return CaseSubject(
        kind="anomaly",
        key=f"anomaly|{anomaly.id}",
        title=f"{anomaly.service} ({anomaly.provider}) of {whose} cost {display(abs(anomaly.impact))} "
        f"{anomaly.currency} {more} than expected {when}",
        detail=f"It cost {display(anomaly.actual)} {anomaly.currency}, expected were {display(anomaly.low)} to "
        f"{display(anomaly.high)}." + (f" Most of it: {causes}." if causes else ""),
        amount=abs(anomaly.impact),
        currency=anomaly.currency,
        severity=severity_of(anomaly.impact, running=running, warning=anomaly.impact <= ZERO),
        owner=_owner(anomaly.owner, anomaly.team),
        evidence={"anomaly": anomaly.id, "score": anomaly.score, "start": anomaly.start, "end": anomaly.end},
    )


def _recent(ws: Workspace, tx: StateTx) -> Sequence[Anomaly]:
    """Anomalies whose end is not long past and that the newest look still finds."""
    since = datetime.combine(ws.as_of - timedelta(days=CASE_ANOMALY_DAYS), time(), UTC)
    current = tx.facts.get(CURRENT_FACT)
    found = tx.anomalies.all(since)
    return [a for a in found if not isinstance(current, list) or a.id in current]


def _unresolved_actions(tx: StateTx) -> list[CaseSubject]:
    listed = tx.facts.get(UNRESOLVED_FACT)
    entries = [entry for entry in listed if isinstance(entry, Mapping)] if isinstance(listed, list) else []
    return [subject for entry in entries if (subject := _of_action(tx, entry)) is not None]


def _incident(ws: Workspace, tx: StateTx) -> list[CaseSubject]:
    """A belt that held: one case until somebody resumes."""
    fact = tx.facts.get(INCIDENT_FACT)
    if not isinstance(fact, Mapping):
        return []
    owner = ws.config.directory.default_pool
    return [
        CaseSubject(
            kind="action",
            key=f"incident|{fact['id']}",
            title=f"A safety belt stopped actions: {fact['message']}",
            detail=f"Belt {fact['belt']}, since {fact['at']:%Y-%m-%d %H:%M} UTC. {fact['remedy']}",
            amount=ZERO,
            currency=ws.config.company.currency,
            severity="high",
            owner=owner,
            evidence=dict(fact),
        )
    ]


def _of_action(tx: StateTx, entry: Mapping[str, object]) -> CaseSubject | None:
    action = tx.actions.get(str(entry["action"]))
    if action is None:
        return None
    plan = action.plan
    money = f"{display(plan.saving_per_month)} {plan.currency}"
    return CaseSubject(
        kind="action",
        key=f"action|{action.id}",
        title=f"{plan.kind} on {entry['targets']} may or may not have happened: {money} a month depend on it",
        detail=f"Action {action.id} is {entry['state']} since {entry['since']}: {entry['note']}. "
        "Look at the target itself, then settle the action.",
        amount=plan.saving_per_month,
        currency=plan.currency,
        severity=_at_least_high(plan.saving_per_month),
        owner=plan.targets[0].owner if plan.targets else action.requested_by,
        evidence=dict(entry),
    )


def _at_least_high(amount: Decimal) -> Literal["high", "critical"]:
    """A change in the world that nobody can tell about is urgent whatever it saves."""
    return "critical" if severity_of(amount) == "critical" else "high"


def _add(subjects: dict[str, CaseSubject], new: CaseSubject) -> None:
    """Several views of one subject are one: the first says what it is, the worst how urgent, the largest how much."""
    old = subjects.get(new.key)
    if old is None:
        subjects[new.key] = new
        return
    subjects[new.key] = replace(
        old,
        severity=new.severity if is_worse(new.severity, old.severity) else old.severity,
        amount=max(old.amount, new.amount) if old.currency == new.currency else old.amount,
        detail=old.detail or new.detail,
        evidence={**new.evidence, **old.evidence},
    )


def _budget_title(status: BudgetStatus, over: Decimal) -> str:
    budget = f"its budget of {display(status.amount)} {status.currency} for {status.period.label}"
    if status.state == "breached":
        return f"{status.title} has spent {display(over)} {status.currency} more than {budget}"
    day = f", on {status.breach_day:%d %b}" if status.breach_day else ""
    if status.forecast_p50 > status.amount:
        return f"{status.title} will go {display(over)} {status.currency} over {budget}{day}"
    return f"{status.title} may go {display(over)} {status.currency} over {budget}{day}"


def _budget_key(budget_id: str, period: str) -> str:
    return f"budget|{budget_id}|{period}"


def _owner(person: str, team: str) -> str:
    return person if person and person != UNOWNED else team or UNOWNED
