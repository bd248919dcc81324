"""A policy asked again as if it were an earlier day: the same judges as a run's, with the clock set back. Nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Final, Literal

from fiscus.flows.evaluate import standing_budgets
from fiscus.flows.judge_policies import judge_policies
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.backtests.add_up import Counted, Trial
from fiscus.guardrails.backtests.types import Hit, Source, Window
from fiscus.guardrails.findings.anomaly_subjects import anomaly_subject
from fiscus.guardrails.findings.find_subjects import find_subjects
from fiscus.guardrails.policies.moment import moment_facts
from fiscus.guardrails.policies.policy_set import CompiledPolicy, PolicySet
from fiscus.guardrails.types import Finding, PolicyTarget
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.errors import LimitExceeded
from fiscus.kernel.periods import midnight
from fiscus.kernel.rows import Query

_SOURCE: Final[Mapping[str, Source]] = {
    "budget": "budgets", "resource": "resources", "invoice": "invoices", "series": "series",
}  # fmt: skip
NOON: Final = time(12, tzinfo=UTC)


def looked_back(
    ws: Workspace, compiled: CompiledPolicy, target: PolicyTarget | Literal["series"], days: Sequence[date]
) -> Trial:
    """What runs on `days` would have found on `target`: each finding once, with the most money that it ever had.

    Raises LimitExceeded or BadQuery where the question cannot be answered.
    """
    alone = _alone(compiled, target)
    found: dict[str, Finding] = {}
    errors = 0
    for day in days:
        then = replace(
            ws,
            clock=SteppedClock(datetime.combine(day, NOON)),
            config=replace(ws.config, policies=PolicySet((alone,)), written=None),
        )
        (judged,) = judge_policies(then, standing_budgets(then) if target == "budget" else ())
        if judged.failure:
            raise LimitExceeded(judged.failure, remedy="Narrow the policy, or ask for fewer months.")
        errors += judged.errors
        for finding in judged.findings:
            known = found.get(finding.id)
            if finding.kind == alone.policy.finding and (known is None or finding.amount > known.amount):
                found[finding.id] = finding
    hits = [_hit(finding) for finding in found.values()]
    note = (
        f"As it stood on {len(days)} days, {days[0]} to {days[-1]}: each finding once, with the most that it ever had."
    )
    return Trial(_SOURCE[target], target, hits, Counted(len(days), errors, opened=len(hits), note=note))


def anomalies_of(ws: Workspace, compiled: CompiledPolicy, window: Window) -> Trial:
    """Over the anomalies that runs found in the window, each as it was when it ended."""
    company, freezes = ws.config.company, ws.config.freezes
    with ws.state.read() as tx:
        known = [one for one in tx.anomalies.all() if window.start <= one.start < window.end]

    def moment(environment: str) -> Mapping[str, object]:
        return moment_facts(midnight(window.end), company.calendar, freezes, environment)

    subjects = [anomaly_subject(one, window.end, moment) for one in known]
    judged = find_subjects(_alone(compiled, "anomaly"), "anomaly", subjects, window.end, str(ws.lake.version()))
    hits = [_hit(finding) for finding in judged.findings if finding.kind == compiled.policy.finding]
    note = "The anomalies that runs found: what no run looked at is not among them."
    return Trial("anomalies", "anomaly", hits, Counted(len(known), judged.errors, judged.below, len(hits), note))


def _alone(compiled: CompiledPolicy, target: PolicyTarget | Literal["series"]) -> CompiledPolicy:
    """The policy on this target only, whatever its effective dates."""
    conditions = {one: node for one, node in compiled.conditions.items() if one == target}
    policy = replace(compiled.policy, effective_from=None, effective_until=None)
    if target != "series":
        policy = replace(policy, targets=tuple(conditions))
    return replace(compiled, policy=policy, conditions=conditions, tests=())


def _hit(finding: Finding) -> Hit:
    query = Query(finding.query, finding.params) if finding.query else None
    return Hit(
        key=finding.id, title=finding.title, day=finding.last_seen, owner=finding.owner, team=finding.team,
        environment=finding.environment, amount=finding.amount, currency=finding.currency, count=1, query=query,
    )  # fmt: skip
