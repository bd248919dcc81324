"""Anthropic's cost report: GET /v1/organizations/cost_report, a day to a bucket, by workspace and description; for an admin key.

Shapes: platform.claude.com/docs/en/api/admin/cost_report. An amount is a decimal string in CENTS: "123.45" is 1.2345 USD. The
report knows no API keys, and leaves out what the Priority Tier costs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from fiscus.connectors.vendor_api.cost_report import report_costs
from fiscus.connectors.vendor_api.json_api import JsonApi
from fiscus.cost.ai.types import VendorCost
from fiscus.kernel.money import EXACT

BASE_URL: Final = "https://api.anthropic.com"
PAGE_DAYS: Final = 31


def anthropic_api(base_url: str, admin_key: str) -> JsonApi:
    """Anthropic's organization endpoints."""
    headers = {"x-api-key": admin_key, "anthropic-version": "2023-06-01"}
    return JsonApi("Anthropic", base_url or BASE_URL, headers)


class AnthropicCosts:
    """Implements cost.ai.ports.VendorCosts."""

    def __init__(self, api: JsonApi) -> None:
        self._api = api

    def costs(self, first: date, until: date) -> Iterator[VendorCost]:
        """Of the days [first, until). Raises Unavailable."""
        params = [
            ("starting_at", f"{first}T00:00:00Z"),
            ("ending_at", f"{until}T00:00:00Z"),
            ("bucket_width", "1d"),
            ("limit", str(PAGE_DAYS)),
            ("group_by[]", "workspace_id"),
            ("group_by[]", "description"),
        ]
        return report_costs(self._api, "/v1/organizations/cost_report", params, _costs)


def _costs(bucket: Mapping[str, Any]) -> Iterator[VendorCost]:
    day = datetime.fromisoformat(bucket["starting_at"]).date()
    return (_cost(day, row) for row in bucket["results"])


def _cost(day: date, row: Mapping[str, Any]) -> VendorCost:
    return VendorCost(
        day=day,
        amount=Decimal(str(row["amount"])).scaleb(-2, EXACT),
        currency=str(row["currency"]).upper(),
        item=str(row.get("description") or row.get("cost_type") or ""),
        model=str(row.get("model") or ""),
        account=str(row.get("workspace_id") or ""),
    )
