"""A request as Envoy tells it, and the answers in Envoy's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from fiscus.edges.envoy.messages import CheckResponse, Message

OK: Final = 0  # google.rpc.Code
UNAUTHENTICATED: Final = 16
PERMISSION_DENIED: Final = 7
OVERWRITE: Final = 2  # HeaderValueOption.HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD
UPSTREAM: Final = "fiscus_upstream"  # a key of context_extensions: the upstream that a route leads to
CREDENTIALS: Final = "fiscus_credentials"  # `envoy`: a filter after this one sets the vendor's key
PARTIAL: Final = "x-envoy-auth-partial-body"  # Envoy's word that the body goes on beyond max_request_bytes


@dataclass(frozen=True, slots=True)
class Told:
    """`upstream`: its name in fiscus.yaml. `path`: below its base URL, without query. Header names in small letters."""

    upstream: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    whole: bool
    own_credentials: bool = True


@dataclass(frozen=True, slots=True)
class Allowed:
    """It goes on: with these headers set, those taken away, and these in the answer to the client."""

    set_headers: Mapping[str, str] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    said: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Denied:
    """It ends here, with this answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def told_by(request: Message) -> Told:
    """`request`: a CheckRequest. The route names the upstream, or the first part of the path does, as at the gateway."""
    attributes = request.attributes
    http, route = attributes.request.http, attributes.context_extensions
    path = str(http.path).partition("?")[0]
    upstream = str(route[UPSTREAM]) if UPSTREAM in route else ""
    if not upstream:
        upstream, _, rest = path.removeprefix("/").partition("/")
        path = f"/{rest}"
    headers = {str(name).lower(): str(value) for name, value in http.headers.items()}
    return Told(
        upstream=upstream,
        method=str(http.method),
        path=path,
        headers=headers,
        body=bytes(http.raw_body) or str(http.body).encode(),
        whole=headers.get(PARTIAL, "false") != "true",
        own_credentials=CREDENTIALS not in route or str(route[CREDENTIALS]) != "envoy",
    )


def in_envoys_words(answer: Allowed | Denied) -> Message:
    """A CheckResponse."""
    response = CheckResponse()
    if isinstance(answer, Allowed):
        response.status.code = OK
        _add(response.ok_response.headers, answer.set_headers)
        response.ok_response.headers_to_remove.extend(answer.remove)
        _add(response.ok_response.response_headers_to_add, answer.said)
        return response
    response.status.code = UNAUTHENTICATED if answer.status == 401 else PERMISSION_DENIED
    response.denied_response.status.code = answer.status
    response.denied_response.body = answer.body.decode("utf-8", "replace")
    _add(response.denied_response.headers, {"content-type": "application/json", **answer.headers})
    return response


def _add(repeated: Message, headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        option = repeated.add()
        option.header.key, option.header.value = name, value
        option.append_action = OVERWRITE
