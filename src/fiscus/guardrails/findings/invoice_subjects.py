"""Invoices as policies see them: the charges of one issuer, number and billing month added up, beside the month before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, cast

from fiscus.guardrails.findings.find_subjects import Subject
from fiscus.guardrails.policies.given_facts import observed_nanos, observed_texts
from fiscus.guardrails.types import Policy
from fiscus.kernel.limits import BILLING_OPEN_DAYS, INVOICES_MAX
from fiscus.kernel.money import EXACT, ZERO, display
from fiscus.kernel.periods import Month, midnight
from fiscus.kernel.rows import Query, Rows
from fiscus.kernel.sql_text import sql_text

MONEY: Final = ("billed", "effective", "usage", "purchases", "tax", "credits", "adjustments", "corrections", "unowned")
TEXTS: Final = ("id", "issuer", "source", "month", "currency")


@dataclass(frozen=True, slots=True)
class _Invoice:
    """One row of the query."""

    id: str
    issuer: str
    source: str
    month: str
    currency: str
    billed: Decimal
    effective: Decimal
    usage: Decimal
    purchases: Decimal
    tax: Decimal
    credits: Decimal
    adjustments: Decimal
    corrections: Decimal
    unowned: Decimal
    charges: int
    first_day: date
    last_day: date

    @property
    def series(self) -> tuple[str, str, str]:
        """What is billed month after month."""
        return self.source, self.issuer, self.currency


def first_month(policy: Policy, as_of: date) -> Month:
    """The earliest billing month that the policy looks at: of its window, or the month before this one."""
    return Month.of(as_of - timedelta(days=policy.window_days)) if policy.window_days else Month.of(as_of).shift(-1)


def invoices_query(policies: Sequence[Policy], as_of: date) -> Query:
    """All invoices that any of `policies` looks at, and those of the month before them."""
    earliest = min(first_month(policy, as_of) for policy in policies).shift(-1)
    params = {"month": str(earliest), "until": midnight(as_of), "invoices_max": INVOICES_MAX}
    return Query(sql_text("fiscus.guardrails", "invoices"), params)


def invoice_subjects(rows: Rows, as_of: date, moment: Mapping[str, object]) -> tuple[Subject, ...]:
    """The invoices in the answer to `invoices_query`, each with what its issuer billed in the month before."""
    invoices = [_Invoice(*row) for row in cast("Sequence[tuple[Any, ...]]", rows.rows)]
    billed: dict[tuple[str, str, str, str], Decimal] = {}
    for invoice in invoices:
        key = (*invoice.series, invoice.month)
        billed[key] = EXACT.add(billed.get(key, ZERO), invoice.billed)
    return tuple(_subject(invoice, billed, as_of, moment) for invoice in invoices)


def _subject(
    invoice: _Invoice, billed: Mapping[tuple[str, str, str, str], Decimal], as_of: date, moment: Mapping[str, object]
) -> Subject:
    month = Month.parse(invoice.month)
    issued = billed[*invoice.series, invoice.month]
    before = billed.get((*invoice.series, str(month.shift(-1))))
    facts = observed_texts("invoice", {name: getattr(invoice, name) for name in TEXTS})
    facts |= observed_nanos("invoice", {name: getattr(invoice, name) for name in MONEY} | {"issuer_total": issued})
    facts |= {"invoice.charges": invoice.charges, "invoice.open": as_of < month.end + timedelta(days=BILLING_OPEN_DAYS)}
    if before is not None:
        facts |= observed_nanos("invoice", {"issuer_total_before": before})
        if before > ZERO:
            facts |= observed_nanos("invoice", {"growth": EXACT.divide(issued, before)})
    params = {name: getattr(invoice, name) for name in TEXTS} | {"until": midnight(as_of)}
    named = f"Invoice {invoice.id} of" if invoice.id else "What is billed without an invoice number by"
    return Subject(
        key="|".join((*invoice.series, invoice.month, invoice.id)),
        facts={**facts, **moment},
        what=f"{named} {invoice.issuer or invoice.source} for {invoice.month}, {display(invoice.billed)} {invoice.currency}",
        detail=f"{invoice.charges:,} charges"
        + (f"; the month before, {display(before)} {invoice.currency} were billed." if before is not None else "."),
        amount=invoice.billed,
        currency=invoice.currency,
        first_day=invoice.first_day,
        last_day=invoice.last_day,
        period_label=invoice.month,
        query=Query(sql_text("fiscus.guardrails", "invoice_charges"), params),
        rows=invoice.charges,
    )
