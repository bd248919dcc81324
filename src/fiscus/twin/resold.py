"""A vendor that is bought on a cloud's marketplace and sends its own feed too: the cloud's bill shows the same spend once more.

The marketplace bills a unit a dollar, each day in whole cents; the vendor's feed has the detail, and both its costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import numpy as np

from fiscus.twin.accounts import account
from fiscus.twin.line import MONEY, UNIT, Book, Facts, Ints, Line, Sku, total_of
from fiscus.twin.meter import World, facts_of

MARKETPLACE: Final = "aws"
VENDOR: Final = "dogwatch"
SELLER: Final = "Dogwatch"
HOME: Final = "prod-core"
PLACE: Final = ("sre", "prod", "dev-platform")
CENT: Final = MONEY // 100


def resold_book(vendor: Book, world: World) -> Book:
    """The marketplace's charges for the days of the vendor's own book."""
    team, environment, product = PLACE
    tags = {"team": team, "environment": environment, "product": product, "po": "PO-2026-DOGW", "approval": "APR-DOGWA"}
    place = account(MARKETPLACE, HOME)
    sku = Sku(
        "mp-dogwatch-usage", "Dogwatch Pro", "Management and Governance", "Observability", "MarketplaceMetering:DogwatchUsage",
        "Dogwatch Pro, metered usage by the dollar", "Units", UNIT, UNIT, "Units", 1, "Marketplace product", {}, "mp-dogwatch-usage-1",
    )  # fmt: skip
    line = Line(
        MARKETPLACE, sku, place, world.tagger.attribution.seen(MARKETPLACE, place, tags), tags,
        resource_id=f"arn:aws:aws-marketplace:us-east-1:{place.id}:agreement/{sku.id}", resource_name="Dogwatch Pro",
        publisher=SELLER,
    )  # fmt: skip
    return Book(MARKETPLACE, (line,), _facts(vendor, world, sku))


def is_resold(line: Line) -> bool:
    """A charge of the marketplace for what the vendor's own feed shows too: it counts there."""
    return line.source == MARKETPLACE and line.publisher == SELLER


def resold_truth(books: Mapping[str, Book], today: int) -> Mapping[str, object]:
    """Who shows it twice, and what each of the two feeds shows of it up to the as-of day."""
    market, vendor = books[MARKETPLACE], books[VENDOR]
    mine = np.array([is_resold(line) for line in market.lines])[market.facts.line] & (market.facts.day < today)
    theirs = vendor.facts.day < today
    return {
        "seller": SELLER, "marketplace": MARKETPLACE, "vendor": VENDOR,
        "marketplace_billed": _money(market.facts.billed[mine]), "vendor_billed": _money(vendor.facts.billed[theirs]),
    }  # fmt: skip


def _facts(vendor: Book, world: World, sku: Sku) -> Facts:
    billed = np.zeros(world.timeline.days, np.int64)
    np.add.at(billed, vendor.facts.day, vendor.facts.billed)
    cents = (billed + CENT // 2) // CENT
    days = np.nonzero(cents > 0)[0]
    quantity = cents[days] * (UNIT // 100)
    price = np.full(len(days), sku.list_price, np.int64)
    cost = price * quantity
    nothing = np.zeros(len(days), np.int64)
    return facts_of(world.timeline, nothing, days, quantity=quantity, prices=(price, price), costs=(cost,) * 4)


def _money(amounts: Ints) -> Decimal:
    return Decimal(total_of(amounts)) / MONEY
