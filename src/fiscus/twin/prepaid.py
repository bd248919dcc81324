"""Credits that an AI vendor sells in advance: blocks bought by the quarter, drawn on by the usage of its own feed.

What draws on a block is not billed again: its BilledCost stands on the purchase, its EffectiveCost on the usage, whose prices are
in credits too (FOCUS 1.2, virtual currency). The block that is open on the as-of day runs out some weeks later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final

import numpy as np

from fiscus.twin.ai_vendors import ai_account
from fiscus.twin.line import MONEY, UNIT, Book, Facts, Ints, Line, Sku, join_books
from fiscus.twin.meter import World, facts_of
from fiscus.twin.timeline import Timeline

SOURCE: Final = "perplexity"
PROVIDER: Final = "Perplexity"
CREDITS: Final = "Credits"
A_CREDIT: Final = MONEY // 100  # a cent buys a credit
CREDITS_A_DOLLAR: Final = MONEY // A_CREDIT
BLOCK: Final = 1_000  # credits are sold by the thousand
LEFT_DAYS: Final = 21  # how long the open block lasts after the as-of day
BOUGHT_AGO_DAYS_MIN: Final = 20
TERM_DAYS: Final = 365
BUYER: Final = ("supplier-watch", "procurement", "prod", "erp")  # workspace, team, environment, product


def prepaid_book(usage: Book, world: World) -> Book:
    """The vendor's whole bill: `usage` drawn from blocks of credits, and the blocks."""
    facts = usage.facts
    drawn = replace(facts, billed=np.zeros(len(facts), np.int64))
    return join_books(SOURCE, [replace(usage, facts=drawn), _blocks(used_a_day(usage, world.timeline), world)])


def used_a_day(usage: Book, timeline: Timeline) -> Ints:
    """Money of each day, 10^-12."""
    used = np.zeros(timeline.days, np.int64)
    np.add.at(used, usage.facts.day, usage.facts.effective)
    return used


def prepaid_truth(book: Book, timeline: Timeline) -> Mapping[str, object]:
    """What the vendor would say of the balance on the as-of day: credits bought, drawn and left."""
    facts = book.facts.take(book.facts.day < timeline.today)
    bought = np.array([line.category == "Purchase" for line in book.lines])[facts.line]
    paid, drawn = int(facts.billed.sum()), int(facts.effective[~bought].sum())
    amounts = {"bought": paid, "drawn": drawn, "left": paid - drawn}
    return {"provider": PROVIDER, "unit": CREDITS, **{name: Decimal(one) / A_CREDIT for name, one in amounts.items()}}


def _blocks(used: Ints, world: World) -> Book:
    workspace, team, environment, product = BUYER
    tags = {"team": team, "environment": environment, "product": product, "po": "PO-2026-SONR", "approval": "APR-SONAR"}
    place = ai_account(SOURCE, workspace)
    price = UNIT // CREDITS_A_DOLLAR
    sku = Sku(
        "sonar-credits", "Sonar API", "AI and Machine Learning", "Generative AI", "Prepaid Credits", "Sonar credits, prepaid, valid a year",
        CREDITS, price, price, resource_type="Credit balance", price_id="sonar-credits-1y",
    )  # fmt: skip
    line = Line(
        SOURCE, sku, place, world.tagger.attribution.seen(SOURCE, place, tags), tags, resource_id=f"{place.id}/credits",
        resource_name="Sonar credits", category="Purchase", frequency="One-Time",
    )  # fmt: skip
    bought = _bought(used, world.timeline)
    days = np.array(sorted(bought), np.int64)
    return Book(SOURCE, (line,), _purchases(world.timeline, sku, days, [bought[int(day)] for day in days]))


def _bought(used: Ints, timeline: Timeline) -> dict[int, int]:
    """Credits of each block by the day on which it is bought: each lasts until the next, to the thousand above."""
    today, starts = timeline.today, timeline.month_starts()
    quarters = [int(day) for n, day in enumerate(starts[:-1]) if timeline.month(n).month % 3 == 1]
    days = sorted({0, *(day for day in quarters if day <= today - BOUGHT_AGO_DAYS_MIN)})
    ends = [*days[1:], today + LEFT_DAYS]
    days, ends = [*days, today + LEFT_DAYS - 1], [*ends, timeline.days]
    found: dict[int, int] = {}
    left = 0
    for first, last in zip(days, ends, strict=True):
        needed = int(used[max(first, 0) : last].sum()) - left
        blocks = -(-needed // (A_CREDIT * BLOCK))
        found[first] = max(blocks, 1) * BLOCK
        left += found[first] * A_CREDIT - int(used[first:last].sum())
    return found


def _purchases(timeline: Timeline, sku: Sku, days: Ints, credits_: list[int]) -> Facts:
    quantity = np.array(credits_, np.int64) * UNIT
    listed, contracted = (np.full(len(days), one, np.int64) for one in (sku.list_price, sku.contracted_price))
    cost, nothing = contracted * quantity, np.zeros(len(days), np.int64)
    facts = facts_of(
        timeline, nothing, days, quantity=quantity, prices=(listed, contracted), costs=(cost, cost, cost, nothing)
    )
    return replace(facts, span=nothing + TERM_DAYS)
