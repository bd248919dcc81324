"""Commands about money that waits for a yes. `approve` and `reject` take approvals (apr-...) and actions (act-...) alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from fiscus.edges.cli.terminal import NO_OPTIONS, Common, guarded, open_home, say, say_json, show, show_error, table
from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import FiscusError

if TYPE_CHECKING:
    from fiscus.flows.show_approvals import ApprovalShown, ApprovalsShown
    from fiscus.guardrails.approvals.types import Approval
    from fiscus.guardrails.doors.purchases.types import Purchase

As = Annotated[str, Parameter(name="--as", help="Who acts (directory id); recorded as asserted, not proven.")]


def mount(app: App) -> None:
    """Add this file's commands to `app`."""
    for command in (approve, reject):
        app.command(command)
    approvals_app = App(
        name="approvals", help="Money that waits for a yes: what exactly, how much, who may, until when."
    )
    approvals_app.default(approvals)
    approvals_app.command(show_one, name="show")
    app.command(approvals_app)


@guarded
def approvals(*, common: Common = NO_OPTIONS) -> None:
    """Money that waits for a yes: what exactly, for how much, who may say yes, until when; then what was decided."""
    from fiscus.flows.show_approvals import show_approvals

    show(common, show_approvals(open_home(common)), _listed)


@guarded
def show_one(approval_id: str, /, *, common: Common = NO_OPTIONS) -> None:
    """One question with everything that a yes is for."""
    from fiscus.flows.show_approvals import show_approval

    show(common, show_approval(open_home(common), approval_id), _one)


@guarded
def approve(*ids: str, as_: As, note: str = "", common: Common = NO_OPTIONS) -> int:
    """Say yes to exactly what each one asks. Never by who asked for it, nor by who wrote its policy.

    Parameters
    ----------
    ids
        Approvals (apr-...) or actions (act-...). One that is refused does not stop the next.
    note
        What you say about it; kept with an approval.
    """
    return _each(common, ids, lambda ws, one: _say_yes(ws, one, Actor(as_), note), "said yes to")


@guarded
def reject(*ids: str, as_: As, note: str = "", common: Common = NO_OPTIONS) -> int:
    """Say no: the money of an approval stays unspent; the targets of an action are left alone for two weeks.

    Parameters
    ----------
    ids
        Approvals (apr-...) or actions (act-...). One that is refused does not stop the next.
    note
        Why not; whoever asked is told.
    """
    return _each(common, ids, lambda ws, one: _say_no(ws, one, Actor(as_), note), "said no to")


def _each(common: Common, ids: tuple[str, ...], act: Any, verb: str) -> int:
    from fiscus.kernel.errors import BadInput

    if not ids:
        raise BadInput("No id was given", remedy="`fiscus approvals` and `fiscus actions` list what waits.")
    done: list[tuple[Any, Sequence[Purchase]]] = []
    ws, code = open_home(common), 0
    for one in dict.fromkeys(ids):
        try:
            done.append(act(ws, one))
        except FiscusError as refused:
            if common.json and len(ids) == 1:
                raise
            code = show_error(refused, as_json=False)
    if common.json:
        found = [subject for subject, _ in done]
        say_json(found[0] if len(ids) == 1 else found)
        return code
    for subject, went_on in done:
        say(_said(subject, verb, went_on))
    return code


def _say_yes(ws: Any, subject: str, actor: Actor, note: str) -> tuple[object, Sequence[Purchase]]:
    from fiscus.flows.after_answer import after_answer
    from fiscus.flows.approve_actions import approve_action
    from fiscus.flows.approve_intent import approve_intent
    from fiscus.flows.record_approvals import is_approval

    if not is_approval(subject):
        return approve_action(ws, subject, actor), ()
    approval = approve_intent(ws, subject, actor, note)
    return approval, after_answer(ws, subject)


def _say_no(ws: Any, subject: str, actor: Actor, note: str) -> tuple[object, Sequence[Purchase]]:
    from fiscus.flows.after_answer import after_answer
    from fiscus.flows.approve_actions import reject_action
    from fiscus.flows.approve_intent import reject_intent
    from fiscus.flows.record_approvals import is_approval

    if not is_approval(subject):
        return reject_action(ws, subject, actor, note), ()
    approval = reject_intent(ws, subject, actor, note)
    return approval, after_answer(ws, subject)


def _said(subject: Any, verb: str, went_on: Sequence[Purchase]) -> str:
    from fiscus.actions.types import Action

    if isinstance(subject, Action):
        last = f"{subject.id} {subject.state.lower()} by {subject.journal[-1].actor}."
        return f"{last} Next: fiscus apply {subject.id} --yes --as PERSON" if subject.state == "APPROVED" else last
    return _of_approval(subject, verb, went_on)


def _of_approval(approval: Approval, verb: str, went_on: Sequence[Purchase]) -> str:
    last = f"{approval.steps[-1].actor} {verb} {approval.id}: "
    missing = approval.needed.approvers - len(approval.yes)
    bought = approval.intent.attributes.get("purchase")
    if approval.state != "asked" and (went_on or bought):
        became = " ".join(_what_became(one, approval) for one in went_on)
        return f"{last}{approval.state}. {became or f'Nothing waits for it any more: fiscus purchases show {bought}'}"
    next_ = {
        "asked": f"{missing} more must say yes.",
        "approved": f"approved. Next, by {approval.requested_by}: fiscus decide INTENT.json --approval {approval.id}",
        "rejected": "rejected; nothing is spent.",
    }
    return last + next_[approval.state]


def _what_became(purchase: Purchase, approval: Approval) -> str:
    """What a purchase did by itself once it had its answer, and the command that shows it."""
    waits = "waits on" if purchase.approval_id == approval.id else "is asked anew"
    words: dict[str, str] = {
        "allowed": f"{purchase.id} has gone on by itself and may be bought",
        "denied": f"{purchase.id} may not be bought",
        "asked": f"{purchase.id} {waits}: {purchase.steps[-1].note}",
    }
    done = words.get(purchase.state, f"{purchase.id} is {purchase.state}")
    return f"{done}. Shown by: fiscus purchases show {purchase.id}"


def _one(shown: ApprovalShown) -> None:
    from fiscus.guardrails.approvals.notices import what, why

    approval = shown.line.approval
    say(shown.sentence)
    say()
    for line in what(approval):
        say(f"  {line}")
    say()
    say("Why it needs a yes:")
    for line in why(approval):
        say(f"  {line}")
    say()
    for step in approval.steps:
        said = f": {step.note}" if step.note else ""
        say(f"  {step.at:%Y-%m-%d %H:%M} {step.kind.replace('_', ' ')} by {step.actor} ({step.proof}){said}")
    say(f"  May say yes: {', '.join(shown.line.may_approve) or 'nobody'}. Bound: {approval.digest}")


def _listed(shown: ApprovalsShown) -> None:
    say(shown.sentence)
    say()
    table(
        ("approval", "state", "at most", "", "what", "asked by", "who may say yes", "until, UTC"),
        [
            (
                x.approval.id, x.state, x.approval.intent.amount, x.approval.intent.currency, x.effect,
                x.approval.requested_by, ", ".join(x.may_approve if x.state == "asked" else x.approval.yes) or "-",
                f"{x.approval.expires_at:%d %b %H:%M}",
            )
            for x in shown.lines
        ],
        "Nobody has asked for an approval. `fiscus decide` asks where a policy or a cap says so.",
    )  # fmt: skip
