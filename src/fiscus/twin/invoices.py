"""Invoices of the vendors that send them as data (the Invoice Detail dataset, FOCUS 1.4): one a closed month, a line a category.

An invoice is in whole cents, its charges are not: it differs from them by what rounding takes, as real ones do.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO
from typing import Final

import numpy as np

from fiscus.kernel.money import EXACT
from fiscus.twin.dialects import DIALECTS, Dialect
from fiscus.twin.fine_decimals import rounded
from fiscus.twin.line import MONEY, Book, Facts, total_of
from fiscus.twin.timeline import Timeline

NET_DAYS: Final = 30
ISSUED_AFTER_DAYS: Final = 2
CENT: Final = Decimal("0.01")


def sends_invoices(source: str) -> bool:
    """Whether the vendor writes FOCUS 1.4, the first version that has invoices."""
    return DIALECTS[source].version >= "1.4"


def invoice_id(source: str, month: object) -> str:
    """As it stands on the charges too."""
    return f"{source.upper()}-{month}".replace("-", "")


def invoice_table(book: Book, facts: Facts, timeline: Timeline, months: Sequence[int]) -> str:
    """CSV: the invoices of the months of those indexes."""
    dialect = DIALECTS[book.source]
    categories = np.array([line.category for line in book.lines])[facts.line]
    rows: list[dict[str, str]] = []
    for month in months:
        for category in sorted(set(categories[facts.month == month].tolist())):
            chosen = facts.take((facts.month == month) & (categories == category))
            billed = Decimal(total_of(rounded(chosen, "billed"))) / MONEY
            rows.append(_line(dialect, timeline, month, category, billed))
    text = StringIO()
    table = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def _line(dialect: Dialect, timeline: Timeline, month: int, category: str, billed: Decimal) -> dict[str, str]:
    calendar = timeline.month(month)
    issued = calendar.end + timedelta(days=ISSUED_AFTER_DAYS)
    invoice = invoice_id(dialect.source, calendar)
    amount = str(billed.quantize(CENT, context=EXACT))
    return {
        "BilledCost": amount,
        "BillingAccountId": dialect.billing_account[0],
        "BillingCurrency": dialect.currency,
        "BillingPeriodEnd": _time(calendar.end),
        "BillingPeriodStart": _time(calendar.start),
        "ChargeCategory": category,
        "InvoiceDetailCreated": _time(issued),
        "InvoiceDetailDescription": f"{category} of {calendar}",
        "InvoiceDetailGrain": f'{{"ChargeCategory":"{category}"}}',
        "InvoiceDetailId": detail_id(invoice, category),
        "InvoiceDetailLastUpdated": _time(issued),
        "InvoiceId": invoice,
        "InvoiceIssueDate": _time(issued),
        "InvoiceIssueStatus": "Issued",
        "InvoiceIssuerName": dialect.issuer,
        "PaymentCurrency": dialect.currency,
        "PaymentCurrencyBilledCost": amount,
        "PaymentCurrencyInvoiceDetailId": detail_id(invoice, category),
        "PaymentDueDate": _time(issued + timedelta(days=NET_DAYS)),
        "PaymentTerms": f"Net {NET_DAYS}",
        "PurchaseOrderNumber": f"PO-{dialect.source.upper()}",
        "ReferenceInvoiceId": invoice,
    }


def detail_id(invoice: str, category: str) -> str:
    """What a charge says of its line on the invoice."""
    return f"{invoice}/{category}"


def _time(day: date) -> str:
    return f"{day:%Y-%m-%d}T00:00:00Z"
