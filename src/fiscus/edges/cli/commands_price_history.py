"""Unit prices over time on the command line, under `fiscus prices`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cyclopts import App

from fiscus.edges.cli.terminal import NO_OPTIONS, Common, guarded, open_home, say, show, table
from fiscus.kernel.limits import PRICE_CHANGES_MONTHS

if TYPE_CHECKING:
    from decimal import Decimal

    from fiscus.flows.price_rightsizing import Rightsized
    from fiscus.flows.show_price_history import PriceChangesShown, PriceHistoryShown


def mount(app: App) -> None:
    """Add this file's commands to `app`, which has `prices` already."""
    for command in (history, changes, rightsize):
        app["prices"].command(command)


@guarded
def history(name: str, /, *, region: str = "", months: int = 12, common: Common = NO_OPTIONS) -> None:
    """What a thing cost you a unit, month by month: contracted, effective and list price, by SKU and region.

    Parameters
    ----------
    name
        A part of a SKU, meter, description or size, as bills write it.
    region
        One region; all of them when left out.
    months
        Whole months before the running one.
    """
    from fiscus.flows.show_price_history import show_price_history

    show(common, show_price_history(open_home(common), name, region, months), _history_text)


@guarded
def changes(*, months: int = PRICE_CHANGES_MONTHS, as_of: str | None = None, common: Common = NO_OPTIONS) -> None:
    """Unit prices that changed, and what that costs at the volume of now.

    Parameters
    ----------
    months
        Whole months before the running one.
    as_of
        The day to look from, YYYY-MM-DD; today when left out.
    """
    from fiscus.flows.show_price_history import show_price_changes

    show(common, show_price_changes(open_home(common, as_of), months), _changes_text)


@guarded
def rightsize(resource: str, size: str, /, *, common: Common = NO_OPTIONS) -> None:
    """What a machine of yours would cost in another size: its own use of the last 30 days, at the prices of your price book.

    Parameters
    ----------
    resource
        Its ResourceId as bills write it.
    size
        The other size, such as m6i.xlarge.
    """
    from fiscus.flows.price_rightsizing import price_rightsizing

    show(common, price_rightsizing(open_home(common), resource, size), _rightsized_text)


def _history_text(shown: PriceHistoryShown) -> None:
    say(shown.sentence)
    say()
    rows = [
        (
            one.series.provider, one.series.sku, one.series.region or "-", month.month, _price(month.contracted),
            _price(month.effective), _price(month.listed), f"{one.series.currency}/{one.series.unit}", month.quantity, month.cost,
            " ".join(f"{step.kind} {step.percent:+} %" for step in one.steps if str(step.since)[:7] == month.month),
        )
        for one in shown.series
        for month in one.series.months
    ]  # fmt: skip
    headers = (
        "vendor",
        "SKU",
        "region",
        "month",
        "contracted",
        "effective",
        "list",
        "per",
        "quantity",
        "cost",
        "changed",
    )
    table(headers, rows, "Nothing is called so.")
    if shown.more:
        say(f"and {shown.more} more: say more of the name, or a --region")


def _changes_text(shown: PriceChangesShown) -> None:
    say(shown.sentence)
    say()
    rows = [
        (
            str(one.step.since), one.provider, one.meter or one.description or one.sku, one.region or "-",
            f"{one.step.kind}, by {one.step.cause}" if one.step.kind == "effective" else one.step.kind,
            _price(one.step.before), _price(one.step.after), f"{one.step.percent:+} %", one.step.money, one.currency,
        )
        for one in shown.changes
    ]  # fmt: skip
    headers = ("since", "vendor", "what", "region", "price", "before", "after", "", "in 30 days", "")
    table(headers, rows, f"No price has changed since {shown.since}.")


def _rightsized_text(one: Rightsized) -> None:
    say(one.sentence)
    say()
    rows = [
        (one.size, _price(one.price), one.cost, one.currency, one.why),
        (one.new_size, _price(one.new_price), one.new_cost, one.currency, one.new_why),
    ]
    table(("size", f"per {one.unit}", f"{one.days} days", "", "because"), rows, "")
    say(
        f"It was paid {one.paid.normalize():f} {one.currency} for {one.quantity.normalize():f} {one.unit}s, commitments included."
    )


def _price(amount: Decimal | None) -> str:
    return "-" if amount is None else f"{round(amount, 9).normalize():f}"
