"""The API as one router: `api_router(get_ws)`. Every number of every page, and what a program may ask and do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, cast

from fastapi import APIRouter, BackgroundTasks, Body, Depends, Header, Query, Request
from fastapi.responses import JSONResponse

from fiscus.actions.types import Action, ActionPreview
from fiscus.edges.api.ai_key_routes import mount_ai_keys
from fiscus.edges.api.ai_routes import mount_ai
from fiscus.edges.api.allocation_routes import mount_allocations
from fiscus.edges.api.answers import Act, answered, asked_with, json_only, of
from fiscus.edges.api.approval_routes import mount_approvals
from fiscus.edges.api.books_routes import mount_books
from fiscus.edges.api.contract_routes import mount_contracts
from fiscus.edges.api.currency_routes import mount_currencies
from fiscus.edges.api.gate_routes import mount_gates
from fiscus.edges.api.ledger_routes import mount_ledger
from fiscus.edges.api.policy_routes import mount_policies
from fiscus.edges.api.purchase_routes import mount_purchases
from fiscus.edges.api.report_routes import mount_reports
from fiscus.edges.known_parameters import judges_its_parameters
from fiscus.flows.apply_actions import apply_action, preview_action
from fiscus.flows.approve_actions import approve_action, reject_action
from fiscus.flows.decide_intent import decide_intent
from fiscus.flows.deliver_notices import deliver_about
from fiscus.flows.escalate_cases import acknowledge_case, close_case
from fiscus.flows.keep_shown import KeptShown
from fiscus.flows.show_actions import ActionShown, ActionsShown, show_action, show_actions
from fiscus.flows.show_budgets import BudgetsShown, show_budgets
from fiscus.flows.show_cases import STATES, CasesShown, show_case, show_cases
from fiscus.flows.show_data import DataShown, show_data
from fiscus.flows.show_number import NumberShown, show_case_number, show_finding_number, show_spend_number
from fiscus.flows.show_owners import OwnersShown, show_owners
from fiscus.flows.show_packs import PacksShown, show_packs
from fiscus.flows.show_policies import PoliciesShown, show_decision, show_policies
from fiscus.flows.show_spend import SpendShown, show_spend
from fiscus.flows.show_today import TodayShown, show_today
from fiscus.flows.show_trust import DataTrust, data_trust
from fiscus.flows.spend_dimensions import SpendAsked, asked_from
from fiscus.flows.undo_actions import undo_action
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.decisions.intent import parse_intent
from fiscus.guardrails.types import Decision
from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import BadInput, NotFound
from fiscus.ownership.types import Case, CaseState


def api_router(get_ws: Callable[[], Workspace]) -> APIRouter:
    """Everything under /api. Errors are raised as kernel errors; the server answers with their code and HTTP status."""
    router = APIRouter(prefix="/api")
    kept = KeptShown()
    _mount_money(router, get_ws, kept)
    _mount_numbers(router, get_ws, kept)
    _mount_control(router, get_ws, kept)
    mount_approvals(router, get_ws)
    mount_gates(router, get_ws)
    mount_policies(router, get_ws, kept)
    mount_ledger(router, get_ws)
    mount_ai(router, get_ws)
    mount_ai_keys(router, get_ws)
    mount_purchases(router, get_ws)
    mount_allocations(router, get_ws, kept)
    mount_currencies(router, get_ws, kept)
    mount_contracts(router, get_ws)
    mount_books(router, get_ws)
    mount_reports(router, get_ws)
    _mount_acts(router, get_ws)
    return router


SPEND_PARAMETERS = {
    "group": "A dimension, or tag:<key>; service_category when left out",
    "by": "day or month",
    "from": "First month, YYYY-MM; the running one when left out",
    "to": "Last month, YYYY-MM",
    "metric": "EffectiveCost or BilledCost, each spend once; EffectiveCostAllFeeds or BilledCostAllFeeds as the feeds show it",
    "currency": "A BillingCurrency; the company's when left out; reported: all of them in the reporting currency",
    "period": "A fiscal period such as FY2027-Q3, instead of months",
    "shared": "yes: by who bears it once shared cost is handed on",
    "where.<dimension>": "Filters; values of one dimension are alternatives, dimensions are all required",
}
SPEND_DESCRIBED = {
    "parameters": [
        {"name": name, "in": "query", "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in SPEND_PARAMETERS.items()
    ]
}


def _spend_question(request: Request) -> SpendAsked:
    return asked_from(request.query_params.multi_items())


def _mount_money(router: APIRouter, get_ws: Callable[[], Workspace], kept: KeptShown) -> None:
    question = Depends(_spend_question)

    @router.get("/today", responses=of(TodayShown), summary="What needs someone now")
    def today(person: str | None = None) -> JSONResponse:
        ws = get_ws()
        return answered(kept.get(ws, ("today", person), lambda: show_today(ws, person)))

    @router.get(
        "/trust",
        responses=of(DataTrust),
        summary="What the numbers rest on: sources, freshness, unowned money, lake version",
    )
    def trust() -> JSONResponse:
        ws = get_ws()
        return answered(kept.get(ws, "trust", lambda: data_trust(ws)))

    @router.get("/spend", responses=of(SpendShown), summary="Spend by any dimension", openapi_extra=SPEND_DESCRIBED)
    @judges_its_parameters
    def spend(asked: SpendAsked = question) -> JSONResponse:
        ws = get_ws()
        return answered(kept.get(ws, ("spend", asked), lambda: show_spend(ws, asked)))

    @router.get(
        "/owners", responses=of(OwnersShown), summary="Who owns what this month; unowned money is a line of its own"
    )
    def owners() -> JSONResponse:
        ws = get_ws()
        return answered(kept.get(ws, "owners", lambda: show_owners(ws)))

    @router.get("/packs", responses=of(PacksShown), summary="The packs that were built for the board")
    def packs() -> JSONResponse:
        return answered(show_packs(get_ws()))

    @router.get("/data", responses=of(DataShown), summary="Sources, deliveries and what was odd in them")
    def data() -> JSONResponse:
        ws = get_ws()
        return answered(kept.get(ws, "data", lambda: show_data(ws)))


def _mount_numbers(router: APIRouter, get_ws: Callable[[], Workspace], kept: KeptShown) -> None:
    question = Depends(_spend_question)

    @router.get(
        "/number/spend",
        responses=of(NumberShown),
        summary="A number of spend, with its query and charges",
        openapi_extra=SPEND_DESCRIBED,
    )
    @judges_its_parameters
    def spend_number(asked: SpendAsked = question) -> JSONResponse:
        ws = get_ws()
        return answered(kept.get(ws, ("number", asked), lambda: show_spend_number(ws, asked)))

    @router.get(
        "/number/finding/{finding_id}",
        responses=of(NumberShown),
        summary="The money of a finding, with its query and charges",
    )
    def finding_number(finding_id: str) -> JSONResponse:
        return answered(show_finding_number(get_ws(), finding_id))

    @router.get(
        "/number/case/{case_id}", responses=of(NumberShown), summary="The money of a case, with its query and charges"
    )
    def case_number(case_id: str) -> JSONResponse:
        return answered(show_case_number(get_ws(), case_id))


def _mount_control(router: APIRouter, get_ws: Callable[[], Workspace], kept: KeptShown) -> None:
    @router.get("/budgets", responses=of(BudgetsShown), summary="The newest status of each budget")
    def budgets() -> JSONResponse:
        ws = get_ws()
        return answered(kept.get(ws, "budgets", lambda: show_budgets(ws)))

    @router.get("/cases", responses=of(CasesShown), summary="Cases; open and acknowledged when no state is given")
    def cases(state: Annotated[list[str] | None, Query()] = None) -> JSONResponse:
        ws, states = get_ws(), tuple(state or ("open", "acknowledged"))
        if wrong := [one for one in states if one not in STATES]:
            raise BadInput(f"{wrong[0]!r} is not a state of cases", remedy=f"Use {', '.join(STATES)}.")
        chosen = cast("tuple[CaseState, ...]", states)
        return answered(kept.get(ws, ("cases", chosen), lambda: show_cases(ws, chosen)))

    @router.get("/cases/{case_id}", responses=of(Case), summary="One case with its history")
    def case(case_id: str) -> JSONResponse:
        return answered(show_case(get_ws(), case_id))

    @router.get("/actions", responses=of(ActionsShown), summary="Actions, those that wait for a person first")
    def actions() -> JSONResponse:
        ws = get_ws()
        return answered(kept.get(ws, "actions", lambda: show_actions(ws)))

    @router.get(
        "/actions/{action_id}", responses=of(ActionShown), summary="One action with its journal and who may approve it"
    )
    def action(action_id: str) -> JSONResponse:
        return answered(show_action(get_ws(), action_id))

    @router.get(
        "/actions/{action_id}/preview",
        responses=of(ActionPreview),
        summary="A dry run: what would change, and what stands in its way",
    )
    def preview(action_id: str) -> JSONResponse:
        return answered(preview_action(get_ws(), action_id))

    @router.get("/policies", responses=of(PoliciesShown), summary="Policies, their findings and the newest verdicts")
    def policies() -> JSONResponse:
        ws = get_ws()
        return answered(kept.get(ws, "policies", lambda: show_policies(ws)))

    @router.get("/decisions/{decision_id}", responses=of(Decision), summary="One verdict with its reasons")
    def decision(decision_id: str) -> JSONResponse:
        return answered(show_decision(get_ws(), decision_id))


def _mount_acts(router: APIRouter, get_ws: Callable[[], Workspace]) -> None:
    json_body = [Depends(json_only)]

    @router.post(
        "/decisions",
        responses=of(Decision),
        summary="Ask before money is spent: an intent in, a verdict out",
        dependencies=json_body,
    )
    def decide(
        intent: Annotated[dict[str, Any], Body()],
        later: BackgroundTasks,
        key: Annotated[str, Header(alias="Idempotency-Key", max_length=200)] = "",
    ) -> JSONResponse:
        ws, (asked, approval_id) = get_ws(), asked_with(intent)
        decision = decide_intent(ws, parse_intent(asked), key=key, approval_id=approval_id)
        if decision.approval_id:
            later.add_task(deliver_about, ws, decision.approval_id)
        return answered(decision, later)

    @router.post(
        "/cases/{case_id}/{verb}", responses=of(Case), summary="acknowledge or close a case", dependencies=json_body
    )
    def on_case(case_id: str, verb: str, act: Act) -> JSONResponse:
        acts = {"acknowledge": acknowledge_case, "close": close_case}
        if verb not in acts:
            raise NotFound(f"A case cannot be asked to {verb!r}", remedy="Use acknowledge or close.")
        return answered(acts[verb](get_ws(), case_id, Actor(act.person), act.note))

    @router.post(
        "/actions/{action_id}/{verb}",
        responses=of(Action),
        summary="approve, reject, apply or undo an action",
        dependencies=json_body,
    )
    def on_action(action_id: str, verb: str, act: Act) -> JSONResponse:
        ws, actor = get_ws(), Actor(act.person)
        if verb == "reject":
            return answered(reject_action(ws, action_id, actor, act.note))
        acts = {"approve": approve_action, "apply": apply_action, "undo": undo_action}
        if verb not in acts:
            raise NotFound(f"An action cannot be asked to {verb!r}", remedy="Use approve, reject, apply or undo.")
        return answered(acts[verb](ws, action_id, actor))
