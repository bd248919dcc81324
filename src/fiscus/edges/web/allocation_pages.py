"""The page about shared cost: who pays what for whom and why."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from fiscus.edges.web.site import Site
from fiscus.flows.show_allocations import METRICS, PAYERS, AllocationsAsked, show_allocations
from fiscus.kernel.periods import day_named

OPEN_ROWS: Final = 25  # a longer table is folded


def mount(router: APIRouter, site: Site) -> None:
    """Add this file's pages to `router`."""

    @router.get("/allocations")
    def allocations(
        request: Request, period: str = "", by: str = "team", as_of: str = "", metric: str = "EffectiveCost"
    ) -> HTMLResponse:
        visit = site.visit(request)
        ws = visit.ws
        asked = AllocationsAsked(
            period.strip() or None, by, day_named(as_of.strip()) if as_of.strip() else None, metric
        )
        key = ("allocations", asked)
        shown = site.kept.get(ws, key, lambda: show_allocations(ws, asked, site.trust(ws)))
        rules = {rule.id: rule for rule in ws.config.allocations.rules}
        about = {
            "shown": shown,
            "asked": asked,
            "rules": rules,
            "payers": PAYERS,
            "metrics": METRICS,
            "open_rows": OPEN_ROWS,
        }
        return site.page(visit, "allocations.html", about)
