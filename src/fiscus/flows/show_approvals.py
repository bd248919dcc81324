"""Who is asked for a yes, to what exactly, for how much, until when; and what was decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from fiscus.flows.record_approvals import load_approval
from fiscus.flows.show_trust import DataTrust, data_trust
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.approvals.machine import is_expired
from fiscus.guardrails.approvals.notices import effect
from fiscus.guardrails.approvals.types import Approval
from fiscus.guardrails.approvals.who import dead_end, still_may
from fiscus.guardrails.types import Decision
from fiscus.kernel.money import display, total


@dataclass(frozen=True, slots=True)
class ApprovalLine:
    """An approval, what it lets happen in words, and who may still say yes. `waits`: for a yes (asked) or for its use."""

    approval: Approval
    effect: str
    may_approve: tuple[str, ...]
    state: str  # as of now: one whose time is over reads expired before the next run has recorded it
    missing: int  # how many yes it still needs
    stuck: str = ""  # why nobody can let it through as it stands, and what to change


@dataclass(frozen=True, slots=True)
class ApprovalsShown:
    """Those that wait for a yes first, the largest money first. `waiting` adds up the company's currency."""

    trust: DataTrust
    sentence: str
    lines: tuple[ApprovalLine, ...]
    waiting: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class ApprovalShown:
    """One approval with everything that a yes is for."""

    trust: DataTrust
    sentence: str
    line: ApprovalLine


def show_approvals(ws: Workspace, trust: DataTrust | None = None) -> ApprovalsShown:
    """Every approval, at most a thousand."""
    with ws.state.read() as tx:
        lines = sorted((approval_line(ws, one) for one in tx.approvals.all()), key=_order)
    home = ws.config.company.currency
    open_ones = [line.approval.intent for line in lines if line.state == "asked"]
    waiting = total([intent.amount for intent in open_ones if intent.currency == home])
    return ApprovalsShown(trust or data_trust(ws), _sentence(lines, waiting, home), tuple(lines), waiting, home)


def show_approval(ws: Workspace, approval_id: str, trust: DataTrust | None = None) -> ApprovalShown:
    """One approval. NotFound when there is none."""
    with ws.state.read() as tx:
        line = approval_line(ws, load_approval(tx, approval_id))
    return ApprovalShown(trust or data_trust(ws), _one(line), line)


def approval_of(ws: Workspace, decision: Decision) -> Approval | None:
    """The approval that a decision rests on, or that was asked for because of it; None where there is none."""
    if not decision.approval_id and decision.verdict != "require_approval":
        return None
    with ws.state.read() as tx:
        if decision.approval_id:
            return tx.approvals.get(decision.approval_id)
        asked = tx.approvals.of_intent(decision.intent_digest)
    mine = [one for one in asked if one.decision_id == decision.id or one.requested_at <= decision.at]
    return mine[0] if mine else None


def approval_line(ws: Workspace, approval: Approval) -> ApprovalLine:
    """`approval` as of now."""
    state = "expired" if is_expired(approval, ws.clock.now()) else approval.state
    if state != "asked":
        return ApprovalLine(approval, effect(approval), (), state, 0)
    still = still_may(approval, ws.config.directory, ws.as_of)
    stuck = dead_end(approval, ws.config.directory, ws.as_of)
    return ApprovalLine(approval, effect(approval), still, state, approval.needed.approvers - len(approval.yes), stuck)


def _order(line: ApprovalLine) -> tuple[int, Decimal, str]:
    order = ("asked", "approved", "used", "rejected", "expired")
    return order.index(line.state), -line.approval.intent.amount, line.approval.id


def _money(approval: Approval) -> str:
    return f"{display(approval.intent.amount)} {approval.intent.currency}"


def _sentence(lines: Sequence[ApprovalLine], waiting: Decimal, home: str) -> str:
    asked = [line for line in lines if line.state == "asked"]
    if not asked:
        done = sum(line.state in {"approved", "used"} for line in lines)
        return f"Nothing waits for a yes. {done} were approved." if lines else "Nobody has asked for an approval."
    first = asked[0]
    rest = f" {len(asked) - 1} more wait, {display(waiting, 0)} {home} in all." if len(asked) > 1 else ""
    if first.stuck:
        return f"Nobody can approve {_money(first.approval)} for {first.effect}. {first.stuck}{rest}"
    due = first.approval.expires_at
    return f"Approve or reject {_money(first.approval)} for {first.effect}, by {due.day} {due:%b %H:%M} UTC.{rest}"


def _one(line: ApprovalLine) -> str:
    approval, money = line.approval, _money(line.approval)
    due = f"{approval.expires_at.day} {approval.expires_at:%b %H:%M} UTC"
    if line.state == "asked":
        more = "another person must" if approval.yes else "somebody must"
        stuck = f" {line.stuck}" if line.stuck else ""
        return f"{approval.requested_by} asks for {money} for {line.effect}: {more} say yes or no by {due}.{stuck}"
    words = {
        "approved": f"approved by {' and '.join(approval.yes)}, and lets exactly this through, once, until {due}",
        "used": f"approved by {' and '.join(approval.yes)} and used by {approval.used_by}",
        "rejected": f"rejected by {approval.steps[-1].actor}: {approval.steps[-1].note}",
        "expired": f"expired on {due}: nobody said yes in time" if not approval.yes else f"expired on {due}, unused",
    }
    return f"{money} for {line.effect}: {words[line.state]}."
