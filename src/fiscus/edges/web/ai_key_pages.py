"""The page about AI: who calls with which key, what it costs, and what became of the last calls."""

from __future__ import annotations

from functools import cache

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from fiscus.app.gateway import open_keys_of
from fiscus.edges.web.site import Site
from fiscus.flows.show_ai_keys import show_ai_keys


def mount(router: APIRouter, site: Site) -> None:
    """Add this file's page to `router`."""
    keys_of = cache(open_keys_of)  # one store for each home that is served

    @router.get("/ai/keys")
    def keys(request: Request, key: str = "") -> HTMLResponse:
        visit = site.visit(request)
        ws = visit.ws
        shown = show_ai_keys(ws, keys_of(ws.home), key, site.trust(ws))
        return site.page(visit, "ai_keys.html", {"shown": shown, "names": {one.id: one.name for one in shown.keys}})
