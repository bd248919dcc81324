"""The cost layer: what the month cost, by whom it was billed, how it moved, and the commitments in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, cast

from fiscus.board.figures import added, day, less, money, percent, plural, room_query, share
from fiscus.board.frame import Frame
from fiscus.board.types import ESTIMATE, Exhibit, Kpi
from fiscus.kernel.charts import ChartSeries, ChartSpec
from fiscus.kernel.money import ZERO
from fiscus.kernel.periods import midnight
from fiscus.kernel.rows import Query, Rows
from fiscus.signals.forecast import forecast_period
from fiscus.signals.types import DailySeries, Forecast

HISTORY_DAYS: Final = 126  # what a forecast learns from
MONTHS_SHOWN: Final = 13
SERIES_SHOWN: Final = 6
ENDED_DAYS: Final = 3  # a commitment without a charge for so long has ended; vendors bill a day or two late


def by_provider_query(frame: Frame) -> Query:
    """sql/spend_by_provider.sql for the pack's month."""
    return room_query("spend_by_provider", frame.params())


def by_currency_query(frame: Frame) -> Query:
    """sql/spend_by_currency.sql for the pack's month."""
    return room_query("spend_by_currency", {k: v for k, v in frame.params().items() if k in {"start", "until"}})


def by_month_query(frame: Frame) -> Query:
    """sql/spend_by_month.sql over the last thirteen months."""
    since = frame.period.shift(1 - MONTHS_SHOWN).start
    params = {"currency": frame.currency, "since": midnight(since), "until": midnight(frame.end)}
    return room_query("spend_by_month", params)


def daily_query(frame: Frame) -> Query:
    """sql/daily_spend.sql over what a forecast learns from and the month itself."""
    since = min(frame.start, frame.end - timedelta(days=HISTORY_DAYS))
    params = {"currency": frame.currency, "since": midnight(since), "until": midnight(frame.end)}
    return room_query("daily_spend", params)


def commitments_query(frame: Frame) -> Query:
    """sql/commitments.sql for the month and the one before."""
    params = {k: v for k, v in frame.params().items() if k != "before_until"}
    return room_query("commitments", params)


def provider_exhibit(rows: Rows, query: Query, frame: Frame) -> Exhibit:
    """Providers, largest first; the lines sum to the month."""
    lines = [
        (str(name), cast("Decimal", cost), cast("Decimal", before), int(cast("int", charges)))
        for name, cost, before, charges in rows.rows
    ]
    whole, earlier = added(cost for _, cost, _, _ in lines), added(before for _, _, before, _ in lines)
    moved = max(lines, key=lambda line: abs(line[1] - line[2]), default=None)
    title = f"{frame.name} cost {money(whole, frame.currency)}"
    if moved is not None and earlier:
        verb = "more" if moved[1] >= moved[2] else "less"
        title += (
            f"; {moved[0]} moved most, {money(abs(moved[1] - moved[2]), frame.currency)} {verb} than the month before"
        )
    body = tuple(
        (name, cost, share(cost, whole), before, less(cost, before), share(less(cost, before), before), charges)
        for name, cost, before, charges in lines
    )
    unit = frame.currency
    columns = (
        ("provider", "text"), ("cost", unit), ("share %", "%"), ("month before", unit), ("change", unit), ("change %", "%"),
        ("charges", "count"),
    )  # fmt: skip
    note = "Month before: the same number of days of it." if frame.partial else "Month before: the whole month."
    return Exhibit("spend-by-provider", "cost", title, columns, body, query, note)


def currency_exhibit(rows: Rows, query: Query, frame: Frame) -> Exhibit:
    """Each billing currency on its own line: never added up, never converted."""
    others = [str(row[0]) for row in rows.rows if row[0] != frame.currency]
    title = f"All spend is billed in {frame.currency}"
    if others:
        converted = f"the next table has it in {frame.reporting}" if frame.reporting else "nothing is converted"
        title = f"{', '.join(others)} stands apart: {converted}, and budgets of {frame.currency} do not hold it"
    columns = (
        ("currency", "text"), ("effective cost", "own currency"), ("billed cost", "own currency"), ("tax in it", "own currency"),
        ("credits in it", "own currency"), ("charges", "count"),
    )  # fmt: skip
    return Exhibit("spend-by-currency", "cost", title, columns, rows.rows, query)


def month_exhibit(rows: Rows, query: Query, frame: Frame, budget: Decimal | None) -> Exhibit:
    """Months by service category, the smaller categories as one; a chart with the company's monthly budget as a line."""
    cells: dict[tuple[date, str], Decimal] = {}
    for month, category, cost in cast("Sequence[tuple[date, str, Decimal]]", rows.rows):
        cells[month, category] = cost
    months = sorted({month for month, _ in cells})
    ranked = sorted(
        {category for _, category in cells}, key=lambda c: (-added(v for (_, k), v in cells.items() if k == c), c)
    )
    top, rest = ranked[:SERIES_SHOWN], ranked[SERIES_SHOWN:]
    names = [*top, *(["all other"] if rest else [])]

    def of(month: date, name: str) -> Decimal:
        if name == "all other" and rest:
            return added(cells.get((month, c), ZERO) for c in rest)
        return cells.get((month, name), ZERO)

    body = tuple(
        (f"{month:%Y-%m}", *(of(month, name) for name in names), added(of(month, name) for name in names))
        for month in months
    )
    labels = tuple(f"{month:%Y-%m}" for month in months)
    series = [ChartSeries(name, tuple(of(month, name) for month in months)) for name in names]
    if budget is not None:
        series.append(ChartSeries("monthly budget", tuple(budget for _ in months), "budget"))
    title = _month_title(body, frame)
    chart = ChartSpec("spend-by-month", "stacked_bars", title, frame.currency, labels, tuple(series))
    columns = (("month", "text"), *((name, frame.currency) for name in names), ("total", frame.currency))
    note = f"{frame.period} is counted to {day(frame.end - timedelta(days=1))}." if frame.partial else ""
    return Exhibit("spend-by-month", "cost", title, columns, body, query, note, chart if months else None)


