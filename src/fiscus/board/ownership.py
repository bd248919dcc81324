"""The ownership layer: whose the money is, what is out of the ordinary in it, and who is on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Final, cast

from fiscus.board.figures import added, less, money, near, percent, plural, room_query, share
from fiscus.board.frame import Frame
from fiscus.board.types import ESTIMATE, Exhibit, Kpi
from fiscus.kernel.charts import ChartSeries, ChartSpec
from fiscus.kernel.money import ZERO
from fiscus.kernel.rows import Query, Rows
from fiscus.ownership.types import UNOWNED, Case
from fiscus.signals.types import Anomaly

TEAMS_DRAWN: Final = 10
LEVELS: Final = ("owner", "manager", "finance")


def teams_query(frame: Frame) -> Query:
    """sql/owned_by_team.sql for the month."""
    params = {k: v for k, v in frame.params().items() if k in {"currency", "start", "until"}}
    return room_query("owned_by_team", params)


def anomalies_query(frame: Frame) -> Query:
    """sql/state_anomalies.sql for the month."""
    return room_query("state_anomalies", {"start": frame.start.isoformat(), "until": frame.end.isoformat()})


def coverage_exhibit(rows: Rows, query: Query, frame: Frame) -> tuple[Exhibit, Kpi]:
    """Teams by cost, unowned money as a line of its own, and the share that has an owner."""
    lines = cast("Sequence[tuple[str, str, Decimal, Decimal, int]]", rows.rows)
    whole, owned = added(line[3] for line in lines), added(line[2] for line in lines)
    loose = less(whole, owned)
    ranked = sorted(lines, key=lambda line: (line[0] != UNOWNED, -line[3], line[0]))
    body = tuple((team, centre, cost, share(cost, whole), charges) for team, centre, _, cost, charges in ranked)
    part = share(owned, whole)
    title = f"Every {frame.currency} of the month has an owner"
    if loose:
        title = f"{money(loose, frame.currency)} has no owner; {percent(part)} is owned"
    drawn = [line for line in ranked if line[0] == UNOWNED] + [line for line in ranked if line[0] != UNOWNED][
        :TEAMS_DRAWN
    ]
    chart = ChartSpec(
        "owned-by-team", "contribution", title, frame.currency, tuple(line[0] for line in drawn),
        (ChartSeries("cost", tuple(line[3] for line in drawn), "actual"),),
    )  # fmt: skip
    columns = (
        ("team", "text"), ("cost centre", "text"), ("cost", frame.currency), ("share %", "%"), ("charges", "count"),
    )  # fmt: skip
    exhibit = Exhibit("owned-by-team", "ownership", title, columns, body, query, "", chart if drawn else None)
    say = (
        f"{money(owned, frame.currency)} of {money(whole, frame.currency)}; {money(loose, frame.currency)} is unowned."
    )
    return exhibit, Kpi("owned-share", "Owned spend", part, "%", "share", say, query)


def in_month(anomalies: Sequence[Anomaly], frame: Frame) -> list[Anomaly]:
    """Those whose days touch the month, largest excess first, the company's currency first."""
    mine = [a for a in anomalies if a.end > frame.start and a.start < frame.end]
    return sorted(mine, key=lambda a: (a.currency != frame.currency, -a.impact, a.id))


def anomalies_exhibit(anomalies: Sequence[Anomaly], frame: Frame) -> tuple[Exhibit, Kpi]:
    """Runs of days outside their expected band, and the excess over it."""
    found = in_month(anomalies, frame)
    home = [a for a in found if a.currency == frame.currency]
    body = tuple(
        (
            a.service, a.provider, a.owner, a.environment, a.start, a.end - timedelta(days=1), a.currency, a.actual,
            a.expected, a.impact,
        )
        for a in found
    )  # fmt: skip
    own = "own currency"
    columns = (
        ("service", "text"), ("provider", "text"), ("owner", "text"), ("environment", "text"), ("from", "date"), ("to", "date"),
        ("currency", "text"), ("actual", own), ("expected", ESTIMATE + own), ("excess", ESTIMATE + own),
    )  # fmt: skip
    excess = added(a.impact for a in home)
    title = f"Nothing in {frame.name} was out of the ordinary"
    if found:
        first = found[0]
        more = near(first.impact, first.currency)
        count = plural(len(found), "anomaly", "anomalies")
        title = f"{count}; {first.service} of {first.owner} cost {more} more than expected"
    query = anomalies_query(frame)
    exhibit = Exhibit("anomalies", "ownership", title, columns, body, query, "", basis="state")
    say = f"{near(excess, frame.currency)} over what was expected." if home else "None in this month."
    return exhibit, Kpi("anomalies", "Anomalies", Decimal(len(found)), "count", "count", say, query, basis="state")


def cases_exhibit(cases: Sequence[Case], frame: Frame) -> Exhibit:
    """Cases under way by who has them now. One trouble may stand in several cases: the largest is shown, not the sum."""
    by_level: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        if case.state != "closed":
            by_level[case.level].append(case)
    body = []
    for level in LEVELS:
        mine = by_level[level]
        amounts = [case.subject.amount for case in mine if case.subject.currency == frame.currency]
        waiting = sum(case.state == "open" for case in mine)
        body.append((level, len(mine), waiting, len(mine) - waiting, max(amounts, default=ZERO)))
    whole, silent = sum(row[1] for row in body), sum(row[2] for row in body)
    title = "No case is under way"
    if whole:
        title = f"{plural(whole, 'case')} under way, {silent} not yet acknowledged"
        title += f"; {body[2][1]} reached finance" if body[2][1] else ""
    columns = (
        ("with", "text"), ("cases", "count"), ("not acknowledged", "count"), ("acknowledged", "count"),
        ("largest", frame.currency),
    )  # fmt: skip
    query = room_query("state_cases", {})
    return Exhibit("cases", "ownership", title, columns, tuple(body), query, "", basis="state")
