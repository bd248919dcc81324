"""Each invoice held against its charges: by id, issuer, currency and billing month, within the tolerance that FOCUS allows.

Tolerance: FOCUS 1.2 to 1.4, InvoiceId and Invoice Detail: MAX(100 x subunit, SQRT(rows) x 0.5 x subunit), subunit by ISO 4217.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, Literal

from fiscus.cost.books.types import InvoiceCharges, InvoiceFrom, InvoiceState, InvoiceTotal, ReconciledInvoice
from fiscus.cost.conformance.currencies import minor_digits
from fiscus.kernel.money import EXACT, ZERO, total

Group = tuple[str, str, str]
"""Issuer, currency, billing month."""
ORDER: Final = ("differs", "missing_here", "missing_there", "open", "no_invoice", "matched")


def subunit(currency: str) -> Decimal:
    """The smallest coin of a currency, such as 0.01 USD and 1 JPY."""
    return Decimal(1).scaleb(-minor_digits(currency))


def tolerance(currency: str, rows: int) -> Decimal:
    """How far an invoice may be from the sum of `rows` charges: each is rounded, and what rounding adds up to grows as a root."""
    coin = subunit(currency)
    rounding = EXACT.multiply(EXACT.sqrt(Decimal(rows)), EXACT.multiply(coin, Decimal("0.5")))
    return max(EXACT.multiply(Decimal(100), coin), rounding)


def reconciled(
    charges: Iterable[InvoiceCharges], invoices: Sequence[InvoiceTotal], first_open: str
) -> list[ReconciledInvoice]:
    """One line an invoice and one for charges that no invoice names; what needs someone first.

    Of months from `first_open` on, nobody expects an invoice yet.
    Where the bills of an issuer and month name no invoice at all, its invoices are held against them together.
    """
    by_id = {(c.invoice_id, c.issuer, c.currency, c.billing_month): c for c in charges}
    named = {_group(c) for c in by_id.values() if c.invoice_id}
    lines: list[ReconciledInvoice] = []
    seen: set[tuple[str, str, str, str]] = set()
    together: dict[tuple[Group, InvoiceFrom], list[InvoiceTotal]] = {}
    for invoice in invoices:
        key = (invoice.invoice_id, *_group(invoice))
        if key in by_id:
            seen.add(key)
            lines.append(_line(invoice, by_id[key], "invoice"))
        elif _group(invoice) not in named and ("", *_group(invoice)) in by_id:
            together.setdefault((_group(invoice), invoice.held), []).append(invoice)
        else:
            lines.append(_line(invoice, None, "invoice"))
    for (group, _), held in together.items():
        seen.add(("", *group))
        lines.append(_line(_together(held), by_id["", *group], "issuer"))
    known = {invoice.issuer for invoice in invoices}
    lines += [_unheld(one, known, first_open) for key, one in by_id.items() if key not in seen and one.billed]
    return sorted(lines, key=lambda one: (ORDER.index(one.state), one.billing_month, one.issuer, one.invoice_id))


def counts(lines: Iterable[ReconciledInvoice]) -> Mapping[str, int]:
    """Lines by state."""
    found: dict[str, int] = {}
    for line in lines:
        found[line.state] = found.get(line.state, 0) + 1
    return dict(sorted(found.items()))


def _group(one: InvoiceCharges | InvoiceTotal) -> Group:
    return one.issuer, one.currency, one.billing_month


def _together(held: Sequence[InvoiceTotal]) -> InvoiceTotal:
    first, taxes = held[0], [one.tax for one in held if one.tax is not None]
    return InvoiceTotal(
        ", ".join(one.invoice_id for one in held),
        first.issuer,
        first.currency,
        first.billing_month,
        total([one.amount for one in held]),
        total(taxes) if len(taxes) == len(held) else None,  # of some of them, it is not known of the whole
        first.held,
        any(one.is_open for one in held),
    )


def _line(invoice: InvoiceTotal, found: InvoiceCharges | None, by: Literal["invoice", "issuer"]) -> ReconciledInvoice:
    here, rows, tax = (found.billed, found.rows, found.tax) if found else (ZERO, 0, ZERO)
    there, stated = invoice.amount, invoice.tax
    # Tax is put on the invoice and not on the charges, or the other way round: then it is no difference. A tax that nobody
    # states is not known: what is to be paid is then held against all that was billed.
    apart = False
    if found is not None and stated is not None and (invoice.held == "invoice_detail" or bool(tax) != bool(stated)):
        here, there, apart = EXACT.subtract(here, tax), EXACT.subtract(there, stated), bool(tax or stated)
    difference = EXACT.subtract(there, here)
    allowed = tolerance(invoice.currency, rows)
    state: InvoiceState = "matched" if abs(difference) <= allowed else "differs"
    if invoice.is_open:
        state = "open"
    elif found is None:
        state = "missing_here"
    return ReconciledInvoice(
        invoice.invoice_id,
        *_group(invoice),
        held=invoice.held,
        state=state,
        here=here,
        there=there,
        difference=difference,
        tolerance=allowed,
        rows=rows,
        by=by,
        tax_apart=apart,
        tax_here=tax,
        tax_there=stated,
    )


def _unheld(one: InvoiceCharges, known: set[str], first_open: str) -> ReconciledInvoice:
    """Charges that no invoice names. Without an id they are not invoiced yet; of some issuers nobody holds any invoice."""
    expected = one.invoice_id and one.billing_month < first_open
    state: InvoiceState = "missing_there" if expected else "open"
    if one.issuer not in known:
        state = "no_invoice"
    return ReconciledInvoice(
        one.invoice_id,
        *_group(one),
        held=None,
        state=state,
        here=one.billed,
        there=ZERO,
        difference=EXACT.subtract(ZERO, one.billed),
        tolerance=tolerance(one.currency, one.rows),
        rows=one.rows,
        tax_here=one.tax,
        by="invoice" if one.invoice_id else "issuer",
    )
