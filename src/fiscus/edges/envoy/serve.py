"""Serves Envoy over gRPC: Authorization/Check, ExternalProcessor/Process and health, with /metrics beside it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc
from aiohttp import web

from fiscus.app.gateway import OpenGateway
from fiscus.app.gateway_upkeep import Upkeep
from fiscus.edges.counters_text import CONTENT_TYPE, counters_text
from fiscus.edges.envoy.answers import AnswerRead, nothing_to_change
from fiscus.edges.envoy.authorize import CALL, CHECKS, GAVE_UP, Authorizer
from fiscus.edges.envoy.messages import (
    CheckRequest,
    CheckResponse,
    HealthCheckRequest,
    HealthCheckResponse,
    Message,
    ProcessingRequest,
    ProcessingResponse,
)
from fiscus.edges.envoy.told import Allowed, in_envoys_words, told_by
from fiscus.edges.envoy.under_way import UNHEARD_TOTAL, UnderWay
from fiscus.edges.listening import listen
from fiscus.flows import meter_calls, show_gauges
from fiscus.flows.govern_call import Ended
from fiscus.flows.show_gauges import budget_gauges
from fiscus.guardrails.doors.ai.pacing import Pacing
from fiscus.kernel.errors import BadInput, FiscusError, NotAllowed, Unavailable, Where

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
THREADS: Final = 32
GRACE_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 5.0  # how often calls are looked for of which Envoy was never heard again
SERVING: Final = 1  # grpc.health.v1: HealthCheckResponse.ServingStatus
MESSAGE_BYTES_MAX: Final = 64 * 2**20
SERVICES: Final = ("", "envoy.service.auth.v3.Authorization", "envoy.service.ext_proc.v3.ExternalProcessor")
ABOUT: Final = {
    **meter_calls.ABOUT,
    **show_gauges.ABOUT,
    CHECKS: "Requests that Envoy asked about, by answer and why.",
    UNHEARD_TOTAL: "Calls that were let on and never heard of again: charged at their bounds.",
    "fiscus_gateway_calls_total": "Calls that ended, by upstream, state (settled, estimated, unknown...) and verdict.",
}


@dataclass(frozen=True, slots=True)
class Listening:
    """Where. `metrics_port` None: no /metrics. The files are PEM; without them the connection is in the clear."""

    host: str = LOOPBACK[0]
    port: int = 0
    metrics_port: int | None = None
    cert: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None


def serve_envoy(home: Path, where: Listening, started: Callable[[str], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; then what runs is charged at its bound, settled and handed in.

    Raises NotAllowed (another address than loopback without TLS), BadInput (certificate), Unavailable (port), BadConfig.
    """
    if where.host not in LOOPBACK and (where.cert is None or where.client_ca is None):
        raise NotAllowed(
            f"Envoy is not served on {where.host} in the clear: the vendors' keys are in the answers",
            remedy="Run it beside Envoy on 127.0.0.1, or give --cert, --key and --client-ca.",
            where=Where(key="host"),
        )
    credentials = _credentials(where)
    opened = OpenGateway(home)
    upkeep = Upkeep(opened)
    upkeep.start()
    try:
        asyncio.run(_serve(opened, where, credentials, started))
    finally:
        upkeep.stop()
        with contextlib.suppress(FiscusError):  # what cannot be handed in is charged when it expires
            opened.close()


