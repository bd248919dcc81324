"""What a unit costs: a million tokens by model, and what the company gets for its money."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, cast

from fiscus.board.figures import added, less, money, moved, room_query, share
from fiscus.board.frame import Frame
from fiscus.board.scope_spend import scope_where
from fiscus.board.types import Exhibit, Kpi, Outcome
from fiscus.kernel.charts import ChartSeries, ChartSpec
from fiscus.kernel.money import EXACT, display
from fiscus.kernel.periods import Month, midnight
from fiscus.kernel.rows import Query, Rows
from fiscus.kernel.sql_text import sql_text
from fiscus.signals.types import UnitCost
from fiscus.signals.unit_cost import explain_change, unit_cost

MILLION: Final = Decimal(10**6)
TOKENS: Final = "million tokens"
OUTCOME_MONTHS: Final = 13
_CENT_OF_CENT: Final = Decimal("0.0001")


def ai_query(frame: Frame) -> Query:
    """sql/ai_unit_cost.sql for the month and the whole month before."""
    params = {k: v for k, v in frame.params().items() if k != "before_until"}
    return room_query("ai_unit_cost", params)


def ai_exhibit(rows: Rows, query: Query, frame: Frame) -> tuple[Exhibit, Kpi]:
    """Cost of a million tokens by provider and model, against the month before."""
    lines = cast("Sequence[tuple[str, str, Decimal, Decimal, Decimal, Decimal]]", rows.rows)
    lines = [line for line in lines if line[2] or line[3]]
    body = []
    for provider, model, cost, tokens, cost_before, tokens_before in lines:
        price, earlier = _price(cost, tokens, frame), _price(cost_before, tokens_before, frame)
        change = share(less(price, earlier), earlier) if price is not None and earlier else None
        body.append((provider, model, cost, _millions(tokens), price, earlier, change))
    cost, tokens = added(line[2] for line in lines), added(line[3] for line in lines)
    price = _price(cost, tokens, frame)
    earlier = _price(added(line[4] for line in lines), added(line[5] for line in lines), frame)
    unit = f"{frame.currency} per {TOKENS}"
    columns = (
        ("provider", "text"), ("model", "text"), ("cost", frame.currency), ("tokens", "millions"), ("price", unit),
        ("price, month before", unit), ("change %", "%"),
    )  # fmt: skip
    title = f"No AI service was billed by tokens in {frame.name}"
    say = "No charge of an AI service is measured in tokens."
    if price is not None:
        trend = f", {moved(share(less(price, earlier), earlier))} on the month before" if earlier else ""
        title = f"A million tokens cost {frame.currency} {display(price, 4)}{trend}"
        say = f"{money(cost, frame.currency)} for {display(_millions(tokens), 0)} million tokens{trend}."
    note = f"Prices in {unit}: EffectiveCost over ConsumedQuantity, the whole month before beside it."
    exhibit = Exhibit("ai-unit-cost", "cost", title, columns, tuple(body), query, note)
    return exhibit, Kpi("ai-unit-cost", "AI, a million tokens", price, unit, "actual", say, query)


def outcome_query(outcome: Outcome, frame: Frame, promoted: Sequence[str]) -> Query:
    """sql/outcome_cost.sql over the last thirteen months of the outcome's scope."""
    where, bound = scope_where(outcome.scope, promoted)
    since = frame.period.shift(1 - OUTCOME_MONTHS).start
    params = {"currency": frame.currency, "since": midnight(since), "until": midnight(frame.end), **bound}
    return Query(sql_text("fiscus.board", "outcome_cost").strip().replace("{{where}}", where), params)


def outcome_costs(outcome: Outcome, rows: Rows, frame: Frame) -> list[tuple[Month, UnitCost]]:
    """Each whole month up to the pack's that has a volume and lies in the lake, oldest first."""
    costs = {str(month): cast("Decimal", cost) for month, cost in rows.rows}
    found = []
    for label, volume in sorted(outcome.volumes.items()):
        month = Month.parse(label)
        if label in costs and month.end <= frame.end:
            found.append((month, unit_cost(outcome.name, outcome.name, costs[label], Decimal(volume), frame.currency)))
    return found


def outcome_exhibit(
    outcome: Outcome, costs: Sequence[tuple[Month, UnitCost]], query: Query, frame: Frame
) -> tuple[Exhibit, Kpi]:
    """Cost per outcome by month, and why the newest one differs from the one before: price or volume."""
    slug = "outcome-" + "-".join(outcome.name.lower().split())
    body = list[tuple[str, Decimal, Decimal, Decimal | None, Decimal | None, Decimal | None]]()
    before: UnitCost | None = None
    for month, unit in costs:
        change = explain_change(before, unit) if before else None
        body.append(
            (
                str(month), unit.cost, unit.volume, _rounded(unit.cost_per_unit),
                _rounded(change.price) if change else None, _rounded(change.volume) if change else None,
            )
        )  # fmt: skip
        before = unit
    one = f"{frame.currency} per one"
    columns = (
        ("month", "text"), ("cost", frame.currency), ("volume", "count"), ("cost of one", one),
        ("change by price", frame.currency), ("change by volume", frame.currency),
    )  # fmt: skip
    value = body[-1][3] if body else None
    title = f"{outcome.name}: no whole month has both a volume and charges"
    say = f"Give volumes for {frame.period} or a month before it in fiscus.yaml (outcomes)."
    if value is not None:
        title = f"{outcome.name}: {frame.currency} {display(value, 4)} each in {body[-1][0]}"
        say = f"In {body[-1][0]}, the newest whole month with a volume: {money(body[-1][1], frame.currency)}."
        if len(body) > 1 and (earlier := body[-2][3]):
            title += f", {moved(share(less(value, earlier), earlier))} on {body[-2][0]}"
    chart = _chart(slug, title, body, frame) if len(body) > 1 else None
    exhibit = Exhibit(slug, "board", title, columns, tuple(body), query, "", chart)
    return exhibit, Kpi(slug, f"Cost of one: {outcome.name}", value, one, "actual", say, query)


def no_outcomes_kpi() -> Kpi:
    """What stands where nobody said what the money is for."""
    say = "No outcome is configured; add `outcomes` with monthly volumes to fiscus.yaml."
    return Kpi("outcome", "Cost per outcome", None, "per one", "actual", say, Query("", {}))


def _price(cost: Decimal, tokens: Decimal, frame: Frame) -> Decimal | None:
    return (
        _rounded(unit_cost("AI", TOKENS, cost, _millions(tokens), frame.currency).cost_per_unit) if tokens > 0 else None
    )


def _millions(tokens: Decimal) -> Decimal:
    return EXACT.divide(tokens, MILLION)


def _rounded(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.quantize(_CENT_OF_CENT, context=EXACT)


def _chart(slug: str, title: str, body: Sequence[Sequence[object]], frame: Frame) -> ChartSpec:
    labels = tuple(str(row[0]) for row in body)
    prices = tuple(cast("Decimal | None", row[3]) for row in body)
    volumes = tuple(cast("Decimal", row[2]) for row in body)
    series = (ChartSeries("cost of one", prices, "actual"), ChartSeries("volume", volumes, "volume"))
    return ChartSpec(slug, "line_and_bars", title, f"{frame.currency} per one", labels, series)
