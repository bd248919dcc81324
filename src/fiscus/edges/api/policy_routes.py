"""/api/policies: what one demands, why it says what it says, what it would have done, and what a change would mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from fiscus.edges.api.answers import answered, json_only, of
from fiscus.flows.backtest_policy import MONTHS, History, backtest_policies, backtest_policy
from fiscus.flows.diff_policies import PoliciesDiff, diff_policies
from fiscus.flows.explain_policy import explain_charge, explain_intent
from fiscus.flows.keep_shown import KeptShown
from fiscus.flows.prove_policies import force_policy, record_backtest, written, written_policies
from fiscus.flows.show_backtest import BacktestShown, PolicyShown, show_backtest, show_policy
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.backtests.types import Recorded
from fiscus.guardrails.decisions.intent import parse_intent
from fiscus.guardrails.explanations.explain import Explanation
from fiscus.guardrails.policies.load_policies import load_policies
from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import BadInput
from fiscus.kernel.limits import DOCUMENT_BYTES_MAX
from fiscus.ownership.people import require_live

CANDIDATE = "policies/candidate.yaml"
Months = Annotated[int, Query(description="Calendar months to look back over, the running one included")]


class ExplainAsked(BaseModel):
    """One intent, or SQL over `charges` that means a charge."""

    model_config = ConfigDict(extra="forbid")
    intent: dict[str, Any] | None = None
    charge: str | None = Field(None, max_length=4000)


class Tried(BaseModel):
    """Who tries it, and over how many months."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    person: str = Field(alias="as", min_length=1, max_length=200)
    months: int = MONTHS


class Forced(BaseModel):
    """Who lets it be hard without a backtest, and why."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    person: str = Field(alias="as", min_length=1, max_length=200)
    reason: str = Field(max_length=600)


class DiffAsked(BaseModel):
    """Two files of policies as text; what is left out is what the workspace has."""

    model_config = ConfigDict(extra="forbid")
    old: str | None = Field(None, max_length=DOCUMENT_BYTES_MAX)
    new: str | None = Field(None, max_length=DOCUMENT_BYTES_MAX)
    months: int = MONTHS


class Candidate(BaseModel):
    """A file of policies that is not in the workspace, or changes of some that are."""

    model_config = ConfigDict(extra="forbid")
    text: str = Field(max_length=DOCUMENT_BYTES_MAX)
    months: int = MONTHS


def mount_policies(router: APIRouter, get_ws: Callable[[], Workspace], kept: KeptShown) -> None:
    """Add the routes to `router`, which stands at /api."""
    _mount_shown(router, get_ws, kept)
    _mount_asked(router, get_ws)
    _mount_recorded(router, get_ws)


def _mount_shown(router: APIRouter, get_ws: Callable[[], Workspace], kept: KeptShown) -> None:
    @router.get(
        "/policies/{policy_id}",
        responses=of(PolicyShown),
        summary="What one policy demands, and what is recorded of it",
    )
    def policy(policy_id: str) -> JSONResponse:
        return answered(show_policy(get_ws(), policy_id))

    @router.get(
        "/policies/{policy_id}/backtest",
        responses=of(BacktestShown),
        summary="What a policy would have done over the last months, with the query of each line's rows; records nothing",
    )
    def backtest(policy_id: str, months: Months = MONTHS) -> JSONResponse:
        ws = get_ws()
        return answered(kept.get(ws, ("backtest", policy_id, months), lambda: show_backtest(ws, policy_id, months)))


def _mount_asked(router: APIRouter, get_ws: Callable[[], Workspace]) -> None:
    json_body = [Depends(json_only)]

    @router.post(
        "/policies/backtest",
        responses=of(BacktestShown),
        summary="What policies that are not in the workspace would have done; a list, nothing is recorded",
        dependencies=json_body,
    )
    def candidates(asked: Candidate) -> JSONResponse:
        history = History(get_ws(), asked.months)
        done = backtest_policies(history, tuple(load_policies({CANDIDATE: asked.text})))
        return answered([BacktestShown(one, one.digest, asked.months) for one in done])

    @router.post(
        "/policies/diff",
        responses=of(PoliciesDiff),
        summary="Which policies differ between two files, and what each change would have meant",
        dependencies=json_body,
    )
    def diff(asked: DiffAsked) -> JSONResponse:
        ws = get_ws()
        if asked.old is None and asked.new is None:
            raise BadInput("Nothing is compared", remedy="Send old, new or both: each a file of policies as text.")
        sides = [written(ws) if text is None else load_policies({CANDIDATE: text}) for text in (asked.old, asked.new)]
        return answered(diff_policies(History(ws, asked.months), sides[0], sides[1]))

    @router.post(
        "/policies/{policy_id}/explain",
        responses=of(Explanation),
        summary="Which terms of a policy hold for an intent or a charge, and what it then says; decides nothing",
        dependencies=json_body,
    )
    def explain(policy_id: str, asked: ExplainAsked) -> JSONResponse:
        ws = get_ws()
        if (asked.intent is None) == (asked.charge is None):
            raise BadInput("An explanation is of one thing", remedy="Send intent, or charge.")
        if asked.charge is not None:
            return answered(explain_charge(ws, policy_id, asked.charge))
        return answered(explain_intent(ws, policy_id, parse_intent(asked.intent)))


def _mount_recorded(router: APIRouter, get_ws: Callable[[], Workspace]) -> None:
    json_body = [Depends(json_only)]

    @router.post(
        "/policies/{policy_id}/backtest",
        responses=of(Recorded),
        summary="Try a policy and record it as evidence: it may then be hard",
        dependencies=json_body,
    )
    def record(policy_id: str, tried: Tried) -> JSONResponse:
        ws = get_ws()
        actor = Actor(require_live(ws.config.directory, tried.person, ws.as_of).id)
        (compiled,) = written_policies(ws, policy_id)
        return answered(record_backtest(ws, backtest_policy(History(ws, tried.months), compiled), actor))

    @router.post(
        "/policies/{policy_id}/force",
        responses=of(Recorded),
        summary="Let a policy be hard without a backtest; who says so and why is evidence",
        dependencies=json_body,
    )
    def force(policy_id: str, forced: Forced) -> JSONResponse:
        return answered(force_policy(get_ws(), policy_id, Actor(forced.person), forced.reason))
