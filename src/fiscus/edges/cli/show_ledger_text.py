"""The spend ledger as text for a terminal."""

from __future__ import annotations

from fiscus.edges.cli.terminal import say, table
from fiscus.flows.replay_call import CallReplay
from fiscus.flows.replay_decision import Replay
from fiscus.flows.show_ledger import LedgerShown
from fiscus.guardrails.ledger.commands import Settled
from fiscus.kernel.money import display, from_nanos


def ledger_text(shown: LedgerShown) -> None:
    """Sums by currency, open holds, and what is frozen."""
    say(shown.sentence)
    say()
    currencies = sorted({*shown.held, *shown.settled, *shown.charged_unknown, *shown.overruns})
    sums = (shown.held, shown.settled, shown.charged_unknown, shown.overruns)
    rows = [[currency, *(one.get(currency) for one in sums)] for currency in currencies]
    heads = ["currency", "held", "settled", "charged, outcome unknown", "overruns"]
    table(heads, rows, "No money was asked for yet: `fiscus decide` holds what it allows.")
    if shown.holds:
        say()
        lines = [
            [h.id, h.amount, h.currency, f"{h.expires_at:%Y-%m-%d %H:%M}", ", ".join(h.accounts)] for h in shown.holds
        ]
        table(["hold", "amount", "currency", "until (UTC)", "accounts"], lines, "")
    if shown.frozen:
        say()
        table(
            ["frozen", "since (UTC)", "why"],
            [[f.subject, f"{f.since:%Y-%m-%d %H:%M}", f.reason] for f in shown.frozen],
            "",
        )


def settled_text(done: Settled) -> None:
    """What became of a hold."""
    hold = done.hold
    if hold.state == "released":
        say(f"{hold.id} released: {display(from_nanos(hold.bound))} {hold.currency} is free again.")
        return
    estimate = "≈ " if hold.estimate else ""
    say(f"{hold.id} settled at {estimate}{display(from_nanos(hold.settled), 4)} {hold.currency}.")
    if done.overrun:
        frozen = f" Frozen: {', '.join(done.frozen)}." if done.frozen else ""
        say(f"That is {display(from_nanos(done.overrun), 4)} {hold.currency} above what was held.{frozen}")


def replay_text(found: Replay) -> None:
    """Whether it is the same, and what is not."""
    if found.call is not None:
        _call_text(found.call)
    if found.same:
        say(f"{found.decision_id}: {found.verdict}, as it was answered (rulebook {found.rulebook[:12]}).")
        return
    say(f"{found.decision_id}: answered {found.verdict}, replayed {found.replayed}.")
    for difference in found.differences:
        say(f"  {difference}")


def _call_text(call: CallReplay) -> None:
    """What was asked, what judged it, and what it rests on."""
    asked = call.asked
    stated = ", ".join(f"{name}={value}" for name, value in sorted(asked.attributes.items()))
    say(f"Asked by {asked.requested_by} for {asked.team or 'no team'} in {asked.environment}: {stated}.")
    spoke = [one for one in call.policies if one.result != "no_match"]
    words = "; ".join(f"{one.policy_id}@{one.version}: {one.verdict}" for one in spoke)
    say(f"{len(call.policies)} policies were asked. {words or 'None of them had anything to say'}.")
    for sentence in call.rests_on:
        say(sentence)
    say("Proven by the chain." if call.proven else "Not proven by the chain.")
