"""Where the budgets stand this moment, as numbers for a monitoring system to alert on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fiscus.flows.workspace import Workspace
from fiscus.kernel.counters import Key
from fiscus.kernel.errors import Unavailable

UP: Final = "fiscus_ledger_up"
HEADROOM: Final = "fiscus_budget_headroom_nanos"
HELD: Final = "fiscus_budget_held_nanos"
AMOUNT: Final = "fiscus_budget_amount_nanos"
ABOUT: Final = {
    UP: "Whether the ledger can be reached; 0: each budget's on_ledger_loss answers.",
    HEADROOM: "What is left of a budget in its running period, in billionths of its currency; below zero it is over.",
    HELD: "What is held of a budget for what is under way, in billionths of its currency.",
    AMOUNT: "What a budget has in its running period, in billionths of its currency.",
}


def budget_gauges(ws: Workspace) -> Mapping[Key, int]:
    """(name, labels) -> number. Of budgets whose standing is known; without the ledger only that it is gone."""
    day = ws.as_of
    budgets = {ws.rules.account(one, day): one for one in ws.rules.budgets}
    try:
        accounts = ws.ledger.store.accounts(list(budgets))
    except Unavailable:
        return {(UP, ()): 0}
    gauges: dict[Key, int] = {(UP, ()): 1}
    for key, account in accounts.items():
        if account.billed_until is not None:
            labels = (("budget", budgets[key].id), ("currency", account.currency))
            gauges |= {
                (HEADROOM, labels): account.headroom,
                (HELD, labels): account.held,
                (AMOUNT, labels): account.amount,
            }
    return gauges
