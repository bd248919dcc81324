"""AI spend on the command line: what went through the gateway, in the lake and against the vendors' bills."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from fiscus.edges.cli.commands_act import As
from fiscus.edges.cli.terminal import NO_OPTIONS, Common, guarded, open_home, progress, say, show, table
from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import BadInput
from fiscus.kernel.money import display

if TYPE_CHECKING:
    from fiscus.flows.fetch_ai_bills import AiBillFetched
    from fiscus.flows.push_vendor_caps import VendorCap
    from fiscus.flows.reconcile_ai import AiReconciliation
    from fiscus.flows.record_outcome import UnitEconomics
    from fiscus.flows.show_calls import CallsShown
    from fiscus.flows.write_ai_charges import AiMonthWritten


def mount(app: App) -> None:
    """Add this file's commands to `app`."""
    ai_app = App(name="ai", help="AI spend: calls through the gateway, their charges, the vendors' bills.")
    for command in (write, calls, units, outcome, reconcile, bills, bill, caps):
        ai_app.command(command)
    app.command(ai_app)


@guarded
def write(*, common: Common = NO_OPTIONS) -> None:
    """Bring what went through the gateway into the lake as charges, exact and once. `fiscus run` does it too."""
    from fiscus.flows.write_ai_charges import write_ai_charges

    ws = open_home(common)
    with progress(common) as bar:
        written = write_ai_charges(ws, bar)
    show(common, written, _written_text)


@guarded
def calls(
    *,
    charge: str = "",
    decision: str = "",
    unit: str = "",
    key: str | None = None,
    since: str | None = None,
    until: str | None = None,
    common: Common = NO_OPTIONS,
) -> None:
    """Calls that went through the gateway; those of today, unless told otherwise.

    Parameters
    ----------
    charge
        Those behind a charge: x_Extra['x_GatewayCharge'] of a row.
    decision
        The one that rests on a decision: the answer's header x-fiscus-decision.
    unit
        Those of a unit of work: ticket=123.
    key
        Those of a virtual key; an empty one: calls that had none.
    since
        From this day on, YYYY-MM-DD.
    until
        Up to this day, included.
    """
    from fiscus.flows.show_calls import CallsAsked, show_calls

    asked = CallsAsked(charge, decision, unit, key, _day(since), _day(until))
    show(common, show_calls(open_home(common), asked), _calls_text)


@guarded
def outcome(
    unit: str,
    result: str,
    /,
    *,
    customer: str = "",
    feature: str = "",
    quantity: int = 1,
    common: Common = NO_OPTIONS,
) -> None:
    """Say what a unit of work came to. The calls that named the unit are what it cost; the same again changes nothing.

    Parameters
    ----------
    unit
        As the calls named it in x-fiscus-unit: ticket=123.
    result
        What came of it: resolved.
    customer
        For whom it was.
    feature
        What of the product did it.
    quantity
        As how many outcomes it counts.
    """
    from fiscus.flows.record_outcome import ToldOutcome, record_outcomes

    (kept,) = record_outcomes(open_home(common), [ToldOutcome(unit, result, quantity, customer, feature)])
    show(common, kept, lambda one: say(f"{one.kind} {one.value}: {one.result}."))


@guarded
def units(
    kind: str,
    /,
    *,
    by: str = "result",
    since: str | None = None,
    until: str | None = None,
    common: Common = NO_OPTIONS,
) -> None:
    """What units of work cost: per outcome, customer, feature, model, team, product, environment, key or user.

    Parameters
    ----------
    kind
        Of the units: ticket.
    by
        result, customer, feature, model, team, product, environment, key or user.
    since
        From this day on, YYYY-MM-DD; thirty days when left out.
    until
        Up to this day, included.
    """
    from fiscus.flows.record_outcome import unit_economics

    show(common, unit_economics(open_home(common), kind, by, _day(since), _day(until)), _units_text)


@guarded
def reconcile(*, days: int = 35, common: Common = NO_OPTIONS) -> None:
    """Hold what went through the gateway against the vendors' bills: matched, estimated, missing here, missing there.

    Parameters
    ----------
    days
        How many days before today.
    """
    from fiscus.flows.reconcile_ai import reconcile_ai
    from fiscus.flows.write_ai_charges import write_ai_charges

    ws = open_home(common)
    with progress(common) as bar:
        write_ai_charges(ws, bar)
    show(common, reconcile_ai(ws, days), _reconciled_text)


