"""Whether the books tie out: the month's invoices against its charges, and what was corrected of months that were closed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fiscus.board.figures import plural
from fiscus.board.frame import Frame
from fiscus.board.types import Exhibit
from fiscus.cost.books.types import CorrectionLine, PeriodClose, ReconciledInvoice
from fiscus.kernel.money import display
from fiscus.kernel.rows import Query

LINES_MAX: Final = 40
APART: Final = ("differs", "missing_here", "missing_there")


def invoices_exhibit(
    lines: Sequence[ReconciledInvoice], close: PeriodClose | None, query: Query, frame: Frame
) -> Exhibit:
    """One line an invoice, what does not reconcile first."""
    apart = [line for line in lines if line.state in APART]
    matched = sum(line.state == "matched" for line in lines)
    held = sum(line.held is not None for line in lines)
    title = f"{matched} of {plural(held, 'invoice')} of {frame.name} reconcile with the charges"
    if apart:
        worst = max(apart, key=lambda line: abs(line.difference))
        title += f"; {worst.issuer} is {display(abs(worst.difference))} {worst.currency} apart"
    title += f"; the month is signed by {close.closed_by}" if close else "; the month is not signed"
    own = "own currency"
    columns: tuple[tuple[str, str], ...] = (
        ("issuer", "text"), ("invoice", "text"), ("currency", "text"), ("charges say", own), ("invoice says", own),
        ("difference", own), ("allowed", own), ("charges", "count"), ("state", "text"),
    )  # fmt: skip
    rows: tuple[tuple[object, ...], ...] = tuple(
        (
            line.issuer, line.invoice_id or "–", line.currency, line.here, line.there if line.held else None,
            line.difference if line.held else None, line.tolerance, line.rows, line.state.replace("_", " "),
        )
        for line in lines[:LINES_MAX]
    )  # fmt: skip
    if any(line.tax_apart for line in lines[:LINES_MAX]):
        columns = (*columns, ("tax left out of the charges", own), ("tax left out of the invoice", own))
        taxes = [(line.tax_here, line.tax_there) if line.tax_apart else (None, None) for line in lines[:LINES_MAX]]
        rows = tuple((*row, *tax) for row, tax in zip(rows, taxes, strict=True))
    note = (
        "Allowed: MAX(100 × subunit, SQRT(charges) × 0.5 × subunit), as FOCUS says; difference: invoice less charges."
    )
    if len(lines) > LINES_MAX:
        note += f" {len(lines) - LINES_MAX:,} more lines are in /api/invoices."
    return Exhibit("invoices", "cost", title, columns, rows, query, note)


def corrections_exhibit(lines: Sequence[CorrectionLine], query: Query) -> Exhibit:
    """One line a closed month, source and currency that says something else than when it was closed."""
    title = f"Closed months changed after their close in {plural(len(lines), 'line')}, by source and currency"
    own = "own currency"
    columns = (
        ("month", "text"), ("source", "text"), ("currency", "text"), ("as reported", own), ("changed since", own),
        ("of other months", own), ("as restated", own),
    )  # fmt: skip
    rows = tuple(
        (
            line.billing_month, line.source, line.currency, line.reported_billed, line.changed_billed, line.moved_billed,
            line.restated_billed,
        )
        for line in lines[:LINES_MAX]
    )  # fmt: skip
    note = "Of other months: what the month's own bill corrects of them; as reported + changed + of other months = restated."
    return Exhibit("corrections", "cost", title, columns, rows, query, note)
