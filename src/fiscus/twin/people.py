"""The people and teams of the simulated company: a tree of about 40 teams, some people who left."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

GIVEN: Final = tuple(
    "ana tom mei raj lena omar ines kofi yuki paul nora ivan sara juan emma liam zoe adam ruth max".split()
)
FAMILY: Final = tuple(
    "silva reed chen patel braun aziz costa mensah sato moreau berg petrov klein diaz novak hall".split()
)
DIVISIONS: Final = {
    "engineering": "platform data-platform ml-platform search checkout identity mobile web payments-api edge devtools tracing",
    "robotics": "perception motion-control fleet-ops simulation firmware mapping telemetry vision-training",
    "ai-products": "support-assistant agent-runner copilot prompt-lab evaluation knowledge-base voice",
    "business": "finops finance-systems sales-ops marketing-web people-systems procurement legal-tech",
    "security": "detection appsec compliance",
}


@dataclass(frozen=True, slots=True)
class TwinTeam:
    """A team: `tag` is how it is written in bills when someone writes it right."""

    id: str
    division: str | None
    lead: str
    cost_centre: str
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TwinPerson:
    """A person: `left_on` for those who are gone."""

    id: str
    name: str
    team: str
    manager: str | None
    roles: tuple[str, ...]
    left_on: str | None


def make_people(seed: int) -> tuple[list[TwinTeam], list[TwinPerson]]:
    """Divisions, their teams and four people a team; every fourteenth person who leads nothing has left."""
    random = Random(seed)  # noqa: S311 a simulation, no secret
    names = [f"{given}.{family}" for family in FAMILY for given in GIVEN]
    random.shuffle(names)
    fresh = iter(names)
    chief = next(fresh)
    people = [_person(chief, "finops", None, ("cfo",))]
    teams: list[TwinTeam] = []
    for number, (division, members) in enumerate(DIVISIONS.items()):
        head = next(fresh)
        people.append(_person(head, division, chief, ()))
        teams.append(TwinTeam(division, None, head, f"CC-{number + 1}00", ()))
        for position, team in enumerate(members.split()):
            lead = next(fresh)
            roles = {"finops": ("finops",), "finance-systems": ("finance",), "procurement": ("procurement",)}.get(
                team, ()
            )
            people.append(_person(lead, team, head, roles))
            people += [_person(next(fresh), team, lead, ()) for _ in range(3)]
            teams.append(
                TwinTeam(team, division, lead, f"CC-{number + 1}{position + 1:02d}", (team.replace("-", "_"),))
            )
    leads = {team.lead for team in teams}
    gone = [p for p in people if p.id not in leads and not p.roles][::14]
    people = [_person(p.id, p.team, p.manager, p.roles, "2026-06-30") if p in gone else p for p in people]
    return teams, people


def _person(
    name: str, team: str, manager: str | None, roles: tuple[str, ...], left_on: str | None = None
) -> TwinPerson:
    return TwinPerson(name, name.replace(".", " ").title(), team, manager, roles, left_on)
