"""A notice as a signed POST, as Standard Webhooks 1.0 describes: id, timestamp and signature in the headers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import ipaddress
import json
import socket
import ssl
from urllib.parse import SplitResult, urlsplit

from fiscus.kernel.canonical import to_json
from fiscus.kernel.clock import Clock, SystemClock
from fiscus.kernel.errors import BadConfig, OutcomeUnknown, Unavailable, Where
from fiscus.kernel.limits import NOTICE_SECONDS_MAX
from fiscus.ownership.types import Notice

SECRET_PREFIX = "whsec_"  # noqa: S105 (how a base64 secret is marked, no secret)
_PORTS = {"http": 80, "https": 443}


class WebhookChannel:
    """Implements ownership.ports.NoticeChannel. `url` is configuration; a notice cannot choose where it goes.

    `allow_private` opens private and link-local addresses. `tls` None checks certificates against the machine's authorities.
    """

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        allow_private: bool = False,
        clock: Clock | None = None,
        tls: ssl.SSLContext | None = None,
        timeout_seconds: float = NOTICE_SECONDS_MAX,
    ) -> None:
        self._url = _checked(url)
        self._key = secret_bytes(secret)
        self._allow_private = allow_private
        self._clock = clock or SystemClock()
        self._tls = tls
        self._timeout_seconds = timeout_seconds

    def send(self, notice: Notice) -> str:
        """POST it; the receipt is the status. Raises Unavailable (not taken), OutcomeUnknown (the answer was lost)."""
        body = json.dumps(
            {
                "type": "fiscus.notice",
                "key": notice.key,
                "to": notice.to,
                "subject": notice.subject,
                "body": notice.body,
                "data": to_json(notice.payload),
            },
            ensure_ascii=False,
        ).encode()
        identity = webhook_id(notice.key)
        stamp = int(self._clock.now().timestamp())
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "webhook-id": identity,
            "webhook-timestamp": str(stamp),
            "webhook-signature": signature(self._key, identity, stamp, body),
            "User-Agent": "fiscus",
        }
        connection = self._connect()
        try:
            return self._post(connection, body, headers)
        finally:
            connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        """Resolve once, check every address, connect to what was checked: a name cannot change in between."""
        host = self._url.hostname or ""
        port = self._url.port or _PORTS[self._url.scheme]
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses = [str(entry[4][0]) for entry in found]
            for address in addresses:
                self._check_address(host, address)
            raw = socket.create_connection((addresses[0], port), self._timeout_seconds)
            if self._url.scheme == "https":
                raw = (self._tls or ssl.create_default_context()).wrap_socket(raw, server_hostname=host)
        except (OSError, UnicodeError) as broken:
            raise self._unavailable(broken) from None
        connection = http.client.HTTPConnection(host, port, timeout=self._timeout_seconds)
        connection.sock = raw
        return connection

    def _check_address(self, host: str, text: str) -> None:
        address = _unmapped(ipaddress.ip_address(text.partition("%")[0]))
        if address.is_loopback:
            allowed = _names_loopback(host)
        elif address.is_multicast or address.is_unspecified:
            allowed = False
        else:
            allowed = address.is_global or self._allow_private
        if not allowed:
            raise Unavailable(
                f"The webhook's host {host} is at {address}, an address inside a private network",
                remedy="Name a public address, or allow private addresses for this webhook in the configuration.",
                where=Where(file="fiscus.yaml", key="notify.webhook.url"),
            )

    def _post(self, connection: http.client.HTTPConnection, body: bytes, headers: dict[str, str]) -> str:
        path = self._url.path or "/"
        path = f"{path}?{self._url.query}" if self._url.query else path
        try:
            connection.request("POST", path, body, headers)
        except OSError as broken:
            raise self._unavailable(broken) from None
        try:
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as lost:
            raise OutcomeUnknown(
                f"The webhook at {self._shown} did not answer after it was given the notice: {lost!r}",
                remedy="It is sent again with the same webhook-id; a receiver drops an id that it has seen.",
            ) from None
        if 300 <= status < 400:
            raise self._unavailable(f"it answered {status}, and redirects are not followed")
        if not 200 <= status < 300:
            raise self._unavailable(f"it answered {status}")
        return f"HTTP {status}"

    @property
    def _shown(self) -> str:
        return f"{self._url.scheme}://{self._url.netloc}"  # a path or query may hold a token

    def _unavailable(self, why: object) -> Unavailable:
        return Unavailable(
            f"The webhook at {self._shown} did not take the notice: {why}",
            remedy="It waits in the outbox; the next run sends it. Check notify.webhook in fiscus.yaml and the receiver.",
        )


def webhook_id(key: str) -> str:
    """The webhook-id of a notice: the same for the same key."""
    return f"msg_{hashlib.sha256(key.encode()).hexdigest()[:40]}"


def signature(key: bytes, identity: str, stamp: int, body: bytes) -> str:
    """`v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`."""
    signed = f"{identity}.{stamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def secret_bytes(secret: str) -> bytes:
    """The key of a secret: base64 after `whsec_`, else its UTF-8 bytes. Raises BadConfig for an empty or broken one."""
    try:
        key = (
            base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
            if secret.startswith(SECRET_PREFIX)
            else secret.encode()
        )
    except ValueError:
        key = b""
    if len(key) < 16:
        raise BadConfig(
            "The webhook's signing secret is shorter than 16 bytes or not valid base64",
            remedy="Set 24 to 64 random bytes as whsec_ and their base64.",
            where=Where(file="fiscus.yaml", key="notify.webhook.secret_env"),
        )
    return key


def _checked(url: str) -> SplitResult:
    where = Where(file="fiscus.yaml", key="notify.webhook.url")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as broken:
        raise BadConfig(f"The webhook's URL cannot be read: {broken}", remedy="Mend it.", where=where) from None
    if any(ord(letter) <= 32 or ord(letter) >= 127 for letter in url):
        raise BadConfig("The webhook's URL holds a blank or a letter outside ASCII", remedy="Encode it.", where=where)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise BadConfig("A webhook is an http or https URL with a host", remedy="Mend the URL.", where=where)
    if parts.username is not None or parts.password is not None:
        raise BadConfig(
            "The webhook's URL holds a name or a password",
            remedy="Take them out: the signature proves who sends.",
            where=where,
        )
    return parts


def _names_loopback(host: str) -> bool:
    try:
        return _unmapped(ipaddress.ip_address(host)).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _unmapped(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An IPv4 address written as IPv6 is what it is."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
