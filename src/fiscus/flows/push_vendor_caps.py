"""Vendors' own spend limits kept at what our budgets allow: a second line that holds where nobody goes through the gateway.

Each difference becomes an action like any other: planned, approved by somebody else, sent once, read back, undone by what stood.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Final, Literal

from fiscus.actions.machine import OPEN, propose
from fiscus.actions.plan_digest import sealed
from fiscus.actions.types import Action, Plan, Target
from fiscus.cost.ai.types import AiAccount, VendorLimit
from fiscus.flows.record_actions import executor_of, record_step
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.budgets.budget_amount import amount_of
from fiscus.guardrails.types import Budget
from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import FiscusError
from fiscus.kernel.limits import ACTION_APPROVAL_HOURS, ACTION_REPROPOSE_DAYS
from fiscus.kernel.money import EXACT, ZERO, display
from fiscus.kernel.periods import Month

POLICY: Final = "vendor-cap"
CapState = Literal["same", "differs", "proposed", "waiting", "left_alone", "refused", "unreachable"]


@dataclass(frozen=True, slots=True)
class VendorCap:
    """One limit at a vendor. `standing` None: there is none. `why`: what keeps it as it is, or what is to be done."""

    account: str
    at: str
    budget: str
    currency: str
    wanted: Decimal | None
    standing: Decimal | None
    state: CapState
    why: str = ""
    action_id: str = ""

    def sentence(self) -> str:
        """In plain words."""
        stands = "no limit" if self.standing is None else f"{display(self.standing)} {self.currency}"
        wanted = f", {display(self.wanted)} {self.currency} by budget {self.budget}" if self.wanted is not None else ""
        return (
            f"{self.account}/{self.at}: {stands} a month{wanted}: {self.state.replace('_', ' ')}. {self.why}".rstrip()
        )


def vendor_caps(ws: Workspace) -> tuple[VendorCap, ...]:
    """What stands and what our budgets say. Nothing is planned, nothing is sent: a dry run."""
    return tuple(cap for cap, _ in _compared(ws))


def plan_vendor_caps(ws: Workspace, actor: Actor) -> tuple[VendorCap, ...]:
    """The same, and an action in PROPOSED for each that differs. Twice plans nothing twice."""
    found = []
    for cap, plan in _compared(ws):
        if plan is None:
            found.append(cap)
            continue
        with ws.state.begin() as tx:
            held = _held(tx.actions.all(), plan, ws)
            if held is None:
                action = record_step(tx, propose(ws.ids.new("act"), plan, actor, ws.clock.now()), actor)
        if held is not None:
            found.append(_as(cap, *held))
        else:
            found.append(
                _as(cap, "proposed", "Somebody else approves it: `fiscus approve`, then `fiscus apply`.", action.id)
            )
    return tuple(found)


def _compared(ws: Workspace) -> Iterator[tuple[VendorCap, Plan | None]]:
    for account in ws.config.ai_accounts:
        for limit in account.limits:
            yield _compare(ws, account, limit)


def _compare(ws: Workspace, account: AiAccount, limit: VendorLimit) -> tuple[VendorCap, Plan | None]:
    place = f"{account.name}/{limit.at}"
    budget = next((one for one in ws.config.budgets if one.id == limit.budget), None)
    blank = VendorCap(account.name, limit.at, limit.budget, budget.currency if budget else "", None, None, "refused")
    cents = _cents(ws, budget) if budget else 0
    if why := _unfit(ws, budget, cents):
        return _as(blank, "refused", why), None
    assert budget is not None
    wanted = EXACT.divide(Decimal(cents), Decimal(100))
    try:
        executor = executor_of(ws, f"{account.vendor}.spend_limit.set")
        (seen,) = executor.observe([place])
    except FiscusError as failed:
        cap = VendorCap(account.name, limit.at, budget.id, budget.currency, wanted, None, "unreachable", failed.message)
        return cap, None
    before = seen.observed["limit_cents"]
    standing = EXACT.divide(Decimal(before), Decimal(100)) if isinstance(before, int) else None
    cap = VendorCap(account.name, limit.at, budget.id, str(seen.observed["currency"]), wanted, standing, "same")
    if seen.observed["currency"] != budget.currency:
        return _as(cap, "refused", f"The vendor's limit is in {cap.currency}, the budget in {budget.currency}."), None
    if before == cents:
        return cap, None
    plan = _plan(ws, executor.kind, seen, budget, cents)
    with ws.state.read() as tx:
        held = _held(tx.actions.all(), plan, ws)
    cap = _as(cap, *held) if held else _as(cap, "differs", "`fiscus ai caps --yes --as PERSON` plans it.")
    return cap, plan


def _unfit(ws: Workspace, budget: Budget | None, cents: int) -> str:
    """Why a budget cannot be a vendor's limit; empty when it can."""
    if budget is None:
        return "No budget has this id."
    period = ws.config.company.calendar.period(budget.period, ws.as_of)
    month = Month.of(ws.as_of)
    if (period.start, period.end) != (month.start, month.end):
        return f"A vendor's limit is for a calendar month; {budget.id} is for {period.label}."
    if cents < 1:
        return "The budget allows nothing this month, and no vendor takes a limit of nothing."
    return ""


