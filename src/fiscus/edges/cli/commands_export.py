"""Charges out again, as a FOCUS file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from fiscus.edges.cli.terminal import NO_OPTIONS, Common, guarded, note, open_home, show, table
from fiscus.kernel.errors import BadInput, Where


def mount(app: App) -> None:
    """Add this file's commands to `app`."""
    app.command(export)


@guarded
def export(
    path: Path,
    /,
    *,
    focus: Literal["1.2", "1.3", "1.4"] = "1.4",
    format: Literal["csv", "parquet"] | None = None,
    period: str = "",
    source: Annotated[list[str] | None, Parameter(negative=())] = None,
    common: Common = NO_OPTIONS,
) -> None:
    """Write charges as a FOCUS Cost and Usage file: the names, types and formats of that version. Whole, or not at all.

    Parameters
    ----------
    path
        The file; one that is there is replaced once the new one is whole. A CSV whose name ends in .gz is compressed.
    focus
        The version whose columns it has.
    format
        csv or parquet; by the name of the file when left out.
    period
        A billing month such as 2026-10, or 2026-01..2026-03; all of them when left out.
    source
        Only charges of this source; once for each.
    """
    from fiscus.edges.cli.export_rows import file_form
    from fiscus.flows.export_charges import chosen_charges, export_charges

    chosen = chosen_charges(period, source or [])
    form = file_form(path, format, packs=True)
    if form == "json":
        raise BadInput(
            "FOCUS is CSV or Parquet", remedy="Name a .csv, .csv.gz or .parquet.", where=Where(file=str(path))
        )
    show(common, export_charges(open_home(common), path, focus, form, chosen), _exported_text)


def _exported_text(done: Any) -> None:
    rows = [(currency, done.billed_cost[currency], done.effective_cost[currency]) for currency in done.billed_cost]
    table(("currency", "BilledCost", "EffectiveCost"), rows, "")
    note(f"{done.rows:,} charges written to {done.path} as FOCUS {done.focus_version}, of lake {done.lake_version}")
    for column, count in done.said_instead.items():
        note(
            f"note: {column}: no bill says it on {count:,} rows, and the version allows no null; see the docs of export"
        )
    for column, count in done.left_out.items():
        note(f"note: {column}: left out on {count:,} rows, where the version allows none; see the docs of export")
