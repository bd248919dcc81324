"""A month is closed: what it says is signed, and stays readable as it was signed; opening it again is evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, cast

from fiscus.cost.books.fiscal_closes import FiscalClose, fiscal_closes
from fiscus.cost.books.types import PeriodClose, SourceTotal
from fiscus.flows.evidence_checkpoints import checkpoint_folder, write_checkpoint
from fiscus.flows.keep_closes import CLOSE_FACT, close_from, keep_closes, signed_closes
from fiscus.flows.ports import StateTx
from fiscus.flows.ready_to_close import not_ready
from fiscus.flows.reconcile_invoices import reconcile_invoices
from fiscus.flows.show_corrections import CorrectionsShown, show_corrections
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import Actor
from fiscus.kernel.canonical import digest, to_json
from fiscus.kernel.errors import BadInput, Conflict, NotFound
from fiscus.kernel.evidence import EvidenceRecord
from fiscus.kernel.periods import Month
from fiscus.kernel.sql_text import sql_text
from fiscus.ownership.people import require_live

REASON_MAX: Final = 2_000


@dataclass(frozen=True, slots=True)
class ClosesShown:
    """The months that are signed, newest first, and what was corrected of closed months since.

    `fiscal`: the quarters and years that they close, or do not close yet. `broken`: months of which the state or the charges as
    reported are not what was signed; only looked for when asked, and then a month whose signature is gone stands among `closes`.
    """

    closes: tuple[PeriodClose, ...]
    corrections: CorrectionsShown
    fiscal: tuple[FiscalClose, ...] = ()
    broken: tuple[str, ...] = ()


def close_period(ws: Workspace, month: Month, actor: Actor, reason: str = "") -> PeriodClose:
    """Sign `month`: its totals by source and currency, the lake version and the digests go into the evidence, and a checkpoint.

    Raises BadInput (a month that is not over), NotFound (nobody of that name; no charges), Conflict (closed already, or not ready
    and no `reason` to close it all the same). A crash after the evidence: the next call, or the next ingest, tells the lake.
    """
    require_live(ws.config.directory, actor.person_id, ws.as_of)
    reason = _checked(reason)
    if month.end > ws.as_of:
        raise BadInput(f"{month} is not over on {ws.as_of}", remedy=f"Close it from {month.end} on.")
    keep_closes(ws)
    version = ws.lake.version()
    totals, charges_digest = _totals(ws, month, "bare_charges")
    if not totals:
        raise NotFound(f"The lake holds no charge of {month}", remedy="Ingest its bills first.")
    invoices = reconcile_invoices(ws, str(month))
    against = not_ready(ws, month, invoices)
    if against and not reason:
        raise Conflict(
            f"{month} is not ready to be closed: {'; '.join(against)}",
            remedy="Mend it, or close it all the same: --force --reason TEXT, which is kept as evidence.",
        )
    rows = ws.lake.query(sql_text("fiscus.cost", "corrected_elsewhere"), {"month": str(month)}).rows
    elsewhere = tuple(SourceTotal(*row) for row in cast("Sequence[tuple[Any, ...]]", rows))
    signed = {"month": str(month), "totals": totals, "charges": charges_digest, "lake": str(version)}
    close = PeriodClose(
        billing_month=str(month),
        closed_at=ws.clock.now(),
        closed_by=actor.person_id,
        lake_version=str(version),
        charges_version=version.charges,
        assignments_version=version.assignments,
        totals=totals,
        elsewhere=elsewhere,
        charges_digest=charges_digest,
        digest=digest(signed),
        forced=reason if against else "",
        not_ready=against,
        invoices=invoices.counts,
    )
    with ws.state.begin() as tx:
        _refuse_closed(tx, month)
        record = tx.evidence.append("period.closed", str(month), actor, {"close": close})
        close = replace(close, seal=_seal_name(record))
        tx.facts.put(CLOSE_FACT + str(month), to_json(asdict(close)))
    _sealed(ws, record)
    keep_closes(ws)
    return close


def forced_reason(reason: str, *, force: bool) -> str:
    """What `close_period` is told: a reason counts only together with `force`, and `force` only with a reason."""
    if force and not reason.strip():
        raise BadInput("A month is closed by force for a reason only", remedy="Say it: --reason TEXT.")
    return reason if force else ""


def reopen_period(ws: Workspace, month: Month, actor: Actor, reason: str) -> PeriodClose:
    """Take the signature of `month` back; what was signed stays in the evidence. Returns it.

    Raises NotFound (nobody of that name, or a month that is not signed) and BadInput (no reason).
    """
    require_live(ws.config.directory, actor.person_id, ws.as_of)
    reason = _checked(reason)
    if not reason:
        raise BadInput("A month is opened again for a reason", remedy="Say it: --reason TEXT.")
    with ws.state.begin() as tx:
        signed = signed_closes(tx).get(str(month))
        if signed is None:
            known = ", ".join(sorted(signed_closes(tx))) or "none"
            raise NotFound(f"{month} is not signed", remedy=f"Signed months: {known}.")
        close = close_from(signed)
        body = {"reason": reason, "closed_by": close.closed_by, "closed_at": close.closed_at, "digest": close.digest}
        record = tx.evidence.append("period.reopened", str(month), actor, body)
        tx.facts.put(CLOSE_FACT + str(month), {})
    _sealed(ws, record)
    keep_closes(ws)
    return close


def show_closes(ws: Workspace, *, verify: bool = False) -> ClosesShown:
    """Signed months and corrections; with `verify`, each month is held against the evidence of its signature.

    What the state says must be what the evidence says was signed and not opened again, and the charges as reported must have its
    digest: the state alone could be changed together with its digest, or lose a month.
    """
    with ws.state.read() as tx:
        signed = {month: dict(record) for month, record in signed_closes(tx).items()}
        evidence = _signed_by_evidence(tx) if verify else {}
    every = {**evidence, **signed}
    closes = tuple(close_from(record) for _, record in sorted(every.items(), reverse=True))
    changed = {month for month in every if verify and {**signed.get(month, {}), "seal": ""} != evidence.get(month)}
    broken = tuple(
        one.billing_month for one in closes if verify and (one.billing_month in changed or not _is_as_signed(ws, one))
    )
    return ClosesShown(closes, show_corrections(ws), fiscal_closes(ws.config.company.calendar, set(signed)), broken)


def _signed_by_evidence(tx: StateTx) -> dict[str, dict[str, Any]]:
    """month -> what was signed of it, for the months that were not opened again since."""
    signed: dict[str, dict[str, Any]] = {}
    for record in tx.evidence_records(["period.closed", "period.reopened"]):
        if record.kind == "period.reopened":
            signed.pop(record.subject, None)
        else:
            signed[record.subject] = dict(cast("Mapping[str, Any]", record.body["close"]))
    return signed


def _is_as_signed(ws: Workspace, close: PeriodClose) -> bool:
    totals, charges_digest = _totals(ws, Month.parse(close.billing_month), "charges_as_reported")
    signed = {"month": close.billing_month, "totals": totals, "charges": charges_digest, "lake": close.lake_version}
    return digest(signed) == close.digest


def _totals(ws: Workspace, month: Month, view: str) -> tuple[tuple[SourceTotal, ...], str]:
    text = sql_text("fiscus.cost", "close_totals").replace("{{view}}", view)
    rows = cast("Sequence[tuple[Any, ...]]", ws.lake.query(text, {"month": str(month)}).rows)
    totals = tuple(SourceTotal(*row[:5]) for row in rows)
    return totals, digest([[row[0], row[1], f"{row[5]:f}", f"{row[6]:f}"] for row in rows])


def _refuse_closed(tx: StateTx, month: Month) -> None:
    known = signed_closes(tx).get(str(month))
    if known is not None:
        raise Conflict(
            f"{month} was closed by {known['closed_by']} on {str(known['closed_at'])[:10]}",
            remedy=f"To sign it anew, open it first: `fiscus reopen {month} --as PERSON --reason TEXT`.",
        )


def _checked(reason: str) -> str:
    reason = reason.strip()
    if len(reason) > REASON_MAX:
        raise BadInput(f"The reason has more than {REASON_MAX:,} characters", remedy="Shorten it.")
    return reason


def _seal_name(record: EvidenceRecord) -> str:
    return f"{record.seq:012d}.json"


def _sealed(ws: Workspace, record: EvidenceRecord) -> None:
    """Sign the chain up to `record` at once: what was closed is not protected by the chain alone."""
    folder = checkpoint_folder(ws.home)
    newest = max((path.name for path in folder.glob("*.json")), default="") if folder.is_dir() else ""
    if newest < _seal_name(record):  # else a later checkpoint has sealed it already
        write_checkpoint(ws.home, record.seq, record.digest, ws.clock.now(), folder)
