"""Anthropic's message batches on this machine: answered, and billed at half the price, when they are first looked at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

from fiscus.connectors.simulated_ai.asking import Caller, compact
from fiscus.connectors.simulated_ai.engine import Build, Engine, read_body
from fiscus.connectors.simulated_ai.file_store import answer_in_batch, guarded

if TYPE_CHECKING:
    from fiscus.connectors.anthropic.fakes import SimulatedAnthropic


def batch_routes(engine: Engine, vendor: SimulatedAnthropic, build: Build) -> list[web.RouteDef]:
    """Create, list, show, results and cancel."""

    async def create(request: web.Request, _: Caller) -> web.Response:
        document, _files = await read_body(request, vendor)
        requests = _requests(vendor, document)
        host = f"{request.scheme}://{request.host}"
        batch = {"row": _new(engine, len(requests), host), "requests": requests, "results": []}
        engine.batches[vendor.name, batch["row"]["id"]] = batch
        return web.json_response(batch["row"])

    async def shown(request: web.Request, caller: Caller) -> web.Response:
        batch = _batch(engine, vendor, request)
        if batch["row"]["processing_status"] == "in_progress":
            _run(engine, vendor, caller, build, batch)
        return web.json_response(batch["row"])

    async def results(request: web.Request, _: Caller) -> web.Response:
        batch = _batch(engine, vendor, request)
        if batch["row"]["processing_status"] != "ended":
            raise vendor.refusal(404, "not_found", "The batch has not ended.")
        lines = b"".join(compact(line) + b"\n" for line in batch["results"])
        return web.Response(body=lines, content_type="application/x-jsonl")

    async def listed(_: web.Request, __: Caller) -> web.Response:
        rows = [batch["row"] for (owner, _), batch in engine.batches.items() if owner == vendor.name]
        first, last = (rows[0]["id"], rows[-1]["id"]) if rows else (None, None)
        return web.json_response({"data": rows, "has_more": False, "first_id": first, "last_id": last})

    async def cancelled(request: web.Request, _: Caller) -> web.Response:
        batch = _batch(engine, vendor, request)
        if batch["row"]["processing_status"] == "in_progress":
            _cancel(engine, batch)
        return web.json_response(batch["row"])

    base = "/anthropic/v1/messages/batches"
    return [
        web.post(base, guarded(vendor, create)),
        web.get(base, guarded(vendor, listed)),
        web.get(f"{base}/{{id}}", guarded(vendor, shown)),
        web.get(f"{base}/{{id}}/results", guarded(vendor, results)),
        web.post(f"{base}/{{id}}/cancel", guarded(vendor, cancelled)),
    ]


def _requests(vendor: SimulatedAnthropic, document: Mapping[str, Any]) -> list[dict[str, Any]]:
    requests = document.get("requests")
    if not isinstance(requests, list) or not requests:
        raise vendor.refusal(400, "invalid", "requests: Field required")
    names = [item.get("custom_id") for item in requests]
    if len(set(names)) < len(names) or not all(names):
        raise vendor.refusal(400, "invalid", "requests: custom_id must be there and unique")
    return requests


def _batch(engine: Engine, vendor: SimulatedAnthropic, request: web.Request) -> dict[str, Any]:
    batch = engine.batches.get((vendor.name, request.match_info["id"]))
    if batch is None:
        raise vendor.refusal(404, "not_found", f"Message batch {request.match_info['id']} was not found.")
    return batch


def _new(engine: Engine, requests: int, host: str) -> dict[str, Any]:
    identity, now = engine.new_id("msgbatch_"), engine.clock.now()
    return {
        "id": identity, "type": "message_batch", "processing_status": "in_progress", "created_at": now.isoformat(),
        "expires_at": (now + timedelta(days=1)).isoformat(), "ended_at": None, "archived_at": None, "cancel_initiated_at": None,
        "results_url": f"{host}/anthropic/v1/messages/batches/{identity}/results",
        "request_counts": {"processing": requests, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0},
    }  # fmt: skip


def _run(engine: Engine, vendor: SimulatedAnthropic, caller: Caller, build: Build, batch: dict[str, Any]) -> None:
    for item in batch["requests"]:
        status, body = answer_in_batch(engine, vendor, caller, ("messages", build), item.get("params") or {})
        result = {"type": "succeeded", "message": body} if status == 200 else {"type": "errored", "error": body}
        batch["results"].append({"custom_id": item["custom_id"], "result": result})
    good = sum(line["result"]["type"] == "succeeded" for line in batch["results"])
    counts = {"processing": 0, "succeeded": good, "errored": len(batch["results"]) - good, "canceled": 0, "expired": 0}
    batch["row"] |= {"processing_status": "ended", "ended_at": engine.clock.now().isoformat(), "request_counts": counts}


def _cancel(engine: Engine, batch: dict[str, Any]) -> None:
    at, requests = engine.clock.now().isoformat(), batch["requests"]
    counts = batch["row"]["request_counts"] | {"processing": 0, "canceled": len(requests)}
    batch["row"] |= {"processing_status": "ended", "cancel_initiated_at": at, "ended_at": at, "request_counts": counts}
    batch["results"] = [{"custom_id": item["custom_id"], "result": {"type": "canceled"}} for item in requests]
