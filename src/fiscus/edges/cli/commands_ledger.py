"""The spend ledger on the command line: what stands, what became of held money, what is frozen, a decision again."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated

from cyclopts import App, Parameter

from fiscus.edges.cli.commands_act import As
from fiscus.edges.cli.terminal import NO_OPTIONS, Common, guarded, open_home, say, show
from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import BadInput

HoldId = Annotated[str, Parameter(help="A hold, or the decision that holds it.")]


def mount(app: App) -> None:
    """Add this file's commands to `app`."""
    ledger_app = App(name="ledger", help="Money held, settled and charged; what is frozen.")
    ledger_app.default(ledger)
    ledger_app.command(thaw)
    app.command(ledger_app)
    for command in (settle, release, replay):
        app.command(command)


@guarded
def ledger(*, common: Common = NO_OPTIONS) -> None:
    """What stands in the spend ledger."""
    from fiscus.edges.cli.show_ledger_text import ledger_text
    from fiscus.flows.show_ledger import show_ledger

    show(common, show_ledger(open_home(common)), ledger_text)


@guarded
def settle(hold_id: HoldId, amount: str, /, *, estimate: bool = False, common: Common = NO_OPTIONS) -> None:
    """Say what held money did cost. Above what was held it is an overrun: charged in full, and its cause is frozen.

    Parameters
    ----------
    amount
        In the currency of the hold, such as 0.42.
    estimate
        It is an estimate; the vendor's own number replaces it later.
    """
    from fiscus.edges.cli.show_ledger_text import settled_text
    from fiscus.flows.settle_hold import settle_hold

    try:
        cost = Decimal(amount)
    except InvalidOperation:
        raise BadInput(f"{amount!r} is no decimal number", remedy="Write it plainly, such as 0.42.") from None
    show(common, settle_hold(open_home(common), hold_id, cost, estimate=estimate), settled_text)


@guarded
def release(hold_id: HoldId, /, *, reason: str, common: Common = NO_OPTIONS) -> None:
    """Give held money back: nothing was sent. Never for an outcome that is not known.

    Parameters
    ----------
    reason
        Why nothing was sent; it is kept as evidence.
    """
    from fiscus.edges.cli.show_ledger_text import settled_text
    from fiscus.flows.settle_hold import release_hold

    show(common, release_hold(open_home(common), hold_id, reason), settled_text)


@guarded
def thaw(subject: str, /, *, as_: As, reason: str, common: Common = NO_OPTIONS) -> None:
    """Lift a freeze that an overrun left on a key, a model, a vendor or an account.

    Parameters
    ----------
    subject
        As `fiscus ledger` names it.
    reason
        Why it may spend again; it is kept as evidence.
    """
    from fiscus.flows.settle_hold import thaw as lift

    lift(open_home(common), subject, Actor(as_), reason)
    show(common, {"subject": subject, "frozen": False}, lambda _: say(f"{subject} may spend again, says {as_}."))


@guarded
def replay(decision_id: str, /, *, common: Common = NO_OPTIONS) -> int:
    """Judge a decision again from its evidence. Exit 0 when the verdict and its reasons are the same, 1 when not."""
    from fiscus.edges.cli.show_ledger_text import replay_text
    from fiscus.flows.replay_decision import replay_decision

    found = replay_decision(open_home(common), decision_id)
    show(common, found, replay_text)
    return 0 if found.same else 1
