"""What is left to spend for a team, a product, an environment, a provider, a key: each budget on it, as the ledger stands now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from fiscus.cost.providers import canonical_name
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.decisions.decide import CHARGED_AS
from fiscus.guardrails.ledger.types import Account
from fiscus.guardrails.types import Budget, Level
from fiscus.kernel.errors import BadInput, Where
from fiscus.kernel.money import display, from_nanos

ASKED_BY = ("team", "environment", "product", "provider", "service", "model", "api_key", "user")


@dataclass(frozen=True, slots=True)
class HeadroomLine:
    """One budget in its running period. `headroom` None: where it stands is not known yet.

    `covers`: all of what was asked for counts against it; False: only that part of it that `scope` names.
    """

    budget_id: str
    title: str
    owner: str
    scope: Mapping[str, tuple[str, ...]]
    covers: bool
    period: str
    currency: str
    amount: Decimal | None
    actual: Decimal | None
    unbilled: Decimal | None
    held: Decimal | None
    committed: Decimal | None
    headroom: Decimal | None
    cap: Level | None
    billed_until: date | None
    frozen: bool


@dataclass(frozen=True, slots=True)
class HeadroomShown:
    """Budgets that cover all of what was asked for first, the least headroom first among equals."""

    sentence: str
    asked: Mapping[str, str]
    lines: tuple[HeadroomLine, ...]


def show_headroom(ws: Workspace, asked: Mapping[str, str]) -> HeadroomShown:
    """`asked`: any of ASKED_BY -> its name, by any spelling that a decision would take; empty ones are left out.

    Raises BadInput (a team or environment that nobody knows), Unavailable (the ledger). Nothing is written.
    """
    scope = _settled(ws, {name: value for name, value in asked.items() if value})
    day = ws.as_of
    budgets = [one for one in ws.rules.budgets if _touches(one, scope)]
    accounts = ws.ledger.store.accounts([ws.rules.account(one, day) for one in budgets])
    lines = [_line(ws, one, accounts.get(ws.rules.account(one, day)), scope) for one in budgets]
    return HeadroomShown(_sentence(lines), scope, tuple(sorted(lines, key=_order)))


def _settled(ws: Workspace, asked: Mapping[str, str]) -> Mapping[str, str]:
    if unknown := sorted(set(asked) - set(ASKED_BY)):
        raise BadInput(
            f"Headroom is not asked by {unknown[0]!r}",
            remedy=f"Ask by {', '.join(ASKED_BY)}.",
            where=Where(key=unknown[0]),
        )
    spelt = dict(asked)
    if "team" in spelt:
        spelt["team"] = ws.names.team(spelt["team"]).id
    if "environment" in spelt:
        spelt["environment"] = ws.names.environment(spelt["environment"])
    if "provider" in spelt:
        spelt["provider"] = ws.rules.spelt("provider", canonical_name(spelt["provider"]))
    if "product" in spelt:
        spelt["product"] = ws.rules.spelt("product", spelt["product"].casefold())
    for name in ("service", "model", "user"):
        if name in spelt:
            spelt[name] = ws.rules.spelt(name, spelt[name])
    return spelt


def _touches(budget: Budget, scope: Mapping[str, str]) -> bool:
    return all(scope[name] in values for name, values in budget.scope.filters.items() if name in scope)


def _line(ws: Workspace, budget: Budget, account: Account | None, scope: Mapping[str, str]) -> HeadroomLine:
    known = account if account is not None and account.billed_until is not None else None

    def money(nanos: int) -> Decimal | None:
        return None if known is None else from_nanos(nanos)

    stands = known or Account(budget.id, "", budget.currency, budget.cap, 0)
    usage = CHARGED_AS["ai.request"]
    covers = all(name in scope or usage.get(name) in values for name, values in budget.scope.filters.items())
    return HeadroomLine(
        budget.id, budget.title, budget.owner, budget.scope.filters, covers, ws.rules.period(budget, ws.as_of).label,
        budget.currency, money(stands.amount), money(stands.actual), money(stands.estimated + stands.unbilled),
        money(stands.held), money(stands.committed), money(stands.headroom), budget.cap, stands.billed_until, stands.frozen,
    )  # fmt: skip


def _order(line: HeadroomLine) -> tuple[bool, bool, Decimal, str]:
    return not line.covers, line.headroom is None, line.headroom or Decimal(0), line.budget_id


def _sentence(lines: list[HeadroomLine]) -> str:
    covering = sorted((one for one in lines if one.covers), key=_order)
    if not covering:
        return "No budget covers all of this: nobody watches what it adds up to."
    least = covering[0]
    if least.headroom is None:
        return "Where its budgets stand is not known yet: `fiscus run` judges them."
    frozen = [one.title for one in covering if one.frozen]
    said = f"{display(least.headroom)} {least.currency} are left of {least.title} ({least.period})"
    said += f", the tightest of {len(covering)} budgets" if len(covering) > 1 else ""
    return f"{said}. Frozen: {', '.join(frozen)}." if frozen else f"{said}."
