"""/api/credits, /api/marketplaces and /api/prices: what was prepaid, who invoices whose spend, what a unit costs over time."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from fiscus.edges.api.answers import answered, of
from fiscus.flows.price_rightsizing import Rightsized, price_rightsizing
from fiscus.flows.show_credits import CreditsShown, show_credits
from fiscus.flows.show_marketplaces import MarketplacesShown, show_marketplaces
from fiscus.flows.show_price_history import (
    PriceChangesShown,
    PriceHistoryShown,
    show_price_changes,
    show_price_history,
)
from fiscus.flows.workspace import Workspace
from fiscus.kernel.limits import PRICE_CHANGES_MONTHS


def mount_contracts(router: APIRouter, get_ws: Callable[[], Workspace]) -> None:
    """Add the routes to `router`, which stands at /api."""

    _mount_prices(router, get_ws)

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


def _mount_prices(router: APIRouter, get_ws: Callable[[], Workspace]) -> None:
    @router.get(
        "/prices/history",
        responses=of(PriceHistoryShown),
        summary="What a thing cost a unit, month by month: contracted, effective and list price",
    )
    def history(name: str, region: str = "", months: int = 12) -> JSONResponse:
        return answered(show_price_history(get_ws(), name, region, months))

    @router.get(
        "/prices/changes",
        responses=of(PriceChangesShown),
        summary="Unit prices that changed, and what that costs at the volume of now",
    )
    def changes(months: int = PRICE_CHANGES_MONTHS) -> JSONResponse:
        return answered(show_price_changes(get_ws(), months))

    @router.get(
        "/prices/rightsize",
        responses=of(Rightsized),
        summary="What a resource would cost in another size: its own use, at the prices of the price book",
    )
    def rightsize(resource: str, size: str) -> JSONResponse:
        return answered(price_rightsizing(get_ws(), resource, size))
