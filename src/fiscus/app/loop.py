"""The whole loop once: bills in, owned, signalled, judged, planned, escalated, packed. Running it twice changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from fiscus.app.ai_prices import keep_prices
from fiscus.app.packs import write_pack
from fiscus.app.policy_files import policies_if_any
from fiscus.cost.types import Delivery, IngestOptions
from fiscus.flows.allocate_costs import AllocationSummary, allocate_costs
from fiscus.flows.assign_owners import AssignmentSummary, assign_owners
from fiscus.flows.backtest_policy import try_library
from fiscus.flows.deliver_notices import deliver_notices
from fiscus.flows.diff_policies import record_texts
from fiscus.flows.escalate_cases import escalate_cases
from fiscus.flows.evaluate import evaluate
from fiscus.flows.fetch_ai_bills import AiBillFetched, fetch_ai_bills
from fiscus.flows.find_anomalies import find_anomalies
from fiscus.flows.ingest_bills import ingest_files
from fiscus.flows.keep_approvals import keep_approvals
from fiscus.flows.keep_purchases import keep_purchases
from fiscus.flows.keep_rates import RatesKept, keep_rates
from fiscus.flows.keep_same_spend import keep_same_spend
from fiscus.flows.plan_actions import plan_actions
from fiscus.flows.push_vendor_caps import plan_vendor_caps
from fiscus.flows.reconcile_actions import reconcile_actions
from fiscus.flows.verify_savings import verify_savings
from fiscus.flows.workspace import Workspace
from fiscus.flows.write_ai_charges import AiMonthWritten, write_ai_charges
from fiscus.kernel.actor import FISCUS
from fiscus.kernel.errors import BadInput, NotFound, Where
from fiscus.kernel.fiscal_labels import month_of
from fiscus.kernel.periods import Month
from fiscus.kernel.progress import Progress
from fiscus.stores.lake.object_address import object_url

NOTHING_CAME: Final = (
    "No bill lies where `sources` in fiscus.yaml look: put files there and run again, or see `fiscus demo`."
)


@dataclass(frozen=True, slots=True)
class LoopSummary:
    """What one run did."""

    run_id: str
    as_of: str
    lake_version: str
    deliveries: tuple[Delivery, ...]
    owners: AssignmentSummary
    anomalies: int
    findings_open: int
    budgets_not_ok: int
    cases_open: int
    notices_sent: int
    notices_waiting: int
    actions_proposed: int
    savings_verified: int
    pack_files: tuple[Path, ...]
    ai_written: tuple[AiMonthWritten, ...] = ()
    ai_bills: tuple[AiBillFetched, ...] = ()
    allocated: AllocationSummary | None = None
    rates: RatesKept | None = None
    untried: Mapping[str, str] = field(default_factory=dict)  # hard policy -> why history could not be asked for it

    def sentences(self) -> Sequence[str]:
        """The run in plain words."""
        charges = sum(delivery.rows for delivery in self.deliveries if delivery.dataset == "cost_and_usage")
        new = sum(delivery.changed for delivery in self.deliveries)
        waiting = f" ({self.notices_waiting} wait for a channel)" if self.notices_waiting else ""
        return [
            f"Run {self.run_id} as of {self.as_of}, lake {self.lake_version}.",
            f"{charges:,} charges in {len(self.deliveries)} deliveries, {new} of them new.",
            *([] if self.deliveries else [NOTHING_CAME]),
            *(one.sentence() for one in (*self.ai_bills, *self.ai_written)),
            *self.owners.sentences(),
            *(self.rates.sentences() if self.rates else ()),
            *(self.allocated.sentences() if self.allocated else ()),
            f"{self.anomalies} anomalies, {self.findings_open} findings open, {self.budgets_not_ok} budgets at risk or broken.",
            *(f"Policy {name} could not be tried on history: {why}" for name, why in self.untried.items()),
            f"{self.cases_open} cases under way, {self.notices_sent} notices sent{waiting}.",
            f"{self.actions_proposed} actions proposed, {self.savings_verified} savings verified by the bill.",
            *([f"Board pack: {', '.join(str(path) for path in self.pack_files)}"] if self.pack_files else []),
        ]


def run_loop(ws: Workspace, progress: Progress) -> LoopSummary:
    """Each step is a flow of its own and leaves the workspace whole; a run that dies is simply run again.

    Raises BadInput for a day of which the lake holds nothing before it: every finding would seem to be over, and its case closed.
    """
    _check_day(ws)
    run_id = ws.ids.new("run")
    deliveries = tuple(_ingest(ws, progress))
    ai_bills = fetch_ai_bills(ws, progress)
    ai_written = write_ai_charges(ws, progress)
    progress.stage("Assigning owners")
    keep_same_spend(ws)  # first: what owners answer for is counted once
    owners = assign_owners(ws)
    rates = keep_rates(ws)
    progress.stage("Handing on shared cost")
    allocated = allocate_costs(ws)
    progress.stage("Looking for anomalies")
    anomalies = find_anomalies(ws)
    keep_prices(ws)
    progress.stage("Judging budgets and policies")
    judged = evaluate(ws, run_id)
    progress.stage("Trying hard policies on history")
    tried = try_library(ws)
    record_texts(ws, policies_if_any(ws.home))
    progress.stage("Verifying what was done")
    reconcile_actions(ws)
    verified = verify_savings(ws)
    progress.stage("Planning actions")
    proposed = plan_actions(ws)
    plan_vendor_caps(ws, FISCUS)
    progress.stage("Escalating cases")
    keep_approvals(ws)
    keep_purchases(ws)
    escalate_cases(ws)
    notices = deliver_notices(ws)
    progress.stage("Building the board pack")
    files = _pack(ws)
    findings, cases = _completed(ws, run_id)
    return LoopSummary(
        run_id=run_id,
        as_of=str(ws.as_of),
        lake_version=str(ws.lake.version()),
        deliveries=deliveries,
        owners=owners,
        anomalies=len(anomalies),
        findings_open=findings,
        budgets_not_ok=sum(status.state != "ok" for status in judged.statuses),
        cases_open=cases,
        notices_sent=notices.sent,
        notices_waiting=notices.waiting,
        actions_proposed=len(proposed),
        savings_verified=len(verified),
        pack_files=files,
        ai_written=ai_written,
        ai_bills=ai_bills,
        allocated=allocated,
        rates=rates,
        untried=tried.untried,
    )


def _completed(ws: Workspace, run_id: str) -> tuple[int, int]:
    """Record that the run came to its end; how many findings and cases stand then."""
    with ws.state.begin() as tx:
        body = {"as_of": str(ws.as_of), "lake": str(ws.lake.version()), "config": ws.config.digest}
        tx.facts.put("run.newest", {"id": run_id, **body})
        tx.evidence.append("run.completed", run_id, FISCUS, body)
        return len(tx.findings.all()), len(tx.cases.all(["open", "acknowledged"]))


def _check_day(ws: Workspace) -> None:
    months = [Month.parse(month) for source in ws.lake.freshness() for month in source.months]
    if months and ws.as_of <= min(months).start:
        remedy = f"Its first month is {min(months)}: choose a later day."
        raise BadInput(f"The lake holds no charge before {ws.as_of}", remedy=remedy, where=Where(key="as_of"))


def _ingest(ws: Workspace, progress: Progress) -> Sequence[Delivery]:
    """Every configured source that has files. One that is refused stops the run: what landed before it stays whole."""
    deliveries: list[Delivery] = []
    options = IngestOptions(promote=ws.config.promoted_tags)
    for name, configured in ws.config.sources.items():
        present = [p for p in configured.paths if _may_hold_bills(p)]
        if present:
            progress.stage(f"Ingesting {name}")
            deliveries.extend(ingest_files(ws, configured.source, present, options, progress))
    return deliveries


def _may_hold_bills(path: Path) -> bool:
    return object_url(path) is not None or path.is_file() or (path.is_dir() and any(path.rglob("[!.]*.*")))


def _pack(ws: Workspace) -> tuple[Path, ...]:
    """The pack of the last day's month, under .fiscus/packs; none while the lake has no charge of it."""
    month = month_of(ws.config.company.calendar, ws.as_of - timedelta(days=1))
    try:
        return write_pack(ws, month, ws.home / ".fiscus" / "packs" / str(month)).files
    except NotFound:
        return ()
