"""Who answers: a name found in a rule or a tag, resolved to a live person.

A person who left hands over to the manager, and so on up; then to the team's lead, then to the lead of the parent team.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from fiscus.kernel.documents import did_you_mean
from fiscus.kernel.errors import NotFound
from fiscus.ownership.types import Directory, Person, Team


@dataclass(frozen=True, slots=True)
class Answerable:
    """A live person and the team for which they answer."""

    person: Person
    team: Team


def live_person(directory: Directory, person_id: str | None, as_of: date) -> Person | None:
    """The person, or the first one up the manager chain who is still here on `as_of`."""
    seen: set[str] = set()
    while person_id and person_id not in seen and (person := directory.people.get(person_id)):
        if person.left_on is None or person.left_on > as_of.isoformat():
            return person
        seen.add(person_id)
        person_id = person.manager
    return None


def lead_of(directory: Directory, team_id: str | None, as_of: date) -> Person | None:
    """The live lead of the team, or of the first parent team that has one."""
    seen: set[str] = set()
    while team_id and team_id not in seen and (team := directory.teams.get(team_id)):
        if (person := live_person(directory, team.lead, as_of)) is not None:
            return person
        seen.add(team_id)
        team_id = team.parent
    return None


def resolve_team(directory: Directory, spelling: str) -> Team | None:
    """A team by id, name or alias, whatever the case."""
    return _spellings(directory).get(spelling.strip().casefold())


def team_spellings(directory: Directory) -> dict[str, str]:
    """Every spelling of a team (id, name, alias), in lower case, to its id."""
    return {spelling: team.id for spelling, team in _spellings(directory).items()}


def resolve_person(directory: Directory, spelling: str) -> Person | None:
    """A person by id or mail address, whatever the case."""
    wanted = spelling.strip().casefold()
    return next((p for p in directory.people.values() if wanted in {p.id.casefold(), p.email.casefold()}), None)


def answerable(directory: Directory, owner: str | None, team: str | None, as_of: date) -> Answerable | None:
    """Who answers for a thing that a rule gave to `owner` (spelling) and/or `team` (spelling); None: it resolves to nobody."""
    named_team = resolve_team(directory, team) if team else None
    named = resolve_person(directory, owner) if owner else None
    if (owner and named is None) or (team and named_team is None):
        return None
    home = named_team or (directory.teams.get(named.team) if named and named.team else None)
    if home is None:
        return None
    person = (live_person(directory, named.id, as_of) if named else None) or lead_of(directory, home.id, as_of)
    return Answerable(person, home) if person else None


def require_live(directory: Directory, person_id: str, as_of: date) -> Person:
    """The person who says that they act. Raises NotFound for a name that is nobody, or somebody who left."""
    person = directory.people.get(person_id)
    live = [p.id for p in directory.people.values() if p.left_on is None or p.left_on > as_of.isoformat()]
    if person is None:
        raise NotFound(
            f"Nobody is called {person_id!r}",
            remedy=did_you_mean(person_id, live) if len(live) < 12 else _near(person_id, live),
        )
    if person.id not in live:
        raise NotFound(f"{person.name} left on {person.left_on}", remedy="Someone who is still here must act.")
    return person


def _near(name: str, known: list[str]) -> str:
    text = did_you_mean(name, known)
    return text if text.startswith("Did") else "owners/directory.yaml lists everybody."


def _spellings(directory: Directory) -> dict[str, Team]:
    table: dict[str, Team] = {}
    for team in directory.teams.values():
        for spelling in (team.id, team.name, *team.aliases):
            table.setdefault(spelling.casefold(), team)
    return table
