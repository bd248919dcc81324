"""A commitment as a line of the register of purchases: it is a contract, it is owed, and it ends. Pure."""

from __future__ import annotations

from decimal import Decimal

from fiscus.guardrails.doors.commitments.commitment_request import CommitmentRequest
from fiscus.guardrails.doors.commitments.outlook import Outlook, Proposal
from fiscus.guardrails.doors.purchases.types import Check, PurchaseRequest
from fiscus.kernel.money import ZERO, display

CATEGORY = "Commitment"
LOW_UTILISATION = Decimal("0.9")


def as_purchase(asked: CommitmentRequest, proposal: Proposal) -> PurchaseRequest:
    """The same contract. It ends by itself: what follows on it is asked for anew."""
    scope = " ".join(part for part in (asked.service, asked.family, asked.region) if part)
    return PurchaseRequest(
        requested_by=asked.requested_by,
        team=asked.team,
        environment=asked.environment,
        vendor=asked.provider,
        product=f"{asked.kind.replace('_', ' ')}{f' for {scope}' if scope else ''}",
        channel="direct",
        category=CATEGORY,
        for_product="",
        amount=round(proposal.total, 2),
        billing="once",
        contract_value=round(proposal.total, 2),
        currency=asked.currency,
        term_months=asked.term_months,
        starts=asked.starts,
        renewal="manual",
        renews=proposal.ends,
        notice_days=0,
        seats=0,
        po=asked.po,
        data_class="",
        reference="",
        ticket=asked.ticket,
        reason=asked.reason,
    )


def check_commitment(seen: Outlook, currency: str) -> tuple[Check, ...]:
    """What was looked at, each with its number."""
    used, edge = _percent(seen.utilisation_after), _percent(seen.break_even_utilisation)
    worst = _percent(seen.utilisation_low)
    use = f"It would be used to {used}, {worst} on its worst days; {edge} is break-even."
    pays = seen.utilisation_after > seen.break_even_utilisation
    coverage = f"Coverage goes from {_percent(seen.coverage)} to {_percent(seen.coverage_after)} of eligible usage."
    existing = seen.utilisation is not None and seen.utilisation < LOW_UTILISATION
    standing = (
        "Nothing that exists covers such usage."
        if seen.utilisation is None
        else f"What exists is used to {_percent(seen.utilisation)}."
    )
    fall = (
        f"If usage falls by 20 %, it loses {display(seen.downside, 0)} {currency} over its term."
        if seen.downside > ZERO
        else f"If usage falls by 20 %, it still saves {display(seen.saving_after_fall, 0)} {currency} over its term."
    )
    owed = f"{display(seen.exposure, 0)} {currency} are owed to this provider when it starts, what exists included."
    return (
        Check("coverage", "ok", coverage),
        Check("utilisation", "ok" if pays else "fail", use),
        Check("existing", "warn" if existing else "ok", standing),
        Check("break_even", "ok" if pays else "fail", f"It pays for itself after {seen.break_even_months} months."),
        Check("downside", "warn" if seen.downside > ZERO else "ok", fall),
        Check("exposure", "ok", owed),
    )  # fmt: skip


def _percent(share: Decimal) -> str:
    return f"{display(share * 100, 0)} %"
