"""`fiscus check`: whether a delivery keeps the rules of FOCUS, every rule with an answer. No workspace is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from fiscus.edges.cli.terminal import NO_OPTIONS, Common, guarded, progress, say, say_json, table

FAILURES_SHOWN_MAX = 60
NEEDS_SHOWN_MAX = 20


def mount(app: App) -> None:
    """Add this file's command to `app`."""
    app.command(check)


@guarded
def check(
    paths: Annotated[list[Path] | None, Parameter(consume_multiple=True)] = None,
    /,
    *,
    focus: Literal["auto", "1.0", "1.1", "1.2", "1.3", "1.4"] = "auto",
    dataset: Literal["auto", "cost_and_usage", "contract_commitment", "billing_period", "invoice_detail"] = "auto",
    format: Literal["table", "json", "sarif", "html"] = "table",
    min_severity: Literal["note", "warning", "error"] = "error",
    declare: Path | None = None,
    beside: Annotated[list[str] | None, Parameter(name="--with")] = None,
    lake: str = "",
    engine: str = "",
    common: Common = NO_OPTIONS,
) -> int:
    """Judge FOCUS files, or what stands in the lake, by every rule. Exit code 1 when a rule of at least --min-severity is broken.

    Parameters
    ----------
    paths
        CSV, CSV.gz, CSV.zst or Parquet files, or folders of them; together they are one delivery.
    focus
        The FOCUS version, or auto: told by the columns.
    dataset
        Which dataset of FOCUS it is, or auto: told by the columns.
    format
        How to print the answer.
    min_severity
        error: MUST; warning: SHOULD and what is mostly a fault too; note: everything.
    declare
        A YAML file with `criteria` and `documented`: what the data cannot show.
    beside
        Another dataset of the vendor, as NAME=PATH: invoice_detail, contract_commitment, billing_period, price_list, previous.
    lake
        Instead of files, what stands in the lake, by the engine of fiscus.yaml: all, SOURCE or SOURCE/MONTH.
    engine
        What answers the questions of the rules: duckdb, or a cluster that sees the files: spark://host:port.
    """
    from fiscus.app.conformance import CheckRequest, check_delivery, lake_request
    from fiscus.edges.cli.check_options import beside_paths, read_declared, refuse_odd_choice

    refuse_odd_choice(paths or [], lake, engine)
    request = CheckRequest(
        paths or [],
        None if focus == "auto" else focus,
        None if dataset == "auto" else dataset,
        read_declared(declare),
        beside_paths(beside or []),
        heuristics=min_severity != "error",
        engine=engine,
    )
    if lake:
        from fiscus.app.workspace import find_home

        request = lake_request(request, find_home(common.home), lake)
    with progress(common) as bar:
        report = check_delivery(request, bar)
    failures = report.failures(min_severity)
    _say(report, failures, "json" if common.json else format)
    return 1 if failures else 0


def _say(report: Any, failures: Any, form: str) -> None:
    if form == "json":
        say_json(report)
    elif form == "sarif":
        from fiscus import __version__
        from fiscus.edges.cli.check_formats import sarif

        say_json(sarif(report, failures, __version__))
    elif form == "html":
        from fiscus.edges.cli.check_formats import html

        say(html(report, failures))
    else:
        _show(report, failures)


def _show(report: Any, failures: Any) -> None:
    rows = [
        (v.severity, v.rule, v.broken, ", ".join(f"{a} {c}" for c, a in v.money.items()), "; ".join(v.rows), v.title)
        for v in failures[:FAILURES_SHOWN_MAX]
        if not v.reason.startswith("broken below")
    ]
    say(f"FOCUS {report.version}, {report.dataset}: {report.rows:,} rows, {len(report.verdicts)} rules")
    table(("severity", "rule", "rows", "money", "where", "asks"), rows, "No rule of this severity is broken.")
    waiting = [v for v in report.verdicts if v.outcome == "needs_data"]
    needs = sorted({v.reason for v in waiting if not v.reason.startswith("waits for")})
    for reason in needs[:NEEDS_SHOWN_MAX]:
        say(f"needs: {reason}")
    for reason in sorted({v.reason for v in report.verdicts if v.outcome == "pass" and v.judged and v.reason}):
        say(f"open: {reason}")
    say(
        f"{report.count('pass')} pass, {report.count('fail')} fail, {report.count('not_applicable')} not applicable, "
        f"{report.count('needs_data')} need data"
    )
