"""Every lease of one worker: a pool for each tuple of accounts, provider and day."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, NamedTuple

from fiscus.guardrails.ledger.leases import Ask, LeasedAccounts
from fiscus.guardrails.ledger.types import Hold
from fiscus.kernel.clock import Clock
from fiscus.kernel.ids import IdSource

LEASED_FOR: Final = timedelta(minutes=30)  # half of it is left for a request that is started last
REQUESTS_MIN: Final = 32  # below it leases would strand more than they save


class Lane(NamedTuple):
    """What may share a lease: the same accounts, and the same provider on the same day, by which bills are told apart."""

    accounts: tuple[str, ...]
    currency: str
    provider: str
    day: date


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """How leases are made."""

    clock: Clock
    ids: IdSource
    workers: int = 1
    requests_min: int = REQUESTS_MIN


class LeasePools:
    """Safe between threads. What is in no pool is in the ledger only."""

    def __init__(self, ask: Ask, terms: LeaseTerms) -> None:
        self._ask = ask
        self._terms = terms
        self._pools: dict[Lane, LeasedAccounts] = {}
        self._turn = threading.Lock()

    def of(self, lane: Lane) -> LeasedAccounts:
        """The pool of a lane, made when it is first asked for."""
        pool = self._pools.get(lane)
        if pool is None:
            with self._turn:
                pool = self._pools.setdefault(lane, self._made(lane))
        return pool

    def rest(self) -> None:
        """Hand in what nobody drew on since the call before; forget the pools of days that are over. Raises Unavailable."""
        today = self._terms.clock.now().date()
        for lane, pool in list(self._pools.items()):
            pool.rest()
            if lane.day < today and pool.empty:
                with self._turn:
                    self._pools.pop(lane, None)

    def close(self) -> None:
        """Hand everything in; what is under way counts as spent."""
        for pool in list(self._pools.values()):
            pool.close()

    def _made(self, lane: Lane) -> LeasedAccounts:
        return LeasedAccounts(
            self._ask, self._holds(lane), self._terms.clock, workers=self._terms.workers,
            requests_min=self._terms.requests_min,
        )  # fmt: skip

    def _holds(self, lane: Lane) -> Callable[[int], Hold]:
        terms = self._terms

        def new_hold(amount: int) -> Hold:
            at = terms.clock.now()
            return Hold(
                terms.ids.new("lease"), "held", amount, lane.currency, lane.accounts, "usage", lane.provider, (),
                lane.day, at, at + LEASED_FOR,
            )  # fmt: skip

        return new_hold
