"""How urgent a case is: by the money at stake, raised by a hard limit or by harm that goes on, held down by a mere warning."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from fiscus.kernel.limits import CASE_CRITICAL_AMOUNT, CASE_HIGH_AMOUNT, CASE_MEDIUM_AMOUNT
from fiscus.ownership.types import Severity

SEVERITIES: Final[tuple[Severity, ...]] = ("low", "medium", "high", "critical")  # weakest first


def severity_of(amount: Decimal, *, hard: bool = False, running: bool = False, warning: bool = False) -> Severity:
    """The severity of `amount` at stake: from 500 medium, from 5,000 high, from 50,000 critical, in units of its own currency.

    `hard` (a hard limit is at stake) and `running` (the harm goes on) raise it by a step each; a `warning` is at most medium.
    """
    step = sum(abs(amount) >= bound for bound in (CASE_MEDIUM_AMOUNT, CASE_HIGH_AMOUNT, CASE_CRITICAL_AMOUNT))
    step = min(step + hard + running, len(SEVERITIES) - 1)
    return SEVERITIES[min(step, 1) if warning else step]


def is_worse(one: Severity, other: Severity) -> bool:
    """Whether `one` is more urgent than `other`."""
    return SEVERITIES.index(one) > SEVERITIES.index(other)
