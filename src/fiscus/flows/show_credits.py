"""Prepaid balances for people: credits, tokens and money paid in advance; what is left, how fast it goes, and when it is gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from fiscus.cost.prepaid.balance import draw_down
from fiscus.cost.prepaid.daily_use import daily_use
from fiscus.cost.prepaid.gather_pools import Pool
from fiscus.cost.prepaid.read_pools import read_pools
from fiscus.cost.prepaid.types import Balance, Lot, PoolKey
from fiscus.flows.workspace import Workspace
from fiscus.kernel.limits import CREDITS_BURN_DAYS, CREDITS_HISTORY_DAYS
from fiscus.kernel.money import EXACT, ZERO, display, total
from fiscus.kernel.periods import Month
from fiscus.signals.exhaustion import Exhaustion, exhaustion
from fiscus.signals.types import DailySeries

_PLACES: Final = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class BurnedMonth:
    """What a month took, in units and in money, and what was left at its end of what then held (at the as-of day, if it runs)."""

    month: str
    bought: Decimal
    drawn: Decimal
    cost: Decimal
    left: Decimal


@dataclass(frozen=True, slots=True)
class CreditPool:
    """One balance. Units in `unit`, money in `key.currency`: `paid` is BilledCost of its purchases, `counted` EffectiveCost of
    what was used and lost; their difference is what is paid and not cost yet. `unit_price`: paid a unit.

    `billed_beside`: use in the same unit that was billed by itself and taken from no balance. `twice_billed`, `twice_counted`:
    money that stands on both the purchase and its use, so that a sum over all charges has it two times.
    """

    key: PoolKey
    unit: str
    balance: Balance
    paid: Decimal
    counted: Decimal
    money_left: Decimal
    unit_price: Decimal | None
    burn_per_day: Decimal
    runs_out: Exhaustion
    billed_beside: Decimal
    twice_billed: Decimal
    twice_counted: Decimal
    owner: str
    team: str
    lots: tuple[Lot, ...]
    months: tuple[BurnedMonth, ...]
    note: str


@dataclass(frozen=True, slots=True)
class CreditsShown:
    """What runs out or is lost first stands first. Currencies and units are never added."""

    sentence: str
    pools: tuple[CreditPool, ...]
    as_of: date
    lake_version: str
    query: str
    params: Mapping[str, object]


def show_credits(ws: Workspace, currency: str = "") -> CreditsShown:
    """Every prepaid balance at the start of the as-of day; `currency` leaves only those billed in it."""
    wanted = currency.upper()
    found, query = read_pools(ws.lake, ws.as_of)
    pools = [pool for pool in found if wanted in {"", pool.key.currency}]
    shown = sorted((_shown(pool, ws.as_of) for pool in pools), key=_soonest)
    return CreditsShown(
        sentence=_sentence(shown, ws.as_of),
        pools=tuple(shown),
        as_of=ws.as_of,
        lake_version=str(ws.lake.version()),
        query=query.sql,
        params=query.params,
    )


def _soonest(one: CreditPool) -> tuple[date, str, str, str]:
    return (
        min(one.runs_out.p50 or date.max, _lapses(one) or date.max),
        one.key.provider,
        one.key.account,
        one.key.name,
    )


def _shown(pool: Pool, as_of: date) -> CreditPool:
    balance = draw_down(pool.lots, pool.draws, as_of)
    paid, bought = total([lot.billed for lot in pool.lots]), balance.bought
    drawn = [one for one in pool.draws if one.day < as_of and (not one.lapsed or one.end <= as_of)]
    counted, beside = total([one.effective for one in drawn]), total([one.billed for one in drawn])
    itself = total([lot.effective for lot in pool.lots])
    use = _series(pool, as_of)
    recent = use.values[-CREDITS_BURN_DAYS:]
    owner, team = max(pool.owners, key=lambda who: (pool.owners[who], who)) if pool.owners else ("", "")
    nothing_drawn = not any(one.quantity for one in drawn)
    return CreditPool(
        key=pool.key,
        unit=pool.unit,
        balance=balance,
        paid=paid,
        counted=counted,
        money_left=EXACT.subtract(paid, counted),
        unit_price=round(EXACT.divide(paid, bought), 12) if bought > ZERO else None,
        burn_per_day=round(EXACT.divide(total(list(recent)), Decimal(len(recent))), 4) if recent else ZERO,
        runs_out=_runs_out(pool, use, balance, as_of),
        billed_beside=beside,
        twice_billed=min(paid, beside) if nothing_drawn and beside > ZERO and paid > ZERO else ZERO,
        twice_counted=min(itself, counted) if itself > ZERO and counted > ZERO else ZERO,
        owner=owner,
        team=team,
        lots=tuple(pool.lots),
        months=tuple(_months(pool, as_of)),
        note=_note(pool),
    )


def _runs_out(pool: Pool, use: DailySeries, balance: Balance, as_of: date) -> Exhaustion:
    """Not known of what nobody bought here, and no question of what is over and not used any more."""
    left = EXACT.add(balance.available, balance.to_come)
    if not pool.lots or (left <= ZERO and not any(use.values[-CREDITS_BURN_DAYS:])):
        return Exhaustion(None, None, None, balance.ends, None, None, None, "over" if pool.lots else "no purchase")
    earlier = [(one.end, one.quantity) for one in balance.rests if one.end != balance.ends]
    return exhaustion(use, left, as_of, balance.ends, earlier)


def _series(pool: Pool, as_of: date) -> DailySeries:
    """Use a day up to the last day that its charges have come to."""
    used = [one for one in pool.draws if not one.lapsed and one.day < as_of and one.quantity]
    if not used:
        return DailySeries(str(pool.key), pool.unit, as_of, ())
    until = min(max(one.end for one in used), as_of)
    first = max(min(one.day for one in used), until - timedelta(days=CREDITS_HISTORY_DAYS))
    return DailySeries(str(pool.key), pool.unit, first, daily_use(used, first, until))


def _months(pool: Pool, as_of: date) -> list[BurnedMonth]:
    """Each month from the first purchase or use; at most the last three years."""
    days = [*(lot.start for lot in pool.lots), *(one.day for one in pool.draws)]
    begun = [day for day in days if day < as_of]
    if not begun:
        return []
    last = Month.of(as_of - timedelta(days=1))
    month = max(Month.of(min(begun)), last.shift(-35))
    made = []
    while month <= last:
        until = min(month.end, as_of)
        drawn = [one for one in pool.draws if month.start <= one.day < until and not one.lapsed]
        held = [lot for lot in pool.lots if lot.start < until]  # not yet what begins on the day after
        made.append(
            BurnedMonth(
                str(month),
                total([lot.quantity for lot in pool.lots if Month.of(lot.start) == month]),
                total([one.quantity for one in drawn]),
                total([one.effective for one in drawn]),
                draw_down(held, pool.draws, until).available,
            )
        )
        month = month.shift(1)
    return made


def _note(pool: Pool) -> str:
    if not pool.lots:
        return "No bill has its purchase, so what is left is not known."
    return pool.joined[:1].upper() + pool.joined[1:] + ("." if pool.joined else "")


def _sentence(pools: Sequence[CreditPool], as_of: date) -> str:
    if not pools:
        return "Nothing was prepaid: no bill has credits, tokens or money in advance that usage draws on."
    first = pools[0]
    left = EXACT.add(first.balance.available, first.balance.to_come)
    known = [one for one in pools if one.lots]
    said = f"{len(pools)} prepaid balance{'' if len(pools) == 1 else 's'}"
    if not known:
        return f"{said}, and no bill has the purchase of any."
    out, whose = first.runs_out, f"{first.key.provider}'s balance of {first.unit}"
    lapses = _lapses(first)
    if lapses is not None and lapses <= (out.p50 or lapses):
        return (
            f"{said}; {whose} ends on {lapses}, with about {display(out.left_p50 or ZERO)} of {display(left)} unused."
        )
    if out.p50 is None:
        return f"{said}; none runs out within the year."
    when = "is used up" if out.p50 <= as_of else f"runs out about {out.p50}"
    return f"{said}; {whose} {when}, with {display(left)} left."


def _lapses(one: CreditPool) -> date | None:
    """When a part of it is lost; nothing where all of it is used."""
    return one.runs_out.lapses if one.runs_out.left_p50 else None
