"""What a person is told about a case: one mail a case, or one for many; and the same as data for a webhook."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from fiscus.kernel.canonical import digest
from fiscus.kernel.limits import NOTICE_CASES_SHOWN_MAX, NOTICE_SUBJECT_CHARS_MAX, NOTICES_APART_MAX
from fiscus.kernel.money import ZERO, display, total
from fiscus.ownership.case_machine import Rota, next_rung
from fiscus.ownership.case_severity import SEVERITIES
from fiscus.ownership.types import Case, CaseEvent, Notice

ROUTE: Final = "cases"  # where webhook notices go, for a receiver that takes several kinds
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_TELLING: Final = frozenset({"opened", "escalated", "reopened"})
_LEAD: Final[Mapping[str, str]] = {
    "opened": "New case",
    "escalated": "Gone up to you",
    "reopened": "Open again",
    "updated": "News of your case",
}


@dataclass(frozen=True, slots=True)
class Told:
    """A case as it stands after something happened to it, and what that was."""

    case: Case
    event: CaseEvent

    @property
    def key(self) -> str:
        """The same for the same step of the same case, whoever tells it."""
        return f"{self.case.id}|{len(self.case.history)}|{self.event.kind}"


def must_be_told(before: Case | None, after: Case) -> bool:
    """Whether the assignee must hear of it: it is theirs now, or worse than they know, even when they have it in hand."""
    if after.state == "closed":
        return False
    news = after.history[len(before.history) if before else 0 :]
    worse = before is not None and SEVERITIES.index(after.subject.severity) > SEVERITIES.index(before.subject.severity)
    handed = before is not None and before.assignee != after.assignee and after.state == "open"
    return worse or handed or any(event.kind in _TELLING for event in news)


def mails(told: Sequence[Told], rota: Rota) -> list[Notice]:
    """One mail for each, to its assignee; one digest instead for a person with more than NOTICES_APART_MAX."""
    by_person: dict[str, list[Told]] = {}
    for one in told:
        by_person.setdefault(one.case.assignee, []).append(one)
    notices: list[Notice] = []
    for person_id, theirs in sorted(by_person.items()):
        ordered = sorted(theirs, key=_order)
        to = rota.directory.people[person_id].email
        if len(ordered) > NOTICES_APART_MAX:
            notices.append(_digest_mail(ordered, person_id, to, rota))
        else:
            notices += [_mail(one, to, rota) for one in ordered]
    return notices


def hooks(told: Sequence[Told], rota: Rota) -> list[Notice]:
    """The same for machines: one notice a step, one for all when there are more than NOTICES_APART_MAX."""
    ordered = sorted(told, key=_order)
    if len(ordered) > NOTICES_APART_MAX:
        key = f"webhook|digest|{digest([one.key for one in ordered])[:32]}"
        data = {"event": "digest", "cases": [_data(one, rota) for one in ordered]}
        return [Notice(key, "webhook", ROUTE, _digest_subject(ordered), _listing(ordered), data)]
    return [
        Notice(f"webhook|{one.key}", "webhook", ROUTE, _subject(one), _body(one, rota), _data(one, rota))
        for one in ordered
    ]


def _mail(one: Told, to: str, rota: Rota) -> Notice:
    data = {"person": one.case.assignee, **_data(one, rota)}
    return Notice(f"email|{one.key}", "email", to, _subject(one), _body(one, rota), data)


def _digest_mail(ordered: Sequence[Told], person_id: str, to: str, rota: Rota) -> Notice:
    person = rota.directory.people[person_id]
    first_due = min((s.at for one in ordered if (s := next_rung(one.case, rota))), default=None)
    lines = [
        f"Dear {person.name},",
        "",
        f"{len(ordered)} cases wait for you, the most urgent and largest first.",
        "",
        _listing(ordered),
        "",
        "Look into each, then say that you have it in hand, for example:",
        "",
        f"  fiscus case ack {ordered[0].case.id} --as {person_id}",
        "",
        "`fiscus cases` lists all of them."
        + (f" The first goes up on {first_due:%d %b %Y %H:%M} UTC." if first_due else ""),
    ]
    key = f"email|digest|{person_id}|{digest([one.key for one in ordered])[:32]}"
    named = [_data(one, rota) for one in ordered[:NOTICE_CASES_SHOWN_MAX]]
    data = {"event": "digest", "person": person_id, "count": len(ordered), "cases": named}
    return Notice(key, "email", to, _digest_subject(ordered), "\n".join(lines) + "\n", data)


def _subject(one: Told) -> str:
    severity = one.case.subject.severity
    lead = _LEAD.get(one.event.kind, one.event.kind.capitalize())
    return one_line(f"{lead} ({severity}): {one.case.subject.title}")


def _digest_subject(ordered: Sequence[Told]) -> str:
    return one_line(f"{len(ordered)} cases over {_sums(ordered)}: {ordered[0].case.subject.title}")


def _sums(ordered: Sequence[Told]) -> str:
    """Each currency by itself; different currencies are never added."""
    subjects = [one.case.subject for one in ordered]
    currencies = sorted({subject.currency for subject in subjects if subject.amount != ZERO})
    sums = [(total([s.amount for s in subjects if s.currency == currency]), currency) for currency in currencies]
    return ", ".join(f"{display(amount)} {currency}" for amount, currency in sums) or "no money yet"


def _body(one: Told, rota: Rota) -> str:
    """What, since when, how much, what to do, and what happens otherwise."""
    case, subject = one.case, one.case.subject
    person = rota.directory.people.get(case.assignee)
    lines = [
        f"Dear {person.name if person else case.assignee},",
        "",
        f"{subject.title}",
        *([subject.detail] if subject.detail else []),
        "",
        f"Case:      {case.id}, {subject.severity}, {case.state}, opened on {case.opened_at:%d %b %Y %H:%M} UTC",
        *([f"Since:     {since:%d %b %Y}"] if (since := _first_day(case)) else []),
        f"At stake:  {display(subject.amount)} {subject.currency}",
        f"Why you:   {one.event.note or one.event.kind}",
        "",
    ]
    if case.state == "closed":
        return "\n".join([*lines, f"Nothing is to be done: {one.event.actor} closed it."]) + "\n"
    if case.state == "acknowledged":
        lines += [f"{case.assignee} has it in hand. When it is settled:", ""]
        return "\n".join([*lines, f"  fiscus case close {case.id} --as {case.assignee}"]) + "\n"
    lines += [
        "Look into it, then say that you have it in hand, or that it is settled:",
        "",
        f"  fiscus case ack {case.id} --as {case.assignee}",
        f"  fiscus case close {case.id} --as {case.assignee}",
        "",
        _otherwise(case, rota),
    ]
    return "\n".join(lines) + "\n"


def _first_day(case: Case) -> date | None:
    """The day from which what it is about was seen, where that is known."""
    known = case.subject.evidence.get("first_seen") or case.subject.evidence.get("start")
    return known if isinstance(known, date) else None


def _otherwise(case: Case, rota: Rota) -> str:
    step = next_rung(case, rota)
    if step is None:
        return "This is the last rung: it stays with you until it is acknowledged or closed."
    return f"Otherwise it goes up to {step.answer.person.name} ({step.level}) on {step.at:%d %b %Y %H:%M} UTC."


def _listing(ordered: Sequence[Told]) -> str:
    shown = ordered[:NOTICE_CASES_SHOWN_MAX]
    lines = [f"- {one.case.id} ({one.case.subject.severity}) {one.case.subject.title}" for one in shown]
    if rest := ordered[NOTICE_CASES_SHOWN_MAX:]:
        lines.append(f"- and {len(rest)} more over {_sums(rest)}: `fiscus cases` lists them")
    return "\n".join(lines)


def _data(one: Told, rota: Rota) -> dict[str, object]:
    case, step = one.case, next_rung(one.case, rota)
    return {
        "event": one.event.kind,
        "case": case.id,
        "state": case.state,
        "level": case.level,
        "assignee": case.assignee,
        "severity": case.subject.severity,
        "kind": case.subject.kind,
        "title": case.subject.title,
        "amount": case.subject.amount,
        "currency": case.subject.currency,
        "opened_at": case.opened_at,
        "next_escalation_at": case.next_escalation_at,
        "next_assignee": step.answer.person.id if step else None,
    }


def _order(one: Told) -> tuple[int, object, str]:
    subject = one.case.subject
    return -SEVERITIES.index(subject.severity), -subject.amount, one.case.id


def one_line(text: str) -> str:
    """One line of text that fits a subject, whatever a bill wrote into a name."""
    clean = _CONTROL.sub(" ", text).strip()
    return clean if len(clean) <= NOTICE_SUBJECT_CHARS_MAX else f"{clean[: NOTICE_SUBJECT_CHARS_MAX - 1]}…"
