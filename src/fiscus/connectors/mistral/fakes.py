"""Mistral on this machine: chat, embeddings, models, files and batch jobs; bills beside it.

Shapes: docs.mistral.ai/api, as the official Python client's types have them. Usage comes in the last chunk of a stream unasked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from fiscus.connectors.mistral.fakes_admin import admin_routes
from fiscus.connectors.simulated_ai.asking import Answer, Ask, Caller, VendorError, compact, known_model
from fiscus.connectors.simulated_ai.chat_answer import ChatShape, chat_answer
from fiscus.connectors.simulated_ai.engine import Build, Engine, read_body
from fiscus.connectors.simulated_ai.file_store import (
    answer_in_batch,
    file_of,
    file_routes,
    guarded,
    json_lines,
    keep_file,
)
from fiscus.connectors.simulated_ai.model_list import model_routes
from fiscus.connectors.simulated_ai.simple_chat import plain_usage, read_chat
from fiscus.connectors.simulated_ai.token_counts import digest, text_tokens

CHAT: Final = """
    model messages temperature top_p max_tokens stream stop random_seed metadata response_format tools tool_choice
    presence_penalty frequency_penalty n prediction parallel_tool_calls prompt_mode safe_prompt reasoning_effort guardrails
    prompt_cache_key service_tier
"""
FIELDS: Final = frozenset(CHAT.split())
WIDTH: Final = 16
JOB_FIELDS: Final = frozenset({"endpoint", "input_files", "requests", "model", "agent_id", "metadata", "timeout_hours"})
HOURS_MAX: Final = 168


class SimulatedMistral:
    """Below /mistral; its clients' server URL ends there."""

    name = "mistral"

    def routes(self, engine: Engine) -> list[web.RouteDef]:
        """Every endpoint."""
        builds: Mapping[str, tuple[str, Build]] = {
            "/v1/chat/completions": ("chat", self.chat),
            "/v1/embeddings": ("embeddings", self.embeddings),
        }

        def route(path: str, endpoint: str, build: Build) -> web.RouteDef:
            async def handle(request: web.Request) -> web.StreamResponse:
                return await engine.serve(request, self, endpoint, build)

            return web.post(f"/mistral{path}", handle)

        def row(model: str, at: int) -> Mapping[str, Any]:
            can = {
                "completion_chat": "embed" not in model,
                "function_calling": True,
                "vision": True,
                "fine_tuning": False,
            }
            return {
                "id": model,
                "object": "model",
                "created": at,
                "owned_by": "mistralai",
                "capabilities": can,
                "type": "base",
            }

        return [
            *(route(path, endpoint, build) for path, (endpoint, build) in builds.items()),
            *model_routes(engine, self, "/mistral/v1", row),
            *file_routes(engine, self, "/mistral/v1", _file_row),
            *_job_routes(engine, self, builds),
            *admin_routes(engine, self),
        ]

    def credential(self, headers: Mapping[str, str]) -> str:
        """Authorization: Bearer; the admin endpoints take x-api-key."""
        return headers.get("x-api-key") or headers.get("Authorization", "").removeprefix("Bearer ").strip()

    def refusal(self, status: int, kind: str, message: str) -> VendorError:
        """{"detail"} of its gateway or of its validation, else {"object": "error", message, type, code}."""
        if kind == "unauthenticated":
            return VendorError(401, {"detail": "Unauthorized"})
        if kind == "no_model":
            name = message.split("`")[1] if "`" in message else message
            said = {
                "object": "error",
                "message": f"Invalid model: {name}",
                "type": "invalid_model",
                "param": None,
                "code": "1500",
            }
            return VendorError(400, said)
        if status == 422:
            place, _, said_why = message.partition(": ")
            return VendorError(
                422, {"detail": [{"type": "value_error", "loc": ["body", place], "msg": said_why or message}]}
            )
        kinds = {
            "rate_limited": ("rate_limited", "1300"),
            "overloaded": ("service_unavailable", "3505"),
            "not_found": ("not_found", "404"),
        }
        name, code = kinds.get(
            kind, ("invalid_request_error" if status < 500 else "internal_server_error", str(status))
        )
        return VendorError(status, {"object": "error", "message": message, "type": name, "param": None, "code": code})

    def chat(self, ask: Ask) -> Answer:
        """POST /v1/chat/completions."""
        model = known_model(self, ask.document, "chat", missing=422)
        unknown = sorted(set(ask.document) - FIELDS)
        if unknown:
            raise self.refusal(422, "invalid", f"{unknown[0]}: Extra inputs are not permitted")
        chat = read_chat(self, ask, model, invalid=422)
        name = str(ask.document["model"])
        shape = ChatShape(
            plain_usage, "last", "cmpl-", name, {}, {}, {"mistral-correlation-id": ask.engine.new_id("cor-")}
        )
        meters = {"input": chat.counts.prompt, "output": chat.counts.output}
        return chat_answer(ask, model, shape, chat, meters, ask.tier or "default")

    def embeddings(self, ask: Ask) -> Answer:
        """POST /v1/embeddings."""
        model = known_model(self, ask.document, "embedding", missing=422)
        given = ask.document.get("input")
        texts = [given] if isinstance(given, str) else given
        if not isinstance(texts, list) or not texts:
            raise self.refusal(422, "invalid", "input: Field required")
        tokens = sum(text_tokens(str(text)) for text in texts)
        numbers = [digest(ask.engine.seed, text) for text in texts]
        vectors = [[((number >> shift) % 2001 - 1000) / 1000 for shift in range(WIDTH)] for number in numbers]
        identity = ask.engine.new_id("emb-")
        body = {
            "id": identity, "object": "list", "model": ask.document["model"],
            "data": [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)],
            "usage": {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens},
        }  # fmt: skip
        return Answer(identity, model, ask.tier or "default", {"input": tokens}, compact(body))


