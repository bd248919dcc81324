"""Buying something: looked into, decided like every other spend, written into the register, and let through once approved.

What was judged is kept with the facts of that moment. When its approval comes, the same intent is decided again with it: what the
people saw is what is bought, although the bills have moved on since. What the register let through beside it meanwhile is another
matter: the yes knew nothing of it, so it is asked anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import cast

from fiscus.flows.claim_approval import in_other_hands
from fiscus.flows.decide_intent import decide_intent
from fiscus.flows.judge_commitment import CommitmentJudged, judge_commitment
from fiscus.flows.ports import StateTx
from fiscus.flows.record_approvals import expire_if_due, load_approval, record_approval
from fiscus.flows.record_purchases import accepted, load_purchase, moved, refused, rejected, store_purchase
from fiscus.flows.settle_hold import release_hold, settle_hold
from fiscus.flows.settle_intent import settle_intent
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.approvals.machine import say_no
from fiscus.guardrails.decisions.intent import intent_digest
from fiscus.guardrails.doors.commitments.commitment_register import as_purchase, check_commitment
from fiscus.guardrails.doors.commitments.commitment_request import CommitmentRequest
from fiscus.guardrails.doors.purchases.beside import came_beside, looked_at_again, register_checks, with_beside
from fiscus.guardrails.doors.purchases.purchase_checks import (
    LOOKED_AT,
    check_purchase,
    find_duplicates,
    named,
    po_is_valid,
    some_of,
    vendor_known,
)
from fiscus.guardrails.doors.purchases.purchase_request import Known, purchase_intent
from fiscus.guardrails.doors.purchases.types import (
    Artefact,
    Bought,
    Purchase,
    PurchaseRequest,
    PurchaseState,
    PurchaseStep,
)
from fiscus.guardrails.types import Decision
from fiscus.kernel.actor import FISCUS, Actor
from fiscus.kernel.errors import BadInput, FiscusError, NotAllowed, NotFound
from fiscus.kernel.limits import PURCHASE_HISTORY_DAYS
from fiscus.kernel.periods import Month, midnight
from fiscus.kernel.sql_text import sql_text
from fiscus.ownership.people import require_live

ALLOWED = frozenset({"allow", "warn"})


def request_purchase(ws: Workspace, asked: PurchaseRequest) -> tuple[Purchase, Decision]:
    """Looked into, decided, and in the register: allowed, asked (an approval waits) or denied. Raises as `decide_intent`."""
    return _enter(ws, _looked_into(ws, asked))


def request_commitment(ws: Workspace, asked: CommitmentRequest) -> tuple[CommitmentJudged, Purchase, Decision]:
    """Judged on the bills, decided, and in the register as every other contract. Raises as `judge_commitment`."""
    judged = judge_commitment(ws, asked)
    request = as_purchase(asked, judged.proposal)
    with ws.state.read() as tx:
        register = tx.purchases.all(LOOKED_AT)
    checks = (*check_commitment(judged.outlook, asked.currency), *register_checks(request, ws.config.catalog, register))
    blank = Purchase(ws.ids.new("pur"), request, judged.intent, "", checks, (), "asked", "", "", ())
    whole = replace(with_beside(blank, ws.config.catalog, register), owed=judged.outlook.owed)
    purchase, decision = _enter(ws, whole)
    return judged, purchase, decision


def record_purchase(ws: Workspace, asked: PurchaseRequest, actor: Actor) -> Purchase:
    """A contract that was made before anybody asked: in the register, with its renewal, and marked as approved by nobody here."""
    _check_person(ws, actor)
    made = _looked_into(ws, asked)
    settled = settle_intent(ws, made.intent).intent
    step = PurchaseStep(ws.clock.now(), "bought", actor.person_id, "entered as bought before")
    with ws.state.begin() as tx:
        whole = replace(
            made, intent=settled, intent_digest=intent_digest(settled), state="bought", steps=(step,), recorded=True
        )
        return store_purchase(tx, whole, actor)


def mark_bought(ws: Workspace, purchase_id: str, actor: Actor, note: str, cost: Decimal | None = None) -> Purchase:
    """It was bought, at `cost` (its whole contract value when left out): the money that was held for it is committed.

    The ledger is told first: it hears the same twice without harm, so a process that dies here is simply run again.
    Raises NotFound, Conflict (not allowed, or bought already), NotAllowed, BadInput.
    """
    before = _movable(ws, purchase_id, "bought", actor)
    with suppress(NotFound):  # where no budget covers it, nothing is held
        settle_hold(ws, before.decision_id, before.intent.amount if cost is None else cost)
    return _move(ws, purchase_id, "bought", actor, note)


def withdraw_purchase(ws: Workspace, purchase_id: str, actor: Actor, note: str) -> Purchase:
    """It is not bought after all: what was held for it is free again. Raises as `mark_bought`."""
    before = _movable(ws, purchase_id, "withdrawn", actor)
    if before.state == "allowed":
        with suppress(NotFound):
            release_hold(ws, before.decision_id, note or "withdrawn")
    return _move(ws, purchase_id, "withdrawn", actor, note)


def end_purchase(ws: Workspace, purchase_id: str, actor: Actor, note: str) -> Purchase:
    """Notice was given, or it ran out: it renews no more. Raises as `mark_bought`."""
    _movable(ws, purchase_id, "ended", actor)
    return _move(ws, purchase_id, "ended", actor, note)


def proceed_purchases(ws: Workspace, approval_id: str = "") -> Sequence[Purchase]:
    """Those whose approval was decided: allowed with it, or denied. Of one approval, or of all. Returns those that moved.

    A process that dies here leaves a purchase asked; the next call lets it through with the same approval. One whose policies
    moved meanwhile, or beside which the register let something through that its approver was not shown, waits for the yes to the
    question as it stands now; one whose requester has left is denied.
    """
    with ws.state.read() as tx:
        waiting = tx.purchases.of_approval(approval_id) if approval_id else tx.purchases.all(["asked"])
    found = [_proceed(ws, purchase) for purchase in waiting if purchase.state == "asked" and purchase.approval_id]
    return [purchase for purchase in found if purchase is not None]


def paid_lately(ws: Workspace) -> Sequence[Bought]:
    """What the bills of the last twelve months show, by vendor, service and currency."""
    since = ws.as_of - timedelta(days=PURCHASE_HISTORY_DAYS)
    params = {
        "since": midnight(since),
        "until": midnight(ws.as_of),
        "billing_month": str(Month.of(since).shift(-1)),
    }
    rows = ws.lake.query(sql_text("fiscus.guardrails", "bought"), params)
    return [_bought(row) for row in rows.dicts()]


def _bought(row: Mapping[str, object]) -> Bought:
    return Bought(
        vendor=str(row["vendor"]),
        publisher=str(row["publisher"]),
        issuer=str(row["issuer"]),
        service=str(row["service"]),
        category=str(row["category"]),
        subcategory=str(row["subcategory"]),
        cost=Decimal(str(row["cost"])),
        currency=str(row["currency"]),
        last_day=cast("date", row["last_day"]),
        team=str(row["team"]),
        purchased=Decimal(str(row["purchased"])),
    )


def _movable(ws: Workspace, purchase_id: str, state: PurchaseState, actor: Actor) -> Purchase:
    _check_person(ws, actor)
    with ws.state.read() as tx:
        purchase = load_purchase(tx, purchase_id)
    moved(ws, purchase, state, actor, "")
    return purchase


def _move(ws: Workspace, purchase_id: str, state: PurchaseState, actor: Actor, note: str) -> Purchase:
    with ws.state.begin() as tx:
        return store_purchase(tx, moved(ws, load_purchase(tx, purchase_id), state, actor, note), actor)


def _looked_into(ws: Workspace, asked: PurchaseRequest) -> Purchase:
    bought = paid_lately(ws)
    with ws.state.read() as tx:
        register = tx.purchases.all(LOOKED_AT)
    catalog = ws.config.catalog
    duplicates = find_duplicates(asked, catalog, bought, register)
    known = Known(vendor_known(asked, bought, register), duplicates, po_is_valid(asked.po, catalog))
    checks = check_purchase(asked, duplicates, catalog, bought, register, ws.as_of)
    intent = purchase_intent(asked, known)
    made = Purchase(ws.ids.new("pur"), asked, intent, "", checks, duplicates, "asked", "", "", ())
    return with_beside(made, catalog, register)


def _enter(ws: Workspace, blank: Purchase) -> tuple[Purchase, Decision]:
    """Decide it and write it into the register. A crash between the two leaves a hold that runs out, and no purchase."""
    decision = decide_intent(ws, blank.intent, key=blank.id)
    step = PurchaseStep(decision.at, "asked", decision.intent.requested_by, "asked for")
    purchase = replace(
        blank, intent=decision.intent, intent_digest=decision.intent_digest, decision_id=decision.id,
        approval_id=decision.approval_id, steps=(step,),
    )  # fmt: skip
    with ws.state.begin() as tx:
        store_purchase(tx, purchase, Actor(decision.intent.requested_by))
        if decision.verdict != "require_approval":
            purchase = store_purchase(tx, _decided(ws, purchase, decision), FISCUS)
    return purchase, decision


def _decided(ws: Workspace, purchase: Purchase, decision: Decision, approvers: tuple[str, ...] = ()) -> Purchase:
    if decision.verdict in ALLOWED:
        after = moved(ws, purchase, "allowed", FISCUS, " ".join(decision.reasons))
        return replace(after, decision_id=decision.id, artefact=accepted(purchase, decision, approvers))
    why = " ".join((*decision.reasons, decision.next_step))
    return _denied(ws, purchase, refused(purchase, decision, why))


def _proceed(ws: Workspace, purchase: Purchase) -> Purchase | None:
    with ws.state.read() as tx:
        approval = tx.approvals.get(purchase.approval_id)
    if approval is None or approval.state == "asked" or in_other_hands(ws, approval):
        return None
    if approval.state in {"rejected", "expired"}:
        return _answered(ws, purchase, lambda current: _denied(ws, current, rejected(current, approval)))
    begun = _begin(ws, purchase)
    if begun is None:
        return None
    key = f"{begun.id}|{approval.id}|{len(begun.steps)}"  # a crash is answered as before; a later try is another
    try:
        decision = decide_intent(ws, begun.intent, key=key, approval_id=approval.id)
    except BadInput as gone:  # who asked has left, or the team is no more: nobody is there whom a yes lets through
        why = gone.message
        return _answered(ws, begun, lambda current: _denied(ws, current, rejected(current, approval, why)))
    if decision.ledger == "lost":
        return None  # what was approved waits for the ledger, and is not refused because it is away
    if decision.verdict == "require_approval":
        why = begun.steps[-1].note if begun.steps != purchase.steps else " ".join(decision.reasons[:1])
        waits = _answered(ws, begun, lambda current: _asked_anew(ws, current, decision, why))
        if waits is not None and waits.approval_id != approval.id:
            _close(ws, approval.id, f"it lets nothing through, and is asked anew as {waits.approval_id}. {why}")
        return None
    approvers = approval.yes if decision.approval_id == approval.id else ()
    return _answered(ws, begun, lambda current: _decided(ws, current, decision, approvers))


def _begin(ws: Workspace, purchase: Purchase) -> Purchase | None:
    """Its turn to be let through, taken before its money is held; None where another process was faster.

    One writer at a time: of two that do the same and get their yes at once, the second sees the first, and its facts change. They
    are stored before they are decided on, so that a process that dies here is simply run again.
    """
    with ws.state.begin() as tx:
        current = load_purchase(tx, purchase.id)
        if current.steps != purchase.steps or current.going:
            return current if current.steps == purchase.steps else None
        register = _others(tx, current.id)
        came = came_beside(current, ws.config.catalog, register)
        if not came:
            going = replace(current, going=True)
            tx.purchases.put(going)
            return going
        seen = looked_at_again(current, ws.config.catalog, register)
        since = f"Since it was asked, {some_of([named(one) for one in came])} came beside it."
        step = PurchaseStep(ws.clock.now(), "asked", FISCUS.person_id, since)
        anew = replace(seen, intent_digest=intent_digest(seen.intent), steps=(*current.steps, step), going=True)
        return store_purchase(tx, anew, FISCUS)


def _others(tx: StateTx, purchase_id: str) -> Sequence[Purchase]:
    return [one for one in tx.purchases.all(LOOKED_AT) if one.id != purchase_id]


def _answered(ws: Workspace, purchase: Purchase, after: Callable[[Purchase], Purchase]) -> Purchase | None:
    """Stored, unless another process was faster."""
    with ws.state.begin() as tx:
        current = load_purchase(tx, purchase.id)
        return store_purchase(tx, after(current), FISCUS) if current.steps == purchase.steps else None


def _denied(ws: Workspace, purchase: Purchase, no: Artefact) -> Purchase:
    return replace(moved(ws, purchase, "denied", FISCUS, no.reason), artefact=no)


def _asked_anew(ws: Workspace, purchase: Purchase, decision: Decision, why: str) -> Purchase:
    """It waits on: for the next yes where another question is asked now or the first is used up; else for the same one's use."""
    follows = decision.approval_id or purchase.approval_id
    same = follows == purchase.approval_id
    next_ = decision.next_step if same else f"It waits for another yes: fiscus approve {follows}"
    step = PurchaseStep(ws.clock.now(), "asked", FISCUS.person_id, f"{why} {next_}")
    return replace(purchase, approval_id=follows, decision_id=decision.id, steps=(*purchase.steps, step), going=False)


def _close(ws: Workspace, approval_id: str, why: str) -> None:
    """A yes to a question that stands no more: it is worth nothing from now on, and who asked is told."""
    with ws.state.begin() as tx:
        approval = expire_if_due(ws, tx, load_approval(tx, approval_id))
        if approval.state == "approved":
            record_approval(ws, tx, say_no(approval, FISCUS, ws.clock.now(), why), FISCUS)


def _check_person(ws: Workspace, actor: Actor) -> None:
    try:
        require_live(ws.config.directory, actor.person_id, ws.as_of)
    except FiscusError as unknown:
        raise NotAllowed(unknown.message, remedy=unknown.remedy) from None
