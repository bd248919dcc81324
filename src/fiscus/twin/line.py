"""What a simulated bill is made of: lines (who, what, where), and facts (when, how much), as columns of integers.

Quantities and unit prices are counted in millionths, money in 10^-12 of the currency, so a cost is the exact product of two
integers. Azure sends more digits than that: the three digits below 10^-12 of such a cost stand in `rest`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
UNIT: Final = 10**6  # of quantities and unit prices
MONEY: Final = 10**12  # of costs
NO_PRICE: Final = -1  # unit prices are never negative (FOCUS), so -1 can mean: there is none


@dataclass(frozen=True, slots=True)
class Sku:
    """One thing a vendor sells. Prices in millionths per `unit`; `consumed_per_unit` turns pricing into consumed quantity."""

    id: str
    service: str
    category: str
    subcategory: str
    meter: str
    text: str
    unit: str
    list_price: int
    contracted_price: int
    consumed_unit: str = ""
    consumed_per_unit: int = 1
    resource_type: str = ""
    details: Mapping[str, object] = field(default_factory=dict)
    price_id: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """A sub-account as its vendor calls it: AWS account, Azure subscription, project, workspace."""

    id: str
    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Commitment:
    """A discount bought for a term. `hourly` is what it costs an hour, in millionths; days are indexes of the timeline."""

    id: str
    name: str
    category: str  # Spend or Usage
    type: str
    hourly: int
    first_day: int
    last_day: int  # exclusive
    payment: str  # daily, monthly, upfront
    price_percent: int  # what covered usage costs, percent of its list price


@dataclass(frozen=True, slots=True)
class Line:
    """A stream of charges that differ only in time and amount. `seen` is what the workspace's own rules make of it."""

    source: str
    sku: Sku
    account: Account
    seen: tuple[str, str, str]  # team, environment, product
    tags: Mapping[str, str] | None = None
    region: str = ""
    resource_id: str = ""
    resource_name: str = ""
    category: str = "Usage"
    charge_class: str = ""
    frequency: str = "Usage-Based"
    pricing: str = "Standard"
    text: str = ""
    commitment: Commitment | None = None
    status: str = ""
    publisher: str = ""  # the seller on a marketplace
    machine: str = ""  # name of the fleet's machine whose compute this is
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """Charges, one entry each. `day` and `span` give the charge period, `month` the billing period's index.

    quantity: millionths of the pricing unit (`counted` False: none). prices: millionths. costs: 10^-12.
    """

    line: Ints
    day: Ints
    span: Ints
    month: Ints
    quantity: Ints
    counted: NDArray[np.bool_]
    list_price: Ints
    contracted_price: Ints
    list_cost: Ints
    contracted_cost: Ints
    billed: Ints
    effective: Ints
    committed: Ints  # CommitmentDiscountQuantity in 10^-12; 0 where there is none
    rest: Ints  # digits below the others, where a vendor sends more (fine_decimals.py)

    def take(self, chosen: NDArray[np.bool_] | Ints) -> Facts:
        """The chosen charges, in their order."""
        return Facts(*(getattr(self, column.name)[chosen] for column in fields(self)))

    def __len__(self) -> int:
        return len(self.line)


def join_facts(parts: Sequence[Facts]) -> Facts:
    """All charges of `parts`, one after the other."""
    return Facts(*(np.concatenate([getattr(part, c.name) for part in parts]) for c in fields(Facts)))


def no_facts() -> Facts:
    """No charges at all."""
    empty = np.zeros(0, np.int64)
    return Facts(**{c.name: empty.astype(bool) if c.name == "counted" else empty for c in fields(Facts)})


@dataclass(frozen=True, slots=True)
class Book:
    """The whole bill of one source."""

    source: str
    lines: tuple[Line, ...]
    facts: Facts


def join_books(source: str, books: Sequence[Book]) -> Book:
    """One book of several: line numbers are shifted, order kept."""
    lines: list[Line] = []
    parts: list[Facts] = []
    for book in books:
        shifted = {c.name: getattr(book.facts, c.name) for c in fields(Facts)}
        shifted["line"] = shifted["line"] + len(lines)
        parts.append(Facts(**shifted))
        lines += book.lines
    return Book(source, tuple(lines), join_facts(parts) if parts else no_facts())


def total_of(amounts: Ints) -> int:
    """The exact sum, in two halves: ten million dollars in 10^-12 are more than 64 bits hold."""
    high, low = np.divmod(np.asarray(amounts, np.int64).ravel(), UNIT)
    return int(high.sum()) * UNIT + int(low.sum())
