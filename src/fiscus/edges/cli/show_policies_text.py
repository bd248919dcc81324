"""Explanations, backtests and differences of policies as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fiscus.edges.cli.terminal import say, table

if TYPE_CHECKING:
    from fiscus.flows.diff_policies import PoliciesDiff, PolicyChange
    from fiscus.flows.explain_policy import PolicyExplained
    from fiscus.guardrails.backtests.types import Backtest, Part
    from fiscus.guardrails.explanations.explain import Explanation, Term

LARGEST_SHOWN = 8
_MARK = {"true": "✓", "false": "✗", "error": "?"}
_JOINED = {"all": "all of", "any": "any of", "not": "not"}
_SOURCE = {
    "charges": "charges", "decisions": "decisions that were given", "history": "history asked as intents",
    "budgets": "budgets as they stood", "resources": "resources as they stood", "anomalies": "anomalies",
    "invoices": "invoices as they stood", "series": "series",
}  # fmt: skip


def demands_text(shown: PolicyExplained) -> None:
    """What a policy demands."""
    say(f"{shown.policy_id} ({shown.level}, {shown.owner}): {shown.title}")
    say(shown.reason)
    for target, words in shown.says.items():
        say(f"  on {target}, when {words}")
    for sentence in shown.asks:
        say(sentence)
    say(f"Then: {shown.remedy}")
    say(f"It stands in {shown.file}, line {shown.line}; this is version {shown.version}.")


def explanation_text(shown: Explanation) -> None:
    """The verdict first, then each term."""
    say(shown.sentence)
    say(f"About: {shown.about}")
    for term in shown.terms:
        _term(term, 1)


def _term(term: Term, depth: int) -> None:
    space = "  " * depth
    if term.terms:
        say(f"{space}{_MARK[term.answer]} {term.answer}: {_JOINED[term.joined]}")
        for one in term.terms:
            _term(one, depth + 1)
        return
    values = "; ".join(f"{name} is {value}" for name, value in term.values.items())
    why = f" ({term.why})" if term.why else ""
    say(f"{space}{_MARK[term.answer]} {term.answer}: {term.says}{why}{f'   [{values}]' if values else ''}")


def backtests_text(done: Sequence[Mapping[str, Any]]) -> None:
    """Each backtest, with what it rests on."""
    for item in done:
        backtest: Backtest = item["backtest"]
        say(f"{backtest.policy_id} {backtest.version} ({backtest.level}): {backtest.title}")
        say(backtest.sentence)
        for part in backtest.parts:
            _part(part)
        say(f"Rests on lake {backtest.lake_version}; recorded with result {item['digest'][:12]}.")
        say()


def _part(part: Part) -> None:
    say()
    say(
        f"Over {_SOURCE[part.source]} ({part.target}): {part.matched:,} of {part.asked:,} match, "
        f"{part.errors:,} without an answer, {part.below:,} groups under the minimum."
    )
    if part.note:
        say(f"  {part.note}")
    if part.cut:
        say(f"  Not all: {part.cut}.")
    if not part.matched:
        return
    table(("month", "matched", "money", ""), [(x.name, x.matched, x.amount, x.currency) for x in part.months], "")
    say()
    table(
        ("whose", "matched", "money", ""),
        [(x.name, x.matched, x.amount, x.currency) for x in part.people[:LARGEST_SHOWN]],
        "",
    )
    say()
    table(
        ("largest", "money", "", "verdict", "environment", "who"),
        [
            (x.title, x.amount, x.currency, x.verdict or "finding", x.environment, x.owner or x.team)
            for x in part.largest[:LARGEST_SHOWN]
        ],
        "",
    )
    say("  --json gives twenty of them with the query of their rows; the page of the policy opens them.")


def diff_text(shown: PoliciesDiff) -> None:
    """Each change with what it would have meant."""
    for change in shown.changes:
        _change(change)
    say(f"{len(shown.changes)} policies differ, {shown.same} are the same.")


def _change(change: PolicyChange) -> None:
    from fiscus.guardrails.backtests.say_backtest import amounts

    say(f"{change.change}: {change.policy_id}")
    tried = [one for one in (change.before, change.after) if one]
    for cut in dict.fromkeys(part.cut for one in tried for part in one.parts if part.cut):
        say(f"    not all: {cut}")
    for field in change.fields:
        say(f"    {field.name}: {field.before!r} becomes {field.after!r}")
    for name, parts in (("newly matches", change.newly), ("no longer matches", change.no_longer)):
        for part in parts:
            if part.matched:
                say(f"    {name} {part.matched:,} of {_SOURCE[part.source]}, {amounts(part.totals)}")
    if change.change == "changed" and not any(part.matched for part in (*change.newly, *change.no_longer)):
        say("    nothing that it matched in the window is different")
