"""OpenAI's cost report: GET /organization/costs, a day to a bucket, by project, line item and API key. Needs an admin key.

Shapes: openai-python, admin/organization/usage_costs_response. Amounts are JSON floats in whole units of a currency in small
letters; they are taken by their digits. The model stands only in the text of the line item, before the comma:
`gpt-4o-mini, input`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from fiscus.connectors.vendor_api.cost_report import report_costs
from fiscus.connectors.vendor_api.json_api import JsonApi
from fiscus.cost.ai.types import VendorCost
from fiscus.kernel.periods import midnight

BASE_URL: Final = "https://api.openai.com/v1"
PAGE_DAYS: Final = 180
TOKENS: Final = ("input", "output", "input_tokens", "output_tokens")  # how items that are measured in tokens end
TIERS: Final = (" batch", " flex", " priority")


def openai_api(base_url: str, admin_key: str) -> JsonApi:
    """OpenAI's organization endpoints."""
    return JsonApi("OpenAI", base_url or BASE_URL, {"Authorization": f"Bearer {admin_key}"})


class OpenAiCosts:
    """Implements cost.ai.ports.VendorCosts."""

    def __init__(self, api: JsonApi) -> None:
        self._api = api

    def costs(self, first: date, until: date) -> Iterator[VendorCost]:
        """Of the days [first, until). Raises Unavailable."""
        params = [
            ("start_time", str(int(midnight(first).timestamp()))),
            ("end_time", str(int(midnight(until).timestamp()))),
            ("bucket_width", "1d"),
            ("limit", str(PAGE_DAYS)),
            ("group_by[]", "project_id"),
            ("group_by[]", "line_item"),
            ("group_by[]", "api_key_id"),
        ]
        return report_costs(self._api, "/organization/costs", params, _costs)


def _costs(bucket: Mapping[str, Any]) -> Iterator[VendorCost]:
    day = datetime.fromtimestamp(int(bucket["start_time"]), UTC).date()
    return (_cost(day, row) for row in bucket["results"])


def _cost(day: date, row: Mapping[str, Any]) -> VendorCost:
    item = str(row.get("line_item") or "")
    amount, quantity = row["amount"], row.get("quantity")
    return VendorCost(
        day=day,
        amount=Decimal(amount["value"]),
        currency=str(amount["currency"]).upper(),
        item=item,
        model=model_in(item),
        account=str(row.get("project_id") or ""),
        key=str(row.get("api_key_id") or ""),
        quantity=None if quantity is None else Decimal(quantity),
        unit="Tokens" if item.endswith(TOKENS) else "",
    )


def model_in(line_item: str) -> str:
    """`gpt-4o-mini batch, input` is of gpt-4o-mini; an item without a comma names no model."""
    name, comma, _ = line_item.rpartition(",")
    for tier in TIERS:
        name = name.removesuffix(tier)
    return name.strip() if comma else ""
