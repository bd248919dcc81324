"""Accounts, holds and what stands in the spend ledger. Every amount is an integer number of nano-units (10^-9) of a currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Literal

from fiscus.guardrails.types import Decision, Level
from fiscus.kernel.actor import Actor
from fiscus.kernel.periods import FiscalCalendar

HoldState = Literal["held", "settled", "released", "charged"]
RESERVES: Final = frozenset({"reserved", "decided"})
Nature = Literal["usage", "commitment"]  # what a settled amount is until it is billed: unbilled usage, or committed


@dataclass(slots=True)
class Account:
    """One budget in one period. Headroom = amount - actual - estimated - unbilled - held - committed, which never overlap.

    `actual`: billed, days before `billed_until`. `estimated`: spend that the ledger did not meter and no bill shows yet.
    `unbilled`: settled here and on no bill yet. `committed`: contracts and purchases that are on no bill yet. `held`: reserved,
    outcome pending. Mutable: the book changes it while it holds the lock, and nobody else ever does.
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
    billed_until: date | None = None  # None: where it stands is not known
    frozen: bool = False  # an overrun took it past its cap: nothing more until a person lifts it
    by_bills: bool = True  # False: no bill names the key, user or model that it is on: what was settled counts on

    @property
    def key(self) -> str:
        """Names the account; sorted, it is the order in which accounts are locked."""
        return account_key(self.budget_id, self.period)

    @property
    def headroom(self) -> int:
        """What is left; negative when it is over."""
        return self.amount - self.actual - self.estimated - self.unbilled - self.held - self.committed


def account_key(budget_id: str, period: str) -> str:
    """The key of one budget in one period."""
    return f"{budget_id}@{period}"


@dataclass(frozen=True, slots=True)
class Hold:
    """Money reserved over several accounts at once. `bound` is the most that it may cost; `settled` what it did cost."""

    id: str
    state: HoldState
    bound: int
    currency: str
    accounts: tuple[str, ...]
    nature: Nature
    provider: str
    subjects: tuple[str, ...]  # what may have caused an overrun, the narrowest first: key:..., then model:...
    day: date  # of the usage, UTC: what its bill will say
    at: datetime
    expires_at: datetime
    decision_id: str = ""
    price_version: str = ""
    settled: int = 0
    settled_at: datetime | None = None
    estimate: bool = False  # settled at an estimate, not at the vendor's own number


@dataclass(frozen=True, slots=True)
class DaySum:
    """What was settled for one account on one day at one provider, by nature: it counts until the provider's bill has it."""

    account: str
    provider: str
    day: date
    nature: Nature
    amount: int


@dataclass(frozen=True, slots=True)
class Frozen:
    """A subject (key, model, vendor) that may spend nothing until a person lifts it."""

    subject: str
    since: datetime
    reason: str
    hold_id: str = ""


@dataclass(frozen=True, slots=True)
class Rulebook:
    """What judged: the texts of policies and budgets (file -> YAML) and the fiscal calendar. Replay loads exactly these."""

    digest: str
    policies: Mapping[str, str]
    budgets: Mapping[str, str]
    calendar: FiscalCalendar


@dataclass(frozen=True, slots=True)
class LedgerTotals:
    """What stands in the ledger, by currency, for people and metrics."""

    held: Mapping[str, int] = field(default_factory=dict)
    settled: Mapping[str, int] = field(default_factory=dict)
    charged_unknown: Mapping[str, int] = field(default_factory=dict)  # expired without an outcome, charged at the bound
    overruns: Mapping[str, int] = field(default_factory=dict)  # billed above the bound
    open: int = 0


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered to an idempotency key."""

    digest: str
    decision: Decision | None
    hold: Hold | None


@dataclass(slots=True)
class Changes:
    """All that a batch changes. `entries` is its evidence: one record of the chain holds them in order.

    A new hold stands in its entry as a Hold: the store writes all of it, and reads it back.
    """

    accounts: dict[str, Account] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    days: dict[tuple[str, str, date, str], int] = field(
        default_factory=dict
    )  # added to (account, provider, day, nature)
    frozen: dict[str, Frozen | None] = field(default_factory=dict)  # None: lifted
    decisions: list[Decision] = field(default_factory=list)
    requests: list[tuple[str, str, str, str]] = field(default_factory=list)  # (key, digest, decision id, hold id)
    overruns: list[tuple[str, str, int]] = field(default_factory=list)  # (hold id, currency, above the bound)
    billed: dict[str, date] | None = None  # provider -> first day that its bills do not cover
    entries: list[Mapping[str, object]] = field(default_factory=list)
    actor: Actor | None = None  # a person, where one acted

    @property
    def only_reserves(self) -> bool:
        """Whether every transition is a reservation or a decision without one: then `entries` tells all that is changed."""
        return RESERVES.issuperset([entry["what"] for entry in self.entries])
