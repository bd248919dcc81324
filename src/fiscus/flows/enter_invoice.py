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
from fiscus.kernel.ids import content_id
from fiscus.ownership.people import require_live

FACT: Final = "books.invoice."
_MONEY: Final = ("amount", "tax", "note")


@dataclass(frozen=True, slots=True)
class InvoicesEntered:
    """What a call entered: new ones, ones that said something else before, and ones that were known as they are."""

    new: int
    changed: int
    known: int
    invoices: tuple[EnteredInvoice, ...]

    def sentences(self) -> Sequence[str]:
        """One line."""
        return [f"{self.new} invoices entered, {self.changed} changed, {self.known} known already."]


def enter_invoices(ws: Workspace, invoices: Sequence[EnteredInvoice], actor: Actor) -> InvoicesEntered:
    """Keep `invoices`; the same invoice again with the same money changes nothing. Raises NotAllowed: no live person."""
    require_live(ws.config.directory, actor.person_id, ws.as_of)
    new = changed = 0
    with ws.state.begin() as tx:
        for invoice in invoices:
            name = FACT + _key(invoice)
            before = cast("Mapping[str, Any] | None", tx.facts.get(name))
            now = cast("Mapping[str, Any]", to_json(asdict(invoice)))
            if before is not None and all(before[part] == now[part] for part in _MONEY):
                continue
            new, changed = (new + 1, changed) if before is None else (new, changed + 1)
            tx.facts.put(name, now)
            kind = "invoice.entered" if before is None else "invoice.changed"
            tx.evidence.append(kind, invoice.invoice_id, actor, {"invoice": now, "before": before})
    return InvoicesEntered(new, changed, len(invoices) - new - changed, tuple(invoices))


def entered_invoices(tx: StateTx) -> list[EnteredInvoice]:
    """Every invoice that was entered, by month, issuer and id."""
    found = [_invoice(cast("Mapping[str, Any]", value)) for value in tx.facts.matching(FACT).values()]
    return sorted(found, key=lambda one: (one.billing_month, one.issuer, one.invoice_id))


def _key(invoice: EnteredInvoice) -> str:
    return content_id("inv", invoice.invoice_id, invoice.issuer, invoice.currency, invoice.billing_month)


def _invoice(value: Mapping[str, Any]) -> EnteredInvoice:
    return EnteredInvoice(
        **{
            **value,
            "amount": Decimal(value["amount"]),
            "tax": Decimal(value["tax"]),
            "entered_at": datetime.fromisoformat(value["entered_at"]),
        }
    )
