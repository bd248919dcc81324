"""What the ledger room asks of its store: one durable transaction for a batch of commands, and reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol, TypeVar

from fiscus.guardrails.ledger.types import Account, Answered, Changes, DaySum, Frozen, Hold, LedgerTotals, Rulebook
from fiscus.guardrails.types import Decision
from fiscus.kernel.evidence import EvidenceRecord

T = TypeVar("T")


class LockedLedger(Protocol):
    """The ledger under its lock, inside one transaction: what is read here cannot change before the commit."""

    def now(self) -> datetime:
        """The clock's instant, never before the newest transition: a clock that steps back does not rewrite history."""
        ...

    def accounts(self, keys: Sequence[str]) -> dict[str, Account]: ...
    def holds(self, ids: Sequence[str]) -> dict[str, Hold]: ...
    def answered(self, keys: Sequence[str]) -> dict[str, Answered]:
        """Idempotency key -> what was answered to it."""
        ...

    def frozen(self) -> dict[str, Frozen]: ...
    def due(self, by: datetime, limit: int) -> Sequence[Hold]:
        """Holds that expired by an instant, the oldest first."""
        ...

    def days(self, account_keys: Sequence[str]) -> Sequence[DaySum]:
        """What was settled, by day and provider, for these accounts."""
        ...

    def billed(self) -> Mapping[str, date]:
        """Provider -> the first day that its bills do not cover yet, as of the newest Sync."""
        ...


class LedgerStore(Protocol):
    """One ledger. Every method raises Unavailable when the store cannot be reached."""

    def locked(self, work: Callable[[LockedLedger], tuple[T, Changes]]) -> T:
        """Run `work` under the lock and store its changes with one record of evidence, all in one durable transaction.

        When `work` raises, nothing was changed. When the store goes away in the middle, everything was or nothing.
        """
        ...

    def account(self, key: str) -> Account | None: ...
    def accounts(self, keys: Sequence[str]) -> Mapping[str, Account]: ...
    def hold(self, hold_id: str) -> Hold | None: ...
    def holds(self, states: Sequence[str] = ("held",), limit: int = 1000) -> Sequence[Hold]: ...
    def frozen(self) -> Sequence[Frozen]: ...
    def totals(self) -> LedgerTotals: ...
    def metered(self, since: date) -> Sequence[str]:
        """Providers for whose usage money was settled on a day from `since` on."""
        ...

    def decision(self, decision_id: str) -> Decision | None: ...
    def decisions(self, limit: int = 100) -> Sequence[Decision]:
        """Newest first."""
        ...

    def keep_rulebook(self, rulebook: Rulebook) -> None:
        """Keep what judges from now on; the same digest again writes nothing."""
        ...

    def rulebook(self, digest: str) -> Rulebook | None: ...
    def evidence_records(self) -> Iterator[EvidenceRecord]: ...
    def evidence_head(self) -> tuple[int, str]:
        """(sequence number, digest) of the newest record; (0, GENESIS) when there is none, (-1, "") when the head is gone."""
        ...

    def close(self) -> None: ...
