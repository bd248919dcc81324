"""What calls leave behind, written in batches by a thread of its own: the ledger's transitions first, then the calls.

A call's money was durable before it left; that it is settled, and what it was, may wait some milliseconds. A process that dies
in between leaves holds and leases that are charged at their bounds when they expire: nothing is freed that may have been spent.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from fiscus.cost.ai.ports import CallObserver, CallStore
from fiscus.cost.ai.types import AiCall, CallFacts
from fiscus.flows.meter_calls import meter_calls
from fiscus.guardrails.doors.ai.ports import UnheldCalls
from fiscus.guardrails.ledger.commands import Command, Settled, Spent
from fiscus.guardrails.ledger.ledger import Ledger
from fiscus.guardrails.ledger.types import Hold
from fiscus.kernel.counters import Counters
from fiscus.kernel.errors import FiscusError, Unavailable

BATCH_MAX: Final = 500
WAITING_MAX: Final = (
    200_000  # calls kept in memory while their store is away; beyond it the oldest are dropped and counted
)
KEPT: Final = "fiscus_gateway_calls_total"
DROPPED: Final = "fiscus_gateway_calls_dropped_total"
OVERRUNS: Final = "fiscus_ledger_overruns_total"
POSTED: Final = "fiscus_failure_mode_posted_total"
REFUSED: Final = "fiscus_gateway_settlements_refused_total"


class CallKeeper:
    """Safe between threads: requests put in, one thread flushes."""

    def __init__(
        self,
        ledger: Ledger,
        calls: CallStore,
        counters: Counters,
        observers: Sequence[CallObserver] = (),
        unheld: UnheldCalls | None = None,
    ) -> None:
        self._ledger = ledger
        self._store = calls
        self._counters = counters
        self._observers = observers
        self._commands: deque[Command] = deque()
        self._calls: deque[AiCall] = deque()
        self._ended: deque[AiCall] = deque()  # not counted yet
        self._facts: deque[CallFacts] = deque()
        self._flushing = threading.Lock()
        self._unheld = unheld
        self._unheld_ends: deque[tuple[str, int, bool]] = deque()
        self._unheld_waits = unheld is not None  # there may be some of before
        self.waits = threading.Event()  # set when there is something to settle

    def command(self, command: Command) -> None:
        """To be said to the ledger."""
        self._commands.append(command)
        self.waits.set()

    def keep(self, call: AiCall) -> None:
        """To be stored."""
        self._ended.append(call)

    def keep_facts(self, facts: CallFacts) -> None:
        """What the calls share that are kept from now on; stored before them."""
        self._facts.append(facts)

    def let_through(self, hold: Hold) -> None:
        """A call leaves without the ledger: written down before. Raises Unavailable; then it must not leave."""
        if self._unheld is not None:
            self._unheld.begin(hold)
            self._unheld_waits = True

    def let_through_ended(self, hold_id: str, amount: int, *, estimate: bool) -> None:
        """What such a call cost."""
        self._unheld_ends.append((hold_id, amount, estimate))

    def post(self, now: datetime) -> None:
        """Charge what was let through without the ledger, now that it is back. Raises Unavailable; then it is tried again.

        Killed anywhere in between and done again, it is charged once: the ledger knows each by its id.
        """
        if self._unheld is None or not self._unheld_waits:
            return
        with self._flushing:
            self._write_ends()
            while waiting := self._unheld.to_post(now)[:BATCH_MAX]:
                answers = self._ledger.transact([Spent(hold, hold.settled) for hold in waiting])
                done = [hold for hold, answer in zip(waiting, answers, strict=True) if isinstance(answer, Settled)]
                self._unheld.forget([hold.id for hold in done])
                self._counters.add(POSTED, len(done))
                if len(done) < len(waiting):  # without an account: it is tried again
                    return

    def _write_ends(self) -> None:
        while self._unheld_ends and self._unheld is not None:
            hold_id, amount, estimate = self._unheld_ends[0]
            self._unheld.end(hold_id, amount, estimate=estimate)
            self._unheld_ends.popleft()

    def flush(self) -> None:
        """Write everything that waits. Raises Unavailable where a store is away: what waits is kept for the next time."""
        self.settle()
        with self._flushing:
            self._count()
            while self._facts:
                self._store.put_facts([self._facts[0]])
                self._facts.popleft()
            while self._calls:
                self._store_some([self._calls.popleft() for _ in range(min(BATCH_MAX, len(self._calls)))])

    def settle(self) -> None:
        """Write what the ledger waits for: money that may be free again. Raises Unavailable as `flush` does."""
        self.waits.clear()
        with self._flushing:
            self._write_ends()
            while self._commands:
                self._say([self._commands.popleft() for _ in range(min(BATCH_MAX, len(self._commands)))])

    def _count(self) -> None:
        """What ended since it was counted before, whether it can be stored or not."""
        ended = [self._ended.popleft() for _ in range(len(self._ended))]
        kinds = Counter((call.upstream, call.state, call.verdict) for call in ended)
        for (upstream, state, verdict), many in kinds.items():
            self._counters.add(KEPT, many, upstream=upstream, state=state, verdict=verdict)
        self._calls.extend(ended)

    def _say(self, commands: list[Command]) -> None:
        try:
            answers = self._ledger.transact(commands)
        except Unavailable:
            self._commands.extendleft(reversed(commands))
            raise
        for answer in answers:
            if isinstance(
                answer, FiscusError
            ):  # such as a hold that a person settled meanwhile: the ledger's word stands
                self._counters.count(REFUSED, code=answer.code)
            elif isinstance(answer, Settled) and answer.overrun and not answer.repeated:
                self._counters.count(OVERRUNS, provider=answer.hold.provider)

    def _store_some(self, calls: list[AiCall]) -> None:
        try:
            self._store.append(calls)
        except Unavailable:
            self._calls.extendleft(reversed(calls))
            while len(self._calls) > WAITING_MAX:
                self._calls.popleft()
                self._counters.count(DROPPED)
            raise
        meter_calls(self._counters, calls)
        for observer in self._observers:  # beside the requests, and once: what was not stored is stored again
            for call in calls:
                observer.ended(call)
