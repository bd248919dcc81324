"""Bringing in what a company kept elsewhere: Cloud Custodian policies, AWS Budgets, budgets in a spreadsheet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from fiscus.edges.cli.terminal import NO_OPTIONS, Common, guarded, note, say, say_json
from fiscus.kernel.errors import BadInput, Conflict, Where

if TYPE_CHECKING:
    from fiscus.guardrails.importers.types import Imported

OWNER = "finops"
Files = Annotated[list[Path], Parameter(consume_multiple=True)]


def mount(app: App) -> None:
    """Add this file's commands to `app`: `fiscus policy import` and `fiscus budget import`."""
    policies = App(name="import", help="Policies from elsewhere as YAML; what has no equivalent is named.")
    policies.command(c7n)
    app["policy"].command(policies)
    budgets = App(name="import", help="Budgets from elsewhere as YAML; what has no equivalent is named.")
    budgets.command(aws)
    budgets.command(csv_file, name="csv")
    budget_app = App(name="budget", help="Budgets from elsewhere.")
    budget_app.command(budgets)
    app.command(budget_app)


@guarded
def c7n(file: Path, /, *, owner: str = OWNER, out: Path | None = None, common: Common = NO_OPTIONS) -> None:
    """Cloud Custodian policies as policies on charges.

    Parameters
    ----------
    file
        A file of Cloud Custodian policies.
    owner
        The team or person who answers for them.
    out
        A new file to write, such as policies/custodian.yaml; printed when left out.
    """
    from fiscus.guardrails.importers.import_c7n import import_c7n

    _hand_over(import_c7n(_text(file), file.name, owner), out, common)


@guarded
def aws(files: Files, /, *, owner: str = OWNER, out: Path | None = None, common: Common = NO_OPTIONS) -> None:
    """AWS Budgets as budgets; alerts become thresholds.

    Parameters
    ----------
    files
        What `aws budgets describe-budgets` and `describe-budget-notifications-for-account` print.
    owner
        The team or person who answers for them.
    out
        A new file to write, such as budgets/aws.yaml; printed when left out.
    """
    from fiscus.guardrails.importers.import_aws_budgets import import_aws_budgets

    calendar, today = _company(common)
    _hand_over(import_aws_budgets({file.name: _text(file) for file in files}, owner, calendar, today), out, common)


@guarded
def csv_file(file: Path, /, *, owner: str = OWNER, out: Path | None = None, common: Common = NO_OPTIONS) -> None:
    """Budgets of a CSV, one line a budget and period.

    Parameters
    ----------
    file
        A CSV with the columns budget, period, amount, currency, and a column for each dimension of a scope.
    owner
        The team or person who answers for those that name none.
    out
        A new file to write, such as budgets/finance.yaml; printed when left out.
    """
    from fiscus.guardrails.importers.import_budget_csv import import_budget_csv

    calendar, _ = _company(common)
    _hand_over(import_budget_csv(_text(file), file.name, owner, calendar), out, common)


def _company(common: Common):  # type: ignore[no-untyped-def]  # imports stay lazy: its types are kernel's
    """(fiscal calendar, today) of the workspace; the calendar year and the machine's day where there is none."""
    from fiscus.app.policy_files import workspace_if_any
    from fiscus.app.workspace import find_home
    from fiscus.kernel.clock import SystemClock, today
    from fiscus.kernel.periods import FiscalCalendar

    ws = workspace_if_any(find_home(common.home))
    return (ws.config.company.calendar, ws.as_of) if ws else (FiscalCalendar(), today(SystemClock()))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as broken:
        raise BadInput(
            f"{file} cannot be read: {broken}", remedy="Save it as UTF-8 text.", where=Where(file=str(file))
        ) from None


def _hand_over(imported: Imported, out: Path | None, common: Common) -> None:
    """Print or write the file; a file that stands is never written over."""
    from fiscus.app.whole_file import whole_file

    if out is not None:
        if out.exists():
            raise Conflict(f"{out} stands already", remedy="Name a new file.", where=Where(file=str(out)))
        with whole_file(out) as fresh:
            fresh.write_text(imported.text, encoding="utf-8")
    if common.json:
        say_json(imported)
        return
    if out is None:
        say(imported.text.rstrip("\n"))
    note(f"{len(imported.made)} translated{f' into {out}' if out else ''}; {len(imported.left_out)} things were not:")
    for one in imported.left_out:
        line = f" (line {one.line})" if one.line else ""
        note(f"  {one.name}{line}: {one.what}: {one.why}")
