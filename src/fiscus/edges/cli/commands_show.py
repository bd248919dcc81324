"""Commands that show what stands: status, owners, budgets, findings, cases."""

from __future__ import annotations

from cyclopts import App

from fiscus.edges.cli.terminal import NO_OPTIONS, Common, guarded, open_home, say_json, show, table


def mount(app: App) -> None:
    """Add this file's commands to `app`."""
    for command in (status, owners, budgets, findings, cases):
        app.command(command)


@guarded
def status(*, common: Common = NO_OPTIONS) -> None:
    """What needs someone now, sorted by urgency and money."""
    from fiscus.edges.cli.show_text import today_text
    from fiscus.flows.show_today import show_today

    show(common, show_today(open_home(common)), today_text)


@guarded
def owners(*, common: Common = NO_OPTIONS) -> None:
    """Who owns what, unowned money as a line of its own; the lines add up to the lake, to the last digit."""
    from fiscus.ownership.owned_totals import owned_totals

    lines = owned_totals(open_home(common).lake)
    if common.json:
        say_json(lines)
        return
    table(
        ("owner", "team", "cost centre", "EffectiveCost", "currency", "charges", "rule"),
        [(x.owner, x.team, x.cost_centre, x.effective_cost, x.currency, x.charges, x.rule) for x in lines],
        "The lake is empty. `fiscus ingest` brings bills in; `fiscus run` assigns owners.",
    )


@guarded
def budgets(*, common: Common = NO_OPTIONS) -> None:
    """Every budget: actual, forecast with its interval, P(breach), headroom."""
    from fiscus.edges.cli.show_text import budgets_text
    from fiscus.flows.show_budgets import show_budgets

    show(common, show_budgets(open_home(common)), budgets_text)


@guarded
def findings(*, common: Common = NO_OPTIONS) -> None:
    """Open findings, largest money first."""
    from fiscus.edges.cli.show_text import findings_text

    with open_home(common).state.read() as tx:
        found = sorted(tx.findings.all(), key=lambda finding: (-finding.amount, finding.id))
    show(common, found, findings_text)


@guarded
def cases(*, common: Common = NO_OPTIONS) -> None:
    """Cases under escalation: who must act, until when."""
    from fiscus.edges.cli.show_text import cases_text
    from fiscus.flows.show_cases import show_cases

    show(common, show_cases(open_home(common)), cases_text)
