"""What reports read beside the charges: budgets as they stand, and the register of purchases, as tables of plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from fiscus.cost.reports.types import ReadsBeside
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.doors.commitments.commitment_register import CATEGORY
from fiscus.guardrails.doors.commitments.outlook import months_after
from fiscus.guardrails.doors.purchases.types import Purchase
from fiscus.kernel.rows import Table

MONEY: Final = "DECIMAL(28,12)"
BUDGETS: Final = (
    ("budget_id", "VARCHAR"), ("title", "VARCHAR"), ("owner", "VARCHAR"), ("parent", "VARCHAR"), ("period_start", "DATE"),
    ("period_end", "DATE"), ("currency", "VARCHAR"), ("amount", MONEY), ("actual", MONEY), ("unbilled", MONEY), ("held", MONEY),
    ("committed", MONEY), ("headroom", MONEY), ("forecast_p10", MONEY), ("forecast_p50", MONEY), ("forecast_p90", MONEY),
    ("p_breach", "DECIMAL(9,6)"), ("state", "VARCHAR"),
)  # fmt: skip
PURCHASES: Final = (
    ("purchase_id", "VARCHAR"), ("kind", "VARCHAR"), ("state", "VARCHAR"), ("recorded", "BOOLEAN"), ("team", "VARCHAR"),
    ("requested_by", "VARCHAR"), ("vendor", "VARCHAR"), ("product", "VARCHAR"), ("channel", "VARCHAR"), ("category", "VARCHAR"),
    ("po", "VARCHAR"), ("seats", "INTEGER"), ("currency", "VARCHAR"), ("contract_value", MONEY), ("term_months", "INTEGER"),
    ("starts", "DATE"), ("ends", "DATE"), ("renewal", "VARCHAR"), ("renews", "DATE"), ("notice_by", "DATE"),
)  # fmt: skip


def report_tables(ws: Workspace, names: Sequence[ReadsBeside]) -> Mapping[str, Table]:
    """The tables of these names, as they stand now."""
    makers: Mapping[ReadsBeside, Callable[[Workspace], Table]] = {"budgets": _budgets, "purchases": _purchases}
    return {name: makers[name](ws) for name in names}


def _budgets(ws: Workspace) -> Table:
    with ws.state.read() as tx:
        found = tx.budget_statuses.newest()
    rows = tuple(
        (
            one.budget_id,
            one.title,
            one.owner,
            one.parent,
            one.period.start,
            one.period.end,
            one.currency,
            one.amount,
            one.actual,
            one.unbilled,
            one.held,
            one.committed,
            one.headroom,
            one.forecast_p10,
            one.forecast_p50,
            one.forecast_p90,
            one.p_breach,
            one.state,
        )
        for one in found
    )
    return Table(BUDGETS, rows)


def _purchases(ws: Workspace) -> Table:
    with ws.state.read() as tx:
        return Table(PURCHASES, tuple(_purchase(one) for one in tx.purchases.all()))


def _purchase(one: Purchase) -> tuple[object, ...]:
    asked, kind = one.request, "commitment" if one.request.category == CATEGORY else "purchase"
    ends = months_after(asked.starts, asked.term_months)
    return (
        one.id, kind, one.state, one.recorded, asked.team, asked.requested_by, asked.vendor, asked.product, asked.channel,
        asked.category, asked.po, asked.seats, asked.currency, asked.contract_value, asked.term_months, asked.starts, ends,
        asked.renewal, asked.renews, asked.notice_by,
    )  # fmt: skip
