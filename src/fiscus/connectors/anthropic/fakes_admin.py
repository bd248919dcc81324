"""Anthropic's admin endpoints on this machine: cost report, usage report and spend limits, for an admin key only.

Shapes: platform.claude.com/docs/en/api/admin. Amounts are decimal strings in cents; the cost report knows no keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from fiscus.connectors.simulated_ai.asking import Caller
from fiscus.connectors.simulated_ai.bill import BillLine
from fiscus.connectors.simulated_ai.engine import Engine, read_body
from fiscus.connectors.simulated_ai.file_store import guarded
from fiscus.connectors.simulated_ai.reports import WIDTHS, Bucket, buckets, grouped, used

if TYPE_CHECKING:
    from fiscus.connectors.anthropic.fakes import SimulatedAnthropic

TOKEN_TYPES: Final = {
    "input": ("uncached_input_tokens", "Input Tokens"), "cached_input": ("cache_read_input_tokens", "Cache Read Input Tokens"),
    "cache_write": ("cache_creation.ephemeral_5m_input_tokens", "Cache Write 5m Input Tokens"),
    "cache_write_1h": ("cache_creation.ephemeral_1h_input_tokens", "Cache Write 1h Input Tokens"),
    "output": ("output_tokens", "Output Tokens"),
}  # fmt: skip
CENTS: Final = Decimal(100)
LIMIT_MAX: Final = {"1m": 1440, "1h": 168, "1d": 31}
Rows = Callable[[Bucket, Sequence[str]], list[dict[str, Any]]]


def admin_routes(engine: Engine, vendor: SimulatedAnthropic) -> list[web.RouteDef]:
    """Cost report, usage report of messages, spend limits."""
    base = "/anthropic/v1/organizations"

    async def costs(request: web.Request, _: Caller) -> web.Response:
        return _page(engine, vendor, request, _costs)

    async def usage(request: web.Request, _: Caller) -> web.Response:
        return _page(engine, vendor, request, _usage)

    return [
        web.get(f"{base}/cost_report", guarded(vendor, costs, admin=True)),
        web.get(f"{base}/usage_report/messages", guarded(vendor, usage, admin=True)),
        *_limit_routes(engine, vendor, f"{base}/spend_limits"),
    ]


def _page(engine: Engine, vendor: SimulatedAnthropic, request: web.Request, rows: Rows) -> web.Response:
    asked = request.query
    width = asked.get("bucket_width", "1d")
    try:
        start = datetime.fromisoformat(asked["starting_at"])
        end = (
            datetime.fromisoformat(asked["ending_at"])
            if "ending_at" in asked
            else engine.clock.now() + timedelta(days=1)
        )
        limit = min(int(asked.get("limit", 7)), LIMIT_MAX[width])
        first = int(asked.get("page", "page_0").removeprefix("page_"))
        at = [moment if moment.tzinfo else moment.replace(tzinfo=UTC) for moment in (start, end)]
    except (KeyError, ValueError):
        raise vendor.refusal(400, "invalid", "starting_at: Field required, an RFC 3339 date-time") from None
    if request.path.endswith("cost_report") and width != "1d":
        raise vendor.refusal(400, "invalid", "bucket_width: Input should be '1d'")
    by = asked.getall("group_by[]", asked.getall("group_by", []))
    lines = [line for line in engine.bill.lines() if line.vendor == vendor.name]
    found = list(buckets(lines, at[0], at[1], width))
    data = [
        {
            "starting_at": _stamp(bucket.start),
            "ending_at": _stamp(bucket.start + WIDTHS[width]),
            "results": rows(bucket, by),
        }
        for bucket in found[first : first + limit]
    ]
    more = len(found) > first + limit
    return web.json_response({"data": data, "has_more": more, "next_page": f"page_{first + limit}" if more else None})


def _costs(bucket: Bucket, by: Sequence[str]) -> list[dict[str, Any]]:
    rows = []
    for key, group in grouped(
        bucket.lines, lambda line: _key(line, [name for name in by if name == "workspace_id"])
    ).items():
        workspace = key[0] if key else None
        if "description" not in by:
            blank = dict.fromkeys(
                ("description", "cost_type", "context_window", "model", "service_tier", "token_type", "inference_geo")
            )
            rows.append({"currency": "USD", "amount": _cents(used(group).cost), "workspace_id": workspace, **blank})
            continue
        for (model, tier), lines in grouped(group, lambda line: (line.model, line.tier)).items():
            rows += [
                _cost_row(workspace, model, tier, lines, meter)
                for meter in sorted({m for line in lines for m in line.meters})
            ]
    return rows


def _cost_row(workspace: str | None, model: str, tier: str, lines: Sequence[BillLine], meter: str) -> dict[str, Any]:
    token_type, name = TOKEN_TYPES.get(meter, (None, "Web Search"))
    return {
        "currency": "USD", "amount": _cents(used(lines, meter).cost), "workspace_id": workspace,
        "description": f"{model} Usage - {name}", "cost_type": "tokens" if token_type else "web_search",
        "context_window": "0-200k", "model": model, "service_tier": tier, "token_type": token_type,
        "inference_geo": "not_available",
    }  # fmt: skip


def _usage(bucket: Bucket, by: Sequence[str]) -> list[dict[str, Any]]:
    rows = []
    for key, group in grouped(bucket.lines, lambda line: _key(line, by)).items():
        sums = used(group).quantities
        named: dict[str, Any] = dict.fromkeys(("api_key_id", "workspace_id", "model", "service_tier", "context_window"))
        named |= dict(zip(by, key, strict=True))
        rows.append(
            {
                "uncached_input_tokens": sums.get("input", 0),
                "cache_creation": {
                    "ephemeral_1h_input_tokens": sums.get("cache_write_1h", 0),
                    "ephemeral_5m_input_tokens": sums.get("cache_write", 0),
                },
                "cache_read_input_tokens": sums.get("cached_input", 0), "output_tokens": sums.get("output", 0),
                "server_tool_use": {"web_search_requests": sums.get("searches", 0)}, **named,
            }
        )  # fmt: skip
    return rows


def _key(line: BillLine, by: Sequence[str]) -> tuple[str, ...]:
    values: Mapping[str, str] = {
        "workspace_id": f"wrkspc_{line.project}", "api_key_id": f"api{line.key}", "model": line.model, "service_tier": line.tier,
        "context_window": "0-200k",
    }  # fmt: skip
    return tuple(values.get(name, "") for name in by)


def _cents(cost: Decimal) -> str:
    return format(cost * CENTS, "f")


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _limit_routes(engine: Engine, vendor: SimulatedAnthropic, path: str) -> list[web.RouteDef]:
    """Set (the same scope and period again overwrites), show, list and delete."""

    async def set_limit(request: web.Request, _: Caller) -> web.Response:
        document, _files = await read_body(request, vendor)
        scope, amount, period = document.get("scope") or {}, document.get("amount"), document.get("period", "monthly")
        if scope.get("type") not in {"organization", "workspace"} or (
            scope["type"] == "workspace" and not scope.get("workspace_id")
        ):
            raise vendor.refusal(400, "invalid", "scope: a Console organization sets organization and workspace limits")
        if not isinstance(amount, str) or not amount.isdigit() or period != "monthly":
            raise vendor.refusal(
                400, "invalid", "amount: Input should be an integer decimal string in cents, period monthly"
            )
        place = (vendor.name, f"{scope['type']}:{scope.get('workspace_id', '')}")
        now = engine.clock.now().isoformat()
        known = engine.limits.get(place, {"id": engine.new_id("spl_"), "created_at": now})
        engine.limits[place] = {
            "id": known["id"], "type": "spend_limit", "amount": amount, "currency": "USD", "period": period, "scope": scope,
            "is_enabled": True, "created_at": known["created_at"], "updated_at": now,
        }  # fmt: skip
        return web.json_response(engine.limits[place])

    def place_of(identity: str) -> tuple[str, str]:
        for place, limit in engine.limits.items():
            if place[0] == vendor.name and limit["id"] == identity:
                return place
        raise vendor.refusal(404, "not_found", f"Spend limit {identity} was not found.")

    async def shown(request: web.Request, _: Caller) -> web.Response:
        return web.json_response(engine.limits[place_of(request.match_info["id"])])

    async def listed(_: web.Request, __: Caller) -> web.Response:
        rows = [limit for (owner, _), limit in engine.limits.items() if owner == vendor.name]
        return web.json_response({"data": rows, "has_more": False, "next_page": None})

    async def deleted(request: web.Request, _: Caller) -> web.Response:
        del engine.limits[place_of(request.match_info["id"])]
        return web.json_response({"id": request.match_info["id"], "type": "spend_limit_deleted"})

    return [
        web.post(path, guarded(vendor, set_limit, admin=True)),
        web.get(path, guarded(vendor, listed, admin=True)),
        web.get(f"{path}/{{id}}", guarded(vendor, shown, admin=True)),
        web.delete(f"{path}/{{id}}", guarded(vendor, deleted, admin=True)),
    ]
