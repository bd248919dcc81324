"""What a thing costs this company: its own contracted price, else its own effective price, else a list price; and how sure.

Contracted first: the next unit is bought on demand. An effective price holds the discount of commitments, which may be used up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from fiscus.cost.list_prices import list_prices
from fiscus.cost.price_types import PRICE_SOURCES, Confidence, LearnedPrice, ListPrice, PriceAsk, UnitPrice
from fiscus.kernel.money import EXACT

HIGH_DAYS_MIN: Final = 7  # charged on so many days, ...
HIGH_AGE_DAYS_MAX: Final = 7  # ... last within so many, ...
HIGH_SPREAD_PERCENT_MAX: Final = 2  # ... at prices that differ by no more than this
MEDIUM_SPREAD_PERCENT_MAX: Final = 15
LIST_AGE_DAYS_MAX: Final = 400  # an older list price is not even medium
LIST_REGIONS: Final[Mapping[str, str]] = {"AWS": "us-east-1", "Microsoft": "eastus", "Google Cloud": "us-central1"}


@dataclass(frozen=True, slots=True)
class PriceBook:
    """`learned` over the charges before `until`; `listed`: the shipped table. Answers `price`."""

    until: date
    learned: Sequence[LearnedPrice] = ()
    listed: Mapping[tuple[str, str, str], tuple[ListPrice, ...]] = field(default_factory=list_prices)
    _index: dict[tuple[str, str, str, str], list[LearnedPrice]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        for one in self.learned:
            for name in one.names:
                self._index.setdefault((one.provider, name, one.region, one.unit), []).append(one)

    def price(self, ask: PriceAsk) -> UnitPrice | None:
        """The best price there is; None when neither the bills nor the table know one."""
        return self._own(ask) or self._list(ask)

    def _own(self, ask: PriceAsk) -> UnitPrice | None:
        for name in ask.names:
            same = self._index.get((ask.provider, name, ask.region, ask.unit), [])
            fitting = [one for one in same if _fits(one, ask.traits)]
            answers = [found for one in fitting if (found := _answer(one, self.until, spot=ask.spot))]
            if answers:
                return _best(answers)
        return None

    def _list(self, ask: PriceAsk) -> UnitPrice | None:
        if ask.spot:
            return None
        usual = LIST_REGIONS.get(ask.provider, "")
        for region in dict.fromkeys((ask.region, usual)):
            for name in ask.names:
                for one in self.listed.get((ask.provider, name, ask.unit), ()):
                    if one.region in {region, "*"}:
                        return _of_list(one, ask.region, self.until)
        return None


def _fits(one: LearnedPrice, traits: Mapping[str, str]) -> bool:
    return all(one.details.get(key, value).casefold() == value.casefold() for key, value in traits.items())


def _best(answers: Iterable[UnitPrice]) -> UnitPrice:
    """Of several SKUs of one name: the best kind of price, of that the one with the most charges; the dearer of equals."""
    return min(answers, key=lambda one: (PRICE_SOURCES.index(one.source), -one.charges, -one.amount, one.sku))


def _answer(one: LearnedPrice, until: date, *, spot: bool) -> UnitPrice | None:
    if spot:
        return _effective(one, one.spot_cost, one.spot_quantity, until, "spot")
    if one.contracted is not None:
        return _contracted(one, one.contracted, until)
    if one.quantity > 0 and one.cost > 0:
        return _effective(one, one.cost, one.quantity, until, "effective")
    if one.listed:
        why = f"the list price on {_resting(one)}: these bills state no price of your contract"
        return _own_price(one, one.listed, why, "list", "medium")
    return None


def _contracted(one: LearnedPrice, amount: Decimal, until: date) -> UnitPrice:
    low, high = one.low or amount, one.high or amount
    spread = EXACT.multiply(EXACT.divide(EXACT.subtract(high, low), amount), Decimal(100))
    age = (until - one.newest).days
    sure: Confidence = "low"
    if one.days >= HIGH_DAYS_MIN and age <= HIGH_AGE_DAYS_MAX and spread <= HIGH_SPREAD_PERCENT_MAX:
        sure = "high"
    elif spread <= MEDIUM_SPREAD_PERCENT_MAX:
        sure = "medium"
    differ = f", priced from {low:f} to {high:f}" if high != low else ""
    return _own_price(one, amount, f"your contracted price on {_resting(one)}{differ}", "contracted", sure)


def _effective(one: LearnedPrice, cost: Decimal, quantity: Decimal, until: date, kind: str) -> UnitPrice | None:
    if quantity <= 0 or cost <= 0:
        return None
    amount = EXACT.divide(cost, quantity)
    fresh = one.days >= HIGH_DAYS_MIN and (until - one.newest).days <= HIGH_AGE_DAYS_MAX and kind != "spot"
    what = "what spot cost you" if kind == "spot" else "what it cost you, commitment discounts included,"
    return _own_price(one, amount, f"{what} on {_resting(one)}", "effective", "medium" if fresh else "low")


def _own_price(one: LearnedPrice, amount: Decimal, why: str, source: str, sure: Confidence) -> UnitPrice:
    kind = next(known for known in PRICE_SOURCES if known == source)
    return UnitPrice(
        amount, one.currency, one.unit, kind, sure, why, one.sku, one.charges, one.days, one.low, one.high, one.newest,
        one.evidence, one.service,
    )  # fmt: skip


def _resting(one: LearnedPrice) -> str:
    return f"{one.charges:,} charges of {one.days} days until {one.newest}"


def _of_list(one: ListPrice, region: str, until: date) -> UnitPrice:
    here = one.region in {region, "*"}
    place = f"of {one.region}" if here and one.region != "*" else ""
    if not here:
        place = f"of {one.region}, for want of one of {region or 'a region'},"
    fresh = here and (until - one.as_of).days <= LIST_AGE_DAYS_MAX
    why = f"list price {place} as of {one.as_of} ({one.origin}); you never bought it in the days that were read"
    return UnitPrice(one.amount, one.currency, one.unit, "list", "medium" if fresh else "low", " ".join(why.split()))
