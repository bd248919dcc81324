"""A question over a real SMTP server and a signed webhook, answered by the link in the mail, on a server over HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fixtures.asking import asked_for
from tests.fixtures.company import NOON, Settings, open_company
from tests.unit.web.conftest import ORIGIN, Browser, app_over

from fiscus.connectors.smtp.fakes import LocalMailServer
from fiscus.connectors.smtp.notify import SmtpChannel
from fiscus.connectors.webhook.fakes import LocalHook
from fiscus.connectors.webhook.notify import WebhookChannel
from fiscus.flows.after_answer import after_answer
from fiscus.flows.approve_intent import approve_intent
from fiscus.flows.deliver_notices import deliver_about, deliver_notices
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import Actor
from fiscus.kernel.clock import SteppedClock

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def mail() -> Iterator[LocalMailServer]:
    with LocalMailServer() as server:
        yield server


@pytest.fixture
def hook() -> Iterator[LocalHook]:
    with LocalHook(SECRET, clock=SteppedClock(NOON)) as server:
        yield server


@pytest.fixture
def ws(tmp_path: Path, mail: LocalMailServer, hook: LocalHook) -> Workspace:
    clock = SteppedClock(NOON)
    channels = {
        "email": SmtpChannel("127.0.0.1", mail.port, "fiscus@x.example", clock=clock, timeout_seconds=1),
        "webhook": WebhookChannel(hook.url, SECRET, clock=clock, timeout_seconds=1),
    }
    return open_company(tmp_path, Settings(channels=channels), clock)


def link_in(text: str) -> str:
    found = re.search(rf"{re.escape(ORIGIN)}(/approvals/link/\S+)", text)
    assert found is not None, text
    return found[1]


def test_the_mail_that_arrives_is_answered_by_its_link_and_who_asked_hears_of_it(ws, mail, hook) -> None:
    approval = asked_for(ws)
    deliver_about(ws, approval.id)
    (letter,) = mail.messages
    assert str(letter.message["To"]) == "lea@x.example"
    assert "18,500.00 USD" in str(letter.message["Subject"])
    browser = Browser(app_over(ws))
    link = link_in(letter.text)
    digest = re.search(r'name="digest" value="([0-9a-f]{64})"', browser.get(link).text)
    assert digest is not None
    assert browser.send(f"{link}/approve", {"digest": digest[1]}).status_code == 303
    assert [str(one.message["To"]) for one in mail.messages] == ["lea@x.example", "max@x.example"]
    assert "It was approved by lea" in mail.messages[1].text
    events = [one.data["data"]["event"] for one in hook.received]
    assert (events, hook.refused) == (["approval.asked", "approval.approved"], [])
    with ws.state.read() as tx:
        stored = tx.approvals.get(approval.id)
    assert stored is not None
    assert (stored.yes, stored.steps[-1].proof) == (("lea",), "link")


def test_no_link_reaches_the_webhook_the_store_or_the_evidence(ws, mail, hook) -> None:
    approval = asked_for(ws)
    deliver_notices(ws)
    token = link_in(mail.messages[0].text).rpartition("/")[2]
    assert token not in "".join(str(one) for one in hook.received)
    with ws.state.read() as tx:
        kept = "".join(f"{record.subject} {record.body}" for record in tx.evidence_records())
    assert token not in kept
    for path in (ws.home / "state.db", ws.home / "state.db-wal", ws.home / "ledger.db"):
        if path.exists():
            assert token.encode() not in path.read_bytes()
    assert approval.id in kept


def test_a_mail_server_that_is_gone_loses_nothing_and_the_question_can_be_answered_meanwhile(ws, mail, hook) -> None:
    mail.stop()
    approval = asked_for(ws)
    assert deliver_about(ws, approval.id).failed == 1
    approve_intent(ws, approval.id, Actor("lea"))
    after_answer(ws, approval.id)
    with LocalMailServer() as back:
        channels = {"email": SmtpChannel("127.0.0.1", back.port, "fiscus@x.example", clock=SteppedClock(NOON))}
        again = replace(ws, channels=channels)
        assert deliver_notices(again).sent == 2
        late = next(one.text for one in back.messages if str(one.message["To"]) == "lea@x.example")
    assert "/approvals/link/" not in late, "what is answered has no link any more"
    assert "it was answered already" in late
