"""Pages about what was bought: the register, one purchase, and the commitments apart."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from fiscus.edges.web.site import Site, back
from fiscus.flows.request_purchase import end_purchase, mark_bought, withdraw_purchase
from fiscus.flows.show_commitments import show_commitments
from fiscus.flows.show_purchases import show_purchase, show_purchases
from fiscus.kernel.errors import NotFound

SAID = {"bought": "bought", "withdraw": "withdrawn", "end": "ended"}


def mount(router: APIRouter, site: Site) -> None:
    """Add this file's pages to `router`."""
    sent = Depends(site.form)

    @router.get("/purchases")
    def purchases(request: Request) -> HTMLResponse:
        visit = site.visit(request)
        ws = visit.ws
        shown = site.kept.get(ws, "purchases", lambda: show_purchases(ws, "purchases", site.trust(ws)))
        return site.page(visit, "purchases.html", {"shown": shown, "commitments": False, "use": None})

    @router.get("/commitments")
    def commitments(request: Request, currency: str = "") -> HTMLResponse:
        visit = site.visit(request)
        shown = show_purchases(visit.ws, "commitments", site.trust(visit.ws))
        use = site.kept.get(visit.ws, ("commitments", currency), lambda: show_commitments(visit.ws, currency))
        return site.page(visit, "purchases.html", {"shown": shown, "commitments": True, "use": use})

    @router.get("/purchases/{purchase_id}")
    def purchase(request: Request, purchase_id: str) -> HTMLResponse:
        visit = site.visit(request)
        return site.page(visit, "purchase.html", {"shown": show_purchase(visit.ws, purchase_id, site.trust(visit.ws))})

    @router.post("/purchases/{purchase_id}/{verb}")
    def on_purchase(request: Request, purchase_id: str, verb: str, form: Mapping[str, str] = sent) -> RedirectResponse:
        visit = site.visit(request)
        acts = {"bought": mark_bought, "withdraw": withdraw_purchase, "end": end_purchase}
        if verb not in acts:
            raise NotFound(f"A purchase cannot be asked to {verb!r}", remedy="Say bought, withdraw or end.")
        acts[verb](visit.ws, purchase_id, visit.actor(), form.get("note", "").strip())
        return back(f"/purchases/{purchase_id}", SAID[verb])
