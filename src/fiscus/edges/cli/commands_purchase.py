"""Commands about buying: ask first (`fiscus request`), and the register of what was bought (`fiscus purchases`)."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from fiscus.edges.cli.terminal import NO_OPTIONS, Common, guarded, open_home, read_request, say, say_json, show, table
from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import BadInput
from fiscus.kernel.money import display

if TYPE_CHECKING:
    from fiscus.flows.show_purchases import PurchaseShown, PurchasesShown
    from fiscus.guardrails.doors.purchases.types import Purchase
    from fiscus.guardrails.types import Decision

As = Annotated[str, Parameter(name="--as", help="Who acts (directory id); recorded as asserted, not proven.")]
EXIT = {"allow": 0, "warn": 0, "degrade": 0, "require_approval": 3, "deny": 4}
OUTSIDE = 10  # lines of what no contract names; the page and --json have all
MARKS = {"ok": " ", "warn": "!", "fail": "X"}


def mount(app: App) -> None:
    """Add this file's commands to `app`."""
    request_app = App(name="request", help="Ask before something is bought: looked into, decided, and in the register.")
    request_app.command(request_purchase, name="purchase")
    request_app.command(request_commitment, name="commitment")
    app.command(request_app)
    purchases_app = App(name="purchases", help="What was bought, by whom, approved by whom, renewing when.")
    purchases_app.default(purchases)
    for command in (show_one, bought, withdraw, end, record):
        purchases_app.command(command)
    app.command(purchases_app)


@guarded
def request_purchase(request: Path | None = None, /, *, common: Common = NO_OPTIONS) -> int:
    """Ask to buy at a marketplace or a vendor. Exit 0 it may be bought, 3 it needs approval, 4 denied, 2 error.

    Parameters
    ----------
    request
        A JSON file; standard input when left out.
    """
    from fiscus.flows.deliver_notices import deliver_about
    from fiscus.flows.request_purchase import request_purchase as ask
    from fiscus.guardrails.doors.purchases.purchase_request import parse_purchase

    ws = open_home(common)
    purchase, decision = ask(ws, parse_purchase(_json(request), ws.as_of))
    if purchase.approval_id:
        deliver_about(ws, purchase.approval_id)
    show(common, {"purchase": purchase, "decision": decision}, lambda both: _asked(both["purchase"], both["decision"]))
    return EXIT[decision.verdict]


@guarded
def request_commitment(request: Path | None = None, /, *, common: Common = NO_OPTIONS) -> int:
    """Ask to buy a savings plan, a reservation, a CUD or a prepaid amount; judged on the usage that the bills know.

    Parameters
    ----------
    request
        A JSON file; standard input when left out.
    """
    from fiscus.flows.deliver_notices import deliver_about
    from fiscus.flows.request_purchase import request_commitment as ask
    from fiscus.guardrails.doors.commitments.commitment_request import parse_commitment

    ws = open_home(common)
    judged, purchase, decision = ask(ws, parse_commitment(_json(request), ws.as_of))
    if purchase.approval_id:
        deliver_about(ws, purchase.approval_id)

    def text(_: object) -> None:
        say(judged.sentence)
        say()
        _asked(purchase, decision)
        say()
        rows = [(str(m.month), m.proposed, m.existing) for m in judged.outlook.owed[:6]]
        table(("owed at the start of", "this one", "what exists"), rows, "")
        if len(judged.outlook.owed) > len(rows):
            say(f"and {len(judged.outlook.owed) - len(rows)} more months: --json")
        for line in judged.notes:
            say(f"note: {line}")

    show(common, {"judged": judged, "purchase": purchase, "decision": decision}, text)
    return EXIT[decision.verdict]


@guarded
def purchases(*, common: Common = NO_OPTIONS) -> None:
    """The register: what waits first, then by the day on which notice is due."""
    from fiscus.flows.show_purchases import show_purchases

    show(common, show_purchases(open_home(common)), _register)


@guarded
def show_one(purchase_id: str, /, *, common: Common = NO_OPTIONS) -> None:
    """One purchase: what was looked at, what was decided, and the answer that the vendor's approval interface needs."""
    from fiscus.flows.show_purchases import show_purchase

    show(common, show_purchase(open_home(common), purchase_id), _one)


