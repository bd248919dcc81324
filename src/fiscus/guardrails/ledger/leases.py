"""Leased chunks: a worker draws a chunk of every account of a scope at once, durably, and spends it in its own memory.

A lease is a hold of the whole chunk. Until it is handed back, the chunk counts as held, so that all workers together never
pass a cap. A worker that dies keeps its chunk held until the lease expires; then it is charged in full, because it may have
been spent. Near the cap chunks shrink, so that little is stranded: a chunk is at most the smallest headroom divided by four
times the workers, and a request that does not fit one goes to the ledger by itself (Doorman's leases; reference ai.md 5).

What touches only memory (`take`, `settle`) never waits for the ledger; what asks the ledger (`draw`, `hand_in`) may take as
long as a commit takes, and is called where waiting is allowed.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from fiscus.guardrails.ledger.commands import Answer, Command, Reserve, Reserved, Settle, Verdict
from fiscus.guardrails.ledger.types import Account, Hold
from fiscus.kernel.clock import Clock
from fiscus.kernel.errors import Unavailable

SHARES_PER_WORKER: Final = 4
LIMITING: Final = frozenset(
    {"hard", "soft"}
)  # caps that a chunk may not reach past: beyond them somebody must be asked
GROWS_WITHIN: Final = timedelta(seconds=2)  # a chunk that is used up sooner was too small
SHRINKS_AFTER: Final = timedelta(seconds=20)
DIRECT_FOR: Final = timedelta(
    milliseconds=250
)  # after a chunk that could not be had, requests ask the ledger themselves
GROWTH_MAX: Final = 256  # times the smallest chunk: what the death of a worker may strand

Ask = Callable[[Command], Answer]


@dataclass(slots=True)
class Lease:
    """One chunk in this worker's hands. spent + reserved never exceeds the bound of its hold.

    `headroom`: what was left of the tightest capped account (its key in `tightest`) beside the chunk; None without a cap.
    `past`: accounts that only warn, and are over.
    """

    hold: Hold
    tightest: str = ""
    headroom: int | None = None
    past: tuple[str, ...] = ()
    spent: int = 0
    reserved: int = 0
    requests: dict[str, int] = field(default_factory=dict)
    taken: int = 0  # requests that drew on it, ever
    proofs: list[bytes] = field(default_factory=list)  # the digest of each request that was settled
    old_at: datetime = field(init=False)  # half of its time is over: what starts later might not end before it expires

    def __post_init__(self) -> None:
        self.old_at = self.hold.at + (self.hold.expires_at - self.hold.at) / 2

    @property
    def left(self) -> int:
        """What a next request may draw."""
        return self.hold.bound - self.spent - self.reserved


class LeasedAccounts:
    """The leases of one worker over one tuple of accounts. Safe between threads.

    `new_hold(amount)` makes the hold to ask for: its id, its accounts, its expiry, longer than any request can take.
    `requests_min`: a chunk is only worth drawing where it fits so many requests of the size that asks for it.
    """

    def __init__(
        self, ask: Ask, new_hold: Callable[[int], Hold], clock: Clock, *, workers: int, requests_min: int = 1
    ) -> None:
        assert workers >= 1
        assert requests_min >= 1
        self._ask = ask
        self._new_hold = new_hold
        self._clock = clock
        self._workers = workers
        self._requests_min = requests_min
        self._times = 1  # the chunk that is asked for, in smallest chunks
        self._lease: Lease | None = None
        self._using: dict[str, Lease] = {}  # request -> the lease that it draws on
        self._done: list[Lease] = []  # all of their requests are settled: to be handed in
        self._direct_until = clock.now()
        self._seen = 0  # requests of the lease at hand when `rest` was called before
        self._turn = threading.Lock()  # memory only
        self._drawing = threading.Lock()  # asks the ledger

    def take(self, request_id: str, amount: int) -> Lease | None:
        """Draw `amount` for a request from the lease at hand, in memory. None: there is none, or it does not fit."""
        with self._turn:
            lease = self._lease
            if lease is None or lease.left < amount or self._is_old(lease):
                return None
            lease.requests[request_id] = amount
            lease.reserved += amount
            lease.taken += 1
            self._using[request_id] = lease
            return lease

    def draw(self, amount: int) -> bool:
        """Have a lease that fits `amount`: one durable transaction. False: no chunk of it is to be had now."""
        with self._drawing:
            with self._turn:
                lease = self._lease
                if lease is not None and lease.left >= amount and not self._is_old(lease):
                    return True  # somebody else drew it while this one waited
            now = self._clock.now()
            if now < self._direct_until:
                return False
            if lease is not None:
                lived = now - lease.hold.at
                self._times = min(GROWTH_MAX, self._times * 2) if lived < GROWS_WITHIN else self._times
                self._times = max(1, self._times // 2) if lived > SHRINKS_AFTER else self._times
            drawn = self._drawn(amount)
            with self._turn:
                self._retire()
                self._lease = drawn
            if drawn is None:
                self._direct_until = now + DIRECT_FOR
                self._times = 1
        with suppress(Unavailable):  # what is drawn is drawn; the rest is handed in the next time
            self.hand_in()
        return drawn is not None

    def reserve(self, request_id: str, amount: int) -> bool:
        """Take, after a draw where it must be. False: it does not fit a chunk; ask the ledger itself, which may have it."""
        return self.take(request_id, amount) is not None or (
            self.draw(amount) and self.take(request_id, amount) is not None
        )

    def settle(self, request_id: str, amount: int, proof: bytes = b"") -> int:
        """The real amount of a request, in memory; returns what is above its bound, which is NOT charged to the lease.

        Above the bound it is an overrun: say it to the ledger (`Overran`), which charges it and freezes what caused it.
        `proof`: the digest of what was decided and spent, for the seal of the lease.
        """
        with self._turn:
            lease = self._using.pop(request_id)
            bound = lease.requests.pop(request_id)
            lease.reserved -= bound
            lease.spent += min(amount, bound)
            if proof:
                lease.proofs.append(proof)
            if lease is not self._lease and not lease.requests:
                self._done.append(lease)
            return max(0, amount - bound)

    def rest(self) -> None:
        """To be called now and then: hands in a lease that nobody drew on since the call before; others may need its money."""
        with self._turn:
            lease = self._lease
            if lease is not None and not lease.requests and lease.taken == self._seen:
                self._retire()
            self._seen = lease.taken if lease is not None else 0
        self.hand_in()

    def hand_in(self) -> None:
        """Settle the leases that are through. Where the ledger is lost they stay here, and are handed in the next time."""
        with self._turn:
            done, self._done = self._done, []
        while done:
            try:
                self._ask(Settle(done[-1].hold.id, done[-1].spent, seal=seal_of(done[-1].proofs)))
            except BaseException:
                with self._turn:
                    self._done += done
                raise
            done.pop()

    def close(self) -> None:
        """Hand everything in. What is still reserved counts as spent: its outcome is not known."""
        with self._turn:
            self._retire()
            open_leases = {id(lease): lease for lease in self._using.values()}.values()
            self._using = {}
        self.hand_in()
        for lease in open_leases:
            spent = lease.spent + lease.reserved
            self._ask(Settle(lease.hold.id, spent, estimate=True, seal=seal_of(lease.proofs)))

    @property
    def empty(self) -> bool:
        """Whether it holds nothing of the ledger's."""
        return self._lease is None and not self._using and not self._done

    def _drawn(self, amount: int) -> Lease | None:
        wanted = amount * self._requests_min * self._times * 2
        smallest = amount * self._requests_min
        hold = self._new_hold(wanted)
        seen: list[Account] = []

        def judge(accounts: Sequence[Account], frozen: object) -> Verdict:
            chunk = chunk_of(accounts, self._workers, wanted)
            seen[:] = accounts
            fits = not frozen and chunk >= smallest
            return Verdict(hold=fits, amount=chunk if fits else None)

        answer = self._ask(Reserve(hold, judge))
        assert isinstance(answer, Reserved)
        if answer.hold is None:
            return None
        capped = min((one for one in seen if one.cap in LIMITING), key=lambda one: one.headroom, default=None)
        past = tuple(one.key for one in seen if one.cap not in LIMITING and one.headroom < 0)
        return Lease(answer.hold, capped.key if capped else "", capped.headroom if capped else None, past)

    def _retire(self) -> None:
        if (lease := self._lease) is None:
            return
        self._lease = None
        if not lease.requests:
            self._done.append(lease)

    def _is_old(self, lease: Lease) -> bool:
        return self._clock.now() >= lease.old_at


def seal_of(proofs: Sequence[bytes]) -> str:
    """How many, and one digest over all of them, in whatever order they ended; empty: there is none."""
    return f"{len(proofs)}:{hashlib.sha256(b''.join(sorted(proofs))).hexdigest()}" if proofs else ""


def chunk_of(accounts: Sequence[Account], workers: int, chunk_max: int) -> int:
    """How much one worker may take now. Accounts that only watch or warn do not shrink it."""
    limiting = [one for one in accounts if one.cap in LIMITING]
    if any(one.frozen or one.billed_until is None for one in limiting):
        return 0
    return max(0, min([chunk_max, *(one.headroom // (SHARES_PER_WORKER * workers) for one in limiting)]))
