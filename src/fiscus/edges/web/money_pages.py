"""Pages about money: today, spend, a number taken apart, owners, data; and the search over all of them."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse

from fiscus.edges.known_parameters import judges_its_parameters
from fiscus.edges.web.find import find
from fiscus.edges.web.site import Site
from fiscus.flows.show_actions import show_actions
from fiscus.flows.show_budgets import show_budgets
from fiscus.flows.show_cases import show_cases
from fiscus.flows.show_data import show_data
from fiscus.flows.show_number import show_case_number, show_finding_number, show_spend_number
from fiscus.flows.show_owners import show_owners
from fiscus.flows.show_packs import pack_file, show_packs
from fiscus.flows.show_spend import show_spend
from fiscus.flows.show_today import show_today
from fiscus.flows.spend_dimensions import SpendAsked, asked_from


def mount(router: APIRouter, site: Site) -> None:
    """Add this file's pages to `router`."""
    _mount_overviews(router, site)
    _mount_numbers(router, site)


def _mount_overviews(router: APIRouter, site: Site) -> None:
    @router.get("/")
    def today(request: Request, mine: str = "") -> HTMLResponse:
        visit = site.visit(request)
        ws, trust = visit.ws, site.trust(visit.ws)
        whose = visit.person.id if visit.person and mine else None
        shown = site.kept.get(ws, ("today", whose), lambda: show_today(ws, whose, trust))
        facts = {
            "shown": shown,
            "budgets": site.kept.get(ws, "budgets", lambda: show_budgets(ws, trust)),
            "cases": site.kept.get(ws, ("cases", "open"), lambda: show_cases(ws, ("open",), trust)),
            "actions": site.kept.get(ws, "actions", lambda: show_actions(ws, trust)),
            "mine": whose is not None,
        }
        return site.page(visit, "today.html", facts)

    @router.get("/spend")
    @judges_its_parameters
    def spend(request: Request) -> HTMLResponse:
        visit = site.visit(request)
        ws, asked = visit.ws, _asked(request)
        shown = site.kept.get(ws, ("spend", asked), lambda: show_spend(ws, asked, site.trust(ws)))
        return site.page(visit, "spend.html", {"shown": shown, "asked": asked})

    @router.get("/owners")
    def owners(request: Request) -> HTMLResponse:
        visit = site.visit(request)
        ws = visit.ws
        shown = site.kept.get(ws, "owners", lambda: show_owners(ws, site.trust(ws)))
        return site.page(visit, "owners.html", {"shown": shown})

    @router.get("/board")
    def board(request: Request) -> HTMLResponse:
        visit = site.visit(request)
        return site.page(visit, "board.html", {"shown": show_packs(visit.ws, site.trust(visit.ws))})

    @router.get("/board/{period}/{name}")
    def board_file(request: Request, period: str, name: str) -> FileResponse:
        company = site.visit(request).ws
        return FileResponse(pack_file(company, period, name), filename=f"{period}-{name}")

    @router.get("/data")
    def data(request: Request) -> HTMLResponse:
        visit = site.visit(request)
        ws = visit.ws
        shown = site.kept.get(ws, "data", lambda: show_data(ws, site.trust(ws)))
        return site.page(visit, "data.html", {"shown": shown})

    @router.get("/find")
    def found(request: Request, q: str = "") -> HTMLResponse:
        visit = site.visit(request)
        return site.page(visit, "find.html", {"asked": q, "hits": find(visit.ws, q)})


def _mount_numbers(router: APIRouter, site: Site) -> None:
    @router.get("/number/spend")
    @judges_its_parameters
    def spend_number(request: Request) -> HTMLResponse:
        visit = site.visit(request)
        ws, asked = visit.ws, _asked(request)
        shown = site.kept.get(ws, ("number", asked), lambda: show_spend_number(ws, asked))
        return site.page(visit, "number.html", {"shown": shown, "origin": ("/spend", "Spend")})

    @router.get("/number/finding/{finding_id}")
    def finding_number(request: Request, finding_id: str) -> HTMLResponse:
        visit = site.visit(request)
        ws = visit.ws
        shown = site.kept.get(ws, ("finding", finding_id), lambda: show_finding_number(ws, finding_id))
        return site.page(visit, "number.html", {"shown": shown, "origin": ("/policies", "Policies")})

    @router.get("/number/case/{case_id}")
    def case_number(request: Request, case_id: str) -> HTMLResponse:
        visit = site.visit(request)
        ws = visit.ws
        shown = site.kept.get(ws, ("case number", case_id), lambda: show_case_number(ws, case_id))
        return site.page(visit, "number.html", {"shown": shown, "origin": (f"/cases/{case_id}", "Case")})


def _asked(request: Request) -> SpendAsked:
    """The question of the URL; `said` belongs to the page's message."""
    return asked_from((key, value) for key, value in request.query_params.multi_items() if key != "said")