def _cents(ws: Workspace, budget: Budget) -> int:
    """What the budget allows this month, whole cents, rounded down: what the run found, else as it is written."""
    period = ws.config.company.calendar.period(budget.period, ws.as_of)
    with ws.state.read() as tx:
        known = [one for one in tx.budget_statuses.newest() if one.budget_id == budget.id and one.period == period]
    amount = known[0].amount if known else amount_of(budget, period, ws.config.company.calendar)
    return int(EXACT.multiply(amount, Decimal(100)).to_integral_value(ROUND_FLOOR))


def _plan(ws: Workspace, kind: str, seen: Target, budget: Budget, cents: int) -> Plan:
    before = seen.observed["limit_cents"]
    was = "no limit" if before is None else f"{display(Decimal(str(before)) / 100)} {budget.currency}"
    money = f"{display(EXACT.divide(Decimal(cents), Decimal(100)))} {budget.currency}"
    return sealed(
        Plan(
            kind=kind,
            targets=(Target(seen.id, seen.name, budget.owner, "", seen.observed),),
            params={"limits": {seen.id: cents}, "before": {seen.id: before}},
            reason=f"The vendor stops {seen.id} at {money} a month, as budget {budget.id} does; now it has {was}",
            finding_id=None,
            policy_id=POLICY,
            policy_version="1",
            saving_per_month=ZERO,
            currency=budget.currency,
            reversibility="R0",
            blast_radius=f"everything that is billed to {seen.id}: above {money} a month the vendor refuses it",
            expires_at=ws.clock.now() + timedelta(hours=ACTION_APPROVAL_HOURS),
            digest="",
        )
    )


def _held(known: Sequence[Action], plan: Plan, ws: Workspace) -> tuple[CapState, str, str] | None:
    """(state, why, action) where an earlier action has the same limit in hand, or a person said no to it."""
    target = plan.targets[0].id
    for action in known:
        if action.plan.kind != plan.kind or action.plan.targets[0].id != target:
            continue
        if action.state in OPEN:
            return "waiting", f"Action {action.id} is {action.state}.", action.id
        same = action.plan.params.get("limits") == plan.params["limits"]
        late = ws.clock.now() - action.journal[-1].at >= timedelta(days=ACTION_REPROPOSE_DAYS)
        if action.state in {"REJECTED", "ROLLED_BACK"} and same and not late:
            return (
                "left_alone",
                f"Action {action.id} was {action.state.lower().replace('_', ' ')} by a person.",
                action.id,
            )
    return None


def _as(cap: VendorCap, state: CapState, why: str, action_id: str = "") -> VendorCap:
    return replace(cap, state=state, why=why, action_id=action_id)
