"""Charges written as one FOCUS file: whole or not at all, with the totals that stand in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import cast

from fiscus.cost.export_focus import Chosen, ExportForm, ExportVersion, plan_export, units_query
from fiscus.flows.workspace import Workspace
from fiscus.kernel.documents import did_you_mean
from fiscus.kernel.errors import BadInput, NotFound
from fiscus.kernel.periods import Month
from fiscus.kernel.rows import Query


@dataclass(frozen=True, slots=True)
class Exported:
    """What the file holds. Sums are exact, by BillingCurrency.

    `said_instead`: column -> cells that the bills left empty; `left_out`: column -> cells of which the version allows none there.
    """

    path: str
    focus_version: str
    rows: int
    billed_cost: Mapping[str, Decimal]
    effective_cost: Mapping[str, Decimal]
    said_instead: Mapping[str, int]
    left_out: Mapping[str, int]
    lake_version: str


def export_charges(ws: Workspace, path: Path, version: ExportVersion, form: ExportForm, chosen: Chosen) -> Exported:
    """Write the chosen charges to `path`; a file that is there is replaced once the new one is whole.

    Raises NotFound (no such source, nothing to write), Unavailable (the disk).
    """
    ws.lake.refresh()
    _check_sources(ws, chosen.sources)
    asked = units_query(chosen)
    units = [str(unit) for (unit,) in ws.lake.query(asked.sql, asked.params).rows]
    plan = plan_export(version, form, chosen, units)
    totals = ws.lake.query(plan.totals.sql, plan.totals.params).rows
    if not totals:
        raise NotFound("No charge is of this period and source", remedy="See fiscus data for what has landed.")
    filled, left_out = (_counted(ws, asked) for asked in (plan.filled, plan.left_out))
    ws.lake.write_out(plan.select, path, form)
    return Exported(
        path=str(path),
        focus_version=version,
        rows=sum(cast("int", row[1]) for row in totals),
        billed_cost={str(row[0]): cast("Decimal", row[2]) for row in totals},
        effective_cost={str(row[0]): cast("Decimal", row[3]) for row in totals},
        said_instead=filled,
        left_out=left_out,
        lake_version=str(ws.lake.version()),
    )


def _counted(ws: Workspace, asked: Query) -> Mapping[str, int]:
    found = ws.lake.query(asked.sql, asked.params)
    return {name: cast("int", count) for name, count in zip(found.columns, found.rows[0], strict=True) if count}


def chosen_charges(period: str, sources: Sequence[str]) -> Chosen:
    """What to export: a month, months such as 2026-01..2026-03, or all of them for none. Raises BadInput."""
    if not period:
        return Chosen(None, tuple(sources))
    first, _, last = period.partition("..")
    months = Month.parse(first), Month.parse(last or first)
    if months[0] > months[1]:
        raise BadInput(f"{period} ends before it starts", remedy="Write it as 2026-01..2026-03.")
    return Chosen(months, tuple(sources))


def _check_sources(ws: Workspace, sources: Sequence[str]) -> None:
    known = [one.source for one in ws.lake.freshness()]
    for name in sources:
        if name not in known:
            raise NotFound(f"The lake has no source {name!r}", remedy=did_you_mean(name, known))
