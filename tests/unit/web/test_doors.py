"""Who comes in: Host, Origin, form tokens, content types, and errors in the shape of kernel.errors."""

from __future__ import annotations

from datetime import date

import jsonschema
import pytest

from fiscus.app.loop import run_loop
from fiscus.app.workspace import open_workspace
from fiscus.edges.door_guard import HEADERS
from fiscus.kernel.errors import NotAllowed, Unavailable
from fiscus.kernel.progress import Silent
from fiscus.serve import OpenWorkspace, build_server, serve

from .conftest import ORIGIN, Browser


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:9999", "127.0.0.1:8720.evil.example", "0.0.0.0:8720", ""]
)
def test_another_name_for_this_server_is_refused(browser, host) -> None:
    """A name that an attacker's DNS points here (rebinding) is no name of ours."""
    page = browser.get("/", headers={"Host": host})
    assert page.status_code == 403
    assert "not called by that name" in page.text
    assert browser.get("/api/today", headers={"Host": host}).json()["error"]["code"] == "not_allowed"


@pytest.mark.parametrize("host", ["127.0.0.1:8720", "localhost:8720", "[::1]:8720"])
def test_its_own_names_come_in(browser, host) -> None:
    assert browser.get("/budgets", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "https://127.0.0.1:8720", None]
)
def test_a_form_from_elsewhere_changes_nothing(browser, origin) -> None:
    answer = browser.send("/who", {"person": "lea"}, origin=origin)
    assert answer.status_code == 403
    assert "fiscus_person" not in browser.http.cookies


def test_a_form_without_its_token_changes_nothing(app, browser) -> None:
    for token in ("", "forged", Browser(app).token()):  # none, invented, of another browser
        assert browser.send("/who", {"person": "lea"}, token=token).status_code == 403
    assert "fiscus_person" not in browser.http.cookies


def test_a_token_without_its_cookie_changes_nothing(browser) -> None:
    token = browser.token()
    browser.http.cookies.clear()
    assert browser.send("/who", {"person": "lea"}, token=token).status_code == 403


def test_a_form_that_is_sent_as_something_else_is_refused(browser) -> None:
    answer = browser.http.post("/who", content=b"csrf=1", headers={"Origin": ORIGIN, "Content-Type": "text/plain"})
    assert answer.status_code == 422


def test_cookies_stay_here_and_out_of_scripts(browser) -> None:
    made = browser.get("/").headers["set-cookie"]
    assert "HttpOnly" in made
    assert "SameSite=strict" in made
    chosen = browser.send("/who", {"person": "lea", "here": "/"}).headers["set-cookie"]
    assert "HttpOnly" in chosen
    assert "SameSite=strict" in chosen


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", ""])
def test_a_form_never_leads_away(browser, to) -> None:
    where = browser.send("/who", {"person": "lea", "here": to}).headers["location"]
    assert where == "/?said=person"


@pytest.mark.parametrize("url", ["/", "/api/today", "/nothing", "/api/nothing", "/static/app.css"])
def test_every_answer_has_the_same_strict_headers(browser, url) -> None:
    answer = browser.get(url)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/api/decisions", "/api/purchases", "/api/commitments", "/api/purchases/record"])
