"""What was bought, by whom, approved by whom, renewing when; and what waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from fiscus.flows.record_purchases import load_purchase
from fiscus.flows.request_purchase import paid_lately
from fiscus.flows.show_actions import capitalised
from fiscus.flows.show_trust import DataTrust, data_trust
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.approvals.types import Approval
from fiscus.guardrails.doors.commitments.commitment_register import CATEGORY
from fiscus.guardrails.doors.purchases.purchase_checks import outside_register
from fiscus.guardrails.doors.purchases.types import Bought, Purchase
from fiscus.kernel.limits import RENEWAL_AHEAD_DAYS
from fiscus.kernel.money import display, total

STANDS = ("allowed", "bought", "ended")  # a contract that somebody knows of
Which = Literal["purchases", "commitments", "all"]


@dataclass(frozen=True, slots=True)
class PurchaseLine:
    """A purchase, who said yes to it, and how many days are left until notice is due (or it ends); None: it does not renew."""

    purchase: Purchase
    approved_by: tuple[str, ...]
    due: date | None
    days_left: int | None


@dataclass(frozen=True, slots=True)
class PurchasesShown:
    """What waits first, then by the day on which notice is due. `running` adds up contracts of the company's currency.

    `outside`: what the bills of twelve months show as bought and no contract here names, in that currency.
    """

    trust: DataTrust
    sentence: str
    lines: tuple[PurchaseLine, ...]
    running: Decimal
    unapproved: Decimal
    currency: str
    outside: tuple[Bought, ...] = ()

    @property
    def outside_money(self) -> Decimal:
        """What was paid for it in twelve months."""
        return total([one.purchased for one in self.outside])


@dataclass(frozen=True, slots=True)
class PurchaseShown:
    """One purchase with everything that was looked at."""

    trust: DataTrust
    sentence: str
    line: PurchaseLine


def show_purchases(ws: Workspace, which: Which = "all", trust: DataTrust | None = None) -> PurchasesShown:
    """The register. `which` keeps commitments apart from everything else."""
    with ws.state.read() as tx:
        found = [one for one in tx.purchases.all() if _is(one, which)]
        asked_for = {one.approval_id for one in found if one.approval_id}
        approvals = {name: tx.approvals.get(name) for name in asked_for}
    lines = sorted(
        (_line(ws, one, approvals.get(one.approval_id)) for one in found), key=lambda line: _order(line, ws.as_of)
    )
    home = ws.config.company.currency
    mine = [line for line in lines if line.purchase.request.currency == home and line.purchase.state == "bought"]
    running = total([line.purchase.request.contract_value for line in mine])
    unapproved = total([line.purchase.request.contract_value for line in mine if line.purchase.recorded])
    outside = () if which == "commitments" else _outside(ws, found)
    sentence = " ".join([_sentence(lines, running, home), *_about(outside, home)])
    return PurchasesShown(trust or data_trust(ws), sentence, tuple(lines), running, unapproved, home, outside)


def _outside(ws: Workspace, found: Sequence[Purchase]) -> tuple[Bought, ...]:
    mine = [one for one in paid_lately(ws) if one.currency == ws.config.company.currency]
    return outside_register(mine, [one for one in found if one.state in STANDS])


def _about(outside: Sequence[Bought], home: str) -> Sequence[str]:
    if not outside:
        return []
    money = display(total([one.purchased for one in outside]), 0)
    return [
        f"{money} {home} were bought in twelve months outside of it: ask {outside[0].team} about {outside[0].service} first."
    ]


def show_purchase(ws: Workspace, purchase_id: str, trust: DataTrust | None = None) -> PurchaseShown:
    """One purchase. NotFound when there is none."""
    with ws.state.read() as tx:
        purchase = load_purchase(tx, purchase_id)
        approval = tx.approvals.get(purchase.approval_id) if purchase.approval_id else None
    line = _line(ws, purchase, approval)
    return PurchaseShown(trust or data_trust(ws), _one(line, approval), line)


def what_is_bought(purchase: Purchase) -> str:
    """`VectorForge Enterprise Index of VectorForge Inc.`"""
    return f"{purchase.request.product} of {purchase.request.vendor}"


def _is(purchase: Purchase, which: Which) -> bool:
    return which == "all" or (purchase.request.category == CATEGORY) == (which == "commitments")


def _line(ws: Workspace, purchase: Purchase, approval: Approval | None) -> PurchaseLine:
    due = purchase.request.notice_by or purchase.request.renews if purchase.state in {"bought", "allowed"} else None
    return PurchaseLine(purchase, approval.yes if approval else (), due, (due - ws.as_of).days if due else None)


def _order(line: PurchaseLine, today: date) -> tuple[int, date, Decimal, str]:
    order = ("asked", "allowed", "bought", "denied", "withdrawn", "ended")
    far = date.max if line.due is None or line.due < today else line.due
    return order.index(line.purchase.state), far, -line.purchase.request.contract_value, line.purchase.id


def _money(purchase: Purchase) -> str:
    return f"{display(purchase.request.contract_value, 0)} {purchase.request.currency}"


def _sentence(lines: Sequence[PurchaseLine], running: Decimal, home: str) -> str:
    if not lines:
        return "Nothing was asked for yet, and no contract is in the register."
    asked = [line for line in lines if line.purchase.state == "asked"]
    soon = [
        line
        for line in lines
        if line.days_left is not None and 0 <= line.days_left <= RENEWAL_AHEAD_DAYS and line.purchase.state == "bought"
    ]
    words = []
    if asked:
        first = asked[0].purchase
        more = f" and {len(asked) - 1} more" if len(asked) > 1 else ""
        words.append(f"Approve or reject {what_is_bought(first)} ({_money(first)}){more}.")
    if soon:
        first, due = soon[0].purchase, soon[0].due
        assert due is not None
        verb = "Give notice on" if first.request.renewal == "automatic" else "Renew or let go"
        more = f", {len(soon) - 1} more within {RENEWAL_AHEAD_DAYS} days" if len(soon) > 1 else ""
        words.append(f"{verb} {what_is_bought(first)} ({_money(first)}) by {due.day} {due:%b %Y}{more}.")
    allowed = [line.purchase for line in lines if line.purchase.state == "allowed"]
    if allowed and not words:
        more = f" and {len(allowed) - 1} more" if len(allowed) > 1 else ""
        words.append(f"{capitalised(what_is_bought(allowed[0]))} ({_money(allowed[0])}){more} may be bought.")
    count = sum(line.purchase.state == "bought" for line in lines)
    if count or not words:
        words.append(f"{count} {'contract runs' if count == 1 else 'contracts run'} over {display(running, 0)} {home}.")
    return " ".join(words)


def _waits_for(approval: Approval | None) -> str:
    """What stands between it and being let through, as of now."""
    if approval is None:
        return "nobody was asked for a yes. Withdraw it and ask again"
    if approval.state in {"approved", "used"}:
        return f"it has its yes ({approval.id}), and goes on with the next `fiscus run`"
    return f"it waits for a yes ({approval.id})"


def _one(line: PurchaseLine, approval: Approval | None) -> str:
    purchase, request = line.purchase, line.purchase.request
    what = f"{capitalised(what_is_bought(purchase))}, {_money(purchase)} over {request.term_months} months"
    renews = f", and renews by itself on {request.renews}" if request.renewal == "automatic" else ""
    words = {
        "asked": f"{what}: {_waits_for(approval)}.",
        "allowed": f"{what}: it may be bought. Say so once it was.",
        "denied": f"{what}: it may not be bought.",
        "bought": f"{what}: it was bought{renews}.",
        "withdrawn": f"{what}: it is not bought after all.",
        "ended": f"{what}: it has ended.",
    }
    return words[purchase.state]
