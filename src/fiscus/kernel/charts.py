"""One definition of a chart, rendered to ECharts on the web and to Vega-Lite in print.

Each chart carries the data that it draws, so that the page can show the same numbers as a table.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

ChartKind = Literal["stacked_bars", "fan", "bullet", "band", "line_and_bars", "contribution"]
"""stacked_bars: spend by period, optional budget line. fan: actuals with a 10/50/90 forecast and a budget line.
bullet: one row a budget (actual, held, committed, forecast against amount). band: expected band with the point outside.
line_and_bars: unit cost as line, volume as bars, in two stacked panels. contribution: ranked horizontal bars."""


@dataclass(frozen=True, slots=True)
class ChartSeries:
    """`values` align with the chart's `labels`; None leaves a gap. `role` says what the numbers are."""

    name: str
    values: tuple[Decimal | None, ...]
    role: Literal["actual", "budget", "p10", "p50", "p90", "low", "high", "held", "committed", "volume", "other"] = (
        "actual"
    )


@dataclass(frozen=True, slots=True)
class ChartSpec:
    """`title` is the finding, not the metric's name; `unit` is a currency code or a unit of measure."""

    id: str
    kind: ChartKind
    title: str
    unit: str
    labels: tuple[str, ...]
    series: tuple[ChartSeries, ...]
    note: str = ""
