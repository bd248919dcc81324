"""Whatever happens in whatever order (time, people, bills), no case is lost, unassigned, or taken down a rung."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.fixtures.effort import some

from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import Conflict, NotAllowed
from fiscus.kernel.limits import CASE_FRESH_ROUND_DAYS
from fiscus.ownership.answering import ACTING_ROLES, is_here
from fiscus.ownership.case_machine import (
    LEVELS,
    Rota,
    acknowledge,
    close,
    escalate,
    keep_assigned,
    lose_sight,
    open_case,
    reopen,
    see_again,
)
from fiscus.ownership.case_severity import SEVERITIES, severity_of
from fiscus.ownership.ladder import ladder_from
from fiscus.ownership.types import Case, CaseSubject, Directory, Person, Team

PEOPLE = ("cora", "vera", "lea", "max", "mia", "otto", "fin", "fay")
MOVES: dict[str, Callable[[Case, Actor, str, Rota], Case]] = {
    "acknowledge": acknowledge,
    "close": close,
    "reopen": reopen,
}
FROM = {"acknowledge": {"open"}, "close": {"open", "acknowledged"}, "reopen": {"closed"}}
keys = st.sampled_from(("gpu", "budget", "disk"))
owners = st.sampled_from(("max", "mia", "otto", "ml", "web", "unowned", "typo"))
money = st.sampled_from((40, 400, 420, 4_000, 40_000, 400_000)).map(Decimal)


def company() -> Directory:
    """Three rungs of managers; cora never leaves, so that somebody always answers."""
    above = {"vera": "cora", "lea": "vera", "max": "lea", "mia": "lea", "otto": "vera", "fay": "cora"}
    roles = {"fin": ("finance",), "fay": ("finops",), "cora": ("cfo",)}
    team = {"max": "ml", "mia": "ml", "lea": "ml", "otto": "web"}
    people = [Person(p, p.title(), f"{p}@x.example", team.get(p), above.get(p), roles.get(p, ())) for p in PEOPLE]
    teams = [Team("exec", "Exec", "vera", "1"), Team("ml", "ML", "lea", "2", "exec"), Team("web", "Web", "otto", "3")]
    teams.append(Team("finops", "FinOps", "fay", "4"))
    return Directory({p.id: p for p in people}, {t.id: t for t in teams}, "finops")


class Cases(RuleBasedStateMachine):
    """Three subjects that come, go and grow; eight people of whom seven may leave; a clock."""

    @initialize()
    def start(self) -> None:
        self.now = datetime(2026, 11, 20, tzinfo=UTC)
        self.directory = company()
        self.present: dict[str, CaseSubject] = {}
        self.cases: dict[str, Case] = {}
        self.ran = True

    @property
    def rota(self) -> Rota:
        return Rota(self.directory, ladder_from({}), self.now)

    @rule(hours=st.sampled_from((0.5, 3, 9, 30, 100, 800)))
    def wait(self, hours: float) -> None:
        self.now += timedelta(hours=hours)
        self.ran = False

    @rule(key=keys, owner=owners, amount=money, hard=st.booleans())
    def bill(self, key: str, owner: str, amount: Decimal, hard: bool) -> None:
        about = CaseSubject(
            "finding", key, f"{key} cost {amount} USD", "", amount, "USD", severity_of(amount, hard=hard), owner
        )
        self.present[key] = about
        self.ran = False

    @rule(key=keys)
    def vanish(self, key: str) -> None:
        self.present.pop(key, None)
        self.ran = False

    @rule(person=st.sampled_from([p for p in PEOPLE if p != "cora"]))
    def leave(self, person: str) -> None:
        gone = replace(self.directory.people[person], left_on=self.now.date().isoformat())
        self.directory = replace(self.directory, people={**self.directory.people, person: gone})
        self.ran = False

    @rule(key=keys, person=st.sampled_from((*PEOPLE, "mallory")), move=st.sampled_from(sorted(MOVES)))
    def act(self, key: str, person: str, move: str) -> None:
        before = self.cases.get(key)
        if before is None:
            return
        refusal = None
        try:
            after = MOVES[move](before, Actor(person), "", self.rota)
        except (NotAllowed, Conflict) as refused:
            refusal = refused
        if refusal is not None:
            assert refusal.remedy
            illegal = before.state not in FROM[move]
            assert illegal if isinstance(refusal, Conflict) else not self.always_allowed(before, person)
            return
        assert before.state in FROM[move]
        assert is_here(self.directory, person, self.now.date())
        self.keep(key, before, after)
        if move == "reopen":  # somebody may reopen what is gone: the next run closes it
            self.ran = False

    @rule()
    def run(self) -> None:
        rota = self.rota
        for key, about in self.present.items():
            before = self.cases.get(key)
            if before is None:
                self.cases[key] = open_case(f"case-{key}", about, rota)
            else:
                seen = keep_assigned(see_again(before, about, rota), rota)
                self.check_escalation(seen, escalate(seen, rota))
                self.keep(key, before, escalate(seen, rota))
        for key, before in self.cases.items():
            if key not in self.present:
                self.keep(key, before, lose_sight(before, rota))
        self.check_second_run_is_idle(rota)
        self.ran = True

    def always_allowed(self, case: Case, person: str) -> bool:
        if not is_here(self.directory, person, self.now.date()):
            return False
        return person == case.assignee or bool(ACTING_ROLES & set(self.directory.people[person].roles))

    def check_escalation(self, before: Case, after: Case) -> None:
        if after is before:
            return
        assert before.state == "open"  # in hand or closed, the clock stands
        assert before.next_escalation_at is not None
        assert before.next_escalation_at <= self.now
        assert LEVELS.index(after.level) > LEVELS.index(before.level)

    def check_second_run_is_idle(self, rota: Rota) -> None:
        for key, about in self.present.items():
            case = self.cases[key]
            assert escalate(keep_assigned(see_again(case, about, rota), rota), rota) == case

    def keep(self, key: str, before: Case, after: Case) -> None:
        """Store what became of a case, after checking what no step may do."""
        assert after.id == before.id
        assert after.opened_at == before.opened_at
        shared = min(len(before.history), len(after.history)) - 1
        assert after.history[:shared] == before.history[:shared]
        if LEVELS.index(after.level) < LEVELS.index(before.level):
            assert before.state == "closed"
            assert after.state == "open"
            closed = max(event.at for event in before.history if event.kind == "closed")
            assert self.now - closed >= timedelta(days=CASE_FRESH_ROUND_DAYS)
        self.cases[key] = after

    @invariant()
    def every_case_stands_as_it_must(self) -> None:
        for key, case in getattr(self, "cases", {}).items():
            assert case.subject.key == key
            assert case.assignee in self.directory.people
            assert case.subject.severity in SEVERITIES
            clock_runs = case.state == "open" and case.level != "finance"
            assert (case.next_escalation_at is not None) == clock_runs
            assert sum(event.kind == "opened" for event in case.history) == 1
            told = [e.kind for e in case.history if e.kind in {"opened", "acknowledged", "closed", "reopened"}]
            last = {"opened": "open", "reopened": "open"}.get(told[-1], told[-1])
            assert last == case.state
            assert [event.at for event in case.history] == sorted(event.at for event in case.history)

    @invariant()
    def after_a_run_all_that_stands_is_in_living_hands_and_nothing_is_overdue(self) -> None:
        if not getattr(self, "ran", False):
            return
        for key, case in self.cases.items():
            if case.state == "closed":
                continue
            assert key in self.present
            assert is_here(self.directory, case.assignee, self.now.date())
            assert case.next_escalation_at is None or case.next_escalation_at > self.now
        assert set(self.present) <= set(self.cases)


Cases.TestCase.settings = settings(max_examples=some(150), stateful_step_count=40, deadline=None)
TestCases = pytest.mark.filterwarnings("error")(Cases.TestCase)
