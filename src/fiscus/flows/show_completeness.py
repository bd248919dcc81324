"""Completeness by day and source: what has landed whole, what came in part, and what is late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, cast

from fiscus.cost.books.completeness import completeness, partial_from
from fiscus.cost.books.types import SourceComplete
from fiscus.flows.workspace import Workspace
from fiscus.kernel.periods import midnight
from fiscus.kernel.rows import Query
from fiscus.kernel.sql_text import sql_text

DAYS: Final = 100


@dataclass(frozen=True, slots=True)
class CompletenessShown:
    """Every source with charges of single days in the last hundred days."""

    as_of: date
    sources: tuple[SourceComplete, ...]
    lake_version: str
    query: Query

    def sentences(self) -> Sequence[str]:
        """One a source."""
        return [_sentence(one) for one in self.sources] or ["No source delivers by the day."]


def show_completeness(ws: Workspace, since: date | None = None) -> CompletenessShown:
    """As of today; of the days from `since`, a hundred days back when left out."""
    since = min(since or ws.as_of, ws.as_of - timedelta(days=DAYS))
    query = source_days_query(since, ws.as_of)
    rows = cast("Sequence[tuple[str, date, int]]", ws.lake.query(query.sql, query.params).rows)
    return CompletenessShown(ws.as_of, completeness(rows, ws.as_of), str(ws.lake.version()), query)


def source_days_query(since: date, until: date) -> Query:
    """(source, day, charges) of days of [`since`, `until`)."""
    return Query(sql_text("fiscus.cost", "source_days"), {"since": midnight(since), "until": midnight(until)})


def partial_days(ws: Workspace) -> Mapping[str, date]:
    """source -> the first of its newest days that came only in part: what is forecast and judged stops before it."""
    return partial_from(show_completeness(ws).sources)


def partial_params(ws: Workspace) -> dict[str, object]:
    """The same as what SQL binds: $partial_source and $partial_from, of equal length."""
    partial = partial_days(ws)
    return {"partial_source": list(partial), "partial_from": [day.isoformat() for day in partial.values()]}


def _sentence(one: SourceComplete) -> str:
    if not one.is_daily:
        return f"{one.source} bills now and then: its days say nothing."
    late = [day for day in one.open_days if day.day < one.complete_until]
    partial = [day for day in one.open_days if day.day >= one.complete_until and day.state == "partial"]
    said = f"{one.source} is whole before {one.complete_until}"
    if partial:
        share = f"{partial[0].rows:,} of some {partial[0].usual:,} charges"
        said += f"; {partial[0].day} came in part, {share}"
    if late:
        said += f"; {len(late)} earlier day{'' if len(late) == 1 else 's'} missing, {late[0].day} first"
    return said + "."
