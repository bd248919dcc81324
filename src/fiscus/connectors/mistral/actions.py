"""Mistral's spend limit: of the organization, a month. Needs an admin key.

https://docs.mistral.ai/admin/admin-api names GET and POST /spend-limit and does not show their bodies: `limit`, in whole units
of the organization's currency, is what is taken for them, and reading back says whether that was so. What is inside the usage
report is not documented either, so no bill is read from it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from fiscus.connectors.vendor_api.json_api import JsonApi
from fiscus.connectors.vendor_api.limit_executor import LimitSeen
from fiscus.kernel.errors import BadInput, Unavailable

BASE_URL: Final = "https://console.mistral.ai"
PATH: Final = "/api/admin/spend-limit"


def mistral_api(base_url: str, admin_key: str) -> JsonApi:
    """Below /api/admin, with the admin key in x-api-key."""
    return JsonApi("Mistral", base_url or BASE_URL, {"x-api-key": admin_key})


class MistralLimits:
    """Implements vendor_api.limit_executor.LimitPort, for the organization."""

    def __init__(self, api: JsonApi) -> None:
        self._api = api

    def read(self, at: str) -> LimitSeen:
        _organization(at)
        found = self._api.read(PATH)
        try:
            limit, currency = found["limit"], str(found["currency"])
            return LimitSeen(None if limit is None else _cents(Decimal(limit)), currency)
        except (KeyError, TypeError, ArithmeticError) as strange:
            raise Unavailable(
                f"Mistral's spend limit is not as we know it: {strange!r}", remedy="Look at it in the console."
            ) from None

    def put(self, at: str, cents: int) -> str:
        _organization(at)
        whole, rest = divmod(cents, 100)
        if rest:
            raise BadInput(f"{cents} cents are no whole amount", remedy="Mistral's limit takes whole units.")
        self._api.change("POST", PATH, {"limit": whole})
        return f"limit {whole}"

    def clear(self, at: str) -> str:
        _organization(at)
        raise BadInput("Mistral documents no way to take a limit away", remedy="Take it away in the console.")


def _organization(at: str) -> None:
    if at != "organization":
        raise BadInput(f"Mistral has no limit of {at}", remedy="Its limit is the organization's.")


def _cents(limit: Decimal) -> int:
    return int(limit.scaleb(2))