def _file_row(kept: Mapping[str, Any]) -> Mapping[str, Any]:
    sample = "batch_result" if kept["purpose"] == "batch_output" else "batch_request"
    return {
        "id": kept["id"], "object": "file", "bytes": len(kept["content"]), "created_at": kept["at"], "filename": kept["name"],
        "purpose": "batch", "sample_type": sample, "source": "upload", "num_lines": kept["content"].count(b"\n"),
        "deleted": False,
    }  # fmt: skip


def _job_routes(
    engine: Engine, vendor: SimulatedMistral, endpoints: Mapping[str, tuple[str, Build]]
) -> list[web.RouteDef]:
    """Batch jobs: answered, and billed at half the price, when first looked at."""

    async def create(request: web.Request, _: Caller) -> web.Response:
        document, _files = await read_body(request, vendor)
        _check_job(vendor, document, endpoints)
        sources = [file_of(engine, vendor, str(identity)) for identity in document.get("input_files") or []]
        requests = [line for source in sources for line in json_lines(vendor, source["content"])] + list(
            document.get("requests") or []
        )
        job = {
            "id": engine.new_id("job-"), "object": "batch", "input_files": document.get("input_files") or [], "metadata": None,
            "endpoint": document["endpoint"], "model": document.get("model"), "errors": [], "status": "QUEUED",
            "created_at": engine.unix(), "total_requests": len(requests), "completed_requests": 0, "succeeded_requests": 0,
            "failed_requests": 0, "output_file": None, "error_file": None, "started_at": None, "completed_at": None,
        }  # fmt: skip
        engine.batches[vendor.name, job["id"]] = {"job": job, "requests": requests}
        return web.json_response(job)

    def job_of(request: web.Request) -> dict[str, Any]:
        kept = engine.batches.get((vendor.name, request.match_info["id"]))
        if kept is None:
            raise vendor.refusal(404, "not_found", "Batch job not found")
        return kept

    async def shown(request: web.Request, caller: Caller) -> web.Response:
        kept = job_of(request)
        if kept["job"]["status"] == "QUEUED":
            _run(engine, vendor, caller, endpoints, kept)
        return web.json_response(kept["job"])

    async def listed(_: web.Request, __: Caller) -> web.Response:
        rows = [kept["job"] for (owner, _), kept in engine.batches.items() if owner == vendor.name]
        return web.json_response({"object": "list", "data": rows, "total": len(rows)})

    async def cancelled(request: web.Request, _: Caller) -> web.Response:
        kept = job_of(request)
        if kept["job"]["status"] == "QUEUED":
            kept["job"] |= {"status": "CANCELLED", "completed_at": engine.unix()}
        return web.json_response(kept["job"])

    base = "/mistral/v1/batch/jobs"
    return [
        web.post(base, guarded(vendor, create)),
        web.get(base, guarded(vendor, listed)),
        web.get(f"{base}/{{id}}", guarded(vendor, shown)),
        web.post(f"{base}/{{id}}/cancel", guarded(vendor, cancelled)),
    ]


def _check_job(vendor: SimulatedMistral, document: Mapping[str, Any], endpoints: Mapping[str, Any]) -> None:
    """As CreateBatchJobRequest has it: files or inline requests, of one model, within hours."""
    requests, files = document.get("requests"), document.get("input_files")
    hours = document.get("timeout_hours", 24)
    faults = {
        "endpoint: Input should be one of the batch endpoints": document.get("endpoint") not in endpoints,
        f"{', '.join(sorted(set(document) - JOB_FIELDS))}: Extra inputs are not permitted": bool(
            set(document) - JOB_FIELDS
        ),
        "requests: Input should be a valid list": requests is not None
        and not (isinstance(requests, list) and all(_is_request(one) for one in requests)),
        "input_files: Send either files or requests": bool(requests) == bool(files),
        "model: Field required": not document.get("model") and not document.get("agent_id"),
        f"timeout_hours: Input should be from 1 to {HOURS_MAX}": type(hours) is not int or not 0 < hours <= HOURS_MAX,
    }
    for said, wrong in faults.items():
        if wrong:
            raise vendor.refusal(422, "invalid", said)


def _is_request(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("body"), dict) and set(one) <= {"custom_id", "body"}


def _run(
    engine: Engine,
    vendor: SimulatedMistral,
    caller: Caller,
    endpoints: Mapping[str, tuple[str, Build]],
    kept: dict[str, Any],
) -> None:
    job, good, bad = kept["job"], [], []
    for request in kept["requests"]:
        document = {"model": job["model"], **(request.get("body") or {})}
        status, body = answer_in_batch(engine, vendor, caller, endpoints[job["endpoint"]], document)
        line = {
            "id": engine.new_id("batch-"),
            "custom_id": request.get("custom_id"),
            "response": {"status_code": status, "body": body},
        }
        (good if status == 200 else bad).append(compact({**line, "error": None}))
    job |= {
        "status": "SUCCESS", "started_at": engine.unix(), "completed_at": engine.unix(),
        "completed_requests": len(good) + len(bad),
        "succeeded_requests": len(good), "failed_requests": len(bad),
    }  # fmt: skip
    for lines, name in ((good, "output_file"), (bad, "error_file")):
        if lines:
            job[name] = keep_file(engine, vendor.name, f"{job['id']}.jsonl", b"\n".join(lines) + b"\n", "batch_output")[
                "id"
            ]
