"""Charges of one feed, vectorised: lines (a resource and a SKU) times days, in exact integer money.

Price is an integer of 1e-9 and quantity of 1e-3, so a cost is an exact integer of 1e-12: what the lake stores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from fiscus.kernel.periods import days_between
from fiscus.twin.feeds import Feed, Sku
from fiscus.twin.people import TwinTeam

Ints = NDArray[np.int64]
ENVIRONMENTS = (("prod", 0.56), ("staging", 0.2), ("dev", 0.18), ("sandbox", 0.06))
SPELLINGS = {
    "prod": ("prod", "production", "PRD"),
    "staging": ("staging", "stage"),
    "dev": ("dev", "development"),
    "sandbox": ("sandbox",),
}
ALLOWANCE_GROWTH_YEAR = 0.35
NO_TAGS_SHARE = 0.05
PRICE_STEP = ("rds-pg", 125)  # percent of the old price, from the planted day on


@dataclass(frozen=True, slots=True)
class Line:
    """One resource that is billed for one SKU every day."""

    sku: Sku
    resource: str
    account: str
    team: str | None  # None: the tags say nothing
    owner: str | None
    environment: str
    environment_tag: str | None
    region: str
    size: float


@dataclass(frozen=True, slots=True)
class Charges:
    """Columns of equal length: line number, day number, quantity (1e-3), price (1e-9), cost (1e-12)."""

    line: Ints
    day: Ints
    quantity: Ints
    price: Ints
    cost: Ints


def make_lines(feed: Feed, teams: Sequence[TwinTeam], gone: Sequence[str], scale: float, seed: int) -> list[Line]:
    """The resources of a feed. An account named sandbox has no tags at all: that truth is planted."""
    rng = np.random.default_rng([seed, *feed.name.encode()])
    leaf = [team for team in teams if team.division]
    count = max(2, round(feed.lines * scale))
    lines = []
    for number in range(count):
        team = leaf[int(rng.integers(len(leaf)))]
        sku = feed.skus[number % len(feed.skus)]
        environment = str(rng.choice([e for e, _ in ENVIRONMENTS], p=[p for _, p in ENVIRONMENTS]))
        tagged = environment != "sandbox" and rng.random() > NO_TAGS_SHARE
        spelling = str(rng.choice([team.id, team.id.upper(), *team.aliases], p=[0.8, 0.1, 0.1]))
        by_person = rng.random() < 0.1
        lines.append(
            Line(
                sku=sku,
                resource=f"{feed.name}:{sku.id}:{number:04d}",
                account=f"{feed.name}-{team.division}-{environment}"
                if environment != "sandbox"
                else f"{feed.name}-sandbox",
                team=spelling if tagged and not by_person else None,
                owner=(gone[number % len(gone)] if rng.random() < 0.3 else team.lead) if tagged and by_person else None,
                environment=environment,
                environment_tag=str(rng.choice(SPELLINGS[environment])) if tagged else None,
                region=str(rng.choice(["us-east-1", "eu-west-1", "ap-south-1"])),
                size=float(rng.lognormal(0, 0.6)),
            )
        )
    return lines


def make_charges(lines: Sequence[Line], start: date, end: date, price_day: date, seed: int) -> Charges:
    """Every line on every day of [start, end): weekday pattern, growth over the year, noise; drawn per day, so that a longer
    period only adds to a shorter one."""
    days = days_between(start, end)
    size = np.array([line.size * line.sku.daily_units for line in lines])
    prod = np.array([line.environment == "prod" for line in lines])
    quantities = np.empty((len(days), len(lines)), dtype=np.int64)
    for number, day in enumerate(days):
        rng = np.random.default_rng([seed, day.toordinal()])
        weekend = np.where(prod, 0.85, 0.45) if day.weekday() >= 5 else 1.0
        growth = (1 + ALLOWANCE_GROWTH_YEAR) ** ((day - start).days / 365)
        noise = rng.lognormal(0, 0.08, len(lines))
        quantities[number] = np.maximum(1, np.rint(size * weekend * growth * noise * 1000)).astype(np.int64)
    line = np.tile(np.arange(len(lines), dtype=np.int64), len(days))
    day_number = np.repeat(np.arange(len(days), dtype=np.int64), len(lines))
    base = np.array([item.sku.price_nanos for item in lines], dtype=np.int64)
    stepped = np.array([item.sku.id == PRICE_STEP[0] for item in lines])
    after = np.array([day >= price_day for day in days])
    percent = np.where(after[day_number] & stepped[line], PRICE_STEP[1], 100)
    price = base[line] * percent // 100
    quantity = quantities.reshape(-1)
    return Charges(line, day_number, quantity, price, price * quantity)
