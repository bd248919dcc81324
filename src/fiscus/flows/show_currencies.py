"""What each currency was billed, what it is in the reporting currency by which rates, and what could not be converted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, cast

from fiscus.flows.keep_rates import MISSING
from fiscus.flows.show_trust import DataTrust, data_trust
from fiscus.flows.workspace import Workspace
from fiscus.kernel.fiscal_labels import period_named
from fiscus.kernel.money import display, total
from fiscus.kernel.periods import Month, Period, midnight
from fiscus.kernel.rows import Query
from fiscus.kernel.sql_text import sql_text


@dataclass(frozen=True, slots=True)
class CurrencyLine:
    """One billing currency. Billed sums are what the bills say; `reported` is the sum of its charges as converted.

    `lowest` and `highest` are the rates that were used, of days `first` to `last` of publication (None: nothing converted).
    """

    currency: str
    billed: Decimal
    effective: Decimal
    charges: int
    reported_billed: Decimal | None
    reported_effective: Decimal | None
    lowest: Decimal | None
    highest: Decimal | None
    first: date | None
    last: date | None
    not_converted: Decimal  # BilledCost of charges without a rate
    not_converted_effective: Decimal
    not_converted_charges: int
    not_converted_from: date | None
    not_converted_to: date | None
    why: str = ""  # why there is no rate

    @property
    def left_out(self) -> str:
        """The charges that were not converted, counted."""
        return f"{self.not_converted_charges:,} charge{'' if self.not_converted_charges == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class CurrenciesShown:
    """One period. `total_billed` and `total_effective` are sums of what was converted, in `reporting`; None without one."""

    trust: DataTrust
    sentence: str
    period: Period
    reporting: str | None
    lines: tuple[CurrencyLine, ...]
    total_billed: Decimal | None
    total_effective: Decimal | None
    query: Query


def show_currencies(ws: Workspace, period: str | None = None, trust: DataTrust | None = None) -> CurrenciesShown:
    """The lines of one fiscal period (None: the month of the as-of day), by ChargePeriodStart. BadInput: no such period."""
    trust = trust or data_trust(ws)
    asked = period_named(ws.config.company.calendar, period or str(Month.of(ws.as_of - timedelta(days=1))))
    window = {"from_day": midnight(asked.start), "until_day": midnight(asked.end)}
    query = Query(sql_text("fiscus.flows", "currencies"), window)
    rows: Sequence[Any] = ws.lake.query(query.sql, query.params).rows
    with ws.state.read() as tx:
        missing = cast("Mapping[str, str]", tx.facts.get(MISSING) or {})
    found = (CurrencyLine(*row) for row in rows)
    lines = tuple(
        replace(one, why=missing.get(one.currency, "")) if one.not_converted_charges else one for one in found
    )
    reporting = ws.config.reporting.currency if ws.config.reporting else None
    billed = [line.reported_billed for line in lines if line.reported_billed is not None]
    effective = [line.reported_effective for line in lines if line.reported_effective is not None]
    return CurrenciesShown(
        trust=trust,
        sentence=_sentence(asked, reporting, lines, total(effective)),
        period=asked,
        reporting=reporting,
        lines=lines,
        total_billed=total(billed) if reporting else None,
        total_effective=total(effective) if reporting else None,
        query=query,
    )


def _sentence(period: Period, reporting: str | None, lines: tuple[CurrencyLine, ...], whole: Decimal) -> str:
    if not lines:
        return f"No charge of {period.label}."
    if reporting is None:
        names = " and ".join(line.currency for line in lines)
        return f"{period.label} was billed in {names}; no reporting currency is declared, so nothing is added up."
    left = [f"{display(one.not_converted_effective)} {one.currency}" for one in lines if one.not_converted_charges]
    apart = f"; {' and '.join(left)} has no rate and is not in it" if left else ""
    return f"{period.label} cost {display(whole)} {reporting} by the rates of each day{apart}."
