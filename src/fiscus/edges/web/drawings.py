"""What is drawn: a chart's data for the browser, and bullet bars as plain SVG. A drawing rounds; the table beside it does not."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from fiscus.flows.show_budgets import BudgetLine
from fiscus.kernel.charts import ChartSpec
from fiscus.kernel.money import ZERO

SCALE_PERCENT = 150  # a bullet bar ends here; its amount stands at 100, so that bars of any size compare


def island(chart: ChartSpec) -> dict[str, object]:
    """The chart as JSON for charts.js: numbers only, no text that would be taken for markup."""
    return {
        "id": chart.id,
        "kind": chart.kind,
        "unit": chart.unit,
        "labels": list(chart.labels),
        "series": [
            {"name": s.name, "role": s.role, "values": [None if v is None else float(v) for v in s.values]}
            for s in chart.series
        ],
    }


@dataclass(frozen=True, slots=True)
class Bar:
    """One piece of a bullet bar, in percent of the budget's amount."""

    kind: str
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Bullet:
    """A budget on the scale 0 to 150 % of its amount. `beyond`: something ends past the scale."""

    bars: tuple[Bar, ...]
    low: float
    mid: float
    high: float
    beyond: bool
    forecast: str  # its middle in percent, as text
    label: str
    sure_from: float = 0.0  # where what is spent and not billed ends: 80 % between here ...
    sure_to: float = 0.0  # ... and here


def bullet(line: BudgetLine) -> Bullet:
    """Actual, unbilled, held and committed one after the other; the forecast as a range with its middle."""
    status = line.status
    bars, start = [], 0.0
    for kind, amount in (
        ("actual", status.actual),
        ("unbilled", status.unbilled),
        ("held", status.held),
        ("committed", status.committed),
    ):
        width = max(_percent(amount, status.amount), 0.0)
        bars.append(Bar(kind, min(start, SCALE_PERCENT), max(min(width, SCALE_PERCENT - start), 0.0)))
        start += width
    low, mid, high = (
        _percent(x, status.amount) for x in (status.forecast_p10, status.forecast_p50, status.forecast_p90)
    )
    low_unbilled, high_unbilled = (
        _percent(max(status.actual + x, ZERO), status.amount) for x in (status.unbilled_p10, status.unbilled_p90)
    )
    return Bullet(
        bars=tuple(bar for bar in bars if bar.width > 0),
        low=_inside(low),
        mid=_inside(mid),
        high=_inside(high),
        beyond=max(start, high) > SCALE_PERCENT,
        forecast=f"{mid:.0f}",
        label=f"{line.used if line.used is not None else 0} % used, forecast {low:.0f} to {high:.0f} %",
        sure_from=_inside(low_unbilled),
        sure_to=_inside(high_unbilled),
    )


def _percent(part: Decimal, whole: Decimal) -> float:
    return float(part / whole * 100) if whole > 0 else float(SCALE_PERCENT + 1 if part > 0 else 0)


def _inside(value: float) -> float:
    return min(max(value, 0.0), float(SCALE_PERCENT))
