"""The same spend in two feeds, looked for and told to the lake, so that the view `charges_counted_once` counts it once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final, cast

from fiscus.cost.marketplaces.find_same import cell_counts, find_same, sellers_of_two
from fiscus.cost.marketplaces.types import Cell, SeenTwice
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import FISCUS
from fiscus.kernel.limits import SEEN_TWICE_DAYS
from fiscus.kernel.periods import Month, midnight
from fiscus.kernel.sql_text import sql_text

TOLD_FACT: Final = "same_spend.version"  # the version of the lake's table that evidence tells of


def seen_twice(ws: Workspace) -> Sequence[SeenTwice]:
    """Every seller and month that two feeds show, over the last two years, the newest first. Reads the lake only."""
    since = Month.of(ws.as_of - timedelta(days=SEEN_TWICE_DAYS)).start
    asked: dict[str, object] = {"since": midnight(since), "until": midnight(ws.as_of)}
    sold = cast("Any", ws.lake.query(sql_text("fiscus.cost", "marketplace_sellers"), asked).rows)
    shared = sellers_of_two(sold)
    if not shared:
        return []
    others = Counter(source for source, _ in sold)
    rows = ws.lake.query(sql_text("fiscus.cost", "marketplace_cells"), {**asked, "sellers": sorted(shared)}).dicts()
    cells = [Cell(**row, others=others[row["source"]] - 1) for row in cast("Any", rows)]
    return find_same(cells, ws.config.marketplaces)


def keep_same_spend(ws: Workspace) -> Sequence[SeenTwice]:
    """Look, and keep what counts once. Twice over the same bills and file changes nothing; what changed is evidence.

    A run that dies between the lake and its evidence leaves the evidence to the next one: the version told last is a fact.
    """
    ws.lake.refresh()
    found = seen_twice(ws)
    version = ws.lake.write_same_spend(cell_counts(found))
    with ws.state.read() as tx:
        told = tx.facts.get(TOLD_FACT)
    if version.same_spend != (-1 if told is None else told):
        links = [[one.id, one.seller, one.month, one.confidence, one.counts] for one in found if one.counted_once]
        with ws.state.begin() as tx:
            body = {"links": links, "lake": str(version)}
            tx.evidence.append("same_spend.kept", f"t{version.same_spend}", FISCUS, body)
            tx.facts.put(TOLD_FACT, version.same_spend)
    return found
