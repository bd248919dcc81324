"""The command about currencies: what is billed in which, and what it is in the reporting currency."""

from __future__ import annotations

from typing import Any

from cyclopts import App

from fiscus.edges.cli.terminal import NO_OPTIONS, Common, guarded, open_home, say, show, table


def mount(app: App) -> None:
    """Add this file's command to `app`."""
    app.command(currencies)


@guarded
def currencies(*, period: str | None = None, common: Common = NO_OPTIONS) -> None:
    """Each billing currency as billed and in the reporting currency, by dated rates; what has no rate is listed with its money.

    The rates that charges need are worked out from the files first, as `fiscus run` does.

    Parameters
    ----------
    period
        A month, quarter or year of the fiscal calendar, such as 2026-10 or FY2027-Q3; this month when left out.
    """
    from fiscus.flows.keep_rates import keep_rates
    from fiscus.flows.show_currencies import show_currencies

    ws = open_home(common)
    keep_rates(ws)
    show(common, show_currencies(ws, period), _text)


def _text(shown: Any) -> None:
    say(shown.sentence)
    say()
    converted = f"EffectiveCost in {shown.reporting or '-'}"
    table(
        ("currency", "BilledCost", "EffectiveCost", converted, "rate from", "to", "not converted", "charges"),
        [_line(line) for line in shown.lines],
        "No charge.",
    )
    for one in shown.lines:
        if shown.reporting and one.not_converted_charges:
            days = f"{one.not_converted_from} to {one.not_converted_to}"
            say(f"{one.left_out} of {one.currency}, {days}, without a rate: {one.why}.")


def _line(line: Any) -> tuple[object, ...]:
    rates = _rate(line.lowest), _rate(line.highest)
    billed = line.currency, line.billed, line.effective, line.reported_effective
    return *billed, *rates, line.not_converted_effective, line.charges


def _rate(rate: Any) -> str:
    return "-" if rate is None else f"{rate.normalize():f}"
