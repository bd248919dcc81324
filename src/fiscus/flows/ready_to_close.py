"""What stands against closing a month: feeds not landed whole, invoices that do not reconcile, a vendor that still bills."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from fiscus.cost.books.types import SourceComplete
from fiscus.flows.reconcile_invoices import InvoiceReconciliation, said_of
from fiscus.flows.show_completeness import show_completeness
from fiscus.flows.workspace import Workspace
from fiscus.kernel.periods import Month
from fiscus.kernel.sql_text import sql_text

OVER_DAYS: Final = 35  # a source that has delivered nothing for so long is over, and nobody waits for it
MONTHS_BEFORE: Final = 3  # a source with a bill in each of so many months has one in the next
SAID_MAX: Final = 20


def not_ready(ws: Workspace, month: Month, invoices: InvoiceReconciliation) -> tuple[str, ...]:
    """Each reason in a sentence, feeds first; empty when the month can be closed."""
    apart = [said_of(line) for line in invoices.apart]
    if len(apart) > SAID_MAX:
        apart = [*apart[:SAID_MAX], f"{len(apart) - SAID_MAX:,} more invoices do not reconcile"]
    return (*_late_days(ws, month), *_unbilled(ws, month), *_open_at_vendor(ws, month), *apart)


def _late_days(ws: Workspace, month: Month) -> Sequence[str]:
    shown = show_completeness(ws, month.start - timedelta(days=2 * OVER_DAYS))
    return [said for one in shown.sources if (said := _lateness(one, month))]


def _lateness(one: SourceComplete, month: Month) -> str:
    if not one.is_daily or one.complete_until <= month.start - timedelta(days=OVER_DAYS):
        return ""
    if one.complete_until < month.end:
        return f"{one.source} has landed whole only before {one.complete_until}"
    gaps = [day.day for day in one.open_days if month.start <= day.day < month.end]
    return f"{one.source} lacks {', '.join(str(day) for day in gaps[:5])}" if gaps else ""


def _unbilled(ws: Workspace, month: Month) -> Sequence[str]:
    before = {str(month.shift(-n)) for n in range(1, MONTHS_BEFORE + 1)}
    return [
        f"{one.source} has no bill of {month}, and had one in each of the {MONTHS_BEFORE} months before"
        for one in ws.lake.freshness()
        if before <= set(one.months) and str(month) not in one.months and not one.source.startswith("gateway-")
    ]


def _open_at_vendor(ws: Workspace, month: Month) -> Sequence[str]:
    if ws.lake.version().billing_periods < 0:
        return []
    rows = ws.lake.query(sql_text("fiscus.cost", "open_issuers"), {"month": str(month)}).rows
    return [f"{issuer} says that its billing period {month} is open" for (issuer,) in rows]
