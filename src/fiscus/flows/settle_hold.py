"""What became of money that was held: it cost so much, or nothing was sent. Said once; said again, nothing changes."""

from __future__ import annotations

from decimal import Decimal

from fiscus.flows.workspace import Workspace
from fiscus.guardrails.ledger.commands import Release, Settle, Settled, Thaw
from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import BadInput, NotFound, Where
from fiscus.kernel.money import to_nanos
from fiscus.ownership.people import require_live

OVERRUNS = "fiscus_ledger_overruns_total"


def settle_hold(ws: Workspace, hold_id: str, amount: Decimal, *, estimate: bool = False) -> Settled:
    """The hold of this id (or of the decision of this id) did cost `amount`, in its currency.

    More than was held is charged in full, counted, and freezes what caused it. Raises NotFound, BadInput (below zero, or finer
    than a nano-unit), Conflict (settled before at another amount).
    """
    if not amount.is_finite() or amount < 0:
        raise BadInput(
            f"{amount} is no amount that something can cost", remedy="Settle at 0 or more.", where=Where(key="amount")
        )
    answer = ws.ledger.ask(Settle(_hold_id(ws, hold_id), to_nanos(amount), estimate=estimate))
    assert isinstance(answer, Settled)
    if answer.overrun and not answer.repeated:
        ws.counters.count(OVERRUNS, provider=answer.hold.provider)
    return answer


def release_hold(ws: Workspace, hold_id: str, reason: str) -> Settled:
    """Nothing was sent: the money is free again. Raises NotFound, Conflict (settled or charged: it may have been spent)."""
    answer = ws.ledger.ask(Release(_hold_id(ws, hold_id), reason))
    assert isinstance(answer, Settled)
    return answer


def thaw(ws: Workspace, subject: str, actor: Actor, reason: str) -> None:
    """A live person lifts a freeze, and says why. Raises NotFound (unknown, or not frozen), NotAllowed, BadInput (no reason)."""
    require_live(ws.config.directory, actor.person_id, ws.as_of)
    if not reason.strip():
        raise BadInput(
            "A freeze is not lifted without a reason", remedy="Say why it may spend again.", where=Where(key="reason")
        )
    ws.ledger.ask(Thaw(subject, actor, reason))


def _hold_id(ws: Workspace, given: str) -> str:
    """A hold's own id, or that of the decision that holds it."""
    if not given.startswith("dec-"):
        return given
    decision = ws.ledger.store.decision(given)
    if decision is None or decision.hold is None:
        raise NotFound(f"{given!r} holds no money", remedy="`fiscus ledger` lists what is held.")
    return decision.hold.id
