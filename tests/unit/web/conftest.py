"""A server over the small company, and a browser's worth of manners: Host, Origin, cookies and form tokens."""

from __future__ import annotations

import re
import warnings
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from fastapi import FastAPI
from tests.fixtures.company import open_company
from tests.fixtures.strict_cloud import StrictCloud
from tests.fixtures.web_company import served_company

from fiscus.app.current_workspace import OpenWorkspace
from fiscus.flows.workspace import Workspace
from fiscus.serve import build_app, build_server

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # starlette recommends a package that is not in the locks; httpx works
    from starlette.testclient import TestClient

PORT = 8720
ORIGIN = f"http://127.0.0.1:{PORT}"


class Shared:
    """What the one app of all these tests is over now: to build another for each takes longer than most of them."""

    def __init__(self, get_ws: OpenWorkspace) -> None:
        self.get_ws = get_ws

    def __call__(self) -> Workspace:
        return self.get_ws()


@cache
def _shared_app() -> tuple[Shared, FastAPI]:
    folder = TemporaryDirectory(prefix="fiscus-app-")
    shared = Shared(OpenWorkspace(Path(folder.name), open_company(Path(folder.name))))
    return shared, build_app(shared, PORT)


def app_over(ws: Workspace) -> FastAPI:
    """A server over `ws`, until the next call: one test has one."""
    shared, app = _shared_app()
    shared.get_ws = OpenWorkspace(ws.home, ws)
    return app


class Browser:
    """What a person's browser sends: our Origin with each form, the token of the page, the cookies."""

    def __init__(self, app) -> None:
        self.http = TestClient(app, base_url=ORIGIN, follow_redirects=False, raise_server_exceptions=False)

    def get(self, url: str, **more):
        return self.http.get(url, **more)

    def token(self, page: str = "/actions") -> str:
        return re.search(r'name="csrf" value="([^"]+)"', self.get(page).text)[1]

    def send(
        self, url: str, fields: dict[str, str] | None = None, origin: str | None = ORIGIN, token: str | None = None
    ):
        """A form of a page of ours, unless told otherwise."""
        token = self.token() if token is None else token
        headers = {"Origin": origin} if origin is not None else {}
        return self.http.post(url, data={"csrf": token, **(fields or {})}, headers=headers)

    def acts_as(self, person: str) -> Browser:
        assert self.send("/who", {"person": person, "here": "/"}).status_code == 303
        return self


@pytest.fixture(scope="module")
def cloud() -> StrictCloud:
    made = StrictCloud()
    for n in range(2, 20):
        made.add(f"i-{n}")
    return made


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory, cloud: StrictCloud) -> Workspace:
    return served_company(tmp_path_factory.mktemp("company"), cloud)


@pytest.fixture(scope="module")
def app(ws: Workspace):
    return build_server(ws.home, PORT, ws)


@pytest.fixture
def browser(app) -> Browser:
    return Browser(app)


@pytest.fixture(scope="module")
def nothing_yet(tmp_path_factory: pytest.TempPathFactory) -> Browser:
    """A workspace as `fiscus init` makes it: no bill, no run."""
    from fiscus.app.start import start_workspace

    home = tmp_path_factory.mktemp("new") / "home"
    start_workspace(home)
    return Browser(build_server(home, PORT))
