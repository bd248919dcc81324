"""What contracts commit to against what charges apply to it: FOCUS 1.3 and 1.4, Contract Commitment and ContractApplied. Pure.

A commitment of money is met by ContractCommitmentAppliedCost, one of a quantity by ContractCommitmentAppliedQuantity, over
charges that begin in its period. Pace: what was applied so far, carried on evenly to its end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, cast

from fiscus.cost.commitments.use_figures import percent
from fiscus.cost.ports import LakeReader
from fiscus.kernel.money import EXACT, ZERO
from fiscus.kernel.periods import midnight
from fiscus.kernel.sql_text import sql_text


@dataclass(frozen=True, slots=True)
class Agreement:
    """One commitment of a contract in one period [starts, ends). Amounts in `unit`: a currency where money is committed.

    `expected_at_end` None: it has not begun, or is over. `short`: what would be missing then, and is what is missing when over.
    """

    provider: str
    contract: str
    id: str
    name: str
    category: str
    unit: str
    starts: date
    ends: date
    lifecycle: str
    committed: Decimal
    applied: Decimal
    left: Decimal
    met: Decimal | None
    expected_at_end: Decimal | None
    short: Decimal
    charges: int


def read_agreements(lake: LakeReader, currency: str, as_of: date) -> Sequence[Agreement]:
    """Every commitment of the dataset, in `currency` or in a unit; empty where no such dataset came."""
    asked = {"until": midnight(as_of), "currency": currency}
    rows = lake.query(sql_text("fiscus.cost", "contract_agreements"), asked).dicts()
    return [agreement(row, currency, as_of) for row in cast("Any", rows)]


def agreement(row: Mapping[str, Any], currency: str, as_of: date) -> Agreement:
    """One row of contract_agreements.sql, judged."""
    by_money = row["cost"] is not None
    committed = row["cost"] if by_money else row["quantity"] or ZERO
    applied = row["applied_cost"] if by_money else row["applied_quantity"]
    expected, short = _pace(committed, applied, (row["starts"], row["ends"]), as_of)
    return Agreement(
        provider=row["provider"],
        contract=row["contract"],
        id=row["id"],
        name=row["name"],
        category=row["category"],
        unit=currency if by_money else row["unit"],
        starts=row["starts"],
        ends=row["ends"],
        lifecycle=row["lifecycle"],
        committed=committed,
        applied=applied,
        left=EXACT.subtract(committed, applied),
        met=percent(applied, committed),
        expected_at_end=expected,
        short=short,
        charges=row["charges"],
    )


def _pace(
    committed: Decimal, applied: Decimal, period: tuple[date, date], as_of: date
) -> tuple[Decimal | None, Decimal]:
    starts, ends = period
    if as_of >= ends:
        return None, max(EXACT.subtract(committed, applied), ZERO)
    gone = (as_of - starts).days
    if gone <= 0:
        return None, ZERO
    expected = EXACT.divide(EXACT.multiply(applied, Decimal((ends - starts).days)), Decimal(gone)).quantize(
        Decimal("0.01"), context=EXACT
    )
    return expected, max(EXACT.subtract(committed, expected), ZERO)
