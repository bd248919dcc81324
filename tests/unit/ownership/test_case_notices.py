"""The outbox through real servers: at least once, always the same key, one channel's trouble never another's."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.company import NOON, Settings, idle_finding, open_company

from fiscus.connectors.smtp.fakes import LocalMailServer
from fiscus.connectors.smtp.notify import SmtpChannel
from fiscus.connectors.webhook.fakes import LocalHook
from fiscus.connectors.webhook.notify import WebhookChannel
from fiscus.flows.deliver_notices import deliver_notices
from fiscus.flows.escalate_cases import escalate_cases
from fiscus.flows.show_cases import show_cases
from fiscus.flows.verify_evidence import verify_evidence
from fiscus.flows.workspace import Workspace
from fiscus.kernel.clock import SteppedClock
from fiscus.ownership.ports import NoticeChannel
from fiscus.ownership.types import Notice

REPO = Path(__file__).resolve().parents[3]
SECRET = "a secret of enough bytes"


@pytest.fixture
def mail() -> Iterator[LocalMailServer]:
    with LocalMailServer() as server:
        yield server


@pytest.fixture
def hook() -> Iterator[LocalHook]:
    with LocalHook(SECRET, clock=SteppedClock(NOON)) as server:
        yield server


def smtp(server: LocalMailServer) -> SmtpChannel:
    return SmtpChannel("127.0.0.1", server.port, "fiscus@x.example", timeout_seconds=2)


def post(server: LocalHook) -> WebhookChannel:
    return WebhookChannel(server.url, SECRET, clock=SteppedClock(NOON), timeout_seconds=2)


def company(home: Path, **channels: NoticeChannel) -> Workspace:
    return open_company(home, Settings(channels=channels))


def with_cases(ws: Workspace, count: int = 1) -> Workspace:
    """Findings of as many people's, in the outbox as notices."""
    owners = ("max", "otto", "lea", "fay")
    with ws.state.begin() as tx:
        tx.findings.replace_open([idle_finding(id=f"f-{n}", owner=owners[n % 4]) for n in range(count)])
    escalate_cases(ws)
    return ws


def sent_evidence(ws: Workspace) -> list[Any]:
    with ws.state.read() as tx:
        return [record.body for record in tx.evidence_records(["notice.sent"])]


def test_mail_and_webhook_are_delivered_once_with_receipt_evidence_and_a_line_in_the_case(
    tmp_path: Path, mail: LocalMailServer, hook: LocalHook
) -> None:
    ws = with_cases(company(tmp_path, email=smtp(mail), webhook=post(hook)))
    first = deliver_notices(ws)
    assert (first.sent, first.failed, first.waiting, first.errors) == (2, 0, 0, {})
    assert (deliver_notices(ws).sent, len(mail.messages), len(hook.received)) == (0, 1, 1)
    assert [(body["channel"], body["receipt"]) for body in sent_evidence(ws)] == [
        ("email", "250 Kept as 1"),
        ("webhook", "HTTP 204"),
    ]
    (case,) = show_cases(ws).cases
    assert case.history[-1].note == "mail to max@x.example: 250 Kept as 1"
    assert hook.received[0].data["data"]["case"] == case.id
    assert verify_evidence(ws).ok


def test_a_server_that_is_gone_leaves_its_notices_waiting_and_does_not_stop_the_other(
    tmp_path: Path, mail: LocalMailServer, hook: LocalHook
) -> None:
    ws = with_cases(company(tmp_path, email=smtp(mail), webhook=post(hook)), 4)
    mail.stop()
    summary = deliver_notices(ws)
    assert (summary.sent, summary.failed, summary.waiting) == (4, 3, 4)
    assert "could not be handed to 127.0.0.1" in summary.errors["email"]
    assert any("Mail could not be handed" in line for line in summary.sentences())
    mail.start()
    back = replace(ws, channels={"email": smtp(mail), "webhook": post(hook)})
    assert (deliver_notices(back).sent, len(mail.messages), len(hook.received)) == (4, 4, 4)


