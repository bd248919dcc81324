"""Four eyes: who says yes is somebody else than who asked and than who wrote the rule, is still here, and answers for it.

The same for every yes: to an action in the world, and to money that is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from fiscus.ownership.types import Directory, Person

APPROVER_ROLES: Final = ("finops", "finance", "cfo")  # may say yes whoever owns what it is about


@dataclass(frozen=True, slots=True)
class Yes:
    """Something to which a second pair of eyes must say yes. `what` is its name in a sentence: `this action`.

    `authors`: person id -> what they wrote that is behind it: `the policy idle`.
    """

    what: str
    requested_by: str
    authors: Mapping[str, str]
    directory: Directory
    as_of: date


def own_eyes(asked: Yes, person_id: str) -> str | None:
    """Why `person_id` cannot be the second pair of eyes, as a sentence without its stop; None when they can."""
    person = asked.directory.people.get(person_id)
    if person is None:
        return f"{person_id} is not in the directory"
    if not is_live(person, asked.as_of):
        return f"{person_id} left on {person.left_on}"
    if person_id == asked.requested_by:
        return f"{person_id} asked for {asked.what}"
    if (written := asked.authors.get(person_id)) is not None:
        return f"{person_id} wrote {written}"
    return None


def other_eyes(asked: Yes) -> frozenset[str]:
    """Everybody who could be the second pair of eyes, whether they answer for it or not."""
    return frozenset(name for name in asked.directory.people if own_eyes(asked, name) is None)


def answering(owner: str, directory: Directory, as_of: date) -> tuple[str, ...]:
    """Live people who answer for what `owner` (a person, a team, or nobody) owns, the nearest first, each once.

    Team leads upwards and managers upwards. The owner alone does not, unless they lead the team. What nobody owns is answered
    for by the default pool.
    """
    person = directory.people.get(owner)
    if person is not None:
        found = [*_leads(person.team, directory), *_managers(person, directory)]
    else:
        found = [*_leads(owner if owner in directory.teams else directory.default_pool, directory)]
    here = [name for name in found if (one := directory.people.get(name)) is not None and is_live(one, as_of)]
    return tuple(dict.fromkeys(here))


def is_live(person: Person, as_of: date) -> bool:
    """Still here on `as_of`."""
    return person.left_on is None or person.left_on > as_of.isoformat()


def _leads(team_id: str | None, directory: Directory) -> Iterator[str]:
    seen: set[str] = set()
    while team_id is not None and team_id not in seen and (team := directory.teams.get(team_id)) is not None:
        seen.add(team_id)
        yield team.lead
        if (lead := directory.people.get(team.lead)) is not None:
            yield from _managers(lead, directory)
        team_id = team.parent


def _managers(person: Person, directory: Directory) -> Iterator[str]:
    seen = {person.id}
    manager = person.manager
    while manager is not None and manager not in seen:
        seen.add(manager)
        yield manager
        above = directory.people.get(manager)
        manager = above.manager if above is not None else None
