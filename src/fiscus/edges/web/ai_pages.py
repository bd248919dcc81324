"""Pages about AI spend: models and keys against the bills, what work costs, and the calls behind a number."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from fiscus.cost.ai.unit_economics import GROUPS
from fiscus.edges.web.site import Site
from fiscus.flows.record_outcome import unit_economics
from fiscus.flows.show_ai import outcome_kinds, show_ai
from fiscus.flows.show_calls import CallsAsked, show_calls
from fiscus.kernel.errors import BadInput


def mount(router: APIRouter, site: Site) -> None:
    """Add this file's pages to `router`."""

    @router.get("/ai")
    def ai(request: Request) -> HTMLResponse:
        visit = site.visit(request)
        ws = visit.ws
        shown = site.kept.get(ws, "ai", lambda: show_ai(ws, site.trust(ws)))
        return site.page(visit, "ai.html", {"shown": shown, "kinds": outcome_kinds(ws)})

    @router.get("/ai/units")
    def units(request: Request) -> HTMLResponse:
        visit, asked = site.visit(request), request.query_params
        kind, by = asked.get("kind", "").strip(), asked.get("by", "result")
        found = unit_economics(visit.ws, kind, by, _day(asked.get("since")), _day(asked.get("until")))
        return site.page(visit, "ai_units.html", {"shown": found, "groups": GROUPS})

    @router.get("/ai/calls")
    def calls(request: Request) -> HTMLResponse:
        visit, asked = site.visit(request), request.query_params
        question = CallsAsked(
            asked.get("charge", ""), asked.get("decision", ""), asked.get("unit", ""), asked.get("key"),
            _day(asked.get("since")), _day(asked.get("until")),
        )  # fmt: skip
        return site.page(visit, "ai_calls.html", {"shown": show_calls(visit.ws, question), "asked": question})


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadInput(f"{text!r} is not a date", remedy="Write it as YYYY-MM-DD.") from None
