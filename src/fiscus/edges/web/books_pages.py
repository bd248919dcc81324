"""The page of the books: whether the last month can be closed, what was signed and corrected, and invoices against charges."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from fiscus.cost.books.read_invoices import KNOWN, entered_invoice
from fiscus.edges.web.site import Site, back
from fiscus.flows.close_period import close_period, forced_reason, reopen_period
from fiscus.flows.enter_invoice import enter_invoices
from fiscus.flows.show_books import show_books
from fiscus.kernel.periods import Month

LINES_SHOWN = 60  # invoices; the API has all


def mount(router: APIRouter, site: Site) -> None:
    """Add this file's pages to `router`."""
    sent = Depends(site.form)

    @router.get("/books")
    def books(request: Request) -> HTMLResponse:
        visit = site.visit(request)
        shown = site.kept.get(visit.ws, "books", lambda: show_books(visit.ws))
        return site.page(visit, "books.html", {"shown": shown, "lines_shown": LINES_SHOWN})

    @router.post("/books/invoice")
    def enter(request: Request, form: Mapping[str, str] = sent) -> RedirectResponse:
        visit = site.visit(request)
        actor = visit.actor()
        parts = {name: form.get(name, "") for name in KNOWN}
        enter_invoices(visit.ws, [entered_invoice(parts, actor.person_id, visit.ws.clock.now())], actor)
        return back("/books", "invoice-entered")

    @router.post("/books/{month}/close")
    def close(request: Request, month: str, form: Mapping[str, str] = sent) -> RedirectResponse:
        visit = site.visit(request)
        reason = forced_reason(form.get("reason", ""), force=bool(form.get("force")))
        close_period(visit.ws, Month.parse(month), visit.actor(), reason)
        return back("/books", "month-closed")

    @router.post("/books/{month}/reopen")
    def reopen(request: Request, month: str, form: Mapping[str, str] = sent) -> RedirectResponse:
        visit = site.visit(request)
        reopen_period(visit.ws, Month.parse(month), visit.actor(), form.get("reason", ""))
        return back("/books", "month-opened")
