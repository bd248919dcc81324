"""Did the bill agree? The compute charges of an action's targets before it ran against those after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fiscus.actions.machine import last_entry, move
from fiscus.actions.savings import VerifiedSaving, verified_saving
from fiscus.actions.types import Action
from fiscus.flows.record_actions import load_action, record_step
from fiscus.flows.show_completeness import partial_params
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import FISCUS
from fiscus.kernel.limits import ACTION_SAVING_DAYS
from fiscus.kernel.sql_text import sql_text


def verify_savings(ws: Workspace) -> Sequence[Action]:
    """Those whose saving the bills verified now: VERIFIED, with the monthly run rate and what was saved to date.

    An action waits until the bills of its targets' source cover one full day after it ran. A target that goes on costing is named
    in `verified_detail` as not realised, and its saving counts as what the bills say, which may be nothing.
    """
    with ws.state.read() as tx:
        done = tx.actions.all(["SUCCEEDED", "RECONCILED"])
    partial = partial_params(ws) if done else {}
    found = [(action, saving) for action in done if (saving := _saving(ws, action, partial)) is not None]
    return [_store(ws, action, saving) for action, saving in found]


def _saving(ws: Workspace, action: Action, partial: Mapping[str, object]) -> VerifiedSaving | None:
    ran = last_entry(action, "INTENT")
    if ran is None or not action.plan.saving_per_month:
        return None
    params = {
        "targets": [target.id for target in action.plan.targets],
        "currency": action.plan.currency,
        "as_of": ws.as_of,
        "ran": ran.at.date(),
        "days": ACTION_SAVING_DAYS,
        **partial,
    }
    rows = ws.lake.query(sql_text("fiscus.actions", "saving_days"), params)
    return verified_saving(rows, ran.at.date(), action.plan.currency)


def _store(ws: Workspace, action: Action, saving: VerifiedSaving) -> Action:
    observed = {
        "saving_per_month": saving.per_month,
        "saved_to_date": saving.to_date,
        "currency": action.plan.currency,
        "days_after": saving.days_after,
        "not_realised": saving.not_realised,
        "lake_version": str(ws.lake.version()),
    }
    with ws.state.begin() as tx:
        stored = load_action(tx, action.id)
        if stored.state not in {"SUCCEEDED", "RECONCILED"}:  # undone meanwhile
            return stored
        moved = move(stored, "VERIFIED", ws.clock.now(), FISCUS, saving.detail, observed)
        verified = replace(moved, verified_saving=saving.per_month, verified_detail=saving.detail)
        return record_step(tx, verified, FISCUS)
