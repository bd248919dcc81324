"""Commands that show what stands, decide, approve and act. Whatever changes the world is a dry run unless --yes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from fiscus.edges.cli.terminal import NO_OPTIONS, Common, guarded, open_home, read_text, say, say_json
from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import BadInput

As = Annotated[str, Parameter(name="--as", help="The person who acts (directory id); recorded as asserted, not proven.")]
DECIDE_EXIT = {"allow": 0, "warn": 0, "degrade": 0, "require_approval": 3, "deny": 4}


def mount(app: App) -> None:
    """Add this file's commands to `app`."""
    commands: tuple[Callable[..., int], ...] = (
        status, owners, budgets, findings, cases, actions, decide, approve, reject, apply, undo,
    )  # fmt: skip
    for command in commands:
        app.command(command)
    case_app = App(name="case", help="Acknowledge or close a case.")
    case_app.command(ack)
    case_app.command(close)
    app.command(case_app)
    evidence_app = App(name="evidence", help="Check the chain of evidence.")
    evidence_app.command(verify)
    app.command(evidence_app)


def _show(common: Common, value: Any, text: Callable[[Any], None]) -> None:
    say_json(value) if common.json else text(value)


@guarded
def status(*, common: Common = NO_OPTIONS) -> None:
    """What needs someone now, sorted by money and urgency."""
    from fiscus.edges.cli.show_text import today_text
    from fiscus.flows.show_today import show_today

    _show(common, show_today(open_home(common)), today_text)


@guarded
def owners(*, common: Common = NO_OPTIONS) -> None:
    """Who owns what, unowned money as a line of its own."""
    from fiscus.edges.cli.show_text import owners_text
    from fiscus.flows.show_owners import show_owners

    _show(common, show_owners(open_home(common)), owners_text)


@guarded
def budgets(*, common: Common = NO_OPTIONS) -> None:
    """Every budget: actual, forecast with its interval, P(breach), headroom."""
    from fiscus.edges.cli.show_text import budgets_text
    from fiscus.flows.show_budgets import show_budgets

    _show(common, show_budgets(open_home(common)), budgets_text)


@guarded
def findings(*, common: Common = NO_OPTIONS) -> None:
    """Open findings, largest money first."""
    from fiscus.edges.cli.show_text import findings_text

    with open_home(common).state.read() as tx:
        found = sorted(tx.findings.all(), key=lambda finding: -finding.amount)
    _show(common, found, findings_text)


@guarded
def cases(*, common: Common = NO_OPTIONS) -> None:
    """Cases under escalation: who must act, until when."""
    from fiscus.edges.cli.show_text import cases_text
    from fiscus.flows.show_cases import show_cases

    _show(common, show_cases(open_home(common)), cases_text)


@guarded
def actions(*, common: Common = NO_OPTIONS) -> None:
    """Planned, approved, running and finished actions."""
    from fiscus.edges.cli.show_text import actions_text
    from fiscus.flows.show_actions import show_actions

    _show(common, show_actions(open_home(common)), actions_text)


@guarded
def decide(intent: Path | None = None, /, *, common: Common = NO_OPTIONS) -> int:
    """One verdict on a spend that is asked for, as JSON. Exit 0 allow or warn, 3 needs approval, 4 denied, 2 error.

    Parameters
    ----------
    intent
        A JSON file; standard input when left out.
    """
    from fiscus.flows.decide_intent import decide_intent
    from fiscus.guardrails.intent import parse_intent

    try:
        asked = json.loads(read_text(intent), parse_float=str)
    except (json.JSONDecodeError, UnicodeDecodeError, OSError) as broken:
        raise BadInput(f"The intent is not JSON: {broken}", remedy="See docs/how-to/decide.md for its shape.") from None
    decision = decide_intent(open_home(common), parse_intent(asked))
    say_json(decision)
    return DECIDE_EXIT[decision.verdict]


@guarded
def ack(case_id: str, *, as_: As, note: str = "", common: Common = NO_OPTIONS) -> None:
    """Acknowledge a case: you are on it, the clock stops."""
    from fiscus.flows.escalate_cases import acknowledge_case

    case = acknowledge_case(open_home(common), case_id, Actor(as_), note)
    _show(common, case, lambda c: say(f"{c.id} acknowledged by {as_}: {c.subject.title}"))


@guarded
def close(case_id: str, *, as_: As, note: str = "", common: Common = NO_OPTIONS) -> None:
    """Close a case; it reopens if its cause comes back."""
    from fiscus.flows.escalate_cases import close_case

    case = close_case(open_home(common), case_id, Actor(as_), note)
    _show(common, case, lambda c: say(f"{c.id} closed by {as_}: {c.subject.title}"))


@guarded
def approve(action_id: str, *, as_: As, common: Common = NO_OPTIONS) -> None:
    """Approve exactly what an action's plan says now."""
    from fiscus.flows.approve_actions import approve_action

    action = approve_action(open_home(common), action_id, Actor(as_))
    _show(common, action, lambda a: say(f"{a.id} approved by {as_}. Next: fiscus apply --yes --as PERSON"))


@guarded
def reject(action_id: str, *, as_: As, note: str = "", common: Common = NO_OPTIONS) -> None:
    """Turn an action down; it is not proposed again for a while."""
    from fiscus.flows.approve_actions import reject_action

    action = reject_action(open_home(common), action_id, Actor(as_), note)
    _show(common, action, lambda a: say(f"{a.id} rejected by {as_}."))


@guarded
def apply(action_id: str | None = None, /, *, as_: As, yes: bool = False, common: Common = NO_OPTIONS) -> None:
    """Run approved actions. Without --yes it only shows what would change.

    Parameters
    ----------
    action_id
        One action; all approved ones when left out.
    yes
        Do it.
    """
    from fiscus.edges.cli.show_text import applied_text, preview_text
    from fiscus.flows.apply_actions import apply_action, preview_action

    ws = open_home(common)
    with ws.state.read() as tx:
        ids = [action_id] if action_id else [action.id for action in tx.actions.all(["APPROVED"])]
    if not ids:
        _show(common, [], lambda _: say("Nothing is approved. `fiscus actions` lists what waits for approval."))
    elif yes:
        _show(common, [apply_action(ws, one, Actor(as_)) for one in ids], applied_text)
    else:
        _show(common, [preview_action(ws, one) for one in ids], preview_text)


@guarded
def undo(action_id: str, *, as_: As, common: Common = NO_OPTIONS) -> None:
    """Undo an action that was run: a stopped machine is started again."""
    from fiscus.edges.cli.show_text import applied_text
    from fiscus.flows.undo_actions import undo_action

    _show(common, [undo_action(open_home(common), action_id, Actor(as_))], applied_text)


@guarded
def verify(*, common: Common = NO_OPTIONS) -> int:
    """Check every record of evidence, its chain, its head and its signed checkpoints. Exit 5 when broken."""
    from fiscus.edges.cli.show_text import evidence_text
    from fiscus.flows.verify_evidence import verify_evidence

    report = verify_evidence(open_home(common))
    _show(common, report, evidence_text)
    return 0 if report.ok else 5


