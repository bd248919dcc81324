"""OpenAI's files and batches on this machine: a batch is answered, and billed at half the price, when it is first looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from fiscus.connectors.simulated_ai.asking import Caller, compact
from fiscus.connectors.simulated_ai.engine import Build, Engine, read_body
from fiscus.connectors.simulated_ai.file_store import (
    answer_in_batch,
    file_of,
    file_routes,
    guarded,
    json_lines,
    keep_file,
)

if TYPE_CHECKING:
    from fiscus.connectors.openai.fakes import SimulatedOpenAI

DAY_SECONDS: Final = 86_400
Endpoints = Mapping[str, tuple[str, Build]]


def batch_routes(engine: Engine, vendor: SimulatedOpenAI, endpoints: Endpoints) -> list[web.RouteDef]:
    """Files; create, list, show and cancel batches. `endpoints`: /v1/chat/completions -> its answer."""

    async def create(request: web.Request, _: Caller) -> web.Response:
        document, _files = await read_body(request, vendor)
        source = file_of(engine, vendor, str(document.get("input_file_id")))
        if document.get("endpoint") not in endpoints:
            raise vendor.refusal(400, "invalid", f"Invalid 'endpoint': {document.get('endpoint')}", "endpoint")
        if document.get("completion_window") != "24h":
            raise vendor.refusal(
                400, "invalid", "Invalid 'completion_window': only '24h' is supported.", "completion_window"
            )
        batch = _new(engine, document, sum(1 for _ in json_lines(vendor, source["content"])))
        engine.batches[vendor.name, batch["id"]] = batch
        return web.json_response(batch)

    async def shown(request: web.Request, caller: Caller) -> web.Response:
        batch = _batch(engine, vendor, request.match_info["id"])
        if batch["status"] == "validating":
            _run(engine, vendor, caller, endpoints, batch)
        return web.json_response(batch)

    async def listed(_: web.Request, __: Caller) -> web.Response:
        rows = [batch for (owner, _), batch in engine.batches.items() if owner == vendor.name]
        return web.json_response({"object": "list", "data": rows, "has_more": False})

    async def cancelled(request: web.Request, _: Caller) -> web.Response:
        batch = _batch(engine, vendor, request.match_info["id"])
        if batch["status"] == "validating":
            batch |= {"status": "cancelled", "cancelling_at": engine.unix(), "cancelled_at": engine.unix()}
        return web.json_response(batch)

    async def response(request: web.Request, _: Caller) -> web.Response:
        return web.json_response(_batch(engine, vendor, request.match_info["id"]))

    base = "/openai/v1"
    return [
        web.get(f"{base}/responses/{{id}}", guarded(vendor, response)),
        *file_routes(engine, vendor, base, _file_row),
        web.post(f"{base}/batches", guarded(vendor, create)),
        web.get(f"{base}/batches", guarded(vendor, listed)),
        web.get(f"{base}/batches/{{id}}", guarded(vendor, shown)),
        web.post(f"{base}/batches/{{id}}/cancel", guarded(vendor, cancelled)),
    ]


def _file_row(kept: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "id": kept["id"], "object": "file", "bytes": len(kept["content"]), "created_at": kept["at"], "filename": kept["name"],
        "purpose": kept["purpose"], "status": "processed", "expires_at": None, "status_details": None,
    }  # fmt: skip


def _batch(engine: Engine, vendor: SimulatedOpenAI, identity: str) -> dict[str, Any]:
    batch = engine.batches.get((vendor.name, identity))
    if batch is None:
        raise vendor.refusal(404, "not_found", f"No batch found with id '{identity}'.")
    return batch


def _new(engine: Engine, document: Mapping[str, Any], requests: int) -> dict[str, Any]:
    return {
        "id": engine.new_id("batch_"), "object": "batch", "endpoint": document["endpoint"], "errors": None,
        "input_file_id": document["input_file_id"], "completion_window": "24h", "status": "validating", "output_file_id": None,
        "error_file_id": None, "created_at": engine.unix(), "expires_at": engine.unix() + DAY_SECONDS, "completed_at": None,
        "request_counts": {"total": requests, "completed": 0, "failed": 0}, "metadata": document.get("metadata"),
    }  # fmt: skip


def _run(engine: Engine, vendor: SimulatedOpenAI, caller: Caller, endpoints: Endpoints, batch: dict[str, Any]) -> None:
    source = file_of(engine, vendor, batch["input_file_id"])
    good, bad, used = [], [], [0, 0, 0, 0]
    for request in json_lines(vendor, source["content"]):
        body = request.get("body") or {}
        status, answer = answer_in_batch(engine, vendor, caller, endpoints[batch["endpoint"]], body)
        response = {"status_code": status, "request_id": engine.new_id("req_"), "body": answer}
        line = compact(
            {
                "id": engine.new_id("batch_req_"),
                "custom_id": request.get("custom_id"),
                "response": response,
                "error": None,
            }
        )
        (good if status == 200 else bad).append(line)
        used = [total + part for total, part in zip(used, _used(answer), strict=True)]
    counts = {"total": len(good) + len(bad), "completed": len(good), "failed": len(bad)}
    batch |= {"status": "completed", "completed_at": engine.unix(), "request_counts": counts}
    batch["usage"] = {
        "input_tokens": used[0], "input_tokens_details": {"cached_tokens": used[1]}, "output_tokens": used[2],
        "output_tokens_details": {"reasoning_tokens": used[3]}, "total_tokens": used[0] + used[2],
    }  # fmt: skip
    for lines, name in ((good, "output_file_id"), (bad, "error_file_id")):
        if lines:
            batch[name] = keep_file(
                engine, vendor.name, f"{batch['id']}_{name}.jsonl", b"\n".join(lines) + b"\n", "batch_output"
            )["id"]


def _used(answer: Any) -> tuple[int, int, int, int]:
    """Input, cached input, output and reasoning tokens of one answer."""
    usage = answer.get("usage") or {} if isinstance(answer, dict) else {}
    details = usage.get("prompt_tokens_details") or usage.get("input_tokens_details") or {}
    made = usage.get("completion_tokens_details") or usage.get("output_tokens_details") or {}
    given = usage.get("prompt_tokens", usage.get("input_tokens", 0))
    output = usage.get("completion_tokens", usage.get("output_tokens", 0))
    return given, details.get("cached_tokens", 0), output, made.get("reasoning_tokens", 0)
