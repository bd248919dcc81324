"""The whole loop once: bills in, owned, signalled, judged, escalated, planned, packed. Running it twice changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fiscus.app.packs import write_pack
from fiscus.cost.types import Delivery, IngestOptions
from fiscus.flows.apply_actions import reconcile_actions
from fiscus.flows.assign_owners import assign_owners
from fiscus.flows.deliver_notices import deliver_notices
from fiscus.flows.escalate_cases import escalate_cases
from fiscus.flows.evaluate import evaluate
from fiscus.flows.find_anomalies import find_anomalies
from fiscus.flows.ingest_bills import ingest_bills
from fiscus.flows.plan_actions import plan_actions
from fiscus.flows.verify_savings import verify_savings
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import FISCUS
from fiscus.kernel.periods import Month
from fiscus.kernel.progress import Progress


@dataclass(frozen=True, slots=True)
class LoopSummary:
    """What one run did, as counts and as sentences."""

    run_id: str
    as_of: str
    lake_version: str
    deliveries: int
    deliveries_changed: int
    charges_delivered: int
    anomalies: int
    findings_open: int
    cases_open: int
    notices_sent: int
    actions_proposed: int
    savings_verified: int
    pack_files: tuple[str, ...]
    sentences: tuple[str, ...]


def run_loop(ws: Workspace, progress: Progress) -> LoopSummary:
    """Each step is a flow of its own and leaves the workspace whole; a run that dies is simply run again."""
    run_id = ws.ids.new("run")
    deliveries = _ingest(ws, progress)
    progress.stage("Assigning owners")
    owners = assign_owners(ws)
    progress.stage("Looking for anomalies")
    anomalies = find_anomalies(ws)
    progress.stage("Judging budgets and policies")
    evaluate(ws, run_id)
    progress.stage("Verifying what was done")
    reconcile_actions(ws)
    verified = verify_savings(ws)
    progress.stage("Planning actions")
    proposed = plan_actions(ws)
    progress.stage("Escalating cases")
    escalate_cases(ws)
    notices = deliver_notices(ws)
    progress.stage("Building the board pack")
    files = _pack(ws)
    with ws.state.begin() as tx:
        findings, cases = tx.findings.all(), tx.cases.all(["open", "acknowledged"])
        body = {"as_of": ws.as_of, "lake": str(ws.lake.version()), "config": ws.config.digest, "findings": len(findings)}
        tx.facts.put("run.newest", {"id": run_id, **{k: str(v) for k, v in body.items()}})
        tx.evidence.append("run.completed", run_id, FISCUS, body)
    changed = [delivery for delivery in deliveries if delivery.changed]
    charges = sum(delivery.rows for delivery in deliveries)
    sentences = (
        f"Run {run_id} as of {ws.as_of}, lake {ws.lake.version()}.",
        f"{charges:,} charges in {len(deliveries)} deliveries, {len(changed)} of them new.",
        *owners.sentences(),
        f"{len(anomalies)} anomalies, {len(findings)} findings, {len(cases)} cases under way, {notices.sent} notices sent.",
        f"{len(proposed)} actions proposed, {len(verified)} savings verified by the bill.",
        *([f"Board pack: {', '.join(str(path) for path in files)}"] if files else []),
    )
    return LoopSummary(
        run_id=run_id,
        as_of=str(ws.as_of),
        lake_version=str(ws.lake.version()),
        deliveries=len(deliveries),
        deliveries_changed=len(changed),
        charges_delivered=charges,
        anomalies=len(anomalies),
        findings_open=len(findings),
        cases_open=len(cases),
        notices_sent=notices.sent,
        actions_proposed=len(proposed),
        savings_verified=len(verified),
        pack_files=tuple(str(path) for path in files),
        sentences=sentences,
    )


def _ingest(ws: Workspace, progress: Progress) -> Sequence[Delivery]:
    """Every configured source that has files. One that is refused stops the run: what was landed before it stays whole."""
    deliveries: list[Delivery] = []
    options = IngestOptions(promote=ws.config.promoted_tags)
    for name, configured in ws.config.sources.items():
        present = [path for path in configured.paths if path.is_file() or (path.is_dir() and any(path.rglob("[!.]*.*")))]
        if not present:
            continue
        progress.stage(f"Ingesting {name}")
        deliveries.append(ingest_bills(ws, configured.source, present, options, progress))
    return deliveries


def _pack(ws: Workspace) -> tuple[Path, ...]:
    """The pack of the as-of month, under .fiscus/packs/<month>."""
    month = Month.of(ws.as_of)
    if ws.lake.version().charges < 0:
        return ()
    return write_pack(ws, month, ws.home / ".fiscus" / "packs" / str(month)).files
