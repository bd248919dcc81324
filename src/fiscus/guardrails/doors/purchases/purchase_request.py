"""A request to buy, as it comes in; and the intent with which every other spend is decided too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, cast

from fiscus.guardrails.doors.commitments.outlook import months_after
from fiscus.guardrails.doors.purchases.types import (
    BILLINGS,
    CHANNELS,
    RENEWALS,
    Billing,
    Channel,
    Duplicate,
    PurchaseRequest,
    Renewal,
)
from fiscus.guardrails.doors.request_fields import Fields, plain_text, wrong
from fiscus.guardrails.types import Intent
from fiscus.kernel.money import EXACT, total

FIELDS: Final = (
    "requested_by", "team", "environment", "vendor", "product", "channel", "category", "for_product", "amount", "billing",
    "total_contract_value", "currency", "term_months", "starts", "renewal", "renews_on", "notice_days", "seats", "po",
    "data_class", "reference", "ticket", "reason",
)  # fmt: skip
TERM_MONTHS_MAX: Final = 120
SEATS_MAX: Final = 1_000_000
NOTICE_DAYS_MAX: Final = 730
_BILLS: Final = {"monthly": 1, "yearly": 12}


def parse_purchase(data: object, today: date, *, past: bool = False) -> PurchaseRequest:
    """The request in `data`. `past`: something that was bought before may have started long ago. Raises BadInput.

    Left out, `total_contract_value` is every bill of the term, and `renews_on` the day after the term.
    """
    fields = Fields.of("A purchase", data, FIELDS)
    term = fields.whole("term_months", 1, TERM_MONTHS_MAX) or 1
    starts = fields.day("starts") or today
    if starts < today and not past:
        raise wrong(
            "starts", f"It starts on {starts}, which is over", f"A purchase is asked for before: {today} or later."
        )
    billing = cast("Billing", fields.one_of("billing", BILLINGS, "once"))
    amount = fields.money("amount", needed=True)
    assert amount is not None
    renewal = cast("Renewal", fields.one_of("renewal", RENEWALS, "none"))
    renews = fields.day("renews_on")
    if renewal == "none" and renews is not None:
        raise wrong(
            "renews_on",
            "It does not renew, but says when",
            "Write renewal automatic or manual, or leave renews_on out.",
        )
    request = PurchaseRequest(
        requested_by=fields.text("requested_by", needed=True),
        team=fields.text("team"),
        environment=fields.text("environment", needed=True),
        vendor=fields.text("vendor", needed=True),
        product=fields.text("product", needed=True),
        channel=cast("Channel", fields.one_of("channel", CHANNELS, "direct")),
        category=fields.text("category"),
        for_product=fields.text("for_product"),
        amount=amount,
        billing=billing,
        contract_value=_contract_value(fields, amount, billing, term),
        currency=fields.currency(),
        term_months=term,
        starts=starts,
        renewal=renewal,
        renews=None if renewal == "none" else renews or months_after(starts, term),
        notice_days=fields.whole("notice_days", 0, NOTICE_DAYS_MAX) or 0,
        seats=fields.whole("seats", 0, SEATS_MAX) or 0,
        po=fields.text("po"),
        data_class=fields.text("data_class"),
        reference=fields.text("reference"),
        ticket=fields.text("ticket"),
        reason=fields.text("reason"),
    )
    _check_days(request)
    return request


@dataclass(frozen=True, slots=True)
class Known:
    """What the register and the bills know of what is asked. `po_valid`: it has the shape that the catalog names."""

    vendor_known: bool
    duplicates: Sequence[Duplicate]
    po_valid: bool


def purchase_intent(asked: PurchaseRequest, known: Known) -> Intent:
    """The intent. Its amount is everything promised: a contract is judged whole, and the most that it may cost is that.

    The provider is the seller, as FOCUS bills it (ServiceProviderName); a purchase order of the wrong shape is none.
    """
    same = [
        one for one in known.duplicates if one.same == "capability" or (one.same == "product" and not asked.is_seats)
    ]
    money = [one.amount for one in same if one.currency == asked.currency]
    attributes: dict[str, object] = {
        "vendor": asked.vendor, "marketplace": "" if asked.channel == "direct" else asked.channel,
        "term_months": asked.term_months, "po": asked.po if known.po_valid else "", "renewal": asked.renewal == "automatic",
        "renews_on": asked.renews.isoformat() if asked.renews else "", "notice_days": asked.notice_days,
        "seats": asked.seats or None, "data_class": asked.data_class, "category": asked.category,
        "existing_product": same[0].name if same else "", "duplicate_amount": plain_text(total(money)),
        "vendor_known": known.vendor_known, "total_contract_value": plain_text(asked.contract_value),
        "listing": asked.reference if asked.channel != "direct" else "", "ticket": asked.ticket, "reason": asked.reason,
    }  # fmt: skip
    if asked.is_seats:
        attributes["seat_price"] = plain_text(EXACT.divide(asked.amount, Decimal(asked.seats)))
    return Intent(
        kind="saas.seat" if asked.is_seats else "marketplace.purchase",
        requested_by=asked.requested_by,
        team=asked.team,
        environment=asked.environment,
        amount=asked.contract_value,
        currency=asked.currency,
        provider=asked.vendor,
        product=asked.for_product,
        service=asked.product,
        attributes={name: value for name, value in attributes.items() if value not in {"", None}},
    )


def _contract_value(fields: Fields, amount: Decimal, billing: Billing, term: int) -> Decimal:
    bills = 1 if billing == "once" else -(-term // _BILLS[billing])
    every_bill = EXACT.multiply(amount, Decimal(bills))
    stated = fields.money("total_contract_value")
    if stated is not None and stated < every_bill:
        raise wrong(
            "total_contract_value",
            f"total_contract_value is {stated}, less than its {bills} bills of {amount}",
            f"Write {every_bill} or more, or mend amount, billing or term_months.",
        )
    return every_bill if stated is None else stated


def _check_days(asked: PurchaseRequest) -> None:
    if asked.renews and asked.renews <= asked.starts:
        raise wrong(
            "renews_on",
            f"It renews on {asked.renews}, before or as it starts on {asked.starts}",
            "Mend one of the two.",
        )
    if asked.notice_by and asked.notice_by < asked.starts - timedelta(days=1):
        raise wrong(
            "notice_days",
            f"Notice would be due on {asked.notice_by}, before it starts on {asked.starts}",
            "A contract that cannot be ended before it begins renews whatever you do: have the vendor change it.",
        )
