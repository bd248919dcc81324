"""What a person may be told about money: headroom, why something was refused, what is cheaper, spend and budgets. Only reading.

Each answer is cut to the person's sight (ownership/sight.py) here, not at a door: whoever asks on their behalf sees no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final, cast

from fiscus.cost.ai.types import AiCall
from fiscus.flows.preview_intent import Preview, preview_intent
from fiscus.flows.show_budgets import show_budgets
from fiscus.flows.show_headroom import HeadroomShown, show_headroom
from fiscus.flows.show_policies import show_decision
from fiscus.flows.show_spend import show_spend
from fiscus.flows.spend_dimensions import SpendAsked, Window
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.doors.ai.types import VirtualKey
from fiscus.guardrails.doors.ai.virtual_key import SHOWN_CHARS
from fiscus.guardrails.types import Budget, BudgetStatus, Headroom, Intent, Option, PolicyResult, Verdict
from fiscus.kernel.errors import BadInput, FiscusError, NotAllowed, NotFound, Where
from fiscus.kernel.money import from_nanos
from fiscus.ownership.people import require_live
from fiscus.ownership.sight import Sight, sight_of

OWNER_DIMENSIONS: Final = frozenset({"team", "owner", "cost_centre"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a decision was not a plain yes. `now`: what the same question would be answered now; None where it cannot be asked."""

    decision_id: str
    at: datetime
    verdict: Verdict
    asked: Intent
    reasons: tuple[str, ...]
    policies: tuple[PolicyResult, ...]  # those that said no, or asked for something
    headroom: tuple[Headroom, ...]
    options: tuple[Option, ...]
    approval_id: str
    next_step: str
    now: Verdict | None


@dataclass(frozen=True, slots=True)
class SpendPart:
    """One group of an answer about spend. `name` None: the groups beyond the largest, together."""

    name: str | None
    cost: Decimal
    before: Decimal | None
    charges: int


@dataclass(frozen=True, slots=True)
class SpendTold:
    """The parts sum to `total` to the last digit. `query` and `lake_version` are how the total can be counted again."""

    sentence: str
    currency: str
    window: Window
    total: Decimal
    total_before: Decimal | None
    parts: tuple[SpendPart, ...]
    query: str
    lake_version: str


def person_sight(ws: Workspace, person_id: str) -> Sight:
    """What this person may be shown. Raises NotFound for a name that is nobody, or somebody who left."""
    return sight_of(ws.config.directory, require_live(ws.config.directory, person_id, ws.as_of))


def headroom_for(ws: Workspace, sight: Sight, asked: Mapping[str, str]) -> HeadroomShown:
    """As `show_headroom`, of the budgets that this person sees. Raises NotAllowed for a team that is not theirs."""
    if team := asked.get("team"):
        _require_team(sight, ws.names.team(team).id)
    shown, budgets = show_headroom(ws, asked), {one.id: one for one in ws.rules.budgets}
    return replace(shown, lines=tuple(one for one in shown.lines if _sees_budget(sight, budgets[one.budget_id])))


def refusal_for(ws: Workspace, sight: Sight, decision_id: str) -> Refusal:
    """One decision, of this person or of a team that they see. NotFound hides that there is another one's.

    `decision_id` as a caller of the gateway got it too, in the header x-fiscus-decision.
    """
    if ws.ledger.store.decision(decision_id) is None and (call := ws.calls.call_of_decision(decision_id)) is not None:
        return _refused_call(sight, call)
    decision = show_decision(ws, decision_id)
    asked = decision.intent
    if asked.requested_by != sight.person_id and not sight.sees(asked.team):
        raise NotFound(f"There is no decision {decision_id!r}", remedy="Ask for one of yours, or of your team.")
    try:
        now = preview_intent(ws, asked).verdict
    except FiscusError:  # its requester left, its team is gone, or the ledger: what was said then still stands
        now = None
    said = tuple(one for one in decision.policies if one.verdict != "allow")
    return Refusal(
        decision.id, decision.at, decision.verdict, asked, decision.reasons, said, decision.headroom, decision.options,
        decision.approval_id, decision.next_step, now,
    )  # fmt: skip


