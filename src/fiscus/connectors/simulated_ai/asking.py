"""One request at a simulated vendor, the answer that it gets, and the error that it may get instead."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from fiscus.connectors.simulated_ai.price_list import KNOWN, Model

if TYPE_CHECKING:
    from aiohttp import web

    from fiscus.connectors.simulated_ai.engine import Engine
    from fiscus.connectors.simulated_ai.faults import Fault

KEY_PREFIX: Final = "sk-simulated-"  # sk-simulated-PROJECT is a key of that project, at every vendor
ADMIN_KEY: Final = "sk-admin-simulated"


class VendorError(Exception):
    """The vendor says no. `body`: JSON, or text as it is sent."""

    def __init__(self, status: int, body: Mapping[str, Any] | str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose key it is."""

    key: str
    project: str
    admin: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, read. `document`: its JSON, or the fields of a form; `files`: name -> bytes of a form's files."""

    engine: Engine
    vendor: str
    endpoint: str
    caller: Caller
    document: Mapping[str, Any]
    fault: Fault | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    tier: str = ""  # batch: asked for in a batch

    @property
    def fault_kind(self) -> str:
        """Empty: all is well."""
        return self.fault.kind if self.fault else ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a stream as it goes over the wire, and how many output tokens were made for it.

    `usage`: all output was made before it; it says the whole use, where the vendor does.
    """

    data: bytes
    output_tokens: int = 0
    usage: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent and what is billed. `meters`: what it truly used, whatever the answer says."""

    id: str
    model: Model
    tier: str
    meters: Mapping[str, int]
    body: bytes = b""
    content_type: str = "application/json"
    pieces: tuple[Piece, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


class Vendor(Protocol):
    """One simulated vendor: its routes below /NAME, how its clients say who they are, and how it says no."""

    name: str

    def routes(self, engine: Engine) -> list[web.RouteDef]: ...

    def credential(self, headers: Mapping[str, str]) -> str:
        """The key in a request's headers; empty: none."""
        ...

    def refusal(self, status: int, kind: str, message: str) -> VendorError:
        """An error in the vendor's shape.

        `kind`: unauthenticated, invalid, no_model, rate_limited, overloaded, internal, not_found.
        """
        ...


def caller_of(vendor: Vendor, headers: Mapping[str, str], *, admin: bool = False) -> Caller:
    """Raises the vendor's 401 for a key that it did not give out, and for an admin key or its lack in the wrong place."""
    key = vendor.credential(headers)
    if admin and key == ADMIN_KEY:
        return Caller(key, "", admin=True)
    if not admin and key.startswith(KEY_PREFIX) and len(key) > len(KEY_PREFIX):
        return Caller(key, key.removeprefix(KEY_PREFIX))
    raise vendor.refusal(401, "unauthenticated", f"Incorrect API key provided: {key[:8]}***")


def known_model(vendor: Vendor, document: Mapping[str, Any], *kinds: str, missing: int = 400) -> Model:
    """The model that is asked for; raises as the vendor does for none, an unknown one, or one that cannot do this."""
    name = document.get("model")
    if not isinstance(name, str) or not name:
        raise vendor.refusal(missing, "invalid", "you must provide a model parameter")
    model = KNOWN.get((vendor.name, name))
    if model is None or (kinds and model.kind not in kinds):
        raise vendor.refusal(404, "no_model", f"The model `{name}` does not exist or you do not have access to it.")
    return model


def compact(value: Any) -> bytes:
    """JSON as vendors send it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def event(data: Any, name: str = "") -> bytes:
    """One server-sent event."""
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + (data if isinstance(data, bytes) else compact(data)) + b"\n\n"
