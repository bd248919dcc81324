"""The bare pass-through: the stack that the gateway is built on (aiohttp, server and client), and nothing is governed.

    python -m bench.gateway.passthrough HOST:PORT-OF-THE-UPSTREAM WORKERS

It prints the port that its workers share. What it does is the least that any proxy on this stack must do: read, send on, answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from typing import Any

import aiohttp
from aiohttp import web


def main() -> None:
    """Serve until killed."""
    listener = _bind(0)
    port = listener.getsockname()[1]
    others = [os.fork() for _ in range(int(sys.argv[2]) - 1)] if int(sys.argv[2]) > 1 else []
    if 0 in others:  # a child: with a socket of its own on the same port
        listener.close()
        listener = _bind(port)
    else:
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
    asyncio.run(_serve(listener, sys.argv[1]))


def _bind(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("127.0.0.1", port))
    return listener


async def _serve(listener: socket.socket, upstream: str) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            headers = {"Content-Type": "application/json", "Authorization": "Bearer sk-simulated-bench"}
            async with session.post(
                f"{upstream}{request.rel_url}", data=await request.read(), headers=headers
            ) as given:
                if given.content_type != "text/event-stream":
                    return web.Response(status=given.status, body=await given.read(), content_type=given.content_type)
                response = web.StreamResponse(status=given.status, headers={"Content-Type": "text/event-stream"})
                with contextlib.suppress(ConnectionError):  # who asked has gone
                    await response.prepare(request)
                    async for piece in given.content.iter_any():
                        await response.write(piece)
                    await response.write_eof()
                return response

        loop = asyncio.get_running_loop()

        def request(*of_the_protocol: Any) -> web.BaseRequest:
            return web.BaseRequest(*of_the_protocol, loop=loop, client_max_size=64 * 2**20)

        await loop.create_server(web.Server(answer, request_factory=request, access_log=None), sock=listener)
        await asyncio.Event().wait()


if __name__ == "__main__":
    main()
