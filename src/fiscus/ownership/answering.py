"""Who answers for a case on each rung of the ladder: always a live person, always with the reason why.

Owner: the person or team named, or who took over from them. Manager: the next live person above. Finance: the finance role.
Where nobody is left on the way, the finance role answers, then the lead of the default pool.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from fiscus.kernel.errors import BadConfig, NotAllowed, NotFound, Where
from fiscus.ownership.people import lead_of, live_person, require_live, resolve_team
from fiscus.ownership.types import UNOWNED, Case, Directory, Person

FINANCE_ROLES: Final = ("finance", "cfo")  # in the order in which they are looked for
ACTING_ROLES: Final = frozenset({"finops", "finance", "cfo"})  # may act on any case


@dataclass(frozen=True, slots=True)
class Answer:
    """A live person, and why it is them, as a phrase: `leads ml-platform`."""

    person: Person
    why: str


def owner_answer(directory: Directory, owner: str, as_of: date) -> Answer:
    """Who answers for `owner`, a person id, a team id or `unowned`. Raises BadConfig when nobody at all is left."""
    if (person := directory.people.get(owner)) is not None:
        found = _for_person(directory, person, as_of)
    elif owner != UNOWNED and (team := resolve_team(directory, owner)) is not None:
        lead = lead_of(directory, team.id, as_of)
        found = Answer(lead, f"{'leads' if lead.id == team.lead else 'answers for'} {team.id}") if lead else None
    else:
        said = "nobody owns it" if owner == UNOWNED else f"nobody is called {owner!r}"
        return _pool_answer(directory, said, as_of) or _last_answer(directory, said, None, as_of)
    return found or _last_answer(directory, f"nobody of {owner} is left", None, as_of)


def manager_answer(directory: Directory, person_id: str, as_of: date) -> Answer | None:
    """The next live person above `person_id`; None: there is nobody, so finance is next."""
    person = directory.people.get(person_id)
    above = live_person(directory, person.manager, as_of) if person else None
    if person is None or above is None or above.id == person_id:
        return None
    direct = above.id == person.manager
    return Answer(above, f"{'manages' if direct else 'is the next above'} {person.name}")


def finance_answer(directory: Directory, person_id: str, as_of: date) -> Answer:
    """Finance, if possible somebody else than `person_id`. Raises BadConfig when nobody at all is left."""
    return _last_answer(directory, "finance is the last rung", person_id, as_of)


def may_act(directory: Directory, case: Case, person_id: str, as_of: date) -> Person:
    """The person, who may act on `case`: assignee, owner, anybody above either, finops and finance. Raises NotAllowed."""
    try:
        person = require_live(directory, person_id, as_of)
    except NotFound as unknown:
        raise NotAllowed(unknown.message, remedy=unknown.remedy) from None
    owner = owner_answer(directory, case.subject.owner, as_of).person.id
    chain = {
        case.subject.owner,
        *_with_those_above(directory, case.assignee),
        *_with_those_above(directory, owner),
    }
    if person.id in chain or ACTING_ROLES & set(person.roles):
        return person
    raise NotAllowed(
        f"{person.name} is neither the assignee of {case.id} nor above, and has no finops or finance role",
        remedy=f"Ask {case.assignee}, who has it now.",
    )


def is_here(directory: Directory, person_id: str, as_of: date) -> bool:
    """Whether this very person is still here."""
    person = live_person(directory, person_id, as_of)
    return person is not None and person.id == person_id


def _for_person(directory: Directory, person: Person, as_of: date) -> Answer | None:
    live = live_person(directory, person.id, as_of)
    if live is not None and live.id == person.id:
        return Answer(person, "owns it")
    said = f"{person.name} left on {person.left_on}"
    if live is not None:
        return Answer(live, f"{said}; is the next above")
    lead = lead_of(directory, person.team, as_of)
    return Answer(lead, f"{said}; answers for {person.team}") if lead else None


def _pool_answer(directory: Directory, said: str, as_of: date) -> Answer | None:
    lead = lead_of(directory, directory.default_pool, as_of)
    return Answer(lead, f"{said}; leads the default pool {directory.default_pool}") if lead else None


def _last_answer(directory: Directory, said: str, other_than: str | None, as_of: date) -> Answer:
    """Finance, then the default pool's lead, then FinOps."""
    for role in FINANCE_ROLES:
        holders = [p for p in _with_role(directory, role, as_of) if p.id != other_than]
        if holders:
            return Answer(holders[0], f"{said}; has the role {role}")
    if (pool := _pool_answer(directory, said, as_of)) is not None:
        return pool
    for role in (*FINANCE_ROLES, "finops"):
        for person in _with_role(directory, role, as_of):
            return Answer(person, f"{said}; has the role {role}")
    raise BadConfig(
        f"Nobody is left to answer for a case: {said}, no finance or finops role, no lead of {directory.default_pool}",
        remedy="Name a lead of the default pool who is still here.",
        where=Where(file="owners/directory.yaml"),
    )


def _with_role(directory: Directory, role: str, as_of: date) -> list[Person]:
    holders = [p for p in directory.people.values() if role in p.roles and is_here(directory, p.id, as_of)]
    return sorted(holders, key=lambda person: person.id)


def _with_those_above(directory: Directory, person_id: str) -> Iterator[str]:
    seen: set[str] = set()
    above: str | None = person_id
    while above and above not in seen:
        yield above
        seen.add(above)
        person = directory.people.get(above)
        above = person.manager if person else None