async def _serve(
    opened: OpenGateway,
    where: Listening,
    credentials: grpc.ServerCredentials | None,
    started: Callable[[str], None] | None,
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with ThreadPoolExecutor(THREADS, thread_name_prefix="fiscus-ledger") as threads:
        under_way = UnderWay(Pacing())
        server = grpc_server(Authorizer(lambda: opened.governing, under_way, threads, time.monotonic))
        port = _listen(server, where, credentials)
        watched = await _metrics(opened, where)
        await server.start()
        if started is not None:
            started(f"{where.host}:{port}")
        try:
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
                under_way.give_up(time.monotonic())
        finally:
            await server.stop(GRACE_SECONDS)
            under_way.end_all()
            if watched is not None:
                await watched.cleanup()


def grpc_server(authorizer: Authorizer) -> grpc.aio.Server:
    """The services, on a server that listens nowhere yet."""
    limits = [("grpc.max_receive_message_length", MESSAGE_BYTES_MAX), ("grpc.so_reuseport", 0)]
    server = grpc.aio.server(options=limits)
    server.add_generic_rpc_handlers((_authorization(authorizer), _processor(authorizer.under_way), _health()))
    return server


def _authorization(authorizer: Authorizer) -> grpc.GenericRpcHandler:
    async def check(request: Message, context: grpc.aio.ServicerContext[Any, Any]) -> Message:
        answer = await authorizer.check(told_by(request))
        if isinstance(answer, Allowed) and (call_id := answer.set_headers.get(CALL)):

            def done(ended: Any) -> None:
                if ended.cancelled():  # the answer came too late for Envoy: the request went nowhere
                    authorizer.under_way.end(call_id, Ended(0, billed=False, note=GAVE_UP))

            context.add_done_callback(done)
        return in_envoys_words(answer)

    return _service(
        SERVICES[1],
        Check=grpc.unary_unary_rpc_method_handler(check, CheckRequest.FromString, CheckResponse.SerializeToString),
    )


def _processor(under_way: UnderWay) -> grpc.GenericRpcHandler:
    async def process(
        requests: AsyncIterator[Message], _: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[Message]:
        read = AnswerRead(under_way)
        try:
            async for message in requests:
                read.take(message)
                if (answer := nothing_to_change(message)) is not None:
                    yield answer
        finally:
            read.close()

    handler = grpc.stream_stream_rpc_method_handler(
        process, ProcessingRequest.FromString, ProcessingResponse.SerializeToString
    )
    return _service(SERVICES[2], Process=handler)


def _health() -> grpc.GenericRpcHandler:
    async def check(request: Message, context: grpc.aio.ServicerContext[Any, Any]) -> Message:
        if request.service not in SERVICES:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such service")
        return HealthCheckResponse(status=SERVING)

    async def watch(request: Message, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Message]:
        yield await check(request, context)
        await asyncio.Event().wait()  # it serves as long as it lives

    return _service(
        "grpc.health.v1.Health",
        Check=grpc.unary_unary_rpc_method_handler(
            check, HealthCheckRequest.FromString, HealthCheckResponse.SerializeToString
        ),
        Watch=grpc.unary_stream_rpc_method_handler(
            watch, HealthCheckRequest.FromString, HealthCheckResponse.SerializeToString
        ),
    )


def _service(name: str, **methods: grpc.RpcMethodHandler[Any, Any]) -> grpc.GenericRpcHandler:
    return grpc.method_handlers_generic_handler(name, methods)


def _listen(server: grpc.aio.Server, where: Listening, credentials: grpc.ServerCredentials | None) -> int:
    host = f"[{where.host}]" if ":" in where.host else where.host
    address = f"{host}:{where.port}"
    try:
        return server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    except RuntimeError as taken:
        raise Unavailable(f"{address} cannot be used: {taken}", remedy="Name another port with --port.") from None


def _credentials(where: Listening) -> grpc.ServerCredentials | None:
    if where.cert is None and where.key is None:
        return None
    if where.cert is None or where.key is None:
        raise BadInput("A certificate needs its key, and a key its certificate", remedy="Give both --cert and --key.")
    try:
        pair = [(where.key.read_bytes(), where.cert.read_bytes())]
        authority = where.client_ca.read_bytes() if where.client_ca else None
    except OSError as missing:
        raise BadInput(
            f"{missing.filename} cannot be read: {missing.strerror}", remedy="Give the files as PEM.",
            where=Where(file=str(missing.filename)),
        ) from None  # fmt: skip
    return grpc.ssl_server_credentials(pair, authority, require_client_auth=authority is not None)


async def _metrics(opened: OpenGateway, where: Listening) -> web.AppRunner | None:
    if where.metrics_port is None:
        return None
    listener = listen(where.host, where.metrics_port)

    async def metrics(_: web.Request) -> web.Response:
        gauges = await asyncio.to_thread(budget_gauges, opened.governing.governs.ws)
        text = counters_text([opened.ws.counters], ABOUT, gauges)
        return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})

    async def health(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    app = web.Application()
    app.add_routes([web.get("/metrics", metrics), web.get("/healthz", health)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    return runner
