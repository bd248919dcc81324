"""OpenAI's hard spend limits: of the organization and of a project, in cents a calendar month. Needs an admin key.

Shapes: openai-python, admin/organization/organization_spend_limit and projects/project_spend_limit. 404: there is none.
"""

from __future__ import annotations

from fiscus.connectors.vendor_api.json_api import JsonApi
from fiscus.connectors.vendor_api.limit_executor import LimitSeen
from fiscus.kernel.errors import Unavailable


class OpenAiLimits:
    """Implements vendor_api.limit_executor.LimitPort."""

    def __init__(self, api: JsonApi) -> None:
        self._api = api

    def read(self, at: str) -> LimitSeen:
        found = self._api.find(_path(at))
        if found is None:
            return LimitSeen(None)
        try:
            return LimitSeen(int(found["threshold_amount"]), str(found["currency"]))
        except (KeyError, TypeError, ValueError) as strange:
            raise Unavailable(
                f"OpenAI's spend limit is not as its documentation says: {strange!r}", remedy="Upgrade Fiscus."
            ) from None

    def put(self, at: str, cents: int) -> str:
        body = {"currency": "USD", "interval": "month", "threshold_amount": cents}
        return f"{self._api.change('POST', _path(at), body).get('object', '')} {cents} cents"

    def clear(self, at: str) -> str:
        return str(self._api.change("DELETE", _path(at)).get("object", ""))


def _path(at: str) -> str:
    kind, _, project = at.partition(":")
    return f"/organization/projects/{project}/spend_limit" if kind == "project" else "/organization/spend_limit"
