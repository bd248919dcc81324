"""What people are told about an approval: the question by mail and signed webhook, and to who asked, what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fiscus.guardrails.approvals.types import Approval
from fiscus.kernel.canonical import to_json
from fiscus.kernel.limits import NOTICE_SUBJECT_CHARS_MAX
from fiscus.kernel.money import display
from fiscus.ownership.case_notices import one_line
from fiscus.ownership.types import Directory, Notice, Person

ROUTE: Final = "approvals"  # where webhook notices go, for a receiver that takes several kinds
LINK_PLACE: Final = "{the signed link}"  # filled in when the mail is sent: a link is never stored


@dataclass(frozen=True, slots=True)
class Told:
    """An approval as it stands, the directory, and everybody who may say yes."""

    approval: Approval
    directory: Directory
    may: tuple[str, ...]


def question_mail(told: Told, person_id: str) -> Notice:
    """To one person who may say yes. Its link is put in its place by whoever sends it."""
    approval, person = told.approval, told.directory.people[person_id]
    key = f"email|{approval.id}|asked|{person_id}"
    return Notice(key, "email", person.email, _subject("Approve or reject", approval), _question(told, person), {
        "event": "approval.asked", "approval": approval.id, "person": person_id, "link": True,
    })  # fmt: skip


def answer_mail(told: Told) -> Notice | None:
    """To who asked: approved, rejected or expired. None while it still waits, and where there is nobody to tell."""
    approval = told.approval
    person = told.directory.people.get(approval.requested_by)
    if person is None or approval.state not in {"approved", "rejected", "expired"}:
        return None
    last = approval.steps[-1]
    purchase = approval.intent.attributes.get("purchase")  # one of the register goes on by itself
    how = f"fiscus purchases show {purchase}" if purchase else f"fiscus decide INTENT.json --approval {approval.id}"
    goes_on = " It goes on by itself; what became of it" if purchase else ""
    words = {
        "approved": f"It was approved by {' and '.join(approval.yes)}. It lets exactly this through, once, until "
        f"{approval.expires_at:%d %b %Y %H:%M} UTC{'.' if purchase else ''}{goes_on}:\n\n  {how}\n",
        "rejected": f"It was rejected by {last.actor}: {last.note}\n",
        "expired": "Nobody said yes in time. Ask again if you still need it: "
        f"`fiscus {'request' if purchase else 'decide'}`.\n",
    }
    lines = [f"Dear {person.name},", "", *what(approval), "", words[approval.state]]
    key = f"email|{approval.id}|{approval.state}|{len(approval.steps)}"
    subject = _subject(approval.state.capitalize(), approval)
    data = {"event": f"approval.{approval.state}", "approval": approval.id, "person": person.id}
    return Notice(key, "email", person.email, subject, "\n".join(lines), data)


def hook(told: Told) -> Notice:
    """The newest step for machines. Never a link: a webhook is no person."""
    approval = told.approval
    step = approval.steps[-1]
    data = {
        "event": f"approval.{step.kind}", "approval": approval.id, "state": approval.state, "decision": approval.decision_id,
        "kind": approval.intent.kind, "amount": approval.intent.amount, "currency": approval.intent.currency,
        "team": approval.intent.team, "requested_by": approval.requested_by, "expires_at": approval.expires_at,
        "may_approve": list(told.may), "yes": list(approval.yes), "digest": approval.digest, "by": step.actor, "note": step.note,
    }  # fmt: skip
    key = f"webhook|{approval.id}|{len(approval.steps)}|{step.kind}"
    return Notice(key, "webhook", ROUTE, _subject(f"Approval {step.kind}", approval), "\n".join(what(approval)), data)


def effect(approval: Approval) -> str:
    """What it lets happen, in words: `a marketplace purchase of VectorForge Enterprise Index from VectorForge Inc.`."""
    intent = approval.intent
    names = [intent.attributes.get(name) for name in ("model", "size", "resource_type")]
    given = [names[0], intent.service, *names[1:], intent.product]
    thing = next((str(name) for name in given if name), "")
    seller = str(intent.attributes.get("vendor") or intent.provider)
    words = intent.kind.replace(".", " ").replace("_", " ").replace("ai ", "AI ").replace("saas ", "SaaS ")
    words = f"{'an' if words[0] in 'aeiouA' else 'a'} {words}"
    return words + (f" of {thing}" if thing else "") + (f" from {seller}" if seller else "")


def what(approval: Approval) -> list[str]:
    """What exactly is asked, line by line."""
    intent = approval.intent
    rows = {
        "Asked for": effect(approval),
        "At most": f"{display(intent.amount)} {intent.currency}",
        "Asked by": f"{approval.requested_by}, on {approval.requested_at:%d %b %Y %H:%M} UTC",
        "For": ", ".join(part for part in (intent.team, intent.environment, approval.cost_centre) if part),
        **{name.replace("_", " ").capitalize(): _value(value) for name, value in sorted(intent.attributes.items())},
    }
    width = max(len(name) for name in rows)
    return [f"{name + ':':<{width + 1}} {value}" for name, value in rows.items() if value]


def why(approval: Approval) -> list[str]:
    """Why it needs a yes, and what would be left of each budget."""
    lines = [f"- {reason}" for reason in approval.reasons]
    for row in approval.headroom:
        after = f"{display(row.after)} {row.currency} after it"
        lines.append(f"- {row.budget_id} ({row.period_label}): {display(row.headroom)} {row.currency} left, {after}")
    return lines


def _question(told: Told, person: Person) -> str:
    approval = told.approval
    needed, others = approval.needed.approvers, [name for name in told.may if name != person.id]
    money = f"{display(approval.intent.amount)} {approval.intent.currency}"
    eyes = f"{needed} different people must say yes. " if needed > 1 else ""
    return "\n".join([
        f"Dear {person.name},", "",
        f"{approval.requested_by} asks for your yes or no to {money}, for {effect(approval)}", "",
        *what(approval), "",
        "Why it needs a yes:", *why(approval), "",
        f"Until {approval.expires_at:%d %b %Y %H:%M} UTC. {eyes}A yes is for exactly this, once.",
        f"May say yes as well: {', '.join(others) or 'nobody'}.", "",
        "Read it, then say yes or no on this page (opening it decides nothing; do not pass it on, it is yours):", "",
        f"  {LINK_PLACE}", "",
        "or:", "",
        f"  fiscus approve {approval.id} --as {person.id}",
        f'  fiscus reject {approval.id} --as {person.id} --note "why not"', "",
        f"What is bound: {approval.digest}", "",
    ])  # fmt: skip


def _subject(lead: str, approval: Approval) -> str:
    money = f"{display(approval.intent.amount)} {approval.intent.currency}"
    text = f"{lead}: {money} for {effect(approval)}, asked by {approval.requested_by}"
    return one_line(text)[:NOTICE_SUBJECT_CHARS_MAX]


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={item}" for name, item in sorted(value.items()))
    return one_line(str(to_json(value)))
