"""Who may approve an action: never who asked for it, never who wrote its policy, always somebody who answers for its targets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from fiscus.actions.types import Action, Refusal
from fiscus.ownership.types import Directory, Person

APPROVER_ROLES: Final = ("finops", "finance", "cfo")


@dataclass(frozen=True, slots=True)
class Approval:
    """The question: who may approve `action` on the day `as_of`? `policy_owner` (person or team) wrote the policy behind it."""

    action: Action
    policy_owner: str
    directory: Directory
    as_of: date


def refusal(asked: Approval, person_id: str) -> Refusal | None:
    """Why `person_id` may not approve, or None when they may."""
    people = asked.directory.people
    person = people.get(person_id)
    who = f"May approve: {', '.join(may_approve(asked)) or 'nobody in the directory'}."
    if person is None:
        return Refusal("four_eyes", f"{person_id} is not in the directory", who)
    if not is_live(person, asked.as_of):
        return Refusal("four_eyes", f"{person_id} left on {person.left_on}", who)
    if person_id == asked.action.requested_by:
        return Refusal("four_eyes", f"{person_id} asked for this action", who)
    if person_id == asked.policy_owner:
        return Refusal("four_eyes", f"{person_id} wrote the policy {asked.action.plan.policy_id}", who)
    if not set(person.roles) & set(APPROVER_ROLES):
        strangers = [t.id for t in asked.action.plan.targets if person_id not in answering(t.owner, asked)]
        if strangers or not asked.action.plan.targets:
            return Refusal("four_eyes", f"{person_id} does not answer for {', '.join(strangers) or 'it'}", who)
    return None


def may_approve(asked: Approval) -> tuple[str, ...]:
    """Every live person who may approve, in order of their ids."""
    excluded = {asked.action.requested_by, asked.policy_owner}
    live = {person.id for person in asked.directory.people.values() if is_live(person, asked.as_of)} - excluded
    by_role = {p for p in live if set(asked.directory.people[p].roles) & set(APPROVER_ROLES)}
    chains = [answering(target.owner, asked) for target in asked.action.plan.targets]
    by_target = set.intersection(*chains) & live if chains else set()
    return tuple(sorted(by_role | by_target))


def answering(owner: str, asked: Approval) -> set[str]:
    """Live people who answer for what `owner` (a person, a team, or nobody) owns: team leads upwards and managers upwards.

    The owner alone does not, unless they lead the team. Nobody's things are answered for by the default pool.
    """
    directory = asked.directory
    person = directory.people.get(owner)
    if person is not None:
        found = {*_leads(person.team, directory), *_managers(person, directory)}
    else:
        found = set(_leads(owner if owner in directory.teams else directory.default_pool, directory))
    return {name for name in found if (p := directory.people.get(name)) is not None and is_live(p, asked.as_of)}


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
