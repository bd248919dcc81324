"""Hits of one source added up: per currency, month, who and where. Currencies are never added to each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from fiscus.guardrails.backtests.types import Hit, Line, Part, Source
from fiscus.guardrails.types import PolicyTarget
from fiscus.kernel.limits import BACKTEST_LARGEST_SHOWN
from fiscus.kernel.money import total
from fiscus.kernel.periods import Month

PRODUCTION: Final = ("prod", "production")


@dataclass(frozen=True, slots=True)
class Counted:
    """What was looked at beside the hits themselves."""

    asked: int
    errors: int = 0
    below: int = 0
    opened: int = 0
    note: str = ""
    cut: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """A policy over one source of history: every hit, not yet added up."""

    source: Source
    target: PolicyTarget | Literal["series"]
    hits: Sequence[Hit]
    counted: Counted


def add_up(trial: Trial) -> Part:
    """The part of a backtest that the hits of `trial` make."""
    hits, counted = trial.hits, trial.counted
    largest = sorted(hits, key=lambda hit: (-hit.amount, hit.day, hit.key))[:BACKTEST_LARGEST_SHOWN]
    return Part(
        source=trial.source,
        target=trial.target,
        asked=counted.asked,
        matched=sum(hit.count for hit in hits),
        errors=counted.errors,
        below=counted.below,
        opened=counted.opened,
        verdicts=dict(sorted(Counter(hit.verdict for hit in hits if hit.verdict).items())),
        totals=_lines(hits, lambda _: "all"),
        production=_lines([hit for hit in hits if hit.environment.casefold() in PRODUCTION], lambda _: "production"),
        months=_by_name(_lines(hits, lambda hit: str(Month.of(hit.day)))),
        people=_lines(hits, _who),
        environments=_lines(hits, lambda hit: hit.environment or "unknown"),
        largest=tuple(largest),
        note=counted.note,
        cut=counted.cut,
    )


def _who(hit: Hit) -> str:
    return (
        f"{hit.owner} ({hit.team})"
        if hit.owner and hit.team and hit.owner != hit.team
        else hit.owner or hit.team or "unowned"
    )


def _lines(hits: Iterable[Hit], name: Callable[[Hit], str]) -> tuple[Line, ...]:
    """Most money first."""
    groups: dict[tuple[str, str], list[Hit]] = {}
    for hit in hits:
        groups.setdefault((name(hit), hit.currency), []).append(hit)
    lines = [
        Line(named, currency, sum(hit.count for hit in mine), total([hit.amount for hit in mine]))
        for (named, currency), mine in groups.items()
    ]
    return tuple(sorted(lines, key=lambda line: (-line.amount, line.name, line.currency)))


def _by_name(lines: Sequence[Line]) -> tuple[Line, ...]:
    return tuple(sorted(lines, key=lambda line: (line.name, line.currency)))
