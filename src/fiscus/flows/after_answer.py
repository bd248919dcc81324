"""What follows on a yes or a no: what waited for it goes on, and people are told. Once answered, nothing of it can be lost."""

from __future__ import annotations

from fiscus.flows.deliver_notices import deliver_about
from fiscus.flows.request_purchase import proceed_purchases
from fiscus.flows.workspace import Workspace


def after_answer(ws: Workspace, approval_id: str) -> None:
    """Let the purchase through that waited for it, and send what is queued. What a crash leaves, the next run does."""
    proceed_purchases(ws, approval_id)
    deliver_about(ws, approval_id)
