"""Mistral's admin endpoints on this machine, for an admin key: a month's usage and the spend limit.

docs.mistral.ai/admin/admin-api names the categories and the money of the answer, and does not show what is inside a category.
What is inside here (model -> tokens and cost) is this simulator's own, and nothing may rely on it.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from fiscus.connectors.simulated_ai.asking import Caller
from fiscus.connectors.simulated_ai.engine import Engine, read_body
from fiscus.connectors.simulated_ai.file_store import guarded
from fiscus.connectors.simulated_ai.reports import grouped, used

if TYPE_CHECKING:
    from fiscus.connectors.mistral.fakes import SimulatedMistral

CATEGORIES: Final = ("chat", "completion", "ocr", "audio", "connectors", "libraries_api", "fine_tuning", "vibe_usage")


def admin_routes(engine: Engine, vendor: SimulatedMistral) -> list[web.RouteDef]:
    """GET usage, GET and POST spend-limit."""

    async def usage(request: web.Request, _: Caller) -> web.Response:
        now = engine.clock.now()
        try:
            year, month = int(request.query.get("year", now.year)), int(request.query.get("month", now.month))
            start = datetime(year, month, 1, tzinfo=UTC)
        except ValueError:
            raise vendor.refusal(422, "invalid", "month: Input should be a valid month") from None
        end = start + timedelta(days=monthrange(year, month)[1])
        lines = [line for line in engine.bill.lines() if line.vendor == vendor.name and start <= line.at < end]
        body: dict[str, Any] = {
            "start_date": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "end_date": (end - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "currency": "USD",
        } | {name: {} for name in CATEGORIES}
        for (model,), group in grouped(lines, lambda line: (line.model,)).items():
            sums = used(group)
            body["chat"][model] = {
                "input_tokens": sums.quantities.get("input", 0), "output_tokens": sums.quantities.get("output", 0),
                "cost": format(sums.cost, "f"),
            }  # fmt: skip
        return web.json_response(body)

    async def shown(_: web.Request, __: Caller) -> web.Response:
        return web.json_response(engine.limits.get((vendor.name, ""), {"limit": None, "currency": "USD"}))

    async def updated(request: web.Request, _: Caller) -> web.Response:
        document, _files = await read_body(request, vendor)
        limit = document.get("limit")
        if not isinstance(limit, int | float) or limit < 0:
            raise vendor.refusal(422, "invalid", "limit: Input should be a valid number")
        engine.limits[vendor.name, ""] = {"limit": limit, "currency": "USD"}
        return web.json_response(engine.limits[vendor.name, ""])

    base = "/mistral/api/admin"
    return [
        web.get(f"{base}/usage", guarded(vendor, usage, admin=True)),
        web.get(f"{base}/spend-limit", guarded(vendor, shown, admin=True)),
        web.post(f"{base}/spend-limit", guarded(vendor, updated, admin=True)),
    ]
