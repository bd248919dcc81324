"""What follows on a yes or a no: what waited for it goes on, and people are told. Once answered, nothing of it can be lost."""

from __future__ import annotations

from collections.abc import Sequence

from fiscus.flows.deliver_notices import deliver_about
from fiscus.flows.record_purchases import load_purchase
from fiscus.flows.request_purchase import proceed_purchases
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.doors.purchases.types import Purchase


def after_answer(ws: Workspace, approval_id: str) -> Sequence[Purchase]:
    """Let the purchase through that waited for it, and send what is queued. What a crash leaves, the next run does.

    Returns what waited for it, as it stands now.
    """
    went_on = go_on(ws, approval_id)
    tell_about(ws, approval_id, went_on)
    return went_on


def go_on(ws: Workspace, approval_id: str) -> Sequence[Purchase]:
    """What waited for it, let through, denied, or asked anew by now."""
    with ws.state.read() as tx:
        waited = [one.id for one in tx.purchases.of_approval(approval_id) if one.state == "asked"]
    proceed_purchases(ws, approval_id)
    with ws.state.read() as tx:
        return [load_purchase(tx, name) for name in waited]


def tell_about(ws: Workspace, approval_id: str, went_on: Sequence[Purchase]) -> None:
    """Send what is queued about it, and about the question that was asked anew because of it."""
    for name in dict.fromkeys([approval_id, *(one.approval_id for one in went_on)]):
        deliver_about(ws, name)
