"""What the price book speaks of: what is asked for, what was learned from bills, and the price that is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from fiscus.kernel.rows import Query

PriceSource = Literal["contracted", "effective", "list"]
PRICE_SOURCES: Final[tuple[PriceSource, ...]] = ("contracted", "effective", "list")  # best first
Confidence = Literal["high", "medium", "low"]
CONFIDENCES: Final[tuple[Confidence, ...]] = ("high", "medium", "low")


@dataclass(frozen=True, slots=True)
class PriceAsk:
    """A price that is wanted. `names`: what bills and price lists call the thing, lower case, the most exact first.

    `traits`: details that must not disagree where a bill states them, such as OperatingSystem; compared without case.
    """

    provider: str  # as ServiceProviderName: AWS, Microsoft, Google Cloud
    names: tuple[str, ...]
    region: str
    unit: str  # as cost.price_units: hour, gb-month, month ...
    traits: Mapping[str, str] = field(default_factory=dict)
    spot: bool = False


@dataclass(frozen=True, slots=True)
class LearnedPrice:
    """What one SKU cost in one region, per `unit`, over the days that were read. None: the bills do not say.

    `contracted`: the quantity-weighted median of what on-demand charges were priced at; `low` and `high` its range.
    `cost` and `quantity` are the totals with commitment discounts, `spot_*` those of dynamic prices: they make effective prices.
    """

    provider: str
    service: str
    sku: str
    meter: str
    unit: str
    region: str
    resource_type: str
    details: Mapping[str, str]
    currency: str
    contracted: Decimal | None
    low: Decimal | None
    high: Decimal | None
    listed: Decimal | None
    cost: Decimal
    quantity: Decimal
    spot_cost: Decimal
    spot_quantity: Decimal
    charges: int
    days: int
    newest: date
    names: frozenset[str]
    evidence: Query


@dataclass(frozen=True, slots=True)
class ListPrice:
    """One row of the list price table that is shipped: a public price, of a day, with where it was read."""

    provider: str
    name: str
    region: str
    unit: str
    amount: Decimal
    currency: str
    as_of: date
    origin: str


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """The answer. `why` says in a sentence what it rests on; `evidence` shows its charges (None: a shipped list price)."""

    amount: Decimal
    currency: str
    unit: str
    source: PriceSource
    confidence: Confidence
    why: str
    sku: str = ""
    charges: int = 0
    days: int = 0
    low: Decimal | None = None
    high: Decimal | None = None
    newest: date | None = None
    evidence: Query | None = None
    service: str = ""  # as the bills call it
