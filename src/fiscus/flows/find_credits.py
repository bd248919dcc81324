"""Findings about prepaid balances: one that runs out before its time, one that will be lost, one counted two times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from fiscus.flows.show_credits import CreditPool, CreditsShown, show_credits
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.types import Finding, Level
from fiscus.kernel.ids import content_id
from fiscus.kernel.limits import CREDITS_AHEAD_DAYS
from fiscus.kernel.money import EXACT, ZERO, display, total

RUNNING_OUT: Final = "credits_running_out"
OVERDRAWN: Final = "credits_overdrawn"
LAPSING: Final = "credits_lapsing"
TWICE: Final = "prepaid_counted_twice"
MONTH_DAYS: Final = Decimal(30)
ON_TIME_DAYS: Final = 3  # what runs out so shortly before it ends was bought about right: its end is told as an end


def credit_findings(ws: Workspace) -> Sequence[Finding]:
    """Of every balance; none where nothing was prepaid."""
    shown = show_credits(ws)
    found = [_of(ws, shown, pool) for pool in shown.pools]
    return [finding for some in found for finding in some]


def _of(ws: Workspace, shown: CreditsShown, pool: CreditPool) -> list[Finding]:
    found: list[Finding] = []
    twice = EXACT.add(pool.twice_billed, pool.twice_counted)
    if twice > ZERO:
        found.append(_counted_twice(ws, shown, pool, twice))
    price = pool.unit_price
    if price is None or pool.runs_out.method == "over":
        return found
    if pool.balance.overdrawn > ZERO:
        amount = round(EXACT.multiply(pool.balance.overdrawn, price), 2)
        found.append(
            _finding(
                ws,
                shown,
                pool,
                (OVERDRAWN, amount, "soft"),
                title=f"{_name(pool)} was used beyond what was bought, by {display(pool.balance.overdrawn)}",
                detail=f"At what was paid for the rest that is {display(amount)} {pool.key.currency}, which no purchase on the "
                "bills pays for yet. Buy before the vendor bills it, or ask what it will cost.",
            )
        )
    told = (_running_out(ws, shown, pool, price), _lapsing(ws, shown, pool))
    return found + [one for one in told if one is not None]


def _running_out(ws: Workspace, shown: CreditsShown, pool: CreditPool, price: Decimal) -> Finding | None:
    """Money: what a month of it costs, which is not paid for when it is gone."""
    out = pool.runs_out
    if out.p50 is None or out.p50 > ws.as_of + timedelta(days=CREDITS_AHEAD_DAYS) or pool.burn_per_day <= ZERO:
        return None
    if out.ends is not None and out.p50 >= out.ends - timedelta(days=ON_TIME_DAYS):
        return None
    amount = round(EXACT.multiply(EXACT.multiply(pool.burn_per_day, MONTH_DAYS), price), 2)
    early, late = (str(day) if day else "later than a year" for day in (out.p10, out.p90))
    left = EXACT.add(pool.balance.available, pool.balance.to_come)
    until = f", {(out.ends - out.p50).days} days before it ends" if out.ends else ""
    gone = f"runs out about {out.p50}{until}" if left > ZERO else "is used up"
    return _finding(
        ws, shown, pool, (RUNNING_OUT, amount, "warn"),
        title=f"{_name(pool)} {gone}",
        detail=f"{display(left)} are left, {display(pool.burn_per_day)} go a day; it is used up between {early} and {late} "
        f"(four of five). A month of it costs {display(amount)} {pool.key.currency} at what was paid. Buy more or use less: "
        "what is used beyond it is billed at other prices.",
    )  # fmt: skip


def _lapsing(ws: Workspace, shown: CreditsShown, pool: CreditPool) -> Finding | None:
    """Money: what is lost at the ends that are near, at what was paid for the parts that end."""
    parts = {one.end: one for one in pool.balance.rests}
    until = ws.as_of + timedelta(days=CREDITS_AHEAD_DAYS)
    near = [one for one in pool.runs_out.losses if ws.as_of <= one.end <= until and one.end in parts]
    worth = [EXACT.divide(EXACT.multiply(one.p50, parts[one.end].paid), parts[one.end].quantity) for one in near]
    amount = round(total(worth), 2)
    if amount < 1:
        return None
    ends = f"ends on {near[0].end}" if near[0].end == pool.runs_out.ends else f"ends in part on {near[0].end}"
    if len(near) > 1:
        ends = f"ends in parts from {near[0].end} to {near[-1].end}"
    low, middle, high = (total([getattr(one, name) for one in near]) for name in ("p10", "p50", "p90"))
    return _finding(
        ws, shown, pool, (LAPSING, amount, "warn"),
        title=f"{_name(pool)} {ends} with about {display(middle, 0)} unused",
        detail=f"Between {display(low, 0)} and {display(high, 0)} will be left (four of five); "
        f"about {display(amount)} {pool.key.currency} were paid for it. Ask the vendor to carry it over before it is lost.",
    )  # fmt: skip


def _counted_twice(ws: Workspace, shown: CreditsShown, pool: CreditPool, twice: Decimal) -> Finding:
    which = "EffectiveCost" if pool.twice_counted else "BilledCost"
    return _finding(
        ws, shown, pool, (TWICE, twice, "warn"),
        title=f"{_name(pool)}: {display(twice)} {pool.key.currency} of {which} stand on the purchase and on its use",
        detail="FOCUS: what is drawn on has its BilledCost on the purchase and its EffectiveCost on the usage. A sum over all "
        "charges has this money two times. Ask the vendor for 0 as EffectiveCost of the purchase, or as BilledCost of the use.",
    )  # fmt: skip


def _name(pool: CreditPool) -> str:
    what = pool.lots[-1].description if pool.key.kind == "commitment" and pool.lots else pool.unit
    return f"{pool.key.provider}'s prepaid balance of {what or pool.key.name}"


def _finding(
    ws: Workspace, shown: CreditsShown, pool: CreditPool, what: tuple[str, Decimal, Level], *, title: str, detail: str
) -> Finding:
    kind, amount, level = what
    team = pool.team or ws.config.directory.default_pool
    ends: date | None = pool.runs_out.lapses if kind == LAPSING else pool.runs_out.ends
    return Finding(
        id=content_id(
            "fnd", kind, pool.key.kind, pool.key.provider, pool.key.account, pool.key.name, pool.key.currency
        ),
        kind=kind,
        policy_id=kind.replace("_", "-"),
        policy_version="1",
        level=level,
        title=title,
        detail=detail,
        amount=amount,
        currency=pool.key.currency,
        owner=pool.owner or team,
        team=team,
        environment="",
        period_label=str(ends or ws.as_of),
        first_seen=min((lot.start for lot in pool.lots), default=ws.as_of),
        last_seen=ws.as_of,
        rows=0,
        query=shown.query,
        params=shown.params,
        lake_version=shown.lake_version,
    )
