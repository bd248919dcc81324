"""A case's life, step by step, on a clock that moves when told to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from fiscus.kernel.actor import FISCUS, Actor
from fiscus.kernel.errors import BadConfig, Conflict, NotAllowed
from fiscus.ownership.case_machine import (
    Rota,
    acknowledge,
    close,
    escalate,
    keep_assigned,
    lose_sight,
    next_rung,
    open_case,
    reopen,
    see_again,
)
from fiscus.ownership.case_severity import severity_of
from fiscus.ownership.ladder import ladder_from
from fiscus.ownership.types import Case, CaseSubject, Directory, Person, Team

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
LADDER = ladder_from({})


def company(**gone: str) -> Directory:
    """max works for lea, lea for vera; fin is finance, fay leads the pool. `gone`: person id to the day they left."""
    people = [
        Person("vera", "Vera", "vera@x.example", "exec"),
        Person("lea", "Lea", "lea@x.example", "ml", manager="vera"),
        Person("max", "Max", "max@x.example", "ml", manager="lea"),
        Person("otto", "Otto", "otto@x.example", "web"),
        Person("fin", "Fin", "fin@x.example", "finance", roles=("finance",)),
        Person("fay", "Fay", "fay@x.example", "finops", roles=("finops",)),
    ]
    teams = [
        Team("exec", "Exec", "vera", "CC-1"),
        Team("ml", "ML", "lea", "CC-2", parent="exec"),
        Team("web", "Web", "otto", "CC-3"),
        Team("finance", "Finance", "fin", "CC-5"),
        Team("finops", "FinOps", "fay", "CC-4"),
    ]
    return Directory(
        {p.id: replace(p, left_on=gone.get(p.id)) for p in people}, {team.id: team for team in teams}, "finops"
    )


def subject(**changes: Any) -> CaseSubject:
    about = CaseSubject("finding", "finding|f-1", "GPUs idle for 6,000 USD", "", Decimal(6000), "USD", "high", "max")
    return replace(about, **changes)


def rota(hours: float = 0, directory: Directory | None = None) -> Rota:
    return Rota(directory or company(), LADDER, START + timedelta(hours=hours))


def opened(**changes: Any) -> Case:
    return open_case("case-1", subject(**changes), rota())


def kinds(case: Case) -> list[str]:
    return [event.kind for event in case.history]


@pytest.mark.parametrize(
    ("owner", "gone", "assignee", "why"),
    [
        ("max", {}, "max", "owns it"),
        ("ml", {}, "lea", "leads ml"),
        ("unowned", {}, "fay", "nobody owns it; leads the default pool finops"),
        ("nobody", {}, "fay", "nobody is called 'nobody'"),
        ("max", {"max": "2026-06-30"}, "lea", "Max left on 2026-06-30; is the next above"),
        ("max", {"max": "2026-06-30", "lea": "2026-06-30"}, "vera", "is the next above"),
        ("otto", {"otto": "2026-06-30"}, "fin", "nobody of otto is left; has the role finance"),
        ("otto", {"otto": "2026-06-30", "fin": "2026-06-30"}, "fay", "leads the default pool"),
    ],
)
def test_a_case_opens_with_a_live_person_and_says_why_it_is_them(
    owner: str, gone: dict[str, str], assignee: str, why: str
) -> None:
    case = open_case("case-1", subject(owner=owner), rota(directory=company(**gone)))
    assert (case.assignee, case.level, case.state) == (assignee, "owner", "open")
    assert why in case.history[0].note
    assert case.next_escalation_at == START + timedelta(hours=8)


def test_with_nobody_left_it_is_refused_with_a_remedy() -> None:
    everybody = dict.fromkeys(("vera", "lea", "max", "otto", "fin", "fay"), "2026-01-31")
    with pytest.raises(BadConfig, match="Name a lead of the default pool"):
        open_case("case-1", subject(), rota(directory=company(**everybody)))


def test_the_clock_takes_it_to_the_manager_and_then_to_finance_which_keeps_it() -> None:
    case = opened()
    assert escalate(case, rota(7.99)) is case
    managed = escalate(case, rota(8))
    assert (managed.level, managed.assignee) == ("manager", "lea")
    assert managed.next_escalation_at == START + timedelta(hours=8 + 24)
    assert escalate(managed, rota(31.99)) is managed
    with_finance = escalate(managed, rota(40))
    assert (with_finance.level, with_finance.assignee, with_finance.next_escalation_at) == ("finance", "fin", None)
    assert escalate(with_finance, rota(10_000)) is with_finance
    assert kinds(with_finance) == ["opened", "escalated", "escalated"]


def test_a_long_silence_goes_up_one_rung_only_so_that_the_manager_has_their_time() -> None:
    late = escalate(opened(), rota(1000))
    assert late.level == "manager"
    assert escalate(late, rota(1000)) is late


def test_who_has_nobody_above_goes_straight_to_finance() -> None:
    case = escalate(opened(owner="vera"), rota(8))
    assert (case.level, case.assignee) == ("finance", "fin")


def test_a_manager_who_left_is_passed_over() -> None:
    step = next_rung(opened(), rota(1, company(lea="2026-06-30")))
    assert step is not None
    assert (step.level, step.answer.person.id, step.answer.why) == ("manager", "vera", "is the next above Max")


@pytest.mark.parametrize("who", ["max", "lea", "vera", "fin", "fay"])
def test_assignee_those_above_finance_and_finops_may_acknowledge_and_the_clock_stands(who: str) -> None:
    case = acknowledge(opened(), Actor(who), "on it", rota(1))
    assert (case.state, case.assignee, case.next_escalation_at) == ("acknowledged", who, None)
    assert escalate(case, rota(10_000)) is case
    assert case.history[-1].note == "on it"


@pytest.mark.parametrize("who", ["max", "lea", "vera"])
def test_the_owner_and_those_above_may_still_act_when_finance_has_it(who: str) -> None:
    case = escalate(escalate(opened(), rota(8)), rota(40))
    assert acknowledge(case, Actor(who), "", rota(41)).assignee == who


def test_what_finance_itself_left_lying_goes_to_somebody_else() -> None:
    case = escalate(opened(owner="fin"), rota(8))
    assert (case.level, case.assignee) == ("finance", "fay")


@pytest.mark.parametrize("move", [acknowledge, close, reopen])
@pytest.mark.parametrize(
    ("who", "message"),
    [
        ("otto", "neither the assignee of case-1 nor above.* Ask max"),
        ("mallory", "Nobody is called 'mallory'"),
        ("lea", "Lea left on 2026-11-19"),
        ("fiscus", "Nobody is called 'fiscus'"),
    ],
)
def test_strangers_and_people_who_left_are_refused(move: Any, who: str, message: str) -> None:
    with pytest.raises(NotAllowed, match=message):
        move(opened(), Actor(who), "", rota(1, company(lea="2026-11-19")))


def test_what_is_not_a_step_is_a_conflict_that_says_what_to_do() -> None:
    case = opened()
    mine = acknowledge(case, Actor("max"), "", rota(1))
    done = close(mine, Actor("max"), "stopped them", rota(2))
    with pytest.raises(Conflict, match=r"already acknowledged, by max.*fiscus case close case-1 --as lea"):
        acknowledge(mine, Actor("lea"), "", rota(2))
    with pytest.raises(Conflict, match="already closed, by max"):
        acknowledge(done, Actor("max"), "", rota(3))
    with pytest.raises(Conflict, match="already closed"):
        close(done, Actor("max"), "", rota(3))
    with pytest.raises(Conflict, match="open, with max"):
        reopen(case, Actor("max"), "", rota(3))


def test_what_a_person_closed_stays_closed_while_it_is_the_same() -> None:
    done = close(opened(), Actor("max"), "meant to be", rota(1))
    assert see_again(done, subject(amount=Decimal(6600)), rota(2)) is done


def test_it_opens_again_when_its_money_grew_by_more_than_a_tenth() -> None:
    done = close(opened(), Actor("max"), "meant to be", rota(1))
    again = see_again(done, subject(amount=Decimal("6600.01")), rota(2))
    assert (again.state, again.assignee) == ("open", "max")
    assert again.history[-1].note.startswith("grew from 6,000.00 USD to 6,600.01 USD")
    assert again.next_escalation_at == START + timedelta(hours=2 + 8)


def test_it_opens_again_when_it_was_gone_and_came_back() -> None:
    done = close(opened(), Actor("max"), "", rota(1))
    unseen = lose_sight(done, rota(2))
    assert kinds(unseen) == ["opened", "closed"]
    assert kinds(see_again(unseen, subject(), rota(3))) == ["opened", "closed", "reopened"]


def test_a_subject_that_is_gone_is_closed_by_fiscus_as_resolved() -> None:
    for case in (opened(), acknowledge(opened(), Actor("max"), "", rota(1))):
        gone = lose_sight(case, rota(2))
        assert (gone.state, gone.next_escalation_at) == ("closed", None)
        assert (gone.history[-1].actor, gone.history[-1].note[:8]) == (FISCUS.person_id, "resolved")
        assert lose_sight(gone, rota(3)) is gone


def test_it_comes_back_on_the_rung_that_it_had_reached_and_after_a_month_with_its_owner() -> None:
    managed = lose_sight(escalate(opened(), rota(8)), rota(9))
    soon = see_again(managed, subject(), rota(9 + 29 * 24))
    assert (soon.level, soon.assignee) == ("manager", "lea")
    late = see_again(managed, subject(), rota(9 + 30 * 24))
    assert (late.level, late.assignee) == ("owner", "max")


def test_a_person_may_open_it_again() -> None:
    done = close(opened(), Actor("max"), "", rota(1))
    again = reopen(done, Actor("lea"), "they run again", rota(2))
    assert (again.state, again.assignee, again.history[-1].actor) == ("open", "max", "lea")
    assert again.history[-1].note == "they run again; Max must act: owns it"


def test_news_is_taken_in_and_the_last_of_several_is_enough() -> None:
    case = see_again(opened(), subject(amount=Decimal(6100)), rota(1))
    case = see_again(case, subject(amount=Decimal(6200)), rota(2))
    assert kinds(case) == ["opened", "updated"]
    assert (case.history[-1].note, case.subject.amount) == ("now 6,200.00 USD", Decimal(6200))
    assert case.next_escalation_at == START + timedelta(hours=8)
    assert see_again(case, case.subject, rota(3)) == case


def test_when_it_gets_worse_the_clock_is_shortened_never_lengthened() -> None:
    worse = see_again(opened(), subject(severity="critical"), rota(1))
    assert worse.next_escalation_at == START + timedelta(hours=1 + 2)
    late = see_again(opened(), subject(severity="critical"), rota(7.5))
    assert late.next_escalation_at == START + timedelta(hours=8)
    better = see_again(worse, subject(severity="low"), rota(2))
    assert better.next_escalation_at == worse.next_escalation_at


def test_worse_news_of_an_acknowledged_case_does_not_start_the_clock() -> None:
    mine = acknowledge(opened(), Actor("max"), "", rota(1))
    worse = see_again(mine, subject(severity="critical"), rota(2))
    assert (worse.state, worse.next_escalation_at) == ("acknowledged", None)


def test_who_leaves_hands_over_on_the_same_rung() -> None:
    case = keep_assigned(opened(), rota(3, company(max="2026-11-20")))
    assert (case.assignee, case.level, case.state) == ("lea", "owner", "open")
    assert case.history[-1].note == "max is no longer here; Lea must act: Max left on 2026-11-20; is the next above"
    managed = escalate(opened(), rota(8))
    assert keep_assigned(managed, rota(9, company(lea="2026-11-20"))).assignee == "vera"


def test_what_a_person_who_left_had_in_hand_is_open_again() -> None:
    mine = acknowledge(opened(), Actor("max"), "", rota(1))
    case = keep_assigned(mine, rota(3, company(max="2026-11-20")))
    assert (case.state, case.assignee) == ("open", "lea")
    assert case.next_escalation_at == START + timedelta(hours=3 + 8)


def test_a_new_owner_gets_it_with_their_full_time() -> None:
    case = see_again(opened(), subject(owner="otto"), rota(7))
    assert (case.assignee, case.next_escalation_at) == ("otto", START + timedelta(hours=7 + 8))
    mine = acknowledge(opened(), Actor("max"), "", rota(1))
    assert see_again(mine, subject(owner="otto"), rota(7)).assignee == "max"


@pytest.mark.parametrize(
    ("amount", "how", "severity"),
    [
        ("499.99", {}, "low"),
        ("500", {}, "medium"),
        ("4999.99", {}, "medium"),
        ("5000", {}, "high"),
        ("50000", {}, "critical"),
        ("-50000", {}, "critical"),
        ("0", {"hard": True}, "medium"),
        ("500", {"hard": True, "running": True}, "critical"),
        ("50000", {"hard": True}, "critical"),
        ("50000", {"warning": True}, "medium"),
        ("1", {"warning": True}, "low"),
    ],
)
def test_severity_follows_money_and_level(amount: str, how: dict[str, bool], severity: str) -> None:
    assert severity_of(Decimal(amount), **how) == severity
