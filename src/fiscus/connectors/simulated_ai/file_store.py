"""Files that clients upload to a simulated vendor, and the requests in them answered as a batch."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from aiohttp import web

from fiscus.connectors.simulated_ai.asking import Ask, Caller, Vendor, VendorError, caller_of
from fiscus.connectors.simulated_ai.engine import Build, Engine, built, read_body, refused

FileRow = Callable[[Mapping[str, Any]], Mapping[str, Any]]
Handler = Callable[[web.Request, Caller], Awaitable[web.StreamResponse]]


def guarded(
    vendor: Vendor, handle: Handler, *, admin: bool = False
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A route for the vendor's own keys; errors in the vendor's shape."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handle(request, caller_of(vendor, request.headers, admin=admin))
        except VendorError as error:
            return refused(error)

    return answer


def keep_file(engine: Engine, vendor: str, name: str, content: bytes, purpose: str) -> dict[str, Any]:
    """A new file: id, name, content, purpose, at (seconds since 1970)."""
    kept = {"id": engine.new_id("file-"), "name": name, "content": content, "purpose": purpose, "at": engine.unix()}
    engine.files[vendor, kept["id"]] = kept
    return kept


def file_of(engine: Engine, vendor: Vendor, identity: str) -> dict[str, Any]:
    """Raises the vendor's 404."""
    kept = engine.files.get((vendor.name, identity))
    if kept is None:
        raise vendor.refusal(404, "not_found", f"No such File object: {identity}")
    return kept


def file_routes(engine: Engine, vendor: Vendor, base: str, row: FileRow) -> list[web.RouteDef]:
    """Upload, list, show, content, delete: free."""

    async def upload(request: web.Request, _: Caller) -> web.Response:
        fields, files = await read_body(request, vendor)
        if "file" not in files:
            raise vendor.refusal(400, "invalid", "'file' is a required property")
        kept = keep_file(
            engine,
            vendor.name,
            str(fields.get("file.filename", "file")),
            files["file"],
            str(fields.get("purpose", "batch")),
        )
        return web.json_response(row(kept))

    async def listed(_: web.Request, __: Caller) -> web.Response:
        rows = [row(kept) for (owner, _), kept in engine.files.items() if owner == vendor.name]
        return web.json_response({"object": "list", "data": rows, "total": len(rows), "has_more": False})

    async def shown(request: web.Request, _: Caller) -> web.Response:
        return web.json_response(row(file_of(engine, vendor, request.match_info["id"])))

    async def content(request: web.Request, _: Caller) -> web.Response:
        kept = file_of(engine, vendor, request.match_info["id"])
        return web.Response(body=kept["content"], content_type="application/octet-stream")

    async def deleted(request: web.Request, _: Caller) -> web.Response:
        kept = file_of(engine, vendor, request.match_info["id"])
        del engine.files[vendor.name, kept["id"]]
        return web.json_response({"id": kept["id"], "object": "file", "deleted": True, "type": "file_deleted"})

    one = f"{base}/files/{{id}}"
    return [
        web.post(f"{base}/files", guarded(vendor, upload)),
        web.get(f"{base}/files", guarded(vendor, listed)),
        web.get(one, guarded(vendor, shown)),
        web.get(f"{one}/content", guarded(vendor, content)),
        web.delete(one, guarded(vendor, deleted)),
    ]


def json_lines(vendor: Vendor, content: bytes) -> Iterator[dict[str, Any]]:
    """The requests of an uploaded file; raises the vendor's 400 for a line that is no JSON object."""
    for number, line in enumerate(content.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            request = json.loads(line)
        except ValueError:
            request = None
        if not isinstance(request, dict):
            raise vendor.refusal(400, "invalid", f"Line {number} of the batch is no JSON object.")
        yield request


def answer_in_batch(
    engine: Engine, vendor: Vendor, caller: Caller, endpoint: tuple[str, Build], document: Mapping[str, Any]
) -> tuple[int, Any]:
    """One request of a batch: billed at the batch's price, or the error that it gets. Returns (status, body)."""
    name, build = endpoint
    ask = Ask(
        engine,
        vendor.name,
        name,
        caller,
        {key: value for key, value in document.items() if key != "stream"},
        tier="batch",
    )
    try:
        answer = built(vendor, build, ask)
    except VendorError as error:
        return error.status, error.body
    engine.charge(answer, caller, ask, "whole", answer.meters)
    return 200, json.loads(answer.body)
