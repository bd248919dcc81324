"""What a resource would cost after a change, by the company's own prices or a list price: the asked price, scaled.

Another size, region or spot capacity scales it by the ratio of two prices of an hour; other hours, counts or gigabytes by their
own. So what the asked amount rests on (hours, count, discounts) is kept, and only what is changed is priced.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from fiscus.cost.price_book import PriceBook
from fiscus.cost.price_types import PriceAsk, UnitPrice
from fiscus.guardrails.types import Intent, Quote
from fiscus.kernel.errors import FiscusError
from fiscus.kernel.money import EXACT, ZERO, from_nanos, to_nanos

PRICED: Final = frozenset({"size", "region", "pricing"})
USUAL: Final[Mapping[str, int | None]] = {
    "hours_per_month": 730,
    "count": 1,
    "storage_gb": None,
}  # where it is not said
OWN: Final = ("contracted", "effective")


class PriceQuotes:
    """Quotes from a price book, which is fetched when the first one is asked for."""

    def __init__(self, book: Callable[[], PriceBook]) -> None:
        self._book = book

    def quote(self, intent: Intent, change: Mapping[str, object]) -> Quote | None:
        """None for what is no resource, for a change of anything else, and where a price is not known in the same currency."""
        if intent.kind != "resource.provision" or not set(change) <= PRICED | set(USUAL):
            return None
        after = {**intent.attributes, **change}
        ratio, own = Decimal(1), True
        if set(change) & PRICED:
            try:
                prices = [self._hour(intent, attributes) for attributes in (intent.attributes, after)]
            except FiscusError:  # bills that cannot be read now are prices that nobody knows
                return None
            before, then = prices
            if before is None or then is None or before.currency != then.currency or before.amount <= ZERO:
                return None
            ratio, own = EXACT.divide(then.amount, before.amount), before.source in OWN and then.source in OWN
        for name in set(change) & set(USUAL):
            asked, less = intent.attributes.get(name, USUAL[name]), change[name]
            if not isinstance(asked, int) or not isinstance(less, int) or asked <= 0 or less < 0:
                return None
            ratio = EXACT.divide(EXACT.multiply(ratio, Decimal(less)), Decimal(asked))
        amount = from_nanos(to_nanos(EXACT.multiply(intent.amount, ratio), round_up=True))
        return Quote(amount, "history" if own else "list")

    def _hour(self, intent: Intent, attributes: Mapping[str, object]) -> UnitPrice | None:
        size, region = str(attributes.get("size", "")), str(attributes.get("region", ""))
        ask = PriceAsk(intent.provider, (size.casefold(),), region, "hour", spot=attributes.get("pricing") == "spot")
        return self._book().price(ask) if size else None
