"""What has been promised to providers, and whether it is used: commitments on the bills of the last days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import cast

from fiscus.flows.workspace import Workspace
from fiscus.guardrails.doors.commitments.outlook import DAYS_A_MONTH
from fiscus.kernel.limits import COMMITMENT_STANDING_DAYS
from fiscus.kernel.money import EXACT, ZERO, display, total
from fiscus.kernel.periods import Month, midnight
from fiscus.kernel.sql_text import sql_text

QUIET_DAYS = 2  # not seen for longer than its provider's other bills, it covers nothing any more


@dataclass(frozen=True, slots=True)
class CommitmentUse:
    """One commitment. `utilisation` in percent; money by the month, as over the last days. `ends` None: no bill says."""

    id: str
    name: str
    type: str
    provider: str
    per_month: Decimal
    unused_per_month: Decimal
    utilisation: Decimal
    last_day: date
    ends: date | None
    stopped: bool


@dataclass(frozen=True, slots=True)
class CommitmentsUsed:
    """The most unused money first, of one currency."""

    sentence: str
    lines: tuple[CommitmentUse, ...]
    currency: str
    days: int
    until: date
    lake_version: str

    @property
    def per_month(self) -> Decimal:
        """What all of them cost a month."""
        return total([one.per_month for one in self.lines])

    @property
    def unused_per_month(self) -> Decimal:
        """What is paid for a month and covers nothing."""
        return total([one.unused_per_month for one in self.lines])


def show_commitments(ws: Workspace) -> CommitmentsUsed:
    """Commitments in the company's currency over the last four weeks of bills."""
    since = ws.as_of - timedelta(days=COMMITMENT_STANDING_DAYS)
    params = {
        "since": midnight(since), "until": midnight(ws.as_of), "billing_month": str(Month.of(since).shift(-1)),
        "currency": ws.config.company.currency,
    }  # fmt: skip
    rows = ws.lake.query(sql_text("fiscus.guardrails", "commitment_use"), params)
    lines = [_line(row) for row in rows.dicts()]
    return CommitmentsUsed(
        sentence=_sentence(lines, ws.config.company.currency),
        lines=tuple(lines),
        currency=ws.config.company.currency,
        days=COMMITMENT_STANDING_DAYS,
        until=ws.as_of,
        lake_version=str(ws.lake.version()),
    )


def _line(row: Mapping[str, object]) -> CommitmentUse:
    used, unused, days = (Decimal(str(row[name])) for name in ("used", "unused", "days"))
    whole = EXACT.add(used, unused)
    a_month = EXACT.divide(DAYS_A_MONTH, days)
    last, landed = cast("date", row["last_day"]), cast("date", row["landed"])
    return CommitmentUse(
        id=str(row["id"]),
        name=str(row["name"]),
        type=str(row["type"]),
        provider=str(row["provider"]),
        per_month=round(EXACT.multiply(whole, a_month), 2),
        unused_per_month=round(EXACT.multiply(unused, a_month), 2),
        utilisation=round(EXACT.divide(used, whole) * 100, 1) if whole else ZERO,
        last_day=last,
        ends=cast("date | None", row["ends"]),
        stopped=(landed - last).days > QUIET_DAYS,
    )


def _sentence(lines: Sequence[CommitmentUse], currency: str) -> str:
    if not lines:
        return f"No bill of the last {COMMITMENT_STANDING_DAYS} days names a commitment."
    cost, unused = total([one.per_month for one in lines]), total([one.unused_per_month for one in lines])
    worst = max(lines, key=lambda one: one.unused_per_month)
    said = f"{len(lines)} commitments cost ≈ {display(cost, 0)} {currency} a month"
    if unused <= ZERO:
        return f"{said}, and all of it is used."
    return f"{said}; ≈ {display(unused, 0)} of it is not used, most by {worst.name} (used to {worst.utilisation} %)."
