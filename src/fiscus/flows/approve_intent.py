"""Saying yes or no to a spend: by a person who may, to exactly what was shown.

Every way in (command line, API, page, signed link, several at once) comes through here, and is held to the same four eyes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fiscus.flows.link_secret import link_secret
from fiscus.flows.record_approvals import expire_if_due, load_approval, record_approval, refuse_approval
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.approvals.machine import say_no, say_yes
from fiscus.guardrails.approvals.signed_link import check_link, open_link
from fiscus.guardrails.approvals.types import Approval
from fiscus.guardrails.approvals.who import no_refusal, refusal
from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import BadInput, Conflict, FiscusError
from fiscus.kernel.limits import APPROVAL_NOTE_CHARS_MAX


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of one of several that were answered at once: the approval, or why not."""

    approval_id: str
    approval: Approval | None
    error: FiscusError | None


def approve_intent(ws: Workspace, approval_id: str, actor: Actor, note: str = "", shown: str = "") -> Approval:
    """One yes, to the digest `shown` where a page showed one. Approved once enough different people said yes.

    Raises NotFound, NotAllowed (four eyes: says why and who may), Conflict (decided, expired, or not what was shown),
    IntegrityBroken.
    """
    approval = _waiting(ws, approval_id)
    if (
        why := refusal(approval, actor.person_id, ws.config.directory, ws.as_of)
    ) is not None or actor.proof == "system":
        refuse_approval(ws, approval, actor, why or "Fiscus itself approves nothing")
    with ws.state.begin() as tx:
        approval = load_approval(tx, approval_id)
        _check_shown(approval, shown)
        return record_approval(ws, tx, say_yes(approval, actor, ws.clock.now(), _note(note)), actor)


def reject_intent(ws: Workspace, approval_id: str, actor: Actor, note: str = "", shown: str = "") -> Approval:
    """A no, by whoever may say yes, and by whoever asked; as long as nothing was let through. Raises as `approve_intent`."""
    approval = _waiting(ws, approval_id)
    if (why := no_refusal(approval, actor.person_id, ws.config.directory, ws.as_of)) is not None:
        refuse_approval(ws, approval, actor, why)
    with ws.state.begin() as tx:
        approval = load_approval(tx, approval_id)
        _check_shown(approval, shown)
        return record_approval(ws, tx, say_no(approval, actor, ws.clock.now(), _note(note)), actor)


def approve_many(ws: Workspace, approval_ids: Sequence[str], actor: Actor, note: str = "") -> Sequence[Answered]:
    """A yes to each; one that is refused does not stop the next."""
    found = []
    for approval_id in dict.fromkeys(approval_ids):
        try:
            found.append(Answered(approval_id, approve_intent(ws, approval_id, actor, note), None))
        except FiscusError as refused:
            found.append(Answered(approval_id, None, refused))
    return found


def open_approval_link(ws: Workspace, token: str) -> tuple[Approval, Actor]:
    """The approval that a signed link is about and in whose name it speaks; nothing is decided by opening it.

    Raises NotAllowed for a link that is not whole, over, or dead: decided, used, its person gone or not allowed any more.
    """
    link = open_link(link_secret(ws.home), token, ws.clock.now())
    with ws.state.read() as tx:
        approval = load_approval(tx, link.approval_id)
    check_link(link, approval)
    actor = Actor(link.person, "link")
    if (why := refusal(approval, link.person, ws.config.directory, ws.as_of)) is not None:
        refuse_approval(ws, approval, actor, why)
    return approval, actor


def _waiting(ws: Workspace, approval_id: str) -> Approval:
    """As it stands now, its expiry recorded if that is due. Raises NotFound."""
    with ws.state.begin() as tx:
        return expire_if_due(ws, tx, load_approval(tx, approval_id))


def _check_shown(approval: Approval, shown: str) -> None:
    if shown and shown != approval.digest:
        raise Conflict(
            "What is asked is not what the page showed; nothing was done", remedy="Open it again and read it anew."
        )


def _note(note: str) -> str:
    if len(note) > APPROVAL_NOTE_CHARS_MAX:
        raise BadInput(f"The note is longer than {APPROVAL_NOTE_CHARS_MAX:,} characters", remedy="Shorten it.")
    return note.strip()
