"""OpenAI's organization endpoints on this machine: costs, usage and spend limits, for an admin key only.

Shapes: openai-python's admin/organization types. Costs are floats in whole currency units, a day to a bucket.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from fiscus.connectors.simulated_ai.asking import Caller
from fiscus.connectors.simulated_ai.bill import BillLine
from fiscus.connectors.simulated_ai.engine import Engine, read_body
from fiscus.connectors.simulated_ai.file_store import guarded
from fiscus.connectors.simulated_ai.reports import Bucket, Used, buckets, grouped, used

if TYPE_CHECKING:
    from fiscus.connectors.openai.fakes import SimulatedOpenAI

METER_NAMES: Final = {
    "input": "input", "cached_input": "cached input", "output": "output", "searches": "web search", "images": "images",
    "audio_input": "audio input", "audio_output": "audio output", "image_input": "image input", "seconds": "seconds",
    "characters": "characters",
}  # fmt: skip
PAGE_MAX: Final = {"1m": 1440, "1h": 168, "1d": 180}
Result = Callable[[Used], Mapping[str, Any]]
Rows = Callable[[Bucket, Sequence[str]], list[dict[str, Any]]]


def admin_routes(engine: Engine, vendor: SimulatedOpenAI) -> list[web.RouteDef]:
    """Costs, usage of each kind, and the hard spend limits of the organization and of a project."""
    base = "/openai/v1/organization"

    async def costs(request: web.Request, _: Caller) -> web.Response:
        return _page(engine, vendor, request, lambda bucket, by: _costs(bucket.lines, by))

    def usage(kind: str, endpoints: Sequence[str], result: Result) -> web.RouteDef:
        async def handle(request: web.Request, _: Caller) -> web.Response:
            def rows(bucket: Bucket, by: Sequence[str]) -> list[dict[str, Any]]:
                lines = [line for line in bucket.lines if line.endpoint in endpoints]
                return _usage(lines, by, f"organization.usage.{kind}.result", result)

            return _page(engine, vendor, request, rows)

        return web.get(f"{base}/usage/{kind}", guarded(vendor, handle, admin=True))

    return [
        web.get(f"{base}/costs", guarded(vendor, costs, admin=True)),
        usage("completions", ("chat", "responses"), _completions),
        usage("embeddings", ("embeddings",), lambda u: {"input_tokens": u.quantities.get("input", 0)}),
        usage("moderations", ("moderations",), lambda u: {"input_tokens": u.quantities.get("input", 0)}),
        usage("images", ("images",), lambda u: {"images": u.quantities.get("images", u.requests)}),
        usage("audio_speeches", ("speech",), lambda u: {"characters": u.quantities.get("characters", 0)}),
        usage("audio_transcriptions", ("transcription",), lambda u: {"seconds": u.quantities.get("seconds", 0)}),
        *_limit_routes(engine, vendor, f"{base}/spend_limit", "organization.spend_limit"),
        *_limit_routes(engine, vendor, f"{base}/projects/{{project}}/spend_limit", "project.spend_limit"),
    ]


def _page(engine: Engine, vendor: SimulatedOpenAI, request: web.Request, rows: Rows) -> web.Response:
    asked = request.query
    width = asked.get("bucket_width", "1d")
    try:
        start = datetime.fromtimestamp(int(asked["start_time"]), UTC)
        end = (
            datetime.fromtimestamp(int(asked["end_time"]), UTC)
            if "end_time" in asked
            else engine.clock.now() + timedelta(days=1)
        )
        limit = min(int(asked.get("limit", 7)), PAGE_MAX[width])
        first = int(asked.get("page", "page_0").removeprefix("page_"))
    except (KeyError, ValueError, OverflowError):
        raise vendor.refusal(400, "invalid", "Missing or invalid parameter: 'start_time'.", "start_time") from None
    by = asked.getall("group_by", asked.getall("group_by[]", []))
    lines = [line for line in engine.bill.lines() if line.vendor == vendor.name]
    found = list(buckets(lines, start, end, width))
    data = [
        {
            "object": "bucket", "start_time": int(bucket.start.timestamp()), "end_time": int(bucket.end.timestamp()),
            "results": rows(bucket, by),
        }
        for bucket in found[first : first + limit]
    ]  # fmt: skip
    more = len(found) > first + limit
    return web.json_response(
        {"object": "page", "data": data, "has_more": more, "next_page": f"page_{first + limit}" if more else None}
    )


def _costs(lines: Sequence[BillLine], by: Sequence[str]) -> list[dict[str, Any]]:
    rows = []
    for key, group in grouped(lines, lambda line: _key(line, by)).items():
        named = dict(zip(by, key, strict=True))
        meters = sorted({meter for line in group for meter in line.meters}) if "line_item" in by else [""]
        for meter in meters:
            sums = used(group, meter) if meter else used(group)
            item = f"{named['line_item']}, {METER_NAMES.get(meter, meter)}" if meter else None
            quantity = float(sums.quantities.get(meter, 0)) if meter else None
            rows.append(
                {
                    "object": "organization.costs.result", "amount": {"value": float(sums.cost), "currency": "usd"},
                    "line_item": item, "quantity": quantity, "project_id": named.get("project_id"),
                    "api_key_id": named.get("api_key_id"),
                }
            )  # fmt: skip
    return rows


def _usage(lines: Sequence[BillLine], by: Sequence[str], kind: str, result: Result) -> list[dict[str, Any]]:
    rows = []
    for key, group in grouped(lines, lambda line: _key(line, by)).items():
        named: dict[str, Any] = dict.fromkeys(("project_id", "user_id", "api_key_id", "model"))
        named |= dict(zip(by, key, strict=True))
        if "batch" in named:
            named["batch"] = named["batch"] == "True"
        sums = used(group)
        rows.append({"object": kind, **result(sums), "num_model_requests": sums.requests, **named})
    return rows


def _completions(sums: Used) -> Mapping[str, Any]:
    fresh, cached = sums.quantities.get("input", 0), sums.quantities.get("cached_input", 0)
    return {
        "input_tokens": fresh + cached, "input_cached_tokens": cached, "input_uncached_tokens": fresh,
        "input_cache_write_tokens": 0, "output_tokens": sums.quantities.get("output", 0), "input_audio_tokens": 0,
        "output_audio_tokens": 0, "batch": None,
        "service_tier": None,
    }  # fmt: skip


def _key(line: BillLine, by: Sequence[str]) -> tuple[str, ...]:
    values = {
        "project_id": f"proj_{line.project}", "api_key_id": line.key, "model": line.model, "line_item": _line_item(line),
        "batch": str(line.tier == "batch"), "service_tier": line.tier,
    }  # fmt: skip
    return tuple(values.get(name, "") for name in by)


def _line_item(line: BillLine) -> str:
    tier = {"batch": " batch", "flex": " flex", "priority": " priority"}.get(line.tier, "")
    return f"{line.model}{tier}"


def _limit_routes(engine: Engine, vendor: SimulatedOpenAI, path: str, kind: str) -> list[web.RouteDef]:
    def place(request: web.Request) -> tuple[str, str]:
        return vendor.name, request.match_info.get("project", "")

    async def shown(request: web.Request, _: Caller) -> web.Response:
        limit = engine.limits.get(place(request))
        if limit is None:
            raise vendor.refusal(404, "not_found", "No spend limit is configured.")
        return web.json_response(limit)

    async def updated(request: web.Request, _: Caller) -> web.Response:
        document, _files = await read_body(request, vendor)
        cents = document.get("threshold_amount")
        if (
            document.get("currency") != "USD"
            or document.get("interval") != "month"
            or not isinstance(cents, int)
            or cents < 1
        ):
            raise vendor.refusal(
                400, "invalid", "A spend limit needs currency USD, interval month and a threshold_amount in cents."
            )
        engine.limits[place(request)] = {
            "object": kind, "currency": "USD", "interval": "month", "threshold_amount": cents,
            "enforcement": {"status": "inactive"},
        }  # fmt: skip
        return web.json_response(engine.limits[place(request)])

    async def deleted(request: web.Request, _: Caller) -> web.Response:
        engine.limits.pop(place(request), None)
        return web.json_response({"object": f"{kind}.deleted", "deleted": True})

    return [
        web.get(path, guarded(vendor, shown, admin=True)),
        web.post(path, guarded(vendor, updated, admin=True)),
        web.delete(path, guarded(vendor, deleted, admin=True)),
    ]
