"""The plan that takes an action back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fiscus.actions.plan_digest import sealed
from fiscus.actions.types import Action, Plan, Target


def undo_plan(action: Action, undo_kind: str, now: Sequence[Target] = ()) -> Plan:
    """The opposite of `action`'s plan on the same targets, observed `now` where given."""
    current = {target.id: target.observed for target in now}
    targets = tuple(replace(t, observed=current.get(t.id, t.observed)) for t in action.plan.targets)
    plan = replace(action.plan, kind=undo_kind, targets=targets, reason=f"Undo of {action.id}: {action.plan.reason}")
    return sealed(plan)
