"""The price book of a workspace: learned once a lake version; a server does not read a month of bills for each question."""

from __future__ import annotations

import threading
from typing import Final

from fiscus.cost.learn_prices import learn_prices
from fiscus.cost.price_book import PriceBook
from fiscus.flows.workspace import Workspace

_LOCK: Final = threading.Lock()
_KEPT: Final[dict[str, tuple[tuple[object, ...], PriceBook]]] = {}
KEPT_MAX: Final = 8


def price_book(ws: Workspace) -> PriceBook:
    """Prices of the bills before the as-of day, over the days that the gate settings name."""
    days = ws.config.gates.price_days
    key = (ws.lake.version(), ws.as_of, days)
    home = str(ws.home)
    with _LOCK:
        kept = _KEPT.get(home)
        if kept and kept[0] == key:
            return kept[1]
    book = PriceBook(ws.as_of, learn_prices(ws.lake, ws.as_of, days))
    with _LOCK:
        if len(_KEPT) >= KEPT_MAX:
            _KEPT.clear()
        _KEPT[home] = (key, book)
    return book
