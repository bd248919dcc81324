"""A request to buy a commitment, and the intent and facts that the policies judge it by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, cast

from fiscus.cost.providers import canonical_name
from fiscus.guardrails.doors.commitments.outlook import (
    HOURS_A_DAY,
    CommitmentKind,
    Outlook,
    PaymentOption,
    Proposal,
    months_after,
)
from fiscus.guardrails.doors.request_fields import Fields, plain_text, wrong
from fiscus.guardrails.types import Intent
from fiscus.kernel.money import EXACT, ZERO

KINDS: Final = ("savings_plan", "reservation", "cud", "prepaid")
PAYMENTS: Final = ("no_upfront", "partial_upfront", "all_upfront")
FIELDS: Final = (
    "requested_by", "team", "environment", "provider", "commitment_kind", "service", "region", "family", "term_months",
    "payment_option", "hourly_commitment", "amount", "upfront", "discount_percent", "currency", "starts", "po", "ticket",
    "reason",
)  # fmt: skip
TERM_MONTHS_MAX: Final = 84
ROUNDED_SHARE: Final = Decimal("0.01")  # vendors round what an hour costs, and count a year as 8,760 hours


@dataclass(frozen=True, slots=True)
class CommitmentRequest:
    """What was asked. `discount` None: learned from commitments that exist. `family`: a machine family, such as m5."""

    requested_by: str
    team: str
    environment: str
    provider: str
    kind: CommitmentKind
    service: str
    region: str
    family: str
    term_months: int
    payment: PaymentOption
    hourly: Decimal
    upfront: Decimal
    discount: Decimal | None
    currency: str
    starts: date
    po: str
    ticket: str
    reason: str

    def proposal(self, discount: Decimal) -> Proposal:
        """What is judged."""
        return Proposal(self.kind, self.payment, self.hourly, discount, self.upfront, self.starts, self.term_months)


def parse_commitment(data: object, today: date) -> CommitmentRequest:
    """The request in `data`. Raises BadInput that names the field.

    Hourly commitments state `hourly_commitment`, prepaid ones the `amount` that is paid in advance.
    """
    fields = Fields.of("A commitment", data, FIELDS)
    kind = cast("CommitmentKind", fields.one_of("commitment_kind", KINDS))
    payment = cast(
        "PaymentOption", fields.one_of("payment_option", PAYMENTS, "all_upfront" if kind == "prepaid" else "no_upfront")
    )
    term = fields.whole("term_months", 1, TERM_MONTHS_MAX, needed=True)
    assert term is not None
    starts = fields.day("starts") or today
    if starts < today:
        raise wrong(
            "starts", f"It starts on {starts}, which is over", f"A commitment is asked for before: {today} or later."
        )
    hourly = _hourly(fields, kind, starts, term)
    total = hourly * HOURS_A_DAY * (months_after(starts, term) - starts).days
    discount = fields.percent("discount_percent")
    if discount == 100:
        raise wrong(
            "discount_percent",
            "A discount of 100 % costs nothing",
            "Write the vendor's discount on what it costs on demand.",
        )
    return CommitmentRequest(
        requested_by=fields.text("requested_by", needed=True),
        team=fields.text("team"),
        environment=fields.text("environment", needed=True),
        provider=canonical_name(fields.text("provider", needed=True)),
        kind=kind,
        service=fields.text("service"),
        region=fields.text("region"),
        family=fields.text("family"),
        term_months=term,
        payment=payment,
        hourly=hourly,
        upfront=_upfront(fields, payment, total),
        discount=EXACT.divide(discount, Decimal(100)) if discount is not None else None,
        currency=fields.currency(),
        starts=starts,
        po=fields.text("po"),
        ticket=fields.text("ticket"),
        reason=fields.text("reason"),
    )


def commitment_intent(asked: CommitmentRequest, seen: Outlook) -> Intent:
    """The intent: its amount is everything that is owed over the term; what the bills say of it are its attributes."""
    facts: dict[str, object] = {
        "commitment_kind": asked.kind, "term_months": asked.term_months, "payment_option": asked.payment,
        "hourly_commitment": plain_text(asked.hourly), "upfront": plain_text(asked.upfront), "resource_type": asked.family,
        "region": asked.region, "po": asked.po, "ticket": asked.ticket, "reason": asked.reason,
    }  # fmt: skip
    return Intent(
        kind="commitment.purchase",
        requested_by=asked.requested_by,
        team=asked.team,
        environment=asked.environment,
        amount=seen.total,
        currency=asked.currency,
        provider=asked.provider,
        service=asked.service,
        attributes={name: value for name, value in {**facts, **outlook_facts(seen)}.items() if value not in {"", None}},
    )


def outlook_facts(seen: Outlook) -> Mapping[str, object]:
    """What policies may ask under `intent.*`. `utilisation` is left out where nothing exists that could be used."""
    return {
        "coverage": plain_text(seen.coverage),
        "coverage_after": plain_text(seen.coverage_after),
        "utilisation": plain_text(seen.utilisation) if seen.utilisation is not None else None,
        "utilisation_after": plain_text(seen.utilisation_after),
        "utilisation_low": plain_text(seen.utilisation_low),
        "break_even_utilisation": plain_text(seen.break_even_utilisation),
        "break_even_months": plain_text(seen.break_even_months),
        "exposure": plain_text(seen.exposure),
        "monthly_saving": plain_text(seen.monthly_saving),
        "downside": plain_text(seen.downside),
        "history_days": seen.history_days,
    }


def _hourly(fields: Fields, kind: str, starts: date, term: int) -> Decimal:
    """What is owed an hour. Of a prepaid amount, that amount spread over the hours of its term."""
    hourly, amount = fields.money("hourly_commitment"), fields.money("amount")
    wanted, other = ("amount", "hourly_commitment") if kind == "prepaid" else ("hourly_commitment", "amount")
    given, left = (amount, hourly) if kind == "prepaid" else (hourly, amount)
    if left is not None:
        raise wrong(other, f"{kind} is asked for by {wanted}, not by {other}", f"Leave {other} out.")
    if not given:
        raise wrong(wanted, f"A commitment of this kind has no {wanted}", f"Add {wanted}, more than 0.")
    if kind != "prepaid":
        return given
    hours = HOURS_A_DAY * (months_after(starts, term) - starts).days
    return EXACT.divide(given, hours)


def _upfront(fields: Fields, payment: str, total: Decimal) -> Decimal:
    given = fields.money("upfront")
    if payment == "no_upfront":
        if given:
            raise wrong(
                "upfront", "no_upfront has an upfront amount", "Write payment_option partial_upfront, or leave it out."
            )
        return ZERO
    if payment == "all_upfront":
        if given is not None and abs(given - total) > EXACT.multiply(total, ROUNDED_SHARE):
            message = f"all_upfront pays all of the {total:,.2f} that is owed up front, and upfront says {given:,.2f}"
            remedy = "Leave upfront out, write payment_option partial_upfront, or mend what is owed."
            raise wrong("upfront", message, remedy)
        return total if given is None else given
    if given is None:
        raise wrong("upfront", "partial_upfront has no upfront amount", "Add upfront.")
    if given > total:
        raise wrong(
            "upfront", f"upfront is more than everything that is owed, {total:.2f}", "hourly_commitment includes it."
        )
    return given