def _refused_call(sight: Sight, call: AiCall) -> Refusal:
    """What the gateway answered by itself, without the ledger: too fast, a model that a key may not use, no price."""
    if call.requested_by != sight.person_id and not sight.sees(call.team):
        raise NotFound(f"There is no decision {call.decision_id!r}", remedy="Ask for one of yours, or of your team.")
    asked = Intent(
        "ai.request", call.requested_by, call.team, call.environment, from_nanos(call.bound), call.currency, call.provider,
        call.product, attributes={"model": call.model_asked, "api_key": call.key_id},
    )  # fmt: skip
    verdict = cast("Verdict", call.verdict)
    reasons = (call.note,) if call.note else ()
    return Refusal(call.decision_id, call.at, verdict, asked, reasons, (), (), (), "", "", None)


def key_asked(sight: Sight, keys: Sequence[VirtualKey], named: str) -> Mapping[str, str]:
    """What headroom is asked by for a virtual key, named by its id or by the beginning that is shown. Raises NotFound."""
    found = next(
        (one for one in keys if named == one.id or (len(named) >= SHOWN_CHARS and named.startswith(one.shown))), None
    )
    if found is None or not (found.owner == sight.person_id or sight.sees(found.team)):
        raise NotFound(f"There is no key {named[:SHOWN_CHARS]!r}", remedy="`fiscus key list` lists them by id.")
    asked = {"team": found.team, "environment": found.environment, "product": found.product, "api_key": found.id}
    return {name: value for name, value in asked.items() if value}


def cheaper_for(ws: Workspace, sight: Sight, intent: Intent) -> Preview:
    """What a decision would say, and what would be cheaper. Raises NotAllowed for a team that is not theirs."""
    if intent.team:
        _require_team(sight, ws.names.team(intent.team).id)
    return preview_intent(ws, intent)


def spend_for(ws: Workspace, sight: Sight, asked: SpendAsked) -> SpendTold:
    """As `show_spend`, of what this person's teams pay. Raises NotAllowed for a team that is not theirs."""
    named = [(dimension, _team_id(ws, value) if dimension == "team" else value) for dimension, value in asked.filters]
    asked = replace(asked, filters=tuple(named))
    teams = [value for dimension, value in asked.filters if dimension == "team"]
    for team in teams:
        _require_team(sight, team)
    if sight.teams is not None and not teams:
        asked = replace(asked, filters=(*asked.filters, *(("team", team) for team in sorted(sight.teams))))
    shown = show_spend(ws, asked)
    parts = tuple(SpendPart(one.name, one.cost.value, one.before, one.charges) for one in shown.lines)
    return SpendTold(
        shown.sentence, shown.currency, shown.window, shown.total.value, shown.total_before, parts,
        shown.total.query.sql, shown.total.lake_version,
    )  # fmt: skip


def _team_id(ws: Workspace, named: str) -> str:
    """As charges name the team; what is no team (such as `(none)`) stays as it is."""
    try:
        return ws.names.team(named).id
    except BadInput:
        return named


def budgets_for(ws: Workspace, sight: Sight) -> tuple[BudgetStatus, ...]:
    """The newest status of each budget that this person sees, the most urgent first."""
    known = {one.id: one for one in ws.rules.budgets}
    statuses = [line.status for line in show_budgets(ws).lines]
    return tuple(one for one in statuses if one.budget_id in known and _sees_budget(sight, known[one.budget_id]))


def _sees_budget(sight: Sight, budget: Budget) -> bool:
    """Theirs by its team or owner; or one that is on nobody in particular, of which each decision tells everybody anyway."""
    if sight.teams is None or sight.sees(budget.owner) or budget.owner == sight.person_id:
        return True
    if sight.teams & set(budget.scope.filters.get("team", ())):
        return True
    return not OWNER_DIMENSIONS & set(budget.scope.filters)


def _require_team(sight: Sight, team: str) -> None:
    if not sight.sees(team):
        raise NotAllowed(
            f"{sight.person_id} may not see what {team} spends",
            remedy=f"Ask for {', '.join(sorted(sight.teams or ()))}, or have somebody of FinOps or finance ask.",
            where=Where(key="team"),
        )
