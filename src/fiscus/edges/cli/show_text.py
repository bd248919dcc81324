"""What stands, as text for a terminal of 80 columns: one sentence that says what to do, then the lines that prove it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fiscus.edges.cli.terminal import say, table
from fiscus.kernel.money import display

if TYPE_CHECKING:
    from fiscus.actions.types import Action, ActionPreview
    from fiscus.flows.show_actions import ActionsShown
    from fiscus.flows.show_budgets import BudgetsShown
    from fiscus.flows.show_cases import CasesShown
    from fiscus.flows.show_today import TodayShown
    from fiscus.flows.show_trust import DataTrust
    from fiscus.guardrails.types import Finding

TODAY_LINES = 12  # with its head and foot, `fiscus status` fits 24 lines


def today_text(shown: TodayShown) -> None:
    """The terminal's Today."""
    trust_text(shown.trust)
    say(shown.sentence)
    if shown.reported is not None:
        say(f"All currencies this month: {display(shown.reported.value)} {shown.reported.unit}, by dated rates.")
    say()
    table(
        ("do", "money", "", "what", "who"),
        [
            (x.verb, x.amount, f"{'≈ ' if x.estimate else ''}{x.currency}", x.title, x.who)
            for x in shown.items[:TODAY_LINES]
        ],
        "Nothing waits for anyone.",
    )
    if (more := len(shown.items) - TODAY_LINES) > 0:
        say(f"{more} more: fiscus budgets, cases, findings and actions list them.")


def trust_text(trust: DataTrust) -> None:
    """How far the numbers can be trusted, in one line."""
    stale = f"{len(trust.stale)} of {len(trust.sources)} sources late" if trust.stale else "all sources fresh"
    unowned = next((u.share for u in trust.unowned if u.share is not None), None)
    share = f", {unowned} % unowned this month" if unowned is not None else ""
    say(f"{trust.company} as of {trust.as_of} · lake {trust.lake_version} · {stale}{share}")


class _Whole(int):
    """An amount in whole units, thousands separated."""

    def __str__(self) -> str:
        return f"({-int(self):,})" if self < 0 else f"{int(self):,}"


def budgets_text(shown: BudgetsShown) -> None:
    """Every budget, the largest expected overrun first, each with those inside it; whole units, so that 80 columns hold it."""
    say(shown.sentence)
    say()
    currencies = {line.status.currency for line in shown.lines}
    many = len(currencies) > 1
    head = (*currencies, "amount")[0] if len(currencies) == 1 else "amount"
    table(
        ("budget", head, "actual", "≈unbilled", "≈forecast", "P", "headroom", *([""] if many else []), "state"),
        [
            (
                f"{'  ' * line.depth}{s.budget_id}",
                *(_Whole(round(x)) for x in (s.amount, s.actual, s.unbilled, s.forecast_p50)),
                s.p_breach, _Whole(round(s.headroom)), *([s.currency] if many else []), s.state.replace("_", " "),
            )
            for line, s in ((line, line.status) for line in shown.lines)
        ],
        "No budget has been judged. Write one in budgets/ and run `fiscus run`.",
    )  # fmt: skip


def findings_text(findings: Sequence[Finding]) -> None:
    """Open findings, largest money first."""
    table(
        ("kind", "money", "", "what", "owner", "policy", "level"),
        [(f.kind, f.amount, f.currency, f.title, f.owner, f.policy_id, f.level) for f in findings],
        "No open findings. `fiscus run` judges the newest bills.",
    )


def cases_text(shown: CasesShown) -> None:
    """Cases: who must act, until when."""
    say(shown.sentence)
    say()
    table(
        ("case", "severity", "money", "", "what", "assignee", "at", "goes up"),
        [
            (
                c.id, c.subject.severity, c.subject.amount, c.subject.currency, c.subject.title, c.assignee, c.level,
                f"{c.next_escalation_at:%d %b %H:%M}" if c.next_escalation_at else c.state,
            )
            for c in shown.cases
        ],
        "No case is open.",
    )  # fmt: skip


def actions_text(shown: ActionsShown) -> None:
    """Actions by what they wait for."""
    say(shown.sentence)
    say()
    table(
        ("action", "state", "≈ saves a month", "verified", "", "what", "waits for"),
        [
            (
                x.action.id, x.action.state, x.action.plan.saving_per_month, x.action.verified_saving,
                x.action.plan.currency, f"{x.action.plan.kind}: {x.action.plan.reason}", x.waits_for.replace("_", " "),
            )
            for x in shown.lines
        ],
        "No action is planned. `fiscus run` plans them from findings.",
    )  # fmt: skip


def applied_text(actions: Sequence[Action]) -> None:
    """What became of each action that was run or undone."""
    for action in actions:
        entry = action.journal[-1]
        say(f"{action.id} {action.state}: {entry.note}")
    if any(action.state in {"UNKNOWN", "UNDOING", "SENT"} for action in actions):
        say("Next: `fiscus run` reads back what is not known yet; nothing is sent twice.")


def preview_text(previews: Sequence[ActionPreview]) -> None:
    """A dry run: what would change, and what stands in the way."""
    for preview in previews:
        money = f"≈ {display(preview.saving_per_month)} {preview.currency} a month"
        say(f"{preview.action_id} {preview.kind}: {preview.reason}")
        say(
            f"  saves {money}; {preview.blast_radius}; {preview.reversibility}, undo by {preview.undo_kind or 'nothing'}"
        )
        for target in preview.targets:
            state = "gone" if target.now is None else str(target.now.get("state", "as planned"))
            say(f"  {target.name} ({target.id}) of {target.owner} in {target.environment}: {target.drift or state}")
        for refusal in preview.refusals:
            say(f"  refused by {refusal.belt}: {refusal.message} {refusal.remedy}")
        if preview.note:
            say(f"  {preview.note}")
    say("Nothing was changed. Add --yes to do it.")
