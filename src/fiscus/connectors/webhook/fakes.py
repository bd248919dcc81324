"""A webhook receiver on this machine: checks id, time and signature as a careful receiver does, and keeps what it took."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, cast

from fiscus.connectors.webhook.notify import secret_bytes
from fiscus.kernel.clock import Clock, SystemClock

BODY_BYTES_MAX = 5_000_000
TOLERANCE_SECONDS = 300  # Standard Webhooks: an older or newer timestamp may be a replay


@dataclass(frozen=True, slots=True)
class ReceivedHook:
    """One notice whose signature was right. `again`: its id had been taken before."""

    id: str
    data: dict[str, Any]
    again: bool


@dataclass
class Behaviour:
    """What the receiver does wrong when told to; all off by default."""

    statuses: list[int] = field(default_factory=list)  # answered one by one instead of looking at the notice
    lose_answers: int = 0  # so many notices are kept, and the connection closed without a word
    deaf: bool = False  # reads and never answers


class LocalHook:
    """`with LocalHook(secret) as hook:` listens at `hook.url`; `hook.received` is what it took, `hook.refused` why it did not."""

    def __init__(self, secret: str, *, clock: Clock | None = None, port: int = 0) -> None:
        self.received: list[ReceivedHook] = []
        self.refused: list[str] = []
        self.behaviour = Behaviour()
        self._key = secret_bytes(secret)
        self._clock = clock or SystemClock()
        self._wanted_port = port
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self.stopping = threading.Event()

    @property
    def url(self) -> str:
        """Where it listens, while it does."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def start(self) -> Self:
        """Listen."""
        self.stopping.clear()
        self._server = _Server(("127.0.0.1", self._wanted_port), _Request)
        self._server.owner = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Close the port; what was received stays."""
        if self._server is not None:
            self.stopping.set()
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def take(self, identity: str, stamp: str, signatures: str, body: bytes) -> int:
        """The status of one request: 204 taken, 401 with the reason in `refused`."""
        reason = self._fault(identity, stamp, signatures, body)
        with self._lock:
            if reason is not None:
                self.refused.append(reason)
                return 401
            again = any(hook.id == identity for hook in self.received)
            self.received.append(ReceivedHook(identity, json.loads(body), again))
        return 204

    def _fault(self, identity: str, stamp: str, signatures: str, body: bytes) -> str | None:
        if not identity or not stamp.isdigit():
            return "no id or no timestamp"
        if abs(self._clock.now().timestamp() - int(stamp)) > TOLERANCE_SECONDS:
            return "too old or too new"
        digest = hmac.new(self._key, f"{identity}.{stamp}.".encode() + body, hashlib.sha256).digest()
        wanted = "v1," + base64.b64encode(digest).decode()
        if not any(hmac.compare_digest(wanted, given) for given in signatures.split(" ")):
            return "wrong signature"
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    owner: LocalHook


class _Request(BaseHTTPRequestHandler):
    timeout = 30

    def do_POST(self) -> None:
        hook = cast("_Server", self.server).owner
        size = int(self.headers.get("Content-Length", "0"))
        body = self.rfile.read(size) if 0 <= size <= BODY_BYTES_MAX else b""
        behaviour = hook.behaviour
        if behaviour.deaf:
            hook.stopping.wait(30)
            return
        if behaviour.statuses:
            self._answer(behaviour.statuses.pop(0))
            return
        given = [self.headers.get(name, "") for name in ("webhook-id", "webhook-timestamp", "webhook-signature")]
        status = hook.take(given[0], given[1], given[2], body)
        if behaviour.lose_answers:
            behaviour.lose_answers -= 1
            self.close_connection = True
            return
        self._answer(status)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """A stand-in keeps quiet; `received` and `refused` say what happened."""
