"""Commands that bring data in, ask it, and run the loop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from fiscus.edges.cli.terminal import NO_OPTIONS, Common, guarded, open_home, progress, say, say_json, table

if TYPE_CHECKING:
    from fiscus.cost.types import Delivery


def mount(app: App) -> None:
    """Add this file's commands to `app`."""
    commands: tuple[Callable[..., int], ...] = (init, ingest, query, run)
    for command in commands:
        app.command(command)


@guarded
def init(directory: Path, *, common: Common = NO_OPTIONS) -> None:
    """Make a workspace: fiscus.yaml, policies, budgets and owners, commented and valid as they are.

    Parameters
    ----------
    directory
        A folder that is empty or does not exist yet.
    """
    from fiscus.app.start import start_workspace

    made = start_workspace(directory)
    if common.json:
        say_json({"home": str(directory), "files": made})
        return
    say(f"Made a workspace in {directory}:")
    for name in made:
        say(f"  {name}")
    say(f"Next: put bills into {directory}/inbox/example and run `fiscus run --home {directory}`.")


@guarded
def ingest(
    paths: Annotated[list[Path], Parameter(consume_multiple=True)],
    /,
    *,
    source: str,
    focus: Literal["auto", "1.0", "1.1", "1.2", "1.3", "1.4"] = "auto",
    date_format: str | None = None,
    default_currency: str | None = None,
    dataset: Literal["auto", "cost_and_usage", "contract_commitment", "billing_period", "invoice_detail"] = "auto",
    restate: bool = False,
    common: Common = NO_OPTIONS,
) -> None:
    """Bring FOCUS files in: one delivery of each dataset among them, all of it or nothing.

    Parameters
    ----------
    paths
        CSV, CSV.gz, CSV.zst or Parquet files, or folders of them; together they are one delivery.
    source
        The feed that they come from: a slug such as aws-prod.
    focus
        The FOCUS version, or auto: found by columns.
    date_format
        A strptime format for dates that are not ISO 8601, such as %d/%m/%Y.
    default_currency
        The currency of files that name none.
    dataset
        What the files are, or auto: each file's is found by its columns.
    restate
        Accept a delivery that cuts a period's rows or cost by more than 20 %.
    """
    from fiscus.app.sources import declared_source
    from fiscus.cost.datasets.types import TABLES
    from fiscus.cost.types import IngestOptions
    from fiscus.flows.ingest_bills import ingest_files
    from fiscus.flows.keep_same_spend import keep_same_spend
    from fiscus.flows.show_corrections import said_of, show_corrections

    ws = open_home(common)
    declared = declared_source(ws, source, None if focus == "auto" else focus, date_format, default_currency)
    named = None if dataset == "auto" else dataset
    options = IngestOptions(promote=ws.config.promoted_tags, restate=restate, dataset=named)
    with progress(common) as bar:
        deliveries = ingest_files(ws, declared, paths, options, bar)
        if any(delivery.changed and delivery.dataset == "cost_and_usage" for delivery in deliveries):
            bar.stage("Looking for spend that two feeds show")
            keep_same_spend(ws)
    if common.json:
        say_json(deliveries[0] if len(deliveries) == 1 else deliveries)
        return
    for delivery in deliveries:
        _say_delivery(delivery)
    months = {period.billing_month for delivery in deliveries for period in delivery.periods}
    for line in show_corrections(ws).corrected:
        if line.source == source and line.billing_month in months:
            say(f"note: {said_of(line)}: `fiscus closes`")
    if deliveries[0].dataset == "cost_and_usage":
        say("Next: `fiscus run` assigns owners and judges them.")
    else:
        say(f"Next: `fiscus query 'SELECT * FROM {TABLES[deliveries[0].dataset].view}'`.")


def _say_delivery(delivery: Delivery) -> None:
    from fiscus.cost.datasets.types import TABLES

    rows = TABLES[delivery.dataset].rows
    say(
        f"{delivery.rows:,} {rows} of {delivery.source} (FOCUS {delivery.focus_version}) "
        + ("written" if delivery.changed else "seen before: nothing changed")
    )
    table(
        ("month", rows, "BilledCost", "replaced"),
        [
            (p.billing_month, p.rows, ", ".join(f"{a:f} {c}" for c, a in p.billed_cost.items()), p.replaced_rows)
            for p in delivery.periods
        ],
        f"No {rows}.",
    )
    for found in delivery.quality:
        say(f"note: {found.column}: {found.message} ({found.count:,} rows)")


@guarded
def query(
    sql: str,
    *,
    format: Literal["table", "csv", "json", "parquet"] = "table",
    out: Path | None = None,
    focus: Literal["1.0", "1.1", "1.2", "1.3", "1.4"] | None = None,
    common: Common = NO_OPTIONS,
) -> None:
    """Ask the lake: one SELECT over `charges` and the other FOCUS datasets; no file or network can be reached from it.

    Parameters
    ----------
    sql
        Such as "SELECT ServiceName, BillingCurrency, sum(EffectiveCost) FROM charges GROUP BY ALL".
    format
        How to print the answer; parquet needs --out. With --out, by the file's name when left out, else CSV.
    out
        A file to write instead of printing, whole or not at all.
    focus
        `charges` has the column names of that FOCUS version: SQL written for an older one runs unchanged.
    """
    from fiscus.edges.cli.export_rows import file_form, write_rows

    ws = open_home(common)
    if out is not None:
        file_form(out, None if format == "table" else format)  # refused before the question takes its time
    write_rows(ws.lake.ask(sql, focus=focus), format, out, common, raw=True)


@guarded
def run(*, as_of: str | None = None, common: Common = NO_OPTIONS) -> None:
    """The loop once: ingest, assign, signal, evaluate, verify, plan, escalate, notify, pack. Twice changes nothing.

    Parameters
    ----------
    as_of
        The day to judge from, YYYY-MM-DD; days before it are actuals.
    """
    from fiscus.app.loop import run_loop

    ws = open_home(common, as_of)
    with progress(common) as bar:
        summary = run_loop(ws, bar)
    if common.json:
        say_json(summary)
        return
    for line in summary.sentences():
        say(line)
