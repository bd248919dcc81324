"""/api/ledger and what becomes of a decision: settled, released, replayed; and the counters at /metrics."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from fiscus.edges.api.answers import Act, answered, json_only, of
from fiscus.edges.counters_text import CONTENT_TYPE, counters_text
from fiscus.flows.replay_decision import Replay, replay_decision
from fiscus.flows.settle_hold import release_hold, settle_hold, thaw
from fiscus.flows.show_gauges import ABOUT, budget_gauges
from fiscus.flows.show_ledger import LedgerShown, show_ledger
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.ledger.commands import Settled
from fiscus.kernel.actor import Actor


class Outcome(BaseModel):
    """What held money did cost: a decimal as text, in the hold's currency, up to 9 decimals."""

    model_config = ConfigDict(extra="forbid")
    amount: str = Field(pattern=r"^\d{1,10}(\.\d{1,9})?$")
    estimate: bool = False


class NothingSent(BaseModel):
    """Why nothing was sent."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=1, max_length=2000)


class Lifted(Act):
    """Who lifts which freeze; the note says why."""

    subject: str = Field(min_length=1, max_length=400)


def mount_ledger(router: APIRouter, get_ws: Callable[[], Workspace]) -> None:
    """Add the routes to `router`, which stands at /api."""
    json_body = [Depends(json_only)]

    @router.get(
        "/ledger", responses=of(LedgerShown), summary="Money held, settled and charged; overruns; what is frozen"
    )
    def ledger() -> JSONResponse:
        return answered(show_ledger(get_ws()))

    @router.post(
        "/decisions/{decision_id}/settle",
        responses=of(Settled),
        summary="What the money that a decision holds did cost",
        dependencies=json_body,
    )
    def settle(decision_id: str, outcome: Outcome) -> JSONResponse:
        return answered(settle_hold(get_ws(), decision_id, Decimal(outcome.amount), estimate=outcome.estimate))

    @router.post(
        "/decisions/{decision_id}/release",
        responses=of(Settled),
        summary="Nothing was sent: the money that a decision holds is free again",
        dependencies=json_body,
    )
    def release(decision_id: str, said: NothingSent) -> JSONResponse:
        return answered(release_hold(get_ws(), decision_id, said.reason))

    @router.get(
        "/decisions/{decision_id}/replay", responses=of(Replay), summary="A decision judged again from its evidence"
    )
    def replay(decision_id: str) -> JSONResponse:
        return answered(replay_decision(get_ws(), decision_id))

    @router.post(
        "/ledger/thaw", responses=of(LedgerShown), summary="Lift a freeze that an overrun left", dependencies=json_body
    )
    def lift(act: Lifted) -> JSONResponse:
        thaw(get_ws(), act.subject, Actor(act.person), act.note)
        return answered(show_ledger(get_ws()))


def metrics_text(ws: Workspace) -> PlainTextResponse:
    """Every counter, and where the budgets stand, in the text format of Prometheus."""
    return PlainTextResponse(counters_text([ws.counters], ABOUT, budget_gauges(ws)), media_type=CONTENT_TYPE)
