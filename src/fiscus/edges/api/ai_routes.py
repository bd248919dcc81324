"""/api/ai: calls through the gateway, and what they cost against the vendors' bills."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from fiscus.edges.api.answers import answered, of
from fiscus.flows.reconcile_ai import DAYS, AiReconciliation, reconcile_ai
from fiscus.flows.show_calls import CallsAsked, CallsShown, show_calls
from fiscus.flows.workspace import Workspace


def mount_ai(router: APIRouter, get_ws: Callable[[], Workspace]) -> None:
    """Add the routes to `router`, which stands at /api."""

    @router.get("/ai/calls", responses=of(CallsShown), summary="Calls through the gateway; never a prompt")
    def calls(
        charge: str = "",
        decision: str = "",
        unit: str = "",
        key: str | None = None,
        first: Annotated[date | None, Query(alias="since")] = None,
        last: Annotated[date | None, Query(alias="until")] = None,
    ) -> JSONResponse:
        return answered(show_calls(get_ws(), CallsAsked(charge, decision, unit, key, first, last)))

    @router.get(
        "/ai/reconciliation",
        responses=of(AiReconciliation),
        summary="What went through the gateway against the vendors' bills",
    )
    def reconciliation(days: Annotated[int, Query(ge=1, le=400)] = DAYS) -> JSONResponse:
        return answered(reconcile_ai(get_ws(), days))
