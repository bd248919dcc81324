"""The ledger without having looked: what this process left behind is taken to stand still, and the write says whether it did.

A record that only reserves is one statement then, a transaction of its own: it moves the head on from exactly the record that
the judgement rests on, and adds the next one only where it did. So a decision is one round trip, and nobody waits for a lock
while it is judged. Where somebody else wrote in between, nothing is changed, and it is all done again under the lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from fiscus.guardrails.ledger.types import Account, Answered, Changes, DaySum, Hold
from fiscus.kernel.clock import Clock
from fiscus.stores.databases.drivers import Statements
from fiscus.stores.ledger.locked_ledger import Kept, Locked

_MOVE_ON: Final = (
    "WITH moved AS (UPDATE ledger_head SET seq = ?, digest = ?, at = ? "
    "WHERE one = 1 AND seq = ? AND digest = ? AND tabled = ? RETURNING 1) "
    "INSERT INTO ledger_evidence SELECT CAST(? AS BIGINT),?,?,?,?,?,?,?,? FROM moved"
)


class WrongGuess(Exception):
    """To be done again under the lock. `others`: because somebody else wrote, not because it needs more than one statement."""

    def __init__(self, *, others: bool = False) -> None:
        super().__init__("others wrote" if others else "more than one statement")
        self.others = others


class Guessed(Locked):
    """As Locked; raises WrongGuess wherever that asks the database for anything. Only a right guess changes `kept`."""

    def __init__(self, tx: Statements, clock: Clock, kept: Kept) -> None:
        super().__init__(tx, clock, "", kept, unchanged=True)
        self.untouched = True  # whether `kept` is as it was, after a wrong one

    def accounts(self, keys: Sequence[str]) -> dict[str, Account]:
        if not self._accounts.keys() >= set(keys):
            raise WrongGuess
        return super().accounts(keys)

    def holds(self, ids: Sequence[str]) -> dict[str, Hold]:
        del ids
        raise WrongGuess

    def answered(self, keys: Sequence[str]) -> dict[str, Answered]:
        del keys
        raise WrongGuess

    def due(self, by: datetime, limit: int) -> Sequence[Hold]:
        del by, limit
        raise WrongGuess

    def days(self, account_keys: Sequence[str]) -> Sequence[DaySum]:
        del account_keys
        self.untouched = False  # asked in the middle of a batch
        raise WrongGuess

    def write(self, changes: Changes) -> None:
        seq = self._seq + 1
        if not changes.entries or changes.requests or not self._can_wait(changes, seq):
            raise self._taken_back(changes, WrongGuess())
        digest, at, row = self._sealed(changes, seq)
        if not self._tx.alone(_MOVE_ON, (seq, digest, at, self._seq, self._digest, self._tabled, *row)):
            raise self._taken_back(changes, WrongGuess(others=True))
        self._wait_with(changes, seq)
        self._seq, self._digest = seq, digest

    def _taken_back(self, changes: Changes, wrong: WrongGuess) -> WrongGuess:
        if changes.only_reserves:
            for hold in changes.holds.values():
                for key in hold.accounts:
                    self._accounts[key].held -= hold.bound
        else:
            self.untouched = False
        return wrong
