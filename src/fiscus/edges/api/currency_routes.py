"""/api/currencies: what each currency was billed, and what it is in the reporting currency."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from fiscus.edges.api.answers import answered, of
from fiscus.flows.keep_shown import KeptShown
from fiscus.flows.show_currencies import CurrenciesShown, show_currencies
from fiscus.flows.workspace import Workspace


def mount_currencies(router: APIRouter, get_ws: Callable[[], Workspace], kept: KeptShown) -> None:
    """Add the route to `router`, which stands at /api."""

    @router.get(
        "/currencies", responses=of(CurrenciesShown), summary="Each currency as billed and as reported, with its rates"
    )
    def currencies(period: str | None = None) -> JSONResponse:
        ws = get_ws()
        return answered(kept.get(ws, ("currencies", period), lambda: show_currencies(ws, period or None)))
