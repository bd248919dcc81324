"""Commands that decide and act. Whatever changes the world outside is a dry run unless --yes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from fiscus.edges.cli.terminal import (
    NO_OPTIONS,
    Common,
    guarded,
    open_home,
    read_request,
    say,
    say_json,
    show,
    show_error,
)
from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import FiscusError

As = Annotated[str, Parameter(name="--as", help="Who acts (directory id); recorded as asserted, not proven.")]
DECIDE_EXIT = {"allow": 0, "warn": 0, "degrade": 0, "require_approval": 3, "deny": 4}


def mount(app: App) -> None:
    """Add this file's commands to `app`."""
    for command in (decide, apply, undo):
        app.command(command)
    case_app = App(name="case", help="Acknowledge or close a case.")
    case_app.command(ack)
    case_app.command(close)
    app.command(case_app)
    actions_app = App(name="actions", help="Planned, approved, running and finished actions; pause and resume them.")
    actions_app.default(actions)
    actions_app.command(pause)
    actions_app.command(resume)
    app.command(actions_app)


@guarded
def decide(intent: Path | None = None, /, *, key: str = "", approval: str = "", common: Common = NO_OPTIONS) -> int:
    """One verdict on a spend that is asked for, as JSON. Exit 0 allow or warn, 3 needs approval, 4 denied, 2 error.

    Parameters
    ----------
    intent
        A JSON file; standard input when left out.
    key
        Your own name for this request: asking again with it is answered as before, and holds nothing twice.
    approval
        The id of an approval (apr-...) that was given to exactly this; it is used up.
    """
    from fiscus.flows.decide_intent import decide_intent
    from fiscus.flows.deliver_notices import deliver_about
    from fiscus.guardrails.decisions.intent import parse_intent

    asked = read_request(intent, "intent", "docs/how-to/decide.md")
    ws = open_home(common)
    decision = decide_intent(ws, parse_intent(asked), key=key, approval_id=approval)
    if decision.approval_id:
        deliver_about(ws, decision.approval_id)
    say_json(decision)
    return DECIDE_EXIT[decision.verdict]


@guarded
def ack(case_id: str, /, *, as_: As, note: str = "", common: Common = NO_OPTIONS) -> None:
    """Acknowledge a case: you are on it, the clock stops."""
    from fiscus.flows.escalate_cases import acknowledge_case

    case = acknowledge_case(open_home(common), case_id, Actor(as_), note)
    show(common, case, lambda c: say(f"{c.id} acknowledged by {as_}: {c.subject.title}"))


@guarded
def close(case_id: str, /, *, as_: As, note: str = "", common: Common = NO_OPTIONS) -> None:
    """Close a case; it reopens if its cause comes back."""
    from fiscus.flows.escalate_cases import close_case

    case = close_case(open_home(common), case_id, Actor(as_), note)
    show(common, case, lambda c: say(f"{c.id} closed by {as_}: {c.subject.title}"))


@guarded
def actions(*, common: Common = NO_OPTIONS) -> None:
    """Planned, approved, running and finished actions."""
    from fiscus.edges.cli.show_text import actions_text
    from fiscus.flows.show_actions import show_actions

    show(common, show_actions(open_home(common)), actions_text)


@guarded
def pause(*, as_: As, note: str = "", common: Common = NO_OPTIONS) -> None:
    """Stop every action that has not been sent yet, on every worker, until `fiscus actions resume`."""
    from fiscus.flows.pause_actions import pause_actions

    pause_actions(open_home(common), Actor(as_), note)
    show(common, {"paused": True}, lambda _: say("Paused: nothing is sent until `fiscus actions resume`."))


@guarded
def resume(*, as_: As, note: str = "", common: Common = NO_OPTIONS) -> None:
    """Let actions be sent again."""
    from fiscus.flows.pause_actions import resume_actions

    resume_actions(open_home(common), Actor(as_), note)
    show(common, {"paused": False}, lambda _: say("Actions may be sent again."))


@guarded
def apply(action_id: str | None = None, /, *, as_: As, yes: bool = False, common: Common = NO_OPTIONS) -> int:
    """Run approved actions. Without --yes it only shows what would change. One that is refused does not stop the next.

    Parameters
    ----------
    action_id
        One action; all approved ones when left out.
    yes
        Do it.
    """
    from fiscus.actions.types import Action
    from fiscus.edges.cli.show_text import applied_text, preview_text
    from fiscus.flows.apply_actions import apply_action, preview_action

    ws = open_home(common)
    with ws.state.read() as tx:
        ids = [action_id] if action_id else [action.id for action in tx.actions.all(["APPROVED"])]
    if not ids:
        show(common, [], lambda _: say("Nothing is approved. `fiscus actions` lists what waits for approval."))
        return 0
    if not yes:
        show(common, [preview_action(ws, one) for one in ids], preview_text)
        return 0
    done, code = list[Action](), 0
    for one in ids:
        try:
            done.append(apply_action(ws, one, Actor(as_)))
        except FiscusError as refused:
            code = show_error(refused, as_json=False)
    show(common, done, applied_text)
    return code


@guarded
def undo(action_id: str, /, *, as_: As, common: Common = NO_OPTIONS) -> None:
    """Undo an action that was run: a stopped machine is started again."""
    from fiscus.edges.cli.show_text import applied_text
    from fiscus.flows.undo_actions import undo_action

    show(common, [undo_action(open_home(common), action_id, Actor(as_))], applied_text)
