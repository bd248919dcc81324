"""Everything that a decision needs of the workspace's files, made ready once: policies by kind, budgets by what they cover."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from operator import attrgetter

from fiscus.guardrails.decisions.covering import Covered, Covering
from fiscus.guardrails.ledger.types import account_key
from fiscus.guardrails.policies.policy_set import PolicySet
from fiscus.guardrails.types import SCOPE_DIMENSIONS, Budget, PolicyResult
from fiscus.kernel.canonical import digest
from fiscus.kernel.periods import FiscalCalendar, Period, PeriodKind
from fiscus.ownership.types import OwnershipRules

VERSION_DIGITS = 16
ACCOUNTS_KEPT_MAX = 20_000


class Rules:
    """One rulebook, ready to be asked. Safe between threads: what it keeps for itself follows from what it was made of."""

    def __init__(self, policies: PolicySet, budgets: Sequence[Budget], calendar: FiscalCalendar) -> None:
        self.policies = policies
        self.budgets = tuple(budgets)
        self.calendar = calendar
        self.covering = Covering(budgets)
        self.kept = False  # whether the ledger keeps this rulebook already
        self._fitting: dict[str, PolicyResult] = {}
        self._accounts: dict[tuple[str, date], str] = {}
        self._accounts_of: dict[tuple[Covered, str, date], tuple[tuple[str, ...], tuple[str, ...]]] = {}
        self._calm: dict[
            tuple[int, int], tuple[tuple[PolicyResult, ...], tuple[Budget, ...], tuple[PolicyResult, ...]]
        ] = {}
        self._versions: dict[str, str] = {}
        self._periods: dict[tuple[PeriodKind, date], Period] = {}
        self._spellings: dict[str, Mapping[str, str]] = {}
        self._environments: Mapping[str, str] | None = None

    def version(self, budget: Budget) -> str:
        """Names the budget's meaning, as a policy's version does."""
        if budget.id not in self._versions:
            self._versions[budget.id] = digest(budget)[:VERSION_DIGITS]
        return self._versions[budget.id]

    def period(self, budget: Budget, day: date) -> Period:
        """The budget's period that contains `day`."""
        asked = (budget.period, day)
        if asked not in self._periods:
            self._periods = {known: period for known, period in self._periods.items() if known[1] == day}
            self._periods[asked] = self.calendar.period(*asked)
        return self._periods[asked]

    def fitting(self, budget: Budget) -> PolicyResult:
        """What the budget says of an intent that fits it: nothing."""
        if (known := self._fitting.get(budget.id)) is None:
            level, version = budget.cap or "observe", self.version(budget)
            known = PolicyResult(f"budget.{budget.id}", version, level, "no_match", "allow", "")
            self._fitting[budget.id] = known
        return known

    def calm(self, results: tuple[PolicyResult, ...], budgets: tuple[Budget, ...]) -> tuple[PolicyResult, ...]:
        """`results` and what `budgets` say of an intent that fits them all, by id. The same for the same two tuples."""
        asked = (id(results), id(budgets))
        if (known := self._calm.get(asked)) is None:
            if len(self._calm) >= ACCOUNTS_KEPT_MAX:
                self._calm.clear()
            ordered = tuple(by_id([*results, *[self.fitting(budget) for budget in budgets]]))
            known = self._calm[asked] = (
                results,
                budgets,
                ordered,
            )  # as long as they are kept, nothing else has their ids
        return known[2]

    def accounts_of(self, covered: Covered, currency: str, day: date) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The keys of the accounts of what is covered, in its order; and of those in `currency`, in the order of locking."""
        asked = (covered, currency, day)
        if (known := self._accounts_of.get(asked)) is None:
            if len(self._accounts_of) >= ACCOUNTS_KEPT_MAX:
                self._accounts_of.clear()
            keys = tuple(self.account(budget, day) for budget in covered.budgets)
            held = [key for key, budget in zip(keys, covered.budgets, strict=True) if budget.currency == currency]
            known = self._accounts_of[asked] = (keys, tuple(sorted(held)))
        return known

    def account(self, budget: Budget, day: date) -> str:
        """The key of the budget's account on `day`."""
        asked = (budget.id, day)
        if (known := self._accounts.get(asked)) is None:
            if len(self._accounts) >= ACCOUNTS_KEPT_MAX:
                self._accounts.clear()
            known = self._accounts[asked] = account_key(budget.id, self.period(budget, day).label)
        return known

    def budgeted(self, dimension: str) -> set[str]:
        """Every value of a dimension that some budget names."""
        assert dimension in SCOPE_DIMENSIONS
        return {value for budget in self.budgets for value in budget.scope.filters.get(dimension, ())}

    def spelt(self, dimension: str, value: str) -> str:
        """`value` as the budgets spell it, whatever the case; else as it is."""
        if dimension not in self._spellings:
            self._spellings[dimension] = spellings(self.budgeted(dimension))
        return self._spellings[dimension].get(value.casefold(), value)

    def environments(self, names: OwnershipRules) -> Mapping[str, str]:
        """Every environment that the owners' rules or a budget name, in small letters -> as it is written."""
        if self._environments is None:
            ruled = {rule.environment for rule in names.rules if rule.environment}
            self._environments = spellings({*names.environments, *ruled, *self.budgeted("environment")})
        return self._environments


def by_id(results: Sequence[PolicyResult]) -> list[PolicyResult]:
    """In the order of their policies' ids."""
    return sorted(results, key=attrgetter("policy_id"))


def spellings(known: Iterable[str]) -> Mapping[str, str]:
    """Each in small letters -> as it is written."""
    return {one.casefold(): one for one in known}
