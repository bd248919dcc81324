"""What of a commitment is kept in the register."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from fiscus.kernel.periods import Month


@dataclass(frozen=True, slots=True)
class MonthOwed:
    """What is owed at the start of a month and not yet due: by the proposal, and by what exists."""

    month: Month
    proposed: Decimal
    existing: Decimal
