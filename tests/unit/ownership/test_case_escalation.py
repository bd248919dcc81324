"""The flow over a real store: cases, evidence and notices are stored together, once, and survive a restart."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.company import Settings, idle_finding, open_company

from fiscus.connectors.smtp.fakes import LocalMailServer
from fiscus.connectors.smtp.notify import SmtpChannel
from fiscus.connectors.webhook.notify import WebhookChannel
from fiscus.flows.deliver_notices import deliver_notices
from fiscus.flows.escalate_cases import acknowledge_case, close_case, escalate_cases, reopen_case, rota_of
from fiscus.flows.show_cases import show_case, show_cases
from fiscus.flows.verify_evidence import verify_evidence
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.types import Finding
from fiscus.kernel.actor import Actor
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.errors import Conflict, NotAllowed, NotFound
from fiscus.ownership.case_machine import open_case
from fiscus.ownership.types import Case, CaseSubject, Notice

HIGH = Decimal(6000)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return open_company(tmp_path)


def found(ws: Workspace, *findings: Finding) -> None:
    with ws.state.begin() as tx:
        tx.findings.replace_open(findings)


def wait(ws: Workspace, hours: float) -> None:
    assert isinstance(ws.clock, SteppedClock)
    ws.clock.advance(timedelta(hours=hours))


def outbox(ws: Workspace) -> list[Notice]:
    with ws.state.read() as tx:
        return list(tx.outbox.waiting())


def recorded(ws: Workspace) -> list[tuple[str, str]]:
    with ws.state.read() as tx:
        return [(one.kind, one.actor.person_id) for one in tx.evidence_records()]


def test_a_finding_becomes_a_case_with_mail_and_evidence_and_a_second_run_finds_nothing_to_do(ws: Workspace) -> None:
    found(ws, idle_finding(amount=HIGH))
    summary = escalate_cases(ws)
    assert (len(summary.opened), summary.open, summary.notices) == (1, 1, 1)
    before = recorded(ws), outbox(ws), show_cases(ws).cases
    again = escalate_cases(ws)
    assert (again.opened, again.escalated, again.closed, again.open, again.notices) == ((), (), (), 1, 0)
    assert (recorded(ws), outbox(ws), show_cases(ws).cases) == before
    assert before[0] == [("case.opened", "fiscus")]
    assert verify_evidence(ws).ok


def test_the_mail_says_what_how_much_what_to_do_and_what_happens_otherwise(ws: Workspace) -> None:
    found(ws, idle_finding(amount=HIGH, detail="i-a and i-b ran at 0 % load."))
    (case_id,) = escalate_cases(ws).opened
    (notice,) = outbox(ws)
    assert notice.to == "max@x.example"
    assert notice.subject == "New case (high): Machines idle for a week: 6,000.00 USD are at stake"
    for words in (
        "i-a and i-b ran at 0 % load.",
        "open, opened on 20 Nov 2026 12:00 UTC",
        "Since:     12 Nov 2026",
        "At stake:  6,000.00 USD",
        f"fiscus case ack {case_id} --as max",
        "Otherwise it goes up to Lea (manager) on 20 Nov 2026 20:00 UTC.",
    ):
        assert words in notice.body


def test_ids_are_short_and_the_same_everywhere(ws: Workspace, tmp_path: Path) -> None:
    found(ws, idle_finding())
    (case_id,) = escalate_cases(ws).opened
    (tmp_path / "other").mkdir()
    other = open_company(tmp_path / "other")
    found(other, idle_finding())
    assert escalate_cases(other).opened == (case_id,)
    assert len(case_id) == len("case-") + 8
    assert acknowledge_case(ws, case_id.removeprefix("case-"), Actor("max")).id == case_id


def test_two_subjects_with_the_same_eight_letters_get_two_ids(ws: Workspace) -> None:
    letters = hashlib.sha256(b"finding|f-1").hexdigest()
    with ws.state.begin() as tx:
        tx.cases.put(replace(_someones_case(ws), id=f"case-{letters[:8]}"))
    found(ws, idle_finding(id="f-1"))
    assert escalate_cases(ws).opened == (f"case-{letters[:9]}",)


def _someones_case(ws: Workspace) -> Case:
    subject = CaseSubject("finding", "finding|other", "Other for 1 USD", "", Decimal(1), "USD", "low", "max")
    return open_case("case-other", subject, rota_of(ws))


def test_from_owner_to_manager_to_finance_through_a_restart_by_real_mail(tmp_path: Path) -> None:
    clock = None
    with LocalMailServer() as mail:
        channels = {"email": SmtpChannel("127.0.0.1", mail.port, "fiscus@x.example")}
        levels = []
        for hours in (0, 8, 24, 1000):
            ws = open_company(tmp_path, Settings(channels=channels), clock)
            clock = ws.clock
            wait(ws, hours)
            if not hours:
                found(ws, idle_finding(amount=HIGH))
            escalate_cases(ws)
            deliver_notices(ws)
            levels += [(case.level, case.assignee) for case in show_cases(ws).cases]
            ws.state.close()
    assert levels == [("owner", "max"), ("manager", "lea"), ("finance", "fay"), ("finance", "fay")]
    assert [one.recipients for one in mail.messages] == [("max@x.example",), ("lea@x.example",), ("fay@x.example",)]
    assert "This is the last rung" in mail.messages[-1].text


def test_people_acknowledge_close_and_reopen_and_each_step_is_evidence(ws: Workspace) -> None:
    found(ws, idle_finding(amount=HIGH))
    (case_id,) = escalate_cases(ws).opened
    assert acknowledge_case(ws, case_id, Actor("lea"), "looking").assignee == "lea"
    assert close_case(ws, case_id, Actor("lea"), "stopped").state == "closed"
    assert escalate_cases(ws).reopened == ()
    again = reopen_case(ws, case_id, Actor("vera"), "they run")
    assert (again.state, again.assignee) == ("open", "max")
    steps = [("case.opened", "fiscus"), ("case.acknowledged", "lea"), ("case.closed", "lea"), ("case.reopened", "vera")]
    assert recorded(ws) == steps
    assert [notice.subject.partition(" (")[0] for notice in outbox(ws)] == ["New case", "Open again"]
    assert verify_evidence(ws).ok


def test_what_may_not_be_is_refused_recorded_and_changes_nothing(ws: Workspace) -> None:
    found(ws, idle_finding())
    (case_id,) = escalate_cases(ws).opened
    before = show_case(ws, case_id)
    for who in ("otto", "cem", "mallory"):
        with pytest.raises(NotAllowed):
            close_case(ws, case_id, Actor(who))
    assert recorded(ws)[1:] == [("case.refused", who) for who in ("otto", "cem", "mallory")]
    with pytest.raises(Conflict):
        reopen_case(ws, case_id, Actor("max"))
    with pytest.raises(NotFound, match=f"Did you mean.*{case_id}"):
        acknowledge_case(ws, case_id[:-1] + "x", Actor("max"))
    assert show_case(ws, case_id) == before


def test_what_is_resolved_is_closed_and_what_comes_back_is_open_again(ws: Workspace) -> None:
    found(ws, idle_finding())
    (case_id,) = escalate_cases(ws).opened
    acknowledge_case(ws, case_id, Actor("max"))
    found(ws)
    assert escalate_cases(ws).closed == (case_id,)
    assert escalate_cases(ws).closed == ()
    found(ws, idle_finding())
    assert escalate_cases(ws).reopened == (case_id,)
    assert len(show_cases(ws, ("open", "acknowledged", "closed")).cases) == 1


def test_a_person_with_many_cases_gets_one_mail_largest_first(ws: Workspace) -> None:
    found(ws, *(idle_finding(id=f"f-{n}", title=f"Idle {n}", amount=Decimal(n)) for n in range(1, 30)))
    assert escalate_cases(ws).notices == 1
    (digest,) = outbox(ws)
    assert digest.subject == "29 cases over 435.00 USD: Idle 29: 29.00 USD are at stake"
    lines = [line for line in digest.body.splitlines() if line.startswith("- ")]
    assert len(lines) == 21
    assert lines[0].endswith("Idle 29: 29.00 USD are at stake")
    assert lines[-1] == "- and 9 more over 45.00 USD: `fiscus cases` lists them"
    assert "--as max" in digest.body
    named = digest.payload["cases"]
    assert isinstance(named, list)
    assert (len(named), digest.payload["count"]) == (20, 29)


def test_five_cases_are_five_mails_and_currencies_of_a_digest_are_not_added(ws: Workspace) -> None:
    found(ws, *(idle_finding(id=f"f-{n}") for n in range(5)))
    assert escalate_cases(ws).notices == 5
    mixed = [
        idle_finding(id=f"g-{n}", owner="otto", amount=Decimal(10), currency="EUR" if n else "USD") for n in range(6)
    ]
    found(ws, *(idle_finding(id=f"f-{n}") for n in range(5)), *mixed)
    assert escalate_cases(ws).notices == 1
    assert outbox(ws)[-1].subject.startswith("6 cases over 50.00 EUR, 10.00 USD: ")


def test_a_webhook_hears_of_every_step_with_the_figures_as_data(ws: Workspace) -> None:
    ws = replace(ws, channels={"webhook": WebhookChannel("http://127.0.0.1:9/hook", "s" * 24)})
    found(ws, idle_finding(amount=HIGH))
    (case_id,) = escalate_cases(ws).opened
    acknowledge_case(ws, case_id, Actor("max"))
    hooks = [notice for notice in outbox(ws) if notice.channel == "webhook"]
    assert [(one.to, one.payload["event"]) for one in hooks] == [("cases", "opened"), ("cases", "acknowledged")]
    assert hooks[0].payload["amount"] == HIGH
    assert hooks[0].payload["next_assignee"] == "lea"
    assert [notice.channel for notice in outbox(ws)].count("email") == 1


def test_a_name_in_a_bill_cannot_break_the_subject_of_a_mail(ws: Workspace) -> None:
    found(ws, idle_finding(title="Idle\r\nBcc: all@x.example\x00" + "x" * 400))
    escalate_cases(ws)
    (notice,) = outbox(ws)
    assert notice.subject.isprintable()
    assert len(notice.subject) == 200


def test_a_run_that_dies_before_its_commit_leaves_nothing(ws: Workspace) -> None:
    class Dying:
        def __init__(self, state: Any) -> None:
            self.read = state.read
            self.state = state

        @contextmanager
        def begin(self) -> Iterator[Any]:
            with self.state.begin() as tx:
                yield tx
                raise KeyboardInterrupt

    found(ws, idle_finding())
    with pytest.raises(KeyboardInterrupt):
        escalate_cases(replace(ws, state=Dying(ws.state)))
    assert (recorded(ws), outbox(ws), show_cases(ws).cases) == ([], [], ())
    assert len(escalate_cases(ws).opened) == 1


def test_growing_money_is_mailed_when_it_is_worse_and_otherwise_only_kept(ws: Workspace) -> None:
    found(ws, idle_finding(amount=Decimal(100)))
    (case_id,) = escalate_cases(ws).opened
    found(ws, idle_finding(amount=Decimal(120)))
    assert escalate_cases(ws).notices == 0
    assert show_case(ws, case_id).subject.amount == Decimal(120)
    found(ws, idle_finding(amount=Decimal(60_000)))
    assert escalate_cases(ws).notices == 1
    assert "worse, low to critical: 60,000.00 USD" in outbox(ws)[-1].body


def test_who_has_it_in_hand_hears_when_it_gets_worse(ws: Workspace) -> None:
    found(ws, idle_finding(amount=Decimal(100)))
    (case_id,) = escalate_cases(ws).opened
    acknowledge_case(ws, case_id, Actor("lea"))
    found(ws, idle_finding(amount=Decimal(60_000)))
    assert escalate_cases(ws).notices == 1
    news = outbox(ws)[-1]
    assert (news.to, news.subject.partition(":")[0]) == ("lea@x.example", "News of your case (critical)")
    assert f"lea has it in hand. When it is settled:\n\n  fiscus case close {case_id} --as lea" in news.body


def test_two_runs_at_once_open_one_case_and_tell_of_it_once(ws: Workspace) -> None:
    found(ws, *(idle_finding(id=f"f-{n}") for n in range(3)))
    opened: list[int] = []
    runs = [threading.Thread(target=lambda: opened.append(len(escalate_cases(ws).opened))) for _ in range(4)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(30)
    assert sorted(opened) == [0, 0, 0, 3]
    assert (len(show_cases(ws).cases), len(outbox(ws)), len(recorded(ws))) == (3, 3, 3)


def test_who_has_left_hands_over_at_the_next_run(ws: Workspace) -> None:
    found(ws, idle_finding())
    (case_id,) = escalate_cases(ws).opened
    people = dict(ws.config.directory.people)
    people["max"] = replace(people["max"], left_on="2026-11-20")
    gone = replace(ws, config=replace(ws.config, directory=replace(ws.config.directory, people=people)))
    assert escalate_cases(gone).notices == 1
    assert show_case(gone, case_id).assignee == "lea"
    assert [notice.to for notice in outbox(ws)] == ["max@x.example", "lea@x.example"]
