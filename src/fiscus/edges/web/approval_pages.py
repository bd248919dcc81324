"""Pages about money that waits for a yes: the list, one question, and the page behind a signed link in a mail.

Opening any of them decides nothing, so that a mail scanner that follows links approves nothing; a form decides.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, BackgroundTasks, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from fiscus.edges.web.site import Site, back
from fiscus.flows.after_answer import go_on, tell_about
from fiscus.flows.approve_intent import approve_intent, open_approval_link, reject_intent
from fiscus.flows.show_actions import effect, show_actions
from fiscus.flows.show_approvals import show_approval, show_approvals
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.approvals.notices import what
from fiscus.guardrails.approvals.who import no_refusal
from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import BadInput, NotFound

VERBS = {"approve": (approve_intent, "said-yes"), "reject": (reject_intent, "said-no")}


def mount(router: APIRouter, site: Site) -> None:
    """Add this file's pages to `router`. The link's come first: `link` is no id of an approval."""
    _mount_link(router, site)
    _mount_pages(router, site)


def _mount_pages(router: APIRouter, site: Site) -> None:
    sent = Depends(site.form)

    @router.get("/approvals")
    def approvals(request: Request) -> HTMLResponse:
        visit = site.visit(request)
        shown = show_approvals(visit.ws, site.trust(visit.ws))
        waiting = [line.action for line in show_actions(visit.ws, shown.trust).lines if line.waits_for == "approval"]
        return site.page(visit, "approvals.html", {"shown": shown, "actions": waiting, "effect": effect})

    @router.get("/approvals/{approval_id}")
    def approval(request: Request, approval_id: str) -> HTMLResponse:
        visit = site.visit(request)
        ws, shown = visit.ws, show_approval(visit.ws, approval_id, site.trust(visit.ws))
        one = shown.line.approval
        may_say_no = (
            visit.person is not None and no_refusal(one, visit.person.id, ws.config.directory, ws.as_of) is None
        )
        context = {"shown": shown, "what": what(one), "token": "", "speaker": visit.person, "may_say_no": may_say_no}
        return site.page(visit, "approval.html", context)

    @router.post("/approvals/{approval_id}/{verb}")
    def answer(request: Request, approval_id: str, verb: str, form: Mapping[str, str] = sent) -> RedirectResponse:
        visit = site.visit(request)
        return _answer(visit.ws, approval_id, visit.actor(), verb, form)


def _mount_link(router: APIRouter, site: Site) -> None:
    sent = Depends(site.form)

    @router.get("/approvals/link/{token}")
    def link(request: Request, token: str) -> HTMLResponse:
        visit = site.visit(request)
        asked, actor = open_approval_link(visit.ws, token)
        shown = show_approval(visit.ws, asked.id, site.trust(visit.ws))
        speaker = visit.ws.config.directory.people[actor.person_id]
        context = {"shown": shown, "what": what(asked), "token": token, "speaker": speaker, "may_say_no": True}
        return site.page(visit, "approval.html", context)

    @router.post("/approvals/link/{token}/{verb}")
    def answer_link(request: Request, token: str, verb: str, form: Mapping[str, str] = sent) -> RedirectResponse:
        ws = site.visit(request).ws
        asked, actor = open_approval_link(ws, token)
        return _answer(ws, asked.id, actor, verb, form)


def _answer(ws: Workspace, approval_id: str, actor: Actor, verb: str, form: Mapping[str, str]) -> RedirectResponse:
    """Yes or no to exactly what the page showed: its digest came with the form."""
    if verb not in VERBS:
        raise NotFound(f"An approval cannot be asked to {verb!r}", remedy="Approve or reject it.")
    if not form.get("digest"):
        raise BadInput("The form does not say what it is about", remedy="Open the page again.")
    act, said = VERBS[verb]
    act(ws, approval_id, actor, form.get("note", "").strip(), form["digest"])
    went_on = go_on(ws, approval_id)
    answer = back(f"/approvals/{approval_id}", said)
    later = BackgroundTasks()  # a mail server that hangs keeps nobody waiting
    later.add_task(tell_about, ws, approval_id, went_on)
    answer.background = later
    return answer
