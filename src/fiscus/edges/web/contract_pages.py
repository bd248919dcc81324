"""Pages about what was paid before it is used, by way of whom, and at what prices."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from fiscus.edges.web.site import Site
from fiscus.flows.show_credits import show_credits
from fiscus.flows.show_marketplaces import show_marketplaces
from fiscus.flows.show_price_history import show_price_changes, show_price_history
from fiscus.kernel.errors import NotFound


def mount(router: APIRouter, site: Site) -> None:
    """Add this file's pages to `router`."""

    @router.get("/credits")
    def credit_pools(request: Request, currency: str = "") -> HTMLResponse:
        visit = site.visit(request)
        shown = site.kept.get(visit.ws, ("credits", currency), lambda: show_credits(visit.ws, currency))
        return site.page(visit, "credits.html", {"shown": shown})

    @router.get("/marketplaces")
    def marketplaces(request: Request) -> HTMLResponse:
        visit = site.visit(request)
        shown = site.kept.get(visit.ws, "marketplaces", lambda: show_marketplaces(visit.ws))
        return site.page(visit, "marketplaces.html", {"shown": shown})

    @router.get("/prices")
    def prices(request: Request, name: str = "", region: str = "") -> HTMLResponse:
        visit = site.visit(request)
        changes = site.kept.get(visit.ws, "price-changes", lambda: show_price_changes(visit.ws))
        history, unknown = None, ""
        if name.strip():
            try:
                history = show_price_history(visit.ws, name, region)
            except NotFound as nothing:
                unknown = nothing.message
        shown = {"shown": changes, "history": history, "unknown": unknown, "name": name, "region": region}
        return site.page(visit, "prices.html", shown)
