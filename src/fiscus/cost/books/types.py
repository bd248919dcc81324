"""What the books speak of: closed months, corrections, invoices and how they tie out, days that have landed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

from fiscus.kernel.money import EXACT, ZERO

EVERY_SOURCE: Final = ""
CloseKind = Literal["vendor", "signed"]


@dataclass(frozen=True, slots=True)
class ClosedMonth:
    """A billing month that does not change any more without a correction: what it reported is the charges table at a version.

    `vendor`: the source's Billing Period dataset calls it closed. `signed`: the company closed it, every source of it.
    `assignments_version`: who owned what then; None where that was not kept.
    """

    source: str
    billing_month: str
    charges_version: int
    kind: CloseKind
    assignments_version: int | None = None


@dataclass(frozen=True, slots=True)
class CorrectionLine:
    """One source, month and currency: what was reported, what is known now, and the difference. reported + correction = restated.

    `changed` is the part of the correction that came since the month was closed: the same bill delivered otherwise, and what the
    bills of other months correct of it. The rest is what its own bill corrects of other months.
    """

    source: str
    billing_month: str
    currency: str
    closed: CloseKind
    reported_billed: Decimal
    correction_billed: Decimal
    restated_billed: Decimal
    changed_billed: Decimal
    reported_effective: Decimal
    correction_effective: Decimal
    restated_effective: Decimal
    changed_effective: Decimal
    reported_rows: int
    restated_rows: int
    changed_rows: int

    @property
    def moved_billed(self) -> Decimal:
        """What its own bill corrects of other months, the other way round."""
        return EXACT.subtract(EXACT.subtract(self.restated_billed, self.reported_billed), self.changed_billed)


@dataclass(frozen=True, slots=True)
class SourceTotal:
    """What one source said of one month in one currency. Exact."""

    source: str
    currency: str
    rows: int
    billed: Decimal
    effective: Decimal


DayState = Literal["complete", "partial", "missing"]


@dataclass(frozen=True, slots=True)
class SourceDay:
    """A day of a source that has not landed whole: `rows` came, `usual` come on such a day."""

    source: str
    day: date
    state: DayState
    rows: int
    usual: int


@dataclass(frozen=True, slots=True)
class SourceComplete:
    """A source's days: whole before `complete_until` (exclusive), except for `open_days`.

    `is_daily` False: it bills now and then, and its silence says nothing.
    """

    source: str
    is_daily: bool
    first: date
    complete_until: date
    open_days: tuple[SourceDay, ...]


InvoiceFrom = Literal["invoice_detail", "entered"]
InvoiceState = Literal["matched", "differs", "missing_here", "missing_there", "no_invoice", "open"]


@dataclass(frozen=True, slots=True)
class InvoiceTotal:
    """An invoice as somebody states it: of one issuer, currency and month.

    `tax` is the part of `amount` that is tax; None where nobody states it, which is not zero.
    """

    invoice_id: str
    issuer: str
    currency: str
    billing_month: str
    amount: Decimal
    tax: Decimal | None
    held: InvoiceFrom
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class EnteredInvoice:
    """An invoice that a person entered from its paper. `tax` None: not stated. `note` says where the paper is."""

    invoice_id: str
    issuer: str
    currency: str
    billing_month: str
    amount: Decimal
    tax: Decimal | None
    entered_by: str
    entered_at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class InvoiceCharges:
    """The charges of one invoice in the lake; `invoice_id` empty where the bills name none."""

    invoice_id: str
    issuer: str
    currency: str
    billing_month: str
    rows: int
    billed: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class ReconciledInvoice:
    """An invoice held against its charges: `difference` = there - here.

    `tax_apart`: the tax is left out of `here` (`tax_here` of it) and of `there` (`tax_there`); else both have theirs in them.
    `tax_there` None: the invoice states none. `by`: the charges were found by the invoice's id, or by its issuer and month.
    """

    invoice_id: str
    issuer: str
    currency: str
    billing_month: str
    held: InvoiceFrom | None
    state: InvoiceState
    here: Decimal
    there: Decimal
    difference: Decimal
    tolerance: Decimal
    rows: int
    by: Literal["invoice", "issuer"]
    tax_apart: bool = False
    tax_here: Decimal = ZERO
    tax_there: Decimal | None = None


@dataclass(frozen=True, slots=True)
class PeriodClose:
    """A month as it was signed. `digest` is of its totals, its charges and the lake version.

    `elsewhere`: what the bills of other months corrected of it by then. `not_ready`: what stood against closing it,
    and `forced` why it was closed all the same. `seal`: the signed checkpoint's file.
    """

    billing_month: str
    closed_at: datetime
    closed_by: str
    lake_version: str
    charges_version: int
    totals: tuple[SourceTotal, ...]
    elsewhere: tuple[SourceTotal, ...]
    charges_digest: str
    digest: str
    forced: str = ""
    not_ready: tuple[str, ...] = ()
    invoices: Mapping[str, int] = field(default_factory=dict)
    seal: str = ""
    assignments_version: int | None = None
