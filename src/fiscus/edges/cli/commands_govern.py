"""Commands that show who answers for what, and whether the record of it is whole."""

from __future__ import annotations

from cyclopts import App

from fiscus.edges.cli.terminal import NO_OPTIONS, Common, guarded, open_home, say, say_json, table


def mount(app: App) -> None:
    """Add this file's commands to `app`."""
    app.command(owners)
    evidence_app = App(name="evidence", help="Check the chain of evidence.")
    evidence_app.command(verify)
    app.command(evidence_app)


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
def verify(*, common: Common = NO_OPTIONS) -> int:
    """Check every record of evidence, its chain, its head and its signed checkpoints. Exit 5 when broken."""
    from fiscus.flows.verify_evidence import verify_evidence

    report = verify_evidence(open_home(common))
    if common.json:
        say_json(report)
    else:
        say(f"{report.records:,} records, head {report.head[:12] or 'none'}: {'whole' if report.ok else 'BROKEN'}")
        for fault in report.breaks:
            say(f"  record {fault.seq}: {fault.reason}")
    return 0 if report.ok else 5
