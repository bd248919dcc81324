"""An intent in the words of the bills: a cap that another spelling of `staging` or `Anthropic` gets around is no cap."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from fiscus.cost.providers import canonical_name
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.decisions.decide import Asked
from fiscus.guardrails.policies.moment import moment_facts
from fiscus.guardrails.types import Intent
from fiscus.kernel.documents import did_you_mean
from fiscus.kernel.errors import BadInput, FiscusError, Where
from fiscus.ownership.assign import environment_named
from fiscus.ownership.people import require_live, resolve_team
from fiscus.ownership.types import Person, Team

SPELT: Final = frozenset({"model", "user"})  # of what an AI request says of itself; a key is exactly itself


def settle_intent(ws: Workspace, intent: Intent) -> Asked:
    """The intent with its requester, team, environment, provider, product and service by the names that charges stand under.

    Raises BadInput for a requester, team or environment that nobody knows: it would be covered by no budget and no policy.
    A provider, product or service may be new, so an unknown one stays as it is.
    """
    person = _requester(ws, intent)
    if intent.kind == "ai.request":
        named = {name: ws.rules.spelt(name, str(intent.attributes[name])) for name in SPELT & intent.attributes.keys()}
        intent = replace(intent, attributes={**intent.attributes, **named})
    team = known_team(ws, intent.team) if intent.team else ws.config.directory.teams.get(person.team or "")
    settled = replace(
        intent,
        requested_by=person.id,
        team=team.id if team else "",
        environment=known_environment(ws, intent.environment),
        provider=ws.rules.spelt("provider", canonical_name(intent.provider)),
        product=ws.rules.spelt("product", intent.product.casefold()),
        service=ws.rules.spelt("service", intent.service),
    )
    at, own = ws.clock.now(), ws.config.directory.teams.get(person.team or "")
    return Asked(
        settled,
        person.roles,
        person.team or "",
        team.cost_centre if team else "",
        at,
        requester_cost_centre=own.cost_centre if own else "",
        manager=person.manager or "",
        moment=moment_facts(at, ws.config.company.calendar, ws.config.freezes, settled.environment),
    )


def _requester(ws: Workspace, intent: Intent) -> Person:
    try:
        return require_live(ws.config.directory, intent.requested_by, ws.as_of)
    except FiscusError as unknown:
        raise BadInput(unknown.message, remedy=unknown.remedy, where=Where(key="requested_by")) from None


def known_team(ws: Workspace, given: str) -> Team:
    """The team of this name, by any spelling. Raises BadInput."""
    team = resolve_team(ws.config.directory, given)
    if team is None:
        remedy = did_you_mean(given, list(ws.config.directory.teams))
        raise BadInput(f"{given!r} is no team", remedy=remedy, where=Where(key="team"))
    return team


def known_environment(ws: Workspace, given: str) -> str:
    """As a tag of that text would name it. A company that names no environments anywhere is not asked to. Raises BadInput."""
    known = ws.rules.environments(ws.config.rules)
    named = environment_named(ws.config.rules, given)
    found = known.get(named.casefold(), named)
    if known and found not in known.values():
        remedy = (
            f"{did_you_mean(given, sorted(known.values()))} A new one is named in owners/rules.yaml, under environment."
        )
        raise BadInput(f"{given!r} is no environment", remedy=remedy, where=Where(key="environment"))
    return found
