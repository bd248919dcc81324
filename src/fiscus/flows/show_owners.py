"""Who owns what: money by team to date this month, unowned money as a line of its own, and the rules that decided."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from fiscus.flows.show_trust import DataTrust, data_trust, percent
from fiscus.flows.workspace import Workspace
from fiscus.kernel.money import display, total
from fiscus.kernel.periods import Month, midnight
from fiscus.kernel.rows import Query
from fiscus.kernel.sql_text import sql_text
from fiscus.ownership.people import lead_of
from fiscus.ownership.types import UNOWNED


@dataclass(frozen=True, slots=True)
class OwnerLine:
    """One team and currency this month. `answers` is the live person who answers for it (None: nobody can be found)."""

    team: str
    name: str
    answers: str | None
    cost_centre: str
    currency: str
    effective_cost: Decimal
    share: Decimal | None  # percent of its currency
    charges: int
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OwnersShown:
    """Owned and unowned lines sum to the total of each currency, to the last digit."""

    trust: DataTrust
    sentence: str
    lines: tuple[OwnerLine, ...]
    query: Query
    lake_version: str


def show_owners(ws: Workspace, trust: DataTrust | None = None) -> OwnersShown:
    """Lines by currency (the company's first), largest first."""
    trust = trust or data_trust(ws)
    query = Query(
        sql_text("fiscus.flows", "owners_this_month"),
        {"from_day": midnight(Month.of(ws.as_of).start), "until_day": midnight(ws.as_of)},
    )
    rows = ws.lake.query(query.sql, query.params).rows
    wholes = {str(row[1]): total([cast("Decimal", r[2]) for r in rows if r[1] == row[1]]) for row in rows}
    lines = [_line(ws, row, wholes[str(row[1])]) for row in rows]
    home = ws.config.company.currency
    lines.sort(key=lambda line: (line.currency != home, line.currency, -line.effective_cost, line.team))
    return OwnersShown(trust, _sentence(ws, lines), tuple(lines), query, trust.lake_version)


def _line(ws: Workspace, row: tuple[object, ...], whole: Decimal) -> OwnerLine:
    team_id, currency, cost, charges, rules = cast("tuple[str, str, Decimal, int, list[str]]", row)
    directory = ws.config.directory
    team = directory.teams.get(team_id)
    person = lead_of(directory, team_id if team else directory.default_pool, ws.as_of)
    return OwnerLine(
        team=team_id,
        name=team.name if team else team_id,
        answers=person.name if person else None,
        cost_centre=team.cost_centre if team else "",
        currency=currency,
        effective_cost=cost,
        share=percent(cost, whole),
        charges=charges,
        rules=tuple(rules),
    )


def _sentence(ws: Workspace, lines: list[OwnerLine]) -> str:
    home = ws.config.company.currency
    unowned = next((line for line in lines if line.team == UNOWNED and line.currency == home), None)
    if unowned is None:
        return (
            "Every charge of this month has an owner." if lines else "No charge this month: nobody owns anything yet."
        )
    who = unowned.answers or "nobody"
    return (
        f"{display(unowned.effective_cost, 0)} {home} ({unowned.share} %) has no owner this month: {who} answers for it "
        "until owners/rules.yaml gives it one."
    )
