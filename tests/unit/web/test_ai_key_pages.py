"""The page of AI keys, and the same in the API: keys, the last calls, and what became of them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from tests.fixtures.ai_calls import AT, ai_call
from tests.unit.web.conftest import Browser, app_over

from fiscus.app.gateway import open_keys_of
from fiscus.flows.manage_keys import IssuedKey, KeyOrder, issue_key, revoke_key
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import Actor

HOSTILE = "<script>alert('x')</script>"
SAM = Actor("sam.lee")


@pytest.fixture
def ws(home) -> Workspace:
    from fiscus.app.workspace import open_workspace

    return open_workspace(home, date(2026, 11, 20))


@pytest.fixture
def pages(ws: Workspace) -> Browser:
    return Browser(app_over(ws))


def issue(ws: Workspace, name: str = "search, staging") -> IssuedKey:
    return issue_key(ws, open_keys_of(ws.home), KeyOrder(name, "ana.silva", "staging"), SAM)


def test_each_call_says_what_it_cost_with_which_key_and_what_became_of_it(ws: Workspace, pages: Browser) -> None:
    key = issue(ws).key
    ws.calls.append(
        [
            ai_call("one", key_id=key.id, team="platform"),
            ai_call(
                "two",
                AT + timedelta(minutes=1),
                {},
                key_id=key.id,
                state="refused",
                verdict="deny",
                note="Over the cap.",
            ),
            ai_call("three", AT + timedelta(minutes=2), key_id=key.id, verdict="degrade"),
            ai_call("four", AT + timedelta(minutes=3), key_id="", state="unknown"),
        ]
    )
    page = pages.get("/ai/keys").text
    assert (
        "The last 4 calls cost 0.000630 USD; 1 was refused before anything was spent; 1 got a cheaper answer." in page
    )
    for said in ("refused", "degraded", "settled", "charged at its bound", "Over the cap.", "none: the default scope"):
        assert said in page
    assert page.index("charged at its bound") < page.index("Over the cap.")  # the newest first
    assert key.shown in page
    assert f'href="/ai/keys?key={key.id}#calls"' in page


def test_the_calls_of_one_key_have_an_address(ws: Workspace, pages: Browser) -> None:
    first, second = issue(ws).key, issue(ws, "other").key
    ws.calls.append([ai_call("one", key_id=first.id), ai_call("two", key_id=second.id, model="claude-haiku-4-5")])
    page = pages.get(f"/ai/keys?key={second.id}").text
    assert "The last calls of other" in page
    assert "claude-haiku-4-5" in page
    assert "gpt-4o-mini" not in page
    assert pages.get("/ai/keys?key=key-nobody").status_code == 404


def test_a_key_that_opens_nothing_is_not_shown_and_no_secret_ever_is(ws: Workspace, pages: Browser) -> None:
    issued, gone = issue(ws), issue(ws, "gone")
    revoke_key(ws, open_keys_of(ws.home), gone.key.id, SAM, "lost")
    page, api = pages.get("/ai/keys").text, pages.get("/api/ai/keys").text
    assert gone.key.shown not in page
    for answer in (page, api):
        assert issued.secret not in answer
        assert issued.key.digest not in answer
    assert [one["id"] for one in pages.get("/api/ai/keys").json()["keys"]] == [issued.key.id]


def test_what_comes_from_outside_is_never_a_script(ws: Workspace, pages: Browser) -> None:
    issue(ws, HOSTILE)
    ws.calls.append([ai_call("one", model=HOSTILE, user=HOSTILE, note=HOSTILE, units={"ticket": HOSTILE})])
    page = pages.get("/ai/keys").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_nothing_yet_says_what_would_stand_there(ws: Workspace, pages: Browser) -> None:
    page = pages.get("/ai/keys").text
    for said in ("No call has gone through the gateway yet.", "No key opens anything.", "fiscus key issue"):
        assert said in page
