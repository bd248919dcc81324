"""What was found in a simulated company, held against what was planted there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from fiscus.app.simulated_vendors import TRUTH
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.findings.finding_subject import subject_of
from fiscus.twin.build import score


@dataclass(frozen=True, slots=True)
class DemoScore:
    """Found of planted, and false alarms: findings that follow from nothing planted and nothing else that is true.

    `lines`: kind, planted, found, money planted, money found.
    """

    planted: int
    found: int
    false_alarms: int
    explained: int
    missed: tuple[str, ...]
    false_alarm_titles: tuple[str, ...]
    lines: tuple[tuple[str, int, int, Decimal, Decimal], ...]

    def sentences(self) -> Sequence[str]:
        """The score in plain words."""
        missed = f" Missed: {', '.join(self.missed)}." if self.missed else ""
        alarms = "1 false alarm" if self.false_alarms == 1 else f"{self.false_alarms} false alarms"
        return [f"Score: {self.found} found / {self.planted} planted / {alarms}.{missed}"]


def demo_score(ws: Workspace) -> DemoScore:
    """Hold what stands in the state of `ws` against its truth.json."""
    truth = json.loads((ws.home / TRUTH).read_text(encoding="utf-8"))
    with ws.state.read() as tx:
        findings = [dict(subject_of(finding)) for finding in tx.findings.all()]
        anomalies = [
            {
                "kind": "anomaly", "owner": a.owner, "team": a.team, "service": a.service, "provider": a.provider,
                "environment": a.environment, "start": a.start, "end": a.end, "amount": a.impact,
            }
            for a in tx.anomalies.all()
        ]  # fmt: skip
        budgets = [{"budget_id": s.budget_id, "state": s.state} for s in tx.budget_statuses.newest()]
    result = score(truth, {"findings": findings, "anomalies": anomalies, "budgets": budgets})
    return DemoScore(
        planted=result.planted,
        found=result.found,
        false_alarms=result.false_alarms,
        explained=result.explained,
        missed=result.missed,
        false_alarm_titles=tuple(str(dict(item).get("item", item)) for item in result.false_alarm_items),
        lines=tuple((k.kind, k.planted, k.found, k.planted_amount, k.found_amount) for k in result.kinds),
    )
