"""Anthropic's spend limits: of a Console organization and of a workspace, in cents a month. Needs an admin key; a beta.

Shapes: anthropic-python, beta/organization/spend_limits. Setting is an upsert by scope and period; reading needs a beta header.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fiscus.connectors.vendor_api.json_api import JsonApi
from fiscus.connectors.vendor_api.limit_executor import LimitSeen
from fiscus.kernel.errors import Unavailable
from fiscus.kernel.limits import VENDOR_PAGES_MAX

PATH: Final = "/v1/organizations/spend_limits"
BETA: Final = {"anthropic-beta": "spend-limit-reads-2026-09-26"}


class AnthropicLimits:
    """Implements vendor_api.limit_executor.LimitPort."""

    def __init__(self, api: JsonApi) -> None:
        self._api = api

    def read(self, at: str) -> LimitSeen:
        found = self._find(at)
        if found is None or found.get("amount") is None:
            return LimitSeen(None)
        return LimitSeen(int(str(found["amount"])), str(found.get("currency", "USD")))

    def put(self, at: str, cents: int) -> str:
        kind, _, workspace = at.partition(":")
        scope = {"type": "workspace", "workspace_id": workspace} if kind == "workspace" else {"type": "organization"}
        body = {"amount": str(cents), "scope": scope, "period": "monthly"}
        return str(self._api.change("POST", PATH, body).get("id", ""))

    def clear(self, at: str) -> str:
        found = self._find(at)
        if found is None:
            return "there was none"
        return str(self._api.change("DELETE", f"{PATH}/{found['id']}").get("id", ""))

    def _find(self, at: str) -> Mapping[str, Any] | None:
        kind, _, workspace = at.partition(":")
        params = [("limit", "100")]
        page = ""
        for _ in range(VENDOR_PAGES_MAX):
            answer = self._api.read(PATH, [*params, ("page", page)] if page else params, BETA)
            try:
                for one in answer["data"]:
                    scope = one["scope"]
                    mine = scope["type"] == kind and str(scope.get("workspace_id") or "") == workspace
                    if mine and one["period"] == "monthly":
                        return dict(one)
                page = str(answer.get("next_page") or "")
            except (KeyError, TypeError) as strange:
                raise Unavailable(
                    f"Anthropic's spend limits are not as its documentation says: {strange!r}", remedy="Upgrade Fiscus."
                ) from None
            if not page:
                return None
        raise Unavailable("Anthropic's list of spend limits does not end", remedy="Look at it in the Console.")
