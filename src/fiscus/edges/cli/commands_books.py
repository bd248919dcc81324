"""Commands of the books: invoices held against the charges."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from fiscus.edges.cli.terminal import NO_OPTIONS, Common, guarded, open_home, say, show, table
from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fiscus.cost.books.types import EnteredInvoice
    from fiscus.flows.reconcile_invoices import InvoiceReconciliation

As = Annotated[str, Parameter(name="--as", help="Who acts (directory id); recorded as asserted, not proven.")]


def mount(app: App) -> None:
    """Add this file's commands to `app`."""
    invoice_app = App(name="invoice", help="Invoices, held against the charges of the lake.")
    for command in (enter, withdraw, reconcile):
        invoice_app.command(command)
    invoice_app.command(list_invoices, name="list")
    app.command(invoice_app)


@guarded
def enter(
    file: Path | None = None,
    /,
    *,
    person: As,
    invoice: str = "",
    issuer: str = "",
    period: str = "",
    currency: str = "",
    amount: str = "",
    tax: str = "",
    note: str = "",
    common: Common = NO_OPTIONS,
) -> None:
    """Enter invoices from their paper: a CSV file, or one by its parts. The same invoice again changes nothing.

    Parameters
    ----------
    file
        Columns invoice, issuer, period, currency, amount; tax and note where there are any.
    invoice
        Its number, as the bills spell it in InvoiceId.
    issuer
        Who issued it, as the bills spell it in InvoiceIssuerName.
    period
        The billing month, such as 2026-09.
    currency
        ISO 4217, such as USD.
    amount
        What is to be paid, tax included.
    tax
        The part of the amount that is tax; 0 where there is none. Left out, it is not known.
    note
        Where the paper is.
    """
    from fiscus.cost.books.read_invoices import entered_invoice, read_invoices
    from fiscus.flows.enter_invoice import enter_invoices

    parts = {
        "invoice": invoice, "issuer": issuer, "period": period, "currency": currency, "amount": amount, "tax": tax,
        "note": note,
    }  # fmt: skip
    if file is not None and any(parts.values()):
        raise BadInput("A file was given, and parts of an invoice beside it", remedy="Give one or the other.")
    ws = open_home(common)
    now = ws.clock.now()
    found = [entered_invoice(parts, person, now)] if file is None else read_invoices(file, person, now)
    entered = enter_invoices(ws, found, Actor(person))
    show(common, entered, lambda shown: [say(line) for line in shown.sentences()])


@guarded
def withdraw(invoice: str, /, *, person: As, reason: str, issuer: str = "", common: Common = NO_OPTIONS) -> None:
    """Take back an invoice that was entered by mistake; the evidence keeps it.

    Parameters
    ----------
    invoice
        Its number.
    reason
        Why, kept as evidence.
    issuer
        Where several issuers have that number.
    """
    from fiscus.flows.enter_invoice import withdraw_invoice

    taken = withdraw_invoice(open_home(common), invoice, issuer, Actor(person), reason)
    show(common, taken, lambda all_of_it: [say(f"Taken back: {one.invoice_id} of {one.issuer}.") for one in all_of_it])


@guarded
def reconcile(*, period: str = "", common: Common = NO_OPTIONS) -> int:
    """Hold every invoice against its charges. Exit 1 when one differs or is missing on either side.

    Parameters
    ----------
    period
        A billing month, such as 2026-09; every month when left out.
    """
    from fiscus.flows.reconcile_invoices import reconcile_invoices

    found = reconcile_invoices(open_home(common), period)
    show(common, found, _reconciled)
    return 1 if found.apart else 0


@guarded
def list_invoices(*, common: Common = NO_OPTIONS) -> None:
    """The invoices that people entered."""
    from fiscus.flows.enter_invoice import entered_invoices

    with open_home(common).state.read() as tx:
        found = entered_invoices(tx)
    show(common, found, _listed)


def _listed(invoices: Sequence[EnteredInvoice]) -> None:
    table(
        ("period", "issuer", "invoice", "amount", "tax", "currency", "entered by", "note"),
        [
            (i.billing_month, i.issuer, i.invoice_id, i.amount, i.tax, i.currency, i.entered_by, i.note)
            for i in invoices
        ],
        "No invoice was entered: fiscus invoice enter --invoice ID --issuer NAME --period 2026-09 --currency USD --amount 12.50 "
        "--as PERSON",
    )


def _reconciled(found: InvoiceReconciliation) -> None:
    from fiscus.flows.reconcile_invoices import tax_said

    say(found.sentence)
    table(
        ("state", "period", "issuer", "invoice", "charges say", "invoice says", "difference", "tolerance", "currency", "held"),
        [
            (
                line.state.replace("_", " "), line.billing_month, line.issuer, line.invoice_id or "-", line.here,
                line.there if line.held else None, line.difference if line.held else None, line.tolerance, line.currency,
                (line.held or "-").replace("_", " "),
            )
            for line in found.lines
        ],
        "Nothing to reconcile.",
    )  # fmt: skip
    for line in found.lines:
        if said := tax_said(line):
            say(f"{line.invoice_id or line.issuer}, {line.billing_month}: {said}.")
