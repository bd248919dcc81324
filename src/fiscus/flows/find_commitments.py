"""Findings about commitments: one that ends soon, and one whose purchases and amortisation do not tie."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from fiscus.cost.commitments.agreements import Agreement, read_agreements
from fiscus.cost.commitments.read_commitments import currencies
from fiscus.flows.show_commitments import CommitmentsUsed, CommitmentUse, show_commitments
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.types import Finding
from fiscus.kernel.ids import content_id
from fiscus.kernel.limits import COMMITMENT_EXPIRY_AHEAD_DAYS, COMMITMENT_STANDING_DAYS
from fiscus.kernel.money import EXACT, ZERO, display
from fiscus.kernel.periods import midnight
from fiscus.kernel.sql_text import sql_text

EXPIRING: Final = "commitment_expiring"
NOT_TIED: Final = "commitment_not_tied"
SHORT: Final = "contract_short"
_EVER: Final = date(2000, 1, 1)


def commitment_findings(ws: Workspace) -> Sequence[Finding]:
    """Of every currency that commitments are billed in, and the company's; none where nothing was committed to."""
    found: list[Finding] = []
    own, billed = ws.config.company.currency, currencies(ws.lake, ws.as_of)
    if not billed and not read_agreements(ws.lake, own, ws.as_of):
        return found  # in most companies; what is left to ask would take as long as all that was asked before
    for currency in dict.fromkeys((*billed, own)):
        shown = show_commitments(ws, currency)
        found += [_short(ws, shown, one) for one in shown.agreements if _falls_short(ws, one, currency)]
        for one in (*shown.lines, *shown.ended):
            if finding := _expiring(ws, shown, one):
                found.append(finding)
            if one.amortisation.state == "differs":
                found.append(_not_tied(ws, shown, one))
    return found


def _expiring(ws: Workspace, shown: CommitmentsUsed, one: CommitmentUse) -> Finding | None:
    """What it takes off a month is what the same usage costs more when it is gone."""
    if (
        one.ends is None
        or one.days_left is None
        or not 0 <= one.days_left <= COMMITMENT_EXPIRY_AHEAD_DAYS
        or one.stopped
    ):
        return None
    covered = one.figures.covered
    if covered <= ZERO:
        return None
    paid = EXACT.subtract(one.figures.used, one.figures.unpriced)
    a_month = EXACT.divide(one.per_month, one.figures.cost) if one.figures.cost else ZERO
    more = round(EXACT.multiply(EXACT.subtract(covered, paid), a_month), 2)
    if more <= ZERO:
        return None
    days = f"in {one.days_left} days" if one.days_left else "today"
    used = f"It is used to {one.utilisation} %" + (
        f" and covers {one.figures.coverage} % of what it could." if one.figures.coverage is not None else "."
    )
    return _finding(
        ws, shown, one, (EXPIRING, more, ws.as_of - timedelta(days=COMMITMENT_STANDING_DAYS)),
        title=f"{one.name} of {one.provider} ends on {one.ends}, {days}",
        detail=f"On demand, the usage that it covers costs {display(more)} {shown.currency} a month more. {used} Decide what "
        f"follows on it: `fiscus request commitment` judges one on your own usage.",
    )  # fmt: skip


def _not_tied(ws: Workspace, shown: CommitmentsUsed, one: CommitmentUse) -> Finding:
    held = one.amortisation
    return _finding(
        ws, shown, one, (NOT_TIED, abs(held.difference), one.starts or _EVER),
        title=f"{one.name} of {one.provider}: what was paid and what is amortised do not tie",
        detail=f"Due by now are {held.due:f} {shown.currency} of {held.purchased:f} paid; its used and unused rows come to "
        f"{held.amortised:f}. Ask the vendor for the rows that are missing, or bring in the bill of the account that bought it.",
    )  # fmt: skip


def _falls_short(ws: Workspace, one: Agreement, currency: str) -> bool:
    """Money that is committed, and at this pace will not be spent by its end, which is near or was a month ago at most."""
    near = ws.as_of - timedelta(days=31) <= one.ends <= ws.as_of + timedelta(days=COMMITMENT_EXPIRY_AHEAD_DAYS)
    return near and one.unit == currency and one.short >= 1


def _short(ws: Workspace, shown: CommitmentsUsed, one: Agreement) -> Finding:
    over = one.ends <= ws.as_of
    team = ws.config.directory.default_pool
    contract = f" of contract {one.contract}" if one.contract else ""
    return Finding(
        id=content_id("fnd", SHORT, one.provider, one.contract, one.id, str(one.starts)),
        kind=SHORT,
        policy_id="contract-short",
        policy_version="1",
        level="warn",
        title=f"{one.name}{contract} {'ended' if over else 'ends'} on {one.ends}, {display(one.short)} {one.unit} short",
        detail=f"Committed are {display(one.committed)} {one.unit}, applied {display(one.applied)}"
        + (
            "."
            if over
            else f"; carried on evenly, {display(one.expected_at_end or ZERO)} by its end. Move usage under it, or agree with "
            "the vendor before it ends: what is missing is owed all the same."
        ),
        amount=one.short,
        currency=one.unit,
        owner=team,
        team=team,
        environment="",
        period_label=str(one.ends),
        first_seen=one.starts,
        last_seen=min(one.ends, ws.as_of),
        rows=one.charges,
        query=sql_text("fiscus.cost", "contract_agreements"),
        params={"until": midnight(ws.as_of), "currency": shown.currency},
        lake_version=shown.lake_version,
    )


def _finding(
    ws: Workspace,
    shown: CommitmentsUsed,
    one: CommitmentUse,
    what: tuple[str, Decimal, date],
    *,
    title: str,
    detail: str,
) -> Finding:
    kind, amount, since = what
    team = one.team or ws.config.directory.default_pool
    return Finding(
        id=content_id("fnd", kind, one.provider, one.id, shown.currency, str(one.ends) if kind == EXPIRING else ""),
        kind=kind,
        policy_id=kind.replace("_", "-"),
        policy_version="1",
        level="warn",
        title=title,
        detail=detail,
        amount=amount,
        currency=shown.currency,
        owner=one.owner or team,
        team=team,
        environment="",
        period_label=str(one.ends) if kind == EXPIRING else str(ws.as_of),
        first_seen=max(since, one.starts or since),
        last_seen=one.last_day,
        rows=0,
        query=sql_text("fiscus.cost", "commitment_charges"),
        params={
            "commitment": one.id, "provider": one.provider, "currency": shown.currency, "since": midnight(since),
            "until": midnight(ws.as_of),
        },
        lake_version=shown.lake_version,
    )  # fmt: skip
