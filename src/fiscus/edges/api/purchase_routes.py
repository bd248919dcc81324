"""/api/purchases and /api/commitments: asked before they are bought, and the register of what was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Body, Depends
from fastapi.responses import JSONResponse

from fiscus.edges.api.answers import Act, answered, json_only, of
from fiscus.flows.deliver_notices import deliver_about
from fiscus.flows.judge_commitment import CommitmentJudged
from fiscus.flows.request_purchase import (
    end_purchase,
    mark_bought,
    record_purchase,
    request_commitment,
    request_purchase,
    withdraw_purchase,
)
from fiscus.flows.show_commitments import CommitmentsUsed, show_commitments
from fiscus.flows.show_purchases import PurchaseShown, PurchasesShown, show_purchase, show_purchases
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.doors.commitments.commitment_request import parse_commitment
from fiscus.guardrails.doors.purchases.purchase_request import parse_purchase
from fiscus.guardrails.doors.purchases.types import Purchase
from fiscus.guardrails.types import Decision
from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import NotFound


@dataclass(frozen=True, slots=True)
class PurchaseAsked:
    """What was asked for as it stands in the register, and the verdict."""

    purchase: Purchase
    decision: Decision


@dataclass(frozen=True, slots=True)
class CommitmentAsked:
    """The judgement on the bills, the line of the register, and the verdict."""

    judged: CommitmentJudged
    purchase: Purchase
    decision: Decision


class Bought(Act):
    """Who says that it was bought, and what it did cost over its term; the contract value when left out."""

    cost: Decimal | None = None


def mount_purchases(router: APIRouter, get_ws: Callable[[], Workspace]) -> None:
    """Add the routes to `router`, which stands at /api."""
    _mount_ask(router, get_ws)
    _mount_register(router, get_ws)


def _mount_ask(router: APIRouter, get_ws: Callable[[], Workspace]) -> None:
    json_body: list[Any] = [Depends(json_only)]

    @router.post(
        "/purchases",
        responses=of(PurchaseAsked),
        summary="Ask to buy at a marketplace or a vendor",
        dependencies=json_body,
    )
    def ask(request: Annotated[dict[str, Any], Body()], later: BackgroundTasks) -> JSONResponse:
        ws = get_ws()
        purchase, decision = request_purchase(ws, parse_purchase(request, ws.as_of))
        later.add_task(deliver_about, ws, purchase.approval_id)
        return answered(PurchaseAsked(purchase, decision), later)

    @router.post(
        "/commitments",
        responses=of(CommitmentAsked),
        summary="Ask to buy a commitment: judged on the usage that the bills know",
        dependencies=json_body,
    )
    def ask_commitment(request: Annotated[dict[str, Any], Body()], later: BackgroundTasks) -> JSONResponse:
        ws = get_ws()
        judged, purchase, decision = request_commitment(ws, parse_commitment(request, ws.as_of))
        later.add_task(deliver_about, ws, purchase.approval_id)
        return answered(CommitmentAsked(judged, purchase, decision), later)

    @router.post(
        "/purchases/record",
        responses=of(Purchase),
        summary="Enter a contract that was made before anybody asked",
        dependencies=json_body,
    )
    def record(entry: Annotated[dict[str, Any], Body()], act: Annotated[Act, Body()]) -> JSONResponse:
        ws = get_ws()
        return answered(record_purchase(ws, parse_purchase(entry, ws.as_of, past=True), Actor(act.person)))


def _mount_register(router: APIRouter, get_ws: Callable[[], Workspace]) -> None:
    json_body: list[Any] = [Depends(json_only)]

    @router.get(
        "/purchases", responses=of(PurchasesShown), summary="What was bought, by whom, approved by whom, renewing when"
    )
    def purchases() -> JSONResponse:
        return answered(show_purchases(get_ws()))

    @router.get(
        "/commitments",
        responses=of(CommitmentsUsed),
        summary="Commitments on the bills: use, coverage, savings rate, amortisation, end; by commitment, contract and owner",
    )
    def commitments(currency: str = "") -> JSONResponse:
        return answered(show_commitments(get_ws(), currency))

    @router.get(
        "/purchases/{purchase_id}",
        responses=of(PurchaseShown),
        summary="One purchase, with the answer that the vendor's approval interface needs",
    )
    def purchase(purchase_id: str) -> JSONResponse:
        return answered(show_purchase(get_ws(), purchase_id))

    @router.post(
        "/purchases/{purchase_id}/{verb}",
        responses=of(Purchase),
        summary="bought, withdraw or end",
        dependencies=json_body,
    )
    def on_purchase(purchase_id: str, verb: str, act: Bought) -> JSONResponse:
        ws, actor = get_ws(), Actor(act.person)
        if verb == "bought":
            return answered(mark_bought(ws, purchase_id, actor, act.note, act.cost))
        acts = {"withdraw": withdraw_purchase, "end": end_purchase}
        if verb not in acts:
            raise NotFound(f"A purchase cannot be asked to {verb!r}", remedy="Use bought, withdraw or end.")
        return answered(acts[verb](ws, purchase_id, actor, act.note))
