"""A vendor's own spend limit as an action: one call, never retried, read back; undone by what stood before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from fiscus.actions.types import Outcome, Plan, Reversibility, Target
from fiscus.kernel.errors import BadInput, Unavailable, Where

SET: Final = "spend_limit.set"
RESTORE: Final = "spend_limit.restore"


@dataclass(frozen=True, slots=True)
class LimitSeen:
    """The limit that stands at the vendor, in hundredths of `currency` a calendar month; None: there is none."""

    cents: int | None
    currency: str = "USD"


class LimitPort(Protocol):
    """One account's limits. `at`: organization, project:ID, workspace:ID. Errors as actions.ports.Executor has them."""

    def read(self, at: str) -> LimitSeen: ...
    def put(self, at: str, cents: int) -> str:
        """One call; returns the vendor's receipt."""
        ...

    def clear(self, at: str) -> str: ...


@dataclass(frozen=True, slots=True)
class NoKey:
    """An account whose admin key is not in the environment: nothing is read and nothing is sent."""

    account: str
    variable: str

    def read(self, at: str) -> LimitSeen:
        raise self._missing(at)

    def put(self, at: str, cents: int) -> str:
        del cents
        raise self._missing(at)

    def clear(self, at: str) -> str:
        raise self._missing(at)

    def _missing(self, at: str) -> Unavailable:
        return Unavailable(
            f"The environment has no {self.variable}, so the limit of {self.account}/{at} was not asked for",
            remedy="Set it to an admin key of the account.",
            where=Where(file="fiscus.yaml", key="ai_accounts"),
        )


class LimitExecutor:
    """Implements actions.ports.Executor. A target is `<account>/<at>`.

    `params` of a plan: `limits` (target -> cents to set) and `before` (target -> cents that stood when it was planned, or None).
    """

    reversibility: Reversibility = "R0"

    def __init__(self, vendor: str, accounts: Mapping[str, LimitPort], *, restoring: bool = False) -> None:
        self.kind = f"{vendor}.{RESTORE if restoring else SET}"
        self.undo_kind: str | None = None if restoring else f"{vendor}.{RESTORE}"
        self._accounts = accounts
        self._wanted = "before" if restoring else "limits"

    def observe(self, target_ids: Sequence[str]) -> Sequence[Target]:
        """What limit each place has now; a place of an account that nobody configured is left out."""
        found = []
        for target_id in target_ids:
            account, at = _place(target_id)
            if account in self._accounts:
                seen = self._accounts[account].read(at)
                found.append(Target(target_id, at, "", "", {"limit_cents": seen.cents, "currency": seen.currency}))
        return found

    def inventory_size(self) -> int:
        """Not counted: an account has one or a few limits, and each is a change of its own."""
        return 0

    def send(self, plan: Plan, idempotency_key: str) -> str:
        """One call for the one target. Setting the same limit twice is the same limit."""
        del idempotency_key
        if len(plan.targets) != 1:
            raise BadInput("A plan sets one limit", remedy="Plan each by itself.")
        target = plan.targets[0]
        account, at = _place(target.id)
        port, cents = self._accounts.get(account), self._cents(plan, target)
        if port is None:
            raise BadInput(f"{target.id} is of no account", remedy="ai_accounts in fiscus.yaml lists them.")
        return port.clear(at) if cents is None else port.put(at, cents)

    def read_back(self, plan: Plan) -> Outcome:
        """Done when what stands is what was wanted."""
        seen = {target.id: target.observed["limit_cents"] for target in self.observe([t.id for t in plan.targets])}
        wanted = {target.id: self._cents(plan, target) for target in plan.targets}
        note = ", ".join(f"{place} is at {_money(cents)}" for place, cents in seen.items()) or "nothing is there"
        return Outcome(seen == wanted, {"limit_cents": dict(seen)}, note)

    def _cents(self, plan: Plan, target: Target) -> int | None:
        limits = plan.params.get(self._wanted)
        cents = limits.get(target.id) if isinstance(limits, Mapping) else None
        if cents is None and self._wanted == "before":
            return None
        if not isinstance(cents, int) or isinstance(cents, bool) or cents < 1:
            raise BadInput(f"{cents!r} is no limit", remedy="A limit is a whole number of cents above zero.")
        return cents


def limit_executors(vendor: str, accounts: Mapping[str, LimitPort]) -> Mapping[str, LimitExecutor]:
    """Setting and restoring, by kind. No call is made before they are used."""
    both = (LimitExecutor(vendor, accounts), LimitExecutor(vendor, accounts, restoring=True))
    return {executor.kind: executor for executor in both}


def _place(target_id: str) -> tuple[str, str]:
    account, _, at = target_id.partition("/")
    return account, at


def _money(cents: object) -> str:
    return "no limit" if cents is None else f"{cents} cents a month"
