"""Tags as people leave them: mostly right, sometimes an alias, wrong case, a wrong key, a leaver's name, or nothing at all.

`Attribution` is the twin's own reading of the rules that it writes to owners/rules.yaml. It is independent of the ownership
room, so that the two can be held against each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from fiscus.ownership.types import UNOWNED, Directory
from fiscus.twin.accounts import AccountRule
from fiscus.twin.line import Account

ENVIRONMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "prod": ("production", "prd", "live"),
    "staging": ("stage", "stg", "preprod"),
    "dev": ("development", "develop"),
    "sandbox": ("sbx", "poc"),
}
TEAM_TAGS: Final = ("team", "Team")
ENVIRONMENT_TAGS: Final = ("environment", "env", "Environment")
PRODUCT_TAGS: Final = ("product", "app")
OWNER_TAG: Final = "owner"
STRANGERS: Final = ("atlas", "legacy-crm", "tiger-team")  # teams that nobody remembers


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who the workspace's rules give a line to: team tag, owner tag, then the account's rule."""

    directory: Directory
    rules: Sequence[AccountRule]

    def seen(self, source: str, account: Account, tags: Mapping[str, str] | None) -> tuple[str, str, str]:
        """(team, environment, product); 'unowned' and 'unknown' where nothing says."""
        held = tags or {}
        environment = _environment(next((held[key] for key in ENVIRONMENT_TAGS if held.get(key)), ""))
        product = next((held[key].lower() for key in PRODUCT_TAGS if held.get(key)), "unknown")
        for key in TEAM_TAGS:
            if (team := self._team(held.get(key, ""))) is not None:
                return team, environment, product
        if person := self.directory.people.get(held.get(OWNER_TAG, "").lower()):
            return person.team or UNOWNED, environment, product
        for rule in self.rules:
            if rule.source == source and rule.account in {account.id, account.name}:
                return rule.team, rule.environment or environment, rule.product or product
        return UNOWNED, environment, product

    def _team(self, spelling: str) -> str | None:
        for team in self.directory.teams.values():
            if spelling.lower() in {name.lower() for name in (team.id, team.name, *team.aliases)}:
                return team.id
        return None


def _environment(spelling: str) -> str:
    return next(
        (name for name, others in ENVIRONMENTS.items() if spelling.lower() in {name, *others}),
        spelling.lower() or "unknown",
    )


@dataclass(frozen=True, slots=True)
class Tagger:
    """Gives each resource the tags that its team left on it. `share` of resources have something wrong."""

    directory: Directory
    attribution: Attribution
    share: float = 0.18

    def tags(self, place: tuple[str, str, str], name: str, rng: np.random.Generator) -> dict[str, str] | None:
        """Tags for (team, environment, product); `name` becomes a Name tag."""
        team, environment, product = place
        unit = self.directory.teams[team]
        tags = {
            "Name": name,
            "team": team,
            "environment": environment,
            "product": product,
            "cost-centre": unit.cost_centre,
        }
        draw, pick = rng.random(), rng.random()
        if draw > self.share:
            return tags
        people = [p for p in self.directory.people.values() if p.team == team]
        kind = int(draw / self.share * 9)
        return _spoil(tags, kind, pick, (unit.aliases or (team.upper(),), [p.id for p in people]))


def _spoil(
    tags: dict[str, str], kind: int, pick: float, known: tuple[Sequence[str], Sequence[str]]
) -> dict[str, str] | None:
    aliases, people = known
    team, environment = tags["team"], tags["environment"]
    wrong = {"prod": "Production", "staging": "stg", "dev": "development"}.get(environment, environment)
    changes: tuple[dict[str, str | None], ...] = (
        {"team": aliases[int(pick * len(aliases))]},
        {"team": team.upper()},
        {"environment": wrong},
        {"environment": None, "env": wrong},
        {"team": None, OWNER_TAG: people[int(pick * len(people))]},
        {"team": None, "Team": team.title()},
        {"team": STRANGERS[int(pick * len(STRANGERS))]},
        {"team": None, "cost-centre": None},
    )
    if kind >= len(changes):
        return None
    spoiled = {**tags, **changes[kind]}
    return {key: value for key, value in spoiled.items() if value is not None}
