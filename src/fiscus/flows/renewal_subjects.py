"""Contracts that renew or end soon, as subjects of cases: before notice is due, while something can still be done about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from fiscus.flows.ports import StateTx
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.doors.purchases.types import Purchase
from fiscus.kernel.limits import RENEWAL_AHEAD_DAYS, RENEWAL_URGENT_DAYS
from fiscus.kernel.money import display
from fiscus.ownership.case_severity import severity_of
from fiscus.ownership.types import CaseSubject


def renewal_subjects(ws: Workspace, tx: StateTx) -> Sequence[CaseSubject]:
    """One a contract and renewal; it is over when the contract was ended, or has renewed."""
    bought = tx.purchases.all(["bought"])
    return [subject for one in bought if (subject := _of(one, ws.as_of)) is not None]


def _of(purchase: Purchase, today: date) -> CaseSubject | None:
    request = purchase.request
    if request.renews is None or request.renews <= today:
        return None
    due = request.notice_by or request.renews
    days = (due - today).days
    if days > RENEWAL_AHEAD_DAYS:
        return None
    money = f"{display(request.contract_value)} {request.currency}"
    what = f"{request.product} of {request.vendor}"
    if request.notice_by is None:
        title = f"{what} ({money}) ends on {request.renews}: renew it, or let it end"
    elif days >= 0:
        title = f"{what} renews by itself on {request.renews} for {money}: to end it, give notice by {due}"
    else:
        title = f"{what} renews by itself on {request.renews} for {money}: notice was due on {due}"
    po = purchase.intent.attributes.get("po")
    return CaseSubject(
        kind="renewal",
        key=f"renewal|{purchase.id}|{request.renews}",
        title=title,
        detail=f"{purchase.id}, {f'purchase order {po}' if po else 'without a purchase order'}, asked for by "
        f"{purchase.intent.requested_by}. `fiscus purchases end {purchase.id}` once notice was given.",
        amount=request.contract_value,
        currency=request.currency,
        severity=severity_of(
            request.contract_value, running=0 <= days <= RENEWAL_URGENT_DAYS, warning=request.notice_by is None
        ),
        owner=purchase.intent.team or purchase.intent.requested_by,
        evidence={"purchase": purchase.id, "renews": request.renews, "notice_by": request.notice_by, "ahead": days},
    )
