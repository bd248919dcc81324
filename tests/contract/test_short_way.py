"""The gateway's short way on real sockets: what a client is answered and what is kept, whatever its upstream does."""

from __future__ import annotations

import asyncio
import gzip
import json
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web
from tests.fixtures.built import with_prices
from tests.fixtures.gateways import KEY_ENV, hard_cap

from fiscus.app.gateway import OpenGateway, seal_vendor_key
from fiscus.app.start import start_workspace
from fiscus.cost.ai.types import AiCall
from fiscus.edges.gateway.links import Links
from fiscus.edges.gateway.proxy import Proxy
from fiscus.edges.gateway.short_way import ShortWay
from fiscus.flows.govern_call import REFUSALS
from fiscus.guardrails.doors.ai.pacing import Pacing

BODY = json.dumps(
    {"model": "gpt-4o-mini", "max_tokens": 20, "messages": [{"role": "user", "content": "hello"}]}
).encode()
USED = b'{"model":"gpt-4o-mini","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5}}'
WHOLE = b"HTTP/1.1 200 OK\r\nX-Request-Id: r1\r\nServer: s\r\nContent-Length: %d\r\n\r\n%b" % (len(USED), USED)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(USED), USED)
COST = 10 * 150 + 5 * 600


def request(body: bytes = BODY, path: str = "/openai/v1/chat/completions", more: str = "") -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Served:
    """A gateway's loop in front of an upstream that says `answers`, piece by piece, and closes where one is None."""

    def __init__(self, opened: OpenGateway, way: ShortWay, port: int) -> None:
        self.opened = opened
        self.way = way
        self.port = port
        self.answers: list[bytes | None] = [WHOLE]
        self.first: list[list[bytes | None]] = []  # what is said before `answers`, a list a request
        self.seen: list[bytes] = []
        self.connections = 0

    async def upstream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                self.seen.append(head + await reader.readexactly(length))
                for piece in self.first.pop(0) if self.first else self.answers:
                    if piece is None:
                        writer.close()
                        return
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def client(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def ask(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
        reader, writer = await self.client()
        writer.write(data)
        found = await answer_of(reader)
        writer.close()
        return found

    def calls(self) -> list[AiCall]:
        self.opened.keeper.flush()
        return list(self.opened.ws.calls.newest(10))


async def until(look: Callable[[], Sequence[object]]) -> Any:
    """What `look` finds once it finds anything."""
    for _ in range(1_000):
        if found := look():
            return found
        await asyncio.sleep(0.01)
    raise AssertionError("nothing came")


async def answer_of(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode()
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(first.split(" ")[1]), headers, await reader.readexactly(int(headers["content-length"]))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("short") / "home"
    start_workspace(path)
    with_prices(path)
    document = yaml.safe_load((path / "fiscus.yaml").read_text())
    scope = {"requested_by": "ana.silva", "team": "platform", "environment": "prod"}
    upstreams = [
        {"name": name, "base_url": "http://127.0.0.1:9", "key_env": KEY_ENV} for name in ("openai", "anthropic")
    ]
    document["gateway"] = {"upstreams": upstreams, "default_scope": scope}
    (path / "fiscus.yaml").write_text(yaml.safe_dump(document))
    (path / "budgets" / "tests.yaml").write_text(yaml.safe_dump({"budgets": [hard_cap("1")]}))
    OpenGateway(path).close()  # where `fiscus run` never ran, a gateway opens the ledger's accounts itself
    return path


@pytest.fixture
def copied(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(KEY_ENV, "sk-vendor")
    return Path(shutil.copytree(home, tmp_path / "home"))


@asynccontextmanager
async def served(home: Path) -> AsyncIterator[Served]:
    loop = asyncio.get_running_loop()
    made: list[Served] = []

    async def upstream_says(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await made[0].upstream(reader, writer)

    upstream = await asyncio.start_server(upstream_says, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{upstream.sockets[0].getsockname()[1]}"
    file = home / "fiscus.yaml"
    file.write_text(file.read_text().replace("http://127.0.0.1:9", address))
    opened = OpenGateway(home)
    with ThreadPoolExecutor(2) as threads:
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            proxy = Proxy(lambda: opened.governing, session, threads, Pacing(), time.monotonic, asyncio.Event())
            full = web.Server(proxy, access_log=None)
            way = ShortWay(proxy, full, Links(loop, time.monotonic), loop)
            server = await loop.create_server(way, "127.0.0.1", 0)
            made.append(Served(opened, way, server.sockets[0].getsockname()[1]))
            try:
                await made[0].ask(request())  # a lease is drawn: what comes behind it is let in from memory
                made[0].seen.clear()
                yield made[0]
            finally:
                server.close()
                await way.stop(5)
                await full.shutdown(1)
                upstream.close()
    opened.close()


def run(home: Path, trial: Callable[[Served], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with served(home) as one:
            await trial(one)

    asyncio.run(whole())


def test_an_answer_comes_with_its_cost_and_without_what_is_the_upstreams_own(copied: Path) -> None:
    async def trial(one: Served) -> None:
        for said in (WHOLE, CHUNKED, b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE):
            one.answers = [said[:30], said[30:90], said[90:]]
            status, headers, body = await one.ask(request(more="Authorization: Bearer \r\nX-Fiscus-Unit: ticket=7\r\n"))
            assert (status, body) == (200, USED)
            assert headers["x-fiscus-cost"] == "0.000004500 USD"
            assert "x-fiscus-headroom" in headers
            assert "server" not in headers
        assert b"authorization: Bearer sk-vendor" in one.seen[0]
        assert b"fiscus" not in one.seen[0].lower()
        assert b"Accept-Encoding: identity" in one.seen[0]
        newest = one.calls()[0]
        assert (newest.state, newest.settled, newest.units) == ("settled", COST, {"ticket": "7"})

    run(copied, trial)


def test_connections_are_kept_and_requests_that_come_together_are_answered_in_order(copied: Path) -> None:
    async def trial(one: Served) -> None:
        before = one.connections
        reader, writer = await one.client()
        writer.write(b"".join(request(BODY.replace(b"hello", b"h%d" % n)) for n in range(5)))
        for n in range(5):
            assert (await answer_of(reader))[0] == 200
            assert b"h%d" % n in one.seen[n]
        writer.close()
        assert one.connections == before + 1  # the first call of all went another way

    run(copied, trial)


def test_an_answer_that_breaks_off_or_is_none_is_charged_at_its_bound(copied: Path) -> None:
    async def trial(one: Served) -> None:
        for said in ([WHOLE[:-5], None], [b"SSH-2.0\r\n\r\n"], [None], [CHUNKED[:-6], None]):
            one.answers = [*said]
            status, _, body = await one.ask(request())
            assert status == 503
            assert b"did not answer to the end" in body
            newest = one.calls()[0]
            assert newest.state == "unknown"
            assert newest.settled == newest.bound > 0

    run(copied, trial)


def test_a_vendor_that_does_not_listen_has_billed_nothing(copied: Path) -> None:
    async def trial(one: Served) -> None:
        one.way.links.close()
        file, there = copied / "fiscus.yaml", one.opened.governing.settings.upstreams["openai"].base_url
        file.write_text(file.read_text().replace(there, "http://127.0.0.1:9"))
        one.opened.renew()
        status, _, body = await one.ask(request())
        assert status == 503
        assert b"cannot be reached" in body
        newest = one.calls()[0]
        assert (newest.state, newest.settled) == ("released", 0)

    run(copied, trial)


def test_who_leaves_early_pays_what_the_answer_cost(copied: Path) -> None:
    async def trial(one: Served) -> None:
        before = len(one.calls())
        _, writer = await one.client()
        writer.write(request())
        await writer.drain()
        writer.transport.abort()
        found = await until(lambda: one.calls()[: len(one.calls()) - before])
        assert (found[0].state, found[0].settled) == ("settled", COST)
        assert not one.way.fronts

    run(copied, trial)


def test_whatever_is_not_plain_is_answered_by_the_full_server_on_the_same_connection(copied: Path) -> None:
    async def trial(one: Served) -> None:
        reader, writer = await one.client()
        writer.write(request())
        assert (await answer_of(reader))[0] == 200
        head = b"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY))
        assert (await answer_of(reader))[0] == 200
        writer.write(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await answer_of(reader))[0] == 404
        writer.write(request(b"{not json"))
        assert (await answer_of(reader))[0] == 400
        writer.close()
        assert len(one.seen) == 2

    run(copied, trial)


def test_a_packed_body_is_read_and_goes_on_unpacked(copied: Path) -> None:
    async def trial(one: Served) -> None:
        status, headers, _ = await one.ask(request(gzip.compress(BODY), more="Content-Encoding: gzip\r\n"))
        assert (status, headers["x-fiscus-cost"]) == (200, f"{COST / 10**9:.9f} USD")
        head, _, body = one.seen[0].partition(b"\r\n\r\n")
        assert b"content-encoding" not in head.lower()
        assert json.loads(body)["messages"] == json.loads(BODY)["messages"]
        for packed, name in ((b"no gzip", "gzip"), (BODY, "snappy")):
            status, _, said = await one.ask(request(packed, more=f"Content-Encoding: {name}\r\n"))
            assert (status, name in json.loads(said)["error"]["message"]) == (400, True)
        assert len(one.seen) == 1

    run(copied, trial)


def test_a_vendors_key_that_is_turned_is_used_from_the_next_renewal_on(copied: Path) -> None:
    file = copied / "fiscus.yaml"
    file.write_text(file.read_text().replace(f"key_env: {KEY_ENV}", "environments: []"))
    seal_vendor_key(copied, "openai", "sk-before")

    async def trial(one: Served) -> None:
        for key in ("sk-before", "sk-after"):
            assert (await one.ask(request()))[0] == 200
            assert f"Bearer {key}".encode() in one.seen[-1]
            seal_vendor_key(copied, "openai", "sk-after")
            one.opened.renew()

    run(copied, trial)


def test_a_refusal_names_its_decision_and_every_one_is_counted(copied: Path) -> None:
    async def trial(one: Served) -> None:
        nonesuch = BODY.replace(b"gpt-4o-mini", b"nonesuch-9")
        for body, path in ((nonesuch, "/openai/v1/chat/completions"), (BODY, "/openai/v1/realtime")):
            _, headers, said = await one.ask(request(body, path))
            assert json.loads(said)["error"]["decision_id"] == headers["x-fiscus-decision"]
            assert one.calls()[0].decision_id == headers["x-fiscus-decision"]
        assert (await one.ask(request(b"{")))[0] == 400
        assert (await one.ask(request(more="Authorization: Bearer fsk_nobody\r\n")))[0] == 401
        for why in ("forbidden", "unknown_endpoint", "bad_request", "unauthenticated"):
            assert one.opened.ws.counters.value(REFUSALS, upstream="openai", why=why) == 1, why

    run(copied, trial)


def test_what_runs_is_answered_before_a_gateway_stops(copied: Path) -> None:
    async def trial(one: Served) -> None:
        reader, writer = await one.client()
        idle, _ = await one.client()
        one.answers = [WHOLE[:40]]
        writer.write(request())
        await until(lambda: one.seen)
        stopping = asyncio.create_task(one.way.stop(5))
        assert await asyncio.wait_for(idle.read(), 5) == b""
        assert not stopping.done()
        [link] = list(one.way.links.open)
        link.data_received(WHOLE[40:])
        assert (await answer_of(reader))[0] == 200
        await asyncio.wait_for(stopping, 5)

    run(copied, trial)


def test_an_upstream_that_says_nothing_is_given_up_after_a_while(copied: Path) -> None:
    async def trial(one: Served) -> None:
        one.answers = []
        reader, writer = await one.client()
        writer.write(request())
        await until(lambda: one.seen)
        one.way.links.now = lambda: time.monotonic() + 10_000
        one.way.links.look_after()
        status, _, body = await answer_of(reader)
        writer.close()
        assert status == 503
        assert b"it took too long" in body
        assert one.calls()[0].state == "unknown"

    run(copied, trial)


def test_a_batch_whose_submission_was_lost_is_kept_at_its_bound(copied: Path) -> None:
    async def trial(one: Served) -> None:
        params = {"model": "claude-haiku-4-5", "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]}
        body = json.dumps({"requests": [{"custom_id": "a", "params": params}]}).encode()
        for said, status in (([None], 529), ([b"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\n{}"], 500)):
            one.answers = [*said]
            assert (await one.ask(request(body, "/anthropic/v1/messages/batches")))[0] == status
            newest = one.calls()[0]
            assert (newest.state, newest.endpoint, newest.tier) == ("unknown", "batches", "batch")
            assert newest.settled == newest.bound > 0
            assert "the job may run" in newest.note
            hold = one.opened.ws.ledger.store.hold(newest.hold_id)
            assert hold is not None
            assert hold.state == "held"

    run(copied, trial)


BUSY = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: %d\r\nContent-Length: 2\r\n\r\n{}"


@pytest.mark.parametrize("more", ["", "X-Said: \u00e9\r\n"], ids=["short way", "full server"])
def test_a_vendor_that_did_nothing_and_says_when_to_come_is_asked_once_more(copied: Path, more: str) -> None:
    async def trial(one: Served) -> None:
        for busy, status, asked in ((BUSY % 0, 200, 2), (BUSY % 60, 429, 1)):
            one.seen.clear()
            before, one.first = len(one.calls()), [[busy]]
            assert (await one.ask(request(more=more)))[0] == status
            states = [call.state for call in one.calls()[: len(one.calls()) - before]]
            assert (len(one.seen), states) == (asked, ["settled", "released"][2 - asked :])
        one.first = [[BUSY % 0], [BUSY % 0]]
        assert (await one.ask(request(more=more)))[0] == 429  # once, and not for ever

    run(copied, trial)


def test_what_may_have_been_billed_is_never_sent_again(copied: Path) -> None:
    async def trial(one: Served) -> None:
        for said in ([None], [b"HTTP/1.1 500 Oh\r\nRetry-After: 0\r\nContent-Length: 2\r\n\r\n{}"]):
            one.seen.clear()
            one.first = [[*said]]
            assert (await one.ask(request()))[0] >= 500
            assert len(one.seen) == 1

    run(copied, trial)