@guarded
def bought(
    purchase_id: str, /, *, as_: As, cost: str | None = None, note: str = "", common: Common = NO_OPTIONS
) -> None:
    """It was bought; what was held for it is committed.

    Parameters
    ----------
    cost
        What it did cost over its term; the contract value when left out.
    """
    from fiscus.flows.request_purchase import mark_bought

    try:
        amount = None if cost is None else Decimal(cost)
    except InvalidOperation:
        raise BadInput(f"{cost!r} is no decimal number", remedy="Write it plainly, such as 1250.00.") from None
    _done(common, mark_bought(open_home(common), purchase_id, Actor(as_), note, amount))


@guarded
def withdraw(purchase_id: str, /, *, as_: As, note: str = "", common: Common = NO_OPTIONS) -> None:
    """It is not bought after all; what was held for it is free again."""
    from fiscus.flows.request_purchase import withdraw_purchase

    _done(common, withdraw_purchase(open_home(common), purchase_id, Actor(as_), note))


@guarded
def end(purchase_id: str, /, *, as_: As, note: str = "", common: Common = NO_OPTIONS) -> None:
    """Notice was given, or it is over: it renews no more."""
    from fiscus.flows.request_purchase import end_purchase

    _done(common, end_purchase(open_home(common), purchase_id, Actor(as_), note))


@guarded
def record(request: Path | None = None, /, *, as_: As, common: Common = NO_OPTIONS) -> None:
    """Enter a contract that was made before anybody asked, so that its renewal is not missed.

    Parameters
    ----------
    request
        A JSON file as for `fiscus request purchase`; standard input when left out.
    """
    from fiscus.flows.request_purchase import record_purchase
    from fiscus.guardrails.doors.purchases.purchase_request import parse_purchase

    ws = open_home(common)
    _done(common, record_purchase(ws, parse_purchase(_json(request), ws.as_of, past=True), Actor(as_)))


show_one.__name__ = "show"


def _json(path: Path | None) -> object:
    return read_request(path, "request", "docs/how-to/purchases.md")


def _asked(purchase: Purchase, decision: Decision) -> None:
    request = purchase.request
    verdict, money = decision.verdict.replace("_", " "), f"{display(request.contract_value)} {request.currency}"
    say(f"{purchase.id} {verdict}: {request.product} of {request.vendor}, {money}")
    for check in purchase.checks:
        say(f"  {MARKS[check.state]} {check.sentence}")
    for reason in decision.reasons:
        say(f"  {reason}")
    say(f"Next: {decision.next_step}")


def _register(shown: PurchasesShown) -> None:
    say(shown.sentence)
    say()
    table(
        ("purchase", "state", "contract", "", "what", "asked by", "approved by", "renews", "due", "days"),
        [
            (
                x.purchase.id, x.purchase.state, x.purchase.request.contract_value, x.purchase.request.currency,
                f"{x.purchase.request.product} of {x.purchase.request.vendor}", x.purchase.request.requested_by,
                ", ".join(x.approved_by) or ("nobody here" if x.purchase.recorded else "-"),
                str(x.purchase.request.renews or "-"), str(x.due or "-"), x.days_left,
            )
            for x in shown.lines
        ],
        "The register is empty. `fiscus request purchase` asks; `fiscus purchases record` enters what was bought before.",
    )  # fmt: skip
    if shown.outside:
        say()
        rows = [
            (x.purchased, shown.currency, x.service, x.vendor, x.team, str(x.last_day)) for x in shown.outside[:OUTSIDE]
        ]
        table(("bought outside of it", "", "what", "vendor", "who pays", "last billed"), rows, "")


def _one(shown: PurchaseShown) -> None:
    purchase = shown.line.purchase
    say(shown.sentence)
    for check in purchase.checks:
        say(f"  {MARKS[check.state]} {check.sentence}")
    for step in purchase.steps:
        say(f"  {step.at:%Y-%m-%d %H:%M} {step.state} by {step.actor}{f': {step.note}' if step.note else ''}")
    if purchase.artefact is not None:
        say("What the vendor's approval interface needs:")
        say_json(purchase.artefact)


def _done(common: Common, purchase: Purchase) -> None:
    show(common, purchase, lambda one: say(f"{one.id} {one.state}: {one.request.product} of {one.request.vendor}."))
