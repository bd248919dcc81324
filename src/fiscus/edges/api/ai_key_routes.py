"""/api/ai/keys: keys by what they cost, and the newest calls."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from fiscus.app.gateway import open_keys_of
from fiscus.edges.api.answers import answered, of
from fiscus.flows.show_ai_keys import AiKeysShown, show_ai_keys
from fiscus.flows.workspace import Workspace


def mount_ai_keys(router: APIRouter, get_ws: Callable[[], Workspace]) -> None:
    """Add the route to `router`, which stands at /api."""
    keys_of = cache(open_keys_of)

    @router.get("/ai/keys", responses=of(AiKeysShown), summary="Virtual keys, what they cost, and the newest calls")
    def keys(key: str = "") -> JSONResponse:
        ws = get_ws()
        return answered(show_ai_keys(ws, keys_of(ws.home), key))
