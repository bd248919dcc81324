"""The pack of a month: what the board sees, assembled from the lake, the state and the workspace's files; kept as evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, cast

from fiscus.board.assemble import Recorded, Setting, assemble
from fiscus.board.assurance import FACTS
from fiscus.board.frame import Frame
from fiscus.board.types import Pack
from fiscus.flows.close_period import show_closes
from fiscus.flows.ports import StateTx
from fiscus.flows.reconcile_invoices import holds_invoices, reconcile_invoices
from fiscus.flows.show_completeness import partial_days
from fiscus.flows.told_volumes import with_told_volumes
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import FISCUS
from fiscus.kernel.canonical import digest
from fiscus.kernel.errors import NotFound
from fiscus.kernel.fiscal_labels import FiscalMonth
from fiscus.kernel.periods import Month, midnight
from fiscus.kernel.rows import Query, Rows

KIND: Final = "pack.built"
_HEAD: Final = "pack.head"
HELD: Final = "SELECT count(*) FROM charges WHERE ChargePeriodStart >= $start AND ChargePeriodStart < $until"


def build_pack(ws: Workspace, period: Month | FiscalMonth) -> Pack:
    """The pack of `period`, a calendar month or a month of the fiscal calendar, as of the workspace's day.

    Evidence `pack.built` when its contents are new. The same lake, state and configuration give the same pack: its evidence
    head is the newest record that is no pack of its own. Raises NotFound for a month of which the lake holds no charge before
    the as-of day.
    """
    ws.lake.refresh()
    company = ws.config.company
    reporting = ws.config.reporting.currency if ws.config.reporting else None
    frame = Frame(company.name, company.currency, company.calendar, period, ws.as_of, partial_days(ws), reporting)
    _check_held(ws, frame)
    with ws.state.read() as tx:
        recorded = _recorded(tx)
    recorded = _with_books(ws, recorded, period)

    def ask(query: Query) -> Rows:
        return ws.lake.query(query.sql, query.params)

    pack = assemble(frame, _setting(ws), recorded, str(ws.lake.version()), ask)
    _keep(ws, pack)
    return pack


def pack_digest(pack: Pack) -> str:
    """SHA-256 of what the pack says. Where the chain of evidence stood is not part of it: a run may add records that change
    no number."""
    return digest(replace(pack, evidence_head=""))


def _check_held(ws: Workspace, frame: Frame) -> None:
    params = {"start": midnight(frame.start), "until": midnight(frame.end)}
    if frame.end > frame.start and ws.lake.query(HELD, params).rows[0][0]:
        return
    months = sorted(
        {month for one in ws.lake.freshness() for month in one.months if Month.parse(month).start < ws.as_of}
    )
    remedy = f"Choose a month from {months[0]} to {months[-1]}." if months else "Ingest a bill first: `fiscus run`."
    raise NotFound(f"The lake holds no charge of {frame.period} before {frame.as_of}", remedy=remedy)


def _setting(ws: Workspace) -> Setting:
    config = ws.config
    return Setting(
        budgets=config.budgets,
        policies=config.policies,
        outcomes=tuple(with_told_volumes(ws, one) for one in config.outcomes),
        promoted=config.promoted_tags,
        sources=tuple(config.sources),
        default_pool=config.directory.default_pool,
        simulated=config.simulated,
        digest=config.digest,
        shares_cost=bool(config.allocations.rules),
    )


def _recorded(tx: StateTx) -> Recorded:
    return Recorded(
        statuses=tx.budget_statuses.newest(),
        findings=tx.findings.all(),
        anomalies=tx.anomalies.all(),
        actions=tx.actions.all(),
        deliveries=tx.deliveries.all(),
        cases=tx.cases.all(),
        controls=tx.facts.matching(FACTS),
        evidence_head=_head(tx),
    )


def _with_books(ws: Workspace, recorded: Recorded, period: Month | FiscalMonth) -> Recorded:
    """The month's invoices where any is held, what was signed of it, and what changed of closed months.

    Invoices are of calendar months: a month of another calendar has none.
    """
    closes = show_closes(ws)
    whole = isinstance(period, Month) and holds_invoices(ws)
    invoices = reconcile_invoices(ws, str(period)) if whole else None
    queries = {"corrections": closes.corrections.query}
    if invoices is not None:
        queries["invoices"] = invoices.query
    return replace(
        recorded,
        invoices=invoices.lines if invoices is not None else (),
        corrected=closes.corrections.corrected,
        close=next((one for one in closes.closes if one.billing_month == str(period)), None),
        books=queries,
    )


def _head(tx: StateTx) -> str:
    """`seq:digest` of the newest record before the packs that were built since: a pack must not change the next one."""
    seq, sealed = tx.evidence_head()
    now = f"{seq}:{sealed}"
    noted = tx.facts.get(_HEAD)
    if isinstance(noted, Mapping) and noted.get("after") == now:
        return str(cast("Mapping[str, object]", noted)["seen"])
    return now


def _keep(ws: Workspace, pack: Pack) -> None:
    contents = pack_digest(pack)
    fact = f"pack.{pack.period}"
    with ws.state.begin() as tx:
        if tx.facts.get(fact) == contents:
            return
        seen = _head(tx)
        body = {"contents": contents, "lake": pack.lake_version, "as_of": pack.as_of, "sentence": pack.sentence}
        sealed = tx.evidence.append(KIND, pack.period, FISCUS, body)
        tx.facts.put(fact, contents)
        tx.facts.put(_HEAD, {"seen": seen, "after": f"{sealed.seq}:{sealed.digest}"})
