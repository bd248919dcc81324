"""What the gateway counted against what the vendor billed, day by day and model by model. Exact, and every amount stands once.

here = matched + missing_there, there = matched + missing_here; of a day that no bill covers yet, here = estimated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from fiscus.kernel.money import EXACT, ZERO, total

LineState = Literal["matched", "differs", "open"]
# A vendor's report may be a float, or rounded to cents: less than this is no difference.
TOLERANCE: Final = Decimal("0.01")
TOLERANCE_SHARE: Final = Decimal("0.001")
_DATED: Final = re.compile(r"[-@](?:\d{8}|\d{4}-\d{2}-\d{2}|latest)$")


@dataclass(frozen=True, slots=True)
class DayCost:
    """One provider, day and model: what the gateway counted (`here`), what the bill says (`there`).

    `guessed`: the part of `here` that the gateway had to estimate itself.
    """

    provider: str
    day: date
    currency: str
    model: str  # empty: the bill does not say
    here: Decimal
    there: Decimal
    guessed: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class ReconciledLine:
    """A day of a model. `missing_here`: billed, and not through the gateway; `missing_there`: counted, and not billed."""

    provider: str
    day: date
    currency: str
    model: str
    here: Decimal
    there: Decimal
    matched: Decimal
    estimated: Decimal
    missing_here: Decimal
    missing_there: Decimal
    guessed: Decimal
    state: LineState


@dataclass(frozen=True, slots=True)
class ReconciledTotal:
    """All lines of one provider and currency."""

    provider: str
    currency: str
    here: Decimal
    there: Decimal
    matched: Decimal
    estimated: Decimal
    missing_here: Decimal
    missing_there: Decimal
    guessed: Decimal
    billed_until: date | None
    differs: int  # lines that do


def reconciled(costs: Iterable[DayCost], billed_until: Mapping[str, date]) -> Sequence[ReconciledLine]:
    """One line a provider, day and model. Where the bill of a day names no model, the day is one line.

    `gpt-4o-mini` and `gpt-4o-mini-2024-07-18` are one model: vendors' bills name either.
    """
    days: dict[tuple[str, date, str], list[DayCost]] = {}
    for cost in costs:
        days.setdefault((cost.provider, cost.day, cost.currency), []).append(cost)
    lines = []
    for (provider, day, currency), found in sorted(days.items()):
        until = billed_until.get(provider)
        is_open = until is None or day >= until
        unnamed = any(one.there and not one.model for one in found)
        models = sorted({"" if unnamed else model_of(one.model) for one in found})
        for model in models:
            mine = [one for one in found if unnamed or model_of(one.model) == model]
            here, there, guessed = (
                total([getattr(one, name) for one in mine]) for name in ("here", "there", "guessed")
            )
            lines.append(_line((provider, day, currency, model), (here, there, guessed), is_open=is_open))
    return lines


def totals(lines: Sequence[ReconciledLine], billed_until: Mapping[str, date]) -> Sequence[ReconciledTotal]:
    """By provider and currency."""
    names = ("here", "there", "matched", "estimated", "missing_here", "missing_there", "guessed")
    found = []
    for provider, currency in sorted({(line.provider, line.currency) for line in lines}):
        mine = [line for line in lines if (line.provider, line.currency) == (provider, currency)]
        sums = {name: total([getattr(line, name) for line in mine]) for name in names}
        differs = sum(line.state == "differs" for line in mine)
        found.append(
            ReconciledTotal(provider, currency, **sums, billed_until=billed_until.get(provider), differs=differs)
        )
    return found


def model_of(name: str) -> str:
    """The model without the date of its snapshot."""
    return _DATED.sub("", name)


def _line(
    named: tuple[str, date, str, str], money: tuple[Decimal, Decimal, Decimal], *, is_open: bool
) -> ReconciledLine:
    here, there, guessed = money
    provider, day, currency, model = named
    if is_open:
        return ReconciledLine(
            provider, day, currency, model, here, there, ZERO, here, there, ZERO, guessed, "open"
        )  # `there` is zero, or a correction of a day before its usage
    matched = min(here, there) if here >= 0 and there >= 0 else ZERO
    more_there, more_here = EXACT.subtract(there, matched), EXACT.subtract(here, matched)
    apart = abs(EXACT.subtract(there, here))
    within = apart <= max(TOLERANCE, EXACT.multiply(abs(there), TOLERANCE_SHARE))
    state: LineState = "matched" if within else "differs"
    return ReconciledLine(
        provider, day, currency, model, here, there, matched, ZERO, more_there, more_here, guessed, state
    )
