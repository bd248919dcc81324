"""What a person may be shown: everything for those who keep the company's books, else the teams that they belong to or lead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fiscus.ownership.types import Directory, Person

SEES_EVERYTHING: Final = frozenset({"finops", "finance", "cfo", "auditor"})


@dataclass(frozen=True, slots=True)
class Sight:
    """`teams` None: everything, what nobody owns included."""

    person_id: str
    teams: frozenset[str] | None

    def sees(self, team: str) -> bool:
        """Whether what this team pays may be shown."""
        return self.teams is None or team in self.teams


def sight_of(directory: Directory, person: Person) -> Sight:
    """Their own team, the teams that they lead, and every team inside those."""
    if SEES_EVERYTHING & set(person.roles):
        return Sight(person.id, None)
    seen = {team.id for team in directory.teams.values() if team.lead == person.id or team.id == person.team}
    while grown := {team.id for team in directory.teams.values() if team.parent in seen} - seen:
        seen |= grown
    return Sight(person.id, frozenset(seen))
