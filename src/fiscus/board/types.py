"""The contents of a pack: data, not layout. Every number names its query and its basis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from fiscus.kernel.canonical import digest
from fiscus.kernel.charts import ChartSpec
from fiscus.kernel.rows import Query


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a scope's money buys: `scope` dimension -> accepted values, `volumes` month (2026-10) -> count.

    `unit`: a kind of units of work instead of volumes; those that came to `result` (empty: to anything) are counted.
    """

    name: str
    scope: Mapping[str, tuple[str, ...]]
    volumes: Mapping[str, int]
    unit: str = ""
    result: str = ""


Kind = Literal["actual", "estimate", "forecast", "count", "share"]
Basis = Literal["lake", "state"]
"""lake: `query` runs over the view `charges` at the pack's lake version. state: over the state store's tables, at the pack's
evidence head; a few fields of such a query are read out of the record's JSON (`document`)."""

Layer = Literal["cost", "guardrails", "ownership", "actions", "board"]
ESTIMATE = "≈ "  # a unit that starts so is of an estimate or a forecast; whoever draws it marks each number


@dataclass(frozen=True, slots=True)
class Kpi:
    """One number. `unit` is a currency code, '%', 'count', 'P' or words; `low`/`high` an interval; `query` recomputes it."""

    id: str
    title: str
    value: Decimal | None
    unit: str
    kind: Kind
    finding: str  # what it means, one sentence
    query: Query
    low: Decimal | None = None
    high: Decimal | None = None
    basis: Basis = "lake"


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A table with a finding as its title. `columns` are (name, unit); rows hold Decimal, int, text, date or None.

    A unit is a currency code, '%', 'count', 'P', 'text', 'date' or words; with ESTIMATE in front it is no actual.
    """

    id: str
    layer: Layer
    title: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[object, ...], ...]
    query: Query
    note: str = ""
    chart: ChartSpec | None = None
    basis: Basis = "lake"

    @property
    def content_digest(self) -> str:
        """SHA-256 of columns and rows: the same table, the same hash, on paper and in the workbook."""
        return digest([self.columns, self.rows])


@dataclass(frozen=True, slots=True)
class DecisionRequested:
    """What the board or CFO is asked to decide: amount, owner and by when."""

    text: str
    amount: Decimal
    currency: str
    owner: str
    by: date
    estimate: bool = False  # `amount` is a forecast or a promise, not yet spent


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
    partial: bool = False  # the month has not ended, or not all of it had landed, on the as-of day
    simulated: tuple[str, ...] = ()  # what stands in for a vendor or a company here
    config_digest: str = ""
    judged_as_of: date | None = None  # the day that budgets were judged on, where that is another than `as_of`
