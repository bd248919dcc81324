"""Mistral's admin endpoints: the organization's spend limit. Nobody documents what is inside its usage report: it is not read."""

from __future__ import annotations

from typing import Final

from fiscus.connectors.vendor_api.json_api import JsonApi

BASE_URL: Final = "https://console.mistral.ai"


def mistral_api(base_url: str, admin_key: str) -> JsonApi:
    """https://docs.mistral.ai/admin/admin-api: below /api/admin, with the admin key in x-api-key."""
    return JsonApi("Mistral", base_url or BASE_URL, {"x-api-key": admin_key})
