"""Where budgets stood on days of the past, each day worked out once for all policies that ask. The ledger is read, never told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cached_property
from typing import cast

from fiscus.cost.books.completeness import completeness, partial_from
from fiscus.flows.evaluate import with_owners
from fiscus.flows.show_completeness import DAYS, source_days_query
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.budgets.budget_series import budget_days, budget_days_query, open_book
from fiscus.guardrails.budgets.budget_status import NOTHING, budget_statuses, with_ledger
from fiscus.guardrails.budgets.find_budgets import StandingBudget
from fiscus.guardrails.ledger.types import Account, account_key
from fiscus.guardrails.types import BudgetStatus, LedgerShare
from fiscus.kernel.money import from_nanos


class PastBudgets:
    """The budgets of a workspace on days of [`first`, `last`].

    The bills are taken as they are in the lake now, up to the day. Usage that they do not show yet is estimated, metered or not:
    what the ledger had settled by then is not known any more. Held and committed money is what the ledger has of that period now,
    and so is all that was spent on a key, a user or a model that no bill names.
    """

    def __init__(self, ws: Workspace, first: date, last: date) -> None:
        self._ws, self._first, self._last = ws, first, last
        self._known: dict[date, Sequence[StandingBudget]] = {}

    def on(self, day: date) -> Sequence[StandingBudget]:
        """Every budget with its status as of `day`, in the order of the workspace."""
        if day not in self._known:
            self._known[day] = self._stood(day) if self._ws.config.budgets else ()
        return self._known[day]

    def _stood(self, day: date) -> Sequence[StandingBudget]:
        ws, budgets = self._ws, self._ws.config.budgets
        book = open_book(budgets, ws.config.company.calendar, day, self._partial(day))
        query = budget_days_query(book, ws.config.promoted_tags)
        days = budget_days(ws.lake.query(query.sql, query.params), book)
        statuses = budget_statuses(book, days, str(ws.lake.version()))
        shares = self._shares(statuses)
        return with_owners(ws, [with_ledger(one, shares.get(one.budget_id, NOTHING)) for one in statuses], days)

    def _partial(self, day: date) -> Mapping[str, date]:
        since = day - timedelta(days=DAYS)
        return partial_from(completeness([one for one in self._source_days if since <= one[1] < day], day))

    @cached_property
    def _source_days(self) -> Sequence[tuple[str, date, int]]:
        query = source_days_query(self._first - timedelta(days=DAYS), self._last)
        return cast("Sequence[tuple[str, date, int]]", self._ws.lake.query(query.sql, query.params).rows)

    def _shares(self, statuses: Sequence[BudgetStatus]) -> Mapping[str, LedgerShare]:
        keys = {one.budget_id: account_key(one.budget_id, one.period.label) for one in statuses}
        accounts = self._ws.ledger.store.accounts(list(keys.values()))
        found = {name: accounts[key] for name, key in keys.items() if key in accounts}
        return {name: _share(one) for name, one in found.items()}


def _share(account: Account) -> LedgerShare:
    unbilled = 0 if account.by_bills else account.unbilled
    return LedgerShare(from_nanos(account.held), from_nanos(unbilled), from_nanos(account.committed))
