"""/api/approvals: money that waits for a yes, one by one or several at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, BackgroundTasks, Depends
from fastapi.responses import JSONResponse
from pydantic import Field

from fiscus.edges.api.answers import Act, answered, json_only, of
from fiscus.flows.after_answer import after_answer, go_on, tell_about
from fiscus.flows.approve_intent import Answered, approve_intent, approve_many, reject_intent
from fiscus.flows.show_approvals import ApprovalShown, ApprovalsShown, show_approval, show_approvals
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.approvals.types import Approval
from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import NotFound

BULK_MAX = 100


class ActOnMany(Act):
    """The same yes to several approvals."""

    ids: list[str] = Field(min_length=1, max_length=BULK_MAX)


@dataclass(frozen=True, slots=True)
class OneOfMany:
    """What became of one of several: the approval as it stands, or the error."""

    approval_id: str
    approval: Approval | None
    error: dict[str, object] | None


@dataclass(frozen=True, slots=True)
class ManyAnswered:
    """Each that was named, in order; `approved` counts those that are approved now."""

    answers: tuple[OneOfMany, ...]
    approved: int


def mount_approvals(router: APIRouter, get_ws: Callable[[], Workspace]) -> None:
    """Add the routes to `router`, which stands at /api."""
    _mount_read(router, get_ws)
    _mount_answer(router, get_ws)


def _mount_read(router: APIRouter, get_ws: Callable[[], Workspace]) -> None:
    @router.get("/approvals", responses=of(ApprovalsShown), summary="Money that waits for a yes, and what was decided")
    def approvals() -> JSONResponse:
        return answered(show_approvals(get_ws()))

    @router.get(
        "/approvals/{approval_id}", responses=of(ApprovalShown), summary="One approval: what exactly, why, who may"
    )
    def approval(approval_id: str) -> JSONResponse:
        return answered(show_approval(get_ws(), approval_id))


def _mount_answer(router: APIRouter, get_ws: Callable[[], Workspace]) -> None:
    json_body: list[Any] = [Depends(json_only)]

    @router.post(
        "/approvals/approve",
        responses=of(ManyAnswered),
        summary="Say yes to several; one that is refused does not stop the next",
        dependencies=json_body,
    )
    def on_many(act: ActOnMany, later: BackgroundTasks) -> JSONResponse:
        ws = get_ws()
        found = approve_many(ws, act.ids, Actor(act.person), act.note)
        for one in found:
            if one.approval is not None:
                later.add_task(after_answer, ws, one.approval_id)
        approved = sum(one.approval is not None and one.approval.state == "approved" for one in found)
        return answered(ManyAnswered(tuple(_one(each) for each in found), approved), later)

    @router.post(
        "/approvals/{approval_id}/{verb}",
        responses=of(Approval),
        summary="approve or reject an approval",
        dependencies=json_body,
    )
    def on_approval(approval_id: str, verb: str, act: Act, later: BackgroundTasks) -> JSONResponse:
        ws, acts = get_ws(), {"approve": approve_intent, "reject": reject_intent}
        if verb not in acts:
            raise NotFound(f"An approval cannot be asked to {verb!r}", remedy="Use approve or reject.")
        approval = acts[verb](ws, approval_id, Actor(act.person), act.note)
        later.add_task(tell_about, ws, approval_id, go_on(ws, approval_id))
        return answered(approval, later)


def _one(found: Answered) -> OneOfMany:
    return OneOfMany(found.approval_id, found.approval, found.error.as_dict() if found.error else None)
