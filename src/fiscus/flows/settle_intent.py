"""An intent in the words of the bills, with who asks and when: what a decision is asked about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fiscus.flows.workspace import Workspace
from fiscus.guardrails.decisions.decide import Asked
from fiscus.guardrails.policies.moment import moment_facts
from fiscus.guardrails.types import Intent
from fiscus.kernel.quick_records import quickly

# What an AI request says of itself -> the dimension of budgets that spells it; a key is exactly itself.
_asked: Final = quickly(Asked)
_intent: Final = quickly(Intent)
SPELT: Final = {"model": "model", "model_family": "model", "user": "user"}


def settle_intent(ws: Workspace, intent: Intent) -> Asked:
    """The intent with its requester, team, environment, provider, product and service by the names that charges stand under.

    Raises BadInput for a requester, team or environment that nobody knows: it would be covered by no budget and no policy.
    A provider, product or service may be new, so an unknown one stays as it is.
    """
    at = ws.clock.now()
    named = ws.names.of(intent, at.date())
    settled = _intent(
        intent.kind, named.requested_by, named.team, named.environment, intent.amount, intent.currency,
        named.provider, named.product, named.service, _attributes(ws, intent),
    )  # fmt: skip
    return _asked(
        settled,
        named.roles,
        named.requester_team,
        named.cost_centre,
        at,
        named.requester_cost_centre,
        named.manager,
        moment_facts(at, ws.config.company.calendar, ws.config.freezes, named.environment),
    )


def _attributes(ws: Workspace, intent: Intent) -> Mapping[str, object]:
    """As the intent says them, but what budgets on AI usage are on as those spell it."""
    stated = intent.attributes
    if intent.kind != "ai.request":
        return stated
    spelt = {name: ws.rules.spelt(of, str(stated[name])) for name, of in SPELT.items() if name in stated}
    return {**stated, **spelt} if spelt else stated
