"""Storing a step of a purchase together with its evidence; and the answer that a vendor's approval interface needs."""

from __future__ import annotations

from dataclasses import replace

from fiscus.flows.ports import StateTx
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.approvals.types import Approval
from fiscus.guardrails.doors.purchases.types import Artefact, Purchase, PurchaseState, PurchaseStep
from fiscus.guardrails.types import Decision
from fiscus.kernel.actor import Actor
from fiscus.kernel.documents import did_you_mean
from fiscus.kernel.errors import Conflict, NotFound

NEXT: dict[PurchaseState, frozenset[PurchaseState]] = {
    "asked": frozenset({"allowed", "denied", "withdrawn"}),
    "allowed": frozenset({"bought", "withdrawn"}),
    "bought": frozenset({"ended"}),
    "denied": frozenset(),
    "withdrawn": frozenset(),
    "ended": frozenset(),
}


def load_purchase(tx: StateTx, purchase_id: str) -> Purchase:
    """The purchase. Raises NotFound."""
    purchase = tx.purchases.get(purchase_id)
    if purchase is None:
        near = did_you_mean(purchase_id, [one.id for one in tx.purchases.all(limit=1000)])
        near = near if near.startswith("Did") else ""
        raise NotFound(f"There is no purchase {purchase_id!r}", remedy=f"{near} `fiscus purchases` lists them.".strip())
    return purchase


def store_purchase(tx: StateTx, purchase: Purchase, actor: Actor) -> Purchase:
    """Store the newest step and its evidence, in this transaction."""
    step, request = purchase.steps[-1], purchase.request
    tx.purchases.put(purchase)
    body: dict[str, object] = {
        "state": purchase.state,
        "vendor": request.vendor,
        "product": request.product,
        "contract_value": request.contract_value,
        "currency": request.currency,
        "intent_digest": purchase.intent_digest,
        "decision": purchase.decision_id,
        "approval": purchase.approval_id,
        "note": step.note,
        "artefact": purchase.artefact,
    }
    if len(purchase.steps) == 1:
        body |= {"request": request}
    if len(purchase.steps) == 1 or step.state == "asked":
        body |= {"checks": purchase.checks, "duplicates": purchase.duplicates}
    tx.evidence.append(f"purchase.{step.state}", purchase.id, actor, body)
    return purchase


def moved(ws: Workspace, purchase: Purchase, state: PurchaseState, actor: Actor, note: str) -> Purchase:
    """`purchase` in `state`, with one more step. Raises Conflict where it cannot get there.

    What a yes is letting through is finished first: its money may be held by now, and taken back it would stay held.
    """
    if purchase.going and state == "withdrawn":
        raise Conflict(
            f"Purchase {purchase.id} is being let through by the yes to {purchase.approval_id}",
            remedy="`fiscus run` finishes what was begun; withdraw it then.",
        )
    if state not in NEXT[purchase.state]:
        raise Conflict(
            f"Purchase {purchase.id} is {purchase.state} and cannot become {state}",
            remedy="`fiscus purchases` shows what stands now.",
        )
    step = PurchaseStep(ws.clock.now(), state, actor.person_id, note)
    return replace(purchase, state=state, steps=(*purchase.steps, step), going=False)


def accepted(purchase: Purchase, decision: Decision, approvers: tuple[str, ...]) -> Artefact:
    """Accept it: who allowed it, by what."""
    who = f"Approved by {' and '.join(approvers)}" if approvers else "Allowed by the policies"
    return _artefact(purchase, decision, "accept", f"{who}, {decision.id}. {' '.join(decision.reasons)}", approvers)


def refused(purchase: Purchase, decision: Decision, why: str) -> Artefact:
    """Reject it, and why."""
    return _artefact(purchase, decision, "reject", why, ())


def rejected(purchase: Purchase, approval: Approval, why: str = "") -> Artefact:
    """Reject it: nobody said yes, or somebody said no; or `why` the yes lets nobody through."""
    last = approval.steps[-1]
    no = f"Rejected by {last.actor}: {last.note}" if approval.state == "rejected" else "Nobody said yes in time"
    why = why or no
    made = _plain(purchase, "reject", f"{why} ({approval.id}).", ())
    return replace(made, decision_id=purchase.decision_id, approval_id=approval.id, decided_at=last.at)


def _artefact(purchase: Purchase, decision: Decision, answer: str, why: str, approvers: tuple[str, ...]) -> Artefact:
    made = _plain(purchase, answer, why, approvers)
    return replace(made, decision_id=decision.id, approval_id=decision.approval_id, decided_at=decision.at)


def _plain(purchase: Purchase, answer: str, why: str, approvers: tuple[str, ...]) -> Artefact:
    request = purchase.request
    return Artefact(
        answer="accept" if answer == "accept" else "reject",
        reason=why.strip(),
        po=str(purchase.intent.attributes.get("po", "")),
        channel=request.channel,
        reference=request.reference,
        vendor=request.vendor,
        product=request.product,
        amount=request.amount,
        contract_value=request.contract_value,
        currency=request.currency,
        term_months=request.term_months,
        approved_by=approvers,
        decision_id="",
        approval_id="",
        intent_digest=purchase.intent_digest,
        decided_at=purchase.steps[-1].at,
    )
