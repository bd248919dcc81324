"""The noun of trying a policy on history: a backtest, with its months, its people, and its rows one click away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from fiscus.guardrails.types import Level, PolicyTarget
from fiscus.kernel.canonical import digest
from fiscus.kernel.rows import Query

Source = Literal["charges", "decisions", "history", "budgets", "resources", "anomalies", "invoices", "series"]


@dataclass(frozen=True, slots=True)
class Window:
    """The days that are looked at, [start, end), and how many months were asked for."""

    start: date
    end: date
    months: int


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that the policy would have matched. `query` shows its rows; `decision_id` names the decision that it was.

    `count`: charges behind it, 1 for an intent. `verdict`: what it would have contributed; empty for what is only observed.
    """

    key: str
    title: str
    day: date
    owner: str
    team: str
    environment: str
    amount: Decimal
    currency: str
    count: int
    verdict: str = ""
    query: Query | None = None
    decision_id: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """Matches added up under one heading (a month, an owner with a team, an environment), in one currency."""

    name: str
    currency: str
    matched: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Part:
    """A policy over one source of history.

    `asked`: intents, budgets or charges that were looked at. `matched` and `errors` count the same; `below` counts groups of
    charges under the policy's minimum. `opened`: findings that it would have opened. `verdicts`: verdict -> intents.
    `cut`: where there was more than one backtest looks at, what it was tried on instead of all; empty where it was all.
    """

    source: Source
    target: PolicyTarget | Literal["series"]
    asked: int
    matched: int
    errors: int
    below: int
    opened: int
    verdicts: Mapping[str, int]
    totals: tuple[Line, ...]
    production: tuple[Line, ...]
    months: tuple[Line, ...]
    people: tuple[Line, ...]
    environments: tuple[Line, ...]
    largest: tuple[Hit, ...]
    note: str = ""
    cut: str = ""


@dataclass(frozen=True, slots=True)
class Backtest:
    """What one version of one policy would have done in a window, over one version of the lake."""

    policy_id: str
    version: str
    title: str
    level: Level
    window: Window
    lake_version: str
    parts: tuple[Part, ...]
    sentence: str = ""

    @property
    def digest(self) -> str:
        """Names the result: the same policy over the same history gives the same."""
        return digest([self.policy_id, self.version, self.window, self.lake_version, self.parts])


@dataclass(frozen=True, slots=True)
class Recorded:
    """That a version of a policy was tried, or that its going hard without it was forced. Stored as a fact, with evidence."""

    policy_id: str
    version: str
    how: Literal["backtest", "force"]
    at: str
    by: str
    lake_version: str
    window: str
    result: str  # digest of the backtest; of a force, its reason
    summary: Mapping[str, object] = field(default_factory=dict)
