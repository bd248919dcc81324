"""Commands about what was promised and prepaid: `fiscus commitments`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cyclopts import App

from fiscus.edges.cli.terminal import NO_OPTIONS, Common, guarded, open_home, say, show, table

if TYPE_CHECKING:
    from fiscus.cost.commitments.use_figures import UseFigures
    from fiscus.flows.show_commitments import CommitmentsUsed


def mount(app: App) -> None:
    """Add this file's commands to `app`."""
    app.command(commitments)


@guarded
def commitments(*, currency: str = "", common: Common = NO_OPTIONS) -> None:
    """Commitments on the bills: used, unused, coverage, savings rate, break-even, end; whether they tie to what was paid.

    Parameters
    ----------
    currency
        A BillingCurrency; the company's when left out. Currencies are never added.
    """
    from fiscus.flows.show_commitments import show_commitments

    show(common, show_commitments(open_home(common), currency), _commitments_text)


def _commitments_text(shown: CommitmentsUsed) -> None:
    say(shown.sentence)
    say()
    table(
        ("commitment", "provider", "a month", "unused", "saved", "", "used", "covers", "rate", "break-even", "ends"),
        [
            (
                x.name, x.provider, x.per_month, x.unused_per_month, x.saved_per_month, shown.currency,
                _share(x.utilisation), _share(x.figures.coverage), _share(x.figures.esr),
                _share(x.figures.break_even_utilisation), str(x.ends or ("stopped" if x.stopped else "no bill says")),
            )
            for x in shown.lines
        ],
        "A savings plan, a reservation or a prepaid amount would stand here once a bill names it.",
    )  # fmt: skip
    if not shown.lines and not shown.ended:
        return
    say()
    rows = [
        (x.name, x.amortisation.purchased, x.amortisation.due, x.amortisation.amortised, x.amortisation.in_advance,
         x.amortisation.sentence)
        for x in (*shown.lines, *shown.ended)
    ]  # fmt: skip
    table(("commitment", "paid", "due by now", "amortised", "in advance", ""), rows, "")
    say()
    owners = [(x.team, x.owner, *_money(x.figures)) for x in shown.owners]
    table(("team", "owner", "eligible", "covered", "unused", "saved", "coverage", "rate"), owners, "")
    if shown.other_currencies:
        say(f"Also in {', '.join(shown.other_currencies)}: --currency.")


def _money(seen: UseFigures) -> tuple[Any, ...]:
    return seen.eligible, seen.covered, seen.unused, seen.saved, _share(seen.coverage), _share(seen.esr)


def _share(percent: object) -> str:
    return "-" if percent is None else f"{percent} %"
