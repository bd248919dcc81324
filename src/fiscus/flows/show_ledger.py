"""What stands in the spend ledger: money held, settled and charged by doubt, overruns apart, and what is frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from fiscus.flows.workspace import Workspace
from fiscus.guardrails.ledger.types import Frozen
from fiscus.kernel.money import display, from_nanos

SHOWN_MAX = 50


@dataclass(frozen=True, slots=True)
class HeldLine:
    """One open hold: its bound, until when, over which accounts, for which decision."""

    id: str
    amount: Decimal
    currency: str
    provider: str
    accounts: tuple[str, ...]
    expires_at: datetime
    decision_id: str


@dataclass(frozen=True, slots=True)
class LedgerShown:
    """Sums by currency. `charged_unknown`: expired without an outcome, charged at the bound. `overruns`: above their bounds."""

    sentence: str
    held: Mapping[str, Decimal]
    settled: Mapping[str, Decimal]
    charged_unknown: Mapping[str, Decimal]
    overruns: Mapping[str, Decimal]
    open: int
    holds: tuple[HeldLine, ...]  # that expire last first, at most SHOWN_MAX
    frozen: tuple[Frozen, ...]


def show_ledger(ws: Workspace) -> LedgerShown:
    """As of now. Raises Unavailable where the ledger cannot be reached."""
    store = ws.ledger.store
    totals, frozen = store.totals(), tuple(store.frozen())
    held = _decimals(totals.held)
    lines = tuple(
        HeldLine(h.id, from_nanos(h.bound), h.currency, h.provider, h.accounts, h.expires_at, h.decision_id)
        for h in store.holds(("held",), SHOWN_MAX)
    )
    return LedgerShown(
        _sentence(held, totals.open, frozen), held, _decimals(totals.settled), _decimals(totals.charged_unknown),
        _decimals(totals.overruns), totals.open, lines, frozen,
    )  # fmt: skip


def _sentence(held: Mapping[str, Decimal], opened: int, frozen: tuple[Frozen, ...]) -> str:
    money = " and ".join(f"{display(amount)} {currency}" for currency, amount in sorted(held.items()) if amount)
    first = f"{money} is held for {opened} that are under way." if money else "Nothing is held."
    return f"{first} Frozen: {', '.join(one.subject for one in frozen)}." if frozen else first


def _decimals(sums: Mapping[str, int]) -> Mapping[str, Decimal]:
    return {currency: from_nanos(amount) for currency, amount in sorted(sums.items())}
