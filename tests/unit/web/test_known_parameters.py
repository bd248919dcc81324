"""A parameter that a page or a route of the API does not know is refused, by name."""

from __future__ import annotations

import html

import pytest

from fiscus.edges.web.site import NAVIGATION
from fiscus.serve import build_server

from .conftest import PORT

ROOMS = ("/", "/cases/case-1", "/policies/decisions/dec-1", "/number/finding/f-1", "/find", "/ai/units?kind=x", "/ai/calls",
         "/prices", "/spend", "/number/spend", "/reports/spend-by-owner", "/api/docs")  # fmt: skip


def test_every_room_refuses_it_and_names_it(browser) -> None:
    for url in dict.fromkeys((*ROOMS, *(one[0] for one in NAVIGATION))):
        page = browser.get(f"{url}{'&' if '?' in url else '?'}bogus=1")
        if url != "/reports/spend-by-owner":  # whose form stands, with what is wrong about it
            assert page.status_code == 422, url
        assert "bogus" in html.unescape(page.text).partition("<main")[2], url


def test_every_route_of_the_api_that_is_asked_refuses_it(browser, ws) -> None:
    paths = build_server(ws.home, PORT, ws).openapi()["paths"]
    asked = [path for path, ways in paths.items() if "get" in ways and "{" not in path]
    assert len(asked) > 20
    for path in asked:
        answer = browser.get(f"{path}?bogus=1")
        assert answer.status_code == 422, path
        assert "bogus" in answer.json()["error"]["message"], path


@pytest.mark.parametrize(
    ("url", "known"),
    [
        ("/api/cases?stat=open", "Known: state."),
        ("/api/budgets?x=1", "It takes none: leave it out."),
        ("/api/ai/calls?chrage=1", "charge"),
    ],
)
def test_what_is_known_is_said(browser, url, known) -> None:
    assert known in browser.get(url).json()["error"]["remedy"]


@pytest.mark.parametrize(
    "url",
    ["/?mine=1", "/cases?state=all", "/ai/calls?key=k1&since=2026-11-01", "/ai/units?kind=ticket&by=result",
     "/prices?name=m5&region=", "/budgets?said=tried", "/static/app.css?v=1", "/metrics?x=1", "/api/openapi.json?x=1"],
)  # fmt: skip
def test_what_is_known_and_what_is_no_page_is_answered(browser, url) -> None:
    assert browser.get(url).status_code == 200


def test_units_of_no_kind_are_no_failure(browser) -> None:
    page = browser.get("/ai/units")
    assert page.status_code == 422
    assert "No kind of outcome is asked for" in page.text
