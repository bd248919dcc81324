"""Pages about control: budgets, cases, actions, policies with their verdicts, and the API's own page."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from fiscus.edges.web.site import Site
from fiscus.flows.apply_actions import preview_action
from fiscus.flows.record_actions import is_paused
from fiscus.flows.show_actions import effect, show_action, show_actions
from fiscus.flows.show_approvals import approval_of
from fiscus.flows.show_budgets import show_budgets
from fiscus.flows.show_cases import STATES, anomaly_of, show_case, show_cases, spend_of
from fiscus.flows.show_policies import show_decision, show_policies
from fiscus.kernel.errors import BadInput

CASE_VIEWS = {"": ("open", "acknowledged"), "all": STATES, "closed": ("closed",)}


def mount(router: APIRouter, site: Site) -> None:
    """Add this file's pages to `router`."""
    _mount_judged(router, site)
    _mount_actions(router, site)

    @router.get("/api/docs")
    def api_docs(request: Request) -> HTMLResponse:
        return site.page(site.visit(request), "api_docs.html", {"api": request.app.openapi()})


def _mount_judged(router: APIRouter, site: Site) -> None:
    @router.get("/budgets")
    def budgets(request: Request) -> HTMLResponse:
        visit = site.visit(request)
        ws = visit.ws
        shown = site.kept.get(ws, "budgets", lambda: show_budgets(ws, site.trust(ws)))
        return site.page(visit, "budgets.html", {"shown": shown})

    @router.get("/cases")
    def cases(request: Request, state: str = "") -> HTMLResponse:
        visit = site.visit(request)
        ws, view = visit.ws, state
        if view not in CASE_VIEWS:
            raise BadInput(f"{view!r} is not a state of cases", remedy="Use all or closed, or leave it out.")
        shown = site.kept.get(ws, ("cases", view), lambda: show_cases(ws, CASE_VIEWS[view], site.trust(ws)))
        return site.page(visit, "cases.html", {"shown": shown, "view": view})

    @router.get("/cases/{case_id}")
    def one_case(request: Request, case_id: str) -> HTMLResponse:
        visit = site.visit(request)
        case = show_case(visit.ws, case_id)
        anomaly = anomaly_of(visit.ws, case)
        asked = spend_of(anomaly) if anomaly else None
        return site.page(visit, "case.html", {"case": case, "anomaly": anomaly, "asked": asked})

    @router.get("/policies")
    def policies(request: Request) -> HTMLResponse:
        visit = site.visit(request)
        ws = visit.ws
        shown = site.kept.get(ws, "policies", lambda: show_policies(ws, site.trust(ws)))
        return site.page(visit, "policies.html", {"shown": shown})

    @router.get("/policies/decisions/{decision_id}")
    def decision(request: Request, decision_id: str) -> HTMLResponse:
        visit = site.visit(request)
        decision = show_decision(visit.ws, decision_id)
        return site.page(visit, "decision.html", {"decision": decision, "approval": approval_of(visit.ws, decision)})


def _mount_actions(router: APIRouter, site: Site) -> None:
    @router.get("/actions")
    def actions(request: Request) -> HTMLResponse:
        visit = site.visit(request)
        ws = visit.ws
        shown = site.kept.get(ws, "actions", lambda: show_actions(ws, site.trust(ws)))
        with ws.state.read() as tx:
            paused = is_paused(tx)
        return site.page(visit, "actions.html", {"shown": shown, "effect": effect, "paused": paused})

    @router.get("/actions/{action_id}")
    def action(request: Request, action_id: str) -> HTMLResponse:
        visit = site.visit(request)
        shown = show_action(visit.ws, action_id, site.trust(visit.ws))
        return site.page(visit, "action.html", {"shown": shown, "effect": effect})

    @router.get("/actions/{action_id}/preview")
    def preview(request: Request, action_id: str) -> HTMLResponse:
        """What stands at the vendor now: asked for by the page after it opened, because a vendor may be slow."""
        visit = site.visit(request)
        return site.page(visit, "preview.html", {"preview": preview_action(visit.ws, action_id)})
