"""/api/ai: calls through the gateway, and what they cost against the vendors' bills."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from fiscus.edges.api.answers import answered, json_only, of
from fiscus.flows.reconcile_ai import DAYS, AiReconciliation, reconcile_ai
from fiscus.flows.record_outcome import ToldOutcome, UnitEconomics, record_outcomes, unit_economics
from fiscus.flows.show_ai import AiShown, show_ai
from fiscus.flows.show_calls import CallsAsked, CallsShown, show_calls
from fiscus.flows.workspace import Workspace


class Told(BaseModel):
    """What a unit of work came to. The calls whose x-fiscus-unit names `unit` are what it cost."""

    model_config = ConfigDict(extra="forbid")
    unit: str = Field(max_length=401, examples=["ticket=123"])
    result: str = Field(max_length=200, examples=["resolved"])
    quantity: int = Field(1, ge=1, le=10**9)
    customer: str = Field("", max_length=200)
    feature: str = Field("", max_length=200)
    at: datetime | None = None
    id: str = Field("", max_length=200)
    told_by: str = Field("", alias="as", max_length=200)


class ManyTold(BaseModel):
    """Outcomes that are kept together, or none of them."""

    model_config = ConfigDict(extra="forbid")
    outcomes: list[Told] = Field(min_length=1, max_length=1000)


class Kept(BaseModel):
    """What was kept; the same id again replaces what it said before."""

    outcomes: list[str]


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

    @router.get("/ai", responses=of(AiShown), summary="Models and keys of the last thirty days, against the bills")
    def ai() -> JSONResponse:
        return answered(show_ai(get_ws()))

    @router.get(
        "/ai/reconciliation",
        responses=of(AiReconciliation),
        summary="What went through the gateway against the vendors' bills",
    )
    def reconciliation(days: Annotated[int, Query(ge=1, le=400)] = DAYS) -> JSONResponse:
        return answered(reconcile_ai(get_ws(), days))

    @router.get(
        "/ai/units",
        responses=of(UnitEconomics),
        summary="Cost per outcome, customer, feature, model... of units of work",
    )
    def units(
        kind: Annotated[str, Query(min_length=1, max_length=200)],
        by: str = "result",
        first: Annotated[date | None, Query(alias="since")] = None,
        last: Annotated[date | None, Query(alias="until")] = None,
    ) -> JSONResponse:
        return answered(unit_economics(get_ws(), kind, by, first, last))

    @router.post(
        "/outcomes",
        responses=of(Kept),
        summary="What units of work came to: one outcome, or many that are kept together",
        dependencies=[Depends(json_only)],
    )
    def outcomes(body: Told | ManyTold) -> JSONResponse:
        told = body.outcomes if isinstance(body, ManyTold) else [body]
        kept = record_outcomes(get_ws(), [ToldOutcome(**one.model_dump()) for one in told])
        return answered({"outcomes": [one.id for one in kept]})
