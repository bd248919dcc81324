"""A parameter of an address that its route does not know is refused: ignored, it would have answered another question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from fastapi import Request, params
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute

from fiscus.kernel.errors import BadInput, Where

SAID: Final = "said"  # which message a page shows after a form; any page may be told
OPEN: Final = "fiscus_any_parameter"
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def judges_its_parameters(endpoint: Endpoint) -> Endpoint:
    """For a route whose parameters are open, such as `where.<dimension>`: it reads the query and refuses for itself."""
    setattr(endpoint, OPEN, True)
    return endpoint


def given_once(request: Request, but: str) -> dict[str, str]:
    """The open parameters of the query, without `but`. Raises BadInput for one that stands twice: which of them was meant?"""
    pairs = [(name, value) for name, value in request.query_params.multi_items() if name != but]
    given = dict(pairs)
    if len(given) < len(pairs):
        twice = next(name for name in given if sum(name == other for other, _ in pairs) > 1)
        raise BadInput(f"{twice!r} is given twice", remedy="Write each name once.", where=Where(key=twice))
    return given


async def known_parameters(request: Request) -> None:
    """A dependency of every route of a router. Raises BadInput for a parameter that the matched route does not declare."""
    route = request.scope.get("route")
    if not request.query_params or not isinstance(route, APIRoute) or hasattr(route.endpoint, OPEN):
        return
    known = {one.alias for one in get_flat_params(route.dependant) if isinstance(one.field_info, params.Query)}
    if strange := [name for name in request.query_params if name not in known and name != SAID]:
        remedy = f"Known: {', '.join(sorted(known))}." if known else "It takes none: leave it out."
        raise BadInput(
            f"{strange[0]!r} is not a parameter of {request.url.path}", remedy=remedy, where=Where(key=strange[0])
        )
