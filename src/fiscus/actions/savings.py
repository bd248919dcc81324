"""Money at stake before an action, money saved after it, both from the compute charges of the bills."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, cast

from fiscus.kernel.limits import ACTION_SAVING_DAYS
from fiscus.kernel.money import EXACT, display, round_cost, total
from fiscus.kernel.rows import Rows

MONTH_DAYS: Final = 30
STILL_COSTS_SHARE: Final = Decimal("0.5")  # of what it cost before: above this, a target counts as not realised


@dataclass(frozen=True, slots=True)
class TargetCost:
    """What one resource's compute charges cost over the last full days of bills, in one currency, and whose it is."""

    resource_id: str
    currency: str
    owner: str
    team: str
    environment: str
    name: str
    cost: Decimal

    @property
    def per_month(self) -> Decimal:
        """The daily mean times 30."""
        return per_month(self.cost, ACTION_SAVING_DAYS)


@dataclass(frozen=True, slots=True)
class VerifiedSaving:
    """What the bills say: the difference of daily means, as a month and as the sum to date. Negative when it costs more."""

    per_month: Decimal
    to_date: Decimal
    days_after: int
    not_realised: tuple[str, ...]
    detail: str


def per_month(cost: Decimal, days: int) -> Decimal:
    """`cost` over `days` days as a month of 30, rounded at the lake's scale."""
    return round_cost(EXACT.divide(EXACT.multiply(cost, Decimal(MONTH_DAYS)), Decimal(days)))


def target_costs(rows: Rows) -> list[TargetCost]:
    """The rows of sql/target_costs.sql."""
    return [
        TargetCost(
            resource_id=str(row["resource_id"]),
            currency=str(row["currency"]),
            owner=str(row["owner"]),
            team=str(row["team"]),
            environment=str(row["environment"]),
            name=str(row["resource_name"] or row["resource_id"]),
            cost=cast("Decimal", row["cost"]),
        )
        for row in rows.dicts()
    ]


def verified_saving(rows: Rows, ran: date, currency: str) -> VerifiedSaving | None:
    """The saving of the rows of sql/saving_days.sql; None until a full day after `ran` is billed for each target.

    Per target: (cost before / 7) - (cost after / days after). The day of the action itself belongs to neither.
    """
    monthly, to_date, not_realised, days = list[Decimal](), list[Decimal](), list[str](), list[int]()
    for row in rows.dicts():
        days_after = (cast("date", row["after_until"]) - ran - timedelta(days=1)).days
        if days_after < 1:
            return None
        before, after = cast("Decimal", row["cost_before"]), cast("Decimal", row["cost_after"])
        month_before, month_after = per_month(before, ACTION_SAVING_DAYS), per_month(after, days_after)
        monthly.append(month_before - month_after)
        to_date.append(round_cost(EXACT.divide(EXACT.multiply(monthly[-1], Decimal(days_after)), Decimal(MONTH_DAYS))))
        days.append(days_after)
        if month_after > 0 and month_after >= EXACT.multiply(month_before, STILL_COSTS_SHARE):
            cost = display(per_month(after, days_after) / MONTH_DAYS)
            not_realised.append(f"{row['resource_id']} still costs {cost} {currency} a day")
    if not days:
        return None
    words = f"{display(total(to_date))} {currency} saved in {min(days)} full days of bills after {ran}"
    detail = "; ".join([words, *(f"not realised: {one}" for one in not_realised)])
    return VerifiedSaving(total(monthly), total(to_date), min(days), tuple(not_realised), detail)
