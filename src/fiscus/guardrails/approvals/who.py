"""Who may say yes to a spend, and who is asked first: by the policies' words, else by who answers for the team that pays."""

from __future__ import annotations

from datetime import date
from typing import Final

from fiscus.guardrails.approvals.types import Approval
from fiscus.kernel.limits import APPROVAL_ROUTED_MAX, CASE_CRITICAL_AMOUNT
from fiscus.ownership.four_eyes import APPROVER_ROLES, Yes, answering, is_live, other_eyes, own_eyes
from fiscus.ownership.types import Directory

FINANCE: Final = ("finance", "cfo")
# Roles that nobody holds in the directory: they follow from the team that pays and from who asks.
LEADS, MANAGERS = "lead", "manager"


def may_approve(approval: Approval, directory: Directory, as_of: date) -> tuple[str, ...]:
    """Everybody who may, the nearest decision-maker first. Those who said yes already are still in it."""
    others = other_eyes(_yes(approval, directory, as_of))
    return tuple(name for name in _ordered(approval, directory, as_of) if name in others)


def still_may(approval: Approval, directory: Directory, as_of: date) -> tuple[str, ...]:
    """The same without those who said yes already."""
    return tuple(name for name in may_approve(approval, directory, as_of) if name not in approval.yes)


def dead_end(approval: Approval, directory: Directory, as_of: date) -> str:
    """Why nobody can let it through as it stands, and what to change, in sentences; empty where enough people may say yes.

    For one that is asked: fewer people may than must. What keeps the others from it is said of those who answer for it.
    """
    missing, able = approval.needed.approvers - len(approval.yes), still_may(approval, directory, as_of)
    if len(able) >= missing:
        return ""
    asked = _yes(approval, directory, as_of)
    others = [why for name in _ordered(approval, directory, as_of) if (why := own_eyes(asked, name)) is not None]
    must = "1 more must" if missing == 1 and approval.yes else f"{missing} must"
    who = f"only {' and '.join(able)} may" if able else "nobody in the directory may"
    because = f" ({'; '.join(others)})" if others else ""
    return (
        f"It cannot be approved as it stands: {must} say yes, and {who}{because}. Name more people or roles in "
        "owners/directory.yaml or in the policy, or have a team own the policy; then ask again."
    )


def refusal(approval: Approval, person_id: str, directory: Directory, as_of: date) -> str | None:
    """Why `person_id` may not say yes to it, as a sentence without its stop; None when they may."""
    if (why := own_eyes(_yes(approval, directory, as_of), person_id)) is not None:
        return why
    if person_id in _ordered(approval, directory, as_of):
        return None
    needed = " or ".join(approval.needed.roles)
    return (
        f"{person_id} has no role of {needed}"
        if needed
        else f"{person_id} does not answer for what {_payer(approval)} pays"
    )


def no_refusal(approval: Approval, person_id: str, directory: Directory, as_of: date) -> str | None:
    """Why `person_id` may not say no to it; None when they may: whoever answers for it, and whoever asked for it.

    A no needs no second pair of eyes: the author of the policy may say it.
    """
    person = directory.people.get(person_id)
    if person is None or not is_live(person, as_of):
        return own_eyes(_yes(approval, directory, as_of), person_id)
    if person_id in {approval.requested_by, *_ordered(approval, directory, as_of)}:
        return None
    return f"{person_id} neither asked for this money nor may approve it"


def route(approval: Approval, directory: Directory, as_of: date) -> tuple[str, ...]:
    """Whom to ask: so many of the nearest as it needs; from a critical amount on, finance as well; never more than a few."""
    able = still_may(approval, directory, as_of)
    asked = list(able[: max(approval.needed.approvers - len(approval.yes), 1)])
    if approval.intent.amount >= CASE_CRITICAL_AMOUNT:
        asked += [name for name in able if set(directory.people[name].roles) & set(FINANCE)][:1]
    return tuple(dict.fromkeys(asked))[:APPROVAL_ROUTED_MAX]


def _ordered(approval: Approval, directory: Directory, as_of: date) -> list[str]:
    roles = approval.needed.roles
    chain = answering(_payer(approval), directory, as_of)
    if not roles:
        return list(dict.fromkeys([*chain, *_holders(FINANCE, directory), *_holders(APPROVER_ROLES, directory)]))
    named = [*(chain if LEADS in roles else ())]
    named += answering(approval.requested_by, directory, as_of) if MANAGERS in roles else ()
    held = _holders(roles, directory)
    near = [name for name in held if name in chain]  # of several holders, those who answer for the team that pays
    return list(dict.fromkeys([*named, *near, *held]))


def _holders(roles: tuple[str, ...], directory: Directory) -> list[str]:
    """Whoever has one of `roles`, in the order of the roles, then of ids."""
    people = sorted(directory.people.values(), key=lambda person: person.id)
    return [person.id for role in roles for person in people if role in person.roles]


def _payer(approval: Approval) -> str:
    return approval.intent.team or approval.requested_by


def _yes(approval: Approval, directory: Directory, as_of: date) -> Yes:
    return Yes("this money", approval.requested_by, approval.authors, directory, as_of)
