"""/api/credits and /api/marketplaces: what was prepaid and what is left of it; who invoices whose spend, counted once."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from fiscus.edges.api.answers import answered, of
from fiscus.flows.show_credits import CreditsShown, show_credits
from fiscus.flows.show_marketplaces import MarketplacesShown, show_marketplaces
from fiscus.flows.workspace import Workspace


def mount_contracts(router: APIRouter, get_ws: Callable[[], Workspace]) -> None:
    """Add the routes to `router`, which stands at /api."""

    @router.get(
        "/credits",
        responses=of(CreditsShown),
        summary="Prepaid balances: credits, tokens and money in advance; what is left, and when it is gone",
    )
    def credit_pools(currency: str = "") -> JSONResponse:
        return answered(show_credits(get_ws(), currency))

    @router.get(
        "/marketplaces",
        responses=of(MarketplacesShown),
        summary="Who sells, operates and invoices; the same spend in two feeds, and totals that count it once",
    )
    def marketplaces() -> JSONResponse:
        return answered(show_marketplaces(get_ws()))
