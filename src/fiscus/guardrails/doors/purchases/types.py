"""Purchases: what was asked for at a vendor, what was found about it, what was decided, and when it renews."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from fiscus.guardrails.doors.commitments.types import MonthOwed
from fiscus.guardrails.types import Intent

Channel = Literal["aws_marketplace", "azure_marketplace", "google_marketplace", "direct"]
CHANNELS: Final[tuple[Channel, ...]] = ("aws_marketplace", "azure_marketplace", "google_marketplace", "direct")
Billing = Literal["once", "monthly", "yearly"]
BILLINGS: Final[tuple[Billing, ...]] = ("once", "monthly", "yearly")
Renewal = Literal["automatic", "manual", "none"]
RENEWALS: Final[tuple[Renewal, ...]] = ("automatic", "manual", "none")
PurchaseState = Literal["asked", "allowed", "denied", "bought", "withdrawn", "ended"]
CheckState = Literal["ok", "warn", "fail"]
SameAs = Literal["product", "capability", "category"]


@dataclass(frozen=True, slots=True)
class PurchaseRequest:
    """What was asked. `amount` is one bill of it; `contract_value` everything that is promised over the term.

    `product` is the vendor's; `for_product` ours, that it is bought for. `reference`: the vendor's or cloud's own id of what
    waits for a yes there, such as a marketplace agreement's approval.
    """

    requested_by: str
    team: str
    environment: str
    vendor: str
    product: str
    channel: Channel
    category: str
    for_product: str
    amount: Decimal
    billing: Billing
    contract_value: Decimal
    currency: str
    term_months: int
    starts: date
    renewal: Renewal
    renews: date | None
    notice_days: int
    seats: int
    po: str
    data_class: str
    reference: str
    ticket: str
    reason: str

    @property
    def is_seats(self) -> bool:
        """Seats, of which more are no duplicate of those that are there."""
        return bool(self.seats) and self.channel == "direct"

    @property
    def notice_by(self) -> date | None:
        """The last day on which it can be ended; None where it does not renew by itself."""
        return self.renews - timedelta(days=self.notice_days) if self.renews and self.renewal == "automatic" else None


@dataclass(frozen=True, slots=True)
class Capability:
    """What several products do alike: `products` and vendors by name, shell wildcards, whatever the case."""

    name: str
    products: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Catalog:
    """The company's words on buying: the shape of its purchase orders, and which products do the same."""

    po_pattern: str = ""
    capabilities: tuple[Capability, ...] = ()


@dataclass(frozen=True, slots=True)
class Bought:
    """One thing that the bills show: a vendor's service, its cost over the last twelve months in one currency, and until when.

    `purchased`: what of it was bought by contract or subscription; the rest was metered.
    """

    vendor: str
    publisher: str
    issuer: str
    service: str
    category: str
    subcategory: str
    cost: Decimal
    currency: str
    last_day: date
    team: str
    purchased: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Something that is paid for already, or asked for, and does the same: the product, the capability, or only the category.

    `asked_by`, `asked_on`: of what waits for an answer; nothing is paid for it yet.
    """

    same: SameAs
    name: str
    vendor: str
    amount: Decimal
    currency: str
    source: str  # bills, or the id of a purchase in the register
    asked_by: str = ""
    asked_on: date | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, and what was found, as a sentence."""

    name: str
    state: CheckState
    sentence: str


@dataclass(frozen=True, slots=True)
class Artefact:
    """What the vendor's or the cloud's approval interface needs: accept or reject, why, and the purchase order.

    AWS: Accept or RejectAgreementApproval (reason, PO references); Azure: the private store's admin request; Google Cloud: a
    procurement request. An action enforces it; nothing here calls anybody.
    """

    answer: Literal["accept", "reject"]
    reason: str
    po: str
    channel: Channel
    reference: str
    vendor: str
    product: str
    amount: Decimal
    contract_value: Decimal
    currency: str
    term_months: int
    approved_by: tuple[str, ...]
    decision_id: str
    approval_id: str
    intent_digest: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class PurchaseStep:
    """One thing that happened to it."""

    at: datetime
    state: PurchaseState
    actor: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Purchase:
    """A line of the register. `intent` is what was judged, with the facts of that moment; once let through, it stays what it is.

    `recorded`: it was entered as bought before anybody asked, so nobody here approved it. `beside`: ids of what its facts show as
    let through already. `going`: a yes is letting it through right now, so that whatever comes beside it sees it as let through.
    """

    id: str
    request: PurchaseRequest
    intent: Intent
    intent_digest: str
    checks: tuple[Check, ...]
    duplicates: tuple[Duplicate, ...]
    state: PurchaseState
    decision_id: str
    approval_id: str
    steps: tuple[PurchaseStep, ...]
    artefact: Artefact | None = None
    recorded: bool = False
    owed: tuple[MonthOwed, ...] = ()  # of a commitment
    beside: tuple[str, ...] = ()
    going: bool = False
