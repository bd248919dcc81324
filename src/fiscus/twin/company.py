"""Northwind Robotics, simulated: every source's whole bill, planted troubles included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import numpy as np

from fiscus.kernel.progress import Progress
from fiscus.twin import streams
from fiscus.twin.accounts import account, account_rules
from fiscus.twin.adjustments import adjustments_book
from fiscus.twin.ai_vendors import ai_book, workspace_rules
from fiscus.twin.catalogue import catalogue
from fiscus.twin.commitments import cover
from fiscus.twin.fine_decimals import with_fine_decimals
from fiscus.twin.fleet import Machine, fleet_book
from fiscus.twin.line import Account, Book, Ints, Line, Sku, join_books
from fiscus.twin.meter import Metered, World, meter_streams, usage_facts
from fiscus.twin.prepaid import SOURCE as PREPAID
from fiscus.twin.prepaid import prepaid_book
from fiscus.twin.resold import MARKETPLACE, VENDOR, resold_book
from fiscus.twin.roster import build_roster
from fiscus.twin.streams import parse_streams
from fiscus.twin.subscriptions import marketplace_book, seats_book
from fiscus.twin.tagging import Attribution, Tagger
from fiscus.twin.timeline import Timeline

CURRENCY: Final = {"mistral": "EUR"}  # the rest bills in US dollars
SOURCES: Final = (
    "aws", "azure", "gcp", "oracle", "openai", "anthropic", "mistral", "huggingface", "perplexity", "snowfield", "dogwatch",
    "codeharbor", "workdesk",
)  # fmt: skip
FACTOR: Final = {"aws": 1.13, "azure": 1.13, "gcp": 1.06, "oracle": 1.0, "snowfield": 1.0, "dogwatch": 1.0}
SANDBOX_DAYS: Final = 40  # how long before the as-of day the sandbox was opened
PRICE_CHANGE_DAYS: Final = 12
PRICE_CHANGE_PERCENT: Final = 25
PRICE_CHANGE_SKU: Final = "log-ingest"
SANDBOX: Final = """
simulation sandbox sim-lab sandbox us-west-2 ec2-g5 165 train 0.0 3
simulation sandbox sim-lab sandbox us-west-2 sagemaker-nb 95 flat 0.0 2
simulation sandbox sim-lab sandbox us-west-2 s3 60 flat 0.0 2
simulation sandbox sim-lab sandbox us-west-2 lambda 35 flat 0.0 1
"""
CI: Final = "developer-experience dev dev-platform northwind - codeharbor-ci 120 office 0.15 2"


@dataclass(frozen=True, slots=True)
class Simulated:
    """The company as it would go on past the as-of day; deliveries cut it off."""

    world: World
    machines: tuple[Machine, ...]
    books: Mapping[str, Book]


def make_world(seed: int, scale: float, months: int, as_of: date) -> World:
    """Days, people and how tags are written."""
    directory = build_roster(seed, as_of)
    rules = [*workspace_rules(), *account_rules()]
    return World(seed, scale, Timeline(as_of, months), directory, Tagger(directory, Attribution(directory, rules)))


def simulate(world: World, machines: Sequence[Machine], progress: Progress) -> Simulated:
    """Every source's bill. The same world and machines give the same bills."""
    books: dict[str, Book] = {}
    for number, source in enumerate(SOURCES):
        books[source] = _book(source, world, machines)
        progress.step(number + 1, len(SOURCES))
    books[MARKETPLACE] = join_books(MARKETPLACE, [books[MARKETPLACE], resold_book(books[VENDOR], world)])
    return Simulated(world, tuple(machines), books)


def _book(source: str, world: World, machines: Sequence[Machine]) -> Book:
    if source in {"openai", "anthropic", "mistral", "huggingface", "perplexity"}:
        usage = ai_book(source, world)
        usage = prepaid_book(usage, world) if source == PREPAID else usage
    elif source in {"codeharbor", "workdesk"}:
        usage = _seats(source, world)
    elif source == "dogwatch":
        usage = _dogwatch(world)
    else:
        usage = _cloud(source, world, machines)
    return join_books(source, [usage, adjustments_book(source, usage, world)])


def _cloud(source: str, world: World, machines: Sequence[Machine]) -> Book:
    skus = catalogue(source)
    table: str = getattr(streams, source.upper())
    metered = meter_streams(source, parse_streams(table), skus, world, FACTOR[source])
    books = [cover(source, metered, world, _payer(source, skus))]
    if source in {"aws", "azure", "gcp"}:
        books.append(marketplace_book(source, world))
    if source == "aws":
        books += [fleet_book(machines, world), _sandbox(skus, world)]
    book = join_books(source, books)
    return with_fine_decimals(book, world.seed) if source == "azure" else book


def _payer(source: str, skus: Mapping[str, Sku]) -> tuple[Account, Sku]:
    """Where a cloud's commitments are bought, and a SKU of the service that they cover."""
    places = {"aws": ("management", "ec2-c6i"), "azure": ("corp-it", "vm-e16"), "gcp": ("analytics-prod", "bigquery")}
    key, sku = places.get(source, ("", ""))
    return (account(source, key), skus[sku]) if key else (Account("", "", ""), next(iter(skus.values())))


def _sandbox(skus: Mapping[str, Sku], world: World) -> Book:
    """A sub-account that somebody opened and nobody tagged."""
    metered = meter_streams("aws", parse_streams(SANDBOX), skus, world)
    lines = tuple(_untagged(line, world) for line in metered.lines)
    quantity = metered.quantity.copy()
    opened = max(0, world.timeline.today - SANDBOX_DAYS)
    quantity[:, :opened] = 0
    return Book("aws", lines, usage_facts(lines, quantity, world.timeline))


def _untagged(line: Line, world: World) -> Line:
    name = line.resource_name.replace("sim-lab-sandbox", "poc")
    seen = world.tagger.attribution.seen("aws", line.account, None)
    return replace(
        line, tags=None, resource_name=name, resource_id=line.resource_id.replace("sim-lab-sandbox", "poc"), seen=seen
    )


def _dogwatch(world: World) -> Book:
    """Observability by usage; the price of one SKU steps up on a day."""
    metered = meter_streams(
        "dogwatch", parse_streams(streams.DOGWATCH), catalogue("dogwatch"), world, FACTOR["dogwatch"]
    )
    prices = _stepped_prices(metered, world.timeline)
    return Book(
        "dogwatch", metered.lines, usage_facts(metered.lines, metered.quantity, world.timeline, (prices, prices))
    )


def _stepped_prices(metered: Metered, timeline: Timeline) -> Ints:
    listed = np.array([line.sku.list_price for line in metered.lines], np.int64)
    prices = np.repeat(listed[:, None], timeline.days, axis=1)
    changed = np.array([line.sku.id.endswith(PRICE_CHANGE_SKU) for line in metered.lines])
    since = max(0, timeline.today - PRICE_CHANGE_DAYS)
    prices[changed, since:] = prices[changed, since:] * (100 + PRICE_CHANGE_PERCENT) // 100
    return prices


def _seats(source: str, world: World) -> Book:
    books = [seats_book(source, world)]
    if source == "codeharbor":
        metered = meter_streams(source, parse_streams(CI), catalogue(source), world)
        lines = tuple(_without_tags(line, world) for line in metered.lines)
        books.append(Book(source, lines, usage_facts(lines, metered.quantity, world.timeline)))
    return join_books(source, books)


def _without_tags(line: Line, world: World) -> Line:
    """The line as a bill without a Tags column shows it."""
    return replace(line, tags=None, seen=world.tagger.attribution.seen(line.source, line.account, None))
