"""Accounts, holds and transitions of the spend ledger. Every amount is an integer number of nano-units (10^-9) of a currency."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from fiscus.guardrails.types import Level

HoldState = Literal["held", "settled", "released", "charged"]
Nature = Literal["usage", "commitment"]  # what a settled amount is until it is billed: unbilled usage, or committed


@dataclass(frozen=True, slots=True)
class Account:
    """One budget in one period. Headroom = amount - actual - estimated - unbilled - held - committed, which never overlap.

    `actual`: billed, days before `billed_until`. `estimated`: spend that no ledger metered and no bill shows yet, at its upper
    bound where the budget is a hard cap. `unbilled`: settled here and not on a bill yet. `committed`: contracts and purchases
    not on a bill yet. `held`: reserved, outcome pending.
    """

    budget_id: str
    period: str  # label, e.g. 2026-11
    currency: str
    cap: Level | None
    amount: int
    actual: int = 0
    estimated: int = 0
    unbilled: int = 0
    held: int = 0
    committed: int = 0
    billed_until: date | None = None  # None: where it stands is not known yet
    start: date = date.min
    end: date = date.max
    frozen: bool = False  # an overrun took it past its cap: nothing more until a person or the next period lifts it

    @property
    def key(self) -> str:
        return account_key(self.budget_id, self.period)

    @property
    def headroom(self) -> int:
        return self.amount - self.actual - self.estimated - self.unbilled - self.held - self.committed


def account_key(budget_id: str, period: str) -> str:
    """Names one account: sorted, it is the order in which accounts are locked."""
    return f"{budget_id}@{period}"


@dataclass(frozen=True, slots=True)
class Hold:
    """Money reserved over several accounts at once. `bound` is the most that it may cost; `settled` what it did cost."""

    id: str
    key: str  # the caller's idempotency key
    digest: str  # of exactly what was asked: the same key with another digest is refused
    state: HoldState
    bound: int
    currency: str
    accounts: tuple[str, ...]
    nature: Nature
    provider: str
    subjects: tuple[str, ...]  # what an overrun freezes: key:..., model:...
    day: date  # the day of the usage: what its bill will say
    at: datetime
    expires_at: datetime
    decision_id: str
    price_version: str = ""
    settled: int = 0
    settled_at: datetime | None = None
    estimate: bool = False  # settled at an estimate, not at the vendor's own number


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `Reserve.judge` answers to the accounts that it saw: hold the money or not, and the record of why."""

    hold: bool
    document: Mapping[str, object] | str  # the decision, stored with the transition
    amount: int | None = None  # held instead of the bound (a cheaper option was chosen)


@dataclass(frozen=True, slots=True)
class Reserve:
    """Ask for money over `accounts`, all or nothing. `judge` sees the accounts under lock and must be pure and quick."""

    hold: Hold
    opens: Mapping[str, Account]  # key -> the account to open when the ledger has none yet
    judge: Callable[
        [Sequence[Account], Sequence[str]], Verdict
    ]  # (accounts in the order of hold.accounts, frozen subjects)


@dataclass(frozen=True, slots=True)
class Settle:
    """The real amount of a hold. More than its bound is an overrun: recorded, charged in full, and its cause is frozen."""

    hold_id: str
    amount: int
    estimate: bool = False
    price_version: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """Nothing was sent: the money is free again. Never said of an outcome that is unknown."""

    hold_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reserved:
    """The answer to a Reserve. `hold` None: nothing is held. `repeated`: the same key and digest were answered before."""

    hold: Hold | None
    accounts: tuple[Account, ...]  # as judged, before this hold
    document: str
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """The answer to a Settle or Release. `overrun`: what the vendor billed above the bound."""

    hold: Hold
    overrun: int = 0
    frozen: tuple[str, ...] = ()  # subjects and accounts that this froze
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Frozen:
    """A subject (key, model, or account) that may spend nothing until a person lifts it."""

    subject: str
    since: datetime
    reason: str
    hold_id: str = ""


@dataclass(frozen=True, slots=True)
class LedgerTotals:
    """What stands in the ledger, by currency, for people and metrics."""

    held: Mapping[str, int] = field(default_factory=dict)
    unbilled: Mapping[str, int] = field(default_factory=dict)
    committed: Mapping[str, int] = field(default_factory=dict)
    charged_unknown: Mapping[str, int] = field(default_factory=dict)  # expired without an outcome, charged at the bound
    overruns: Mapping[str, int] = field(default_factory=dict)
    holds_open: int = 0
