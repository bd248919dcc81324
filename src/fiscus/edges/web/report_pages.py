"""Pages about reports: the list by who asks them, and one with its form, chart and table. What was asked stands in the URL."""

from __future__ import annotations

from itertools import groupby

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from fiscus.edges.known_parameters import SAID, given_once, judges_its_parameters
from fiscus.edges.web.site import Site
from fiscus.flows.run_report import find_report, listed_reports, run_report
from fiscus.kernel.errors import BadInput
from fiscus.kernel.limits import QUERY_ROWS_SHOWN_MAX


def mount(router: APIRouter, site: Site) -> None:
    """Add this file's pages to `router`."""

    @router.get("/reports")
    def reports(request: Request) -> HTMLResponse:
        visit = site.visit(request)
        groups = [
            (persona, list(lines)) for persona, lines in groupby(listed_reports(visit.ws), lambda one: one.persona)
        ]
        return site.page(visit, "reports.html", {"groups": groups})

    @router.get("/reports/{name}")
    @judges_its_parameters
    def report(request: Request, name: str) -> HTMLResponse:
        visit = site.visit(request)
        given = {key: value for key, value in request.query_params.items() if key != SAID}
        try:
            answer, wrong = run_report(visit.ws, name, given_once(request, SAID), QUERY_ROWS_SHOWN_MAX), None
        except BadInput as refused:  # a parameter: the form stands, with what is wrong about it
            answer, wrong = None, refused
        report = answer.report if answer else find_report(visit.ws, name)
        facts = {"report": report, "shown": answer, "wrong": wrong, "given": given}
        return site.page(visit, "report.html", facts)