@guarded
def bills(*, days: int = 35, common: Common = NO_OPTIONS) -> int:
    """Read what AI vendors billed (ai_accounts in fiscus.yaml) into the lake. Exit 1 when one could not be read.

    Parameters
    ----------
    days
        From the month that was running so many days ago.
    """
    from fiscus.flows.fetch_ai_bills import fetch_ai_bills

    ws = open_home(common)
    with progress(common) as bar:
        fetched = fetch_ai_bills(ws, bar, days)
    show(common, fetched, _fetched_text)
    return 1 if any(one.failed for one in fetched) else 0


@guarded
def bill(
    path: Path, /, *, source: str, provider: str, currency: str | None = None, common: Common = NO_OPTIONS
) -> None:
    """Bring an AI vendor's invoice in as a CSV file: date, amount; currency, model, item, account, quantity. Replaces its months.

    Parameters
    ----------
    path
        The file.
    source
        The feed that it comes from: a slug such as perplexity.
    provider
        Who bills: Perplexity, Hugging Face, Mistral AI.
    currency
        Of lines that name none; the company's when left out.
    """
    from fiscus.cost.ai.read_invoice import read_invoice
    from fiscus.cost.providers import canonical_name
    from fiscus.flows.fetch_ai_bills import land_report

    ws = open_home(common)
    costs = read_invoice(path, currency or ws.config.company.currency)
    changed = land_report(ws, source, canonical_name(provider), costs)
    said = f"{len(costs):,} lines of {source} " + ("written" if changed else "seen before: nothing changed")
    show(common, {"source": source, "lines": len(costs), "changed": changed}, lambda _: say(said))


@guarded
def caps(*, yes: bool = False, as_: As | None = None, common: Common = NO_OPTIONS) -> None:
    """The vendors' own spend limits beside our budgets. Without --yes it only shows; with it, differences are planned as actions.

    Parameters
    ----------
    yes
        Plan an action for each that differs; somebody else approves it.
    """
    from fiscus.flows.push_vendor_caps import plan_vendor_caps, vendor_caps
    from fiscus.flows.record_actions import check_person

    ws = open_home(common)
    if not yes:
        show(common, vendor_caps(ws), _caps_text)
        return
    if not as_:
        raise BadInput("Who plans it is not said", remedy="Name yourself: --as PERSON.")
    check_person(ws, "caps", Actor(as_))
    show(common, plan_vendor_caps(ws, Actor(as_)), _caps_text)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadInput(f"{text!r} is not a date", remedy="Write it as YYYY-MM-DD.") from None


def _written_text(written: tuple[AiMonthWritten, ...]) -> None:
    for one in written:
        say(one.sentence())
    if not written:
        say("Nothing new went through the gateway.")


def _caps_text(found: tuple[VendorCap, ...]) -> None:
    for one in found:
        say(one.sentence())
    if not found:
        say("No vendor's limit follows a budget: ai_accounts.limits in fiscus.yaml.")


def _units_text(found: UnitEconomics) -> None:
    table(
        (found.by, "calls", f"{found.kind}s", "outcomes", "cost", "per outcome", ""),
        [
            (
                one.group,
                one.calls,
                one.units,
                one.outcomes,
                f"{one.cost:f}",
                f"{one.per_outcome:f}" if one.per_outcome is not None else None,
                one.currency,
            )
            for one in found.lines
        ],
        "No call went through the gateway in these days.",
    )
    for currency, cost in found.cost.items():
        say(f"{display(cost, 6)} {currency} from {found.first} to {found.last}, every call in exactly one line.")


def _fetched_text(fetched: tuple[AiBillFetched, ...]) -> None:
    for one in fetched:
        say(one.sentence())
    if not fetched:
        say("No account at an AI vendor is configured: ai_accounts in fiscus.yaml.")


def _reconciled_text(found: AiReconciliation) -> None:
    for sentence in found.sentences():
        say(sentence)
    table(
        ("day", "provider", "model", "here", "there", "missing here", "missing there", "", "state"),
        [
            (
                str(one.day),
                one.provider,
                one.model or "(all)",
                one.here,
                one.there,
                one.missing_here,
                one.missing_there,
                one.currency,
                one.state,
            )
            for one in found.lines
            if one.state != "matched"
        ],
        "Every billed day agrees.",
    )


def _calls_text(shown: CallsShown) -> None:
    table(
        ("at", "model", "key", "team", "state", "tokens", "cost", "", "decision"),
        [
            (
                f"{one.at:%Y-%m-%d %H:%M:%S}",
                one.model,
                one.key_id or "(none)",
                one.team,
                one.state,
                one.tokens,
                f"{one.cost:f}",
                one.currency,
                one.decision_id,
            )
            for one in shown.calls
        ],
        "No call went through the gateway then. `fiscus gateway` starts one.",
    )
    for currency, cost in shown.cost.items():
        say(f"{len(shown.calls):,} calls, {display(cost, 6)} {currency}{', and more' if shown.more else ''}.")