def test_a_key_that_stands_twice_is_refused(browser, path: str) -> None:
    text = '{"intent": {"kind": "ai.request", "amount": "7", "amount": "1"}, "entry": {}, "person": "ana"}'
    answer = browser.http.post(path, content=text, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["error"]["message"] == "'amount' stands twice in one object"
    empty = browser.http.post(path, content="", headers={"Content-Type": "application/json"})
    assert empty.status_code == 422


def test_a_fault_of_ours_says_so_without_its_inside(ws) -> None:
    app = build_server(ws.home, 8720, ws)

    @app.get("/boom")
    def boom() -> None:
        raise ZeroDivisionError("a secret of the inside")

    answer = Browser(app).get("/boom")
    assert answer.status_code == 500
    assert "a secret" not in answer.text
    assert "ZeroDivisionError" in answer.text
    assert answer.headers["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]


class TestTheApi:
    def test_errors_have_code_message_where_and_remedy(self, browser) -> None:
        answer = browser.get("/api/cases/none")
        assert answer.status_code == 404
        assert set(answer.json()["error"]) == {"code", "message", "where", "remedy"}
        assert browser.get("/api/nothing").json()["error"]["code"] == "not_found"
        assert browser.get("/api/spend?group=nothing").status_code == 422
        assert browser.get("/api/cases?state=lost").status_code == 422

    def test_a_body_that_is_not_json_is_refused(self, browser) -> None:
        """A page of another site can send a form or plain text unasked, never JSON."""
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            answer = browser.http.post(
                "/api/cases/case-1/acknowledge", content=b'{"as": "max"}', headers={"Content-Type": kind}
            )
            assert answer.status_code == 422, kind

    def test_a_foreign_origin_is_refused_whatever_it_sends(self, browser) -> None:
        for origin in ("http://evil.example", "null"):
            answer = browser.http.post("/api/decisions", json={}, headers={"Origin": origin})
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_allowed")

    def test_a_body_names_what_is_wrong_with_it(self, browser) -> None:
        answer = browser.http.post("/api/cases/case-1/close", json={"note": "done"})
        assert (answer.status_code, answer.json()["error"]["where"]) == (422, {"key": "as"})

    def test_a_body_without_end_is_refused(self, browser) -> None:
        answer = browser.http.post(
            "/api/decisions", content=b"x" * 1_000_001, headers={"Content-Type": "application/json"}
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (429, "limit")

    def test_each_route_is_described_and_the_page_of_it_lists_all(self, browser) -> None:
        paths = browser.get("/api/openapi.json").json()["paths"]
        page = browser.get("/api/docs").text
        assert len(paths) >= 15
        assert all(path.replace("<", "&lt;") in page for path in paths)
        assert all(path.startswith("/api/") for path in paths)

    @pytest.mark.parametrize(
        ("route", "url"),
        [(url, f"/api{url}") for url in ("/today", "/trust", "/spend", "/owners", "/packs", "/data", "/budgets", "/cases",
                                         "/actions", "/policies", "/number/spend")]
        + [("/cases/{case_id}", "/api/cases/case-1"), ("/decisions/{decision_id}", "/api/decisions/dec-1"),
           ("/number/finding/{finding_id}", "/api/number/finding/f-1"), ("/number/case/{case_id}", "/api/number/case/case-1")],
    )  # fmt: skip
    def test_each_answer_is_what_its_description_promises(self, browser, route, url) -> None:
        described = browser.get("/api/openapi.json").json()
        schema = described["paths"][f"/api{route}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert schema
        jsonschema.validate(browser.get(url).json(), {**schema, "components": described["components"]})


class TestTheAddress:
    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "fiscus.example", ""])
    def test_no_other_address_is_served_without_sign_in(self, home, host) -> None:
        with pytest.raises(NotAllowed) as refused:
            serve(home, host, 0)
        assert "sign-in" in refused.value.remedy

    def test_a_port_that_is_taken_is_said_before_anything_starts(self, home) -> None:
        import socket

        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            with pytest.raises(Unavailable, match="cannot be used"):
                serve(home, "127.0.0.1", taken.getsockname()[1])


class TestAWorkspaceThatChanges:
    def test_an_edited_file_counts_at_the_next_page(self, home) -> None:
        get_ws = OpenWorkspace(home, open_workspace(home))
        first = get_ws()
        assert get_ws() is first
        path = home / "fiscus.yaml"
        path.write_text(path.read_text() + "\n# read again\n")
        assert get_ws().config.digest != first.config.digest

    def test_a_file_that_does_not_load_is_an_answer_with_its_line(self, home) -> None:
        browser = Browser(build_server(home, 8720))
        assert browser.get("/").status_code == 200
        (home / "fiscus.yaml").write_text("version: 1\ncompany: [\n")
        page = browser.get("/")
        assert page.status_code == 422
        assert "fiscus.yaml" in page.text
        assert browser.get("/api/today").json()["error"]["code"] == "bad_config"


def test_a_monitoring_system_reads_where_the_budgets_stand(browser) -> None:
    page = browser.get("/metrics")
    assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "# TYPE fiscus_ledger_up gauge\nfiscus_ledger_up 1\n" in page.text


def test_a_monitoring_system_sees_the_headroom_of_each_budget_that_was_judged(home) -> None:
    run_loop(open_workspace(home, date(2026, 11, 20)), Silent())
    page = Browser(build_server(home, 8720, open_workspace(home, date(2026, 11, 20)))).get("/metrics").text
    assert 'fiscus_budget_headroom_nanos{budget="everything",currency="USD"} 100000000000000\n' in page
