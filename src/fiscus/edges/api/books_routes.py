"""/api/books, /api/invoices, /api/closes, /api/corrections and /api/completeness: the books."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from fiscus.cost.books.read_invoices import entered_invoice
from fiscus.cost.books.types import EnteredInvoice, PeriodClose
from fiscus.edges.api.answers import Act, answered, json_only, of
from fiscus.flows.close_period import ClosesShown, close_period, forced_reason, reopen_period, show_closes
from fiscus.flows.enter_invoice import InvoicesEntered, enter_invoices, withdraw_invoice
from fiscus.flows.reconcile_invoices import InvoiceReconciliation, reconcile_invoices
from fiscus.flows.show_books import BooksShown, show_books
from fiscus.flows.show_completeness import CompletenessShown, show_completeness
from fiscus.flows.show_corrections import CorrectionsShown, show_corrections
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import Actor
from fiscus.kernel.periods import Month


class Invoice(Act):
    """One invoice from its paper, and who enters it. `amount` is what is to be paid, tax included.

    `tax` is the part of it that is tax; left out where it is not known, 0 where there is none.
    """

    invoice: str
    issuer: str
    period: str
    currency: str
    amount: Decimal
    tax: Decimal | None = None

    def parts(self) -> dict[str, str]:
        """As texts, read as those of a file are."""
        sent = self.model_dump(exclude={"person"}, exclude_none=True)
        return {name: str(value) for name, value in sent.items()}


class Close(Act):
    """Who closes which month. `force` with a note: though something stands against it."""

    period: str
    force: bool = False


def mount_books(router: APIRouter, get_ws: Callable[[], Workspace]) -> None:
    """Add the routes to `router`, which stands at /api."""
    json_body: list[Any] = [Depends(json_only)]

    @router.get(
        "/books", responses=of(BooksShown), summary="Whether the last month can be closed, and what the books say"
    )
    def books() -> JSONResponse:
        return answered(show_books(get_ws()))

    @router.get("/invoices", responses=of(InvoiceReconciliation), summary="Invoices against their charges")
    def invoices(period: str = "") -> JSONResponse:
        return answered(reconcile_invoices(get_ws(), period))

    @router.post("/invoices", responses=of(InvoicesEntered), summary="Enter an invoice", dependencies=json_body)
    def enter(invoice: Invoice) -> JSONResponse:
        ws = get_ws()
        one = entered_invoice(invoice.parts(), invoice.person, ws.clock.now())
        return answered(enter_invoices(ws, [one], Actor(invoice.person)))

    @router.get(
        "/closes", responses=of(ClosesShown), summary="Signed months, and what was corrected of closed ones since"
    )
    def closes(verify: bool = False) -> JSONResponse:
        return answered(show_closes(get_ws(), verify=verify))

    @router.post("/closes", responses=of(PeriodClose), summary="Close a month", dependencies=json_body)
    def close(asked: Close) -> JSONResponse:
        month, reason = Month.parse(asked.period), forced_reason(asked.note, force=asked.force)
        return answered(close_period(get_ws(), month, Actor(asked.person), reason))

    @router.post(
        "/closes/{period}/reopen",
        responses=of(PeriodClose),
        summary="Open a signed month again",
        dependencies=json_body,
    )
    def reopen(period: str, act: Act) -> JSONResponse:
        return answered(reopen_period(get_ws(), Month.parse(period), Actor(act.person), act.note))

    @router.get("/completeness", responses=of(CompletenessShown), summary="Days that have landed whole, by source")
    def complete() -> JSONResponse:
        return answered(show_completeness(get_ws()))

    @router.post(
        "/invoices/{invoice}/withdraw",
        responses=of(list[EnteredInvoice]),
        summary="Take back an invoice that was entered by mistake",
        dependencies=json_body,
    )
    def withdraw(invoice: str, act: Act, issuer: str = "") -> JSONResponse:
        return answered(withdraw_invoice(get_ws(), invoice, issuer, Actor(act.person), act.note))

    @router.get("/corrections", responses=of(CorrectionsShown), summary="Closed months as reported and as restated")
    def corrections() -> JSONResponse:
        return answered(show_corrections(get_ws()))
