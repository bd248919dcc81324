"""Who may approve an action: never who asked for it, never who wrote its policy, always somebody who answers for its targets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from fiscus.actions.types import Action, Refusal
from fiscus.ownership.four_eyes import APPROVER_ROLES, Yes, answering, other_eyes, own_eyes
from fiscus.ownership.types import Directory


@dataclass(frozen=True, slots=True)
class Approval:
    """The question: who may approve `action` on the day `as_of`? `policy_owner` (person or team) wrote the policy behind it."""

    action: Action
    policy_owner: str
    directory: Directory
    as_of: date


def refusal(asked: Approval, person_id: str) -> Refusal | None:
    """Why `person_id` may not approve, or None when they may."""
    who = f"May approve: {', '.join(may_approve(asked)) or 'nobody in the directory'}."
    if (why := own_eyes(_yes(asked), person_id)) is not None:
        return Refusal("four_eyes", why, who)
    if not set(asked.directory.people[person_id].roles) & set(APPROVER_ROLES):
        targets = asked.action.plan.targets
        strangers = [t.id for t in targets if person_id not in answering(t.owner, asked.directory, asked.as_of)]
        if strangers or not targets:
            return Refusal("four_eyes", f"{person_id} does not answer for {', '.join(strangers) or 'it'}", who)
    return None


def may_approve(asked: Approval) -> tuple[str, ...]:
    """Every live person who may approve, in order of their ids."""
    others = other_eyes(_yes(asked))
    by_role = {p for p in others if set(asked.directory.people[p].roles) & set(APPROVER_ROLES)}
    chains = [set(answering(t.owner, asked.directory, asked.as_of)) for t in asked.action.plan.targets]
    by_target = set.intersection(*chains) & others if chains else set()
    return tuple(sorted(by_role | by_target))


def _yes(asked: Approval) -> Yes:
    authors = {asked.policy_owner: f"the policy {asked.action.plan.policy_id}"}
    return Yes("this action", asked.action.requested_by, authors, asked.directory, asked.as_of)
