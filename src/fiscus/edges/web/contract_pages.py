"""Pages about what was paid before it is used, and by way of whom."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from fiscus.edges.web.site import Site
from fiscus.flows.show_credits import show_credits
from fiscus.flows.show_marketplaces import show_marketplaces


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
