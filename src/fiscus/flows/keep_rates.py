"""Rates to the reporting currency for each day that a charge needs, kept in the lake so that its version names them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, cast

from fiscus.cost.currency.day_rates import day_rates
from fiscus.cost.currency.read_rates import read_rates
from fiscus.cost.currency.types import MissingRate, Reporting
from fiscus.cost.currency.views import rate_day_sql
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import FISCUS
from fiscus.kernel.sql_text import sql_text

MISSING: Final = "rates.missing"  # the fact: currency -> why some of its charges have no rate


@dataclass(frozen=True, slots=True)
class RatesKept:
    """What was kept: how many day's rates, and what there is none for."""

    currency: str
    rates: int
    missing: tuple[MissingRate, ...]
    lake_version: str

    def sentences(self) -> Sequence[str]:
        """Only what is missing is worth a line."""
        return [
            f"{one.currency} is not converted to {self.currency} on {one.days} days from {one.first} to {one.last}: {one.why}."
            for one in self.missing
        ]


def keep_rates(ws: Workspace) -> RatesKept | None:
    """Work rates out from the files and keep them; None where no reporting currency is declared.

    A declaration that was taken away takes the rates with it. Raises BadInput with file, row and column for a file of rates.
    """
    reporting = ws.config.reporting
    before = ws.lake.refresh()
    if reporting is None:
        if before.rates >= 0:
            ws.lake.write_rates([], Reporting(""))
        return None
    needed: dict[str, list[date]] = {}
    query = sql_text("fiscus.flows", "rate_days").format(day=rate_day_sql(reporting.on))
    for currency, day in ws.lake.query(query).rows:
        needed.setdefault(str(currency), []).append(cast("date", day))
    rates, missing = day_rates(read_rates(reporting.files), reporting, needed)
    version = ws.lake.write_rates(rates, reporting)
    _note_missing(ws, missing)
    if version.rates != before.rates:
        with ws.state.begin() as tx:
            body = {"currency": reporting.currency, "rates": len(rates), "missing": [one.currency for one in missing]}
            tx.evidence.append("rates.kept", str(version), FISCUS, body)
    return RatesKept(reporting.currency, len(rates), tuple(missing), str(version))


def _note_missing(ws: Workspace, missing: Sequence[MissingRate]) -> None:
    """Why a currency is not converted, where pages can read it."""
    told = {one.currency: one.why for one in missing}
    with ws.state.read() as tx:
        known = tx.facts.get(MISSING)
    if known != told and (told or known):
        with ws.state.begin() as tx:
            tx.facts.put(MISSING, told)
