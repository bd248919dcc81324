"""GET /models: free, and only for a vendor's own key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from fiscus.connectors.simulated_ai.asking import Vendor, VendorError, caller_of
from fiscus.connectors.simulated_ai.engine import Engine, refused
from fiscus.connectors.simulated_ai.price_list import KNOWN

ModelRow = Callable[[str, int], Mapping[str, Any]]


def model_routes(engine: Engine, vendor: Vendor, base: str, row: ModelRow) -> list[web.RouteDef]:
    """The list, and one by name."""
    names = sorted({name.split(":")[0] for owner, name in KNOWN if owner == vendor.name})

    async def all_models(request: web.Request) -> web.Response:
        try:
            caller_of(vendor, request.headers)
        except VendorError as error:
            return refused(error)
        data = [row(name, engine.unix()) for name in names]
        first, last = (names[0], names[-1]) if names else (None, None)
        return web.json_response(
            {"object": "list", "data": data, "has_more": False, "first_id": first, "last_id": last}
        )

    async def one_model(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        try:
            caller_of(vendor, request.headers)
            if name not in names:
                raise vendor.refusal(404, "no_model", f"The model '{name}' does not exist")
        except VendorError as error:
            return refused(error)
        return web.json_response(row(name, engine.unix()))

    return [web.get(f"{base}/models", all_models), web.get(f"{base}/models/{{name:.+}}", one_model)]
