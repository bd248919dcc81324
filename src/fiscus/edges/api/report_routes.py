"""/api/reports: what there is to ask, what one asks, and its answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from fiscus.cost.reports.types import Report
from fiscus.edges.api.answers import answered, of
from fiscus.edges.known_parameters import given_once, judges_its_parameters
from fiscus.flows.run_report import ReportAnswer, ReportLine, find_report, listed_reports, run_report
from fiscus.flows.workspace import Workspace
from fiscus.kernel.limits import QUERY_ROWS_SHOWN_MAX

PARAMETERS = {
    "parameters": [
        {
            "name": "<parameter>", "in": "query", "required": False, "schema": {"type": "string"},
            "description": "A parameter of the report, by its name; months and days may be said as 2 months ago",
        }
    ]
}  # fmt: skip
RowsMax = Annotated[int, Query(ge=1, le=100_000, description="So many rows at most; `more` says that there are others")]


def mount_reports(router: APIRouter, get_ws: Callable[[], Workspace]) -> None:
    """Add the routes to `router`, which stands at /api."""

    @router.get("/reports", responses=of(list[ReportLine]), summary="The reports by who asks them")
    def reports() -> JSONResponse:
        return answered(listed_reports(get_ws()))

    @router.get("/reports/{name}/definition", responses=of(Report), summary="One report: parameters, columns, SQL")
    def definition(name: str) -> JSONResponse:
        return answered(find_report(get_ws(), name))

    @router.get(
        "/reports/{name}", responses=of(ReportAnswer), summary="The answer of one report", openapi_extra=PARAMETERS
    )
    @judges_its_parameters
    def run(request: Request, name: str, rows_max: RowsMax = QUERY_ROWS_SHOWN_MAX) -> JSONResponse:
        return answered(run_report(get_ws(), name, given_once(request, "rows_max"), rows_max))
