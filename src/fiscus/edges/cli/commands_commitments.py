"""Commands about what was promised and prepaid: `fiscus commitments`, `fiscus credits`, `fiscus marketplace`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cyclopts import App

from fiscus.edges.cli.terminal import NO_OPTIONS, Common, guarded, open_home, say, show, table

if TYPE_CHECKING:
    from fiscus.cost.commitments.use_figures import UseFigures
    from fiscus.flows.show_commitments import CommitmentsUsed
    from fiscus.flows.show_credits import CreditsShown
    from fiscus.flows.show_marketplaces import MarketplacesShown


def mount(app: App) -> None:
    """Add this file's commands to `app`."""
    app.command(commitments)
    app.command(credits_, name="credits")
    app.command(marketplace)


@guarded
def commitments(*, currency: str = "", as_of: str | None = None, common: Common = NO_OPTIONS) -> None:
    """Commitments on the bills: used, unused, coverage, savings rate, break-even, end; whether they tie to what was paid.

    Parameters
    ----------
    currency
        A BillingCurrency; the company's when left out. Currencies are never added.
    as_of
        The day to look from, YYYY-MM-DD; today when left out.
    """
    from fiscus.flows.show_commitments import show_commitments

    show(common, show_commitments(open_home(common, as_of), currency), _commitments_text)


@guarded
def credits_(*, currency: str = "", as_of: str | None = None, common: Common = NO_OPTIONS) -> None:
    """Prepaid balances: credits, tokens, money in advance; what is left, how fast it goes, when it is gone.

    Parameters
    ----------
    currency
        Only what was billed in this currency; all when left out, each by itself.
    as_of
        The day to look from, YYYY-MM-DD; today when left out.
    """
    from fiscus.flows.show_credits import show_credits

    show(common, show_credits(open_home(common, as_of), currency), _credits_text)


def _credits_text(shown: CreditsShown) -> None:
    say(shown.sentence)
    if not shown.pools:
        return
    say()
    table(
        ("provider", "unit", "bought", "drawn", "lost", "left", "a day", "used up about", "between", "ends", "money left", ""),
        [
            (
                x.key.provider, x.unit, x.balance.bought, x.balance.drawn, x.balance.lapsed + x.balance.to_lapse,
                x.balance.available + x.balance.to_come - x.balance.overdrawn, x.burn_per_day, str(x.runs_out.p50 or "-"),
                f"{x.runs_out.p10 or '-'} and {x.runs_out.p90 or '-'}", str(x.runs_out.lapses or x.balance.ends or "-"),
                x.money_left, x.key.currency,
            )
            for x in shown.pools
        ],
        "",
    )  # fmt: skip
    for x in shown.pools:
        for text in (
            x.note,
            _beside(x.billed_beside, x.key.currency),
            _twice(x.twice_billed, x.twice_counted, x.key.currency),
        ):
            if text:
                say(f"{x.key.provider}, {x.unit}: {text}")


def _beside(amount: Any, currency: str) -> str:
    return f"{amount} {currency} of use were billed by themselves and taken from no balance." if amount else ""


def _twice(billed: Any, counted: Any, currency: str) -> str:
    parts = [
        f"{amount} {currency} of {name}"
        for amount, name in ((billed, "BilledCost"), (counted, "EffectiveCost"))
        if amount
    ]
    return f"{' and '.join(parts)} stand on the purchase and on its use." if parts else ""


@guarded
def marketplace(*, common: Common = NO_OPTIONS) -> None:
    """Who sells, operates and invoices; what a marketplace's feed and the vendor's own show alike, and totals that count it once.

    Looks again, and keeps what counts once for the view charges_counted_once; `fiscus run` does it too.
    """
    from fiscus.flows.keep_same_spend import keep_same_spend
    from fiscus.flows.show_marketplaces import show_marketplaces

    ws = open_home(common)
    keep_same_spend(ws)
    show(common, show_marketplaces(ws), _marketplaces_text)


def _marketplaces_text(shown: MarketplacesShown) -> None:
    say(shown.sentence)
    say()
    table(
        ("seller", "operator", "invoicer", "made by", "channel", "BilledCost", "EffectiveCost", "", "charges"),
        [
            (
                x.seller,
                x.operator or "-",
                x.invoicer,
                x.maker or "-",
                x.channel,
                x.billed,
                x.effective,
                x.currency,
                x.charges,
            )
            for x in shown.roles
            if x.channel != "direct"
        ],
        "Spend that somebody else than its seller invoices, or runs, would stand here.",
    )
    if shown.links:
        say()
        rows = [
            (x.month, x.seller, x.marketplace, x.marketplace_effective, x.vendor, x.vendor_effective, x.currency, x.confidence,
             x.counts if x.counted_once else "all rows")
            for x in shown.links
        ]  # fmt: skip
        table(("month", "seller", "marketplace", "cost there", "vendor", "cost there", "", "sure", "counts"), rows, "")
    say()
    totals = [
        (
            x.currency,
            x.billed,
            x.billed_not_counted,
            x.billed_once,
            x.effective,
            x.effective_not_counted,
            x.effective_once,
        )
        for x in shown.totals
    ]
    headers = ("", "BilledCost", "seen twice", "counted once", "EffectiveCost", "seen twice", "counted once")
    table(headers, totals, "The lake is empty.")


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
    if shown.agreements:
        say()
        agreed = [
            (x.name, x.contract, x.committed, x.applied, x.left, x.unit, _share(x.met), x.short, str(x.ends))
            for x in shown.agreements
        ]
        table(
            ("of contracts", "contract", "committed", "applied", "left", "", "met", "short at this pace", "ends"),
            agreed,
            "",
        )
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
