"""The page about currencies: as billed, as reported, by which rates."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from fiscus.edges.web.site import Site
from fiscus.flows.show_currencies import show_currencies


def mount(router: APIRouter, site: Site) -> None:
    """Add this file's page to `router`."""

    @router.get("/currencies")
    def currencies(request: Request, period: str = "") -> HTMLResponse:
        visit = site.visit(request)
        asked = period.strip() or None
        shown = site.kept.get(
            visit.ws, ("currencies", asked), lambda: show_currencies(visit.ws, asked, site.trust(visit.ws))
        )
        return site.page(visit, "currencies.html", {"shown": shown})
