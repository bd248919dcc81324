"""Is the evidence still what was written? Both chains, their heads, every signed checkpoint, and the books of the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fiscus.flows.evidence_checkpoints import check_against, checkpoint_folder, read_checkpoints, write_checkpoint
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.ledger.recount import Recount
from fiscus.kernel.evidence import ChainBreak, EvidenceRecord, verify_chain

LEDGER = "ledger"  # the folder of its checkpoints, inside those of the state's chain


@dataclass(frozen=True, slots=True)
class ChainReport:
    """`records` read, the digest of the last one (`head`), each break found, how many signed checkpoints agree to check with."""

    records: int
    head: str
    breaks: tuple[ChainBreak, ...]
    checkpoints_checked: int
    ok: bool


@dataclass(frozen=True, slots=True)
class EvidenceReport:
    """The state's chain, and the spend ledger's with its books: `books` says where its tables are not what its evidence says."""

    records: int
    head: str
    breaks: tuple[ChainBreak, ...]
    checkpoints_checked: int
    ok: bool
    ledger: ChainReport
    books: tuple[str, ...]


def verify_evidence(ws: Workspace, checkpoints: Path | None = None) -> EvidenceReport:
    """Check everything; a chain that is whole is left a new checkpoint of its head.

    `checkpoints`: a folder of copies kept elsewhere, instead of the workspace's own. What was added after the newest
    checkpoint is only protected by the chain itself, so keep copies and keep them often.
    """
    folder = checkpoints or checkpoint_folder(ws.home)
    with ws.state.read() as tx:
        state = _verified(ws, tx.evidence_records(), tx.evidence_head(), folder)
    recount = Recount()
    store = ws.ledger.store
    ledger = _verified(ws, recount.records(store.evidence_records()), store.evidence_head(), folder / LEDGER)
    books = tuple(reason for _, reason in recount.faults) + tuple(
        recount.compare(store.every_hold(), store.every_account())
    )
    if state.ok and state.records:
        write_checkpoint(ws.home, state.records, state.head, ws.clock.now(), checkpoint_folder(ws.home))
    if ledger.ok and ledger.records:
        write_checkpoint(ws.home, ledger.records, ledger.head, ws.clock.now(), checkpoint_folder(ws.home) / LEDGER)
    whole = state.ok and ledger.ok and not books
    return EvidenceReport(state.records, state.head, state.breaks, state.checkpoints_checked, whole, ledger, books)


def export_checkpoint(ws: Workspace) -> Path | None:
    """A signed checkpoint of the state's head; None when there is no evidence yet. Copy the file to another machine."""
    with ws.state.read() as tx:
        seq, digest = tx.evidence_head()
    return write_checkpoint(ws.home, seq, digest, ws.clock.now(), checkpoint_folder(ws.home)) if seq > 0 else None


def _verified(ws: Workspace, records: Iterable[EvidenceRecord], head: tuple[int, str], folder: Path) -> ChainReport:
    signed, faults = read_checkpoints(ws.home, folder)
    digests = dict.fromkeys((checkpoint.seq for checkpoint in signed), "")
    read = 0

    def seen() -> Iterator[EvidenceRecord]:
        nonlocal read
        for record in records:
            read += 1
            if record.seq in digests:
                digests[record.seq] = record.digest
            yield record

    last, digest, breaks = verify_chain(seen())
    if head != (last, digest):
        reason = (
            f"the chain ends at record {last}, but its head says {head[0]}: records were cut off, added or replaced"
        )
        breaks.append(ChainBreak(max(head[0], last), reason))
    faults.extend(check_against(signed, digests, last))
    breaks.extend(ChainBreak(seq, reason) for seq, reason in faults)
    return ChainReport(read, digest, tuple(breaks), len(signed), not breaks)
