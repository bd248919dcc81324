"""The outbox emptied through the channels: each notice at least once, always with the same key.

A notice is sent, then marked with its receipt and its evidence in one transaction. A process that dies in between sends it again
with the same Message-ID or webhook-id, by which the receiver knows it. Two workers at once may both send one; one marks it.
A signed link is put into a mail as it leaves, and stored nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from fiscus.flows.data_subjects import REFUSED_FACT
from fiscus.flows.link_secret import link_secret
from fiscus.flows.ports import StateTx
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.approvals.notices import LINK_PLACE
from fiscus.guardrails.approvals.signed_link import sign_link
from fiscus.kernel.actor import FISCUS
from fiscus.kernel.errors import BadInput, FiscusError
from fiscus.kernel.limits import NOTICE_FAILURES_IN_A_ROW_MAX, NOTICES_PER_RUN_MAX
from fiscus.ownership.people import live_person
from fiscus.ownership.ports import NoticeChannel
from fiscus.ownership.types import CaseEvent, Notice


@dataclass(frozen=True, slots=True)
class DeliverySummary:
    """Notices sent, tried in vain, and waiting after this call; `errors`: channel -> the last one; `not_configured`: channels."""

    sent: int
    failed: int
    waiting: int
    errors: Mapping[str, str] = field(default_factory=dict)
    not_configured: Mapping[str, int] = field(default_factory=dict)

    def sentences(self) -> Sequence[str]:
        """The same in plain words."""
        lines = [f"{self.sent} notices sent, {self.failed} failed, {self.waiting} wait."]
        lines += [f"{channel}: {error}" for channel, error in self.errors.items()]
        lines += [
            f"{count} notices wait for {channel}, which is not configured: add it under notify in fiscus.yaml."
            for channel, count in self.not_configured.items()
        ]
        return lines


@dataclass
class _Round:
    """What happened to one channel in this call."""

    sent: int = 0
    failed: int = 0
    in_a_row: int = 0
    error: str = ""


def deliver_notices(ws: Workspace) -> DeliverySummary:
    """Send what waits, at most NOTICES_PER_RUN_MAX a channel. A channel that fails in a row is left for the next run."""
    rounds = {name: _through(ws, name, channel) for name, channel in sorted(ws.channels.items())}
    return _summed(ws, rounds)


def deliver_about(ws: Workspace, approval_id: str) -> DeliverySummary:
    """Send now what waits about one approval: its question must not wait for the next run. What fails waits for that."""
    rounds = {name: _through(ws, name, channel, approval_id) for name, channel in sorted(ws.channels.items())}
    return _summed(ws, rounds)


def _summed(ws: Workspace, rounds: Mapping[str, _Round]) -> DeliverySummary:
    with ws.state.read() as tx:
        waiting = tx.outbox.waiting_counts()
    return DeliverySummary(
        sent=sum(one.sent for one in rounds.values()),
        failed=sum(one.failed for one in rounds.values()),
        waiting=sum(waiting.values()),
        errors={name: one.error for name, one in rounds.items() if one.error},
        not_configured={name: count for name, count in waiting.items() if name not in ws.channels},
    )


def _through(ws: Workspace, name: str, channel: NoticeChannel, about: str | None = None) -> _Round:
    with ws.state.read() as tx:
        notices = tx.outbox.waiting(NOTICES_PER_RUN_MAX, (name,))
    done = _Round()
    if about is not None:
        notices = [notice for notice in notices if notice.payload.get("approval") == about]
    for stored in notices:
        if done.in_a_row >= NOTICE_FAILURES_IN_A_ROW_MAX:
            break
        _one(ws, channel, _linked(ws, _addressed(ws, stored)), done)
    return done


def _one(ws: Workspace, channel: NoticeChannel, notice: Notice, done: _Round) -> None:
    with ws.state.read() as tx:
        if not tx.outbox.is_waiting(notice.key):
            return  # another worker was faster
    try:
        receipt = channel.send(notice)
    except FiscusError as failure:
        done.failed, done.error = done.failed + 1, str(failure)
        refused = isinstance(failure, BadInput)  # this notice's fault, not the channel's
        done.in_a_row = 0 if refused else done.in_a_row + 1
        _mark_failed(ws, notice, failure, refused=refused)
        return
    done.in_a_row = 0
    done.sent += _mark_sent(ws, notice, receipt)


def _addressed(ws: Workspace, notice: Notice) -> Notice:
    """To the address that the directory has today, should it have been mended since the notice was written."""
    person = live_person(ws.config.directory, str(notice.payload.get("person", "")), ws.as_of)
    if notice.channel != "email" or person is None or person.id != notice.payload["person"]:
        return notice
    return replace(notice, to=person.email)


def _linked(ws: Workspace, notice: Notice) -> Notice:
    """With the signed link of the person it goes to, where it has a place for one; without, once there is nothing to answer."""
    if not notice.payload.get("link") or LINK_PLACE not in notice.body:
        return notice
    with ws.state.read() as tx:
        approval = tx.approvals.get(str(notice.payload["approval"]))
    link = "(it was answered already: nothing is left to do)"
    if approval is not None and approval.state == "asked":
        token = sign_link(link_secret(ws.home), approval, str(notice.payload["person"]))
        link = f"{ws.config.pages_url}/approvals/link/{token}"
    return replace(notice, body=notice.body.replace(LINK_PLACE, link))


def _mark_sent(ws: Workspace, notice: Notice, receipt: str) -> bool:
    with ws.state.begin() as tx:
        if not tx.outbox.is_waiting(notice.key):
            return False
        tx.outbox.mark_sent(notice.key, receipt)
        body = {"channel": notice.channel, "to": notice.to, "subject": notice.subject, "receipt": receipt}
        tx.evidence.append("notice.sent", notice.key, FISCUS, body)
        if notice.channel == "email":
            _note_on_cases(tx, notice, receipt, ws.clock.now())
            _forget_refusal(tx, notice.to)
    return True


def _mark_failed(ws: Workspace, notice: Notice, failure: FiscusError, *, refused: bool) -> None:
    with ws.state.begin() as tx:
        if not tx.outbox.is_waiting(notice.key):
            return
        tx.outbox.mark_failed(notice.key, str(failure))
        if refused:
            tx.facts.put(REFUSED_FACT, {**_refusals(tx), notice.to: str(failure)})


def _note_on_cases(tx: StateTx, notice: Notice, receipt: str, now: datetime) -> None:
    """The history of each case that a mail names says who was told."""
    listed = notice.payload.get("cases")
    entries = listed if isinstance(listed, Sequence) and not isinstance(listed, str) else [notice.payload]
    for entry in entries:
        case = tx.cases.get(str(entry.get("case"))) if isinstance(entry, Mapping) else None
        if case is not None:
            event = CaseEvent(now, "notified", FISCUS.person_id, f"mail to {notice.to}: {receipt}")
            tx.cases.put(replace(case, history=(*case.history, event)))


def _refusals(tx: StateTx) -> dict[str, object]:
    known = tx.facts.get(REFUSED_FACT)
    return dict(known) if isinstance(known, Mapping) else {}


def _forget_refusal(tx: StateTx, address: str) -> None:
    known = _refusals(tx)
    if known.pop(address, None) is not None:
        tx.facts.put(REFUSED_FACT, known)
