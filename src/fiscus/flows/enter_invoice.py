"""An invoice that a person enters from its paper: kept with who said it, and what it said before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, cast

from fiscus.cost.books.types import EnteredInvoice
from fiscus.flows.ports import StateTx
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import Actor
from fiscus.kernel.canonical import to_json
from fiscus.kernel.documents import did_you_mean
from fiscus.kernel.errors import BadInput, NotFound
from fiscus.kernel.ids import content_id
from fiscus.ownership.people import require_live

FACT: Final = "books.invoice."
_STATED: Final = "tax_stated"
"""Kept beside an invoice's tax. Where it is not, an earlier version wrote it, and wrote 0 for a tax that was left out, too."""


@dataclass(frozen=True, slots=True)
class InvoicesEntered:
    """What a call entered: new ones, ones that said something else before, and ones that were known as they are.

    `unknown`: issuers of whom the lake has no charge, each with the nearest that it has.
    """

    new: int
    changed: int
    known: int
    invoices: tuple[EnteredInvoice, ...]
    unknown: tuple[str, ...] = ()

    def sentences(self) -> Sequence[str]:
        """What was entered, and issuers that are spelled as no charge spells them."""
        entered = f"{self.new} invoices entered, {self.changed} changed, {self.known} known already."
        return [entered, *(f"No charge is of {one}" for one in self.unknown)]


def enter_invoices(ws: Workspace, invoices: Sequence[EnteredInvoice], actor: Actor) -> InvoicesEntered:
    """Keep `invoices`; the same invoice again with the same money changes nothing. Raises NotAllowed: no live person."""
    require_live(ws.config.directory, actor.person_id, ws.as_of)
    new = changed = 0
    with ws.state.begin() as tx:
        for invoice in invoices:
            name = FACT + _key(invoice)
            before = cast("Mapping[str, Any] | None", tx.facts.get(name))
            now = {**cast("Mapping[str, Any]", to_json(asdict(invoice))), _STATED: invoice.tax is not None}
            if before and _said(_invoice(before)) == _said(invoice):
                continue
            new, changed = (new, changed + 1) if before else (new + 1, changed)
            tx.facts.put(name, now)
            kind = "invoice.changed" if before else "invoice.entered"
            tx.evidence.append(kind, invoice.invoice_id, actor, {"invoice": now, "before": before})
    return InvoicesEntered(new, changed, len(invoices) - new - changed, tuple(invoices), _unknown(ws, invoices))


def withdraw_invoice(
    ws: Workspace, invoice_id: str, issuer: str, actor: Actor, reason: str
) -> tuple[EnteredInvoice, ...]:
    """Take back what was entered of an invoice by mistake; the evidence keeps it. `issuer` empty: whoever issued it.

    Raises NotFound (nobody of that name, no such invoice) and BadInput (no reason).
    """
    require_live(ws.config.directory, actor.person_id, ws.as_of)
    if not reason.strip():
        raise BadInput("An invoice is taken back for a reason", remedy="Say it: --reason TEXT.")
    with ws.state.begin() as tx:
        entered = entered_invoices(tx)
        found = tuple(one for one in entered if one.invoice_id == invoice_id and issuer in {"", one.issuer})
        if not found:
            near = did_you_mean(invoice_id, [one.invoice_id for one in entered])
            raise NotFound(f"No invoice {invoice_id!r} was entered", remedy=f"{near} `fiscus invoice list` shows them.")
        for one in found:
            tx.facts.put(FACT + _key(one), {})
            tx.evidence.append("invoice.withdrawn", invoice_id, actor, {"invoice": one, "reason": reason.strip()})
    return found


def entered_invoices(tx: StateTx) -> list[EnteredInvoice]:
    """Every invoice that was entered, by month, issuer and id."""
    found = [_invoice(cast("Mapping[str, Any]", value)) for value in tx.facts.matching(FACT).values() if value]
    return sorted(found, key=lambda one: (one.billing_month, one.issuer, one.invoice_id))


def _unknown(ws: Workspace, invoices: Sequence[EnteredInvoice]) -> tuple[str, ...]:
    rows = ws.lake.query("SELECT DISTINCT InvoiceIssuerName FROM bare_charges WHERE InvoiceIssuerName IS NOT NULL").rows
    known = sorted(str(name) for (name,) in rows)
    return tuple(
        f"{issuer!r}. {did_you_mean(issuer, known)}" for issuer in sorted({one.issuer for one in invoices} - set(known))
    )


def _key(invoice: EnteredInvoice) -> str:
    return content_id("inv", invoice.invoice_id, invoice.issuer, invoice.currency, invoice.billing_month)


def _said(invoice: EnteredInvoice) -> tuple[Decimal, Decimal | None, str]:
    """What makes it another invoice when it is entered again."""
    return invoice.amount, invoice.tax, invoice.note


def _invoice(value: Mapping[str, Any]) -> EnteredInvoice:
    tax = None if value["tax"] is None else Decimal(value["tax"])
    return EnteredInvoice(
        **{
            **{name: kept for name, kept in value.items() if name != _STATED},
            "amount": Decimal(value["amount"]),
            "tax": tax if value.get(_STATED, value["tax"] != "0") else None,
            "entered_at": datetime.fromisoformat(value["entered_at"]),
        }
    )
