"""/api/allocations: who pays what for whom and why, and every decision that is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from fiscus.edges.api.answers import answered, of
from fiscus.flows.keep_shown import KeptShown
from fiscus.flows.show_allocations import (
    AllocationsAsked,
    AllocationsShown,
    VersionsShown,
    show_allocations,
    show_versions,
)
from fiscus.flows.workspace import Workspace


def mount_allocations(router: APIRouter, get_ws: Callable[[], Workspace], kept: KeptShown) -> None:
    """Add the routes to `router`, which stands at /api."""

    @router.get("/allocations", responses=of(AllocationsShown), summary="Who pays what for whom and why, by payer")
    def allocations(
        period: str | None = None, by: str = "team", as_of: date | None = None, metric: str = "EffectiveCost"
    ) -> JSONResponse:
        ws = get_ws()
        asked = AllocationsAsked(period or None, by, as_of, metric)
        return answered(kept.get(ws, ("allocations", asked), lambda: show_allocations(ws, asked)))

    @router.get("/allocations/runs", responses=of(VersionsShown), summary="Every version kept, and what each one moved")
    def runs() -> JSONResponse:
        return answered(show_versions(get_ws()))