def test_without_channels_they_wait_and_the_summary_says_what_to_configure(
    tmp_path: Path, mail: LocalMailServer
) -> None:
    ws = with_cases(company(tmp_path), 2)
    summary = deliver_notices(ws)
    assert (summary.sent, summary.waiting, summary.not_configured) == (0, 2, {"email": 2})
    assert "2 notices wait for email, which is not configured" in summary.sentences()[-1]
    assert deliver_notices(replace(ws, channels={"email": smtp(mail)})).sent == 2


def test_many_notices_of_a_channel_that_was_taken_out_do_not_hold_up_the_other(
    tmp_path: Path, mail: LocalMailServer, hook: LocalHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fiscus.flows.deliver_notices.NOTICES_PER_RUN_MAX", 3)
    both = with_cases(company(tmp_path, email=smtp(mail), webhook=post(hook)), 4)
    only_mail = replace(both, channels={"email": smtp(mail)})
    assert [deliver_notices(only_mail).sent for _ in range(3)] == [3, 1, 0]
    assert deliver_notices(only_mail).not_configured == {"webhook": 4}


def test_a_lost_answer_is_sent_again_with_the_same_message_id(tmp_path: Path, mail: LocalMailServer) -> None:
    ws = with_cases(company(tmp_path, email=smtp(mail)))
    mail.behaviour.lose_answers = 1
    assert (deliver_notices(ws).sent, deliver_notices(ws).sent) == (0, 1)
    assert len(mail.messages) == 2
    assert len({one.message["Message-ID"] for one in mail.messages}) == 1
    assert len(sent_evidence(ws)) == 1


class DyingState:
    """The store of a process that is killed when it comes to mark what it sent."""

    def __init__(self, state: Any) -> None:
        self.read = state.read

    @contextmanager
    def begin(self) -> Iterator[Any]:
        raise KeyboardInterrupt
        yield


def test_killed_between_send_and_mark_it_is_sent_again_after_a_restart_with_the_same_keys(
    tmp_path: Path, mail: LocalMailServer, hook: LocalHook
) -> None:
    channels: dict[str, NoticeChannel] = {"email": smtp(mail), "webhook": post(hook)}
    ws = with_cases(company(tmp_path, **channels))
    for name, channel in channels.items():
        with pytest.raises(KeyboardInterrupt):
            deliver_notices(replace(ws, state=DyingState(ws.state), channels={name: channel}))
    ws.state.close()
    restarted = company(tmp_path, **channels)
    assert (deliver_notices(restarted).sent, deliver_notices(restarted).waiting) == (2, 0)
    assert [one.message["Message-ID"] for one in mail.messages] == [mail.messages[0].message["Message-ID"]] * 2
    assert [(one.id, one.again) for one in hook.received] == [
        (hook.received[0].id, False),
        (hook.received[0].id, True),
    ]


KILLED_AFTER_SENDING = """
import os, signal, sys
from pathlib import Path
from dataclasses import dataclass
from tests.unit.ownership.test_case_notices import SmtpChannel, company
from fiscus.flows.deliver_notices import deliver_notices

@dataclass
class Fatal:
    channel: SmtpChannel

    def send(self, notice):
        self.channel.send(notice)
        os.kill(os.getpid(), signal.SIGKILL)

channel = SmtpChannel("127.0.0.1", int(sys.argv[2]), "fiscus@x.example")
deliver_notices(company(Path(sys.argv[1]), email=Fatal(channel)))
"""


@pytest.mark.thorough
def test_a_process_that_is_killed_after_sending_leaves_the_notice_waiting(
    tmp_path: Path, mail: LocalMailServer
) -> None:
    ws = with_cases(company(tmp_path, email=smtp(mail)))
    command = [sys.executable, "-c", KILLED_AFTER_SENDING, str(tmp_path), str(mail.port)]
    killed = subprocess.run(command, cwd=REPO, check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert deliver_notices(ws).sent == 1
    assert len({one.message["Message-ID"] for one in mail.messages}) == 1
    assert len(mail.messages) == 2


@dataclass
class Together:
    """A channel whose first sends wait for each other: two workers are then in the same place at once."""

    channel: NoticeChannel
    barrier: threading.Barrier

    def send(self, notice: Notice) -> str:
        with suppress(threading.BrokenBarrierError):
            self.barrier.wait(2)
        return self.channel.send(notice)


def test_two_workers_at_once_lose_nothing_and_duplicates_carry_the_same_key(
    tmp_path: Path, mail: LocalMailServer
) -> None:
    barrier = threading.Barrier(2)
    ws = with_cases(company(tmp_path, email=Together(smtp(mail), barrier)), 4)
    other = replace(ws)
    sums: list[int] = []
    workers = [threading.Thread(target=lambda one=one: sums.append(deliver_notices(one).sent)) for one in (ws, other)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    keys = [one.message["Message-ID"] for one in mail.messages]
    assert len(set(keys)) == 4
    assert len(keys) > 4  # they did meet
    assert sum(sums) == len(sent_evidence(ws)) == 4
    assert deliver_notices(ws).waiting == 0


def test_an_address_refused_for_good_stops_nobody_else_and_becomes_a_case_until_it_is_mended(
    tmp_path: Path, mail: LocalMailServer
) -> None:
    ws = with_cases(company(tmp_path, email=smtp(mail)), 4)
    mail.behaviour.refused = {"max@x.example"}
    summary = deliver_notices(ws)
    assert (summary.sent, summary.failed, summary.waiting) == (3, 1, 1)
    (new,) = escalate_cases(ws).opened
    (case,) = [one for one in show_cases(ws).cases if one.id == new]
    assert (case.subject.title, case.assignee) == (
        "Mail to Max is refused for good: notices about USD do not arrive",
        "fay",
    )
    people = {**ws.config.directory.people}
    people["max"] = replace(people["max"], email="max.new@x.example")
    mended = replace(ws, config=replace(ws.config, directory=replace(ws.config.directory, people=people)))
    assert deliver_notices(mended).waiting == 0
    assert ("max.new@x.example",) in [one.recipients for one in mail.messages]
    assert escalate_cases(mended).closed == (new,)


def test_refused_addresses_are_no_sign_of_a_server_that_is_down(tmp_path: Path, mail: LocalMailServer) -> None:
    ws = with_cases(company(tmp_path, email=smtp(mail)), 4)
    mail.behaviour.refused = {"max@x.example", "otto@x.example", "lea@x.example"}
    assert (deliver_notices(ws).sent, len(mail.messages)) == (1, 1)
    refused = escalate_cases(ws).opened
    mail.behaviour.refused = set()
    assert deliver_notices(ws).waiting == 0
    assert set(escalate_cases(ws).closed) == set(refused)
    assert len(refused) == 3


def test_what_always_fails_comes_after_what_was_not_tried_yet(tmp_path: Path, mail: LocalMailServer) -> None:
    ws = with_cases(company(tmp_path, email=smtp(mail)), 4)
    mail.behaviour.busy = {"max@x.example", "otto@x.example", "lea@x.example"}
    sent = [deliver_notices(ws).sent for _ in range(2)]
    assert sum(sent) == 1
    assert [one.recipients for one in mail.messages] == [("fay@x.example",)]


def test_the_clock_of_a_case_does_not_wait_for_its_mail(tmp_path: Path) -> None:
    ws = with_cases(company(tmp_path))
    assert isinstance(ws.clock, SteppedClock)
    ws.clock.advance(timedelta(hours=1000))
    assert len(escalate_cases(ws).escalated) == 1
    with ws.state.read() as tx:
        assert [notice.to for notice in tx.outbox.waiting()] == ["max@x.example", "lea@x.example"]
