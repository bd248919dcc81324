"""Who and what an intent names, in the words of the bills: another spelling of `staging` or `Anthropic` gets around no cap.

A company asks about the same few hundred combinations of names all day, and looking one up reads the directory, the owners' rules
and the budgets. So each is looked up once a day, and what is refused is looked up, and refused, each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from fiscus.cost.providers import canonical_name
from fiscus.guardrails.decisions.rules import Rules
from fiscus.guardrails.types import Intent
from fiscus.kernel.documents import did_you_mean
from fiscus.kernel.errors import BadInput, FiscusError, Where
from fiscus.ownership.assign import environment_named
from fiscus.ownership.people import require_live, resolve_person, resolve_team
from fiscus.ownership.types import Directory, OwnershipRules, Person, Team

KEPT_MAX: Final = 10_000
_PEOPLE: Final = frozenset({"intent.requested_by", "requester.id", "requester.manager"})


@dataclass(frozen=True, slots=True)
class Named:
    """The names under which charges stand, and the directory's word on who asks and on the team that pays."""

    requested_by: str
    team: str
    environment: str
    provider: str
    product: str
    service: str
    roles: tuple[str, ...]
    requester_team: str
    cost_centre: str
    requester_cost_centre: str
    manager: str


class KnownNames:
    """The names of one configuration. Safe between threads: what it keeps follows from what it was made of."""

    def __init__(self, directory: Directory, names: OwnershipRules, rules: Rules) -> None:
        self._directory = directory
        self._names = names
        self._rules = rules
        self._kept: dict[tuple[object, ...], Named] = {}

    def of(self, intent: Intent, day: date) -> Named:
        """What `intent` names on `day`. Raises BadInput for a requester, team or environment that nobody knows."""
        asked = (
            intent.requested_by, intent.team, intent.environment, intent.provider, intent.product, intent.service, day,
        )  # fmt: skip
        if (known := self._kept.get(asked)) is None:
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            known = self._kept[asked] = self._look_up(intent, day)
        return known

    def _look_up(self, intent: Intent, day: date) -> Named:
        person, rules = self._requester(intent, day), self._rules
        own = self._directory.teams.get(person.team or "")
        team = self.team(intent.team) if intent.team else own
        return Named(
            requested_by=person.id,
            team=team.id if team else "",
            environment=self.environment(intent.environment),
            provider=self._provider(intent.provider),
            product=rules.spelt("product", intent.product.casefold()),
            service=rules.spelt("service", intent.service),
            roles=person.roles,
            requester_team=person.team or "",
            cost_centre=team.cost_centre if team else "",
            requester_cost_centre=own.cost_centre if own else "",
            manager=person.manager or "",
        )

    def _requester(self, intent: Intent, day: date) -> Person:
        try:
            return require_live(self._directory, intent.requested_by, day)
        except FiscusError as unknown:
            raise BadInput(unknown.message, remedy=unknown.remedy, where=Where(key="requested_by")) from None

    def as_named(self, fact: str, text: str) -> str:
        """What the fact says of whoever names it `text`; `text` for facts that are no names. Raises BadInput as `of` does."""
        root, _, name = fact.partition(".")
        if name == "environment":
            return self.environment(text)
        if name == "team":
            return self.team(text).id
        if fact in _PEOPLE:
            person = resolve_person(self._directory, text)
            return person.id if person else text
        if name == "provider":
            return self._provider(text) if root == "intent" else canonical_name(text)
        if fact == "intent.product":
            return self._rules.spelt("product", text.casefold())
        if fact == "intent.service":
            return self._rules.spelt("service", text)
        return text

    def _provider(self, given: str) -> str:
        return self._rules.spelt("provider", canonical_name(given))

    def team(self, given: str) -> Team:
        """The team of this name, by any spelling. Raises BadInput."""
        team = resolve_team(self._directory, given)
        if team is None:
            remedy = did_you_mean(given, list(self._directory.teams))
            raise BadInput(f"{given!r} is no team", remedy=remedy, where=Where(key="team"))
        return team

    def environment(self, given: str) -> str:
        """As a tag of that text would name it. A company that names no environments anywhere is not asked to. Raises BadInput."""
        known = self._rules.environments(self._names)
        named = environment_named(self._names, given)
        found = known.get(named.casefold(), named)
        if known and found not in known.values():
            if not given:
                remedy = f"Say which: {', '.join(sorted(known.values()))}."
                raise BadInput("No environment is named", remedy=remedy, where=Where(key="environment"))
            near = did_you_mean(given, sorted(known.values()))
            remedy = f"{near} A new one is named in owners/rules.yaml, under environment."
            raise BadInput(f"{given!r} is no environment", remedy=remedy, where=Where(key="environment"))
        return found
