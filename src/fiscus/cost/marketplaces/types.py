"""What marketplaces are spoken of in: cells of feeds, what people declare of them, and what is found to be the same."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from fiscus.kernel.money import ZERO

Counts = Literal["focus", "marketplace", "vendor"]
Basis = Literal["declared", "inferred"]
Confidence = Literal["declared", "high", "medium", "possible", "by_the_feeds"]


@dataclass(frozen=True, slots=True)
class Cell:
    """What one feed shows of one seller in one month (of the charge period), by account. `others`: other sellers of the feed."""

    source: str
    seller: str
    invoicer: str
    month: str
    currency: str
    account: str
    sub_account: str
    billed: Decimal
    effective: Decimal
    charges: int
    others: int

    @property
    def worth(self) -> Decimal:
        """What it counts as cost; what it bills where it counts nothing."""
        return self.effective if self.effective != ZERO else self.billed


@dataclass(frozen=True, slots=True)
class DeclaredPair:
    """A line of marketplace.yaml. `same` False: two feeds of one seller that show different spend. Months inclusive, '' open.

    `marketplace_accounts`, `vendor_accounts`: it speaks of these billing or sub-accounts alone; none named: of the whole feed.
    """

    seller: str
    marketplace: str
    vendor: str
    counts: Counts
    same: bool
    first: str
    last: str
    line: int
    marketplace_accounts: frozenset[str] = frozenset()
    vendor_accounts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SeenTwice:
    """The same spend in two feeds in one month, or what may be. Only `declared`, `high` and `medium` are counted once.

    `by_the_feeds`: the two feeds count it once by themselves: billed by one, cost in the other. `evidence` says why.
    """

    id: str
    seller: str
    currency: str
    month: str
    marketplace: tuple[Cell, ...]
    vendor: tuple[Cell, ...]
    counts: Counts
    confidence: Confidence
    evidence: str

    @property
    def counted_once(self) -> bool:
        return self.confidence in {"declared", "high", "medium"}


@dataclass(frozen=True, slots=True)
class CellCounts:
    """Whether the charges of one cell count, by metric: one row of the table `same_spend` of the lake."""

    source: str
    seller: str
    currency: str
    month: str
    account: str
    sub_account: str
    link: str
    side: Literal["marketplace", "vendor"]
    other_source: str
    counts_billed: bool
    counts_effective: bool
    basis: str


@dataclass(frozen=True, slots=True)
class SeenIn:
    """The sources and sellers, as the bills write them, that the table `same_spend` tells of."""

    sources: frozenset[str]
    sellers: frozenset[str]


SAME_SPEND: Final = (
    ("x_SourceId", "VARCHAR"),
    ("ServiceProviderName", "VARCHAR"),
    ("BillingCurrency", "VARCHAR"),
    ("ChargeMonth", "VARCHAR"),
    ("BillingAccountId", "VARCHAR"),
    ("SubAccountId", "VARCHAR"),
    ("x_SeenTwice", "VARCHAR"),
    ("x_SeenTwiceSide", "VARCHAR"),
    ("x_SeenTwiceIn", "VARCHAR"),
    ("x_CountsBilledCost", "BOOLEAN"),
    ("x_CountsEffectiveCost", "BOOLEAN"),
    ("x_SeenTwiceBasis", "VARCHAR"),
)
"""The columns of the table `same_spend`, in the order of `CellCounts`."""
