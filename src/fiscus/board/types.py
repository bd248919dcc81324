"""The contents of a pack: data, not layout. Every number names its query and lake version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from fiscus.kernel.charts import ChartSpec
from fiscus.kernel.rows import Query


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a scope's money buys: `scope` dimension -> accepted values, `volumes` month (2026-10) -> count."""

    name: str
    scope: Mapping[str, tuple[str, ...]]
    volumes: Mapping[str, int]


Kind = Literal["actual", "estimate", "forecast", "count", "share"]


@dataclass(frozen=True, slots=True)
class Kpi:
    """One number. `unit` is a currency code, '%', 'count' or a unit; `low`/`high` an interval; `query` how to recompute it."""

    id: str
    title: str
    value: Decimal | None
    unit: str
    kind: Kind
    finding: str  # what it means, one sentence
    query: Query
    low: Decimal | None = None
    high: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A table with a finding as its title. `columns` are (name, unit); rows hold Decimal, text, date or None."""

    id: str
    layer: Literal["cost", "guardrails", "ownership", "actions", "board"]
    title: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[object, ...], ...]
    query: Query
    note: str = ""
    chart: ChartSpec | None = None


@dataclass(frozen=True, slots=True)
class DecisionRequested:
    """What the board or CFO is asked to decide: amount, owner and by when."""

    text: str
    amount: Decimal
    currency: str
    owner: str
    by: date


@dataclass(frozen=True, slots=True)
class Pack:
    """A report for one month. The same lake version, state and configuration give the same bytes."""

    company: str
    period: str
    as_of: date
    currency: str
    sentence: str  # one sentence of judgement, with money
    kpis: tuple[Kpi, ...]
    exhibits: tuple[Exhibit, ...]
    decisions: tuple[DecisionRequested, ...]
    lake_version: str
    evidence_head: str
    definitions: tuple[tuple[str, str], ...] = field(default_factory=tuple)
