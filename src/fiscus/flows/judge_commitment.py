"""A commitment before it is bought, judged on the usage that the bills know; then decided like every other spend."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, cast

from fiscus.flows.workspace import Workspace
from fiscus.guardrails.doors.commitments.commitment_request import CommitmentRequest, commitment_intent
from fiscus.guardrails.doors.commitments.outlook import EligibleDay, Outlook, Proposal, Standing, outlook
from fiscus.guardrails.types import Intent
from fiscus.kernel.errors import BadInput, Where
from fiscus.kernel.limits import COMMITMENT_HISTORY_DAYS, COMMITMENT_HISTORY_DAYS_MIN, COMMITMENT_STANDING_DAYS
from fiscus.kernel.money import EXACT, ZERO, display, total
from fiscus.kernel.periods import Month, days_between, midnight
from fiscus.kernel.sql_text import sql_text


@dataclass(frozen=True, slots=True)
class CommitmentJudged:
    """The proposal, what the bills say of it, and the intent that carries both to a decision. `notes`: what it rests on."""

    proposal: Proposal
    discount_from: str
    outlook: Outlook
    standing: tuple[Standing, ...]
    intent: Intent
    sentence: str
    notes: tuple[str, ...]
    since: date
    until: date
    lake_version: str


def judge_commitment(ws: Workspace, asked: CommitmentRequest) -> CommitmentJudged:
    """Pure over one lake version. Raises BadInput for usage that nobody bills, too short a history, or a discount not known."""
    params = _params(ws, asked)
    days = _days(ws, params)
    if len(days) < COMMITMENT_HISTORY_DAYS_MIN:
        raise BadInput(
            f"{asked.provider} {asked.service or 'as a whole'} has {len(days)} days of bills; a commitment of months is "
            f"judged on {COMMITMENT_HISTORY_DAYS_MIN} at least",
            remedy="Check provider, service, region, family and currency as the bills spell them, or bring more bills in.",
            where=Where(key="service" if asked.service else "provider"),
        )
    discount, said = _discount(asked, days)
    standing = _standing(ws, params, days[-1].day)
    proposal = asked.proposal(discount)
    seen = outlook(proposal, days, standing)
    notes = [said, f"judged on {len(days)} days of usage, {days[0].day} to {days[-1].day}, by the day"]
    if unknown := [one.name for one in standing if one.ends is None]:
        shown = ", ".join(unknown[:5]) + (f" and {len(unknown) - 5} more" if len(unknown) > 5 else "")
        notes.append(f"no bill says when these end, so they are counted to the end of the term: {shown}")
    return CommitmentJudged(
        proposal=proposal,
        discount_from=said,
        outlook=seen,
        standing=tuple(standing),
        intent=commitment_intent(asked, seen),
        sentence=_sentence(asked, proposal, seen),
        notes=tuple(notes),
        since=days[0].day,
        until=days[-1].day + timedelta(days=1),
        lake_version=str(ws.lake.version()),
    )


def _params(ws: Workspace, asked: CommitmentRequest) -> dict[str, object]:
    since = ws.as_of - timedelta(days=COMMITMENT_HISTORY_DAYS)
    return {
        "since": midnight(since),
        "until": midnight(ws.as_of),
        "billing_month": str(Month.of(since).shift(-1)),
        "currency": asked.currency,
        "provider": asked.provider,
        "service": asked.service,
        "region": asked.region,
        "family": asked.family,
    }


def _days(ws: Workspace, params: dict[str, object]) -> list[EligibleDay]:
    """Each day from the first with eligible usage to the last that the provider billed; one without any counts as 0."""
    rows = ws.lake.query(sql_text("fiscus.guardrails", "commitment_days"), params)
    found = {cast("date", row["day"]): row for row in rows.dicts()}
    eligible = [day for day, row in found.items() if row["on_demand"] or row["covered"]]
    if not eligible:
        return []
    whole = days_between(min(eligible), max(found) + timedelta(days=1))
    return [_day(day, found.get(day, {})) for day in whole]


def _day(day: date, row: dict[str, Any]) -> EligibleDay:
    return EligibleDay(day, *(Decimal(row.get(name) or 0) for name in ("on_demand", "covered", "used", "unused")))


def _discount(asked: CommitmentRequest, days: list[EligibleDay]) -> tuple[Decimal, str]:
    """(share, where it comes from): as stated, else what commitments that exist save on the same usage."""
    if asked.discount is not None:
        return asked.discount, f"a discount of {display(asked.discount * 100, 1)} % as stated"
    covered, used = total([day.covered for day in days]), total([day.used for day in days])
    if covered <= ZERO or not ZERO < used < covered:
        raise BadInput(
            "The discount is not known: no commitment covers such usage yet",
            remedy="State discount_percent: what the vendor takes off what it costs on demand.",
            where=Where(key="discount_percent"),
        )
    share = EXACT.subtract(Decimal(1), EXACT.divide(used, covered)).quantize(Decimal("0.000001"))
    return share, f"a discount of {display(share * 100, 1)} %, learned from commitments that cover such usage"


def _standing(ws: Workspace, params: dict[str, object], last_day: date) -> list[Standing]:
    """Commitments of the provider that still cover: what each costs a day, averaged over its last days."""
    since = last_day - timedelta(days=COMMITMENT_STANDING_DAYS - 1)
    mine = {
        "since": midnight(since), "until": params["until"], "billing_month": str(Month.of(since).shift(-1)),
        "currency": params["currency"], "provider": params["provider"],
    }  # fmt: skip
    rows = ws.lake.query(sql_text("fiscus.guardrails", "commitment_standing"), mine)
    found = []
    for row in rows.dicts():
        if cast("date", row["last_day"]) >= last_day - timedelta(days=2):
            per_day = EXACT.divide(Decimal(str(row["cost"])), Decimal(str(row["days"])))
            ends = cast("date | None", row["ends"])
            found.append(Standing(str(row["id"]), str(row["name"]), str(row["type"]), per_day, ends))
    return found


def _sentence(asked: CommitmentRequest, proposal: Proposal, seen: Outlook) -> str:
    money = asked.currency
    if seen.monthly_saving <= ZERO:
        lost = display(-seen.monthly_saving, 0)
        return (
            f"Do not buy it as it is: it would cost {lost} {money} a month more than it saves, used to "
            f"{display(seen.utilisation_after * 100, 0)} % where {display(seen.break_even_utilisation * 100, 0)} % is break-even."
        )
    fall = (
        f"and would lose {display(seen.downside, 0)} {money} over the term if usage fell by 20 %"
        if seen.downside
        else f"and still save {display(seen.saving_after_fall, 0)} {money} over the term if usage fell by 20 %"
    )
    return (
        f"It would save ≈ {display(seen.monthly_saving, 0)} {money} a month, used to "
        f"{display(seen.utilisation_after * 100, 0)} % ({display(seen.utilisation_low * 100, 0)} % on its worst days), "
        f"pay for itself after {seen.break_even_months} of {proposal.term_months} months, {fall}."
    )
