"""The loop as far as it goes today: bills in, owned. Running it twice changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fiscus.cost.types import Delivery, IngestOptions
from fiscus.flows.assign_owners import AssignmentSummary, assign_owners
from fiscus.flows.ingest_bills import ingest_bills
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import FISCUS
from fiscus.kernel.progress import Progress


@dataclass(frozen=True, slots=True)
class LoopSummary:
    """What one run did."""

    run_id: str
    as_of: str
    lake_version: str
    deliveries: tuple[Delivery, ...]
    owners: AssignmentSummary

    def sentences(self) -> Sequence[str]:
        """The run in plain words."""
        charges = sum(delivery.rows for delivery in self.deliveries)
        new = sum(delivery.changed for delivery in self.deliveries)
        return [
            f"Run {self.run_id} as of {self.as_of}, lake {self.lake_version}.",
            f"{charges:,} charges in {len(self.deliveries)} deliveries, {new} of them new.",
            *self.owners.sentences(),
        ]


def run_loop(ws: Workspace, progress: Progress) -> LoopSummary:
    """Each step is a flow of its own and leaves the workspace whole; a run that dies is simply run again."""
    deliveries = tuple(_ingest(ws, progress))
    progress.stage("Assigning owners")
    owners = assign_owners(ws)
    summary = LoopSummary(ws.ids.new("run"), str(ws.as_of), str(ws.lake.version()), deliveries, owners)
    with ws.state.begin() as tx:
        body = {"as_of": summary.as_of, "lake": summary.lake_version, "config": ws.config.digest}
        tx.facts.put("run.newest", {"id": summary.run_id, **body})
        tx.evidence.append("run.completed", summary.run_id, FISCUS, body)
    return summary


def _ingest(ws: Workspace, progress: Progress) -> Sequence[Delivery]:
    """Every configured source that has files. One that is refused stops the run: what landed before it stays whole."""
    deliveries: list[Delivery] = []
    options = IngestOptions(promote=ws.config.promoted_tags)
    for name, configured in ws.config.sources.items():
        present = [p for p in configured.paths if p.is_file() or (p.is_dir() and any(p.rglob("[!.]*.*")))]
        if present:
            progress.stage(f"Ingesting {name}")
            deliveries.append(ingest_bills(ws, configured.source, present, options, progress))
    return deliveries
