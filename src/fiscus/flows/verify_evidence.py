"""Is every record of evidence still what was written? The chain, its head, and every signed checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fiscus.flows.evidence_checkpoints import check_against, checkpoint_folder, read_checkpoints, write_checkpoint
from fiscus.flows.workspace import Workspace
from fiscus.kernel.evidence import ChainBreak, EvidenceRecord, verify_chain


@dataclass(frozen=True, slots=True)
class EvidenceReport:
    """`records` read, the digest of the last one (`head`), each break found, how many signed checkpoints agree to check with."""

    records: int
    head: str
    breaks: tuple[ChainBreak, ...]
    checkpoints_checked: int
    ok: bool


def verify_evidence(ws: Workspace, checkpoints: Path | None = None) -> EvidenceReport:
    """Check everything; when it is whole, leave a new checkpoint of the head.

    `checkpoints`: a folder of copies kept elsewhere, instead of the workspace's own. What was added after the newest
    checkpoint is only protected by the chain itself, so keep copies and keep them often.
    """
    signed, faults = read_checkpoints(ws.home, checkpoints or checkpoint_folder(ws.home))
    digests = dict.fromkeys((checkpoint.seq for checkpoint in signed), "")
    read = 0

    def seen(records: Iterator[EvidenceRecord]) -> Iterator[EvidenceRecord]:
        nonlocal read
        for record in records:
            read += 1
            if record.seq in digests:
                digests[record.seq] = record.digest
            yield record

    with ws.state.read() as tx:
        last, digest, breaks = verify_chain(seen(tx.evidence_records()))
        head_seq, head_digest = tx.evidence_head()
    if (head_seq, head_digest) != (last, digest):
        reason = (
            f"the chain ends at record {last}, but its head says {head_seq}: records were cut off, added or replaced"
        )
        breaks.append(ChainBreak(max(head_seq, last), reason))
    faults.extend(check_against(signed, digests, last))
    breaks.extend(ChainBreak(seq, reason) for seq, reason in faults)
    report = EvidenceReport(read, digest, tuple(breaks), len(signed), not breaks)
    if report.ok and read:
        write_checkpoint(ws.home, last, digest, ws.clock.now())
    return report


def export_checkpoint(ws: Workspace) -> Path | None:
    """A signed checkpoint of the head as it stands; None when there is no evidence yet. Copy the file to another machine."""
    with ws.state.read() as tx:
        seq, digest = tx.evidence_head()
    return write_checkpoint(ws.home, seq, digest, ws.clock.now()) if seq > 0 else None
