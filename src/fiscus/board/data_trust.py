"""Can the numbers be trusted: until when each source has landed, what is odd in it, and whether the books tie out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, cast

from fiscus.board.figures import added, less, plural, room_query
from fiscus.board.frame import Frame
from fiscus.board.types import Exhibit, Kpi
from fiscus.cost.types import Delivery
from fiscus.kernel.money import ZERO
from fiscus.kernel.rows import Query, Rows

STALE_DAYS: Final = 3  # vendors deliver late by a day or two; more is news


def totals_query() -> Query:
    """sql/source_totals.sql over the whole lake."""
    return room_query("source_totals", {})


def trust_exhibit(
    rows: Rows, deliveries: Sequence[Delivery], configured: Sequence[str], frame: Frame
) -> tuple[Exhibit, Kpi]:
    """One line a source and currency: landed until, charges, findings of its newest delivery, and BilledCost in the lake
    against the sum that the deliveries brought: to the last digit, or by how much it differs."""
    deliveries = [one for one in deliveries if one.dataset == "cost_and_usage"]
    held: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    charges: dict[tuple[str, str], int] = defaultdict(int)
    until: dict[str, date] = {}
    for source, _, currency, billed, count, landed in rows.rows:
        key = (str(source), str(currency))
        held[key] = added([held[key], cast("Decimal", billed)])
        charges[key] += cast("int", count)
        if landed is not None:
            day = cast("datetime", landed).date()
            until[key[0]] = max(day, until.get(key[0], day))
    brought, quality = _brought(deliveries), _quality(deliveries)
    lines = [
        _line(key, held, charges, brought, quality, until.get(key[0]), frame)
        for key in sorted(set(held) | set(brought))
    ]
    seen = {key[0] for key in held}
    lines += [
        (name, "–", None, None, 0, 0, None, None, None, "never landed") for name in configured if name not in seen
    ]
    late = [line for line in lines if line[9] != "fresh"]
    apart = [line for line in lines if line[8]]
    title = "No bill has landed yet"
    if lines:
        title = (
            f"All {plural(len(lines), 'feed')} tie out to the last digit"
            if not apart
            else f"{apart[0][0]} does not tie out"
        )
        title += (
            f"; {', '.join(str(line[0]) for line in late[:3])} {'is' if len(late) == 1 else 'are'} behind"
            if late
            else " and are fresh"
        )
    own = "own currency"
    columns = (
        ("source", "text"), ("currency", "text"), ("usage until", "date"), ("days behind", "count"), ("charges", "count"),
        ("irregular cells", "count"), ("billed, lake", own), ("billed, deliveries", own), ("difference", own), ("state", "text"),
    )  # fmt: skip
    note = "Usage until is exclusive; a feed of invoices has no such day. Irregular cells: repaired or kept, newest delivery."
    exhibit = Exhibit("data-trust", "cost", title, columns, tuple(lines), totals_query(), note)
    fresh = Decimal(sum(line[9] == "fresh" for line in lines))
    say = f"Of {plural(len(lines), 'feed')}; {len(apart)} with a difference between bill and lake."
    return exhibit, Kpi("feeds-fresh", "Feeds fresh", fresh, "count", "count", say, totals_query())


def _line(  # noqa: PLR0913, PLR0917  the facts of one source, from four answers
    key: tuple[str, str],
    held: Mapping[tuple[str, str], Decimal],
    charges: Mapping[tuple[str, str], int],
    brought: Mapping[tuple[str, str], Decimal],
    quality: Mapping[str, int],
    until: date | None,
    frame: Frame,
) -> tuple[object, ...]:
    behind = max((frame.as_of - until).days, 0) if until else None
    lake, bills = held.get(key, ZERO), brought.get(key)
    state = "late" if behind is not None and behind > STALE_DAYS else "fresh"
    if state == "fresh" and (since := frame.partial_since.get(key[0])) is not None:
        state = f"partial since {since}"
    difference = None if bills is None else less(lake, bills)
    return (*key, until, behind, charges.get(key, 0), quality.get(key[0], 0), lake, bills, difference, state)


def _brought(deliveries: Sequence[Delivery]) -> dict[tuple[str, str], Decimal]:
    """BilledCost by (source, currency): of each billing month, what its newest delivery said, and the corrections
    that were added to it since. `deliveries` newest first."""
    said: dict[tuple[str, str], list[Mapping[str, Decimal]]] = defaultdict(list)
    replaced: set[tuple[str, str]] = set()
    for delivery in deliveries:
        for period in delivery.periods:
            key = (delivery.source, period.billing_month)
            if key not in replaced:
                said[key].append(period.billed_cost)
            if not period.added:
                replaced.add(key)
    sums: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    for (source, _), parts in said.items():
        for costs in parts:
            for currency, cost in costs.items():
                sums[source, currency] = added([sums[source, currency], cost])
    return dict(sums)


def _quality(deliveries: Sequence[Delivery]) -> dict[str, int]:
    newest: dict[str, int] = {}
    for delivery in deliveries:
        newest.setdefault(delivery.source, sum(finding.count for finding in delivery.quality))
    return newest
