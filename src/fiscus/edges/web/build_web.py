"""The pages as one router: `web_router(get_ws)`. `get_ws` gives the workspace as it stands at each request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from fiscus.edges.web import (
    acting,
    ai_key_pages,
    ai_pages,
    allocation_pages,
    approval_pages,
    books_pages,
    contract_pages,
    currency_pages,
    govern_pages,
    money_pages,
    policy_pages,
    purchase_pages,
    report_pages,
)
from fiscus.edges.web.site import Site
from fiscus.flows.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Web:
    """The router, and how an error is shown to a person: (request, error as a dict, HTTP status) to a page."""

    router: APIRouter
    error_page: Callable[[Request, Mapping[str, Any], int], HTMLResponse]


def build_web(get_ws: Callable[[], Workspace]) -> Web:
    """Every page, with the surroundings that they share."""
    site = Site(get_ws)
    router = APIRouter(include_in_schema=False)
    money_pages.mount(router, site)
    ai_key_pages.mount(router, site)
    govern_pages.mount(router, site)
    approval_pages.mount(router, site)
    purchase_pages.mount(router, site)
    books_pages.mount(router, site)
    contract_pages.mount(router, site)
    report_pages.mount(router, site)
    ai_pages.mount(router, site)
    allocation_pages.mount(router, site)
    currency_pages.mount(router, site)
    policy_pages.mount(router, site)
    acting.mount(router, site)
    return Web(router, site.error)


def web_router(get_ws: Callable[[], Workspace]) -> APIRouter:
    """The pages alone."""
    return build_web(get_ws).router


def static_files() -> StaticFiles:
    """Style sheets and scripts, our own and those that tools/build_assets.py put in place; mount them at /static."""
    return StaticFiles(directory=str(files("fiscus.edges.web").joinpath("static")))
