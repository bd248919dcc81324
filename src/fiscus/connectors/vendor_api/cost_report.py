"""A cost report that comes in buckets of a day and in pages: {data: [bucket], has_more, next_page}, as vendors have it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from fiscus.connectors.vendor_api.json_api import JsonApi, Params
from fiscus.cost.ai.types import VendorCost
from fiscus.kernel.errors import Unavailable
from fiscus.kernel.limits import VENDOR_PAGES_MAX

CostsOf = Callable[[Mapping[str, Any]], Iterable[VendorCost]]


def report_costs(api: JsonApi, path: str, params: Params, costs_of: CostsOf) -> Iterator[VendorCost]:
    """What `costs_of` reads in each bucket of every page. Raises Unavailable: not readable, of another shape, endless."""
    page = ""
    for _ in range(VENDOR_PAGES_MAX):
        answer = api.read(path, [*params, ("page", page)] if page else params)
        try:
            for bucket in answer["data"]:
                yield from costs_of(bucket)
            page = str(answer["next_page"] or "") if answer["has_more"] else ""
        except (KeyError, TypeError, ValueError, ArithmeticError) as strange:
            raise Unavailable(
                f"{api.vendor}'s cost report is not as its documentation says: {strange!r}", remedy="Upgrade Fiscus."
            ) from None
        if not page:
            return
    raise Unavailable(f"{api.vendor}'s cost report does not end", remedy="Ask for fewer days.")
