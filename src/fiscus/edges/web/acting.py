"""What a person does on a page. Every form was opened here, names who acts, and says what it changes before it is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse

from fiscus.edges.web.site import PERSON_COOKIE, Site, Visit, back
from fiscus.flows.apply_actions import apply_action
from fiscus.flows.approve_actions import approve_action, reject_action
from fiscus.flows.escalate_cases import acknowledge_case, close_case
from fiscus.flows.pause_actions import pause_actions, resume_actions
from fiscus.flows.plan_actions import plan_actions
from fiscus.flows.show_actions import show_action
from fiscus.flows.undo_actions import undo_action
from fiscus.kernel.errors import BadInput, Conflict, NotFound
from fiscus.ownership.people import require_live

TYPED_FOR = frozenset({"R2", "R3"})  # what cannot simply be taken back asks for the target's name


def mount(router: APIRouter, site: Site) -> None:
    """Add the forms to `router`."""
    _mount_who(router, site)
    _mount_cases(router, site)
    _mount_actions(router, site)


def _mount_who(router: APIRouter, site: Site) -> None:
    sent = Depends(site.form)

    @router.post("/who")
    def who(request: Request, form: Mapping[str, str] = sent) -> RedirectResponse:
        ws, person = site.visit(request).ws, form.get("person", "")
        answer = back(form.get("here", "/"), "person" if person else "")
        if person:
            require_live(ws.config.directory, person, ws.as_of)
            answer.set_cookie(PERSON_COOKIE, person, httponly=True, samesite="strict", path="/")
        else:
            answer.delete_cookie(PERSON_COOKIE, path="/")
        return answer


def _mount_cases(router: APIRouter, site: Site) -> None:
    sent = Depends(site.form)
    acts = {"acknowledge": (acknowledge_case, "acknowledged"), "close": (close_case, "closed")}

    @router.post("/cases/{case_id}/{verb}")
    def on_case(request: Request, case_id: str, verb: str, form: Mapping[str, str] = sent) -> RedirectResponse:
        if verb not in acts:
            raise NotFound(f"A case cannot be asked to {verb!r}", remedy="Acknowledge or close it.")
        visit = site.visit(request)
        act, said = acts[verb]
        act(visit.ws, case_id, visit.actor(), form.get("note", "").strip())
        return back(f"/cases/{case_id}", said)


def _mount_actions(router: APIRouter, site: Site) -> None:
    sent = Depends(site.form)
    acts: dict[str, tuple[Callable[[Visit, str, Mapping[str, str]], object], str]] = {
        "approve": (_approve, "approved"),
        "reject": (_reject, "rejected"),
        "apply": (_apply, "applied"),
        "undo": (_undo, "undone"),
    }

    @router.post("/actions/plan", dependencies=[Depends(site.form)])
    def plan(request: Request) -> RedirectResponse:
        visit = site.visit(request)
        visit.actor()
        plan_actions(visit.ws)
        return back("/actions", "planned")

    @router.post("/actions/pause")
    def pause(request: Request, form: Mapping[str, str] = sent) -> RedirectResponse:
        visit = site.visit(request)
        pause_actions(visit.ws, visit.actor(), form.get("note", "").strip())
        return back("/actions", "paused")

    @router.post("/actions/resume")
    def resume(request: Request, form: Mapping[str, str] = sent) -> RedirectResponse:
        visit = site.visit(request)
        resume_actions(visit.ws, visit.actor(), form.get("note", "").strip())
        return back("/actions", "resumed")

    @router.post("/actions/{action_id}/{verb}")
    def on_action(request: Request, action_id: str, verb: str, form: Mapping[str, str] = sent) -> RedirectResponse:
        if verb not in acts:
            raise NotFound(f"An action cannot be asked to {verb!r}", remedy="Approve, reject, apply or undo it.")
        act, said = acts[verb]
        act(site.visit(request), action_id, form)
        return back(f"/actions/{action_id}", said)


def _approve(visit: Visit, action_id: str, form: Mapping[str, str]) -> None:
    """Yes to exactly what the page showed: its digest came with the form."""
    if show_action(visit.ws, action_id).line.action.plan.digest != form.get("digest"):
        raise Conflict("The plan is not the one that the page showed", remedy="Open the action again and read it anew.")
    approve_action(visit.ws, action_id, visit.actor())


def _reject(visit: Visit, action_id: str, form: Mapping[str, str]) -> None:
    reject_action(visit.ws, action_id, visit.actor(), form.get("note", "").strip())


def _apply(visit: Visit, action_id: str, form: Mapping[str, str]) -> None:
    plan = show_action(visit.ws, action_id).line.action.plan
    name = plan.targets[0].name
    if plan.reversibility in TYPED_FOR and form.get("typed", "").strip() != name:
        raise BadInput(f"This cannot simply be taken back, so it asks for the name {name!r}", remedy="Type it exactly.")
    apply_action(visit.ws, action_id, visit.actor())


def _undo(visit: Visit, action_id: str, _form: Mapping[str, str]) -> None:
    undo_action(visit.ws, action_id, visit.actor())
