"""From one question about spend to the next: narrower, without a filter, and what to look at after a group was opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from fiscus.flows.spend_dimensions import SpendAsked, Window
from fiscus.signals.types import Anomaly

NEXT: Final[Mapping[str, str]] = {
    "service_category": "service",
    "service": "resource_type",
    "resource_type": "resource",
    "provider": "service",
    "source": "service",
    "team": "service",
    "cost_centre": "team",
    "owner": "service",
    "environment": "team",
    "product": "service",
    "sub_account": "service",
    "region": "service",
}


def with_filter(asked: SpendAsked, name: str) -> SpendAsked:
    """`asked` for one of its groups alone."""
    wanted = (asked.group_by, name)
    kept = tuple(one for one in asked.filters if one[0] != asked.group_by)
    return replace(asked, filters=(*kept, wanted))


def narrowed(asked: SpendAsked, name: str) -> SpendAsked:
    """One group of `asked`, grouped by what explains it next."""
    return replace(with_filter(asked, name), group_by=NEXT.get(asked.group_by, "service"))


def without(asked: SpendAsked, gone: tuple[str, str]) -> SpendAsked:
    """`asked` without one of its filters."""
    return replace(asked, filters=tuple(one for one in asked.filters if one != gone))


def last_day(window: Window | Anomaly) -> date:
    """The last day that a half-open run of days has."""
    return max(window.end - timedelta(days=1), window.start)
