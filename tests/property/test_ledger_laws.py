"""Whatever is asked in whatever order, at whatever time: no nano is lost, none is held twice, no hard cap is passed unseen."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.fixtures.effort import some
from tests.fixtures.ledgers import NOON, TODAY, account, key, reserve, sync

from fiscus.guardrails.ledger.commands import Command, Expire, Release, Reserved, Settle, Settled, Thaw
from fiscus.guardrails.ledger.ledger import Ledger
from fiscus.guardrails.ledger.types import Hold
from fiscus.kernel.actor import Actor
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.errors import FiscusError
from fiscus.kernel.evidence import verify_chain
from fiscus.stores.ledger import open_ledger

BUDGETS = ("org", "team", "key")
CAPS = {"org": 100, "team": 40, "key": 15}
scopes = st.sampled_from([("org",), ("org", "team"), ("org", "team", "key"), ("key",)])
amounts = st.integers(0, 12)
spread = st.sampled_from(("OpenAI", "Anthropic"))
natures = st.sampled_from(("usage", "usage", "commitment"))


class LedgerLaws(RuleBasedStateMachine):
    """A real SQLite ledger beside a model that only remembers what became of each hold."""

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.clock = SteppedClock(NOON)
        self.ledger = Ledger(open_ledger(f"sqlite:///{Path(self.folder.name) / 'ledger.db'}", self.clock))
        self.ledger.transact([sync(CAPS)])
        self.count = 0
        self.billed = {}
        self.overrun = 0
        self.mended = 0  # how much more than their estimates calls turned out to cost

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            self.ledger.close()
            self.folder.cleanup()

    def hold_ids(self) -> list[str]:
        return [hold.id for hold in self.ledger.store.holds(("held", "settled", "charged", "released"), 10_000)]

    def ask(self, *commands: Command) -> None:
        for answer in self.ledger.transact(list(commands)):
            if isinstance(answer, Settled):
                self.overrun += answer.overrun
            assert isinstance(answer, Reserved | Settled | FiscusError) or answer.changed >= 0

    @rule(asked=st.lists(st.tuples(scopes, amounts, spread, natures), min_size=1, max_size=4))
    def reserve_some(self, asked: list[tuple[tuple[str, ...], int, str, str]]) -> None:
        commands = []
        for budgets, amount, provider, nature in asked:
            self.count += 1
            more = {"provider": provider, "nature": nature, "subjects": (f"key:{self.count % 3}",)}
            more |= {
                "day": self.clock.now().date(),
                "at": self.clock.now(),
                "expires_at": self.clock.now() + timedelta(hours=1),
            }
            commands.append(reserve(f"h{self.count:04d}", amount, *budgets, **more))
        self.ask(*commands)

    @rule(pick=st.integers(0, 1000), amount=amounts, estimate=st.booleans())
    def settle(self, pick: int, amount: int, estimate: bool) -> None:
        if ids := self.hold_ids():
            chosen = ids[pick % len(ids)]
            (before,) = (
                h for h in self.ledger.store.holds(("held", "settled", "charged", "released"), 10_000) if h.id == chosen
            )
            self.ask(Settle(chosen, amount, estimate))
            if before.state == "settled" and before.estimate:
                self.mended += max(0, amount - before.settled)

    @rule(pick=st.integers(0, 1000))
    def release(self, pick: int) -> None:
        if ids := self.hold_ids():
            self.ask(Release(ids[pick % len(ids)], "not sent"))

    @rule(minutes=st.integers(-90, 90))
    def time_passes(self, minutes: int) -> None:
        self.clock.advance(timedelta(minutes=minutes))
        self.ask(Expire())

    @rule(provider=spread, days=st.integers(-1, 2))
    def a_bill_lands(self, provider: str, days: int) -> None:
        until = TODAY + timedelta(days=days)
        self.billed[provider] = max(until, self.billed.get(provider, until))
        self.ask(sync(CAPS, billed=dict(self.billed)))

    @rule(number=st.integers(0, 2))
    def thaw(self, number: int) -> None:
        self.ask(*(Thaw(one, Actor("ana"), "checked") for one in (f"key:{number}", key("key"), key("team"))))

    @invariant()
    def accounts_are_the_sum_of_their_holds(self) -> None:
        if not hasattr(self, "ledger"):
            return
        sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for hold in self.ledger.store.holds(("held", "settled", "charged"), 10_000):
            for name in hold.accounts:
                if hold.state == "held":
                    sums[name]["held"] += hold.bound
                elif not self.is_billed(hold):
                    sums[name]["unbilled" if hold.nature == "usage" else "committed"] += hold.settled
        for budget in BUDGETS:
            found, expected = account(self.ledger, budget), sums[key(budget)]
            assert (found.held, found.unbilled, found.committed) == (
                expected["held"], expected["unbilled"], expected["committed"],
            )  # fmt: skip

    def is_billed(self, hold: Hold) -> bool:
        until = self.billed.get(hold.provider)
        last = hold.day if hold.nature == "usage" else NOON.date().replace(day=30)
        return until is not None and last < until

    @invariant()
    def a_hard_cap_is_passed_by_overruns_and_mended_estimates_alone(self) -> None:
        """An estimate frees what it does not count; where the vendor bills more after all, what was let in since stays in."""
        if hasattr(self, "ledger"):
            passed = self.overrun + self.mended
            assert all(account(self.ledger, name).headroom >= -passed for name in BUDGETS)

    @invariant()
    def its_evidence_is_whole(self) -> None:
        if hasattr(self, "ledger"):
            records, head, breaks = verify_chain(self.ledger.store.evidence_records())
            assert not breaks
            assert (records, head) == self.ledger.store.evidence_head()


TestLedgerLaws = LedgerLaws.TestCase
TestLedgerLaws.settings = settings(max_examples=some(60), stateful_step_count=25, deadline=None)
