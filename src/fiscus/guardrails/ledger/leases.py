"""Leased chunks: a worker draws a chunk of every account of a scope at once, durably, and spends it in its own memory.

A lease is a hold of the whole chunk. Until it is handed back, the chunk counts as held, so that all workers together never
pass a cap. A worker that dies keeps its chunk held until the lease expires; then it is charged in full, because it may have
been spent. Near the cap chunks shrink, so that little is stranded: a chunk is at most the smallest headroom divided by four
times the workers, and a request that is larger than that goes to the ledger by itself (Doorman's leases; reference ai.md 5).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from fiscus.guardrails.ledger.commands import Answer, Command, Reserve, Reserved, Settle, Verdict
from fiscus.guardrails.ledger.types import Account, Hold

SHARES_PER_WORKER: Final = 4

Ask = Callable[[Command], Answer]


@dataclass(slots=True)
class Lease:
    """One chunk in this worker's hands. spent + reserved never exceeds the bound of its hold."""

    hold: Hold
    spent: int = 0
    reserved: dict[str, int] = field(default_factory=dict)

    @property
    def left(self) -> int:
        """What a next request may draw."""
        return self.hold.bound - self.spent - sum(self.reserved.values())


class LeasedAccounts:
    """The leases of one worker over one tuple of accounts. Safe between threads.

    `new_hold(amount)` makes the hold to ask for: its id, its accounts, its expiry, longer than any request can take.
    """

    def __init__(self, ask: Ask, new_hold: Callable[[int], Hold], *, workers: int, chunk_max: int) -> None:
        assert workers >= 1
        assert chunk_max > 0
        self._ask = ask
        self._new_hold = new_hold
        self._workers = workers
        self._chunk_max = chunk_max
        self._lease: Lease | None = None
        self._old: list[Lease] = []  # handed in when their last request is settled
        self._turn = threading.Lock()

    def reserve(self, request_id: str, amount: int) -> bool:
        """Draw `amount` for a request. False: it does not fit a chunk; ask the ledger itself, which may still have it."""
        with self._turn:
            if self._lease is None or self._lease.left < amount or self._is_old(self._lease):
                self._hand_in()
                self._lease = self._draw(amount)
            if self._lease is None:
                return False
            self._lease.reserved[request_id] = amount
            return True

    def settle(self, request_id: str, amount: int) -> int:
        """The real amount of a request; returns what is above its bound, which is charged to the lease all the same."""
        with self._turn:
            lease = next(one for one in (self._lease, *self._old) if one is not None and request_id in one.reserved)
            bound = lease.reserved.pop(request_id)
            lease.spent += amount
            if lease in self._old and not lease.reserved:
                self._old.remove(lease)
                self._ask(Settle(lease.hold.id, lease.spent))
            return max(0, amount - bound)

    def close(self) -> None:
        """Hand everything in. What is still reserved counts as spent: its outcome is not known."""
        with self._turn:
            for lease in (self._lease, *self._old):
                if lease is not None:
                    self._ask(
                        Settle(lease.hold.id, lease.spent + sum(lease.reserved.values()), estimate=bool(lease.reserved))
                    )
            self._lease, self._old = None, []

    def _draw(self, amount: int) -> Lease | None:
        hold = self._new_hold(self._chunk_max)

        def judge(accounts: Sequence[Account], frozen: object) -> Verdict:
            chunk = chunk_of(accounts, self._workers, self._chunk_max)
            return Verdict(hold=not frozen and chunk >= amount, amount=chunk if chunk >= amount else None)

        answer = self._ask(Reserve(hold, judge))
        assert isinstance(answer, Reserved)
        return Lease(answer.hold) if answer.hold is not None else None

    def _hand_in(self) -> None:
        if (lease := self._lease) is None:
            return
        self._lease = None
        if lease.reserved:
            self._old.append(lease)
        else:
            self._ask(Settle(lease.hold.id, lease.spent))

    def _is_old(self, lease: Lease) -> bool:
        """Half of its time is over: a request that starts now must end before it expires."""
        fresh = self._new_hold(0)
        return fresh.at - lease.hold.at >= (lease.hold.expires_at - lease.hold.at) / 2


def chunk_of(accounts: Sequence[Account], workers: int, chunk_max: int) -> int:
    """How much one worker may take now. Accounts that only watch (no hard cap) do not shrink it."""
    left = [one.headroom for one in accounts if one.cap == "hard"]
    if any(one.frozen or one.billed_until is None for one in accounts if one.cap == "hard"):
        return 0
    return max(0, min([chunk_max, *(headroom // (SHARES_PER_WORKER * workers) for headroom in left)]))
