"""Pages about AI spend: models and keys against the bills, what work costs, and the calls behind a number."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from fiscus.cost.ai.unit_economics import GROUPS
from fiscus.edges.web.site import Site
from fiscus.flows.record_outcome import unit_economics
from fiscus.flows.show_ai import outcome_kinds, show_ai
from fiscus.flows.show_calls import CallsAsked, show_calls
from fiscus.kernel.errors import BadInput


def mount(router: APIRouter, site: Site) -> None:
    """Add this file's pages to `router`."""
    question = Depends(_calls_asked)

    @router.get("/ai")
    def ai(request: Request) -> HTMLResponse:
        visit = site.visit(request)
        ws = visit.ws
        shown = site.kept.get(ws, "ai", lambda: show_ai(ws, site.trust(ws)))
        return site.page(visit, "ai.html", {"shown": shown, "kinds": outcome_kinds(ws)})

    @router.get("/ai/units")
    def units(request: Request, kind: str = "", by: str = "result", since: str = "", until: str = "") -> HTMLResponse:
        visit = site.visit(request)
        if not kind.strip():
            raise BadInput("No kind of outcome is asked for", remedy="The AI page lists those that are told.")
        found = unit_economics(visit.ws, kind.strip(), by, _day(since), _day(until))
        return site.page(visit, "ai_units.html", {"shown": found, "groups": GROUPS})

    @router.get("/ai/calls")
    def calls(request: Request, asked: CallsAsked = question) -> HTMLResponse:
        visit = site.visit(request)
        return site.page(visit, "ai_calls.html", {"shown": show_calls(visit.ws, asked), "asked": asked})


def _calls_asked(
    charge: str = "", decision: str = "", unit: str = "", key: str | None = None, since: str = "", until: str = ""
) -> CallsAsked:
    return CallsAsked(charge, decision, unit, key, _day(since), _day(until))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadInput(f"{text!r} is not a date", remedy="Write it as YYYY-MM-DD.") from None
