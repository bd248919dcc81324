"""The actions layer: how far proposals get, and what the bill says that they saved."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from fiscus.actions.types import Action
from fiscus.board.figures import added, money, near, plural, room_query
from fiscus.board.frame import Frame
from fiscus.board.types import ESTIMATE, Exhibit, Kpi
from fiscus.kernel.money import ZERO

STAGES: Final = (
    ("waits for approval", ("PROPOSED",)),
    ("approved, not yet run", ("APPROVED",)),
    ("running", ("CLAIMED", "INTENT", "SENT")),
    ("outcome unknown", ("UNKNOWN",)),
    ("succeeded, bill not in", ("SUCCEEDED", "RECONCILED")),
    ("saving verified by the bill", ("VERIFIED",)),
    ("being undone", ("UNDOING",)),
    ("undone", ("ROLLED_BACK",)),
    ("failed", ("FAILED",)),
    ("rejected, expired or stale", ("REJECTED", "EXPIRED", "STALE")),
)


def funnel_exhibit(actions: Sequence[Action], frame: Frame) -> tuple[Exhibit, Kpi]:
    """Every action at its stage with the money at stake, a month, in the company's currency. Each stands in one line."""
    mine = [action for action in actions if action.plan.currency == frame.currency]
    body = []
    for name, states in STAGES:
        at = [action for action in mine if action.state in states]
        body.append(
            (name, len(at), added(action.plan.saving_per_month for action in at), added(_verified(a) for a in at))
        )
    unit = f"{frame.currency} a month"
    columns = (("stage", "text"), ("actions", "count"), ("at stake", ESTIMATE + unit), ("verified", unit))
    waiting, unknown = body[0], body[3]
    title = "No action has been proposed yet: none of the findings names one"
    if mine:
        verb = "waits" if waiting[1] == 1 else "wait"
        title = (
            f"{plural(waiting[1], 'action')} {verb} for approval, {near(waiting[2], frame.currency)} a month at stake"
        )
        title += f"; {plural(unknown[1], 'outcome')} unknown, read back first" if unknown[1] else ""
    query = room_query("state_actions", {})
    note = "" if mine else "`fiscus run` proposes actions for findings whose policy names one."
    exhibit = Exhibit("action-funnel", "actions", title, columns, tuple(body), query, note, basis="state")
    say = f"{near(waiting[2], frame.currency)} a month at stake."
    kpi = Kpi(
        "actions-waiting", "Actions awaiting approval", Decimal(waiting[1]), "count", "count", say, query, basis="state"
    )
    return exhibit, kpi


def savings_exhibit(actions: Sequence[Action], frame: Frame) -> tuple[Exhibit, Kpi]:
    """Actions that ran, promised against verified. Only what a later bill shows counts as saved, and only while it stands."""
    ran = [
        a
        for a in actions
        if a.plan.currency == frame.currency and (a.verified_saving is not None or a.state in STAGES[4][1])
    ]
    body = tuple(
        (
            a.plan.kind, ", ".join(target.name for target in a.plan.targets), a.requested_by, a.approved_by or "",
            a.plan.saving_per_month, a.verified_saving, a.state.lower().replace("_", " "), a.verified_detail,
        )
        for a in ran
    )  # fmt: skip
    unit = f"{frame.currency} a month"
    columns = (
        ("action", "text"), ("targets", "text"), ("asked by", "text"), ("approved by", "text"), ("promised", ESTIMATE + unit),
        ("verified", unit), ("state", "text"), ("what the bill says", "text"),
    )  # fmt: skip
    saved = added(_verified(action) for action in mine_standing(ran))
    count = sum(action.state == "VERIFIED" for action in ran)
    title = "No saving has been verified by a bill yet"
    if count:
        title = f"{money(saved, frame.currency)} a month saved, verified by later bills in {plural(count, 'action')}"
    query = room_query("state_actions", {})
    exhibit = Exhibit("verified-savings", "actions", title, columns, body, query, "", basis="state")
    say = f"{plural(count, 'action')} verified; promises that no bill confirms do not count."
    return exhibit, Kpi("verified-savings", "Savings verified", saved, unit, "actual", say, query, basis="state")


def mine_standing(actions: Sequence[Action]) -> list[Action]:
    """Those whose saving was verified and that have not been undone since."""
    return [action for action in actions if action.state == "VERIFIED"]


def _verified(action: Action) -> Decimal:
    return (action.verified_saving or ZERO) if action.state == "VERIFIED" else ZERO
