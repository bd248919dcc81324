"""The ledger is told what the newest bills say, and says what it knows that no bill shows yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final, cast

from fiscus.flows.workspace import Workspace
from fiscus.guardrails.budgets.budget_amount import amount_of
from fiscus.guardrails.budgets.budget_series import BudgetDays
from fiscus.guardrails.ledger.commands import Done, Expire, Standing, Sync
from fiscus.guardrails.ledger.types import account_key
from fiscus.guardrails.types import AI_DIMENSIONS, Budget, BudgetStatus, LedgerShare
from fiscus.kernel.money import from_nanos, to_nanos
from fiscus.kernel.periods import midnight
from fiscus.kernel.sql_text import sql_text

BILLED_DAYS: Final = 120  # a provider that billed nothing for so long bills no more
EXPIRED_AT_ONCE: Final = 1_000


def sync_ledger(
    ws: Workspace, budgets: Sequence[Budget], statuses: Sequence[BudgetStatus], days: Mapping[str, BudgetDays]
) -> Mapping[str, LedgerShare]:
    """Budget id -> what the ledger holds of its running period. Expired holds of unknown outcome are charged first.

    The accounts of the period that follows are opened too: nothing of it can be billed yet, so that the first request after
    midnight has a cap. `days`: what the bills have of each budget. One on a model, a key or a user that no charge was ever
    found for counts what was settled all through its period: no bill names what it is on. Of the others, what a bill has in
    another scope than it was spent in goes on counting. Raises Unavailable where the ledger cannot be reached.
    """
    while cast("Done", ws.ledger.ask(Expire(EXPIRED_AT_ONCE))).changed == EXPIRED_AT_ONCE:
        pass
    standings = [
        replace(_now(status, budget), billed=_billed(status, days[budget.id]))
        for budget, status in zip(budgets, statuses, strict=True)
    ]
    standings += [_next(ws, status, budget) for budget, status in zip(budgets, statuses, strict=True)]
    alone = {one.id for one in budgets if not days[one.id].seen and AI_DIMENSIONS & one.scope.filters.keys()}
    standings = [replace(one, by_bills=one.budget_id not in alone) for one in standings]
    ws.ledger.ask(Sync(standings, billed_until(ws), _counted(ws, statuses)))
    accounts = ws.ledger.store.accounts([account_key(one.budget_id, one.period.label) for one in statuses])
    shares = {}
    for status in statuses:
        account = accounts[account_key(status.budget_id, status.period.label)]
        held, unbilled, committed = (from_nanos(n) for n in (account.held, account.unbilled, account.committed))
        shares[status.budget_id] = LedgerShare(held, unbilled, committed)
    return shares


def billed_until(ws: Workspace) -> Mapping[str, date]:
    """Provider -> the first day that its bills do not cover yet."""
    since = midnight(ws.as_of - timedelta(days=BILLED_DAYS))
    rows = ws.lake.query(sql_text("fiscus.guardrails", "billed_until"), {"since": since, "until": midnight(ws.as_of)})
    return {str(provider): cast("date", until) for provider, until in rows.rows}


def _billed(status: BudgetStatus, days: BudgetDays) -> Mapping[tuple[str, date], int]:
    """(provider, day) -> what the bills have in the budget's scope, of its running period and of metered providers."""
    period = status.period
    return {
        (provider, day): to_nanos(cost, round_up=True)
        for (provider, day), cost in days.metered_by.items()
        if period.start <= day < period.end
    }


def _counted(ws: Workspace, statuses: Sequence[BudgetStatus]) -> Mapping[tuple[str, str, date], tuple[int, int]]:
    """(currency, provider, day) -> (what the gateway counted, what was billed), wherever; empty without a gateway."""
    if not statuses or not len(ws.lake.query("SELECT 1 FROM charges WHERE x_SourceId LIKE 'gateway-%' LIMIT 1")):
        return {}
    params = {"since": midnight(min(one.period.start for one in statuses)), "until": midnight(ws.as_of)}
    rows = cast("Sequence[tuple[Any, ...]]", ws.lake.query(sql_text("fiscus.flows", "ai_counted"), params).rows)
    return {
        (currency, provider, day): (to_nanos(here, round_up=True), to_nanos(there, round_up=True))
        for currency, provider, day, here, there in rows
    }


def _now(status: BudgetStatus, budget: Budget) -> Standing:
    """What is spent is rounded up to the nano-unit, what may be spent down. The estimate is without what the ledger knows."""
    estimated = status.unbilled - status.metered
    return Standing(
        status.budget_id, status.period.label, status.currency, budget.cap, -to_nanos(-status.amount, round_up=True),
        to_nanos(status.actual, round_up=True), to_nanos(estimated, round_up=True), status.billed_until or status.as_of,
    )  # fmt: skip


def _next(ws: Workspace, status: BudgetStatus, budget: Budget) -> Standing:
    period = ws.rules.calendar.period(budget.period, status.period.end)
    amount = -to_nanos(-amount_of(budget, period, ws.rules.calendar), round_up=True)
    return Standing(budget.id, period.label, budget.currency, budget.cap, amount, 0, 0, status.as_of)
