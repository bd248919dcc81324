"""Commands that close a month, open it again, and show what was signed, corrected and not landed yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from fiscus.edges.cli.terminal import NO_OPTIONS, Common, guarded, open_home, say, show, table
from fiscus.kernel.actor import Actor

if TYPE_CHECKING:
    from fiscus.cost.books.types import PeriodClose
    from fiscus.flows.close_period import ClosesShown
    from fiscus.flows.show_completeness import CompletenessShown

As = Annotated[str, Parameter(name="--as", help="Who acts (directory id); recorded as asserted, not proven.")]


def mount(app: App) -> None:
    """Add this file's commands to `app`."""
    for command in (close, reopen, closes, completeness):
        app.command(command)


@guarded
def close(period: str, /, *, person: As, force: bool = False, reason: str = "", common: Common = NO_OPTIONS) -> None:
    """Sign a month: its totals, lake version and digests become evidence, and what it says stays readable.

    Refused while feeds have not landed whole or invoices do not reconcile.

    Parameters
    ----------
    period
        A billing month that is over, such as 2026-09.
    force
        Close it though something stands against it; needs a reason.
    reason
        Why, kept as evidence.
    """
    from fiscus.flows.close_period import close_period, forced_reason
    from fiscus.kernel.periods import Month

    told = forced_reason(reason, force=force)
    show(common, close_period(open_home(common), Month.parse(period), Actor(person), told), _closed)


@guarded
def reopen(period: str, /, *, person: As, reason: str, common: Common = NO_OPTIONS) -> None:
    """Take the signature of a month back; what was signed stays in the evidence.

    Parameters
    ----------
    period
        A signed month, such as 2026-09.
    reason
        Why, kept as evidence.
    """
    from fiscus.flows.close_period import reopen_period
    from fiscus.kernel.periods import Month

    opened = reopen_period(open_home(common), Month.parse(period), Actor(person), reason)
    show(common, opened, lambda one: say(f"{one.billing_month} is open again; it was closed by {one.closed_by}."))


@guarded
def closes(*, verify: bool = False, common: Common = NO_OPTIONS) -> int:
    """Signed months, and what was corrected of closed months since. Exit 5 when a month is not what was signed.

    Parameters
    ----------
    verify
        Hold each month against the evidence of its signature, and the charges as reported against its digest.
    """
    from fiscus.flows.close_period import show_closes

    found = show_closes(open_home(common), verify=verify)
    show(common, found, lambda shown: _closes(shown, verify=verify))
    return 5 if found.broken else 0


@guarded
def completeness(*, common: Common = NO_OPTIONS) -> None:
    """By source: until when it has landed whole, which days came in part, and which are late."""
    from fiscus.flows.show_completeness import show_completeness

    show(common, show_completeness(open_home(common)), _completeness)


def _closed(one: PeriodClose) -> None:
    say(f"{one.billing_month} is closed by {one.closed_by}: lake {one.lake_version}, digest {one.digest[:16]}.")
    table(
        ("source", "currency", "charges", "BilledCost", "EffectiveCost"),
        [(t.source, t.currency, t.rows, t.billed, t.effective) for t in one.totals],
        "No charges.",
    )
    for reason in one.not_ready:
        say(f"closed all the same: {reason}")
    say(f"Sealed in .fiscus/checkpoints/{one.seal}: keep a copy where this machine cannot change it.")


def _closes(found: ClosesShown, *, verify: bool) -> None:
    broken = dict.fromkeys(found.broken, "NOT WHAT WAS SIGNED")
    table(
        ("month", "closed by", "on", "digest", "forced because", "as reported"),
        [
            (
                one.billing_month, one.closed_by, str(one.closed_at.date()), one.digest[:16], one.forced or "-",
                broken.get(one.billing_month, "as signed" if verify else "-"),
            )
            for one in found.closes
        ],
        "No month is signed: fiscus close PERIOD --as PERSON",
    )  # fmt: skip
    for period in found.fiscal:
        say(period.sentence())
    for line in found.corrections.sentences():
        say(line)


def _completeness(found: CompletenessShown) -> None:
    for line in found.sentences():
        say(line)
