"""Money seen a second way: in the reporting currency, and by who bears it once shared cost is handed on."""

from __future__ import annotations

from decimal import Decimal
from typing import cast

from fiscus.board.figures import added, money, room_query
from fiscus.board.frame import Frame
from fiscus.board.types import Exhibit
from fiscus.kernel.money import ZERO, display
from fiscus.kernel.rows import Query, Rows


def reported_query(frame: Frame) -> Query:
    """sql/spend_reported.sql for the pack's month."""
    return room_query("spend_reported", {k: v for k, v in frame.params().items() if k in {"start", "until"}})


def reported_exhibit(rows: Rows, query: Query, frame: Frame, reporting: str) -> Exhibit:
    """Each billing currency in the reporting currency, by the rates of each day; what has no rate is in no sum."""
    whole = added(cast("Decimal", row[2]) for row in rows.rows if row[2] is not None)
    left = [f"{display(cast('Decimal', row[5]), 0)} {row[0]}" for row in rows.rows if row[5]]
    title = f"All currencies together cost {money(whole, reporting)} in {frame.name}"
    if left:
        title += f"; {', '.join(left)} has no rate and is not in it"
    columns = (
        ("currency", "text"), ("effective cost", "own currency"), ("reported", reporting), ("lowest rate", "text"),
        ("highest rate", "text"), ("not converted", "own currency"), ("charges", "count"),
    )  # fmt: skip
    note = f"Each charge by the rate of its day, rounded to twelve digits; {reporting} for one unit of the currency."
    return Exhibit("spend-reported", "cost", title, columns, rows.rows, query, note)


def payers_query(frame: Frame) -> Query:
    """sql/shared_cost.sql for the pack's month, in the company's currency."""
    return room_query("shared_cost", {k: v for k, v in frame.params().items() if not k.startswith("before")})


def payers_exhibit(rows: Rows, query: Query, frame: Frame) -> Exhibit:
    """What each team's own charges are, what it pays for others, and what it bears; both sums are the month's."""
    given = added(cast("Decimal", row[2]) for row in rows.rows)
    title = f"Nothing of {frame.name} is shared"
    if given != ZERO:
        most = max(rows.rows, key=lambda row: cast("Decimal", row[2]))
        title = (
            f"{money(given, frame.currency)} is paid for what others run; {most[0]} pays most of it, "
            f"{money(cast('Decimal', most[2]), frame.currency)}"
        )
    unit = frame.currency
    columns = (("team", "text"), ("own charges", unit), ("paid for others", unit), ("bears", unit))
    note = "By the rules in allocations/ as they were decided last: fiscus allocations has the chain."
    return Exhibit("shared-cost", "ownership", title, columns, rows.rows, query, note)
