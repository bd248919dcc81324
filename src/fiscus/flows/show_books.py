"""Do the books tie out: the last month that is over, whether it can be closed, what was corrected, which invoices differ."""

from __future__ import annotations

from dataclasses import dataclass

from fiscus.cost.books.types import PeriodClose
from fiscus.flows.close_period import ClosesShown, show_closes
from fiscus.flows.ready_to_close import not_ready
from fiscus.flows.reconcile_invoices import InvoiceReconciliation, reconcile_invoices
from fiscus.flows.show_completeness import CompletenessShown, show_completeness
from fiscus.flows.workspace import Workspace
from fiscus.kernel.money import display, total
from fiscus.kernel.periods import Month


@dataclass(frozen=True, slots=True)
class BooksShown:
    """`month` is the last one that is over; `close` what was signed of it, else `not_ready` what stands against closing it.

    `charges`: whether the lake holds any of that month.
    """

    sentence: str
    month: str
    charges: bool
    close: PeriodClose | None
    not_ready: tuple[str, ...]
    closes: ClosesShown
    invoices: InvoiceReconciliation
    completeness: CompletenessShown


def show_books(ws: Workspace) -> BooksShown:
    """The books as they stand. Writes nothing."""
    month = Month.of(ws.as_of).shift(-1)
    closes, invoices = show_closes(ws), reconcile_invoices(ws)
    of_month = reconcile_invoices(ws, str(month))
    close = next((one for one in closes.closes if one.billing_month == str(month)), None)
    against = () if close else not_ready(ws, month, of_month)
    held = any(str(month) in one.months for one in ws.lake.freshness())
    return BooksShown(
        sentence=_sentence(str(month), closes, close, against, held=held),
        month=str(month),
        charges=held,
        close=close,
        not_ready=against,
        closes=closes,
        invoices=invoices,
        completeness=show_completeness(ws),
    )


def _sentence(
    month: str, closes: ClosesShown, close: PeriodClose | None, against: tuple[str, ...], *, held: bool
) -> str:
    corrected = closes.corrections.corrected
    currencies = sorted({line.currency for line in corrected})
    sums = [
        f"{display(total([line.changed_billed for line in corrected if line.currency == one]))} {one}"
        for one in currencies
    ]
    later = f" Closed months were corrected by {' and '.join(sums)} since." if sums else ""
    if close:
        return f"{month} is signed by {close.closed_by}.{later}"
    if not held:
        return f"No bill of {month} has been delivered, so there is nothing to close.{later}"
    if against:
        more = f", and {len(against) - 1} more" if len(against) > 1 else ""
        return f"{month} cannot be closed yet: {against[0]}{more}.{later}"
    return f"Close {month}: every feed is whole and every invoice that is held reconciles.{later}"
