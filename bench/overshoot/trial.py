"""One trial: how much of a budget was asked for, let through and billed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """`fits`: calls that the budget holds at their bounds. Money in nano-USD; `billed` is the vendor's own word.

    `known`: what our ledger counts, held money included; None for a peer. `exact`: whether `reached` must be all that fits.
    """

    who: str
    trial: str
    workers: int
    asked: int
    fits: int
    reached: int  # requests that the vendor billed
    billed: int
    budget: int
    known: int | None = None
    exact: bool = True
    usable_min: float | None = None

    @property
    def used(self) -> float:
        """The share of the budget that the vendor billed."""
        return self.billed / self.budget

    def faults(self) -> list[str]:
        """What is broken, for ours; a peer is only shown."""
        if self.who != "fiscus":
            return []
        found = []
        if self.billed > self.budget:
            found.append(f"the vendor billed {self.used:.1%} of the budget")
        if self.exact and self.reached != self.fits:
            found.append(f"{self.reached} calls were let through, and {self.fits} fit")
        if self.known is not None and self.known < self.billed:
            found.append(f"the ledger knows of {self.known / self.budget:.1%}, the vendor billed {self.used:.1%}")
        if self.known is not None and self.known > self.budget:
            found.append(f"the ledger counts {self.known / self.budget:.1%} of the budget")
        if self.usable_min is not None and self.used < self.usable_min:
            found.append(f"only {self.used:.1%} of the budget could be used, at least {self.usable_min:.0%}")
        return found
