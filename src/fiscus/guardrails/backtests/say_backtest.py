"""A backtest in one sentence: what would have happened, to how much money, in how many months."""

from __future__ import annotations

from collections.abc import Sequence

from fiscus.guardrails.backtests.types import Line, Part, Window
from fiscus.guardrails.types import Policy
from fiscus.kernel.money import display

_WOULD = {
    "deny": "denied", "require_approval": "held for approval", "degrade": "offered a cheaper way", "warn": "warned",
    "allow": "only counted",
}  # fmt: skip


def sentence_of(policy: Policy, window: Window, parts: Sequence[Part]) -> str:
    """Plain words, money first named per currency."""
    days = f"From {window.start} until {window.end}"
    said = [words for part in parts if (words := _of_part(part))]
    if not any(part.asked for part in parts):
        return f"{days}, there was nothing to try {policy.id} on: nothing of its kind was asked or billed."
    would = "; ".join(said) or "matched nothing"
    cuts = [part.cut for part in parts if part.cut]
    return f"{days}, {policy.id} would have {would}." + (f" That is not all: {'; '.join(cuts)}." if cuts else "")


def _of_part(part: Part) -> str:
    if not part.matched:
        return ""
    money = amounts(part.totals)
    where = f", {amounts(part.production)} of it in production" if part.production else ""
    if part.source == "charges":
        return f"opened {part.opened:,} findings over {part.matched:,} of {part.asked:,} charges, {money}{where}"
    if part.source not in {"decisions", "history"}:
        return f"opened {part.opened:,} findings on {part.source}, {money}{where}"
    verdicts = " and ".join(f"{_WOULD.get(verdict, verdict)} {count:,}" for verdict, count in part.verdicts.items())
    asked = "intents that were asked" if part.source == "decisions" else "intents that history would have asked"
    return f"{verdicts} of {part.asked:,} {asked}, {money}{where}"


def amounts(lines: Sequence[Line]) -> str:
    """Money by currency, as text."""
    return " and ".join(f"{display(line.amount)} {line.currency}" for line in lines) or "no money"
