"""One JSON request to a vendor. Never retried: whoever asks decides what a lost answer means."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from fiscus.kernel.errors import BadConfig, BadInput, OutcomeUnknown, Unavailable, Where
from fiscus.kernel.limits import VENDOR_ANSWER_BYTES_MAX, VENDOR_CONNECT_SECONDS_MAX, VENDOR_READ_SECONDS_MAX

LOCAL: Final = ("127.0.0.1", "localhost", "::1")
Params = Sequence[tuple[str, str]]


class JsonApi:
    """A vendor's endpoints below `base_url`. `headers` carry the key, which no error repeats."""

    def __init__(
        self, vendor: str, base_url: str, headers: Mapping[str, str], read_seconds_max: float = VENDOR_READ_SECONDS_MAX
    ) -> None:
        self.vendor = vendor
        self._url = urlsplit(base_url.rstrip("/"))
        self._headers = {"Accept": "application/json", "User-Agent": "fiscus", **headers}
        self._read_seconds_max = read_seconds_max
        where = Where(file="fiscus.yaml", key="ai_accounts")
        if self._url.scheme not in {"http", "https"} or not self._url.hostname:
            raise BadConfig(f"{base_url!r} is no address of {vendor}", remedy="Write https://...", where=where)
        if self._url.scheme == "http" and self._url.hostname not in LOCAL:
            raise BadConfig(f"{base_url!r} would send {vendor}'s key unencrypted", remedy="Use https.", where=where)

    def read(self, path: str, params: Params = (), headers: Mapping[str, str] | None = None) -> Any:
        """GET. Raises Unavailable: nothing was changed, whatever went wrong."""
        status, body = self._exchange("GET", f"{path}?{urlencode(params)}" if params else path, None, headers or {})
        if 200 <= status < 300:
            return self._json(body)
        if status in {401, 403}:
            raise Unavailable(
                f"{self.vendor} does not let us read {path}: {status} {_said(body)}",
                remedy="An admin key is needed, with the right to read this; ai_accounts names its environment variable.",
            )
        raise Unavailable(f"{self.vendor} answered {status} to {path}: {_said(body)}", remedy="Run it again later.")

    def find(self, path: str, headers: Mapping[str, str] | None = None) -> Any | None:
        """GET of what may not be there: None where the vendor says 404."""
        status, body = self._exchange("GET", path, None, headers or {})
        if status == 404:
            return None
        if not 200 <= status < 300:
            raise Unavailable(f"{self.vendor} answered {status} to {path}: {_said(body)}", remedy="Run it again later.")
        return self._json(body)

    def change(self, method: str, path: str, document: Mapping[str, object] | None = None) -> Any:
        """One change. Raises BadInput (refused), Unavailable (nothing was sent, or throttled), OutcomeUnknown (answer lost)."""
        body = None if document is None else json.dumps(document).encode()
        status, answer = self._exchange(method, path, body, {"Content-Type": "application/json"})
        if 200 <= status < 300:
            return self._json(answer) if answer else {}
        words = f"{self.vendor} answered {status} to {method} {path}: {_said(answer)}"
        if status == 429:
            raise Unavailable(words, remedy="It throttles: nothing was done, run it again later.")
        if 300 <= status < 500:
            raise BadInput(words, remedy="Check what was asked for, and the rights of the admin key.")
        raise OutcomeUnknown(words, remedy="It is read back, not sent again.")

    def _exchange(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        connection = self._connection()
        try:
            connection.connect()
        except (OSError, UnicodeError) as failed:
            connection.close()
            raise Unavailable(
                f"{self.vendor} cannot be reached at {self._url.netloc}: {failed}",
                remedy="Check the network and base_url in ai_accounts; nothing was sent.",
            ) from None
        try:
            assert connection.sock is not None
            connection.sock.settimeout(self._read_seconds_max)
            connection.request(method, f"{self._url.path}{path}", body, {**self._headers, **headers})
            answer = connection.getresponse()
            found = answer.read(VENDOR_ANSWER_BYTES_MAX + 1)
        except (OSError, http.client.HTTPException) as lost:
            words = f"{self.vendor} was asked {method} {path} and its answer was lost: {lost!r}"
            if method == "GET":
                raise Unavailable(words, remedy="Run it again later.") from None
            raise OutcomeUnknown(words, remedy="It is read back, not sent again.") from None
        finally:
            connection.close()
        if len(found) > VENDOR_ANSWER_BYTES_MAX:
            raise Unavailable(f"{self.vendor} answered {path} with too much", remedy="Ask for fewer days.")
        return answer.status, found

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._url.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=VENDOR_CONNECT_SECONDS_MAX, context=context)
        return http.client.HTTPConnection(host, port, timeout=VENDOR_CONNECT_SECONDS_MAX)

    def _json(self, body: bytes) -> Any:
        """Every number with a point or an exponent is the Decimal of its digits."""
        try:
            return json.loads(body, parse_float=Decimal)
        except ValueError:
            raise Unavailable(f"{self.vendor} answered no JSON", remedy="Check base_url in ai_accounts.") from None


def _said(body: bytes) -> str:
    """The vendor's own words, short."""
    try:
        document = json.loads(body)
    except ValueError:
        return body[:120].decode(errors="replace")
    error = document.get("error", document) if isinstance(document, dict) else document
    message = error.get("message", error) if isinstance(error, dict) else error
    return str(message)[:300]
