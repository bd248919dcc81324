"""Findings about spend that two feeds show: what may be counted twice, and what is and is counted once in the view only."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from fiscus.cost.marketplaces.types import Cell, SeenTwice
from fiscus.flows.keep_same_spend import seen_twice
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.types import Finding
from fiscus.kernel.ids import content_id
from fiscus.kernel.money import ZERO, display, total
from fiscus.kernel.periods import Month, midnight
from fiscus.kernel.sql_text import sql_text

KIND: Final = "seen_twice"


def marketplace_findings(ws: Workspace) -> Sequence[Finding]:
    """One a seller, currency and pair of feeds: what may be the same spend warns, what is known to be is observed."""
    groups: dict[tuple[str, str, str, str, bool], list[SeenTwice]] = {}
    for one in seen_twice(ws):
        if one.confidence != "by_the_feeds":
            key = (one.seller, one.currency, one.marketplace[0].source, one.vendor[0].source, one.counted_once)
            groups.setdefault(key, []).append(one)
    return [_finding(ws, key, months) for key, months in sorted(groups.items())]


def _finding(ws: Workspace, key: tuple[str, str, str, str, bool], months: Sequence[SeenTwice]) -> Finding:
    seller, currency, market, vendor, known = key
    money = total([min(_worth(one.marketplace), _worth(one.vendor)) for one in months])
    first, last = min(one.month for one in months), max(one.month for one in months)
    span = f"in {first}" if first == last else f"from {first} to {last}"
    told = " ".join(one.evidence for one in months[:3])
    what = "stand in both feeds" if known else "may stand in both feeds"
    team = ws.config.directory.default_pool
    rest = (
        "Budgets, policies, forecasts, packs and reports count it once; a sum over the view charges has it twice."
        if known
        else "Say in marketplace.yaml whether it is the same spend (same: true or false), of all accounts or of some; until "
        "then all of it counts."
    )
    return Finding(
        id=content_id("fnd", KIND, *key),
        kind=KIND,
        policy_id="seen-twice",
        policy_version="1",
        level="observe" if known else "warn",
        title=f"{display(money)} {currency} of {seller} {what}, {market} and {vendor}, {span}",
        detail=f"{told} {rest}",
        amount=ZERO if known else max(money, ZERO),  # what counts once is no money at risk, and in nobody's way
        currency=currency,
        owner=team,
        team=team,
        environment="",
        period_label=last,
        first_seen=Month.parse(first).start,
        last_seen=min(Month.parse(last).end, ws.as_of),
        rows=sum(cell.charges for one in months for cell in (*one.marketplace, *one.vendor)),
        query=sql_text("fiscus.cost", "marketplace_cells"),
        params={
            "since": midnight(Month.parse(first).start), "until": midnight(ws.as_of),
            "sellers": sorted({cell.seller for one in months for cell in (*one.marketplace, *one.vendor)}),
        },
        lake_version=str(ws.lake.version()),
    )  # fmt: skip


def _worth(cells: Sequence[Cell]) -> Decimal:
    return total([cell.worth for cell in cells])
