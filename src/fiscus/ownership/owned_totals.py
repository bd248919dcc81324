"""Owned + unowned = total, to the last digit, per currency: computed two ways and compared."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import cast

from fiscus.cost.ports import LakeReader
from fiscus.kernel.errors import IntegrityBroken
from fiscus.kernel.money import total
from fiscus.kernel.sql_text import sql_text
from fiscus.ownership.types import OwnedTotal


def owned_totals(lake: LakeReader) -> Sequence[OwnedTotal]:
    """Every line of who owns what. Raises IntegrityBroken when the lines do not add up to what the lake holds."""
    lines = [
        OwnedTotal(*cast("tuple[str, str, str, str, Decimal, Decimal, int, str]", row))
        for row in lake.query(sql_text("fiscus.ownership", "owned_totals")).rows
    ]
    for row in lake.query(sql_text("fiscus.ownership", "lake_totals")).rows:
        currency, effective, billed, charges = cast("tuple[str, Decimal, Decimal, int]", row)
        mine = [line for line in lines if line.currency == currency]
        sums = (
            total([m.effective_cost for m in mine]),
            total([m.billed_cost for m in mine]),
            sum(m.charges for m in mine),
        )
        if sums != (effective, billed, charges):
            raise IntegrityBroken(
                f"Owned and unowned {currency} come to {sums}, the lake holds {(effective, billed, charges)}",
                remedy="Run `fiscus run` again; if it stays, report it with the lake version.",
            )
    return lines
