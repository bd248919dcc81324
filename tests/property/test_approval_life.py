"""Whatever people, processes and the clock do in whatever order: a yes is somebody else's, enough of them, used once, in time."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.fixtures.asking import asked_for, decision, intent
from tests.fixtures.company import NOON, Settings, open_company
from tests.fixtures.effort import some

from fiscus.flows.approve_intent import approve_intent, approve_many, open_approval_link, reject_intent
from fiscus.flows.claim_approval import claim_approval, return_approval
from fiscus.flows.keep_approvals import keep_approvals
from fiscus.flows.link_secret import link_secret
from fiscus.flows.verify_evidence import verify_evidence
from fiscus.guardrails.approvals.machine import approval_digest
from fiscus.guardrails.approvals.signed_link import sign_link
from fiscus.guardrails.approvals.types import Approval, WhyNot
from fiscus.guardrails.types import ApprovalNeeded
from fiscus.kernel.actor import Actor
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.errors import FiscusError

PEOPLE = ("vera", "lea", "max", "otto", "fay", "pia", "cem", "mallory", "fiscus")
people = st.sampled_from(PEOPLE)
picks = st.integers(0, 3)


class Approvals(RuleBasedStateMachine):
    """max and lea ask; pia wrote the policy; some questions need two."""

    @initialize()
    def open(self) -> None:
        self.home = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self.clock = SteppedClock(NOON)
        opened = open_company(self.home, Settings(), self.clock)
        self.ws = replace(opened, config=replace(opened.config, policy_owners={"purchases": "pia"}))
        self.ids: list[str] = []
        self.decisions = 0
        self.let_through: dict[str, set[str]] = {}

    def teardown(self) -> None:
        if hasattr(self, "home"):
            assert verify_evidence(self.ws).ok
            shutil.rmtree(self.home)

    @rule(who=st.sampled_from(("max", "lea")), approvers=st.integers(1, 2), hours=st.sampled_from((1, 72)))
    def ask(self, who: str, approvers: int, hours: int) -> None:
        asked = intent(requested_by=who, amount=Decimal(1000 + len(self.ids)))
        self.ids.append(asked_for(self.ws, asked, ApprovalNeeded((), approvers, hours)).id)

    @precondition(lambda self: self.ids)
    @rule(pick=picks, who=people)
    def yes(self, pick: int, who: str) -> None:
        self.attempt(lambda: approve_intent(self.ws, self.picked(pick), Actor(who)))

    @precondition(lambda self: self.ids)
    @rule(pick=picks, who=people)
    def yes_by_link(self, pick: int, who: str) -> None:
        token = sign_link(link_secret(self.ws.home), self.stored(self.picked(pick)), who)

        def answer() -> object:
            approval, actor = open_approval_link(self.ws, token)
            return approve_intent(self.ws, approval.id, actor, shown=approval.digest)

        self.attempt(answer)

    @precondition(lambda self: self.ids)
    @rule(who=people)
    def yes_to_all(self, who: str) -> None:
        approve_many(self.ws, self.ids, Actor(who))

    @precondition(lambda self: self.ids)
    @rule(pick=picks, who=people)
    def no(self, pick: int, who: str) -> None:
        self.attempt(lambda: reject_intent(self.ws, self.picked(pick), Actor(who), "no"))

    @precondition(lambda self: self.ids)
    @rule(pick=picks, other=st.booleans(), given_back=st.booleans())
    def come_with_it(self, pick: int, other: bool, given_back: bool) -> None:
        approval_id = self.picked(pick)
        approval = self.stored(approval_id)
        self.decisions += 1
        asked = replace(approval.intent, amount=approval.intent.amount + (1 if other else 0))
        made = decision(asked, decision_id=f"dec-{self.decisions}", ws=self.ws)
        claimed = claim_approval(self.ws, approval_id, made)
        if isinstance(claimed, WhyNot):
            return
        assert not other, "another amount was let through"
        assert self.clock.now() < approval.expires_at, "after its expiry"
        assert len(approval.yes) >= approval.needed.approvers, "before there were enough"
        if given_back:
            return_approval(self.ws, approval_id, made.id, "no money left")
        else:
            self.let_through.setdefault(approval_id, set()).add(made.id)

    @rule(minutes=st.sampled_from((0, 1, 45, 2200)))
    def time_passes(self, minutes: int) -> None:
        self.clock.advance(timedelta(minutes=minutes))

    @rule()
    def the_loop_runs(self) -> None:
        keep_approvals(self.ws)

    @invariant()
    def everything_holds(self) -> None:
        if not hasattr(self, "ids"):
            return
        for approval_id in self.ids:
            approval = self.stored(approval_id)
            assert approval.digest == approval_digest(approval.intent, approval.policies, approval.expires_at)
            assert not {approval.requested_by, "pia", "cem", "mallory", "fiscus", "otto"} & set(approval.yes)
            if approval.state in {"approved", "used"}:
                assert len(approval.yes) >= approval.needed.approvers
            # Nothing of the ledger is behind these decisions, so a claim that is minutes old is taken for a dead process's
            # and given back: then, and only then, may another one have used it.
            regained = sum(step.kind == "given_back" and "never given" in step.note for step in approval.steps)
            assert len(self.let_through.get(approval_id, ())) <= 1 + regained

    def picked(self, pick: int) -> str:
        return self.ids[-1 - pick % len(self.ids)]

    def stored(self, approval_id: str) -> Approval:
        with self.ws.state.read() as tx:
            found = tx.approvals.get(approval_id)
        assert found is not None
        return found

    def attempt(self, act: Callable[[], object]) -> None:
        try:
            act()
        except FiscusError:
            return


TestApprovals = Approvals.TestCase
TestApprovals.settings = settings(
    max_examples=some(25), stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
