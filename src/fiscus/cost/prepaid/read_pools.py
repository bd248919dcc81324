"""Prepaid balances as the lake has them, by two queries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, cast

from fiscus.cost.conformance.currencies import ISO_4217
from fiscus.cost.ports import LakeReader
from fiscus.cost.prepaid.gather_pools import Pool, gather_pools
from fiscus.kernel.periods import midnight
from fiscus.kernel.rows import Query
from fiscus.kernel.sql_text import sql_text

_ROOM: Final = "fiscus.cost"


def read_pools(lake: LakeReader, until: date) -> Sequence[Pool]:
    """Every balance that a charge before `until` buys or draws on; empty where nothing was prepaid."""
    lots = list(lake.query(sql_text(_ROOM, "prepaid_lots"), {"until": midnight(until)}).dicts())
    asked = draws_query(until)
    draws = lake.query(asked.sql, asked.params).dicts()
    return gather_pools(cast("Any", lots), cast("Any", draws))


def draws_query(until: date) -> Query:
    """What every balance is drawn down by."""
    return Query(sql_text(_ROOM, "prepaid_draws"), {"until": midnight(until), "iso": sorted(ISO_4217)})
