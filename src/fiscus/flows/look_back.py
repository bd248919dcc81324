"""Policies asked again as if it were an earlier day: the same judges as a run's, with the clock set back. Nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Final, Literal, TypeAlias

from fiscus.flows.judge_policies import Judged, judge_policies
from fiscus.flows.past_budgets import PastBudgets
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
LookedBackAt: TypeAlias = PolicyTarget | Literal["series"]
NOON: Final = time(12, tzinfo=UTC)


def looked_back(
    ws: Workspace, policies: Sequence[CompiledPolicy], target: LookedBackAt, days: Sequence[date], budgets: PastBudgets
) -> list[Trial]:
    """What runs on `days` would have found on `target`, a trial a policy: each finding once, with the most that it ever had.

    The days are gone through once for all policies, whose ids differ. Raises LimitExceeded or BadQuery where the question of one
    cannot be answered.
    """
    asked = [_LookedBack(_alone(compiled, target)) for compiled in policies]
    for day in days:
        then = replace(
            ws,
            clock=SteppedClock(datetime.combine(day, NOON)),
            config=replace(ws.config, policies=PolicySet(tuple(one.alone for one in asked)), written=None),
        )
        for one, judged in zip(asked, judge_policies(then, budgets.on(day) if target == "budget" else ()), strict=True):
            one.take(judged)
    note = (
        f"As it stood on {len(days)} days, {days[0]} to {days[-1]}: each finding once, with the most that it ever had."
    )
    return [one.trial(target, len(days), note) for one in asked]


class _LookedBack:
    """What one policy found on the days so far."""

    def __init__(self, alone: CompiledPolicy) -> None:
        self.alone = alone
        self._found: dict[str, Finding] = {}
        self._errors = 0

    def take(self, judged: Judged) -> None:
        if judged.failure:
            raise LimitExceeded(judged.failure, remedy="Narrow the policy, or ask for fewer months.")
        self._errors += judged.errors
        for finding in judged.findings:
            known = self._found.get(finding.id)
            if finding.kind == self.alone.policy.finding and (known is None or finding.amount > known.amount):
                self._found[finding.id] = finding

    def trial(self, target: LookedBackAt, days: int, note: str) -> Trial:
        hits = [_hit(finding) for finding in self._found.values()]
        return Trial(_SOURCE[target], target, hits, Counted(days, self._errors, opened=len(hits), note=note))


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


def _alone(compiled: CompiledPolicy, target: LookedBackAt) -> CompiledPolicy:
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
