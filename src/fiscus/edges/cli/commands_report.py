"""Reports on the command line: what there is to ask, what one asks, and its answer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from fiscus.edges.cli.terminal import NO_OPTIONS, Common, guarded, note, open_home, say, say_json, table
from fiscus.kernel.errors import BadInput


def mount(app: App) -> None:
    """Add this file's commands to `app`."""
    report = App(name="report", help="Questions that are asked again and again: the product's and those in reports/.")
    report.command(list_reports, name="list")
    report.command(show)
    report.command(run)
    app.command(report)


@guarded
def list_reports(*, persona: str = "", common: Common = NO_OPTIONS) -> None:
    """The reports by who asks them. Those of the workspace's folder reports/ are among them.

    Parameters
    ----------
    persona
        One of CFO, Finance, FinOps, Procurement, Owner, Engineering.
    """
    from fiscus.flows.run_report import listed_reports

    lines = [one for one in listed_reports(open_home(common)) if persona.lower() in {"", one.persona.lower()}]
    if common.json:
        say_json(lines)
        return
    rows = [(one.persona, one.name, one.title + (" (own)" if one.own else "")) for one in lines]
    table(("persona", "report", "title"), rows, "No report is for such a person.")
    say(f"{len(lines)} reports. `fiscus report show NAME` tells its question and parameters.")


@guarded
def show(name: str, *, sql: bool = False, common: Common = NO_OPTIONS) -> None:
    """One report: its question, parameters, columns and where its SQL stands.

    Parameters
    ----------
    name
        As `fiscus report list` names it.
    sql
        Print the SQL itself.
    """
    from fiscus.flows.run_report import find_report

    report = find_report(open_home(common), name)
    if common.json:
        say_json(report)
        return
    if sql:
        say(report.sql)
        return
    say(f"{report.title} ({report.persona})")
    say(report.question)
    say(f"{report.file}{f', FOCUS use case {report.use_case}' if report.use_case else ''}")
    say()
    given = [(p.name, p.type, p.default or "(empty)", p.about) for p in report.parameters]
    table(("parameter", "type", "default", "what it is"), given, "It has no parameters.")
    say()
    table(("column", "type"), list(report.columns.items()), "")


@guarded
def run(
    name: str,
    *,
    param: Annotated[list[str] | None, Parameter(negative=())] = None,
    format: Literal["table", "csv", "json", "parquet"] = "table",
    out: Path | None = None,
    common: Common = NO_OPTIONS,
) -> None:
    """Ask one report.

    Parameters
    ----------
    name
        As `fiscus report list` names it.
    param
        NAME=VALUE, once for each parameter that is not as it is by itself; months and days may be said as `2 months ago`.
    format
        How to print the answer; parquet needs --out. With --out, by the file's name when left out, else CSV.
    out
        A file to write instead of printing, whole or not at all.
    """
    from fiscus.edges.cli.export_rows import file_form, write_rows
    from fiscus.flows.run_report import run_report

    if out is not None:
        file_form(out, None if format == "table" else format)  # refused before the report takes its time
    answer = run_report(open_home(common), name, _given(param or []))
    if common.json and out is None:
        say_json(answer)
        return
    write_rows(answer.rows, format, out, common, kinds=answer.report.columns)
    if format == "table" and out is None:
        _about(answer)


def _given(pairs: list[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or key in given:
            raise BadInput(f"{pair!r} is no parameter", remedy="Write --param name=value, each name once.")
        given[key] = value
    return given


def _about(answer: Any) -> None:
    """What the table rests on, for the person and not for the pipe."""
    for column, sums in answer.totals.items():
        said = ", ".join(f"{amount:,.2f} {currency}" for currency, amount in sums.items())
        if said:
            note(f"{column}: {said}")
    asked = ", ".join(f"{name} = {value}" for name, value in answer.bound.items() if value != "")
    note(f"{asked + '; ' if asked else ''}lake {answer.lake_version}")
