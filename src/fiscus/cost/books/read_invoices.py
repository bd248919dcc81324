"""Invoices that a person enters: from a CSV file, or one by its parts. Each fault by row and column.

Columns: invoice, issuer, period, currency and amount; tax and note where there are any. FOCUS names are understood too.
A tax that is left out is not known; that there is none is a tax of 0.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from fiscus.cost.books.types import EnteredInvoice
from fiscus.cost.conformance.currencies import ISO_4217, minor_digits
from fiscus.kernel.documents import did_you_mean
from fiscus.kernel.errors import BadInput, Where
from fiscus.kernel.limits import INVOICES_MAX
from fiscus.kernel.money import EXACT, ZERO
from fiscus.kernel.periods import Month

REQUIRED: Final = ("invoice", "issuer", "period", "currency", "amount")
KNOWN: Final = (*REQUIRED, "tax", "note")
FOCUS_NAMES: Final = {
    "invoiceid": "invoice",
    "invoiceissuername": "issuer",
    "billingperiodstart": "period",
    "billingcurrency": "currency",
    "billedcost": "amount",
}
TEXT_MAX: Final = 500


def read_invoices(path: Path, by: str, at: datetime) -> list[EnteredInvoice]:
    """Every line of a CSV file. Raises BadInput with file, row and column; an invoice may stand there once."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as broken:
        raise BadInput(
            f"The file cannot be read: {broken}",
            remedy="Check the path; save it as UTF-8.",
            where=Where(file=str(path)),
        ) from None
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        reader.fieldnames = _header(path, reader.fieldnames or ())
        found = list(_invoices(path, reader, by, at))
    except csv.Error as broken:
        raise _wrong(path, reader.reader.line_num - 1, "invoice", f"Not CSV: {broken}", "Mend the row shown.") from None
    if not found:
        raise _wrong(path, 0, "invoice", "The file holds no invoice", "Check the export.")
    if len(found) > INVOICES_MAX:
        raise _wrong(
            path, INVOICES_MAX + 1, "invoice", f"More than {INVOICES_MAX:,} invoices", "Enter them in several files."
        )
    return found


def _header(path: Path, given: Sequence[str]) -> list[str]:
    """The columns by the names that are known here."""
    names = [name.strip().lower() for name in given]
    columns = [FOCUS_NAMES.get(name, name) for name in names]
    for name in REQUIRED:
        if name not in columns:
            raise _wrong(path, 0, name, f"There is no column {name}", f"Known columns: {', '.join(KNOWN)}.")
    for name in columns:
        if name not in KNOWN:
            raise _wrong(path, 0, name, f"Nobody knows the column {name!r}", did_you_mean(name, list(KNOWN)))
        if columns.count(name) > 1:
            raise _wrong(path, 0, name, f"The column {name} stands twice", "Keep one of them.")
    return columns


def entered_invoice(parts: Mapping[str, str], by: str, at: datetime) -> EnteredInvoice:
    """One invoice by its parts. Raises BadInput that names the part."""
    texts = {name: (parts.get(name) or "").strip() for name in KNOWN}
    for name in REQUIRED:
        if not texts[name]:
            raise BadInput(f"The invoice has no {name}", remedy=f"Say it: --{name}.", where=Where(column=name))
    for name, text in texts.items():
        if len(text) > TEXT_MAX:
            raise BadInput(
                f"{name} has more than {TEXT_MAX} characters", remedy="Shorten it.", where=Where(column=name)
            )
    currency = texts["currency"].upper()
    if currency not in ISO_4217:
        near = did_you_mean(currency, sorted(ISO_4217))
        raise BadInput(f"{currency!r} is not an ISO 4217 code", remedy=near, where=Where(column="currency"))
    amount = _money("amount", texts["amount"], currency)
    tax = _money("tax", texts["tax"], currency) if texts["tax"] else None
    if tax is not None and not min(amount, ZERO) <= tax <= max(amount, ZERO):
        raise BadInput(
            f"The tax, {tax}, is no part of the amount, {amount}",
            remedy="amount is what is to be paid, its tax included. Leave tax out where credits took more than the rest.",
            where=Where(column="tax"),
        )
    return EnteredInvoice(
        invoice_id=texts["invoice"],
        issuer=texts["issuer"],
        currency=currency,
        billing_month=_month(texts["period"]),
        amount=amount,
        tax=tax,
        entered_by=by,
        entered_at=at,
        note=texts["note"],
    )


def _invoices(path: Path, reader: csv.DictReader[str], by: str, at: datetime) -> Iterator[EnteredInvoice]:
    seen: set[tuple[str, str, str, str]] = set()
    for row, parts in enumerate(reader, start=1):
        if None in parts:
            raise _wrong(
                path, row, "invoice", "The row has more fields than the header", "Quote what has a comma in it."
            )
        try:
            one = entered_invoice(parts, by, at)
        except BadInput as fault:
            column = fault.where.column if fault.where and fault.where.column else "invoice"
            raise _wrong(path, row, column, fault.message, fault.remedy) from None
        key = (one.invoice_id, one.issuer, one.currency, one.billing_month)
        if key in seen:
            raise _wrong(path, row, "invoice", f"Invoice {one.invoice_id} stands here twice", "Leave one of them out.")
        seen.add(key)
        yield one


def _month(text: str) -> str:
    """2026-09, or the first instant of a FOCUS billing period."""
    try:
        return str(Month.parse(text[:7] if text[7:11] in {"-01", "-01T"} else text))
    except BadInput as wrong:
        raise BadInput(wrong.message, remedy=wrong.remedy, where=Where(column="period")) from None


def _money(column: str, text: str, currency: str) -> Decimal:
    """What can be paid in `currency`: an invoice is in whole coins."""
    number, digits = _number(column, text), minor_digits(currency)
    if number.quantize(Decimal(1).scaleb(-digits), context=EXACT) != number:
        coins = f"{digits} digits behind the point" if digits else "no digit behind the point"
        raise BadInput(
            f"{column} {text} is finer than {currency} has coins",
            remedy=f"Write it as the paper says: {currency} has {coins}.",
            where=Where(column=column),
        )
    return number


def _number(column: str, text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) >= 10**15 or "_" in text:
        raise BadInput(
            f"{text!r} is no decimal number", remedy="Write it plainly, such as 1234.50.", where=Where(column=column)
        )
    return number


def _wrong(path: Path, row: int, column: str, message: str, remedy: str) -> BadInput:
    return BadInput(message, remedy=remedy, where=Where(file=str(path), row=row, column=column))
