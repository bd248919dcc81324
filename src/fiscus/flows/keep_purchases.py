"""The register by the clock: what was approved is let through, what renews by itself goes on, what ran out has ended."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fiscus.flows.record_purchases import moved, store_purchase
from fiscus.flows.request_purchase import proceed_purchases
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.doors.commitments.outlook import months_after
from fiscus.guardrails.doors.purchases.types import Purchase, PurchaseStep
from fiscus.kernel.actor import FISCUS


@dataclass(frozen=True, slots=True)
class PurchasesKept:
    """Ids by what one call did to them."""

    proceeded: tuple[str, ...]
    renewed: tuple[str, ...]
    ended: tuple[str, ...]


def keep_purchases(ws: Workspace) -> PurchasesKept:
    """A second call at the same clock finds nothing to do."""
    proceeded = proceed_purchases(ws)
    renewed, ended = list[str](), list[str]()
    with ws.state.begin() as tx:
        for purchase in tx.purchases.all(["bought"]):
            over = purchase.request.renews is not None and purchase.request.renews <= ws.as_of
            if over and purchase.request.renewal == "automatic":
                store_purchase(tx, _renewed(ws, purchase), FISCUS)
                renewed.append(purchase.id)
            elif over:
                store_purchase(tx, moved(ws, purchase, "ended", FISCUS, "its term is over"), FISCUS)
                ended.append(purchase.id)
    return PurchasesKept(tuple(one.id for one in proceeded), tuple(renewed), tuple(ended))


def _renewed(ws: Workspace, purchase: Purchase) -> Purchase:
    """The same contract for another term, however many have passed. What was judged at first stays what it was."""
    request = purchase.request
    assert request.renews is not None
    starts, renews = request.starts, request.renews
    while renews <= ws.as_of:
        starts, renews = renews, months_after(renews, request.term_months)
    step = PurchaseStep(ws.clock.now(), "bought", FISCUS.person_id, f"renewed by itself on {starts}, until {renews}")
    again = replace(request, starts=starts, renews=renews)
    return replace(purchase, request=again, steps=(*purchase.steps, step))
