"""What may be asked of the ledger, and what it answers. Commands of one batch are applied in order, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from fiscus.guardrails.ledger.types import Account, Frozen, Hold
from fiscus.guardrails.types import Decision
from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import FiscusError


class Verdict(NamedTuple):
    """What `Reserve.judge` says to the accounts that it saw. `decision` is stored with the transition.

    `amount`: held instead of the bound, because something cheaper was decided. None: the bound.
    """

    hold: bool
    decision: Decision | None = None
    amount: int | None = None


def nothing_opens(key: str) -> None:
    """An account that the ledger does not have is refused."""
    del key


Judge = Callable[[Sequence[Account], Mapping[str, Frozen]], Verdict]


@dataclass(frozen=True, slots=True)
class Reserve:
    """Ask for money over all accounts of `hold` at once: held over every one of them, or over none.

    `key`: the caller's own name for this request; the same key and digest again are answered as before, the same key with
    another digest is refused. Empty: no repeat can be told. `opens` makes the account to open where the ledger has none.
    `judge` sees the accounts in the order of `hold.accounts` and the frozen subjects of the hold, under the lock: pure and quick.
    """

    hold: Hold
    judge: Judge
    opens: Callable[[str], Account | None] = nothing_opens
    key: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Settle:
    """The real amount of a hold, from the vendor or from dated prices. Above the bound it is an overrun.

    An overrun is charged in full and recorded; the narrowest subject of the hold is frozen; an account only once its hard cap
    is passed. After an expiry (charged at the bound) or an estimate it replaces what was charged; it is never added.
    `seal`: of a lease, the seal of the calls that it was spent on (leases.py); kept in the evidence.
    """

    hold_id: str
    amount: int
    estimate: bool = False
    price_version: str = ""
    seal: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """Nothing was sent: the money is free again. It is never said of an outcome that is unknown."""

    hold_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Expire:
    """Charge every hold that has expired at its bound: the vendor may have done it. At most `limit` of them."""

    limit: int = 1_000


@dataclass(frozen=True, slots=True)
class Overran:
    """A request that drew on a lease was billed above its own bound: the excess, as a hold of its own with a bound of zero.

    Charged in full to the accounts of `hold` and recorded as an overrun; the narrowest subject is frozen; an account only once
    its hard cap is passed. The same id again changes nothing.
    """

    hold: Hold
    amount: int


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent without a hold, because the ledger was away and every covering budget lets pass then.

    Charged in full to the accounts of `hold`, whatever their caps say: it was spent. It freezes nothing: it is nobody's fault.
    `hold.bound` is the most that it was let in for. The same id again changes nothing.
    """

    hold: Hold
    amount: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one budget stands by the bills: what a Sync sets on its account."""

    budget_id: str
    period: str
    currency: str
    cap: str | None
    amount: int
    actual: int
    estimated: int
    billed_until: date
    billed: Mapping[tuple[str, date], int] = field(
        default_factory=dict
    )  # (provider, day) -> what the bills have in its scope
    by_bills: bool = True  # False: what was settled for it is on no bill, whatever day its provider's bills cover


@dataclass(frozen=True, slots=True)
class Sync:
    """What the newest bills say. `billed`: provider -> the first day that its bills do not cover yet.

    Settled usage counts as unbilled from that day on; a commitment until the bills cover the whole of its month: only then
    can it not be missing from them any more. A provider that no bill names keeps what it settled. `counted`: (currency, provider,
    day) -> (what the gateway counted, what was billed), wherever: see `billed_elsewhere`.
    """

    standings: Sequence[Standing]
    billed: Mapping[str, date]
    counted: Mapping[tuple[str, str, date], tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Thaw:
    """A person lifts a freeze of a subject or, by its key, of an account."""

    subject: str
    actor: Actor
    reason: str


Command = Reserve | Settle | Release | Expire | Overran | Spent | Sync | Thaw


class Reserved(NamedTuple):
    """The answer to a Reserve. `hold` None: nothing is held. `repeated`: answered before, nothing was done again."""

    hold: Hold | None
    decision: Decision | None
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """The answer to a Settle, Release, Overran or Spent. `overrun`: billed above the bound; `frozen`: what that froze."""

    hold: Hold
    overrun: int = 0
    frozen: tuple[str, ...] = ()
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """The answer to everything else: how many holds, accounts or freezes it changed."""

    changed: int


Answer = Reserved | Settled | Done | FiscusError