def _month_title(body: Sequence[tuple[object, ...]], frame: Frame) -> str:
    if not body:
        return "There is no spend to show"
    whole = [
        (str(row[0]), cast("Decimal", row[-1])) for row in body if not (frame.partial and row[0] == str(frame.period))
    ]
    if len(whole) < 2:
        return f"{body[-1][0]} cost {money(cast('Decimal', body[-1][-1]), frame.currency)}; there is no whole month to compare"
    (first, start), (last, end) = whole[0], whole[-1]
    moved = "rose" if end >= start else "fell"
    change = f"{percent(share(abs(less(end, start)), start))}" if start else "from nothing"
    return f"Monthly spend {moved} {change} between {first} and {last}, to {money(end, frame.currency)}"


def total_forecast(rows: Rows, frame: Frame) -> Forecast | None:
    """The month's total as it will end, from the company's daily spend; None for a month that is over or without days.

    A day of which a source has delivered a part only is one that has not landed, and no fall.
    """
    whole = min(frame.partial_since.values(), default=frame.end)
    by_day = {cast("date", when): cast("Decimal", cost) for when, cost in rows.rows if cast("date", when) < whole}
    if not by_day or not frame.partial:
        return None
    first, last = min(by_day), max(by_day)
    values = tuple(by_day.get(first + timedelta(days=n), ZERO) for n in range((last - first).days + 1))
    series = DailySeries(f"company|{frame.currency}", frame.currency, first, values)
    return forecast_period(series, frame.period.end, frame.as_of, None, period_start=frame.start)


def spend_kpis(rows: Rows, query: Query, frame: Frame, forecast: Forecast | None, daily: Query) -> tuple[Kpi, ...]:
    """What the month cost, and how it will end."""
    mine = next((row for row in rows.rows if row[0] == frame.currency), None)
    cost, tax, credit = (cast("Decimal", mine[n]) for n in (1, 3, 4)) if mine else (ZERO, ZERO, ZERO)
    said = f"Tax {money(tax, frame.currency)}, credits {money(credit, frame.currency)} are in it."
    spend = Kpi("spend", f"Spend, {frame.name}", cost, frame.currency, "actual", said, query)
    if forecast is None:
        over = "The month is over: nothing is left to forecast."
        return spend, Kpi("forecast", "Month-end forecast", None, frame.currency, "forecast", over, daily)
    low, high = forecast.total_p10, forecast.total_p90
    said = "8 in 10 simulated paths end in this range; tax of the month's end is not in it."
    value = forecast.total_p50
    return spend, Kpi("forecast", "Month-end forecast", value, frame.currency, "forecast", said, daily, low, high)


def commitment_exhibit(rows: Rows, query: Query, frame: Frame) -> Exhibit:
    """Commitments with the money that nobody used, largest first."""
    body, ended = [], []
    for name, provider, used, unused, last in cast("Sequence[tuple[str, str, Decimal, Decimal, date]]", rows.rows):
        over = (frame.end - last).days > ENDED_DAYS
        if over:
            ended.append(name)
        paid = added([used, unused])
        body.append((name, provider, used, unused, share(used, paid), last, "ended" if over else "running"))
    waste = added(row[3] for row in body)
    title = "No commitment was charged in this month or the one before"
    if body:
        title = f"{money(waste, frame.currency)} of commitments went unused"
        title += f"; {', '.join(ended)} has ended, decide on a renewal" if ended else ""
    columns = (
        ("commitment", "text"), ("provider", "text"), ("used", frame.currency), ("unused", frame.currency),
        ("used %", "%"), ("last charge", "date"), ("state", "text"),
    )  # fmt: skip
    note = "Expiry dates stand in the FOCUS Contract Commitment data set, which is not loaded; ended is told by the charges."
    return Exhibit("commitments", "cost", title, columns, tuple(body), query, note)


def commitment_kpi(exhibit: Exhibit, frame: Frame) -> Kpi:
    """What was paid for commitments and not used."""
    waste = added(cast("Decimal", row[3]) for row in exhibit.rows)
    ended = sum(row[6] == "ended" for row in exhibit.rows)
    said = f"{plural(len(exhibit.rows), 'commitment')}, {ended} ended." if exhibit.rows else "None is charged."
    return Kpi("commitments-unused", "Commitments unused", waste, frame.currency, "actual", said, exhibit.query)


def estimate(unit: str) -> str:
    """The unit of a column that holds no actuals."""
    return ESTIMATE + unit
