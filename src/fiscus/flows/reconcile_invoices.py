"""The lake against the invoices: those of the Invoice Detail dataset, and those that people entered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final, cast

from fiscus.cost.books.reconcile_invoices import counts, reconciled
from fiscus.cost.books.types import InvoiceCharges, InvoiceTotal, ReconciledInvoice
from fiscus.cost.conformance.currencies import minor_digits
from fiscus.flows.enter_invoice import entered_invoices
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.types import Finding
from fiscus.kernel.ids import content_id
from fiscus.kernel.limits import BILLING_OPEN_DAYS
from fiscus.kernel.money import ZERO, display
from fiscus.kernel.periods import Month
from fiscus.kernel.rows import Query
from fiscus.kernel.sql_text import sql_text

KIND: Final = "invoice_reconciliation"
NEEDS_SOMEONE: Final = ("differs", "missing_here", "missing_there")
_SAID: Final = {
    "matched": "matched",
    "differs": "differs",
    "missing_here": "invoiced and not on the bills",
    "missing_there": "billed and on no invoice that is held",
    "open": "not invoiced yet",
    "no_invoice": "of issuers whose invoices nobody holds",
}


@dataclass(frozen=True, slots=True)
class InvoiceReconciliation:
    """Every invoice and every charge's invoice, what needs someone first. `month` empty: of all months."""

    month: str
    lines: tuple[ReconciledInvoice, ...]
    counts: Mapping[str, int]
    lake_version: str
    query: Query

    @property
    def apart(self) -> tuple[ReconciledInvoice, ...]:
        """Those that do not reconcile."""
        return tuple(line for line in self.lines if line.state in NEEDS_SOMEONE)

    @property
    def sentence(self) -> str:
        of = f" of {self.month}" if self.month else ""
        if not self.lines:
            return f"There is no charge and no invoice{of}."
        told = [f"{number} {_SAID[state]}" for state, number in self.counts.items() if state != "matched"]
        matched = self.counts.get("matched", 0)
        return f"{matched} invoice{'' if matched == 1 else 's'}{of} matched" + (
            f"; {', '.join(told)}." if told else "."
        )


def reconcile_invoices(ws: Workspace, month: str = "") -> InvoiceReconciliation:
    """Of one billing month, or of all. Reads the lake and what was entered; writes nothing."""
    of = str(Month.parse(month)) if month else ""
    query = Query(sql_text("fiscus.cost", "invoice_charges"), {})
    charges = [InvoiceCharges(*row) for row in cast("Sequence[tuple[Any, ...]]", ws.lake.query(query.sql).rows)]
    first_open = str(Month.of(ws.as_of - timedelta(days=BILLING_OPEN_DAYS)))
    found = reconciled(charges, [*_delivered(ws), *_entered(ws)], first_open)
    lines = tuple(line for line in found if of in {"", line.billing_month})
    return InvoiceReconciliation(of, lines, counts(lines), str(ws.lake.version()), query)


def holds_invoices(ws: Workspace) -> bool:
    """Whether anybody holds any invoice."""
    return ws.lake.version().invoice_details >= 0 or bool(_entered(ws))


def invoice_findings(ws: Workspace) -> list[Finding]:
    """One an invoice that does not reconcile; gone once it does. None where nobody holds any invoice."""
    if not holds_invoices(ws):
        return []
    found = reconcile_invoices(ws)
    return [_finding(ws, found, line) for line in found.apart]


def said_of(line: ReconciledInvoice) -> str:
    """One invoice in a sentence."""
    name = f"Invoice {line.invoice_id}" if line.invoice_id else "What is billed without an invoice"
    of = f"{name} of {line.issuer or 'an unnamed issuer'} for {line.billing_month}"
    if line.state == "differs":
        way = "more" if line.difference > ZERO else "less"
        sums = f"{_coins(line, line.there)} against {_coins(line, line.here)}"
        apart = f"; {tax_said(line)}" if line.tax_apart else ""
        return f"{of} says {_coins(line, abs(line.difference))} {line.currency} {way} than its charges ({sums}{apart})"
    amount = line.there if line.state == "missing_here" else line.here
    return f"{of}, {_coins(line, amount)} {line.currency}: {_SAID[line.state]}"


def tax_said(line: ReconciledInvoice) -> str:
    """What was left out of both sides as tax, or that nobody knows it; empty where neither is to be told."""
    if line.tax_apart and line.tax_there is not None:
        return (
            f"without tax: {_coins(line, line.tax_there)} of the invoice, {_coins(line, line.tax_here)} of the charges"
        )
    if line.state == "differs" and line.tax_there is None:
        return "with tax: the invoice does not state its own"
    return ""


def _coins(line: ReconciledInvoice, amount: Decimal) -> str:
    """With as many digits as its currency has coins, and never fewer than two: 0.101 KWD is not 0.10."""
    return display(amount, max(2, minor_digits(line.currency)))


def _delivered(ws: Workspace) -> list[InvoiceTotal]:
    if ws.lake.version().invoice_details < 0:
        return []
    rows = cast("Sequence[tuple[Any, ...]]", ws.lake.query(sql_text("fiscus.cost", "invoice_totals")).rows)
    return [InvoiceTotal(*row) for row in rows]


def _entered(ws: Workspace) -> list[InvoiceTotal]:
    with ws.state.read() as tx:
        entered = entered_invoices(tx)
    return [
        InvoiceTotal(one.invoice_id, one.issuer, one.currency, one.billing_month, one.amount, one.tax, "entered")
        for one in entered
    ]


def _tax_told(line: ReconciledInvoice) -> str:
    if not (said := tax_said(line)):
        return ""
    say_it = "" if line.tax_apart or line.tax_here else " Enter it again with its tax if the charges have none in them."
    return f" Both sides are {said}.{say_it}"


def _finding(ws: Workspace, found: InvoiceReconciliation, line: ReconciledInvoice) -> Finding:
    month, team = Month.parse(line.billing_month), ws.config.directory.default_pool
    held = {"invoice_detail": "the Invoice Detail dataset", "entered": "the invoice that was entered", None: "nobody"}
    return Finding(
        id=content_id("fnd", KIND, line.issuer, line.invoice_id, line.currency, line.billing_month, line.held or ""),
        kind=KIND,
        policy_id="invoice-reconciliation",
        policy_version="1",
        level="warn",
        title=said_of(line),
        detail=(
            f"{_coins(line, line.here)} {line.currency} in {line.rows:,} charges here; {_coins(line, line.there)} by "
            f"{held[line.held]}. Up to {_coins(line, line.tolerance)} apart would be rounding (FOCUS: MAX(100 x subunit, "
            f"SQRT(rows) x 0.5 x subunit)).{_tax_told(line)}"
        ),
        amount=abs(line.difference),
        currency=line.currency,
        owner=team,
        team=team,
        environment="",
        period_label=line.billing_month,
        first_seen=month.start,
        last_seen=month.end - timedelta(days=1),
        rows=line.rows,
        query=found.query.sql,
        params={},
        lake_version=found.lake_version,
    )
